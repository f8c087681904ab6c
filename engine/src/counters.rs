//! What the realtime thread counted, in a seqlock: the writer never waits. One writer, any number of readers.

use crate::cell::{CellReader, CellWriter, cell};

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
    /// Events of all SubDevices in the datagrams of the last cycle that brought any back, ORed (register 0x0210, as far as the
    /// mask 0x0200 lets them through).
    events,
    /// Cycles that brought an event which the one before hadn't, or mail of a SubDevice that had none before.
    news,
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
    /// Command sets dropped: computed from an older cycle than their writer allows when they would have been sent.
    late_commands,
    /// Times that a writer with a limit of silence gave no set for longer. Its outputs became safe.
    silent_writers,
    /// Times that a writer which had been silent commanded again.
    heard_writers,
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
    /// State of the reference clock as a number. This and those below are read by [`Counters::clock`].
    clock_state,
    /// Its time at the last passage that was read.
    clock_time,
    /// Cycles that brought no time of it.
    clock_without_reading,
    /// The magnitudes of all differences 0x092C, ORed, in ns.
    clock_difference,
    /// Cycles in which not all that have one answered.
    clock_difference_unknown,
    /// Estimated phase error in ns, as a signed number.
    clock_error,
    /// The largest of them while it was locked.
    clock_error_worst,
    /// Its frequency against the host's clock in parts per billion, as a signed number.
    clock_frequency,
    /// How far readings usually are from what is expected, in ns.
    clock_jitter,
    /// Sum of all moves of the grid in ns, as a signed number.
    clock_moved,
    /// The largest of them.
    clock_largest_move,
    /// Times that the lock was lost.
    clock_times_lost,
    /// How long it took until it was locked for the first time in ns; 0 before.
    clock_lock_took,
}

/// The writing end. The realtime thread's.
#[derive(Debug)]
pub(crate) struct CountersWriter(CellWriter);

/// A reading end.
#[derive(Debug, Clone)]
pub struct CountersReader(CellReader);

pub(crate) fn counters() -> (CountersWriter, CountersReader) {
    let (writer, reader) = cell(WORDS);
    (CountersWriter(writer), CountersReader(reader))
}

impl CountersWriter {
    #[inline]
    pub(crate) fn publish(&mut self, counters: &Counters) {
        self.0.write(counters.words());
    }
}

impl CountersReader {
    /// A consistent snapshot, newest at the time of the call.
    #[must_use]
    pub fn read(&self) -> Counters {
        let mut words = [0; WORDS];
        self.0.read(&mut words);
        Counters::from_words(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read_as_it_was() {
        let (mut writer, reader) = counters();
        let words = std::array::from_fn(|n| u64::try_from(n).unwrap());
        writer.publish(&Counters::from_words(words));
        assert_eq!(reader.read().words(), words);
    }
}
