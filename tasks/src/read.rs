//! The read task: samples from its ring, stamped, in batches, to its outlet.

use crate::batch::{Batch, Kind};
use crate::counters::TaskCounters;
use crate::header::Header;
use crate::mapping::{Mapping, Placed};
use crate::outlet::{Outlet, queue_of};
use crate::ports::Samples;
use crate::thread::{StopFlag, TaskThread};
use crate::time::{CycleClock, TrueTime};
use crate::timestamps::Timestamps;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use zerocat_config::{ReadTask as ReadTaskConfig, Rig};
use zerocat_engine::ReaderSpec;

/// Longest sleep between two looks at the ring.
const LONGEST_NAP: Duration = Duration::from_millis(5);
/// Shortest one.
const SHORTEST_NAP: Duration = Duration::from_micros(200);
/// Samples taken in one step, so that a step ends whatever the ring brings.
const STEP: usize = 4096;

/// What a read task is made of, before its ring is there.
#[derive(Debug, Clone)]
pub struct ReadSetup {
    header: Arc<Header>,
    mapping: Mapping,
    period: Duration,
    every: u64,
    batch_len: u64,
    sample_rate: f64,
}

impl ReadSetup {
    /// For a task of a rig, and its enabled channels with their places. None where the rates don't divide, which a
    /// rig without problems rules out.
    #[must_use]
    pub fn new(rig: &Rig, task: &ReadTaskConfig, channels: &[Placed]) -> Option<Self> {
        let rate = task.config.sample_rate;
        Some(Self {
            header: Arc::new(Header::new(&task.name, Kind::Samples, rate, channels)),
            mapping: Mapping::new(channels),
            period: rig.period(),
            every: rig.every(rate)?,
            batch_len: task.config.samples_per_batch()?,
            sample_rate: rate,
        })
    }

    /// What its batches hold.
    #[must_use]
    pub const fn header(&self) -> &Arc<Header> {
        &self.header
    }

    /// Batches that the queue to each of its sinks holds: those of two seconds, as its ring.
    #[must_use]
    pub fn queue(&self) -> usize {
        #[expect(clippy::cast_precision_loss, reason = "a batch has far fewer samples than 2^53")]
        queue_of(self.sample_rate / self.batch_len.max(1) as f64)
    }

    /// The reader to ask the engine for.
    #[must_use]
    pub fn reader(&self) -> ReaderSpec {
        self.mapping.reader(self.every, self.sample_rate)
    }
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadProgress {
    /// Samples taken.
    pub samples: usize,
    /// Batches delivered.
    pub batches: usize,
}

/// A read task.
#[derive(Debug)]
pub struct ReadTask<S> {
    samples: S,
    setup: ReadSetup,
    batch_len: usize,
    record: Vec<u8>,
    stamps: Timestamps,
    batch: Batch,
    outlet: Outlet,
}

impl<S: Samples> ReadTask<S> {
    /// A task on its ring.
    #[must_use]
    pub fn new(setup: ReadSetup, samples: S, time: TrueTime, outlet: Outlet) -> Self {
        Self {
            record: vec![0; samples.record_len()],
            samples,
            batch_len: usize::try_from(setup.batch_len).unwrap_or(usize::MAX),
            stamps: Timestamps::new(time),
            batch: Batch::new(Arc::clone(&setup.header)),
            outlet,
            setup,
        }
    }

    /// Its counters.
    #[must_use]
    pub const fn counters(&self) -> &Arc<TaskCounters> {
        self.outlet.counters()
    }

    /// Takes what waits in the ring, a few thousand samples at most, and delivers the batches that are full.
    pub fn step(&mut self) -> ReadProgress {
        let mut progress = ReadProgress::default();
        while progress.samples < STEP
            && let Some(delivered) = self.take()
        {
            progress.samples += 1;
            progress.batches += delivered;
            if self.batch.len() >= self.batch_len {
                self.flush();
                progress.batches += 1;
            }
        }
        self.counters().set_overrun(self.samples.overruns());
        progress
    }

    /// Delivers a batch that isn't full, at the end.
    pub fn flush(&mut self) {
        if !self.batch.is_empty() {
            self.outlet.deliver(&self.batch);
            self.batch.clear();
        }
    }

    /// Takes a sample. Gives the batches that were delivered for it: a new base of time begins a new batch.
    fn take(&mut self) -> Option<usize> {
        let header = self.samples.pop(&mut self.record)?;
        let stamp = self.stamps.stamp(CycleClock::of(&header));
        let missing = stamp.missing(self.setup.every);
        let delivered = usize::from(!self.batch.is_empty() && self.batch.base != stamp.moment.base);
        if delivered > 0 {
            self.flush();
        }
        self.batch.push(stamp, header.stale, missing, self.setup.mapping.points().iter(), &self.record);
        if header.stale {
            self.batch.mark(self.setup.mapping.points().iter(), |part| self.samples.is_stale(part));
        }
        self.counters().sample(header.stale, missing);
        Some(delivered)
    }

    fn nap(&self) -> Duration {
        let cycles = self.setup.every.saturating_mul(self.setup.batch_len);
        let batch = self.setup.period.saturating_mul(u32::try_from(cycles).unwrap_or(u32::MAX));
        (batch / 4).clamp(SHORTEST_NAP, LONGEST_NAP)
    }

    fn run(mut self, stop: &StopFlag) {
        let nap = self.nap();
        loop {
            // Before the look at the ring: what was pushed before the stop is still delivered.
            let last = stop.is_set() || self.samples.is_closed();
            let progress = self.step();
            if progress.samples == 0 && last {
                break;
            }
            if progress.samples < STEP {
                stop.nap(nap);
            }
        }
        self.flush();
        self.outlet.finish();
    }
}

impl<S: Samples + 'static> ReadTask<S> {
    /// Runs it on a thread named `zc-read-…`.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn spawn(self) -> io::Result<TaskThread> {
        let name = format!("zc-read-{}", self.setup.header.task);
        TaskThread::start(&name, Arc::clone(self.counters()), move |stop| self.run(stop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::tests::header;
    use crate::mapping::tests::placed;
    use crate::ports::memory::Queue;
    use crate::time::{Reading, TimeKeeper};
    use crate::timestamps::Stamp;
    use std::sync::Mutex;
    use zerocat_pdi::{DataType, Value};

    type Seen = Arc<Mutex<Vec<Batch>>>;

    fn task(every: u64, batch_len: u64, queue: &Queue) -> (ReadTask<Queue>, Seen) {
        let channels = [placed(1, DataType::Int16, 0, 16)];
        let (mapping, header) = (Mapping::new(&channels), Arc::new(header(Kind::Samples, &channels)));
        let period = Duration::from_millis(1);
        let setup = ReadSetup { header, mapping, period, every, batch_len, sample_rate: 100.0 };
        let seen = Seen::default();
        let inner = Arc::clone(&seen);
        let outlet = Outlet::default().with_observer(Box::new(move |batch| inner.lock().unwrap().push(batch.clone())));
        (ReadTask::new(setup, queue.clone(), TrueTime::fixed(1_000_000_000, 0), outlet), seen)
    }

    #[test]
    fn delivers_batches_of_the_asked_size_with_times_of_the_grid() {
        let queue = Queue::new(2);
        let (mut task, seen) = task(10, 5, &queue);
        for n in 0..12u8 {
            queue.send(u64::from(n) * 10 + 100, false, &[n, 0]);
        }
        assert_eq!(task.step(), ReadProgress { samples: 12, batches: 2 });
        assert_eq!(task.step(), ReadProgress::default());
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 2);
        let first: Vec<u64> = (0..5).map(|n| 1_100_000_000 + n * 10_000_000).collect();
        assert_eq!(seen[0].index, first);
        let values: Vec<Value> = (5..10).map(Value::Int).collect();
        assert_eq!((&*seen[1].header.channels[0].name, &seen[1].columns[0]), ("dev_1", &values));
    }

    #[test]
    fn a_step_of_the_wall_clock_begins_a_batch_of_another_base_and_leaves_the_index_alone() {
        let queue = Queue::new(2);
        let (task, seen) = task(1, 4, &queue);
        let reading = |at, shown| Reading { at, shown, within: 0 };
        let mut keeper = TimeKeeper::new(reading(0, 1_000_000_000));
        let mut task = ReadTask { stamps: Timestamps::new(keeper.time()), ..task };
        for (at, shown) in [(2_500_000, 5_002_500_000), (2_501_000, 5_002_501_000)] {
            keeper.wall(reading(at, shown));
        }
        (0..6).for_each(|cycle| queue.send(cycle, false, &[0, 0]));
        assert_eq!(task.step(), ReadProgress { samples: 6, batches: 1 });
        task.flush();
        let seen = seen.lock().unwrap();
        assert_eq!(seen.iter().map(|batch| (batch.base, batch.len())).collect::<Vec<_>>(), [(1, 3), (2, 3)]);
        assert_eq!((seen[1].index[0], seen[1].utc[0]), (1_003_000_000, 5_003_000_000));
    }

    #[test]
    fn a_gap_on_the_grid_is_a_gap_in_time_and_is_counted() {
        let queue = Queue::new(2);
        let (mut task, seen) = task(10, 2, &queue);
        queue.send(100, false, &[0, 0]);
        queue.send(140, false, &[1, 0]);
        queue.overrun(3);
        task.step();
        let batch = seen.lock().unwrap()[0].clone();
        assert_eq!((batch.index[1] - batch.index[0], batch.missing), (40_000_000, 3));
        let counts = task.counters().read();
        assert_eq!((counts.samples, counts.missing, counts.overrun, counts.batches), (2, 3, 3, 1));
    }

    #[test]
    fn a_channel_is_stale_where_the_bytes_of_its_subdevice_are_and_the_others_are_not() {
        let mut channels = [placed(1, DataType::Int16, 0, 16), placed(2, DataType::Int16, 16, 16)];
        channels[1].position = 9;
        let (mut queue, (mapping, header)) =
            (Queue::new(4), (Mapping::new(&channels), Arc::new(header(Kind::Samples, &channels))));
        let mut batch = Batch::new(header);
        queue.set_stale_part(1);
        let mut record = [0; 4];
        for (cycle, stale) in [(1, true), (2, false), (3, true)] {
            queue.send(cycle, stale, &[0; 4]);
            let taken = queue.pop(&mut record).unwrap();
            batch.push(Stamp::at(cycle), taken.stale, 0, mapping.points().iter(), &record);
            batch.mark(mapping.points().iter(), |part| queue.is_stale(part));
        }
        assert_eq!((batch.stale, batch.stale_columns), (vec![0, 2], vec![vec![], vec![0, 2]]));
    }

    #[test]
    fn a_stale_sample_is_flagged_and_the_task_goes_on() {
        let queue = Queue::new(2);
        let (mut task, seen) = task(1, 3, &queue);
        for (cycle, stale) in [(1, false), (2, true), (3, false)] {
            queue.send(cycle, stale, &[7, 0]);
        }
        task.step();
        assert_eq!(seen.lock().unwrap()[0].stale, [1]);
        assert_eq!(seen.lock().unwrap()[0].stale_columns, [[1]]);
        assert_eq!((task.counters().read().stale, task.counters().read().samples), (1, 3));
    }

    #[test]
    fn a_thread_delivers_what_waits_and_the_rest_of_a_batch_before_it_ends() {
        let queue = Queue::new(2);
        let (task, seen) = task(1, 4, &queue);
        for cycle in 0..10 {
            queue.send(cycle, false, &[0, 0]);
        }
        let counts = task.spawn().unwrap().join();
        assert_eq!((counts.samples, counts.batches), (10, 3));
        assert_eq!(seen.lock().unwrap().last().unwrap().len(), 2);
    }

    #[test]
    fn a_thread_ends_by_itself_when_the_realtime_end_is_gone() {
        let queue = Queue::new(2);
        let (task, seen) = task(1, 4, &queue);
        queue.send(1, false, &[0, 0]);
        queue.close();
        let mut thread = Some(task.spawn().unwrap());
        while seen.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(thread.take().unwrap().join().samples, 1);
    }

    #[test]
    fn a_step_ends_whatever_the_ring_brings() {
        let queue = Queue::new(2);
        let (mut task, _) = task(1, 10, &queue);
        for cycle in 0..5000 {
            queue.send(cycle, false, &[0, 0]);
        }
        assert_eq!(task.step().samples, STEP);
    }
}
