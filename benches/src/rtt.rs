//! `zerocat bench rtt`: what a round trip and a cycle take, flat out, with the engine and with the bare sockets under
//! it.
//!
//! In each round the rows come one after the other, so that a drift of the machine affects all of them; a ratio is the
//! median, over the rounds, of the ratios within one round. All rows are timed by the same code:
//!
//! - *round trip*: from before the post until the frame is back, complete cycles only;
//! - *cycle*: all the work of one exchange. For the engine that is from the start of its preparation to the end of its
//!   conclusion (commands taken, samples and states pushed, counters published); for a bare socket it is the ping with
//!   the bookkeeping of its rings.
//!
//! The engine is the one of production: over a boxed link, with one LRW datagram that fills the frame (one half
//! outputs, one half inputs), a reader of all inputs, a writer of all outputs with state feedback in every cycle, and a
//! new command set in every 16th. Commands are pushed and samples taken between two cycles, not timed.
//!
//! A row works in stints with pauses in between ([`zerocat_measure::Stint`]); some cycles after each pause don't count.
//!
//! Over veth the kernel runs the whole round trip within the call that sends: the figures are the CPU time of the path
//! through the kernel, and say nothing about a NIC.

mod pace;
mod report;
pub(crate) mod subject;

pub use report::{Ratio, Row, RttReport, SCHEMA, table};

use crate::host::{BenchHost, last_cpu};
use crate::measuring::MeasuringError;
use pace::{Pace, Tally};
use serde::Serialize;
use std::time::Duration;
use subject::{Burst, EngineSubject, Subject};
use zerocat_engine::LaneError;
use zerocat_link::lock::{InterfaceLock, LockError};
use zerocat_link::packet::PacketError;
use zerocat_link::packet::floor::FloorWait;
use zerocat_sched::{ProcessSetup, RealtimeRequest, prepare_process};
use zerocat_xdp::{Mode, Passthrough, Reflector, XdpError, XdpOptions, XdpReport};

/// Shortest frame that can be measured, in bytes.
pub const MIN_SIZE: usize = 60;
/// Longest frame that can be measured, in bytes.
pub const MAX_SIZE: usize = 1514;
/// Working counter of an LRW datagram behind a [`Reflector`].
pub const REFLECTED: u16 = 3;

/// What to measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RttSettings {
    /// The MainDevice's interface.
    pub interface: String,
    /// The interface at the other end, if it is in the same network namespace: the bench puts a reflector on it.
    /// Without it something else must answer.
    pub reflector: Option<String>,
    /// Cycles of each row in each round.
    pub cycles: u32,
    /// Rounds.
    pub rounds: u32,
    /// Lengths of a frame in bytes, 60 to 1,514.
    pub sizes: Vec<usize>,
    /// CPU to measure on; the last one if not given.
    pub cpu: Option<usize>,
    /// SCHED_FIFO priority; with `null` it stays an ordinary thread.
    pub priority: Option<u8>,
    /// After this long a frame is lost.
    #[serde(rename = "deadline_us", serialize_with = "micros")]
    pub deadline: Duration,
    /// Working counter that the LRW datagram has to come back with.
    pub expected_working_counter: u16,
    /// Measure AF_XDP in generic mode too.
    pub all_modes: bool,
}

impl Default for RttSettings {
    fn default() -> Self {
        Self {
            interface: String::new(),
            reflector: None,
            cycles: 20_000,
            rounds: 5,
            sizes: vec![60, 300, 1514],
            cpu: None,
            priority: Some(80),
            deadline: Duration::from_millis(2),
            expected_working_counter: REFLECTED,
            all_modes: false,
        }
    }
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum RttError {
    /// A frame can't have this size.
    #[error("frame of {0} bytes; choose {MIN_SIZE} to {MAX_SIZE}")]
    Size(usize),
    /// Nothing asked for.
    #[error("nothing to measure: give at least one cycle, one round and one size")]
    Nothing,
    /// Another zerocat has the interface, or there is no such interface.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// An AF_XDP socket or program.
    #[error("{row} on {interface}")]
    Xdp {
        /// The row, or `reflector`.
        row: &'static str,
        /// Interface.
        interface: String,
        /// Why.
        source: Box<XdpError>,
    },
    /// An AF_PACKET socket.
    #[error("{row} on {interface}")]
    Packet {
        /// The row.
        row: &'static str,
        /// Interface.
        interface: String,
        /// Why.
        source: PacketError,
    },
    /// The plan makes no lane.
    #[error("a lane of frames of {size} bytes")]
    Lane {
        /// Length of the frame.
        size: usize,
        /// Why.
        source: LaneError,
    },
    /// Every frame was lost.
    #[error(
        "{row}: none of {frames} frames of {size} bytes came back on {interface}; is there a segment or reflector?"
    )]
    AllLost {
        /// What was measured.
        row: &'static str,
        /// Interface.
        interface: String,
        /// Length of the frame.
        size: usize,
        /// Frames sent.
        frames: u64,
    },
    /// The measuring thread.
    #[error("measure {row}")]
    Thread {
        /// What was measured.
        row: &'static str,
        /// Why.
        source: MeasuringError,
    },
}

/// What a row measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    FloorXdp(Option<Mode>),
    EngineXdp(Option<Mode>),
    FloorPacket,
    EnginePacket,
}

impl Kind {
    const ALWAYS: [Self; 4] = [Self::FloorXdp(None), Self::EngineXdp(None), Self::FloorPacket, Self::EnginePacket];
    const GENERIC: [Self; 2] = [Self::FloorXdp(Some(Mode::Generic)), Self::EngineXdp(Some(Mode::Generic))];

    const fn name(self) -> &'static str {
        match self {
            Self::FloorXdp(_) => "floor-xdp",
            Self::EngineXdp(_) => "engine-xdp",
            Self::FloorPacket => "floor-packet",
            Self::EnginePacket => "engine-packet",
        }
    }

    const fn link(self) -> &'static str {
        match self {
            Self::FloorXdp(_) | Self::EngineXdp(_) => "xdp",
            Self::FloorPacket | Self::EnginePacket => "packet",
        }
    }

    /// Mode in which the reflector answers.
    const fn reflector(self) -> Mode {
        match self {
            Self::FloorXdp(Some(mode)) | Self::EngineXdp(Some(mode)) => mode,
            _ => Mode::NativeCopy,
        }
    }
}

/// Runs the bench. `progress` is called with a line of text now and then.
///
/// # Errors
/// The first set-up that failed, or a row without an answer.
pub fn run(settings: &RttSettings, mut progress: impl FnMut(&str)) -> Result<RttReport, RttError> {
    check(settings)?;
    let _lock = InterfaceLock::take(&settings.interface)?;
    let mut settings = settings.clone();
    settings.cpu = settings.cpu.or_else(last_cpu);
    let request = request(&settings);
    let setup = prepare_process(&request);
    let bench = Bench { settings: &settings, pace: Pace::new(request) };
    let mut rows = bench.rows();
    for round in 1..=settings.rounds {
        for row in &mut rows {
            let (opened, tally) = bench.measure(row.kind, row.size)?;
            row.opened = opened;
            row.tally.add(&tally);
            row.rounds.push(report::Medians::of(&tally));
        }
        progress(&format!("round {round} of {} done", settings.rounds));
    }
    Ok(report::report(&settings, host(&settings, &rows), missing(&setup, &rows), &rows))
}

/// The machine, with the driver as AF_XDP was told it: that of a virtual interface isn't in sysfs.
fn host(settings: &RttSettings, rows: &[Measured]) -> BenchHost {
    let mut host = BenchHost::read(Some(&settings.interface));
    if let Some(interface) = &mut host.interface {
        let told = rows.iter().find_map(|row| row.opened.driver.clone());
        interface.driver = interface.driver.take().or(told);
    }
    host
}

fn check(settings: &RttSettings) -> Result<(), RttError> {
    if let Some(&size) = settings.sizes.iter().find(|size| !(MIN_SIZE..=MAX_SIZE).contains(*size)) {
        return Err(RttError::Size(size));
    }
    if settings.sizes.is_empty() || settings.cycles == 0 || settings.rounds == 0 {
        return Err(RttError::Nothing);
    }
    Ok(())
}

fn request(settings: &RttSettings) -> RealtimeRequest {
    RealtimeRequest {
        cpu: settings.cpu,
        priority: settings.priority,
        prefault_heap: 64 * 1024,
        ..RealtimeRequest::default()
    }
}

fn missing(setup: &ProcessSetup, rows: &[Measured]) -> Vec<String> {
    let mut missing = setup.status.missing();
    for sentence in rows.iter().flat_map(|row| &row.tally.missing) {
        if !missing.contains(sentence) {
            missing.push(sentence.clone());
        }
    }
    missing
}

/// A row while it is measured.
#[derive(Debug)]
struct Measured {
    kind: Kind,
    size: usize,
    opened: OpenedAs,
    tally: Tally,
    rounds: Vec<report::Medians>,
}

/// What the kernel says about the socket.
#[derive(Debug, Clone, Default)]
struct OpenedAs {
    mode: Option<Mode>,
    driver: Option<String>,
}

impl OpenedAs {
    fn xdp(report: &XdpReport) -> Self {
        Self { mode: Some(report.mode_got), driver: report.driver.clone() }
    }
}

struct Bench<'a> {
    settings: &'a RttSettings,
    pace: Pace,
}

impl Bench<'_> {
    fn rows(&self) -> Vec<Measured> {
        let generic: &[Kind] = if self.settings.all_modes { &Kind::GENERIC } else { &[] };
        let kinds = || Kind::ALWAYS.iter().chain(generic).copied();
        let row = |kind, size| Measured {
            kind,
            size,
            opened: OpenedAs::default(),
            tally: Tally::default(),
            rounds: Vec::new(),
        };
        self.settings.sizes.iter().flat_map(|&size| kinds().map(move |kind| row(kind, size))).collect()
    }

    /// Sets up a row, measures it once and takes everything down again.
    fn measure(&self, kind: Kind, size: usize) -> Result<(OpenedAs, Tally), RttError> {
        let _reflector = self.reflector(kind.reflector())?;
        let (opened, tally) = match kind {
            Kind::FloorXdp(mode) => {
                let frame = subject::frame(size).map_err(|source| RttError::Lane { size, source })?;
                let floor = subject::floor_xdp(&self.options(mode, size), &frame, self.burst(size));
                let mut floor = floor.map_err(|source| self.xdp(kind, source))?;
                let opened = OpenedAs::xdp(floor.report());
                (opened, self.pace(kind, &mut floor)?)
            }
            Kind::EngineXdp(mode) => {
                let link = subject::link_xdp(&self.options(mode, size)).map_err(|source| self.xdp(kind, source))?;
                let opened = OpenedAs::xdp(link.report());
                let mut engine = self.engine(size, Box::new(link))?;
                (opened, self.pace(kind, &mut engine)?)
            }
            Kind::FloorPacket => {
                let _native = self.passthrough()?;
                let frame = subject::frame(size).map_err(|source| RttError::Lane { size, source })?;
                let (interface, burst) = (&self.settings.interface, self.burst(size));
                let floor = subject::floor_packet(interface, &frame, FloorWait::Spin, burst);
                (OpenedAs::default(), self.pace(kind, &mut floor.map_err(|source| self.packet(kind, source))?)?)
            }
            Kind::EnginePacket => {
                let _native = self.passthrough()?;
                let link = subject::link_packet(&self.settings.interface, self.burst(size));
                let link = link.map_err(|source| self.packet(kind, source))?;
                let mut engine = self.engine(size, Box::new(link))?;
                (OpenedAs::default(), self.pace(kind, &mut engine)?)
            }
        };
        if tally.cycles() == 0 {
            let (row, interface) = (kind.name(), self.settings.interface.clone());
            return Err(RttError::AllLost { row, interface, size, frames: tally.lost });
        }
        Ok((opened, tally))
    }

    fn pace<S: Subject + Send>(&self, kind: Kind, subject: &mut S) -> Result<Tally, RttError> {
        self.pace.measure(subject, self.settings.cycles).map_err(|source| RttError::Thread { row: kind.name(), source })
    }

    fn engine(&self, size: usize, link: subject::AnyLink) -> Result<EngineSubject, RttError> {
        EngineSubject::new(link, self.burst(size)).map_err(|source| RttError::Lane { size, source })
    }

    const fn burst(&self, size: usize) -> Burst {
        let RttSettings { deadline, expected_working_counter: expected, .. } = *self.settings;
        Burst { size, frames: 1, deadline, expected }
    }

    fn options(&self, mode: Option<Mode>, size: usize) -> XdpOptions {
        subject::options(&self.settings.interface, mode, self.burst(size))
    }

    fn reflector(&self, mode: Mode) -> Result<Option<Reflector>, RttError> {
        let attach = |peer: &String| {
            Reflector::attach(peer, mode).map_err(|source| RttError::Xdp {
                row: "reflector",
                interface: peer.clone(),
                source: Box::new(source),
            })
        };
        self.settings.reflector.as_ref().map(attach).transpose()
    }

    /// What AF_PACKET needs on its own interface to receive from a native reflector over veth.
    fn passthrough(&self) -> Result<Option<Passthrough>, RttError> {
        let attach = |_: &String| Passthrough::attach(&self.settings.interface, Mode::NativeCopy);
        let attached = self.settings.reflector.as_ref().map(attach).transpose();
        attached.map_err(|source| self.xdp(Kind::FloorPacket, source))
    }

    fn xdp(&self, kind: Kind, source: XdpError) -> RttError {
        RttError::Xdp { row: kind.name(), interface: self.settings.interface.clone(), source: Box::new(source) }
    }

    fn packet(&self, kind: Kind, source: PacketError) -> RttError {
        RttError::Packet { row: kind.name(), interface: self.settings.interface.clone(), source }
    }
}

pub(crate) fn micros<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_frame_that_no_network_carries() {
        for size in [59, 1515] {
            let settings = RttSettings { sizes: vec![60, size], ..RttSettings::default() };
            let error = run(&settings, |_| ()).unwrap_err();
            assert!(matches!(error, RttError::Size(wrong) if wrong == size), "{error}");
        }
    }

    #[test]
    fn refuses_to_measure_nothing() {
        let settings = RttSettings { rounds: 0, ..RttSettings::default() };
        assert!(matches!(run(&settings, |_| ()), Err(RttError::Nothing)));
    }

    #[test]
    fn an_interface_that_is_not_there_is_named() {
        let settings = RttSettings { interface: "zc-nowhere".to_owned(), ..RttSettings::default() };
        let error = run(&settings, |_| ()).unwrap_err().to_string();
        assert!(error.contains("zc-nowhere"), "{error}");
    }
}
