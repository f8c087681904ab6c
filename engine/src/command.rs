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

use crate::follow::{Follow, Following, Others};
use crate::parts::{Parts, Told};
use crate::record::{RecordConsumer, RecordProducer, record_ring};
use crate::safe::SafeOutputs;
use crate::sample::{Origin, ReaderSpec, SamplePort, StateReader, sample_ring, total};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zerocat_pdi::scatter;

/// Bytes of a set in the ring before the record: its epoch, and what the others are.
const HEADER: usize = 16;

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
    /// The epoch in the bits from [`EPOCH`] up, below it [`LIVE`].
    state: AtomicU64,
    /// The epoch that voided all that was commanded before.
    began: AtomicU64,
    applied: AtomicU64,
}

/// Sets of the epoch are taken.
const LIVE: u64 = 1;
/// Lowest bit of the epoch.
const EPOCH: u32 = 1;

impl Shared {
    /// Tells the epoch, and whether its sets are taken. Only the realtime thread calls it.
    fn set(&self, epoch: u64, live: bool) {
        // SYNC: publishes the epoch, and what it began with. Pairs with the acquire load in state.
        self.state.store((epoch << EPOCH) | u64::from(live), Ordering::Release);
    }

    fn state(&self) -> CommandState {
        // SYNC: pairs with the release store in set.
        let state = self.state.load(Ordering::Acquire);
        CommandState { epoch: state >> EPOCH, live: state & LIVE != 0 }
    }
}

/// What the realtime thread takes at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommandState {
    /// The epoch. 0 until the writer's first exchange is installed.
    pub epoch: u64,
    /// Whether sets of this epoch are taken. Those that come earlier are dropped.
    pub live: bool,
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
        self.push_with(record, epoch, Others::Stay, |commanded| commanded.fill(0xff))
    }

    /// Hands over a complete set of outputs that was made for an epoch. One of another epoch than the present one, or one
    /// that comes while traffic is not live, is dropped and counted.
    ///
    /// # Errors
    /// [`RingFull`]; also when record and mask aren't [`record_len`](Self::record_len) bytes long.
    pub fn push_set(&mut self, set: CommandSet<'_>, epoch: u64) -> Result<(), RingFull> {
        if set.commanded.len() != self.len {
            return Err(RingFull);
        }
        self.push_with(set.record, epoch, set.others, |commanded| commanded.copy_from_slice(set.commanded))
    }

    fn push_with(
        &mut self,
        record: &[u8],
        epoch: u64,
        others: Others,
        mask: impl FnOnce(&mut [u8]),
    ) -> Result<(), RingFull> {
        if record.len() != self.len {
            return Err(RingFull);
        }
        let pushed = self.ring.push_with(|bytes| {
            let Some((header, rest)) = bytes.split_first_chunk_mut::<HEADER>() else { return };
            *header = emit(epoch, others);
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

    /// Sets that reached the output image. Sets that a newer one overtook are not in it.
    #[must_use]
    pub fn applied(&self) -> u64 {
        // SYNC: a statistic; it orders nothing. Pairs with the relaxed add in WriterPort::take.
        self.shared.applied.load(Ordering::Relaxed)
    }
}

fn emit(epoch: u64, others: Others) -> [u8; HEADER] {
    (u128::from(others == Others::Safe) << 64 | u128::from(epoch)).to_le_bytes()
}

/// Takes a record of the ring apart: the epoch that it was made for, and the set.
fn parse(bytes: &[u8]) -> Option<(u64, CommandSet<'_>)> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
    let (epoch, others) = header.split_first_chunk::<8>()?;
    let others = if others.first() == Some(&0) { Others::Stay } else { Others::Safe };
    let (record, commanded) = rest.split_at_checked(rest.len() / 2)?;
    Some((u64::from_le_bytes(*epoch), CommandSet { record, commanded, others }))
}

/// What became of the sets that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Taken {
    /// Sets put into the image: one or none.
    pub(crate) applied: u64,
    /// Sets dropped: of another epoch, or while traffic was not live.
    pub(crate) stale: u64,
    /// Outputs of a SubDevice that waited for a command have got one.
    pub(crate) answered: bool,
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
        let taken = match (self.order, live) {
            (Order::InTurn, Some(_)) => self.take_oldest(live, safe, image),
            _ => self.take_newest(live, safe, image),
        };
        if taken.applied > 0 {
            self.unsent = (self.order == Order::InTurn).then_some(cycle);
            // SYNC: a statistic; it orders nothing. Pairs with the relaxed load in CommandWriter::applied.
            self.shared.applied.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    #[inline]
    fn take_newest(&mut self, live: Option<u64>, safe: &SafeOutputs, image: &mut [u8]) -> Taken {
        let mut applied = false;
        let (commands, mut target) = self.split(safe, image);
        let waiting = commands.pop_newest_with(|bytes| applied = target.admit(bytes, live));
        let answered = target.answered;
        if applied { Taken { applied: 1, stale: 0, answered } } else { Taken { applied: 0, stale: waiting, answered } }
    }

    fn take_oldest(&mut self, live: Option<u64>, safe: &SafeOutputs, image: &mut [u8]) -> Taken {
        let mut taken = Taken::default();
        let (commands, mut target) = self.split(safe, image);
        while taken.applied == 0 {
            let mut applied = false;
            if !commands.pop_with(|bytes| applied = target.admit(bytes, live)) {
                break;
            }
            taken.applied += u64::from(applied);
            taken.stale += u64::from(!applied);
        }
        taken.answered = target.answered;
        taken
    }

    const fn split<'a>(
        &'a mut self,
        safe: &'a SafeOutputs,
        image: &'a mut [u8],
    ) -> (&'a mut RecordConsumer, Target<'a>) {
        let Self { ranges, mask, scratch, following, parts, commands, began, .. } = self;
        let (ranges, began) = (ranges.as_slice(), *began);
        (commands, Target { ranges, mask, scratch, following, parts, began, safe, image, answered: false })
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
        self.following.begin(initial);
        self.parts.begin(epoch);
        self.began = epoch;
        // SYNC: published by the release store of the epoch below. Pairs with the load in CommandWriter::began.
        self.shared.began.store(epoch, Ordering::Relaxed);
        if self.abandoned {
            self.make_safe(safe, image);
        }
        self.following.copy(image);
        self.shared.set(epoch, false);
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
        self.shared.set(epoch, live);
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
    safe: &'a SafeOutputs,
    image: &'a mut [u8],
    /// A set has commanded a SubDevice that waited for it.
    answered: bool,
}

impl Target<'_> {
    /// Puts a set into the image if it was made for `live`. Whether it was.
    #[inline]
    fn admit(&mut self, bytes: &[u8], live: Option<u64>) -> bool {
        let Some((made_for, set)) = parse(bytes) else { return false };
        let admitted = live.is_some_and(|live| (self.began..=live).contains(&made_for));
        #[cfg(feature = "planted")]
        let (admitted, made_for) = match live {
            Some(live) if crate::planted::is(crate::planted::Planted::OldEpochSent) => (true, made_for.max(live)),
            _ => (admitted, made_for),
        };
        if admitted {
            self.put(set, made_for);
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
        assert_eq!(port.take(Some(1), 5, &safe(), &mut image), Taken { applied: 1, stale: 1, answered: false });
        assert_eq!((image[1], port.unsent()), (1, Some(5)));
        assert_eq!(port.take(Some(1), 6, &safe(), &mut image).applied, 1);
        assert_eq!((image[1], port.unsent()), (2, Some(6)));
        assert_eq!((port.begin(2, false, &safe(), &mut image), port.unsent()), (1, None), "the rest is void");
    }
}
