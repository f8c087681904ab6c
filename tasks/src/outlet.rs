//! Where a task's batches go: to sinks, each with a thread of its own, and to observers in this process.
//!
//! Nothing here waits for a sink ([`crate::sink_thread`]).

use crate::batch::Batch;
use crate::counters::TaskCounters;
use crate::header::Header;
use crate::sink_thread::{DRAIN, Draining, OpenSink, SinkThread};
use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Sees every batch of a task, on the task's thread.
pub type Observer = Box<dyn FnMut(&Batch) + Send>;

/// Fewest and most batches that wait for a sink.
const QUEUE: RangeInclusive<u64> = 4..=4096;

/// Batches of two seconds, given that there are `per_second` of them.
pub(crate) fn queue_of(per_second: f64) -> usize {
    let two_seconds = Duration::try_from_secs_f64(2.0 * per_second).map_or(*QUEUE.end(), |count| count.as_secs());
    usize::try_from(two_seconds.clamp(*QUEUE.start(), *QUEUE.end())).unwrap_or(usize::MAX)
}

/// Hands batches to sinks and to observers.
#[derive(Default)]
pub struct Outlet {
    sinks: Vec<SinkThread>,
    observers: Vec<Observer>,
    counters: Arc<TaskCounters>,
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outlet {{ sinks: {}, observers: {} }}", self.sinks.len(), self.observers.len())
    }
}

impl Outlet {
    /// To sinks, each on a thread named `zc-sink-…` after the task, with room for `depth` batches. They begin with what
    /// the batches hold. The default outlet has no sink.
    ///
    /// # Errors
    /// A thread could not be started.
    pub fn to_sinks(header: &Arc<Header>, sinks: Vec<OpenSink>, depth: usize) -> io::Result<Self> {
        let counters = Arc::default();
        let start = |sink| SinkThread::start(Arc::clone(header), sink, depth, Arc::clone(&counters));
        let sinks = sinks.into_iter().map(start).collect::<io::Result<_>>()?;
        Ok(Self { sinks, observers: Vec::new(), counters })
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

    /// Delivers a batch. Never waits; what a sink doesn't take is counted.
    pub(crate) fn deliver(&mut self, batch: &Batch) {
        for observer in &mut self.observers {
            observer(batch);
        }
        self.counters.batch();
        if self.sinks.is_empty() {
            return;
        }
        let shared = Arc::new(batch.clone());
        self.sinks.iter_mut().for_each(|sink| sink.take(&shared));
    }

    /// Waits, within one bound for all, until the sinks have what was delivered.
    pub(crate) fn finish(&mut self) {
        let end = Instant::now() + DRAIN;
        let draining: Vec<Draining> = self.sinks.drain(..).map(SinkThread::close).collect();
        draining.into_iter().for_each(|sink| sink.finish(end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Sink;
    use crate::sink_thread::tests::{Stuck, batch, named};
    use std::sync::Mutex;

    struct Broken;

    impl Sink for Broken {
        fn begin(&mut self, _: &Header) -> io::Result<()> {
            Ok(())
        }

        fn take(&mut self, _: &Batch) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    /// Notes what it begins with and takes.
    #[derive(Clone, Default)]
    struct Noting(Arc<Mutex<Vec<String>>>);

    impl Sink for Noting {
        fn begin(&mut self, header: &Header) -> io::Result<()> {
            self.0.lock().unwrap().push(format!("begin {}", header.task));
            Ok(())
        }

        fn take(&mut self, batch: &Batch) -> io::Result<()> {
            self.0.lock().unwrap().push(format!("take {}", batch.missing));
            Ok(())
        }
    }

    #[test]
    fn a_broken_sink_is_counted_and_observers_and_other_sinks_still_see_the_batch() {
        let (seen, noting) = (Arc::new(Mutex::new(0)), Noting::default());
        let count = Arc::clone(&seen);
        let sinks = vec![named(Broken), named(noting.clone())];
        let outlet = Outlet::to_sinks(&batch().header, sinks, 8).unwrap();
        let mut outlet = outlet.with_observer(Box::new(move |_| *count.lock().unwrap() += 1));
        for missing in 0..3 {
            outlet.deliver(&Batch { missing, ..(*batch()).clone() });
        }
        outlet.finish();
        let counts = outlet.counters().read();
        assert_eq!((counts.batches, counts.lost_batches, *seen.lock().unwrap()), (3, 3, 3));
        assert_eq!(*noting.0.lock().unwrap(), ["begin t", "take 0", "take 1", "take 2"]);
    }

    #[test]
    fn a_sink_that_takes_nothing_is_left_behind_and_another_gets_all() {
        let ((stuck, gate, _), noting) = (Stuck::new(), Noting::default());
        let sinks = vec![named(stuck), named(noting.clone())];
        let mut outlet = Outlet::to_sinks(&batch().header, sinks, 8).unwrap();
        (0..4).for_each(|_| outlet.deliver(&batch()));
        outlet.finish();
        let counts = outlet.counters().read();
        assert_eq!((counts.stuck_sinks, counts.lost_batches, noting.0.lock().unwrap().len()), (1, 4, 5));
        drop(gate);
    }

    #[test]
    fn a_queue_has_bounds_at_any_rate() {
        assert_eq!([0.1, 20.0, 1e9, f64::NAN].map(queue_of), [4, 40, 4096, 4096]);
    }

    #[test]
    fn without_a_sink_nothing_is_written_and_batches_still_count() {
        let mut outlet = Outlet::default();
        outlet.deliver(&batch());
        outlet.finish();
        assert_eq!((outlet.counters().read().batches, outlet.counters().read().lost_batches), (1, 0));
    }
}
