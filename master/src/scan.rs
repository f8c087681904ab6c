//! Who is on a bus, without a rig file: identity, topology, state, and what each SubDevice maps.
//!
//! One thread does it all: it polls the bus futures and moves the frames itself, so no realtime thread is started. It
//! listens first: a bus that another MainDevice drives isn't written to unless the caller takes it, because reading what a
//! SubDevice maps means to take it to INIT first.

mod clock;

pub use clock::ScannedClock;

use crate::descriptions::{Described, Description, Descriptions};
use crate::link::AnyLink;
use crate::machine::DrivenBus;
use crate::name_cache::NameCache;
use crate::silence::why_silent;
use futures_lite::future::or;
use serde::Serialize;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use zerocat_bus::al::{self, AlPolicy};
use zerocat_bus::sii::Content;
use zerocat_bus::{
    BringUpError, Datagrams, Driven, EscInfo, Found, FoundBy, Identity, NameBook, Network, Occupancy, Options,
    PdoSource, PortErrors, SubDevice, SyncObjects, Times, block_on, occupancy, port_errors,
};
use zerocat_engine::{AcyclicSettings, Engine, Pool, Slack, Timing};
use zerocat_link::Slot;
use zerocat_pdi::{Direction, Pdo};
use zerocat_sched::{Clock, MonotonicClock, Time, link_idle_timer};
use zerocat_wire::AlState;

/// Acyclic frames that may be out at once; also the transmit slots that the link needs.
pub const SCAN_SLOTS: u16 = 16;
const TIMEOUT: Duration = Duration::from_millis(20);
const NAP: Duration = Duration::from_micros(20);
/// How deep to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Identity and topology only; SubDevices stay in INIT.
    Basic,
    /// Also to PRE-OP, to read what they map, and back to INIT.
    Deep,
}

/// How a bus is scanned.
#[derive(Debug)]
pub struct ScanOptions {
    /// How deep to look.
    pub depth: Depth,
    /// What becomes of a bus that another MainDevice drives.
    pub bus: DrivenBus,
    /// How long each SubDevice may take to PRE-OP, and to answer a mail.
    pub patience: Option<Duration>,
    /// Whether SubDevices are asked what they call entries that have no name in their SII, and where that is kept. In a deep
    /// scan only.
    pub names: Option<NameCache>,
    /// Vendors' descriptions. In a deep scan only.
    pub descriptions: Descriptions,
}

impl ScanOptions {
    /// A scan so deep, with the usual patience, that asks for no names and has no descriptions.
    #[must_use]
    pub fn new(depth: Depth, bus: DrivenBus) -> Self {
        Self { depth, bus, patience: None, names: None, descriptions: Descriptions::default() }
    }
}

/// How long each SubDevice may take to PRE-OP in a scan, where nothing else is asked for.
pub const SCAN_PATIENCE: Duration = Duration::from_secs(3);

/// Why a bus couldn't be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// Another MainDevice drives the bus, and nothing was written.
    #[error(
        "another MainDevice drives this bus: {}; stop it first, or take the bus from it with --take-bus, which takes it down to \
         INIT",
        crate::bring_up::several(.0)
    )]
    Driven(Vec<Driven>),
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BringUpError),
    /// Nobody answered, and this host knows of what may be why.
    #[error("no SubDevice answered; {}", .0.join("; "))]
    Unheard(Vec<String>),
    /// The user asked to stop.
    #[error("stopped before it was done")]
    Interrupted,
}

impl ScanError {
    /// The same, with what this host knows of why nobody answers at an interface, where nobody does.
    #[must_use]
    pub fn with_reasons(self, interface: &str) -> Self {
        let reasons = if matches!(self, Self::Bus(BringUpError::Nobody)) { why_silent(interface) } else { Vec::new() };
        if reasons.is_empty() { self } else { Self::Unheard(reasons) }
    }
}

/// A bus as it was found.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Scan {
    /// Always `zerocat-scan/1`.
    pub schema: &'static str,
    /// In bus order.
    pub subdevices: Vec<Scanned>,
    /// Folders of descriptions, as a draft is to name them; whoever scanned says them.
    #[serde(skip)]
    pub esi: Vec<PathBuf>,
    /// Files and descriptions that couldn't be used, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub descriptions_left_out: Vec<String>,
}

impl Scan {
    /// By what each SubDevice is found in a rig file: by nothing but its identity where no other one is of its kind.
    pub(crate) fn told_apart_by(&self) -> Vec<FoundBy> {
        let found: Vec<_> = self.subdevices.iter().map(Scanned::found).collect();
        let kind = |one: &Found| (one.identity.vendor_id, one.identity.product_code);
        let only = |one: &Found| found.iter().filter(|other| kind(other) == kind(one)).count() == 1;
        let by = zerocat_bus::told_apart_by(&found).into_iter().zip(&found);
        by.map(|(by, one)| if only(one) { FoundBy::Identity } else { by }).collect()
    }

    /// Groups of SubDevices that only their position tells apart: of one vendor and product, without a serial number or a
    /// station alias or device ID of their own. Each by positions, in bus order.
    #[must_use]
    pub fn twins(&self) -> Vec<Vec<u16>> {
        let programmed = self.subdevices.iter().filter(|found| found.sii == Content::Programmed);
        let found: Vec<_> = programmed.map(Scanned::found).collect();
        zerocat_bus::twins(&found)
    }
}

/// A SubDevice as it was found.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Scanned {
    /// Position on the bus, 0-based.
    pub position: u16,
    /// Name from its SII.
    pub name: String,
    /// Vendor, product, revision, serial.
    #[serde(flatten)]
    pub identity: Identity,
    /// Station alias.
    pub alias: u16,
    /// Explicit device ID that a switch of it sets; `null` where its SII doesn't say that it has one.
    pub device_id: Option<u16>,
    /// Position of the SubDevice that it hangs on; `null` for the MainDevice.
    pub parent: Option<u16>,
    /// Ports with a link.
    pub open_ports: [bool; 4],
    /// What each port has counted: damaged frames and lost links.
    pub port_errors: [PortErrors; 4],
    /// Whether it has a clock: a system time, not receive times alone.
    pub dc: bool,
    /// Its distributed clock.
    pub clock: ScannedClock,
    /// Operation modes with distributed clocks that its SII has, the default first.
    pub op_modes: Vec<ScannedMode>,
    /// How it says that it is synchronized (objects 0x1C32 and 0x1C33); `null` where it has no clock or doesn't say, or in a basic
    /// scan.
    pub synchronization: Option<SyncObjects>,
    /// Whether it speaks CoE.
    pub coe: bool,
    /// Protocols of its mailbox, by their names: `CoE`, `SoE`.
    pub protocols: Vec<&'static str>,
    /// Where what it maps was read: `coe`, `soe` or `sii`; `null` where nothing was, or in a basic scan.
    pub pdo_source: Option<PdoSource>,
    /// Bits of its inputs, padding included.
    pub input_bits: u32,
    /// Bits of its outputs, padding included.
    pub output_bits: u32,
    /// PDOs to the MainDevice.
    pub inputs: Vec<Pdo>,
    /// PDOs from the MainDevice.
    pub outputs: Vec<Pdo>,
    /// Whether its SII could be used: `programmed`, `empty` or `unreadable`. In the last two cases all that is known of it
    /// is what its ESC says.
    pub sii: Content,
    /// What the ESC says of itself.
    pub esc: EscInfo,
    /// Where its description (ESI) is from; `null` where it has none.
    pub description: Option<Description>,
    /// What its description says.
    #[serde(skip)]
    pub described: Option<Arc<Described>>,
    /// What is wrong with its SII or with what it maps, and what was done instead.
    pub notes: Vec<String>,
    /// What went wrong with it, in words.
    pub error: Option<String>,
}

/// An operation mode with distributed clocks, as an SII has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScannedMode {
    /// Its name, which a rig file asks for it by.
    pub name: String,
    /// What it is, in words.
    pub description: String,
    /// AssignActivate word (registers 0x0980 and 0x0981); 0 is no SYNC.
    pub assign_activate: u16,
    /// Cycle of SYNC0 in ns; 0 for the network's, times `sync0_cycle_factor`.
    pub sync0_cycle_ns: u32,
    /// A positive one multiplies, a negative one divides.
    pub sync0_cycle_factor: i16,
    /// How much later than the network's SYNC grid SYNC0 is, in ns.
    pub sync0_shift_ns: i32,
    /// Cycle of SYNC1: a positive one multiplies SYNC0's, a negative one the network's; 0 for SYNC0's.
    pub sync1_cycle_factor: i16,
    /// How much later than SYNC0 SYNC1 is, in ns.
    pub sync1_shift_ns: i32,
}

impl Scanned {
    fn found(&self) -> Found {
        let Self { position, identity, alias, device_id, .. } = *self;
        Found { position, identity, alias, device_id, ..Found::default() }
    }
}

/// Scans the bus at the other end of a link that has [`SCAN_SLOTS`] slots. A SubDevice that can't be read keeps nobody else
/// from it: its [`Scanned::error`] says why.
///
/// # Errors
/// The bus is in use, nobody answered, or a SubDevice could not even be identified.
pub fn scan(link: AnyLink, options: ScanOptions, stop: impl Fn() -> bool) -> Result<Scan, ScanError> {
    link_idle_timer();
    let (pool, pdu_loop) = Pool::new();
    let settings = AcyclicSettings { first_slot: Slot(0), in_flight: SCAN_SLOTS, timeout: TIMEOUT };
    let (engine, _parts) = Engine::new(link, Timing::for_period(Duration::from_millis(1)), pool, settings);
    let mut engine = engine;
    let datagrams = Datagrams::new(pdu_loop, || Duration::from_nanos(MonotonicClock.now().0));
    let written = Cell::new(false);
    let idle = |engine: &mut Engine<AnyLink>| {
        let clock = MonotonicClock;
        let _ = datagrams.rest();
        if engine.slack(clock.now(), Time(u64::MAX)) == Slack::Idle {
            clock.sleep_until(clock.now().after(NAP));
        }
    };
    let stopped = async {
        std::future::poll_fn(|_| if stop() { Poll::Ready(()) } else { Poll::Pending }).await;
        Err(ScanError::Interrupted)
    };
    let scanned = block_on(or(stopped, look(&datagrams, options, &written)), || idle(&mut engine));
    if written.get() && scanned.is_err() {
        block_on(leave_in_init(&datagrams), || idle(&mut engine));
    }
    scanned
}

/// The same by datagrams of the caller's, who moves the frames. A scan that fails leaves the SubDevices in INIT.
///
/// # Errors
/// As for [`scan`], without `Interrupted`.
pub async fn scan_by(datagrams: &Datagrams, options: ScanOptions) -> Result<Scan, ScanError> {
    let written = Cell::new(false);
    let scanned = look(datagrams, options, &written).await;
    if written.get() && scanned.is_err() {
        leave_in_init(datagrams).await;
    }
    scanned
}

/// `written` is set from the first write on: what comes before only reads.
async fn look(datagrams: &Datagrams, options: ScanOptions, written: &Cell<bool>) -> Result<Scan, ScanError> {
    let ScanOptions { depth, bus, patience, names, mut descriptions } = options;
    match occupancy(datagrams).await.map_err(BringUpError::from)? {
        Occupancy::Silent => return Err(BringUpError::Nobody.into()),
        Occupancy::Driven(driven) if bus == DrivenBus::Refuse => return Err(ScanError::Driven(driven)),
        Occupancy::Driven(_) | Occupancy::Free { .. } => written.set(true),
    }
    let mut network = Network::discover(datagrams, Options { policy: Some(policy()), ..Options::default() }).await?;
    for position in (0..).take(network.subdevices().len()) {
        network.set_times(position, Times { pre_op: patience, mailbox: patience, ..Times::default() });
    }
    let (clocks, odd) = clock::clocks(datagrams, network.subdevices()).await?;
    network.read_device_ids(SubDevice::says_device_id).await;
    let (mut problems, mut described, mut synchronization) = (Vec::new(), Vec::new(), BTreeMap::new());
    if depth == Depth::Deep {
        // Who can't go to PRE-OP is listed all the same, with what is known of it.
        problems = network.explore().await;
        described = describe(&mut network, &mut descriptions).await;
        if let Some(cache) = names {
            name_entries(&mut network, &cache).await;
        }
        synchronization = read_synchronization(&mut network).await;
        for failed in network.shut_down().await {
            tracing::warn!(fault = %failed.fault(), "back to INIT: {failed}");
        }
    }
    let mut subdevices = Vec::with_capacity(network.subdevices().len());
    for (n, found) in network.subdevices().iter().enumerate() {
        let problem = problems.get(n).and_then(|done| done.as_ref().err()).map(ToString::to_string);
        let problem = problem.or_else(|| found.refused.as_ref().map(ToString::to_string));
        let clock = clocks.get(n).copied().unwrap_or_default();
        let port_errors = port_errors(datagrams, found.station).await.map_err(BringUpError::from)?;
        let synchronization = synchronization.remove(&found.position);
        let described: Option<Arc<Described>> = described.get(n).cloned().flatten();
        let description = described.as_ref().map(|described| described.description.clone());
        let mut one = scanned(found, problem);
        let its = odd.iter().filter(|(position, _)| *position == found.position);
        one.notes.extend(its.map(|(_, what)| format!("clock: {what}")));
        let dc = clock.has_system_time();
        subdevices.push(Scanned { dc, clock, port_errors, synchronization, description, described, ..one });
    }
    Ok(Scan { schema: "zerocat-scan/1", subdevices, esi: Vec::new(), descriptions_left_out: descriptions.untold() })
}

/// What those say of their synchronization that have a clock and went to PRE-OP. Who doesn't answer says nothing.
async fn read_synchronization(network: &mut Network<'_>) -> BTreeMap<u16, SyncObjects> {
    let with_clock = network.subdevices().iter().filter(|one| one.esc.dc() && one.state == AlState::PreOp);
    let positions: Vec<u16> = with_clock.map(|one| one.position).collect();
    let mut said = BTreeMap::new();
    for (position, objects) in network.read_sync_objects(&positions).await {
        match objects {
            Ok(SyncObjects { outputs: None, inputs: None }) => {}
            Ok(objects) => _ = said.insert(position, objects),
            Err(error) => tracing::warn!("{error}"),
        }
    }
    said
}

/// The description of each SubDevice, whose names and types are taken where the SubDevice has none.
async fn describe(network: &mut Network<'_>, descriptions: &mut Descriptions) -> Vec<Option<Arc<Described>>> {
    let mut all = Vec::new();
    for position in (0..).take(if descriptions.is_empty() { 0 } else { network.subdevices().len() }) {
        let described = descriptions.of_subdevice(network, position).await;
        if let Some(described) = &described {
            network.describe(position, &described.device);
        }
        all.push(described);
    }
    all
}

/// Names what has no name by what is known of its kind, else by asking.
async fn name_entries(network: &mut Network<'_>, cache: &NameCache) {
    let mut book = NameBook::default();
    cache.load(network.subdevices().iter().map(|found| found.identity.into()), &mut book);
    network.read_names(&mut book).await;
    cache.store(&book);
}

/// Asks everybody for INIT, within a second: for a scan that ended half-way. Best effort.
async fn leave_in_init(datagrams: &Datagrams) {
    let end = datagrams.now().saturating_add(Duration::from_secs(1));
    let asked = datagrams.by(end, al::ask_all_for_init(datagrams, policy().poll)).await;
    if !matches!(asked, Some(Ok(_))) {
        tracing::warn!("the SubDevices were not asked for INIT");
    }
}

fn policy() -> AlPolicy {
    AlPolicy { deadline: SCAN_PATIENCE, ..AlPolicy::to(AlState::PreOp) }
}

fn scanned(found: &SubDevice, error: Option<String>) -> Scanned {
    let pdos = |direction| -> Vec<Pdo> {
        let managers = found.sync_managers.iter().filter(|manager| manager.direction == direction);
        managers.flat_map(|manager| manager.pdos.clone()).collect()
    };
    let (inputs, outputs) = (pdos(Direction::Input), pdos(Direction::Output));
    Scanned {
        position: found.position,
        name: found.name.clone(),
        identity: found.identity,
        alias: found.alias,
        device_id: found.device_id,
        parent: found.parent.as_ref().map(|parent| parent.position),
        open_ports: found.open_ports,
        port_errors: <[PortErrors; 4]>::default(),
        dc: found.esc.dc(),
        clock: ScannedClock::default(),
        op_modes: op_modes(found),
        synchronization: None,
        coe: found.mailbox.as_ref().is_some_and(zerocat_bus::MailboxInfo::coe),
        protocols: found.mailbox.map_or_else(Vec::new, |mailbox| mailbox.names()),
        pdo_source: found.pdo_source,
        input_bits: bits(&inputs),
        output_bits: bits(&outputs),
        inputs,
        outputs,
        sii: found.sii.content,
        esc: found.esc,
        description: None,
        described: None,
        notes: found.notes.clone(),
        error,
    }
}

fn op_modes(found: &SubDevice) -> Vec<ScannedMode> {
    let modes = found.sii.op_modes.iter().map(|named| ScannedMode {
        name: named.name.clone(),
        description: named.description.clone(),
        assign_activate: named.mode.assign_activate,
        sync0_cycle_ns: named.mode.cycle_time_0,
        sync0_cycle_factor: named.mode.sync0_cycle_factor,
        sync0_shift_ns: named.mode.shift_time_0,
        sync1_cycle_factor: named.mode.sync1_cycle_factor,
        sync1_shift_ns: named.mode.shift_time_1,
    });
    modes.collect()
}

fn bits(pdos: &[Pdo]) -> u32 {
    pdos.iter().flat_map(|pdo| &pdo.entries).map(|entry| u32::from(entry.bit_length)).sum()
}
