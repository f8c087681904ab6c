//! What the realtime thread counted, in a seqlock: the writer never waits, a reader retries while a write is under way.
//!
//! The words are atomics, so that the lock needs no `unsafe`. One writer, any number of readers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// A snapshot of the engine's counters. All count from the start of the thread.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Counters {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        const WORDS: usize = [$(stringify!($name)),+].len();

        impl Counters {
            const fn words(&self) -> [u64; WORDS] {
                [$(self.$name),+]
            }

            const fn from_words(words: [u64; WORDS]) -> Self {
                let [$($name),+] = words;
                Self { $($name),+ }
            }
        }
    };
}

counters! {
    /// Number of the last cycle on the grid.
    cycle,
    /// Cycles with an exchange installed.
    cycles,
    /// Ticks of the grid that were missed, with an exchange installed.
    skipped,
    /// Cycles in which at least one frame did not come back in time.
    lost_cycles,
    /// Cycles in a row, up to the last one, in which no cyclic frame came back at all.
    silent_cycles,
    /// The most of them in a row since the exchange was installed.
    silent_longest,
    /// Time in ns since the tick of the last cycle in which a cyclic frame came back, at the tick of the last cycle; 0
    /// where none was due since. Before the first one it counts from the installation of the exchange.
    silent_ns,
    /// The longest of these times since the exchange was installed.
    silent_longest_ns,
    /// Cycles in a row, up to the last one, in which every frame that was due came back with every working counter as
    /// expected. A cycle without a frame due neither counts nor ends the row; one that was skipped with a frame due ends
    /// it.
    complete_streak,
    /// Cyclic frames that did not come back in time.
    lost_frames,
    /// Cyclic frames that came back after their cycle.
    late_frames,
    /// How many cycles after its own the last of them came; 0 for one that came twice.
    late_cycles,
    /// Cyclic frames that could not be posted: the slot was still with the network, or the queue was full.
    unsent_frames,
    /// Datagrams that came back with another working counter than expected.
    working_counter_faults,
    /// Sum of the working counters of the last cycle.
    working_counter,
    /// Sum that was expected.
    expected_working_counter,
    /// AL states of all SubDevices in the last cycle, ORed (the low byte of register 0x0130).
    al_status,
    /// SubDevices that answered the last AL status read.
    al_responding,
    /// Round trip of the last complete cycle in ns.
    round_trip,
    /// From the tick of the last cycle to the wake-up, in ns.
    wakeup_jitter,
    /// From the tick of the last cycle to the kick's return, in ns.
    send_jitter,
    /// Holes, with an exchange installed: times in which the thread wanted to run and didn't.
    holes,
    /// The longest hole in ns.
    hole_longest,
    /// All holes together in ns.
    hole_total,
    /// Times longer than the SubDevices' watchdog in which no frame was sent. Outputs were made safe before the next one.
    stalls,
    /// The longest of them in ns.
    stall_longest,
    /// The last of them in ns.
    stall_last_ns,
    /// Times in which no frame came back for as long as the SubDevices' watchdog. Outputs were made safe before the next
    /// one was sent.
    silences,
    /// Grows whenever what was commanded before must not be sent any more: when an exchange is installed, when live
    /// traffic is made safe, at a stall; for a single SubDevice, when it is back.
    epoch,
    /// 1 while traffic is live, else 0.
    live,
    /// Cycles in a row, up to the last one, in which every frame that was due was sent with safe outputs, counted from
    /// when all frames of the exchange have been. A frame that the link refuses ends the row; a cycle without a frame
    /// due neither counts nor ends it.
    safe_cycles,
    /// Command sets put into the output image.
    commands,
    /// Command sets dropped: made for another epoch, or come while traffic was not live.
    stale_commands,
    /// Writers whose ordinary end was dropped while their exchange was installed. Their outputs are safe.
    abandoned_writers,
    /// Samples and states lost to full rings.
    overruns,
    /// Frames of neither lane that arrived.
    foreign_frames,
    /// Frames in the cyclic lane's name that were malformed.
    malformed_frames,
    /// Acyclic frames sent.
    acyclic_sent,
    /// Acyclic frames given back as lost.
    acyclic_lost,
    /// Acyclic frames that came back after they had been given back as lost.
    acyclic_stray,
    /// Errors that the link reported.
    link_faults,
    /// Events that didn't fit into the event ring.
    events_dropped,
    /// Exchanges installed so far.
    installed,
    /// Times that an exchange was told who takes part.
    expectations,
    /// 1 while an exchange is installed, else 0.
    exchanging,
}

#[derive(Debug)]
struct Shared {
    sequence: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// The writing end. The realtime thread's.
#[derive(Debug)]
pub(crate) struct CountersWriter {
    shared: Arc<Shared>,
    sequence: u64,
}

/// A reading end.
#[derive(Debug, Clone)]
pub struct CountersReader {
    shared: Arc<Shared>,
}

pub(crate) fn counters() -> (CountersWriter, CountersReader) {
    let shared = Arc::new(Shared { sequence: AtomicU64::new(0), words: std::array::from_fn(|_| AtomicU64::new(0)) });
    (CountersWriter { shared: Arc::clone(&shared), sequence: 0 }, CountersReader { shared })
}

impl CountersWriter {
    #[inline]
    pub(crate) fn publish(&mut self, counters: &Counters) {
        // SYNC: an odd sequence says "under way". Ordered before the words by the release fence.
        self.shared.sequence.store(self.sequence.wrapping_add(1), Ordering::Relaxed);
        // SYNC: pairs with the acquire fence in read: who sees a word of this write sees the odd sequence.
        fence(Ordering::Release);
        for (word, value) in self.shared.words.iter().zip(counters.words()) {
            // SYNC: ordered by the fences and the sequence around it.
            word.store(value, Ordering::Relaxed);
        }
        self.sequence = self.sequence.wrapping_add(2);
        // SYNC: publishes the words. Pairs with the acquire load in read.
        self.shared.sequence.store(self.sequence, Ordering::Release);
    }
}

impl CountersReader {
    /// A consistent snapshot, newest at the time of the call.
    #[must_use]
    pub fn read(&self) -> Counters {
        loop {
            // SYNC: pairs with the release store at the end of publish.
            let before = self.shared.sequence.load(Ordering::Acquire);
            // SYNC: ordered by the fence below and the load above.
            let words = std::array::from_fn(|n| self.shared.words.get(n).map_or(0, |w| w.load(Ordering::Relaxed)));
            // SYNC: pairs with the release fence in publish.
            fence(Ordering::Acquire);
            // SYNC: ordered after the words by the fence.
            let after = self.shared.sequence.load(Ordering::Relaxed);
            if before == after && before.is_multiple_of(2) {
                return Counters::from_words(words);
            }
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_never_sees_half_a_write() {
        let (mut writer, reader) = counters();
        let watcher = std::thread::spawn(move || {
            let mut last = 0;
            while last < 20_000 {
                let seen = reader.read();
                assert!(seen.words().iter().all(|word| *word == seen.cycle), "torn: {seen:?}");
                assert!(seen.cycle >= last);
                last = seen.cycle;
            }
        });
        for n in 1..=20_000 {
            writer.publish(&Counters::from_words([n; WORDS]));
        }
        watcher.join().unwrap();
    }
}
