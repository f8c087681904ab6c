//! What a task asks of its ring ends, so that it can be run against others than the engine's.

use zerocat_engine::{CommandSet, CommandState, CommandWriter, RingFull, SampleHeader, SampleReader};

/// The end of a ring that samples come out of.
pub trait Samples: Send {
    /// Takes the oldest sample into `record`, which is [`record_len`](Self::record_len) bytes long.
    fn pop(&mut self, record: &mut [u8]) -> Option<SampleHeader>;
    /// Whether the bytes of a part ([`Point::part`](crate::Point::part)) were stale in the sample that was taken last.
    fn is_stale(&self, part: usize) -> bool;
    /// Bytes of a record.
    fn record_len(&self) -> usize;
    /// Samples that found the ring full.
    fn overruns(&self) -> u64;
    /// Whether no sample will come after those that wait.
    fn is_closed(&self) -> bool;
}

/// The end of a ring that command sets go into.
pub trait Commands: Send {
    /// Hands a complete set over that was made for an epoch.
    ///
    /// # Errors
    /// The ring is full.
    fn push(&mut self, set: CommandSet<'_>, epoch: u64) -> Result<(), RingFull>;
    /// The present epoch, and whether its sets are taken.
    fn state(&self) -> CommandState;
    /// The epoch that voided all that was commanded before; later ones voided what was commanded of single SubDevices. To be
    /// read after the state.
    fn began(&self) -> u64;
    /// The epoch that voided what was commanded of a part of the writer; `None` while it isn't back. To be read after the
    /// state.
    fn part_began(&self, part: usize) -> Option<u64>;
    /// Bytes of a record.
    fn record_len(&self) -> usize;
    /// Sets that reached the outputs.
    fn applied(&self) -> u64;
}

impl Samples for SampleReader {
    fn pop(&mut self, record: &mut [u8]) -> Option<SampleHeader> {
        Self::pop(self, record)
    }

    fn is_stale(&self, part: usize) -> bool {
        Self::is_stale(self, part)
    }

    fn record_len(&self) -> usize {
        Self::record_len(self)
    }

    fn overruns(&self) -> u64 {
        Self::overruns(self)
    }

    fn is_closed(&self) -> bool {
        Self::is_closed(self)
    }
}

impl Commands for CommandWriter {
    fn push(&mut self, set: CommandSet<'_>, epoch: u64) -> Result<(), RingFull> {
        self.push_set(set, epoch)
    }

    fn state(&self) -> CommandState {
        Self::state(self)
    }

    fn began(&self) -> u64 {
        Self::began(self)
    }

    fn part_began(&self, part: usize) -> Option<u64> {
        Self::part_began(self, part)
    }

    fn record_len(&self) -> usize {
        Self::record_len(self)
    }

    fn applied(&self) -> u64 {
        Self::applied(self)
    }
}

/// In-memory ends, for tests.
#[cfg(test)]
pub(crate) mod memory {
    use super::{Commands, Samples};
    use std::collections::{BTreeMap, VecDeque};
    use std::sync::{Arc, Mutex};
    use zerocat_engine::{CommandSet, CommandState, Others, RingFull, SampleHeader};

    /// A queue of samples.
    #[derive(Clone, Default)]
    pub(crate) struct Queue(Arc<Mutex<QueueState>>);

    #[derive(Default)]
    struct QueueState {
        samples: VecDeque<(SampleHeader, Vec<u8>)>,
        /// Of the sample that was taken last.
        stale: bool,
        /// The part whose bytes are stale in a stale sample; without one, all.
        stale_part: Option<usize>,
        len: usize,
        overruns: u64,
        closed: bool,
    }

    impl Queue {
        pub(crate) fn new(len: usize) -> Self {
            let queue = Self::default();
            queue.0.lock().unwrap().len = len;
            queue
        }

        /// A sample whose tick is at 1 ms times the cycle.
        pub(crate) fn send(&self, cycle: u64, stale: bool, record: &[u8]) {
            let mut header = SampleHeader {
                cycle,
                at: Default::default(),
                posted: Default::default(),
                received: Default::default(),
                clock: None,
                stale,
            };
            header.at.0 = cycle * 1_000_000;
            self.0.lock().unwrap().samples.push_back((header, record.to_vec()));
        }

        /// From now on only the bytes of a part are stale in a stale sample.
        pub(crate) fn set_stale_part(&self, part: usize) {
            self.0.lock().unwrap().stale_part = Some(part);
        }

        pub(crate) fn overrun(&self, n: u64) {
            self.0.lock().unwrap().overruns += n;
        }

        pub(crate) fn close(&self) {
            self.0.lock().unwrap().closed = true;
        }
    }

    impl Samples for Queue {
        fn pop(&mut self, record: &mut [u8]) -> Option<SampleHeader> {
            let mut state = self.0.lock().unwrap();
            let (header, bytes) = state.samples.pop_front()?;
            state.stale = header.stale;
            record.copy_from_slice(&bytes);
            Some(header)
        }

        fn is_stale(&self, part: usize) -> bool {
            let state = self.0.lock().unwrap();
            state.stale && state.stale_part.is_none_or(|stale| stale == part)
        }

        fn record_len(&self) -> usize {
            self.0.lock().unwrap().len
        }

        fn overruns(&self) -> u64 {
            self.0.lock().unwrap().overruns
        }

        fn is_closed(&self) -> bool {
            self.0.lock().unwrap().closed
        }
    }

    /// A set, as it was handed over.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct Set {
        made_for: u64,
        pub(crate) record: Vec<u8>,
        pub(crate) commanded: Vec<u8>,
        pub(crate) others: Others,
    }

    /// What epochs voided.
    #[derive(Debug, Default)]
    struct Began {
        all: u64,
        /// Parts that began anew since.
        parts: BTreeMap<usize, u64>,
    }

    /// Command sets as they were pushed; full above a depth.
    #[derive(Clone)]
    pub(crate) struct Pushed {
        sets: Arc<Mutex<Vec<Set>>>,
        state: Arc<Mutex<CommandState>>,
        began: Arc<Mutex<Began>>,
        depth: usize,
    }

    impl Pushed {
        /// Live in epoch 1.
        pub(crate) fn new(depth: usize) -> Self {
            let pushed = Self { sets: Arc::default(), state: Arc::default(), began: Arc::default(), depth };
            pushed.switch(1, true);
            pushed
        }

        /// The sets of the present epoch.
        pub(crate) fn whole_sets(&self) -> Vec<Set> {
            let epoch = self.state().epoch;
            self.sets.lock().unwrap().iter().filter(|set| set.made_for == epoch).cloned().collect()
        }

        /// Their records, 0 where they command nothing.
        pub(crate) fn sets(&self) -> Vec<Vec<u8>> {
            let record = |set: &Set| set.record.iter().zip(&set.commanded).map(|(byte, mask)| byte & mask).collect();
            self.whole_sets().iter().map(record).collect()
        }

        /// Makes room.
        pub(crate) fn take(&self) {
            self.sets.lock().unwrap().clear();
        }

        pub(crate) fn switch(&self, epoch: u64, live: bool) {
            *self.state.lock().unwrap() = CommandState { epoch, live, ..CommandState::default() };
            *self.began.lock().unwrap() = Began { all: epoch, parts: BTreeMap::new() };
        }

        /// What was commanded of a part is void: an epoch begins for it.
        pub(crate) fn void(&self, part: usize) {
            let mut state = self.state.lock().unwrap();
            state.epoch += 1;
            self.began.lock().unwrap().parts.insert(part, state.epoch);
        }
    }

    impl Commands for Pushed {
        fn push(&mut self, set: CommandSet<'_>, epoch: u64) -> Result<(), RingFull> {
            let mut sets = self.sets.lock().unwrap();
            if sets.len() >= self.depth {
                return Err(RingFull);
            }
            let (record, commanded) = (set.record.to_vec(), set.commanded.to_vec());
            sets.push(Set { made_for: epoch, record, commanded, others: set.others });
            Ok(())
        }

        fn state(&self) -> CommandState {
            *self.state.lock().unwrap()
        }

        fn began(&self) -> u64 {
            self.began.lock().unwrap().all
        }

        fn part_began(&self, part: usize) -> Option<u64> {
            let began = self.began.lock().unwrap();
            Some(began.parts.get(&part).copied().unwrap_or(began.all))
        }

        fn record_len(&self) -> usize {
            0
        }

        fn applied(&self) -> u64 {
            u64::try_from(self.sets.lock().unwrap().len()).unwrap()
        }
    }
}
