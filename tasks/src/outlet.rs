//! Where a task's batches go: to a sink, which has its own thread, and to observers in this process.
//!
//! Nothing here waits for a sink ([`crate::sink_thread`]).

use crate::batch::Batch;
use crate::counters::TaskCounters;
use crate::sink::Sink;
use crate::sink_thread::{DRAIN, SinkThread};
use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// Sees every batch of a task, on the task's thread.
pub type Observer = Box<dyn FnMut(&Batch) + Send>;

/// Fewest and most batches that wait for a sink.
const QUEUE: RangeInclusive<u64> = 4..=4096;

/// Batches of two seconds, given that there are `per_second` of them.
pub(crate) fn queue_of(per_second: f64) -> usize {
    let two_seconds = Duration::try_from_secs_f64(2.0 * per_second).map_or(*QUEUE.end(), |count| count.as_secs());
    usize::try_from(two_seconds.clamp(*QUEUE.start(), *QUEUE.end())).unwrap_or(usize::MAX)
}

/// Hands batches to a sink and to observers.
#[derive(Default)]
pub struct Outlet {
    sink: Option<SinkThread>,
    observers: Vec<Observer>,
    counters: Arc<TaskCounters>,
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outlet {{ sink: {}, observers: {} }}", self.sink.is_some(), self.observers.len())
    }
}

impl Outlet {
    /// To a sink, on a thread named `zc-sink-…` after the task, with room for `depth` batches. The default outlet has no
    /// sink.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn to_sink(task: &str, sink: Box<dyn Sink>, depth: usize) -> io::Result<Self> {
        let counters = Arc::default();
        let sink = SinkThread::start(task, sink, depth, Arc::clone(&counters))?;
        Ok(Self { sink: Some(sink), observers: Vec::new(), counters })
    }

    /// Adds an observer.
    #[must_use]
    pub fn with_observer(mut self, observer: Observer) -> Self {
        self.observers.push(observer);
        self
    }

    /// The counters of the task that it is the outlet of.
    pub(crate) const fn counters(&self) -> &Arc<TaskCounters> {
        &self.counters
    }

    /// Delivers a batch. Never waits; what the sink doesn't take is counted.
    pub(crate) fn deliver(&mut self, batch: &Batch) {
        for observer in &mut self.observers {
            observer(batch);
        }
        self.counters.batch();
        if let Some(sink) = &mut self.sink {
            sink.take(batch);
        }
    }

    /// Waits, within a bound, until the sink has what was delivered.
    pub(crate) fn finish(&mut self) {
        if let Some(sink) = self.sink.take() {
            sink.finish(DRAIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Kind;
    use std::sync::Mutex;

    struct Broken;

    impl Sink for Broken {
        fn take(&mut self, _: &Batch) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_broken_sink_is_counted_and_observers_still_see_the_batch() {
        let seen = Arc::new(Mutex::new(0));
        let count = Arc::clone(&seen);
        let outlet = Outlet::to_sink("t", Box::new(Broken), 8).unwrap();
        let mut outlet = outlet.with_observer(Box::new(move |_| *count.lock().unwrap() += 1));
        let batch = Batch::new("t".into(), Kind::Samples, [1]);
        for _ in 0..3 {
            outlet.deliver(&batch);
        }
        outlet.finish();
        let counts = outlet.counters().read();
        assert_eq!((counts.batches, counts.lost_batches, *seen.lock().unwrap()), (3, 3, 3));
    }

    #[test]
    fn a_queue_has_bounds_at_any_rate() {
        assert_eq!([0.1, 20.0, 1e9, f64::NAN].map(queue_of), [4, 40, 4096, 4096]);
    }

    #[test]
    fn without_a_sink_nothing_is_written_and_batches_still_count() {
        let mut outlet = Outlet::default();
        outlet.deliver(&Batch::new("t".into(), Kind::Samples, [1]));
        outlet.finish();
        assert_eq!((outlet.counters().read().batches, outlet.counters().read().lost_batches), (1, 0));
    }
}
