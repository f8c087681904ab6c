//! Our rows, each in a process of its own like those of the peers: `zerocat bench row NAME`.

use crate::rtt::subject::{
    self, AnyLink, Burst, EngineSubject, Lost as SubjectLost, Subject, floor_packet, floor_xdp, link_packet, link_xdp,
    options,
};
use std::time::Duration;
use zerocat_engine::LaneError;
use zerocat_link::lock::{InterfaceLock, LockError};
use zerocat_link::packet::PacketError;
use zerocat_link::packet::PacketLink;
use zerocat_link::packet::floor::FloorWait;
use zerocat_link::{Link, LinkFault, Slot};
use zerocat_measure::{DialogueError, Lost, Plan, RoundTrip, RowReport, measure, print, read_plan, ready};
use zerocat_sched::{RealtimeRequest, prepare_process, prepare_thread};
use zerocat_xdp::{Mode, XdpError, XdpReport};

/// One of our rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnRow {
    /// A bare AF_XDP socket, in this mode or else in the best that can be bound.
    FloorXdp(Option<Mode>),
    /// The same once more: how far two measurements of one thing are apart on this machine.
    FloorXdpAgain,
    /// The engine over AF_XDP.
    EngineXdp(Option<Mode>),
    /// A bare AF_PACKET socket, polled again and again.
    FloorPacketSpin,
    /// The engine over AF_PACKET, as it is in production.
    EnginePacketSpin,
    /// A bare AF_PACKET socket, with a blocking wait.
    FloorPacketBlock,
    /// The engine over AF_PACKET, sleeping in the kernel until a frame arrives.
    EnginePacketBlock,
}

impl OwnRow {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::EngineXdp(None),
        Self::FloorXdp(None),
        Self::FloorXdpAgain,
        Self::EngineXdp(Some(Mode::Generic)),
        Self::FloorXdp(Some(Mode::Generic)),
        Self::EnginePacketSpin,
        Self::FloorPacketSpin,
        Self::EnginePacketBlock,
        Self::FloorPacketBlock,
    ];

    /// Its name in reports and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FloorXdp(None) => "floor-xdp",
            Self::FloorXdpAgain => "floor-xdp-again",
            Self::FloorXdp(Some(_)) => "floor-xdp-generic",
            Self::EngineXdp(None) => "engine-xdp",
            Self::EngineXdp(Some(_)) => "engine-xdp-generic",
            Self::FloorPacketSpin => "floor-packet-spin",
            Self::EnginePacketSpin => "engine-packet-spin",
            Self::FloorPacketBlock => "floor-packet-block",
            Self::EnginePacketBlock => "engine-packet-block",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::FloorXdp(None) => "bare AF_XDP socket",
            Self::FloorXdpAgain => "the same once more",
            Self::FloorXdp(Some(_)) => "bare AF_XDP socket, generic",
            Self::EngineXdp(None) => "zerocat, AF_XDP",
            Self::EngineXdp(Some(_)) => "zerocat, AF_XDP generic",
            Self::FloorPacketSpin => "bare AF_PACKET socket, spinning",
            Self::EnginePacketSpin => "zerocat, AF_PACKET spinning",
            Self::FloorPacketBlock => "bare AF_PACKET socket, blocking",
            Self::EnginePacketBlock => "zerocat, AF_PACKET blocking",
        }
    }

    /// Mode that it is forced into.
    #[must_use]
    pub const fn mode(self) -> Option<Mode> {
        match self {
            Self::FloorXdp(mode) | Self::EngineXdp(mode) => mode,
            _ => None,
        }
    }

    /// Whether it is a bare socket and not the engine.
    #[must_use]
    pub const fn is_floor(self) -> bool {
        matches!(self, Self::FloorXdp(_) | Self::FloorXdpAgain | Self::FloorPacketSpin | Self::FloorPacketBlock)
    }

    /// Whether it brings an XDP program of its own.
    #[must_use]
    pub const fn is_xdp(self) -> bool {
        matches!(self, Self::FloorXdp(_) | Self::FloorXdpAgain | Self::EngineXdp(_))
    }
}

impl std::str::FromStr for OwnRow {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|row| row.name() == name).ok_or_else(|| format!("no row `{name}`"))
    }
}

/// Why one of our rows gave no report.
#[derive(Debug, thiserror::Error)]
pub enum OwnRowError {
    /// The dialogue with the bench broke off.
    #[error(transparent)]
    Dialogue(#[from] DialogueError),
    /// Another zerocat has the interface, or there is no such interface.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// An AF_XDP socket or program.
    #[error("open AF_XDP")]
    Xdp(#[from] XdpError),
    /// An AF_PACKET socket.
    #[error("open AF_PACKET")]
    Packet(#[from] PacketError),
    /// The frames make no lane.
    #[error("make a lane of the frames")]
    Lane(#[from] LaneError),
    /// More frames than a burst may have.
    #[error("a burst of {0} frames; 65535 at most")]
    Frames(usize),
}

/// Talks to the bench on standard input and output, measures and prints the report.
///
/// # Errors
/// What failed before there was a report.
pub fn run(row: OwnRow) -> Result<(), OwnRowError> {
    let plan = read_plan()?;
    let frames = u16::try_from(plan.frames).map_err(|_| OwnRowError::Frames(plan.frames))?;
    let expected = plan.expected_working_counter;
    let burst = Burst { size: plan.size, frames, deadline: plan.deadline(), expected };
    let request = RealtimeRequest { cpu: plan.cpu, priority: plan.priority, ..RealtimeRequest::default() };
    let _lock = InterfaceLock::take(&plan.interface)?;
    let setup = prepare_process(&request);
    let mut told = None;
    let mut report = match row {
        OwnRow::FloorXdp(_) | OwnRow::FloorXdpAgain => {
            let options = options(&plan.interface, row.mode(), burst);
            let mut floor = floor_xdp(&options, &subject::frame(burst.size)?, burst)?;
            told = Some(floor.report().clone());
            time(&mut floor, &plan, &request)?
        }
        OwnRow::EngineXdp(mode) => {
            let link = link_xdp(&options(&plan.interface, mode, burst))?;
            told = Some(link.report().clone());
            time_engine(Box::new(link), burst, &plan, &request)?
        }
        OwnRow::FloorPacketSpin | OwnRow::FloorPacketBlock => {
            let wait = if row == OwnRow::FloorPacketBlock { FloorWait::Block } else { FloorWait::Spin };
            let mut floor = floor_packet(&plan.interface, &subject::frame(burst.size)?, wait, burst)?;
            time(&mut floor, &plan, &request)?
        }
        OwnRow::EnginePacketSpin => {
            time_engine(Box::new(link_packet(&plan.interface, burst)?), burst, &plan, &request)?
        }
        OwnRow::EnginePacketBlock => {
            let link =
                Blocking { link: link_packet(&plan.interface, burst)?, out: 0, empty: false, patience: burst.deadline };
            time_engine(Box::new(link), burst, &plan, &request)?
        }
    };
    report.set_up = set_up(row, &plan);
    report.missing.splice(0..0, setup.status.missing());
    describe(&mut report, told.as_ref());
    Ok(print(&report)?)
}

fn describe(report: &mut RowReport, told: Option<&XdpReport>) {
    report.mode = told.map(|told| told.mode_got.key().to_owned());
    report.driver = told.and_then(|told| told.driver.clone());
}

fn set_up(row: OwnRow, plan: &Plan) -> String {
    let what = match row {
        _ if row.is_floor() => "a socket and nothing above it",
        OwnRow::EnginePacketBlock => "the engine of production, asleep in ppoll where nothing has arrived",
        _ => "the engine of production with a reader of all inputs and a writer of all outputs",
    };
    let priority = plan.priority.map_or_else(String::new, |level| format!(" with FIFO {level}"));
    let cpu = plan.cpu.map_or_else(String::new, |cpu| format!(" on CPU {cpu}"));
    format!("{what}, one thread{priority}{cpu}, one LRW a frame")
}

fn time_engine(link: AnyLink, burst: Burst, plan: &Plan, request: &RealtimeRequest) -> Result<RowReport, OwnRowError> {
    time(&mut EngineSubject::new(link, burst)?, plan, request)
}

fn time<S: Subject>(subject: &mut S, plan: &Plan, request: &RealtimeRequest) -> Result<RowReport, OwnRowError> {
    ready()?;
    let missing = prepare_thread(request).missing();
    let tally = zerocat_bus::block_on(measure(&mut Timed(subject), plan), || ());
    Ok(tally.report(String::new(), missing))
}

/// A subject whose exchanges need no waker.
struct Timed<'a, S>(&'a mut S);

impl<S: Subject> RoundTrip for Timed<'_, S> {
    #[inline]
    fn prepare(&mut self) {
        self.0.prepare();
    }

    #[inline]
    async fn exchange(&mut self) -> Result<Option<u64>, Lost> {
        self.0.exchange().map(Some).map_err(|SubjectLost| Lost)
    }

    fn between(&mut self) {
        self.0.between();
    }

    fn drain(&mut self) {
        self.0.drain();
    }

    fn working_counter_faults(&self) -> u64 {
        self.0.working_counter_faults()
    }
}

/// An AF_PACKET link that sleeps in the kernel when it has nothing to receive while frames are out.
#[derive(Debug)]
struct Blocking {
    link: PacketLink,
    /// Frames that are out.
    out: usize,
    /// The last look found nothing.
    empty: bool,
    patience: Duration,
}

impl Link for Blocking {
    zerocat_link::delegate_to!(link: slots, slot, slot_mut, kick, counters);

    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        self.out += 1;
        self.empty = false;
        self.link.post(slot, len)
    }

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        if self.empty && self.out > 0 {
            self.link.wait(self.patience);
        }
        let received = self.link.receive()?;
        self.empty = received.is_none();
        if received.is_some() {
            self.out = self.out.saturating_sub(1);
        }
        Ok(received)
    }

    fn withdraw(&mut self) {
        self.link.withdraw();
        self.out = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_that_finds_it() {
        for row in OwnRow::ALL {
            assert_eq!(row.name().parse(), Ok(row));
        }
        assert!("engine".parse::<OwnRow>().is_err());
    }
}
