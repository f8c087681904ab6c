//! The cyclic executor.
//!
//! One thread owns a [`Link`](zerocat_link::Link) and drives one network on an absolute grid. Each cycle is a sequence of
//! pure steps ([`Engine`]), which a [`Stepper`] puts on the grid. The loop around them ([`run`](run())) is the only place that
//! looks at the clock, so that the same steps run under a virtual clock and in a program's own loop.
//!
//! Guarantees:
//! - After an exchange is installed and its first cycle has passed, no step allocates, locks, logs or makes a system call
//!   other than the link's kick, the clock and the sleep.
//! - Inputs are delivered as good only where the working counter, and who answered in the same frame, say that their
//!   SubDevice took part in that cycle.
//! - A slow reader, a full ring or a flood of foreign frames is counted, never waited for.
//! - An output that follows an input ([`Follow`]) has its value of the cycle before until somebody commands it.
//! - Nothing that was commanded before an outage is sent after it ([`CommandWriter`]), and frames that weren't sent for
//!   longer than the SubDevices' watchdog carry safe outputs first. The same holds for a single SubDevice of which an
//!   ordinary thread says that it was left without frames ([`Voider`]).
//! - A writer with limits sends nothing that was computed from an older cycle than it allows, and its outputs are safe when it
//!   commands nothing for longer than it may.
//! - Every acyclic request ends: it is answered, or given back as lost.
//!
//! Not guaranteed: that a frame comes back. That is counted too.
#![forbid(unsafe_code)]

mod acyclic;
mod cell;
#[cfg(test)]
mod cell_tests;
mod clock;
mod command;
mod control;
mod counters;
mod cycle;
mod cyclic;
mod event;
mod follow;
mod frame;
mod lane;
mod limits;
mod mail;
mod measure;
mod newest;
mod packed;
mod parts;
#[cfg(feature = "planted")]
pub mod planted;
mod presence;
mod record;
mod reference;
mod run;
mod safe;
mod sample;
mod steer;
mod stepper;
mod sync;
mod validity;
mod void;

pub use acyclic::{AcyclicLane, AcyclicSettings, Pool};
pub use clock::{ClockCounters, ClockState};
pub use command::{CommandSet, CommandState, CommandWriter, Made, Order, RingFull, WriterPort, WriterSpec, writer};
pub use control::{ControlClosed, Controls, TakingPart, Traffic};
pub use counters::{Counters, CountersReader};
pub use cycle::{Concluded, EndReason, Engine, EngineParts, Slack, Timing};
pub use cyclic::{CyclicLane, HOST_CLOCK_ROOM, LaneError, LaneOptions, MAX_FRAMES, PROCESS_DATA_ROOM};
pub use event::{CycleFault, Event, EventReader};
pub use follow::{Follow, Others};
pub use lane::{Exchange, slots_needed};
pub use mail::{MailPort, MailReader, mail};
pub use measure::{Distribution, Measurements, Summary};
pub use newest::{NewestHeader, NewestPort, NewestReader, NewestWatch, newest};
pub use presence::Presence;
pub use reference::{HostClock, ReferenceClock};
pub use run::{RealtimeUsage, RunOutcome, Settings, run};
pub use safe::SafeOutputs;
pub use sample::{Origin, ReaderSpec, SampleHeader, SamplePort, SampleReader, StateReader, reader, reader_while_safe};
pub use steer::{SteerSettings, SteerState, Steering};
pub use stepper::{Step, Stepper};
pub use void::{Voided, Voider, Voids, voids};
