//! The thread that writes a task's batches, so that nothing it waits for holds the task.
//!
//! Guarantees: handing a batch over never waits; what the queue has no room for and what the sink refuses is counted as
//! lost, and the first of each is said; the end waits for what is queued, within a bound, and leaves a thread behind that
//! is stuck in its sink. Not guaranteed: that a batch which was counted as lost then is never written.

use crate::batch::Batch;
use crate::counters::TaskCounters;
use crate::sink::Sink;
use crate::thread::{STACK, thread_name};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::Builder;
use std::time::Duration;

/// How long the end waits for what is queued.
pub(crate) const DRAIN: Duration = Duration::from_secs(1);

/// The running thread and the queue to it.
#[derive(Debug)]
pub(crate) struct SinkThread {
    task: Arc<str>,
    batches: SyncSender<Batch>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
    shared: Arc<Shared>,
    full: bool,
}

#[derive(Debug)]
struct Shared {
    counters: Arc<TaskCounters>,
    /// Batches that were handed over and are neither written nor lost yet.
    queued: AtomicU64,
    /// Nobody waits for the thread any more.
    left: AtomicBool,
}

impl SinkThread {
    /// Starts a thread named `zc-sink-…` with room for `depth` batches.
    pub(crate) fn start(
        task: &str,
        sink: Box<dyn Sink>,
        depth: usize,
        counters: Arc<TaskCounters>,
    ) -> io::Result<Self> {
        let (batches, queue) = sync_channel(depth.max(1));
        let (alive, ended) = channel();
        let shared = Arc::new(Shared { counters, queued: AtomicU64::new(0), left: AtomicBool::new(false) });
        let writing = Writing { task: task.into(), sink, queue, shared: Arc::clone(&shared), _alive: alive };
        Builder::new().name(thread_name(&format!("zc-sink-{task}"))).stack_size(STACK).spawn(move || writing.run())?;
        Ok(Self { task: task.into(), batches, ended, shared, full: false })
    }

    /// Hands a batch over. Never waits.
    pub(crate) fn take(&mut self, batch: &Batch) {
        // SYNC: a count of what is under way; the queue publishes the batches. Pairs with the subtraction in run.
        self.shared.queued.fetch_add(1, Ordering::Relaxed);
        let Err(refused) = self.batches.try_send(batch.clone()) else { return };
        // SYNC: as above.
        self.shared.queued.fetch_sub(1, Ordering::Relaxed);
        self.shared.counters.lose_batches(1);
        if matches!(refused, TrySendError::Full(_)) && !std::mem::replace(&mut self.full, true) {
            let task = &*self.task;
            tracing::warn!(task, "the sink is too slow; batches are lost and counted, and the task goes on");
        }
    }

    /// Waits until what is queued is written, for `most` at the longest.
    pub(crate) fn finish(self, most: Duration) {
        let Self { task, batches, ended, shared, .. } = self;
        drop(batches);
        if ended.recv_timeout(most) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        // SYNC: a request and nothing behind it. Pairs with the load in run.
        shared.left.store(true, Ordering::Relaxed);
        // SYNC: as in take. A batch that is written at this moment may be counted as lost.
        let lost = shared.queued.load(Ordering::Relaxed);
        shared.counters.lose_batches(lost);
        shared.counters.leave_sink();
        let task = &*task;
        tracing::warn!(task, lost, "the sink took nothing for {most:?}; its thread is left behind");
    }
}

/// The thread's side.
struct Writing {
    task: Arc<str>,
    sink: Box<dyn Sink>,
    queue: Receiver<Batch>,
    shared: Arc<Shared>,
    /// Dropped at the end.
    _alive: Sender<()>,
}

impl Writing {
    fn run(mut self) {
        let mut said = false;
        while let Ok(batch) = self.queue.recv() {
            // SYNC: pairs with the store in finish.
            if self.shared.left.load(Ordering::Relaxed) {
                return;
            }
            let written = self.sink.take(&batch);
            // SYNC: pairs with the addition in take.
            self.shared.queued.fetch_sub(1, Ordering::Relaxed);
            let Err(error) = written else { continue };
            self.shared.counters.lose_batches(1);
            if !std::mem::replace(&mut said, true) {
                let task = &*self.task;
                tracing::warn!(task, %error, "the sink did not take a batch; the task goes on and counts further ones");
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::batch::Kind;
    use std::sync::Mutex;

    /// A sink that takes batches once its gate is opened, which is when the sender is dropped.
    pub(crate) struct Stuck {
        pub(crate) gate: Receiver<()>,
        pub(crate) taken: Arc<Mutex<u64>>,
    }

    impl Stuck {
        pub(crate) fn new() -> (Self, Sender<()>, Arc<Mutex<u64>>) {
            let (sender, gate) = channel();
            let taken = Arc::default();
            (Self { gate, taken: Arc::clone(&taken) }, sender, taken)
        }
    }

    impl Sink for Stuck {
        fn take(&mut self, _: &Batch) -> io::Result<()> {
            let _ = self.gate.recv();
            *self.taken.lock().unwrap() += 1;
            Ok(())
        }
    }

    fn batch() -> Batch {
        Batch::new("t".into(), Kind::Samples, [1])
    }

    fn stuck(depth: usize) -> (SinkThread, Arc<TaskCounters>, Sender<()>, Arc<Mutex<u64>>) {
        let (sink, gate, taken) = Stuck::new();
        let counters = Arc::new(TaskCounters::default());
        let thread = SinkThread::start("t", Box::new(sink), depth, Arc::clone(&counters)).unwrap();
        (thread, counters, gate, taken)
    }

    #[test]
    fn what_is_queued_is_written_before_the_end() {
        let (mut thread, counters, gate, taken) = stuck(8);
        (0..8).for_each(|_| thread.take(&batch()));
        drop(gate);
        thread.finish(Duration::from_secs(3600));
        assert_eq!((*taken.lock().unwrap(), counters.read().lost_batches), (8, 0));
    }

    #[test]
    fn a_sink_that_takes_nothing_loses_what_its_queue_has_no_room_for() {
        let (mut thread, counters, gate, taken) = stuck(4);
        (0..100).for_each(|_| thread.take(&batch()));
        // One is with the sink, if its thread has begun, and four are queued.
        assert!([95, 96].contains(&counters.read().lost_batches));
        drop(gate);
        thread.finish(Duration::from_secs(3600));
        assert_eq!(*taken.lock().unwrap() + counters.read().lost_batches, 100);
    }

    #[test]
    fn a_thread_that_is_stuck_is_left_behind_and_what_it_held_is_lost() {
        let (mut thread, counters, gate, taken) = stuck(8);
        (0..5).for_each(|_| thread.take(&batch()));
        thread.finish(Duration::from_millis(1));
        let counts = counters.read();
        assert_eq!((counts.lost_batches, counts.stuck_sinks, *taken.lock().unwrap()), (5, 1, 0));
        drop(gate);
    }
}
