//! A program against the simulated segment under virtual time, in one thread: for the tests of a controller, without root, a
//! network, or a clock.
//!
//! The bus's life, the engine and the program's [`Io`](crate::Io) are those of production; only who has the clock differs. The same
//! segment, settings and program give the same run. Needs the feature `testing`.
//!
//! ```
//! # use std::time::Duration;
//! use zerocat::testing::{Bench, ProfileKind, line};
//! let mut bus = Bench::bus().silent_after(Duration::from_millis(20));
//! let (position, mode) = (bus.input::<i32>(0, 0x6064), bus.output::<i8>(0, 0x6060));
//! let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo]))?;
//! let cycle = bench.step(&mut io)?;
//! io.set(mode, 8);
//! io.commit(&cycle)?;
//! assert_eq!(io.get(position), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Not here: the tasks of a rig file, which are threads with clocks of their own. The frame pool of each bench, 200 kB, lives as
//! long as the process.

mod bench;

pub use bench::{Bench, BenchError};
pub use zerocat_sim::{Action, End, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
pub use zerocat_wire::coe::DiagnosisKind;

/// A segment of SubDevices in a line.
#[must_use]
pub fn line(kinds: &[ProfileKind]) -> SegmentConfig {
    let numbered = |(serial, kind): (u32, &ProfileKind)| SubDeviceConfig { serial, ..SubDeviceConfig::new(*kind) };
    SegmentConfig::line((1..).zip(kinds).map(numbered).collect())
}
