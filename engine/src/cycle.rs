//! The steps of one cycle. Each is a function of state, link and a time that is passed in; [`run`](crate::run) is the
//! loop around them, and a bench may call them flat out.

mod clock;
mod count;
mod obey;
mod receive;
mod timing;

pub use timing::Timing;

use crate::acyclic::{AcyclicLane, AcyclicSettings, Pool, Room};
use crate::control::{Controls, Inbox, Traffic, controls};
use crate::counters::{Counters, CountersReader, CountersWriter, counters};
use crate::cyclic::AlReading;
use crate::event::{CycleFault, Event, EventReader, EventSender, events};
use crate::lane::Exchange;
use crate::measure::{Measurements, Timed};
use crate::sample::CycleTimes;
use clock::Following;
use receive::{Lane, Receiving};
use std::time::Duration;
use zerocat_link::{Link, LinkFault};
use zerocat_sched::time::nanos;
use zerocat_sched::{Holes, Tick, Time};

/// Frames that one poll takes at most, so that a flood from the wire can't hold a cycle.
const FRAMES_PER_POLL: usize = 64;
/// Events that wait for the health thread.
const EVENTS: usize = 1024;

/// What is left to do in the slack of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slack {
    /// Acyclic frames went out just now.
    Sent,
    /// Acyclic frames are out, or were a moment ago: poll on.
    Busy,
    /// Nothing is out: sleep until the next tick.
    Idle,
}

/// Why a loop ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// It was asked to ([`Controls::stop`]).
    Stopped,
    /// Its controls were dropped: outputs were made safe and sent for some cycles first.
    Abandoned,
}

/// What the end of a cycle asks of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Concluded {
    /// The exchange was retired in this cycle.
    pub retired: bool,
    /// The loop is to end.
    pub end: Option<EndReason>,
    /// By how many ns the grid is to be moved to stay with the reference clock, later if positive. A
    /// [`Stepper`](crate::Stepper) has done so.
    pub shift: i64,
}

/// The ends of an engine that ordinary threads hold.
#[derive(Debug)]
pub struct EngineParts {
    /// Installs exchanges, switches outputs, stops. When it is dropped, outputs become safe and the engine ends.
    pub controls: Controls,
    /// Counters, at any time.
    pub counters: CountersReader,
    /// Faults as they happen.
    pub events: EventReader,
}

/// The realtime thread's state.
#[derive(Debug)]
pub struct Engine<L> {
    link: L,
    timing: Timing,
    exchange: Option<Box<Exchange>>,
    traffic: Traffic,
    /// Outputs are the initial ones: traffic was never live, and nobody asked for safe outputs.
    initial: bool,
    acyclic: AcyclicLane,
    acyclic_active: Time,
    /// The acyclic lane had no turn in this cycle yet.
    acyclic_owed: bool,
    inbox: Inbox,
    counters: Counters,
    published: CountersWriter,
    events: EventSender,
    measurements: Measurements,
    al_status: Option<AlReading>,
    /// `None` where the exchange has no reference clock.
    following: Option<Following>,
    /// Whether a cyclic frame came since the last cycle was concluded.
    heard: bool,
    /// Tick of the last cycle in which one came.
    heard_at: Time,
    /// A frame was due since.
    awaited: bool,
    /// All frames that are due in this cycle were sent.
    all_sent: bool,
    /// How long the machine has been suspended in all; `None` before it was noted for the first time.
    suspended: Option<Duration>,
    /// How long of it since the last cycle.
    slept: Duration,
    /// Cycles until the end of an engine whose controls were dropped.
    cycles_left: Option<u64>,
    cycle: u64,
    at: Time,
    posted_at: Time,
    kicked_at: Option<Time>,
}

impl<L: Link> Engine<L> {
    /// An engine over a link and a frame pool, without an exchange yet.
    #[must_use]
    pub fn new(link: L, timing: Timing, pool: Pool, acyclic: AcyclicSettings) -> (Self, EngineParts) {
        let (controls, inbox) = controls();
        let (published, counters) = counters();
        let (sender, events) = events(EVENTS);
        let engine = Self {
            link,
            timing,
            exchange: None,
            traffic: Traffic::Safe,
            initial: true,
            acyclic: AcyclicLane::new(pool, acyclic),
            acyclic_active: Time(0),
            acyclic_owed: false,
            inbox,
            counters: Counters::default(),
            published,
            events: sender,
            measurements: Measurements::default(),
            al_status: None,
            following: None,
            heard: false,
            heard_at: Time(0),
            awaited: false,
            all_sent: false,
            suspended: None,
            slept: Duration::ZERO,
            cycles_left: None,
            cycle: 0,
            at: Time(0),
            posted_at: Time(0),
            kicked_at: None,
        };
        (engine, EngineParts { controls, counters, events })
    }

    /// Ends it and gives its frame pool, for another engine: first let every datagram come back, or it is lost to the pool.
    #[must_use]
    pub fn into_pool(self) -> Pool {
        self.acyclic.into_pool()
    }

    /// Times of a cycle.
    #[must_use]
    pub const fn timing(&self) -> &Timing {
        &self.timing
    }

    /// The counters as of now, not yet published.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The link.
    #[must_use]
    pub const fn link(&self) -> &L {
        &self.link
    }

    /// The link, to look at or to disturb in a test. Slots of the lanes are not to be written.
    pub const fn link_mut(&mut self) -> &mut L {
        &mut self.link
    }

    /// When acyclic frames went out last, or came back.
    #[must_use]
    pub const fn acyclic_active(&self) -> Time {
        self.acyclic_active
    }

    /// Whether an exchange is installed.
    #[must_use]
    pub const fn is_exchanging(&self) -> bool {
        self.exchange.is_some()
    }

    /// Whether messages of its controls wait to be obeyed at the end of a cycle.
    #[must_use]
    pub fn has_messages(&self) -> bool {
        self.inbox.has_messages()
    }

    /// What was timed so far.
    pub fn measurements(&mut self) -> &Measurements {
        self.measurements.settle();
        &self.measurements
    }

    /// Step 1, before the tick: the complete command sets that are due go into the output image, what outputs follow
    /// behind them, the outputs into the slots.
    pub fn prepare(&mut self, cycle: u64) {
        self.cycle = cycle;
        self.acyclic_owed = true;
        let Some(exchange) = self.exchange.as_deref_mut() else { return };
        let Exchange { lane, writers, safe, voids, .. } = exchange;
        let live = (self.traffic == Traffic::Live).then_some(self.counters.epoch);
        let mut answered = false;
        for writer in &mut *writers {
            if writer.abandon(safe, lane.image_mut()) {
                self.counters.abandoned_writers += 1;
            }
            if writer.unsent().is_none_or(|cycle| lane.is_sent_since(cycle, &writer.ranges)) {
                let taken = writer.take(live, cycle, safe, lane.image_mut());
                self.counters.commands += taken.applied;
                self.counters.stale_commands += taken.stale;
                self.counters.late_commands += taken.late;
                self.counters.heard_writers += u64::from(taken.heard);
                answered |= taken.answered;
            }
            if writer.fall_silent(live, cycle, safe, lane.image_mut()) {
                self.counters.silent_writers += 1;
            }
            writer.follow(lane.image_mut());
        }
        if answered {
            voids.tell(writers);
        }
        self.counters.unsent_frames += lane.prepare(&mut self.link, cycle);
    }

    /// Step 2, on the tick: posts the frames and kicks the link once. If they weren't sent for longer than the
    /// exchange's `stall_limit`, or none has come back for that long, their outputs are made safe first.
    pub fn send(&mut self, now: Time) {
        self.at = now;
        self.posted_at = now;
        self.kicked_at = None;
        if let Some(gap) = self.stalled_for(now) {
            self.count_stall(gap);
            self.give_up_commands();
        } else if self.is_silent(now) {
            self.counters.silences += 1;
            self.give_up_commands();
        }
        let Some(exchange) = self.exchange.as_deref_mut() else { return };
        if let Some(following) = &mut self.following {
            let told = following.keeper.tell(now);
            exchange.lane.ask_clock(&mut self.link, following.keeper.ask(now), told);
        }
        let (refused, fault) = exchange.lane.post(&mut self.link);
        self.counters.unsent_frames += refused;
        let kicked = self.link.kick();
        self.all_sent = kicked.is_ok() && exchange.lane.note_sent(now, self.traffic == Traffic::Safe);
        if let Some(fault) = fault.or(kicked.err()) {
            self.note_link(fault);
        }
    }

    /// How long the frames of this cycle weren't sent, if that is too long. Time in which the machine was suspended counts.
    fn stalled_for(&mut self, now: Time) -> Option<Duration> {
        let slept = std::mem::take(&mut self.slept);
        let exchange = self.exchange.as_deref()?;
        let limit = exchange.stall_limit?;
        let gap = exchange.lane.longest_gap(now).saturating_add(slept);
        (gap > limit).then_some(gap)
    }

    /// Whether no frame has come back for so long that the SubDevices' watchdogs expire, with outputs still live.
    fn is_silent(&self, now: Time) -> bool {
        let limit = self.exchange.as_deref().and_then(|exchange| exchange.stall_limit);
        self.traffic == Traffic::Live && self.awaited && limit.is_some_and(|limit| now.since(self.heard_at) >= limit)
    }

    /// Makes outputs safe after a time without frames: those of the frames that are prepared, and those that the link still
    /// holds. They stay so until live traffic is asked for again, by a thread that knows of it.
    #[cold]
    fn give_up_commands(&mut self) {
        self.inbox.set_interruptions(self.interruptions());
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::SafeStepLeftOut) {
            return;
        }
        self.begin_epoch();
        if let Some(exchange) = self.exchange.as_deref_mut() {
            exchange.lane.forget_sends();
            exchange.lane.rewrite(&mut self.link);
        }
    }

    /// Times in which the engine made outputs safe by itself.
    pub(super) const fn interruptions(&self) -> u64 {
        self.counters.stalls + self.counters.silences
    }

    /// Notes how long the machine has been suspended since it was started, before [`send`](Self::send).
    pub fn note_suspended(&mut self, total: Duration) {
        if let Some(before) = self.suspended {
            self.slept = total.saturating_sub(before);
            if let Some(following) = self.following.as_mut().filter(|_| !self.slept.is_zero()) {
                following.keeper.note_suspended(self.slept);
            }
        }
        self.suspended = Some(total);
    }

    /// Notes when [`send`](Self::send) returned, for the distribution of send times. Without it there is none.
    pub const fn note_sent(&mut self, now: Time) {
        self.kicked_at = Some(now);
    }

    /// Notes what the clock saw of the thread since the last cycle: how late the sleep before the tick ended, and holes.
    pub fn note_clock(&mut self, slept: Option<Duration>, holes: Holes) {
        if self.exchange.is_none() {
            return;
        }
        if let Some(late) = slept {
            self.measurements.note(Timed::SleepLatency, late);
        }
        if holes.count > 0 {
            self.counters.holes += holes.count;
            self.counters.hole_longest = self.counters.hole_longest.max(nanos(holes.longest));
            self.counters.hole_total = self.counters.hole_total.saturating_add(nanos(holes.total));
            self.note(CycleFault::Hole(holes.longest));
        }
    }

    /// Step 3 and 4: takes what has arrived, checks each datagram's working counter. Returns whether all frames of the
    /// cycle are back. Never waits.
    pub fn poll(&mut self) -> bool {
        for _ in 0..FRAMES_PER_POLL {
            match self.link.receive() {
                Ok(Some(bytes)) => {
                    let mut receiving = Receiving {
                        lane: self.exchange.as_deref_mut().map(|exchange| &mut exchange.lane),
                        acyclic: &mut self.acyclic,
                        counters: &mut self.counters,
                        events: &mut self.events,
                        cycle: self.cycle,
                        at: self.at,
                    };
                    if receiving.admit(bytes) == Lane::Cyclic {
                        self.heard = true;
                        if self.outstanding() == 0 {
                            return true;
                        }
                    }
                }
                Ok(None) => break,
                Err(fault) => {
                    self.note_link(fault);
                    break;
                }
            }
        }
        self.outstanding() == 0
    }

    /// Steps 4 to 6: counts what is missing, hands samples and states over, obeys the control messages, publishes the
    /// counters. `now` is when the last frame came, or the deadline passed.
    pub fn conclude(&mut self, tick: Tick, woke: Time, now: Time) -> Concluded {
        self.counters.cycle = tick.number;
        self.at = tick.at;
        let mut shift = 0;
        if self.exchange.is_some() {
            let clock;
            (clock, shift) = self.read_clock(tick);
            self.count_wakeup(tick, woke);
            self.count_send(tick);
            self.count_return(tick, now);
            let posted = self.posted_at;
            self.hand_over(CycleTimes { cycle: tick.number, at: tick.at, posted, received: now, clock });
            self.measurements.end_cycle();
        }
        let concluded = Concluded { shift, ..self.obey() };
        self.publish();
        concluded
    }

    /// Step 7: moves acyclic frames, unless the next tick is nearer than the guard. One turn is owed in each cycle: in the
    /// first call a single frame is sent also within the guard, so that a network that loses every cyclic frame, or is
    /// slower than the period, can still be asked.
    pub fn slack(&mut self, now: Time, next: Time) -> Slack {
        let out = self.acyclic.in_flight();
        self.poll();
        // Whoever has an answer may ask the next thing soon.
        if self.acyclic.in_flight() < out {
            self.acyclic_active = now;
        }
        self.acyclic.expire(&self.link, now);
        let in_time = now < next.before(self.timing.guard);
        let owed = std::mem::take(&mut self.acyclic_owed);
        let room = match (in_time, owed) {
            (true, _) => Room::Time,
            (false, true) => Room::Turn,
            (false, false) => Room::Nothing,
        };
        let sent = self.acyclic.send(&mut self.link, now, room) > 0;
        // Frames that an interface which was down has kept in all slots go out by a kick only.
        if (sent || (owed && self.acyclic.is_blocked()))
            && let Err(fault) = self.link.kick()
        {
            self.note_link(fault);
        }
        if sent {
            self.acyclic_active = now;
            return Slack::Sent;
        }
        let lingering = in_time && now.since(self.acyclic_active) < self.timing.linger;
        if self.acyclic.in_flight() > 0 || lingering { Slack::Busy } else { Slack::Idle }
    }

    /// Ends the engine: every acyclic frame goes back to its pool. Gives the link back.
    pub fn finish(mut self) -> (L, Measurements, Counters) {
        self.acyclic.expire_all(&self.link);
        self.measurements.settle();
        self.publish();
        (self.link, self.measurements, self.counters)
    }

    fn outstanding(&self) -> usize {
        self.exchange.as_deref().map_or(0, |exchange| exchange.lane.outstanding())
    }

    fn hand_over(&mut self, times: CycleTimes) {
        let Some(exchange) = self.exchange.as_deref_mut() else { return };
        let Exchange { lane, readers, newest, writers, .. } = exchange;
        let (image, stale) = lane.settled();
        let traffic = self.traffic;
        for port in newest.iter_mut().filter(|_| traffic == Traffic::Live) {
            port.publish(times, self.counters.epoch, image, stale);
        }
        let ports = readers.iter_mut().chain(writers.iter_mut().map(|writer| &mut writer.state));
        for port in ports.filter(|port| port.during == traffic) {
            let lost = port.push(times, image, stale);
            self.counters.overruns += u64::from(lost && traffic == Traffic::Live);
        }
    }

    fn publish(&mut self) {
        self.counters.exchanging = self.exchange.is_some().into();
        self.counters.live = (self.traffic == Traffic::Live).into();
        let acyclic = self.acyclic.counts();
        self.counters.acyclic_sent = acyclic.sent;
        self.counters.acyclic_lost = acyclic.lost;
        self.counters.acyclic_stray = acyclic.stray;
        self.published.publish(&self.counters);
    }

    #[cold]
    fn note(&mut self, fault: CycleFault) {
        let event = Event { cycle: self.cycle, at: self.at, fault };
        self.counters.events_dropped += u64::from(!self.events.push(event));
    }

    #[cold]
    fn note_link(&mut self, fault: LinkFault) {
        self.counters.link_faults += 1;
        self.note(CycleFault::Link(fault));
    }
}
