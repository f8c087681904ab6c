//! A session over a veth pair in real time, with the simulated segment at its other end.

use super::customer::Customer;
use super::tally::Tally;
use super::watch::Watch;
use super::{MailboxBenchError, Veth, length, world};
use crate::host::last_cpu;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use zerocat::{Bus, Io, Report, Session, SessionError, StopWish, SubDeviceHandle, Unstarted};
use zerocat_link::fault::{FaultInjector, FaultPlan};
use zerocat_link::packet::PacketLink;
use zerocat_link::{LinkFault, Sizing};
use zerocat_sched::affinity::pin_to;
use zerocat_sched::priority::set_fifo;
use zerocat_sim::{Action, Segment, SegmentConfig, Server};
use zerocat_wire::sync_manager;

/// Frames of a cycle and of the acyclic lane, with some to spare.
const SIZING: Sizing = Sizing { slots: 128, receive: 512 };
/// SCHED_FIFO priority of the segment's thread, which plays hardware.
const PRIORITY: u8 = 40;
/// Attempts to bring the bus up: a simulated segment on a machine with other work may be late.
const ATTEMPTS: u32 = 5;
/// Outputs stand for so long without a commit: nobody commits.
const SILENT: Duration = Duration::from_secs(10);
/// Pause between two looks at what has come.
const LOOK: Duration = Duration::from_micros(100);
/// One in so many steps of the segment raises an emergency, where it is disturbed.
const EMERGENCIES: u32 = 1_000;

/// Offset of the length in a sync manager's registers.
const LENGTH: u16 = 2;

/// What happens at the segment once the bus is in OP.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disturbance {
    pub(super) seed: u64,
    /// The SubDevice that never answers.
    pub(super) frozen: Option<u16>,
}

/// How long is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// Until a time has passed.
    Passed(Duration),
    /// Until so many transactions have begun in all.
    Begun(u64),
}

/// The session and the segment, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Live {
    session: Session,
    _io: Io,
    segment: FarEnd,
}

impl Live {
    /// Brings a segment to OP over a veth pair; disturbed, if at all, from then on.
    ///
    /// # Errors
    /// [`MailboxBenchError`].
    pub(super) fn bring_up(
        veth: &Veth,
        config: &SegmentConfig,
        disturbance: Option<Disturbance>,
        watch: &Watch<'_>,
    ) -> Result<Self, MailboxBenchError> {
        let bus = || Ok(Bus::on(&veth.interface).rate_hz(veth.rate_hz));
        Self::bring_up_of(bus, veth, config, disturbance, watch)
    }

    /// The same of a bus with more.
    ///
    /// # Errors
    /// [`MailboxBenchError`].
    pub(super) fn bring_up_of(
        bus: impl Fn() -> Result<Bus, MailboxBenchError>,
        veth: &Veth,
        config: &SegmentConfig,
        disturbance: Option<Disturbance>,
        watch: &Watch<'_>,
    ) -> Result<Self, MailboxBenchError> {
        let cpu = veth.cpu.or_else(last_cpu);
        let segment = FarEnd::start(&veth.segment, config, disturbance, cpu)?;
        let mut attempt = 1;
        loop {
            let bus = bus()?.silent_after(SILENT).engine(|engine| {
                (engine.link, engine.priority, engine.cpu) = (veth.link, veth.priority, cpu);
            });
            match started(bus, watch)? {
                Ok((session, io)) => {
                    // SYNC: the flag carries no data.
                    segment.in_op.store(true, Ordering::Relaxed);
                    return Ok(Self { session, _io: io, segment });
                }
                Err(_) if watch.wants_end() => return Err(MailboxBenchError::Stopped),
                Err(Unstarted { error: SessionError::Start(_), .. }) if attempt < ATTEMPTS => attempt += 1,
                Err(unstarted) => return Err(Box::new(unstarted.error).into()),
            }
        }
    }

    /// One SubDevice.
    ///
    /// # Errors
    /// `Ended`.
    pub(super) fn subdevice(&self, position: u16) -> Result<SubDeviceHandle, MailboxBenchError> {
        self.session.subdevice(position).map_err(|error| MailboxBenchError::Ended(error.to_string()))
    }

    /// Bytes of a mailbox of a SubDevice, as its sync manager is programmed.
    ///
    /// # Errors
    /// `Stopped`, `Asked`.
    pub(super) fn mailbox_bytes(
        &self,
        position: u16,
        channel: u8,
        watch: &Watch<'_>,
    ) -> Result<u16, MailboxBenchError> {
        let read = self.subdevice(position)?.register_read(sync_manager::register(channel) + LENGTH, 2);
        watch
            .answer(&read)?
            .map(|bytes| length(&bytes))
            .map_err(MailboxBenchError::asked("a read of its sync managers"))
    }

    /// Whoever asks each SubDevice.
    pub(super) fn customers(
        &self,
        count: u16,
        seed: u64,
        frozen: Option<u16>,
    ) -> Result<Vec<Customer>, MailboxBenchError> {
        let one = |position: u16| {
            let handle = self.subdevice(position)?;
            Ok(Customer::new(handle, seed.wrapping_add(position.into()), frozen == Some(position)))
        };
        (0..count).map(one).collect()
    }

    /// Has all asked at once, until it is enough and all have their answers. Returns how long it took. `each` is called at every look.
    ///
    /// # Errors
    /// `Stopped`, `Ended`.
    pub(super) fn ask(
        &self,
        customers: &mut [Customer],
        until: Until,
        tally: &mut Tally,
        watch: &Watch<'_>,
        mut each: impl FnMut(&Tally, Duration),
    ) -> Result<Duration, MailboxBenchError> {
        let began = Instant::now();
        loop {
            let now = began.elapsed();
            let more = |tally: &Tally| match until {
                Until::Passed(time) => now < time,
                Until::Begun(count) => tally.begun < count,
            };
            for customer in &mut *customers {
                customer.turn(now, more(tally), tally);
            }
            // All may have their answers at the same time long before the end.
            if !more(tally) && !customers.iter().any(Customer::is_busy) {
                return Ok(now);
            }
            each(tally, now);
            watch.goes_on()?;
            if !self.session.status().alive {
                return Err(MailboxBenchError::Ended("the session ended".to_owned()));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Cyclic frames that didn't come back so far.
    pub(super) fn lost_frames(&self) -> u64 {
        self.session.status().counters.lost_frames
    }

    /// Emergencies that were raised so far.
    pub(super) fn emergencies(&self) -> u64 {
        // SYNC: a count, which carries no data.
        self.segment.emergencies.load(Ordering::Relaxed)
    }

    /// Shuts down, and gives the report of the run.
    ///
    /// # Errors
    /// `Ended`.
    pub(super) fn stop(self) -> Result<Report, MailboxBenchError> {
        let ended = self.session.stop().map_err(|error| MailboxBenchError::Ended(error.to_string()))?;
        drop(self.segment);
        Ok(ended.report)
    }
}

/// What came of a start, on a thread of its own: the end may be asked for meanwhile.
fn started(bus: Bus, watch: &Watch<'_>) -> Result<Result<(Session, Io), Unstarted>, MailboxBenchError> {
    let wish = StopWish::default();
    let bus = bus.cancelled_by(&wish);
    let start = Builder::new().name("zc-start".to_owned()).spawn(move || bus.start());
    let start = start.map_err(MailboxBenchError::Thread)?;
    while !start.is_finished() {
        if watch.pause().is_err() {
            wish.ask();
        }
    }
    start.join().map_err(|_| MailboxBenchError::Ended("its start panicked".to_owned()))
}

/// The segment on its thread. It ends when this is dropped.
#[derive(Debug)]
struct FarEnd {
    stop: Arc<AtomicBool>,
    in_op: Arc<AtomicBool>,
    emergencies: Arc<AtomicU64>,
    thread: Option<JoinHandle<Result<(), LinkFault>>>,
}

impl FarEnd {
    fn start(
        interface: &str,
        config: &SegmentConfig,
        disturbance: Option<Disturbance>,
        beside: Option<usize>,
    ) -> Result<Self, MailboxBenchError> {
        let wrong = |why: String| MailboxBenchError::Segment { interface: interface.to_owned(), why };
        let mut segment = Segment::new(config).map_err(|error| wrong(zerocat::chain(&error)))?;
        let link = PacketLink::open(interface, SIZING).map_err(|error| wrong(zerocat::chain(&error)))?;
        let (none, seed) = (FaultPlan::default(), disturbance.map_or(0, |one| one.seed));
        let mut link = FaultInjector::new(link, none, none, seed);
        let [stop, in_op] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let emergencies = Arc::new(AtomicU64::new(0));
        let (flag, up, raised) = (Arc::clone(&stop), Arc::clone(&in_op), Arc::clone(&emergencies));
        let serve = move || {
            play_hardware(beside);
            let wait = |link: &mut FaultInjector<PacketLink>, at_most| link.inner_mut().wait(at_most);
            let mut disturbing = disturbance.map(|one| (one, false, fastrand::Rng::with_seed(one.seed)));
            let each = |link: &mut FaultInjector<PacketLink>, segment: &mut Segment, now| {
                // SYNC: the flag carries no data.
                if let Some((what, begun, random)) = disturbing.as_mut().filter(|_| up.load(Ordering::Relaxed)) {
                    if !std::mem::replace(begun, true) {
                        let plan = world::plan();
                        link.set_plans(plan, plan);
                        let freeze =
                            |subdevice: u16| Action::FreezeMailbox { subdevice: subdevice.into(), frozen: true };
                        what.frozen.map(freeze).map(|action| segment.act(action, now));
                    }
                    // One that can't be raised now is left out.
                    if random.u32(..EMERGENCIES) == 0
                        && segment.act(world::emergency(random.usize(..segment.len())), now).is_ok()
                    {
                        // SYNC: as where it is read.
                        raised.fetch_add(1, Ordering::Relaxed);
                    }
                }
            };
            // The bus thread may be on the same CPU. Frames that are held back are due in between.
            let mut server = if disturbance.is_none() { Server::new().yielding() } else { Server::new() };
            server.run(&mut link, &mut segment, &flag, wait, each)
        };
        let thread = Builder::new().name("zc-sim".to_owned()).spawn(serve).map_err(MailboxBenchError::Thread)?;
        Ok(Self { stop, in_op, emergencies, thread: Some(thread) })
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        // SYNC: a flag; pairs with the relaxed load in the server's loop.
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // If it failed, that shows as missing answers.
            let _ = thread.join();
        }
    }
}

/// Gives the calling thread a CPU of its own and a priority below that of the MainDevice's, as far as it can be had.
fn play_hardware(beside: Option<usize>) {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    if let Some(cpu) = (0..cpus).find(|cpu| Some(*cpu) != beside) {
        // Where that is refused, or there is one CPU, frames are answered later.
        let _ = pin_to(cpu).and_then(|()| set_fifo(PRIORITY));
    }
}
