//! What went wrong in a cycle, as plain data in a ring for the health thread.

use rtrb::{Consumer, Producer, RingBuffer};
use std::time::Duration;
use zerocat_link::LinkFault;
use zerocat_sched::Time;

/// What a cycle reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycleFault {
    /// Ticks were missed because the thread came too late.
    Skipped(u64),
    /// The thread woke later than a quarter of the period after its tick.
    Late(Duration),
    /// The thread wanted to run and didn't for so long: something took its CPU.
    Hole(Duration),
    /// No frame was sent for so long, which is longer than the SubDevices' watchdog: outputs were made safe before the
    /// next one.
    Stall(Duration),
    /// Frame number `frame` of the cycle did not come back before the deadline.
    Lost {
        /// Number of the frame in the plan.
        frame: u16,
    },
    /// A datagram came back with a working counter other than expected. Inputs of who took no part were not taken; where it
    /// isn't known who that is, none were.
    WorkingCounter {
        /// Number of the frame in the plan.
        frame: u16,
        /// Number of the datagram in the frame.
        datagram: u16,
        /// Counter when everybody takes part who contributes as far as is known.
        expected: u16,
        /// Counter that came.
        got: u16,
    },
    /// The ORed AL status of all SubDevices changed.
    AlStatus {
        /// Before.
        was: u16,
        /// Now: the ORed states, bit 4 for an error.
        now: u16,
        /// SubDevices that answered.
        responding: u16,
    },
    /// The link reported an error.
    Link(LinkFault),
}

impl std::fmt::Display for CycleFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Skipped(ticks) => write!(f, "{ticks} ticks skipped"),
            Self::Late(by) => write!(f, "woke {by:?} after the tick"),
            Self::Hole(lost) => write!(f, "preempted for {lost:?}"),
            Self::Stall(gap) => {
                let seconds = gap.as_secs_f64();
                write!(f, "no frame was sent for {seconds:.1} s, longer than the watchdog; outputs are safe")
            }
            Self::Lost { frame } => write!(f, "frame {frame} did not come back in time"),
            Self::WorkingCounter { frame, datagram, expected, got } => {
                write!(f, "working counter {got} of {expected} in frame {frame}, datagram {datagram}")
            }
            Self::AlStatus { was, now, responding } => {
                write!(f, "AL status of all SubDevices {was:#04x} -> {now:#04x}, {responding} answering")
            }
            Self::Link(fault) => write!(f, "link: {fault}"),
        }
    }
}

/// A fault with its cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Number of the cycle on the grid.
    pub cycle: u64,
    /// Its tick.
    pub at: Time,
    /// What happened.
    pub fault: CycleFault,
}

/// The realtime end of the event ring.
#[derive(Debug)]
pub(crate) struct EventSender(Producer<Event>);

/// The far end of the event ring.
#[derive(Debug)]
pub struct EventReader(Consumer<Event>);

/// A ring for `depth` events, every page of it touched.
pub(crate) fn events(depth: usize) -> (EventSender, EventReader) {
    let (mut producer, mut consumer) = RingBuffer::new(depth.max(1));
    let filler = Event { cycle: 0, at: Time(0), fault: CycleFault::Skipped(0) };
    while producer.push(filler).is_ok() {}
    while consumer.pop().is_ok() {}
    (EventSender(producer), EventReader(consumer))
}

impl EventSender {
    /// Pushes an event; `false` when it didn't fit.
    #[cold]
    pub(crate) fn push(&mut self, event: Event) -> bool {
        self.0.push(event).is_ok()
    }
}

impl EventReader {
    /// The oldest event that waits.
    pub fn pop(&mut self) -> Option<Event> {
        self.0.pop().ok()
    }

    /// Whether the realtime end is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_abandoned()
    }
}
