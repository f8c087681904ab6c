//! The thread that writes a task's batches to one sink, so that nothing it waits for holds the task.
//!
//! Guarantees: handing a batch over never waits; what the queue has no room for and what the sink refuses is counted as
//! lost, and the first of each is said; the end waits for what is queued, within a bound, and leaves a thread behind that
//! is stuck in its sink. Not guaranteed: that a batch which was counted as lost then is never written.

use crate::batch::Batch;
use crate::counters::TaskCounters;
use crate::header::Header;
use crate::sink::Sink;
use crate::thread::{STACK, thread_name};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};
use zerocat_faults::Fault;

/// How long the end waits for what is queued.
pub(crate) const DRAIN: Duration = Duration::from_secs(1);

/// A sink, and what it is called where something is wrong with it.
pub struct OpenSink {
    /// Its path, or `standard output`.
    pub name: String,
    /// Where batches go.
    pub sink: Box<dyn Sink>,
}

impl fmt::Debug for OpenSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenSink {{ name: {:?} }}", self.name)
    }
}

/// The running thread and the queue to it.
#[derive(Debug)]
pub(crate) struct SinkThread {
    batches: SyncSender<Arc<Batch>>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
    shared: Arc<Shared>,
    full: bool,
}

/// A thread that writes what is still queued, and ends then.
#[derive(Debug)]
pub(crate) struct Draining {
    ended: Receiver<()>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    header: Arc<Header>,
    /// Name of the sink.
    name: String,
    counters: Arc<TaskCounters>,
    /// Batches that were handed over and are neither written nor lost yet.
    queued: AtomicU64,
    /// Nobody waits for the thread any more.
    left: AtomicBool,
}

impl SinkThread {
    /// Starts a thread named `zc-sink-…` after the task, with room for `depth` batches.
    pub(crate) fn start(
        header: Arc<Header>,
        sink: OpenSink,
        depth: usize,
        counters: Arc<TaskCounters>,
    ) -> io::Result<Self> {
        let (batches, queue) = sync_channel(depth.max(1));
        let (alive, ended) = channel();
        let OpenSink { name, sink } = sink;
        let thread = thread_name(&format!("zc-sink-{}", header.task));
        let (queued, left) = (AtomicU64::new(0), AtomicBool::new(false));
        let shared = Arc::new(Shared { header, name, counters, queued, left });
        let writing = Writing { sink, queue, shared: Arc::clone(&shared), said: false, _alive: alive };
        Builder::new().name(thread).stack_size(STACK).spawn(move || writing.run())?;
        Ok(Self { batches, ended, shared, full: false })
    }

    /// Hands a batch over. Never waits.
    pub(crate) fn take(&mut self, batch: &Arc<Batch>) {
        // SYNC: a count of what is under way; the queue publishes the batches. Pairs with the subtraction in run.
        self.shared.queued.fetch_add(1, Ordering::Relaxed);
        let Err(refused) = self.batches.try_send(Arc::clone(batch)) else { return };
        // SYNC: as above.
        self.shared.queued.fetch_sub(1, Ordering::Relaxed);
        self.shared.counters.lose_batches(1);
        if matches!(refused, TrySendError::Full(_)) && !std::mem::replace(&mut self.full, true) {
            let (task, sink) = (&*self.shared.header.task, &*self.shared.name);
            tracing::warn!(fault = %Fault::BatchesLost, task, sink, "the sink is too slow; batches are lost and counted, and the task goes on");
        }
    }

    /// Lets the thread end behind what is queued.
    pub(crate) fn close(self) -> Draining {
        let Self { ended, shared, .. } = self;
        Draining { ended, shared }
    }
}

impl Draining {
    /// Waits until what is queued is written, until `end` at the latest.
    pub(crate) fn finish(self, end: Instant) {
        let Self { ended, shared } = self;
        if ended.recv_timeout(end.saturating_duration_since(Instant::now())) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        // SYNC: a request and nothing behind it. Pairs with the load in run.
        shared.left.store(true, Ordering::Relaxed);
        // SYNC: as in take. A batch that is written at this moment may be counted as lost.
        let lost = shared.queued.load(Ordering::Relaxed);
        shared.counters.lose_batches(lost);
        shared.counters.leave_sink();
        let (task, sink) = (&*shared.header.task, &*shared.name);
        tracing::warn!(fault = %Fault::SinkStuck, task, sink, lost, "the sink took nothing for {DRAIN:?}; its thread is left behind");
    }
}

/// The thread's side.
struct Writing {
    sink: Box<dyn Sink>,
    queue: Receiver<Arc<Batch>>,
    shared: Arc<Shared>,
    /// A failure was told.
    said: bool,
    /// Dropped at the end.
    _alive: Sender<()>,
}

impl Writing {
    fn run(mut self) {
        let begun = self.sink.begin(&self.shared.header);
        if let Err(error) = begun {
            self.tell(&error);
        }
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
            self.tell(&error);
        }
    }

    /// Tells the first failure.
    fn tell(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.said, true) {
            let (task, sink) = (&*self.shared.header.task, &*self.shared.name);
            tracing::warn!(fault = %Fault::BatchesLost, task, sink, %error, "the sink did not take a batch; the task goes on and counts further ones");
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::batch::Kind;
    use crate::header::tests::header;
    use crate::mapping::tests::placed;
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
        fn begin(&mut self, _: &Header) -> io::Result<()> {
            Ok(())
        }

        fn take(&mut self, _: &Batch) -> io::Result<()> {
            let _ = self.gate.recv();
            *self.taken.lock().unwrap() += 1;
            Ok(())
        }
    }

    /// An empty batch of one channel.
    pub(crate) fn batch() -> Arc<Batch> {
        Arc::new(Batch::new(Arc::new(header(Kind::Samples, &[placed(1, zerocat_pdi::DataType::Uint8, 0, 8)]))))
    }

    /// A sink under the name `s`.
    pub(crate) fn named(sink: impl Sink + 'static) -> OpenSink {
        OpenSink { name: "s".to_owned(), sink: Box::new(sink) }
    }

    fn finish(thread: SinkThread, most: Duration) {
        thread.close().finish(Instant::now() + most);
    }

    fn stuck(depth: usize) -> (SinkThread, Arc<TaskCounters>, Sender<()>, Arc<Mutex<u64>>) {
        let (sink, gate, taken) = Stuck::new();
        let counters = Arc::new(TaskCounters::default());
        let thread = SinkThread::start(Arc::clone(&batch().header), named(sink), depth, Arc::clone(&counters)).unwrap();
        (thread, counters, gate, taken)
    }

    #[test]
    fn what_is_queued_is_written_before_the_end() {
        let (mut thread, counters, gate, taken) = stuck(8);
        (0..8).for_each(|_| thread.take(&batch()));
        drop(gate);
        finish(thread, Duration::from_secs(3600));
        assert_eq!((*taken.lock().unwrap(), counters.read().lost_batches), (8, 0));
    }

    #[test]
    fn a_sink_that_takes_nothing_loses_what_its_queue_has_no_room_for() {
        let (mut thread, counters, gate, taken) = stuck(4);
        (0..100).for_each(|_| thread.take(&batch()));
        // One is with the sink, if its thread has begun, and four are queued.
        assert!([95, 96].contains(&counters.read().lost_batches));
        drop(gate);
        finish(thread, Duration::from_secs(3600));
        assert_eq!(*taken.lock().unwrap() + counters.read().lost_batches, 100);
    }

    #[test]
    fn a_thread_that_is_stuck_is_left_behind_and_what_it_held_is_lost() {
        let (mut thread, counters, gate, taken) = stuck(8);
        (0..5).for_each(|_| thread.take(&batch()));
        finish(thread, Duration::from_millis(1));
        let counts = counters.read();
        assert_eq!((counts.lost_batches, counts.stuck_sinks, *taken.lock().unwrap()), (5, 1, 0));
        drop(gate);
    }
}
