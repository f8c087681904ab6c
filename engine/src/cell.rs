//! A seqlock of words: its writer never waits, a reader retries while a write is under way. One writer, any number of readers.
//!
//! The words are atomics, so that it needs no `unsafe`. Guarantees: a reader sees the words of one write, never parts of two, and
//! never an older one than it has seen. Not guaranteed: that it sees every write.
//!
//! Tested in `cell_tests.rs` with threads, and in `tests/cell_model.rs`, which takes this file in, in every order of loads and stores.

use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering, fence, spin_loop};

#[derive(Debug)]
struct Shared {
    sequence: AtomicU64,
    closed: AtomicBool,
    words: Box<[AtomicU64]>,
}

/// The writing end. The realtime thread's.
#[derive(Debug)]
pub(crate) struct CellWriter {
    shared: Arc<Shared>,
    sequence: u64,
}

/// A reading end.
#[derive(Debug, Clone)]
pub(crate) struct CellReader {
    shared: Arc<Shared>,
}

/// Both ends of a cell of so many words, which are 0. Every word is touched here, so that no page faults later.
pub(crate) fn cell(words: usize) -> (CellWriter, CellReader) {
    let words: Box<[AtomicU64]> = (0..words).map(|_| AtomicU64::new(0)).collect();
    let shared = Arc::new(Shared { sequence: AtomicU64::new(0), closed: AtomicBool::new(false), words });
    (CellWriter { shared: Arc::clone(&shared), sequence: 0 }, CellReader { shared })
}

impl CellWriter {
    /// Writes the words; of those too many nothing becomes, those missing stay as they were.
    #[inline]
    pub(crate) fn write(&mut self, words: impl IntoIterator<Item = u64>) {
        // SYNC: an odd sequence says "under way". Ordered before the words by the release fence.
        self.shared.sequence.store(self.sequence.wrapping_add(1), Ordering::Relaxed);
        // SYNC: pairs with the acquire fence in read: who sees a word of this write sees the odd sequence.
        fence(Ordering::Release);
        for (word, value) in self.shared.words.iter().zip(words) {
            // SYNC: ordered by the fences and the sequence around it.
            word.store(value, Ordering::Relaxed);
        }
        self.sequence = self.sequence.wrapping_add(2);
        // SYNC: publishes the words. Pairs with the acquire loads in read and sequence.
        self.shared.sequence.store(self.sequence, Ordering::Release);
    }
}

impl Drop for CellWriter {
    fn drop(&mut self) {
        // SYNC: after the last write. Pairs with the acquire load in is_closed.
        self.shared.closed.store(true, Ordering::Release);
    }
}

impl CellReader {
    /// The number of the newest write, or of one that is under way; it changes with each.
    #[inline]
    pub(crate) fn sequence(&self) -> u64 {
        // SYNC: pairs with the release store at the end of write.
        self.shared.sequence.load(Ordering::Acquire)
    }

    /// Reads the newest words and gives the number of their write.
    #[inline]
    pub(crate) fn read(&self, into: &mut [u64]) -> u64 {
        loop {
            // SYNC: pairs with the release store at the end of write.
            let before = self.shared.sequence.load(Ordering::Acquire);
            for (to, word) in into.iter_mut().zip(&self.shared.words) {
                // SYNC: ordered by the fence below and the load above.
                *to = word.load(Ordering::Relaxed);
            }
            // SYNC: pairs with the release fence in write.
            fence(Ordering::Acquire);
            // SYNC: ordered after the words by the fence.
            let after = self.shared.sequence.load(Ordering::Relaxed);
            if before == after && before.is_multiple_of(2) {
                return before;
            }
            spin_loop();
        }
    }

    /// Whether the writing end is gone, so that no write will follow.
    pub(crate) fn is_closed(&self) -> bool {
        // SYNC: pairs with the release store in drop.
        self.shared.closed.load(Ordering::Acquire)
    }
}
