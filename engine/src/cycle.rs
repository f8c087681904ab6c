//! The steps of one cycle. Each is a function of state, link and a time that is passed in; [`run`](crate::run) is the
//! loop around them, and a bench may call them flat out.

use crate::acyclic::{AcyclicLane, AcyclicSettings, Pool};
use crate::control::{Controls, Inbox, Message, Traffic, controls};
use crate::counters::{Counters, CountersReader, CountersWriter, counters};
use crate::cyclic::{Admission, AlReading, CyclicLane};
use crate::event::{CycleFault, Event, EventReader, EventSender, events};
use crate::lane::Exchange;
use crate::measure::Measurements;
use std::time::Duration;
use zerocat_link::{Link, LinkFault};
use zerocat_sched::time::nanos;
use zerocat_sched::{Holes, Tick, Time};
use zerocat_wire::ethernet::{self, MacAddress};

/// Frames that one poll takes at most, so that a flood from the wire can't hold a cycle.
const FRAMES_PER_POLL: usize = 64;
/// Events that wait for the health thread.
const EVENTS: usize = 1024;

/// Times of a cycle that don't change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// A cycle's frames that aren't back this long after their tick are lost.
    pub deadline: Duration,
    /// No acyclic frame is sent within this time before a tick.
    pub guard: Duration,
    /// How long the acyclic lane looks for the next request after the last one.
    pub linger: Duration,
    /// A wake-up later than this after its tick is an event of its own.
    pub late: Duration,
}

impl Timing {
    /// What suits a period: frames have nine tenths of it, acyclic frames stop a quarter of it (at most 150 us, the
    /// time that a full frame takes at 100 Mbit/s with some to spare) before the next tick.
    #[must_use]
    pub fn for_period(period: Duration) -> Self {
        Self {
            deadline: period / 10 * 9,
            guard: (period / 4).min(Duration::from_micros(150)),
            linger: Duration::from_micros(200),
            late: period / 4,
        }
    }
}

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

/// What the control messages of a cycle ask of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// The exchange was retired in this cycle.
    pub retired: bool,
    /// The loop is to end.
    pub stop: bool,
}

/// The ends of an engine that ordinary threads hold.
#[derive(Debug)]
pub struct EngineParts {
    /// Installs exchanges, switches outputs, stops.
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
    acyclic: AcyclicLane,
    acyclic_active: Time,
    inbox: Inbox,
    counters: Counters,
    published: CountersWriter,
    events: EventSender,
    measurements: Measurements,
    al_status: Option<AlReading>,
    /// Whether a cyclic frame came since the last cycle was concluded.
    heard: bool,
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
            traffic: Traffic::Zero,
            acyclic: AcyclicLane::new(pool, acyclic),
            acyclic_active: Time(0),
            inbox,
            counters: Counters::default(),
            published,
            events: sender,
            measurements: Measurements::default(),
            al_status: None,
            heard: false,
            cycle: 0,
            at: Time(0),
            posted_at: Time(0),
            kicked_at: None,
        };
        (engine, EngineParts { controls, counters, events })
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

    /// Whether cyclic frames are exchanged.
    #[must_use]
    pub const fn is_exchanging(&self) -> bool {
        self.exchange.is_some()
    }

    /// What was timed so far.
    #[must_use]
    pub const fn measurements(&self) -> &Measurements {
        &self.measurements
    }

    /// Step 1, before the tick: the newest complete command sets go into the output image, the outputs into the slots.
    pub fn prepare(&mut self, cycle: u64) {
        self.cycle = cycle;
        let Some(exchange) = self.exchange.as_deref_mut() else { return };
        let Exchange { lane, writers, .. } = exchange;
        for writer in writers {
            if self.traffic == Traffic::Live {
                self.counters.commands += u64::from(writer.apply(lane.image_mut()));
            } else {
                writer.collect();
            }
        }
        self.counters.unsent_frames += lane.prepare(&mut self.link, cycle);
    }

    /// Step 2, on the tick: posts the frames and kicks the link once.
    pub fn send(&mut self, now: Time) {
        self.at = now;
        self.posted_at = now;
        self.kicked_at = None;
        let Some(exchange) = self.exchange.as_deref_mut() else { return };
        let (refused, fault) = exchange.lane.post(&mut self.link);
        self.counters.unsent_frames += refused;
        let kicked = self.link.kick();
        if let Some(fault) = fault.or(kicked.err()) {
            self.note_link(fault);
        }
    }

    /// Notes when [`send`](Self::send) was done, for the distribution of send times. Without it there is none.
    pub const fn sent(&mut self, now: Time) {
        self.kicked_at = Some(now);
    }

    /// Notes what the clock saw of the thread since the last cycle: how late the sleep before the tick ended, and holes.
    pub fn watched(&mut self, slept: Option<Duration>, holes: Holes) {
        if self.exchange.is_none() {
            return;
        }
        if let Some(late) = slept {
            self.measurements.sleep_latency.record(late);
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
                    let mut desk = Desk {
                        lane: self.exchange.as_deref_mut().map(|exchange| &mut exchange.lane),
                        acyclic: &mut self.acyclic,
                        counters: &mut self.counters,
                        events: &mut self.events,
                        cycle: self.cycle,
                        at: self.at,
                    };
                    if desk.admit(bytes) == Lane::Cyclic {
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
    pub fn conclude(&mut self, tick: Tick, woke: Time, now: Time) -> Asked {
        self.counters.cycle = tick.number;
        self.at = tick.at;
        if self.exchange.is_some() {
            self.count_wakeup(tick, woke);
            self.count_send(tick);
            self.count_return(now);
            if self.traffic == Traffic::Live {
                self.hand_over(tick);
            }
        }
        let asked = self.obey();
        self.publish();
        asked
    }

    /// Step 7: moves acyclic frames, unless the next tick is nearer than the guard.
    pub fn slack(&mut self, now: Time, next: Time) -> Slack {
        self.poll();
        self.acyclic.expire(&self.link, now);
        let allowed = now < next.before(self.timing.guard);
        if allowed && self.acyclic.send(&mut self.link, now) > 0 {
            self.acyclic_active = now;
            if let Err(fault) = self.link.kick() {
                self.note_link(fault);
            }
            return Slack::Sent;
        }
        let lingering = allowed && now.since(self.acyclic_active) < self.timing.linger;
        if self.acyclic.in_flight() > 0 || lingering { Slack::Busy } else { Slack::Idle }
    }

    /// Ends the engine: every acyclic frame goes back to its pool. Gives the link back.
    pub fn finish(mut self) -> (L, Measurements, Counters) {
        self.acyclic.expire_all(&self.link);
        self.publish();
        (self.link, self.measurements, self.counters)
    }

    fn outstanding(&self) -> usize {
        self.exchange.as_deref().map_or(0, |exchange| exchange.lane.outstanding())
    }

    fn count_wakeup(&mut self, tick: Tick, woke: Time) {
        let jitter = woke.since(tick.at);
        self.counters.cycles += 1;
        // Ticks before the first cycle of an exchange were nobody's.
        if tick.skipped > 0 && self.counters.cycles > 1 {
            self.counters.skipped += tick.skipped;
            self.note(CycleFault::Skipped(tick.skipped));
        }
        self.counters.wakeup_jitter = nanos(jitter);
        self.measurements.wakeup_jitter.record(jitter);
        if jitter > self.timing.late {
            self.note(CycleFault::Late(jitter));
        }
    }

    fn count_send(&mut self, tick: Tick) {
        self.measurements.post_jitter.record(self.posted_at.since(tick.at));
        if let Some(kicked) = self.kicked_at {
            let jitter = kicked.since(tick.at);
            self.counters.send_jitter = nanos(jitter);
            self.measurements.send_jitter.record(jitter);
        }
    }

    fn count_return(&mut self, now: Time) {
        let Some(exchange) = self.exchange.as_deref() else { return };
        let lane = &exchange.lane;
        let (got, expected) = lane.working_counters();
        let reading = lane.al_status();
        (self.counters.working_counter, self.counters.expected_working_counter) = (got, expected);
        let mut lost = 0;
        for frame in lane.missing() {
            lost += 1;
            let event = Event { cycle: self.cycle, at: self.at, fault: CycleFault::Lost { frame } };
            self.counters.events_dropped += u64::from(!self.events.push(event));
        }
        if lost == 0 {
            let round_trip = now.since(self.posted_at);
            self.counters.round_trip = nanos(round_trip);
            self.measurements.round_trip.record(round_trip);
        } else {
            self.counters.lost_frames += lost;
            self.counters.lost_cycles += 1;
        }
        self.note_al_status(reading);
        self.count_silence(lost);
    }

    /// A cycle that lost frames and heard none, not even a late one, is silent.
    fn count_silence(&mut self, lost: u64) {
        if std::mem::take(&mut self.heard) {
            self.counters.silent_cycles = 0;
        } else if lost > 0 {
            self.counters.silent_cycles += 1;
            self.counters.silent_longest = self.counters.silent_longest.max(self.counters.silent_cycles);
        }
    }

    fn note_al_status(&mut self, reading: Option<AlReading>) {
        let Some(now) = reading else { return };
        (self.counters.al_status, self.counters.al_responding) = (now.ored.into(), now.responding.into());
        if let Some(was) = self.al_status.replace(now)
            && was != now
        {
            self.note(CycleFault::AlStatus { was: was.ored, now: now.ored, responding: now.responding });
        }
    }

    fn hand_over(&mut self, tick: Tick) {
        let Some(exchange) = self.exchange.as_deref_mut() else { return };
        let Exchange { lane, readers, writers } = exchange;
        let clean = lane.is_clean();
        for port in readers.iter_mut().chain(writers.iter_mut().map(|writer| &mut writer.state)) {
            let lost = port.push(tick.number, tick.at, lane.image(), |range| !clean && lane.is_stale(range));
            self.counters.overruns += u64::from(lost);
        }
    }

    fn publish(&mut self) {
        self.counters.exchanging = self.exchange.is_some().into();
        let acyclic = self.acyclic.counts();
        self.counters.acyclic_sent = acyclic.sent;
        self.counters.acyclic_lost = acyclic.lost;
        self.counters.acyclic_stray = acyclic.stray;
        self.published.publish(&self.counters);
    }

    fn obey(&mut self) -> Asked {
        let mut asked = Asked::default();
        while let Some(message) = self.inbox.next() {
            match message {
                Message::Install(exchange) => self.install(exchange),
                Message::Retire => {
                    asked.retired = self.exchange.is_some();
                    self.inbox.retire(self.exchange.take());
                }
                Message::Traffic(traffic) => self.switch_traffic(traffic),
                Message::Stop => asked.stop = true,
            }
        }
        asked
    }

    fn install(&mut self, exchange: Box<Exchange>) {
        self.inbox.retire(self.exchange.take());
        if let Err(fault) = exchange.lane.stage(&mut self.link) {
            self.note_link(fault);
            self.inbox.retire(Some(exchange));
            return;
        }
        self.exchange = Some(exchange);
        self.al_status = None;
        (self.counters.silent_cycles, self.counters.silent_longest) = (0, 0);
        self.counters.installed += 1;
    }

    fn switch_traffic(&mut self, traffic: Traffic) {
        self.traffic = traffic;
        if traffic == Traffic::Zero
            && let Some(exchange) = self.exchange.as_deref_mut()
        {
            exchange.lane.zero_outputs();
        }
    }

    fn note(&mut self, fault: CycleFault) {
        let event = Event { cycle: self.cycle, at: self.at, fault };
        self.counters.events_dropped += u64::from(!self.events.push(event));
    }

    fn note_link(&mut self, fault: LinkFault) {
        self.counters.link_faults += 1;
        self.note(CycleFault::Link(fault));
    }
}

/// Which lane a received frame is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Cyclic,
    Acyclic,
    Neither,
}

/// Where received frames are told apart: what `poll` needs beside the link, which lends the frame.
struct Desk<'a> {
    lane: Option<&'a mut CyclicLane>,
    acyclic: &'a mut AcyclicLane,
    counters: &'a mut Counters,
    events: &'a mut EventSender,
    cycle: u64,
    at: Time,
}

impl Desk<'_> {
    fn admit(&mut self, bytes: &[u8]) -> Lane {
        match ethernet::source(bytes) {
            Ok(source) if CyclicLane::owns(source) => {
                self.admit_cyclic(bytes, source);
                Lane::Cyclic
            }
            Ok(source) if AcyclicLane::owns(source) => {
                self.acyclic.admit(bytes);
                Lane::Acyclic
            }
            _ => {
                self.counters.foreign_frames += 1;
                Lane::Neither
            }
        }
    }

    fn admit_cyclic(&mut self, bytes: &[u8], source: MacAddress) {
        let Self { lane, counters, events, cycle, at, .. } = self;
        let Some(lane) = lane else {
            counters.late_frames += 1;
            return;
        };
        let admission = lane.admit(bytes, source, |wrong| {
            counters.working_counter_faults += 1;
            let fault = CycleFault::WorkingCounter {
                frame: wrong.frame,
                datagram: wrong.datagram,
                expected: wrong.expected,
                got: wrong.got,
            };
            counters.events_dropped += u64::from(!events.push(Event { cycle: *cycle, at: *at, fault }));
        });
        match admission {
            Admission::Taken => {}
            Admission::Late => counters.late_frames += 1,
            Admission::Malformed => counters.malformed_frames += 1,
        }
    }
}
