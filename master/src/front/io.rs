//! The process data of a running bus, in the hands of one owner.
//!
//! Guarantees:
//! - [`Io::wait`] gives the newest cycle, never an older one than before; what it gives is whole.
//! - [`Io::get`] and [`Io::set`] can't fail: what they ask for was checked at the start.
//! - [`Io::commit`] hands a complete set over, or refuses it with a reason. A set is sent only in the epoch of the cycle that it
//!   was computed from, and no later than the stated age after it ([`Bus::commands_at_most`](crate::Bus::commands_at_most)).
//! - After the stated silence ([`Bus::silent_after`](crate::Bus::silent_after)) the outputs are safe: without a commit, after a
//!   drop or a panic of the program.
//!
//! Not guaranteed: that a commit goes out in the next cycle; it does where it comes before that is prepared.

use super::asked::{IoEnds, Spot};
use super::clock::ProgramClock;
use super::cycle::{Cycle, Life, NoCycle, Refused};
use super::field::Field;
use super::handle::{In, Key, Out};
use super::oversampled::spread;
use super::wait::{Bell, NAP, Waiting, nap};
use crate::machine::StopWish;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use zerocat_engine::{CommandSet, Made, NewestHeader, Others, SampleHeader};
use zerocat_tasks::{CycleClock, Moment, Timestamps};

/// Inputs and outputs of a bus in OP. From [`Bus::start`](crate::Bus::start); it has one owner and may move to any thread.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// # use std::time::Duration;
/// use zerocat::testing::{Bench, ProfileKind, line};
/// let mut bus = Bench::bus().silent_after(Duration::from_millis(100));
/// let position = bus.input::<i32>(0, 0x6064);
/// let control = bus.output::<u16>(0, 0x6040);
/// let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
/// bench.cycle();
/// let cycle = io.wait(Duration::ZERO).unwrap();
/// assert!(io.is_good(position));
/// io.set(control, 0x0006);
/// io.commit(&cycle).unwrap();
/// # }
/// ```
///
/// There is one owner, which may move, and outputs are to be had only from a bus in OP:
///
/// ```
/// fn one(io: zerocat::Io) -> zerocat::Io {
///     io
/// }
/// fn late(io: &mut zerocat::Io, target: zerocat::Out<i32>) {
///     io.set(target, 5);
/// }
/// ```
///
/// ```compile_fail
/// fn two(io: &zerocat::Io) -> (zerocat::Io, zerocat::Io) {
///     (io.clone(), io.clone()) // a second owner
/// }
/// ```
///
/// ```compile_fail
/// fn early(bus: zerocat::Bus, target: zerocat::Out<i32>) {
///     bus.set(target, 5); // not before OP
/// }
/// ```
pub struct Io {
    ends: IoEnds,
    clock: ProgramClock,
    /// How the newest cycles are stamped, and those of the history.
    stamps: Option<[Timestamps; 2]>,
    waiting: Waiting,
    bell: Option<Arc<Bell>>,
    stop: StopWish,
    last: Option<NewestHeader>,
    /// The outputs, and which bits of them are commanded.
    record: Box<[u8]>,
    commanded: Box<[u8]>,
    others: Others,
    life: Option<Life>,
    /// The epoch that voided what was commanded of each SubDevice; `None` while it is away.
    parts: Box<[Option<u64>]>,
    /// An output of another bus was set.
    foreign: bool,
    past: Box<[u8]>,
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("last", &self.last).field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl Io {
    pub(crate) fn new(ends: IoEnds, clock: ProgramClock, waiting: Waiting, stop: StopWish) -> std::io::Result<Self> {
        let bell = match waiting {
            Waiting::Woken if clock.is_real() => Some(Bell::start(ends.newest.watch(), ends.period)?),
            _ => None,
        };
        let len = ends.commands.as_ref().map_or(0, zerocat_engine::CommandWriter::record_len);
        let past = vec![0; ends.history.as_ref().map_or(0, zerocat_engine::SampleReader::record_len)].into();
        let (record, commanded) = (vec![0; len].into(), vec![0; len].into());
        let parts = vec![None; ends.parts.len()].into();
        let (last, life, others, foreign) = (None, None, Others::Stay, false);
        let stamps = ends.time.as_ref().map(|time| [time, time].map(|time| Timestamps::new(time.clone())));
        Ok(Self {
            ends,
            clock,
            stamps,
            waiting,
            bell,
            stop,
            last,
            record,
            commanded,
            others,
            life,
            parts,
            foreign,
            past,
        })
    }

    /// Waits for a cycle that is newer than the one before, and gives the newest. Its inputs are read by [`Io::get`] then.
    ///
    /// # Errors
    /// [`NoCycle::TimedOut`]: none came in time, as during an outage; wait again. [`NoCycle::Ended`]: the session is over.
    pub fn wait(&mut self, timeout: Duration) -> Result<Cycle, NoCycle> {
        let end = self.clock.now().saturating_add(timeout);
        loop {
            if let Some(cycle) = self.look()? {
                return Ok(cycle);
            }
            let now = self.clock.now();
            if now >= end || !self.clock.is_real() {
                return Err(NoCycle::TimedOut);
            }
            self.pause(now, end - now);
        }
    }

    /// As [`Io::wait`] for an executor, any of them; it ends with [`NoCycle::Ended`] only. With another waiting than
    /// [`Waiting::Woken`] the executor polls without a pause.
    ///
    /// # Errors
    /// [`NoCycle::Ended`].
    pub fn next_cycle(&mut self) -> impl Future<Output = Result<Cycle, NoCycle>> + Send + '_ {
        std::future::poll_fn(|context| self.poll_cycle(context))
    }

    /// The same as a step.
    pub fn poll_cycle(&mut self, context: &mut Context<'_>) -> Poll<Result<Cycle, NoCycle>> {
        loop {
            match self.look() {
                Ok(Some(cycle)) => return Poll::Ready(Ok(cycle)),
                Err(ended) => return Poll::Ready(Err(ended)),
                Ok(None) => {}
            }
            match &self.bell {
                Some(bell) if bell.wake_at_next(self.ends.newest.sequence(), context.waker()) => {}
                Some(_) => return Poll::Pending,
                None => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
    }

    fn pause(&self, now: Duration, left: Duration) {
        match (self.waiting, &self.bell) {
            (Waiting::Spin, _) => std::hint::spin_loop(),
            (Waiting::Woken, Some(bell)) => bell.wait(self.ends.newest.sequence(), left.min(NAP * 1000)),
            _ => {
                let since = self.last.map(|last| now.saturating_sub(Duration::from_nanos(last.received.0)));
                std::thread::sleep(nap(since, self.ends.period).min(left));
            }
        }
    }

    /// The newest cycle, if it is another one than before.
    fn look(&mut self) -> Result<Option<Cycle>, NoCycle> {
        let closed = self.ends.newest.is_closed() || self.stop.asked();
        match self.ends.newest.read() {
            Some(header) => Ok(Some(self.begin(header))),
            None if closed => Err(NoCycle::Ended),
            None => Ok(None),
        }
    }

    fn begin(&mut self, header: NewestHeader) -> Cycle {
        let life = self.life_now(header.epoch);
        let anew = self.life != Some(life);
        if anew {
            self.begin_life(life);
        }
        self.void_parts(anew);
        let last = self.last.replace(header);
        let gap = last.map_or(0, |last| header.cycle.saturating_sub(last.cycle).saturating_sub(1));
        let elapsed = last.filter(|_| !anew).map(|last| header.at.since(last.at));
        let overtaken = last.map_or(0, |_| header.overtaken);
        let moment = self.stamps.as_mut().map(|[newest, _]| newest.moment(CycleClock::of_newest(&header)));
        Cycle {
            bus: self.ends.bus,
            number: header.cycle,
            at: Duration::from_nanos(header.at.0),
            received: Duration::from_nanos(header.received.0),
            clock: header.clock,
            moment,
            skipped: gap.saturating_sub(overtaken),
            overtaken,
            elapsed,
            epoch: header.epoch,
            life,
            anew,
        }
    }

    fn life_now(&self, epoch: u64) -> Life {
        let Some(commands) = &self.ends.commands else { return Life { began: epoch, silences: 0 } };
        let silences = commands.state().silences;
        Life { began: commands.began(), silences }
    }

    /// What was set of a SubDevice before it was away is not commanded any more, while the others go on.
    fn void_parts(&mut self, anew: bool) {
        let Some(commands) = &self.ends.commands else { return };
        for (n, (known, bytes)) in self.parts.iter_mut().zip(&self.ends.parts).enumerate() {
            let since = commands.part_began(n);
            if *known != since && !anew {
                self.commanded.get_mut(bytes.clone()).unwrap_or_default().fill(0);
            }
            *known = since;
        }
    }

    /// What was set before an outage or a silence is not commanded any more. What was set before the first cycle is.
    fn begin_life(&mut self, life: Life) {
        if self.life.replace(life).is_some() {
            self.commanded.fill(0);
            self.others = Others::Safe;
        }
    }

    /// An input in the cycle that was given last: zero before the first one, and for a handle of another bus.
    #[inline]
    #[must_use]
    pub fn get<T: Field>(&self, input: In<T>) -> T {
        match self.spot(&self.ends.inputs, input.key) {
            Some(spot) => T::load(self.ends.newest.bytes(), spot.bit),
            None => T::ZERO,
        }
    }

    /// Whether an input is of the cycle that was given last: its SubDevice took part in it, and its frame came back. If not,
    /// its value is an older one. `false` before the first cycle, and for a handle of another bus.
    #[inline]
    #[must_use]
    pub fn is_good<T: Field>(&self, input: In<T>) -> bool {
        let spot = self.spot(&self.ends.inputs, input.key);
        self.last.is_some() && spot.is_some_and(|spot| self.ends.newest.is_good(spot.part))
    }

    /// Whether all inputs are.
    #[must_use]
    pub fn all_good(&self) -> bool {
        self.last.is_some() && self.ends.newest.is_all_good()
    }

    /// Sets an output in the next set. It stays so in all that follow, until an outage or a silence. A handle of another
    /// bus sets nothing, and the next commit is refused.
    #[inline]
    pub fn set<T: Field>(&mut self, output: Out<T>, value: T) {
        match self.spot(&self.ends.outputs, output.key) {
            Some(Spot { bit, .. }) => {
                value.store(&mut self.record, bit);
                T::mark(&mut self.commanded, bit);
            }
            None => self.foreign = true,
        }
    }

    /// The value that an output was set to last; zero where it was not set yet. After an outage or a silence it isn't commanded
    /// until it is set again, whatever this says: go on from an input then.
    #[inline]
    #[must_use]
    pub fn commanded<T: Field>(&self, output: Out<T>) -> T {
        self.spot(&self.ends.outputs, output.key).map_or(T::ZERO, |spot| T::load(&self.record, spot.bit))
    }

    #[inline]
    fn spot(&self, spots: &[Spot], key: Key) -> Option<Spot> {
        if key.bus == self.ends.bus { spots.get(key.slot).copied() } else { None }
    }

    /// Hands all outputs over as one set that was computed from the inputs of a cycle. Those that were never set are what the
    /// rig file says of them, or safe.
    ///
    /// # Errors
    /// Why it was refused. Nothing of it is sent then.
    pub fn commit(&mut self, from: &Cycle) -> Result<(), Refused> {
        let now = self.clock.now();
        let Some(commands) = &mut self.ends.commands else { return Err(Refused::NoOutputs) };
        if from.bus != self.ends.bus || std::mem::take(&mut self.foreign) {
            return Err(Refused::OtherBus);
        }
        if self.stop.asked() || commands.is_closed() {
            return Err(Refused::Stopped);
        }
        let state = commands.state();
        if !state.live || from.epoch < commands.began() {
            return Err(Refused::Outage);
        }
        if state.silences != from.life.silences {
            return Err(Refused::WasSilent);
        }
        let (age, at_most) = (now.saturating_sub(from.at), self.ends.at_most);
        if age > at_most {
            return Err(Refused::TooLate { age, at_most });
        }
        let set = CommandSet { record: &self.record, commanded: &self.commanded, others: self.others };
        let made = Made { epoch: from.epoch, silences: state.silences, from: Some(from.number) };
        commands.push_made(set, made).map_err(|_| Refused::TooMany)
    }

    /// The next cycle of the history, the oldest first, each once: [`Bus::history`](crate::Bus::history) says how many are
    /// kept. Where the program is too slow for it, the newest ones are lost and counted ([`Io::history_lost`]). It has nothing
    /// to do with [`Io::wait`], which gives the newest.
    pub fn next_of_history(&mut self) -> Option<Past<'_>> {
        let header = self.ends.history.as_mut()?.pop(&mut self.past)?;
        let moment = self.stamps.as_mut().map(|[_, past]| past.moment(CycleClock::of(&header)));
        Some(Past { io: self, header, moment })
    }

    /// Cycles of the history that found it full.
    #[must_use]
    pub fn history_lost(&self) -> u64 {
        self.ends.history.as_ref().map_or(0, zerocat_engine::SampleReader::overruns)
    }

    /// UTC of each of `N` samples that an oversampling SubDevice took for a cycle, for an input that is an array of them
    /// (`In<[i16; 10]>`): spread evenly over a period, the last one at [`Cycle::utc`]. How much later the SubDevice puts them into its
    /// process data than it took them is not known here; its manual says so. `None` where the cycle has no UTC.
    #[must_use]
    pub fn utc_of_samples<const N: usize>(&self, cycle: &Cycle) -> Option<[Duration; N]> {
        cycle.utc().map(|utc| spread(utc, self.ends.period))
    }

    /// Time from one cycle to the next.
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.ends.period
    }
}

/// A cycle of the history.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use std::time::Duration;
/// use zerocat::testing::{Bench, ProfileKind, line};
/// let mut bus = Bench::bus().history(100);
/// let position = bus.input::<i32>(0, 0x6064);
/// let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
/// bench.run(Duration::from_millis(10));
/// let mut numbers = Vec::new();
/// while let Some(past) = io.next_of_history() {
///     assert!(past.is_good(position) && past.all_good());
///     numbers.push((past.number(), past.get(position)));
/// }
/// assert!(numbers.len() >= 10 && numbers.is_sorted());
/// assert_eq!(io.history_lost(), 0);
/// # }
/// ```
#[derive(Debug)]
pub struct Past<'a> {
    io: &'a Io,
    header: SampleHeader,
    moment: Option<Moment>,
}

impl Past<'_> {
    /// Its number on the grid.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.header.cycle
    }

    /// Its tick, on `CLOCK_MONOTONIC`.
    #[must_use]
    pub const fn tick(&self) -> Duration {
        Duration::from_nanos(self.header.at.0)
    }

    /// As [`Cycle::clock`].
    #[must_use]
    pub fn clock(&self) -> Option<Duration> {
        self.header.clock.map(Duration::from_nanos)
    }

    /// As [`Cycle::utc`].
    #[must_use]
    pub fn utc(&self) -> Option<Duration> {
        self.moment.map(|moment| Duration::from_nanos(moment.utc))
    }

    /// As [`Cycle::time_base`].
    #[must_use]
    pub fn time_base(&self) -> Option<u32> {
        self.moment.map(|moment| moment.base)
    }

    /// Whether all inputs are of this cycle.
    #[must_use]
    pub const fn all_good(&self) -> bool {
        !self.header.stale
    }

    /// Whether an input is.
    #[must_use]
    pub fn is_good<T: Field>(&self, input: In<T>) -> bool {
        let spot = self.io.spot(&self.io.ends.inputs, input.key);
        let history = self.io.ends.history.as_ref().zip(spot);
        history.is_some_and(|(history, spot)| !history.is_stale(spot.part))
    }

    /// An input in it.
    #[must_use]
    pub fn get<T: Field>(&self, input: In<T>) -> T {
        self.io.spot(&self.io.ends.inputs, input.key).map_or(T::ZERO, |spot| T::load(&self.io.past, spot.bit))
    }
}
