//! Distributed clocks, the bus side (ETG.1000.4, 6.2; Beckhoff ESC data sheet, section I, chapter 9).
//!
//! [`compensate`] does in INIT or PRE-OP what is done once: it finds out what each ESC has ([`survey`]), latches receive times
//! several times on a silent bus ([`receive`]), by crystals that differ ([`rate`]), computes how long a frame takes to each clock ([`delay`]), and sets offsets
//! and delays so that all clocks show the reference's time ([`offset`]). From then on the cyclic frames hand the reference's
//! time on; that isn't here. [`watch`] says how far each clock is from it, and [`sync`] sets SYNC0 and SYNC1 up.
//!
//! Guarantees: a bus without clocks is asked nothing. What is odd with a clock and keeps nothing from going on is in
//! [`Clocks::oddities`], by name; whether that is an error is the caller's to say. Not guaranteed: that a clock follows, which
//! only its difference (0x092C) shows.

pub mod delay;
mod latch;
pub mod offset;
pub mod rate;
pub mod receive;
pub mod refusal;
pub mod rejoin;
mod set;
pub mod survey;
pub mod sync;
pub mod watch;

use crate::datagrams::Datagrams;
use crate::error::{BringUpError, Label};
use crate::subdevice::SubDevice;
use delay::{Delay, Delays, Node};
use latch::Round;
use offset::Setting;
use receive::{Latch, ReceiveTimes};
use survey::{ClockClass, ClockInfo};

/// Times that receive times are latched where nothing else is said. Each latch of an ESC that counts in steps of 10 ns is up to
/// that much off; the mean of several is better.
pub const LATCHES: usize = 8;
/// Receive times of one SubDevice that differ by more from one latch to the next are told.
const WIDEST_SPREAD_NS: u32 = 50;

/// What the caller may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockOptions {
    /// Position of the reference clock; `None`: the first SubDevice that has a system time.
    pub reference: Option<u16>,
    /// Times that receive times are latched, 1 or more.
    pub latches: usize,
    /// By position: processing delay less forwarding delay in nanoseconds, where a description says so.
    pub differences: Vec<Option<u32>>,
}

impl Default for ClockOptions {
    fn default() -> Self {
        Self { reference: None, latches: LATCHES, differences: Vec::new() }
    }
}

/// The clocks of a network, with their offsets and delays set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clocks {
    /// The clock that the others follow: its place in `list`.
    reference: usize,
    /// All that have a system time, in bus order.
    pub list: Vec<Clock>,
    /// Nanoseconds from a frame's entry into the reference until it comes back from the last branch behind it.
    pub loop_ns: u32,
    /// SubDevices that have receive times and no system time.
    pub receive_times_only: u16,
    /// What is odd, by SubDevice.
    pub oddities: Vec<Oddity>,
}

/// A clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Whose it is.
    pub who: Label,
    /// Its station address.
    pub station: u16,
    /// What it has.
    pub info: ClockInfo,
    /// Nanoseconds from the reference clock; negative where the frame passes it before.
    pub delay_ns: i64,
    /// How far that may be off because processing delays on the way are not known; `None` where the delay isn't known.
    pub uncertain_ns: Option<u32>,
    /// Largest difference of its receive times from one latch to another, in nanoseconds.
    pub spread_ns: u32,
    /// What was added to its local time.
    pub offset: u64,
}

/// What is odd with a SubDevice's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oddity {
    /// Who.
    pub who: Label,
    /// What.
    pub what: ClockProblem,
}

/// What may be odd with a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClockProblem {
    /// It didn't keep what was written.
    #[error(
        "it doesn't keep its offset and delay: wrote {wrote_offset:#x} and {wrote_delay} ns, reads back {offset:#x} and {delay} ns"
    )]
    NotKept {
        /// Offset that was written.
        wrote_offset: u64,
        /// Delay that was written.
        wrote_delay: u32,
        /// Offset that it shows.
        offset: u64,
        /// Delay that it shows.
        delay: u32,
    },
    /// Its delay isn't known; that of the clock before it was set.
    #[error("its delay from the reference clock can't be told: {}; that of the clock before it is used", why_unknown(.0))]
    DelayUnknown(Delay),
    /// The frame enters it by another port than 0.
    #[error("frames enter it by port {port} instead of port 0; swap its cables")]
    EnteredElsewhere {
        /// The port.
        port: u8,
    },
    /// Its receive times differ from one latch to the next.
    #[error("its receive times differ by {spread_ns} ns from one latch to the next; its delay is less exact")]
    Spread {
        /// By how much.
        spread_ns: u32,
    },
    /// Frames pass it before they pass the reference clock.
    #[error(
        "frames pass it before the reference clock; it takes the time that the MainDevice expects, and follows less exactly"
    )]
    BeforeReference,
}

fn why_unknown(delay: &Delay) -> String {
    match delay {
        Delay::Known { .. } | Delay::NoClock => "it has no receive times".to_owned(),
        Delay::BehindFork => "it stands behind a junction that has no receive times".to_owned(),
        Delay::Implausible { hop_ns } => {
            format!("the way from the clock before it would take {hop_ns} ns; its receive times or ports are wrong")
        }
        Delay::BehindUnknown => "nor can that of the clock before it".to_owned(),
    }
}

impl Clocks {
    /// The clock that the others follow.
    #[must_use]
    pub fn reference(&self) -> &Clock {
        &self.list[self.reference]
    }

    /// Those that follow it.
    pub fn followers(&self) -> impl Iterator<Item = &Clock> {
        let reference = self.reference;
        self.list.iter().enumerate().filter(move |(at, _)| *at != reference).map(|(_, clock)| clock)
    }

    /// The clock of the SubDevice at a position.
    #[must_use]
    pub fn at(&self, position: u16) -> Option<&Clock> {
        self.list.iter().find(|clock| clock.who.position == position)
    }

    /// Number of clocks: the working counter at most of a read of the reference that writes all others, and that of a
    /// broadcast read of a clock's registers.
    #[must_use]
    pub fn count(&self) -> u16 {
        u16::try_from(self.list.len()).unwrap_or(u16::MAX)
    }
}

/// Sets the offsets and delays of all clocks, from the reference's time on as it is `now`: nanoseconds of system time, asked for
/// when receive times are latched. In INIT or PRE-OP, with no SYNC on and no other frames on the bus. `None` on a bus without
/// clocks.
///
/// # Errors
/// `SubDevice`, `Datagram`; `NoReferenceClock` where the SubDevice that was chosen has no system time.
pub async fn compensate(
    datagrams: &Datagrams,
    subdevices: &[SubDevice],
    options: &ClockOptions,
    now: &dyn Fn() -> u64,
) -> Result<Option<Clocks>, BringUpError> {
    let infos = survey::survey(datagrams, subdevices).await?;
    let Some(reference) = choose(subdevices, &infos, options.reference)? else { return Ok(None) };
    set::switch_sync_off(datagrams, &infos).await?;
    let clocks = infos.iter().filter(|info| info.class >= ClockClass::Narrow).count();
    let times = if clocks > 1 { options.latches.max(1) } else { 1 };
    let rounds = latch::rounds(datagrams, subdevices, &infos, times, now).await?;
    let nodes = nodes(subdevices, &rounds, &options.differences);
    let delays = delay::delays(&nodes);
    let settings = offset::settings(&rounds, &infos, reference, &delays);
    let mut clocks = listed(subdevices, &infos, reference, &settings, &nodes);
    clocks.oddities = oddities(subdevices, &delays, &clocks);
    clocks.oddities.extend(set::set(datagrams, &clocks.list).await?);
    tell(&clocks);
    Ok(Some(clocks))
}

/// The position of the reference clock; `None` where there is no clock.
fn choose(subdevices: &[SubDevice], infos: &[ClockInfo], chosen: Option<u16>) -> Result<Option<usize>, BringUpError> {
    let Some(chosen) = chosen else {
        return Ok(infos.iter().position(|info| info.class >= ClockClass::Narrow));
    };
    let at = usize::from(chosen);
    match (subdevices.get(at), infos.get(at)) {
        (Some(_), Some(info)) if info.class >= ClockClass::Narrow => Ok(Some(at)),
        (Some(subdevice), Some(_)) => Err(BringUpError::NoReferenceClock { who: subdevice.label() }),
        _ => Err(BringUpError::NoSuchPosition { position: chosen, count: subdevices.len() }),
    }
}

/// What delays are computed from.
fn nodes(subdevices: &[SubDevice], rounds: &[Round], differences: &[Option<u32>]) -> Vec<Node> {
    let of = |at: usize| rounds.iter().filter_map(|round| Some(round.stamps.get(at)?.as_ref()?.ports)).collect();
    let latches: Vec<Vec<Latch>> = (0..subdevices.len()).map(of).collect();
    let each = subdevices.iter().zip(&latches);
    let mut times: Vec<_> = each.map(|(subdevice, of)| ReceiveTimes::of(subdevice.open_ports, of)).collect();
    rate::in_reference_time(&mut times, &latches);
    let node = |(at, (subdevice, receive)): (usize, (&SubDevice, _))| Node {
        open: subdevice.open_ports,
        receive,
        difference_ns: differences.get(at).copied().flatten(),
    };
    subdevices.iter().zip(times).enumerate().map(node).collect()
}

fn listed(
    subdevices: &[SubDevice],
    infos: &[ClockInfo],
    reference: usize,
    settings: &[Option<Setting>],
    nodes: &[Node],
) -> Clocks {
    let mut clocks = Clocks { reference: 0, list: Vec::new(), loop_ns: 0, receive_times_only: 0, oddities: Vec::new() };
    for (at, (subdevice, info)) in subdevices.iter().zip(infos).enumerate() {
        clocks.receive_times_only += u16::from(info.class == ClockClass::ReceiveTimes);
        let Some(Setting { delay_ns, uncertain_ns, offset }) = settings.get(at).copied().flatten() else { continue };
        let receive = nodes.get(at).and_then(|node| node.receive);
        if at == reference {
            clocks.reference = clocks.list.len();
            clocks.loop_ns = receive.map_or(0, |receive| receive.loop_ns());
        }
        let spread_ns = receive.map_or(0, |receive| receive.spread_ns);
        let (who, station, info) = (subdevice.label(), subdevice.station, *info);
        clocks.list.push(Clock { who, station, info, delay_ns, uncertain_ns, spread_ns, offset });
    }
    clocks
}

/// What delays and receive times show.
fn oddities(subdevices: &[SubDevice], delays: &Delays, clocks: &Clocks) -> Vec<Oddity> {
    let mut found = Vec::new();
    for entered in &delays.entered_elsewhere {
        let Some(subdevice) = subdevices.get(usize::from(entered.position)) else { continue };
        found.push(Oddity { who: subdevice.label(), what: ClockProblem::EnteredElsewhere { port: entered.port } });
    }
    let reference = clocks.reference().who.position;
    for clock in &clocks.list {
        let mut tell = |what| found.push(Oddity { who: clock.who.clone(), what });
        if let (None, Some(delay)) = (clock.uncertain_ns, delays.delays.get(usize::from(clock.who.position))) {
            tell(ClockProblem::DelayUnknown(*delay));
        }
        if clock.who.position < reference {
            tell(ClockProblem::BeforeReference);
        }
        if clock.spread_ns > WIDEST_SPREAD_NS {
            tell(ClockProblem::Spread { spread_ns: clock.spread_ns });
        }
    }
    found
}

fn tell(clocks: &Clocks) {
    let reference = clocks.reference();
    let farthest = clocks.list.iter().map(|clock| clock.delay_ns).max().unwrap_or(0);
    tracing::info!(
        reference = %reference.who,
        bits = if reference.info.class == ClockClass::Wide { 64 } else { 32 },
        clocks = clocks.list.len(),
        farthest_ns = farthest,
        "clocks compensated"
    );
    for oddity in &clocks.oddities {
        tracing::info!("{}: {}", oddity.who, oddity.what);
    }
}
