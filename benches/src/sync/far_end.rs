//! The segment with the servo at the far end of a veth pair, on a thread that notes each loss of synchronization.

use super::SyncBenchError;
use super::cycles::Delays;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use zerocat_link::packet::PacketLink;
use zerocat_link::{LinkFault, Sizing};
use zerocat_sched::affinity::pin_to;
use zerocat_sched::priority::set_fifo;
use zerocat_sim::{Segment, SegmentConfig, Server, SyncErrors};
use zerocat_wire::AlStatusCode;

/// Frames of a cycle and of the acyclic lane, with some to spare.
const SIZING: Sizing = Sizing { slots: 64, receive: 256 };
/// SCHED_FIFO priority of the thread.
const PRIORITY: u8 = 40;
/// The reference clock: the first SubDevice has one.
const REFERENCE: usize = 0;

/// A loss of synchronization: the reference clock's time, and the AL status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) time: u64,
    pub(super) code: u16,
}

/// The segment on its thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct FarEnd {
    stop: Arc<AtomicBool>,
    losses: Arc<Mutex<Vec<Loss>>>,
    thread: Option<JoinHandle<(Result<(), LinkFault>, SyncErrors)>>,
    delays: Delays,
}

impl FarEnd {
    /// Starts a segment, whose last SubDevice is the servo, at an interface. It plays hardware, so its thread is a realtime thread
    /// where that is possible, on another CPU than `beside`.
    ///
    /// # Errors
    /// [`SyncBenchError::Segment`], [`SyncBenchError::Port`].
    pub(super) fn start(interface: &str, file: &str, beside: Option<usize>) -> Result<Self, SyncBenchError> {
        let wrong = |why: String| SyncBenchError::Segment { interface: interface.to_owned(), why };
        let mut link = PacketLink::open(interface, SIZING)?;
        link.stamp_arrivals()?;
        let config = SegmentConfig::from_json(file).map_err(|error| wrong(zerocat::chain(&error)))?;
        let mut segment = Segment::new(&config).map_err(|error| wrong(zerocat::chain(&error)))?;
        let servo = segment.len() - 1;
        let passage = |n| segment.passage(n).map_or(0, u64::from);
        let copying = config.subdevices[servo].clock.copying_time.0;
        let delays = Delays { passage: passage(servo).saturating_sub(passage(REFERENCE)), copying };
        let (stop, losses) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (flag, noted) = (Arc::clone(&stop), Arc::clone(&losses));
        let serve = move || {
            play_hardware(beside);
            let wait = |link: &mut PacketLink, at_most| link.wait(at_most);
            let mut before = None;
            let each = |_: &mut PacketLink, segment: &mut Segment, _| {
                let lost = segment.sync_lost(servo);
                if lost != before {
                    before = lost;
                    note(segment, lost, &noted);
                }
            };
            let served = Server::new().run(&mut link, &mut segment, &flag, wait, each);
            (served, segment.snapshot().subdevices[servo].sync_errors)
        };
        let thread = Builder::new().name("zc-sim".to_owned()).spawn(serve).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { stop, losses, thread: Some(thread), delays })
    }

    /// What lies between the reference clock and the servo.
    pub(super) const fn delays(&self) -> Delays {
        self.delays
    }

    /// The losses so far.
    pub(super) fn losses(&self) -> Vec<Loss> {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends it, and says what the servo counted.
    pub(super) fn stop(mut self) -> SyncErrors {
        self.end().unwrap_or_default()
    }

    fn end(&mut self) -> Option<SyncErrors> {
        // SYNC: a flag; pairs with the relaxed load in the server's loop.
        self.stop.store(true, Ordering::Relaxed);
        // If it failed, that shows as missing frames.
        self.thread.take()?.join().ok().map(|(_, errors)| errors)
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        self.end();
    }
}

/// Gives the calling thread a CPU of its own and a priority below that of the MainDevice's, as far as it can be had.
fn play_hardware(beside: Option<usize>) {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    if let Some(cpu) = (0..cpus).find(|cpu| Some(*cpu) != beside) {
        // Where that is refused, or there is one CPU, frames are answered later.
        let _ = pin_to(cpu).and_then(|()| set_fifo(PRIORITY));
    }
}

/// Notes a loss by the time of the reference clock.
fn note(segment: &Segment, lost: Option<(Duration, AlStatusCode)>, losses: &Mutex<Vec<Loss>>) {
    let Some((at, code)) = lost else { return };
    let Some(clock) = segment.clock(REFERENCE, at) else { return };
    losses.lock().unwrap_or_else(PoisonError::into_inner).push(Loss { time: clock.system, code: code.0 });
}
