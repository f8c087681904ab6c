//! The front door for programs: [`Bus`] describes and starts, [`Session`](crate::Session) is the machine that runs, [`Io`] the
//! process data.
//!
//! Entries are asked for before the start as typed handles ([`In`], [`Out`]) and checked against what the bus maps, once. After
//! that access can't fail and costs some nanoseconds. The process data goes beside the tasks of a rig file, through a cell for
//! the newest inputs and a ring for sets of outputs, whose realtime ends travel with the tasks' in an exchange.

mod asked;
mod bus;
mod clock;
mod cycle;
mod entry;
mod field;
mod handle;
mod io;
mod oversampled;
mod place;
mod program;
mod subdevice;
mod wait;
mod why;

pub(crate) use asked::{Asked, IoEnds};
pub use bus::Bus;
pub(crate) use bus::Parts;
pub(crate) use clock::ProgramClock;
pub use cycle::{Cycle, NoCycle, Refused};
pub use entry::{Entry, Identity, SubDeviceRef};
pub use field::{Bits, Field};
pub use handle::{In, Out};
pub use io::{Io, Past};
pub(crate) use place::keys;
pub(crate) use program::Program;
pub(crate) use subdevice::Keys;
pub use subdevice::{AoeSample, AoeSamples, NoSuchSubDevice, SubDeviceHandle, VoeMail, VoeMails};
pub use wait::Waiting;
pub use why::{EntryError, EntryErrors, EntryProblem};
