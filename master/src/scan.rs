//! Who is on a bus, without a rig file: identity, topology, state, and what each SubDevice maps.
//!
//! One thread does it all: it polls the bus futures and moves the frames itself, so no realtime thread is started. A
//! bus that is in SAFE-OP or OP belongs to a running MainDevice and is not touched unless the caller takes it: reading what
//! a SubDevice maps means to take it to INIT first.

use crate::link::AnyLink;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;
use std::time::Duration;
use zerocat_bus::al::AlPolicy;
use zerocat_bus::discovery::glance;
use zerocat_bus::{BringUpError, Datagrams, Identity, Network, Options, PdoSource, SubDevice, block_on};
use zerocat_engine::{AcyclicSettings, Engine, Pool, Slack, Timing};
use zerocat_link::Slot;
use zerocat_pdi::{Direction, Pdo};
use zerocat_sched::{Clock, MonotonicClock, Time, link_idle_timer};
use zerocat_wire::AlState;

/// Acyclic frames that may be out at once; also the transmit slots that the link needs.
pub const SCAN_SLOTS: u16 = 16;
const TIMEOUT: Duration = Duration::from_millis(20);
const NAP: Duration = Duration::from_micros(20);
/// AL states that only a MainDevice brings a SubDevice to: SAFE-OP and OP.
const OWNED: u8 = AlState::SafeOp as u8 | AlState::Op as u8;

/// How deep to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Identity and topology only; SubDevices stay in INIT.
    Basic,
    /// Also to PRE-OP, to read what they map, and back to INIT.
    Deep,
}

/// Why a bus couldn't be scanned.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The bus runs.
    #[error(
        "SubDevices are in SAFE-OP or OP (AL states {states:#04x}): another MainDevice drives this bus, or left it \
         running; stop it first, or scan with --take-bus, which takes the bus down to INIT"
    )]
    InUse {
        /// ORed AL states.
        states: u8,
    },
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BringUpError),
    /// The user asked to stop.
    #[error("stopped before the scan was done")]
    Interrupted,
}

/// A bus as it was found.
#[derive(Debug, Clone, Serialize)]
pub struct Scan {
    /// Always `zerocat-scan/1`.
    pub schema: &'static str,
    /// In bus order.
    pub subdevices: Vec<Scanned>,
}

/// A SubDevice as it was found.
#[derive(Debug, Clone, Serialize)]
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
    /// Position of the SubDevice that it hangs on; `null` for the MainDevice.
    pub parent: Option<u16>,
    /// Ports with a link.
    pub open_ports: [bool; 4],
    /// Whether it has distributed clocks.
    pub dc: bool,
    /// Whether it speaks CoE.
    pub coe: bool,
    /// Where what it maps was read: `coe` or `sii`; `null` where nothing was, or in a basic scan.
    pub pdo_source: Option<PdoSource>,
    /// Bits of its inputs, padding included.
    pub input_bits: u32,
    /// Bits of its outputs, padding included.
    pub output_bits: u32,
    /// PDOs to the MainDevice.
    pub inputs: Vec<Pdo>,
    /// PDOs from the MainDevice.
    pub outputs: Vec<Pdo>,
    /// What went wrong with it, in words.
    pub error: Option<String>,
}

/// Scans the bus at the other end of a link that has [`SCAN_SLOTS`] slots. `take_bus` scans one that another MainDevice
/// drives or left in SAFE-OP or OP.
///
/// # Errors
/// The bus is in use, nobody answered, or a SubDevice could not even be identified.
pub fn scan(link: AnyLink, depth: Depth, take_bus: bool, stop: impl Fn() -> bool) -> Result<Scan, ScanError> {
    link_idle_timer();
    let (pool, pdu_loop) = Pool::new();
    let settings = AcyclicSettings { first_slot: Slot(0), in_flight: SCAN_SLOTS, timeout: TIMEOUT };
    let (engine, _parts) = Engine::new(link, Timing::for_period(Duration::from_millis(1)), pool, settings);
    let engine = RefCell::new(engine);
    // Lives as long as the process, as the frame pool does that it sends with.
    let datagrams: &'static Datagrams =
        Box::leak(Box::new(Datagrams::new(pdu_loop, || Duration::from_nanos(MonotonicClock.now().0))));
    // Asked to stop, the scan ends by itself, with no frame of it still out.
    let stopped = datagrams.stop_flag();
    let leaving = Cell::new(false);
    let idle = || {
        let clock = MonotonicClock;
        // SYNC: a flag; it publishes nothing. Read by this thread's own futures.
        stopped.store(stop() && !leaving.get(), Ordering::Relaxed);
        if engine.borrow_mut().slack(clock.now(), Time(u64::MAX)) == Slack::Idle {
            clock.sleep_until(clock.now().after(NAP));
        }
    };
    match block_on(look(datagrams, depth, take_bus, &leaving), idle) {
        _ if stop() => Err(ScanError::Interrupted),
        other => other,
    }
}

/// `leaving` is set on the way down, which a wish to stop must not end.
async fn look(
    datagrams: &'static Datagrams,
    depth: Depth,
    take_bus: bool,
    leaving: &Cell<bool>,
) -> Result<Scan, ScanError> {
    let [status, _] = glance(datagrams).await.map_err(BringUpError::from)?.al_status.0.to_le_bytes();
    let states = status & 0x0f;
    if states & OWNED != 0 && !take_bus {
        return Err(ScanError::InUse { states });
    }
    let mut network = Network::discover(datagrams, Options { policy: Some(patience()), ..Options::default() }).await?;
    let mut problem = None;
    if depth == Depth::Deep {
        // Best effort: who can't go to PRE-OP is listed all the same, with what is known of it.
        problem = deepen(&mut network).await.err();
        leaving.set(true);
        // SYNC: a flag; it publishes nothing. Read by this thread's own futures.
        datagrams.stop_flag().store(false, Ordering::Relaxed);
        for failed in network.shut_down().await {
            tracing::warn!("back to INIT: {failed}");
        }
    }
    let subdevices = network.subdevices().iter().map(|found| scanned(found, problem.as_ref())).collect();
    Ok(Scan { schema: "zerocat-scan/1", subdevices })
}

async fn deepen(network: &mut Network<'static>) -> Result<(), BringUpError> {
    network.to_pre_op().await?;
    network.read_pdos().await
}

fn patience() -> AlPolicy {
    AlPolicy { deadline: Duration::from_secs(3), ..AlPolicy::to(AlState::PreOp) }
}

fn scanned(found: &SubDevice, problem: Option<&BringUpError>) -> Scanned {
    let pdos = |direction| -> Vec<Pdo> {
        let managers = found.sync_managers.iter().filter(|manager| manager.direction == direction);
        managers.flat_map(|manager| manager.pdos.clone()).collect()
    };
    let (inputs, outputs) = (pdos(Direction::Input), pdos(Direction::Output));
    let error = problem.map(ToString::to_string).filter(|text| text.contains(&found.label().to_string()));
    Scanned {
        position: found.position,
        name: found.name.clone(),
        identity: found.identity,
        alias: found.alias,
        parent: found.parent.as_ref().map(|parent| parent.position),
        open_ports: found.open_ports,
        dc: found.esc.dc(),
        coe: found.mailbox.as_ref().is_some_and(zerocat_bus::MailboxInfo::coe),
        pdo_source: found.pdo_source,
        input_bits: bits(&inputs),
        output_bits: bits(&outputs),
        inputs,
        outputs,
        error,
    }
}

fn bits(pdos: &[Pdo]) -> u32 {
    pdos.iter().flat_map(|pdo| &pdo.entries).map(|entry| u32::from(entry.bit_length)).sum()
}
