//! The rings that carry complete sets of outputs from a writer to the realtime thread, and its state feedback back.
//!
//! A set says of every output of the writer what it is: a record holds the bytes of the writer's ranges of the image, one
//! after the other, and behind it a mask says which bits are commanded; the others stay as they are, or are safe
//! ([`Others`]). Either the newest set that waits at a cycle's preparation wins, or sets go out in turn, each in a frame
//! of every sync unit that it has outputs in ([`Order`]).
//!
//! Every set carries the epoch that it was made for. The epoch grows whenever what was commanded before must not be sent
//! any more: when an exchange is installed, when live traffic is made safe, at a stall. A set of another epoch, or one
//! that comes while traffic is not live, is dropped and counted, never kept. So nothing from before an outage is sent
//! after it, however slow the writer or the realtime thread was. An epoch may void what was commanded of a single
//! SubDevice only ([`Parts`]): then a set from before it counts for the others.
//!
//! A writer may have limits of age and silence ([`Limits`]).

use crate::follow::{Follow, Following, Others};
use crate::limits::{Admitted, Limits, MOST_SILENCES};
use crate::parts::{Parts, Told};
use crate::record::{RecordConsumer, RecordProducer, record_ring};
use crate::safe::SafeOutputs;
use crate::sample::{Origin, ReaderSpec, SamplePort, StateReader, sample_ring, total};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zerocat_pdi::scatter;

/// Bytes of a set in the ring before the record: what it was made for, and what the others are.
const HEADER: usize = 32;
/// In the place of a cycle: computed from none.
const NO_CYCLE: u64 = u64::MAX;

/// Which of the sets that wait are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The newest; it overtakes the others.
    #[default]
    Newest,
    /// Each one, the oldest first. The next is taken when every frame with outputs of the writer was sent since.
    InTurn,
}

/// A writer asked for.
#[derive(Debug, Clone, Default)]
pub struct WriterSpec {
    /// Bytes of the image to write, in record order.
    pub ranges: Vec<Range<usize>>,
    /// For each byte of the record the bits that are the writer's.
    pub mask: Vec<u8>,
    /// Bytes of the image with its outputs of each SubDevice that it has some of, so that what is commanded of one may become
    /// void without the others. Empty: each of the ranges is a part.
    pub parts: Vec<Range<usize>>,
    /// Whose outputs they are, as in [`ReaderSpec::origins`].
    pub origins: Vec<Origin>,
    /// Outputs of the writer that follow an input while nobody commands them.
    pub follows: Vec<Follow>,
    /// Which of the sets that wait are sent.
    pub order: Order,
    /// Most cycles from that which a set was computed from to that in which it is sent. `None`: any number.
    pub max_age: Option<u64>,
    /// Most cycles without a set, once one was taken; after that the outputs are safe. `None`: any number.
    pub silence: Option<u64>,
    /// Command records that the ring holds.
    pub depth: usize,
    /// Give the outputs as sent in every n-th cycle of the grid; 0 is taken as 1.
    pub state_every: u64,
    /// State samples that the ring holds.
    pub state_depth: usize,
}

impl WriterSpec {
    /// A writer of all bits of these ranges, whose newest set wins, with its outputs as they were sent in each cycle.
    #[must_use]
    pub fn of_all(ranges: Vec<Range<usize>>, depth: usize) -> Self {
        let mask = vec![0xff; total(&ranges)];
        Self { ranges, mask, depth, state_every: 1, state_depth: depth, ..Self::default() }
    }
}

/// Makes both ends of a writer and of its state feedback.
#[must_use]
pub fn writer(spec: WriterSpec) -> (WriterPort, CommandWriter, StateReader) {
    let len = total(&spec.ranges);
    let (producer, consumer) = record_ring(HEADER.saturating_add(len.saturating_mul(2)), spec.depth);
    let (ranges, every, depth) = (spec.ranges.clone(), spec.state_every, spec.state_depth);
    let (state, state_reader) = sample_ring(ReaderSpec { ranges, origins: spec.origins, every, depth });
    let shared = Arc::<Shared>::default();
    let mut mask = spec.mask;
    mask.resize(len, 0);
    let parts = if spec.parts.is_empty() { spec.ranges.clone() } else { spec.parts };
    let (parts, told) = Parts::new(parts, &spec.ranges);
    let port = WriterPort {
        ranges: spec.ranges,
        mask: mask.into_boxed_slice(),
        scratch: vec![0; len].into_boxed_slice(),
        following: Following::new(spec.follows),
        parts,
        began: 0,
        order: spec.order,
        limits: Limits::of(spec.max_age, spec.silence),
        unsent: None,
        commands: consumer,
        abandoned: false,
        shared: Arc::clone(&shared),
        state,
    };
    (port, CommandWriter { ring: producer, len, shared, told }, state_reader)
}

/// What the realtime thread tells a writer, without waiting for it.
#[derive(Debug, Default)]
struct Shared {
    /// The epoch in the bits from [`EPOCH`] up, below it how often the writer was silent, and [`LIVE`].
    state: AtomicU64,
    /// The epoch that voided all that was commanded before.
    began: AtomicU64,
    applied: AtomicU64,
}

/// Sets of the epoch are taken.
const LIVE: u64 = 1;
/// Lowest bit of how often the writer was silent.
const SILENCES: u32 = 1;
/// Lowest bit of the epoch.
const EPOCH: u32 = 17;

impl Shared {
    /// Tells the epoch, how often the writer was silent, and whether its sets are taken. Only the realtime thread calls it.
    fn set(&self, epoch: u64, silences: u64, live: bool) {
        let state = (epoch << EPOCH) | (silences << SILENCES) | u64::from(live);
        // SYNC: publishes the epoch, and what it began with. Pairs with the acquire load in state.
        self.state.store(state, Ordering::Release);
    }

    fn state(&self) -> CommandState {
        // SYNC: pairs with the release store in set.
        let state = self.state.load(Ordering::Acquire);
        let silences = state >> SILENCES & MOST_SILENCES;
        CommandState { epoch: state >> EPOCH, silences, live: state & LIVE != 0 }
    }
}

/// What the realtime thread takes at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommandState {
    /// The epoch. 0 until the writer's first exchange is installed.
    pub epoch: u64,
    /// How often the writer was silent, modulo 65,536. A set that was made before the last of these silences is dropped.
    pub silences: u64,
    /// Whether sets of this epoch are taken. Those that come earlier are dropped.
    pub live: bool,
}

/// What a set was made for, and from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// The epoch that it was made for.
    pub epoch: u64,
    /// How often the writer had been silent ([`CommandState::silences`]).
    pub silences: u64,
    /// The cycle whose inputs it was computed from.
    pub from: Option<u64>,
}

impl Made {
    /// For an epoch, by a writer without limits.
    const fn of_epoch(epoch: u64) -> Self {
        Self { epoch, silences: 0, from: None }
    }
}

/// The ring has no room: the realtime thread hasn't taken the last records yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the command ring is full")]
pub struct RingFull;

/// A complete set of outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandSet<'a> {
    /// The outputs, as long as the writer's record.
    pub record: &'a [u8],
    /// Bits of the record that are commanded, a byte for each of the record's.
    pub commanded: &'a [u8],
    /// What the other outputs of the writer are.
    pub others: Others,
}

/// The task's end of a writer's commands. When it is dropped, the writer's outputs become safe.
#[derive(Debug)]
pub struct CommandWriter {
    ring: RecordProducer,
    /// Bytes of a record.
    len: usize,
    shared: Arc<Shared>,
    told: Told,
}

impl CommandWriter {
    /// Hands over a set that commands all outputs, made for an epoch; see [`push_set`](Self::push_set).
    ///
    /// # Errors
    /// [`RingFull`]; also when the record isn't [`record_len`](Self::record_len) bytes long.
    pub fn push(&mut self, record: &[u8], epoch: u64) -> Result<(), RingFull> {
        self.push_with(record, Made::of_epoch(epoch), Others::Stay, |commanded| commanded.fill(0xff))
    }

    /// Hands over a complete set of outputs that was made for an epoch. One of another epoch than the present one, or one
    /// that comes while traffic is not live, is dropped and counted.
    ///
    /// # Errors
    /// [`RingFull`]; also when record and mask aren't [`record_len`](Self::record_len) bytes long.
    pub fn push_set(&mut self, set: CommandSet<'_>, epoch: u64) -> Result<(), RingFull> {
        self.push_made(set, Made::of_epoch(epoch))
    }

    /// As [`push_set`](Self::push_set), with what the writer's limits ask for.
    ///
    /// # Errors
    /// As [`push_set`](Self::push_set).
    pub fn push_made(&mut self, set: CommandSet<'_>, made: Made) -> Result<(), RingFull> {
        if set.commanded.len() != self.len {
            return Err(RingFull);
        }
        self.push_with(set.record, made, set.others, |commanded| commanded.copy_from_slice(set.commanded))
    }

    fn push_with(
        &mut self,
        record: &[u8],
        made: Made,
        others: Others,
        mask: impl FnOnce(&mut [u8]),
    ) -> Result<(), RingFull> {
        if record.len() != self.len {
            return Err(RingFull);
        }
        let pushed = self.ring.push_with(|bytes| {
            let Some((header, rest)) = bytes.split_first_chunk_mut::<HEADER>() else { return };
            *header = emit(made, others);
            let Some((to, commanded)) = rest.split_at_mut_checked(record.len()) else { return };
            to.copy_from_slice(record);
            mask(commanded);
        });
        if pushed { Ok(()) } else { Err(RingFull) }
    }

    /// The present epoch, and whether its sets are taken. Reading it costs the realtime thread nothing.
    #[must_use]
    pub fn state(&self) -> CommandState {
        self.shared.state()
    }

    /// The present epoch.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.state().epoch
    }

    /// The epoch that voided all that was commanded before; later ones voided what was commanded of single SubDevices. To be
    /// read after the state.
    #[must_use]
    pub fn began(&self) -> u64 {
        // SYNC: ordered by the acquire load of the state before it. Pairs with the store in WriterPort::begin.
        self.shared.began.load(Ordering::Relaxed)
    }

    /// The epoch that voided what was commanded of a part ([`WriterSpec::parts`]); `None` while its SubDevice isn't back,
    /// and no set changes it. To be read after the state: what is later than its epoch is to be found again with the next.
    #[must_use]
    pub fn part_began(&self, part: usize) -> Option<u64> {
        self.told.since(part)
    }

    /// Bytes of one record.
    #[must_use]
    pub const fn record_len(&self) -> usize {
        self.len
    }

    /// Whether the realtime end is gone, so that no set will be taken any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// Sets that reached the output image. Sets that a newer one overtook are not in it.
    #[must_use]
    pub fn applied(&self) -> u64 {
        // SYNC: a statistic; it orders nothing. Pairs with the relaxed add in WriterPort::take.
        self.shared.applied.load(Ordering::Relaxed)
    }
}

fn emit(made: Made, others: Others) -> [u8; HEADER] {
    let words = [made.epoch, u64::from(others == Others::Safe), made.from.unwrap_or(NO_CYCLE), made.silences];
    let mut bytes = [0; HEADER];
    for (to, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *to = word.to_le_bytes();
    }
    bytes
}

/// Takes a record of the ring apart: what it was made for, and the set.
fn parse(bytes: &[u8]) -> Option<(Made, CommandSet<'_>)> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
    let mut words = header.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    let (epoch, others, from, silences) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let others = if others == 0 { Others::Stay } else { Others::Safe };
    let (record, commanded) = rest.split_at_checked(rest.len() / 2)?;
    let made = Made { epoch, silences, from: (from != NO_CYCLE).then_some(from) };
    Some((made, CommandSet { record, commanded, others }))
}

/// What became of the sets that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Taken {
    /// Sets put into the image: one or none.
    pub(crate) applied: u64,
    /// Sets dropped: of another epoch, of before a silence, or while traffic was not live.
    pub(crate) stale: u64,
    /// Sets dropped: computed from too old a cycle.
    pub(crate) late: u64,
    /// Outputs of a SubDevice that waited for a command have got one.
    pub(crate) answered: bool,
    /// The writer had been silent.
    pub(crate) heard: bool,
}

impl Taken {
    /// What became of so many sets, of which the newest was looked at.
    fn of(admitted: Admitted, sets: u64) -> Self {
        match admitted {
            Admitted::Applied => Self { applied: 1, ..Self::default() },
            Admitted::Stale => Self { stale: sets, ..Self::default() },
            Admitted::Late => Self { late: sets, ..Self::default() },
        }
    }
}

/// The realtime end of a writer.
#[derive(Debug)]
pub struct WriterPort {
    pub(crate) ranges: Vec<Range<usize>>,
    mask: Box<[u8]>,
    scratch: Box<[u8]>,
    following: Following,
    parts: Parts,
    /// The first epoch whose sets count.
    began: u64,
    order: Order,
    limits: Limits,
    /// In turn: the cycle of the last set, until it has been sent.
    unsent: Option<u64>,
    commands: RecordConsumer,
    abandoned: bool,
    shared: Arc<Shared>,
    pub(crate) state: SamplePort,
}

impl WriterPort {
    /// The cycle of a set that must have been sent before the next one is taken.
    #[inline]
    pub(crate) const fn unsent(&self) -> Option<u64> {
        self.unsent
    }

    /// Takes what is due of the sets that wait, for the cycle that is prepared. A set goes into the image if it was made
    /// for `live`, the epoch whose sets are taken, or one before that voided single SubDevices only.
    #[inline]
    pub(crate) fn take(&mut self, live: Option<u64>, cycle: u64, safe: &SafeOutputs, image: &mut [u8]) -> Taken {
        #[cfg(feature = "planted")]
        if live.is_none() && crate::planted::is(crate::planted::Planted::OldEpochSent) {
            return Taken::default();
        }
        let mut taken = match (self.order, live) {
            (Order::InTurn, Some(_)) => self.take_oldest(live, cycle, safe, image),
            _ => self.take_newest(live, cycle, safe, image),
        };
        if taken.applied > 0 {
            taken.heard = self.limits.hear(cycle);
            self.unsent = (self.order == Order::InTurn).then_some(cycle);
            // SYNC: a statistic; it orders nothing. Pairs with the relaxed load in CommandWriter::applied.
            self.shared.applied.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    #[inline]
    fn take_newest(&mut self, live: Option<u64>, cycle: u64, safe: &SafeOutputs, image: &mut [u8]) -> Taken {
        let mut admitted = Admitted::Stale;
        let (commands, mut target) = self.split(safe, image);
        let waiting = commands.pop_newest_with(|bytes| admitted = target.admit(bytes, live, cycle));
        Taken { answered: target.answered, ..Taken::of(admitted, waiting) }
    }

    fn take_oldest(&mut self, live: Option<u64>, cycle: u64, safe: &SafeOutputs, image: &mut [u8]) -> Taken {
        let mut taken = Taken::default();
        let (commands, mut target) = self.split(safe, image);
        while taken.applied == 0 {
            let mut admitted = Admitted::Stale;
            if !commands.pop_with(|bytes| admitted = target.admit(bytes, live, cycle)) {
                break;
            }
            let Taken { applied, stale, late, .. } = Taken::of(admitted, 1);
            taken.applied += applied;
            taken.stale += stale;
            taken.late += late;
        }
        taken.answered = target.answered;
        taken
    }

    /// Makes the outputs safe where the writer has been silent for longer than it may. Whether it is since this cycle.
    #[inline]
    pub(crate) fn fall_silent(&mut self, live: Option<u64>, cycle: u64, safe: &SafeOutputs, image: &mut [u8]) -> bool {
        let Some(epoch) = live.filter(|_| self.limits.fall_silent(cycle)) else { return false };
        self.make_safe(safe, image);
        self.shared.set(epoch, self.limits.silences(), true);
        true
    }

    const fn split<'a>(
        &'a mut self,
        safe: &'a SafeOutputs,
        image: &'a mut [u8],
    ) -> (&'a mut RecordConsumer, Target<'a>) {
        let Self { ranges, mask, scratch, following, parts, commands, began, limits, .. } = self;
        let (ranges, began) = (ranges.as_slice(), *began);
        (commands, Target { ranges, mask, scratch, following, parts, began, limits, safe, image, answered: false })
    }

    /// Copies the inputs that outputs follow.
    #[inline]
    pub(crate) fn follow(&self, image: &mut [u8]) {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::FollowLeftOut) {
            return;
        }
        self.following.copy(image);
    }

    /// Begins an epoch, whose outputs stand in the image: the initial ones, or the safe ones. What waits is dropped, and
    /// the writer is told the epoch. Returns how many sets were dropped.
    pub(crate) fn begin(&mut self, epoch: u64, initial: bool, safe: &SafeOutputs, image: &mut [u8]) -> u64 {
        #[cfg(feature = "planted")]
        let planted = crate::planted::is(crate::planted::Planted::OldEpochSent);
        #[cfg(not(feature = "planted"))]
        let planted = false;
        let dropped = if planted { 0 } else { self.commands.pop_newest_with(|_| ()) };
        self.unsent = None;
        self.limits.begin();
        self.following.begin(initial);
        self.parts.begin(epoch);
        self.began = epoch;
        // SYNC: published by the release store of the epoch below. Pairs with the load in CommandWriter::began.
        self.shared.began.store(epoch, Ordering::Relaxed);
        if self.abandoned {
            self.make_safe(safe, image);
        }
        self.following.copy(image);
        self.shared.set(epoch, self.limits.silences(), false);
        dropped
    }

    /// What was commanded of the SubDevice with these outputs is void, until it is back. The safe ones stand in the image.
    pub(crate) fn void(&mut self, outputs: &Range<usize>) {
        let Self { parts, following, .. } = self;
        parts.void(outputs, |bytes| following.make_safe(bytes));
    }

    /// It is back: sets count for it that are made for `epoch`, which is told behind this.
    pub(crate) fn admit_from(&mut self, outputs: &Range<usize>, epoch: u64) {
        self.parts.admit_from(outputs, epoch);
    }

    /// Whether outputs of that SubDevice wait for a command; `None` where it has none of them.
    pub(crate) fn waits(&self, outputs: &Range<usize>) -> Option<bool> {
        self.parts.waits(outputs)
    }

    /// Tells the writer whether sets of the epoch are taken.
    pub(crate) fn set_live(&self, epoch: u64, live: bool) {
        self.shared.set(epoch, self.limits.silences(), live);
    }

    /// Makes the writer's outputs safe if its other end is gone. Returns whether it was found so for the first time.
    #[inline]
    pub(crate) fn abandon(&mut self, safe: &SafeOutputs, image: &mut [u8]) -> bool {
        if self.abandoned || !self.commands.is_abandoned() {
            return false;
        }
        self.abandoned = true;
        self.commands.pop_newest_with(|_| ());
        self.make_safe(safe, image);
        true
    }

    fn make_safe(&mut self, safe: &SafeOutputs, image: &mut [u8]) {
        safe.apply_masked(&self.ranges, &self.mask, image);
        self.following.begin(false);
    }
}

/// Where a set goes.
struct Target<'a> {
    ranges: &'a [Range<usize>],
    mask: &'a [u8],
    scratch: &'a mut [u8],
    following: &'a mut Following,
    parts: &'a mut Parts,
    began: u64,
    limits: &'a Limits,
    safe: &'a SafeOutputs,
    image: &'a mut [u8],
    /// A set has commanded a SubDevice that waited for it.
    answered: bool,
}

impl Target<'_> {
    /// Puts a set into the image if it may be sent.
    #[inline]
    fn admit(&mut self, bytes: &[u8], live: Option<u64>, cycle: u64) -> Admitted {
        let Some((made, set)) = parse(bytes) else { return Admitted::Stale };
        let counts = live.is_some_and(|live| (self.began..=live).contains(&made.epoch));
        let admitted = if counts { self.limits.admit(made, cycle) } else { Admitted::Stale };
        #[cfg(feature = "planted")]
        let (admitted, made) = match live {
            Some(live) if crate::planted::is(crate::planted::Planted::OldEpochSent) => {
                (Admitted::Applied, Made { epoch: made.epoch.max(live), ..made })
            }
            _ => (admitted, made),
        };
        if admitted == Admitted::Applied {
            self.put(set, made.epoch);
        }
        admitted
    }

    #[inline]
    fn put(&mut self, set: CommandSet<'_>, made_for: u64) {
        let Self { ranges, mask, scratch, following, parts, safe, image, .. } = self;
        let bits = scratch.iter_mut().zip(mask.iter()).zip(set.commanded);
        bits.for_each(|((to, mask), commanded)| *to = mask & commanded);
        self.answered |= parts.withhold(made_for, scratch);
        scatter(ranges, scratch, set.record, image);
        following.command(scratch, set.others);
        if set.others == Others::Safe {
            let bits = scratch.iter_mut().zip(mask.iter()).zip(set.commanded);
            bits.for_each(|((to, mask), commanded)| *to = mask & !commanded);
            safe.apply_masked(ranges, scratch, image);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> WriterSpec {
        let ranges = std::iter::once(1..3).collect();
        let mask = vec![0x0f, 0xff];
        WriterSpec { ranges, mask, depth: 4, state_every: 1, state_depth: 4, ..WriterSpec::default() }
    }

    fn safe() -> SafeOutputs {
        SafeOutputs { values: [0, 0x77, 0x66, 0].into(), hold: [0, 0, 0x0f, 0].into() }
    }

    #[test]
    fn a_writer_changes_only_its_bits() {
        let (mut port, mut commands, _state) = writer(spec());
        let mut image = [0xaa; 4];
        assert_eq!(port.take(Some(0), 1, &safe(), &mut image), Taken::default());
        commands.push(&[0x33, 0x44], 0).unwrap();
        assert_eq!(port.take(Some(0), 2, &safe(), &mut image), Taken { applied: 1, ..Taken::default() });
        assert_eq!(image, [0xaa, 0xa3, 0x44, 0xaa]);
    }

    #[test]
    fn what_a_set_does_not_command_stays_or_is_safe() {
        let (mut port, mut commands, _state) = writer(spec());
        let mut image = [0xaa; 4];
        let mut push = |others| {
            let set = CommandSet { record: &[0x33, 0x44], commanded: &[0xf3, 0], others };
            commands.push_set(set, 0).unwrap();
            port.take(Some(0), 1, &safe(), &mut image);
            image
        };
        assert_eq!(push(Others::Stay), [0xaa, 0xab, 0xaa, 0xaa]);
        assert_eq!(push(Others::Safe), [0xaa, 0xa7, 0x6a, 0xaa], "two bits commanded, two safe, four held");
        let short = CommandSet { record: &[0, 0], commanded: &[0], others: Others::Stay };
        assert_eq!(commands.push_set(short, 0), Err(RingFull));
    }

    #[test]
    fn sets_of_another_epoch_are_counted_one_by_one() {
        for order in [Order::Newest, Order::InTurn] {
            let (mut port, mut commands, _state) = writer(WriterSpec { order, ..spec() });
            let mut image = [0xaa; 4];
            port.begin(3, false, &safe(), &mut image);
            for epoch in [1, 1, 2] {
                commands.push(&[0, 0], epoch).unwrap();
            }
            assert_eq!(port.take(Some(3), 1, &safe(), &mut image), Taken { stale: 3, ..Taken::default() });
            assert_eq!(image, [0xaa; 4]);
        }
    }

    #[test]
    fn in_turn_the_oldest_set_is_taken_and_those_of_another_epoch_before_it_are_dropped() {
        let (mut port, mut commands, _state) = writer(WriterSpec { order: Order::InTurn, ..spec() });
        let mut image = [0; 4];
        port.begin(1, false, &safe(), &mut image);
        for (first, epoch) in [(9, 0), (1, 1), (2, 1), (3, 1)] {
            commands.push(&[first, 0], epoch).unwrap();
        }
        assert_eq!(port.take(Some(1), 5, &safe(), &mut image), Taken { applied: 1, stale: 1, ..Taken::default() });
        assert_eq!((image[1], port.unsent()), (1, Some(5)));
        assert_eq!(port.take(Some(1), 6, &safe(), &mut image).applied, 1);
        assert_eq!((image[1], port.unsent()), (2, Some(6)));
        assert_eq!((port.begin(2, false, &safe(), &mut image), port.unsent()), (1, None), "the rest is void");
    }

    fn limited(max_age: Option<u64>, silence: Option<u64>) -> (WriterPort, CommandWriter) {
        let (port, commands, _) = writer(WriterSpec { max_age, silence, ..spec() });
        (port, commands)
    }

    fn push(commands: &mut CommandWriter, value: u8, from: u64) {
        let set = CommandSet { record: &[value, 0], commanded: &[0xff; 2], others: Others::Stay };
        let made = Made { epoch: 1, silences: commands.state().silences, from: Some(from) };
        commands.push_made(set, made).unwrap();
    }

    #[test]
    fn a_set_of_too_old_a_cycle_is_not_sent() {
        let (mut port, mut commands) = limited(Some(2), None);
        let mut image = [0; 4];
        push(&mut commands, 1, 10);
        assert_eq!(port.take(Some(1), 12, &safe(), &mut image).applied, 1);
        push(&mut commands, 2, 10);
        assert_eq!(port.take(Some(1), 13, &safe(), &mut image), Taken { late: 1, ..Taken::default() });
        assert_eq!(image[1], 1);
    }

    #[test]
    fn a_silent_writer_has_safe_outputs_and_what_it_made_before_is_void() {
        let (mut port, mut commands) = limited(None, Some(3));
        let mut image = [0; 4];
        port.begin(1, false, &safe(), &mut image);
        port.set_live(1, true);
        assert!(!port.fall_silent(Some(1), 100, &safe(), &mut image), "it commanded nothing yet");
        push(&mut commands, 1, 100);
        assert!(!port.take(Some(1), 100, &safe(), &mut image).heard);
        assert!(!port.fall_silent(Some(1), 103, &safe(), &mut image));
        push(&mut commands, 2, 100);
        let before = commands.state();
        assert!(port.fall_silent(Some(1), 104, &safe(), &mut image), "what waits is not taken");
        assert_eq!((image[1] & 0x0f, commands.state().silences, before.silences), (7, 1, 0));
        assert_eq!(port.take(Some(1), 105, &safe(), &mut image), Taken { stale: 1, ..Taken::default() });
        push(&mut commands, 3, 105);
        let heard = port.take(Some(1), 106, &safe(), &mut image);
        assert_eq!((heard.applied, heard.heard, image[1] & 0x0f), (1, true, 3));
    }
}
