//! Which lane a received frame is of, and what is counted of it.

use crate::acyclic::AcyclicLane;
use crate::counters::Counters;
use crate::cyclic::{Admission, CyclicLane};
use crate::event::{CycleFault, Event, EventSender};
use zerocat_sched::Time;
use zerocat_wire::ethernet::{self, MacAddress};

/// Which lane a received frame is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Cyclic,
    Acyclic,
    Neither,
}

/// Hands received frames to their lanes: what `poll` needs beside the link, which lends the frame.
pub(super) struct Receiving<'a> {
    pub(super) lane: Option<&'a mut CyclicLane>,
    pub(super) acyclic: &'a mut AcyclicLane,
    pub(super) counters: &'a mut Counters,
    pub(super) events: &'a mut EventSender,
    pub(super) cycle: u64,
    pub(super) at: Time,
}

impl Receiving<'_> {
    /// Gives a frame to the lane that it is of.
    #[inline]
    pub(super) fn admit(&mut self, bytes: &[u8]) -> Lane {
        match ethernet::source(bytes) {
            Ok(source) if CyclicLane::owns(source) => {
                self.admit_cyclic(bytes, source);
                Lane::Cyclic
            }
            Ok(source) if AcyclicLane::owns(source) => {
                self.acyclic.admit(bytes);
                Lane::Acyclic
            }
            _ => {
                self.counters.foreign_frames += 1;
                Lane::Neither
            }
        }
    }

    fn admit_cyclic(&mut self, bytes: &[u8], source: MacAddress) {
        let Self { lane, counters, events, cycle, at, .. } = self;
        let Some(lane) = lane else {
            counters.late_frames += 1;
            return;
        };
        let admission = lane.admit(bytes, source, |wrong| {
            counters.working_counter_faults += 1;
            let fault = CycleFault::WorkingCounter {
                frame: wrong.frame,
                datagram: wrong.datagram,
                expected: wrong.expected,
                got: wrong.got,
            };
            counters.events_dropped += u64::from(!events.push(Event { cycle: *cycle, at: *at, fault }));
        });
        match admission {
            Admission::Taken => {}
            Admission::Late { cycles } => {
                counters.late_frames += 1;
                counters.late_cycles = cycles.into();
            }
            Admission::Malformed => counters.malformed_frames += 1,
        }
    }
}
