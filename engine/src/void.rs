//! The commands of single SubDevices become void while the others go on: who has left the exchange for longer than its
//! watchdog must not take up again what was commanded before.
//!
//! An ordinary thread that knows says so ([`Voider`]); the realtime thread looks for it at the end of each cycle, makes the
//! outputs of the SubDevice safe, and takes sets for them again only when it is back and the set is made for the epoch that
//! begins there ([`CommandWriter`](crate::CommandWriter)). Guarantees: outputs are safe from the next cycle on that is
//! prepared; other outputs keep what they are. Looking costs a load and a comparison; nothing here allocates, and no order
//! finds a ring full.

use crate::command::WriterPort;
use crate::cyclic::CyclicLane;
use crate::safe::SafeOutputs;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What both sides share.
#[derive(Debug, Default)]
struct Board {
    /// Grows with each order.
    orders: AtomicU64,
    words: Box<[Word]>,
}

/// What both sides say of a SubDevice.
#[derive(Debug, Default)]
struct Word {
    /// Grows with each order: odd while its commands are void, even when it is back.
    order: AtomicU64,
    /// The last order that was obeyed in the bits from [`ORDER`] up, below it [`COMMANDED`] and [`WAITS`].
    state: AtomicU64,
}

/// Its outputs wait for a command.
const WAITS: u64 = 1;
/// A writer has some of its outputs.
const COMMANDED: u64 = 2;
/// Lowest bit of the order.
const ORDER: u32 = 2;

/// What became of the commands of a SubDevice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voided {
    /// The realtime thread hasn't obeyed yet.
    Ordered,
    /// They are void, and its outputs safe.
    Void,
    /// They count again, and none has come: its outputs are safe.
    Waiting,
    /// They count: they were never void, or it is commanded again.
    Commanded,
    /// Nobody commands it; its outputs are safe where they were made so.
    Nobody,
}

/// Says whose commands are void. Belongs to one thread.
#[derive(Debug, Clone, Default)]
pub struct Voider(Arc<Board>);

/// The realtime end.
#[derive(Debug, Default)]
pub struct Voids {
    board: Arc<Board>,
    /// Orders that were looked at.
    seen: u64,
    parts: Box<[Outputs]>,
}

/// The outputs of a SubDevice.
#[derive(Debug)]
struct Outputs {
    image: Range<usize>,
    /// The last order that was obeyed.
    obeyed: u64,
}

/// Makes both ends for SubDevices whose outputs are these bytes of the image; empty for one that has none.
#[must_use]
pub fn voids(outputs: impl IntoIterator<Item = Range<usize>>) -> (Voider, Voids) {
    let parts: Box<[Outputs]> = outputs.into_iter().map(|image| Outputs { image, obeyed: 0 }).collect();
    let board = Board { orders: AtomicU64::new(0), words: parts.iter().map(|_| Word::default()).collect() };
    let board = Arc::new(board);
    (Voider(Arc::clone(&board)), Voids { board, seen: 0, parts })
}

impl Voider {
    /// What was commanded of a SubDevice, by its number, is void from the next cycle on: its outputs are safe until it is
    /// back and commanded anew. Also where it was so before.
    pub fn void(&self, number: usize) {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::PartedNotVoid) {
            return;
        }
        self.order(number, |order| order | 1);
    }

    /// It is back: what is commanded once the realtime thread knows of it counts.
    pub fn back(&self, number: usize) {
        self.order(number, |order| order.saturating_add(order & 1));
    }

    fn order(&self, number: usize, next: impl Fn(u64) -> u64) {
        let Some(word) = self.0.words.get(number) else { return };
        // SYNC: this thread alone stores it.
        let order = word.order.load(Ordering::Relaxed);
        // SYNC: published by the release below. Pairs with the load in Voids::obey.
        word.order.store(next(order), Ordering::Relaxed);
        // SYNC: publishes the order. Pairs with the acquire load in Voids::are_ordered.
        self.0.orders.fetch_add(1, Ordering::Release);
    }

    /// What became of the commands of a SubDevice.
    #[must_use]
    pub fn state(&self, number: usize) -> Voided {
        let Some(word) = self.0.words.get(number) else { return Voided::Nobody };
        // SYNC: this thread alone stores it.
        let order = word.order.load(Ordering::Relaxed);
        // SYNC: one word and nothing behind it. Pairs with the release store in Voids::tell.
        let state = word.state.load(Ordering::Acquire);
        match (order, state >> ORDER == order) {
            (0, _) => Voided::Commanded,
            (_, false) => Voided::Ordered,
            _ if state & COMMANDED == 0 => Voided::Nobody,
            _ if state & WAITS == 0 => Voided::Commanded,
            _ if order.is_multiple_of(2) => Voided::Waiting,
            _ => Voided::Void,
        }
    }
}

impl Voids {
    /// Whether there are orders that haven't been looked at.
    #[inline]
    pub(crate) fn are_ordered(&self) -> bool {
        // SYNC: pairs with the release in Voider::order.
        self.board.orders.load(Ordering::Acquire) != self.seen
    }

    /// Obeys the orders. `epoch` is the present one; gives the one that begins, if a SubDevice is back.
    #[cold]
    pub(crate) fn obey(
        &mut self,
        lane: &mut CyclicLane,
        writers: &mut [WriterPort],
        safe: &SafeOutputs,
        epoch: u64,
    ) -> u64 {
        let Self { board, seen, parts } = self;
        // SYNC: as in are_ordered.
        *seen = board.orders.load(Ordering::Acquire);
        let mut now = epoch;
        for (part, word) in parts.iter_mut().zip(&*board.words) {
            // SYNC: pairs with the store in Voider::order, by the acquire above. A later one comes with a later look.
            let order = word.order.load(Ordering::Relaxed);
            if order == part.obeyed {
                continue;
            }
            let back = order.is_multiple_of(2);
            if !back || order.saturating_sub(part.obeyed) > 1 {
                safe.apply(&part.image, lane.image_mut());
                writers.iter_mut().for_each(|writer| writer.void(&part.image));
            }
            if back {
                // One for all that are back together.
                now = epoch.saturating_add(1);
                writers.iter_mut().for_each(|writer| writer.admit_from(&part.image, now));
            }
            part.obeyed = order;
            word.tell(part, writers);
        }
        now
    }

    /// An epoch of all outputs has begun, which are safe: who isn't back still isn't.
    pub(crate) fn begin(&self, writers: &mut [WriterPort]) {
        let away = self.parts.iter().filter(|part| !part.obeyed.is_multiple_of(2));
        away.for_each(|part| writers.iter_mut().for_each(|writer| writer.void(&part.image)));
        self.tell(writers);
    }

    /// Tells whose outputs wait for a command, after one that waited has got one.
    #[cold]
    pub(crate) fn tell(&self, writers: &[WriterPort]) {
        let ordered = self.parts.iter().zip(&*self.board.words).filter(|(part, _)| part.obeyed > 0);
        ordered.for_each(|(part, word)| word.tell(part, writers));
    }
}

impl Word {
    fn tell(&self, part: &Outputs, writers: &[WriterPort]) {
        let waits = |writer: &WriterPort| writer.waits(&part.image);
        let state = match writers.iter().filter_map(waits).reduce(|one, other| one || other) {
            None => 0,
            Some(false) => COMMANDED,
            Some(true) => COMMANDED | WAITS,
        };
        // SYNC: publishes one word and nothing behind it. Pairs with the acquire load in Voider::state.
        self.state.store(part.obeyed << ORDER | state, Ordering::Release);
    }
}
