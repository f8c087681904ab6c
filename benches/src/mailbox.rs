//! `zerocat bench mailbox`: SDO transactions beside the cycle, with every value checked.
//!
//! The soak runs under virtual time, in one thread: a bus as production has it against a simulated segment whose SubDevices are all
//! asked at once, while frames are lost, doubled and late, and mailboxes have habits that the seed draws. Each SubDevice is asked
//! for what it was told before, and each value that is written is unique, so that an answer to something else shows.
//!
//! Over a veth pair it measures in real time: rate, latency, and what transactions cost the cycle; or soaks there.
//!
//! Guarantees: the same seed and settings give the same transactions and the same results under virtual time, but for CPU time and memory. A request
//! that fails is asked again within its deadline, as a program may do with reads and with writes of the same value; that is counted
//! apart. Not measured under virtual time: how long a cycle takes on a machine.

mod aims;
mod customer;
mod ethernet;
mod file;
mod live;
mod rate;
mod reason;
mod segment;
mod soak;
mod table;
mod tally;
mod watch;
mod world;

pub use aims::Aim;
pub use ethernet::{Carrier, EthernetRate};
pub use file::{FileReport, FileState, FileWay};
pub use rate::{Pair, RateReport};
pub use reason::Reason;
pub use table::table;
pub use tally::Repeats;

use serde::Serialize;
use std::collections::BTreeMap;
use watch::Watch;
use zerocat::config::LinkKind;
use zerocat::testing::BenchError;
use zerocat::{RequestError, SessionError};

/// Name and version of the schema. Keys may be added; none changes its meaning.
pub const SCHEMA: &str = "zerocat-bench-mailbox/1";

/// What to run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MailboxSettings {
    /// SDO transactions in all.
    pub transactions: u64,
    /// SubDevices; one of them is frozen where there are several.
    pub subdevices: u16,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// A veth pair, in real time; `null`: in this process, under virtual time.
    pub over: Option<Veth>,
}

/// What is run over a veth pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Rate, latency and what transactions cost the cycle, without disturbances.
    Rate,
    /// The soak, with disturbances.
    Soak,
}

/// A veth pair, and how it is used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Veth {
    /// The MainDevice's interface.
    pub interface: String,
    /// Interface at the other end, where the segment is simulated.
    pub segment: String,
    /// What is run.
    pub what: What,
    /// The MainDevice's socket.
    pub link: LinkKind,
    /// CPU of the realtime thread; the last one if not given.
    pub cpu: Option<usize>,
    /// Its SCHED_FIFO priority.
    pub priority: u8,
    /// Cycles per second, in Hz.
    pub rate_hz: f64,
    /// Length of each session, and of each file at most, for the rate.
    pub seconds: f64,
    /// Pairs of sessions, for the rate.
    pub pairs: u32,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum MailboxBenchError {
    /// Nothing asked for.
    #[error(
        "give 1 or more transactions (--transactions), 1 to {MOST} SubDevices (--subdevices) and 0.1 s to a day (--seconds)"
    )]
    Nothing,
    /// Both ends are one interface.
    #[error("--interface and --segment are both {0}: give the two ends of a veth pair")]
    OneEnd(String),
    /// The bus didn't come to OP.
    #[error("bring the simulated segment to OP")]
    BringUp(#[from] BenchError),
    /// The segment can't be simulated at its interface.
    #[error("simulate the segment at {interface}: {why}")]
    Segment {
        /// The interface.
        interface: String,
        /// Why.
        why: String,
    },
    /// The session didn't come up.
    #[error(transparent)]
    Session(#[from] Box<SessionError>),
    /// A thread couldn't be started.
    #[error("start a thread")]
    Thread(#[source] std::io::Error),
    /// A SubDevice that can do it didn't do what was asked.
    #[error("{what}")]
    Asked {
        /// What was asked.
        what: &'static str,
        /// Why it wasn't done.
        source: Box<RequestError>,
    },
    /// A file isn't what was written.
    #[error("the file that was read isn't the one that was written")]
    OtherFile,
    /// The bus ended while it was asked.
    #[error("the bus ended by itself: {0}")]
    Ended(String),
    /// The end was asked for.
    #[error("stopped on request")]
    Stopped,
}

impl MailboxBenchError {
    /// The error of what was asked and wasn't done.
    fn asked(what: &'static str) -> impl Fn(RequestError) -> Self {
        move |source| Self::Asked { what, source: Box::new(source) }
    }
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct MailboxReport {
    /// Always `zerocat-bench-mailbox/1`.
    pub schema: &'static str,
    /// What was asked for.
    pub settings: MailboxSettings,
    /// Transactions that ended: those that succeeded and those that failed.
    pub transactions: u64,
    /// Those that succeeded within their deadline.
    pub succeeded: u64,
    /// Those that failed, by what they ended with; those to the frozen SubDevice too.
    pub failed_by_reason: BTreeMap<Reason, u64>,
    /// Of those that failed, the ones whose SubDevice can answer.
    pub failed_of_able: u64,
    /// Transactions to SubDevices that can answer.
    pub to_able: u64,
    /// Of those that failed, the ones with an error that says something else than what happened.
    pub wrong_errors: u64,
    /// What was asked again, of transactions that succeeded in the end or not.
    pub repeated: Repeats,
    /// Requests beside the transactions that were given up at once.
    pub cancelled: u64,
    /// Values that were never written.
    pub wrong_data: u64,
    /// Values of an earlier transaction: an answer that was given twice, or to the wrong request.
    pub duplicates: u64,
    /// Requests without an end by their deadline, and SubDevices that can't be asked at the end, when nothing else is.
    pub leaked: u64,
    /// Transactions that succeeded a second, in virtual time; over a veth pair the median of the pairs.
    pub per_second: f64,
    /// Half of the transactions that succeeded took no longer.
    pub latency_p50_us: f64,
    /// 99 of 100 took no longer.
    pub latency_p99_us: f64,
    /// Tick-to-sent p99.9 of the cycle with transactions over that without; `null` under virtual time.
    pub cycle_p999_ratio: Option<f64>,
    /// Virtual time that it took; `null` in real time.
    pub virtual_seconds: Option<f64>,
    /// CPU time that it took on this machine.
    pub cpu_seconds: f64,
    /// Memory of the process in KiB: at the start, and after each tenth of the transactions.
    pub memory_kib: Vec<u64>,
    /// Cyclic frames that didn't come back.
    pub lost_frames: u64,
    /// Emergencies that SubDevices raised while they were asked.
    pub emergencies: u64,
    /// Position of the SubDevice that takes requests and never answers; `null` where there is only one SubDevice.
    pub frozen: Option<u16>,
    /// What was measured over a veth pair; `null`: nothing.
    pub rate: Option<RateReport>,
    /// What must come out as it is.
    pub aims: Vec<Aim>,
}

impl MailboxReport {
    /// Number of aims that were missed, and of all.
    #[must_use]
    pub fn verdict(&self) -> (usize, usize) {
        (self.aims.iter().filter(|aim| !aim.met).count(), self.aims.len())
    }
}

/// Runs the soak. `progress` is called with a line of text now and then; `stop` is asked often, and ends it.
///
/// # Errors
/// See [`MailboxBenchError`].
pub fn run(
    settings: &MailboxSettings,
    mut progress: impl FnMut(&str),
    stop: impl Fn() -> bool,
) -> Result<MailboxReport, MailboxBenchError> {
    if settings.transactions == 0 || !(1..=MOST).contains(&settings.subdevices) {
        return Err(MailboxBenchError::Nothing);
    }
    let watch = Watch::new(&mut progress, &stop);
    match &settings.over {
        None => soak::run(settings, &watch),
        Some(veth) if !SECONDS.contains(&veth.seconds) => Err(MailboxBenchError::Nothing),
        Some(veth) if veth.interface == veth.segment => Err(MailboxBenchError::OneEnd(veth.interface.clone())),
        Some(veth) => match veth.what {
            What::Rate => rate::run(settings, veth, &watch),
            What::Soak => soak::run_over(settings, veth, &watch),
        },
    }
}

/// SubDevices, at most: each may have a request under way and one that was given up, and the bus thread takes 64 at a time.
const MOST: u16 = 64;
/// Lengths of a session in seconds.
const SECONDS: std::ops::RangeInclusive<f64> = 0.1..=86_400.0;

/// Bytes of the longer mailboxes of those that files and frames go through, as real SubDevices have them.
const LONG: u16 = 1024;

/// A length of two bytes; 0 where there are fewer.
fn length(bytes: &[u8]) -> u16 {
    bytes.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests;
