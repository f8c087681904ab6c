//! The way out of a task: a sink that may fail, and observers in this process.

use crate::batch::Batch;
use crate::counters::TaskCounters;
use crate::sink::Sink;
use std::fmt;

/// Sees every batch of a task, on the task's thread.
pub type Observer = Box<dyn FnMut(&Batch) + Send>;

/// Hands batches to a sink and to observers.
#[derive(Default)]
pub struct Outlet {
    sink: Option<Box<dyn Sink>>,
    observers: Vec<Observer>,
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outlet {{ sink: {}, observers: {} }}", self.sink.is_some(), self.observers.len())
    }
}

impl Outlet {
    /// To a sink, where there is one and `data_saving` asks for it.
    #[must_use]
    pub fn new(sink: Option<Box<dyn Sink>>, data_saving: bool) -> Self {
        Self { sink: sink.filter(|_| data_saving), observers: Vec::new() }
    }

    /// Adds an observer.
    #[must_use]
    pub fn with_observer(mut self, observer: Observer) -> Self {
        self.observers.push(observer);
        self
    }

    /// Delivers a batch. What the sink refuses is counted; the first time it is reported.
    pub(crate) fn deliver(&mut self, batch: &Batch, counters: &TaskCounters) {
        for observer in &mut self.observers {
            observer(batch);
        }
        counters.batch();
        let Some(sink) = &mut self.sink else { return };
        if let Err(error) = sink.take(batch)
            && counters.lost_batch() == 0
        {
            let task = &*batch.task;
            tracing::warn!(task, %error, "the sink did not take a batch; the task goes on and counts further ones");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Kind;
    use std::io;
    use std::sync::{Arc, Mutex};

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
        let mut outlet =
            Outlet::new(Some(Box::new(Broken)), true).with_observer(Box::new(move |_| *count.lock().unwrap() += 1));
        let counters = TaskCounters::default();
        let batch = Batch::new("t".into(), Kind::Samples, [1]);
        for _ in 0..3 {
            outlet.deliver(&batch, &counters);
        }
        assert_eq!((counters.read().batches, counters.read().lost_batches, *seen.lock().unwrap()), (3, 3, 3));
    }

    #[test]
    fn without_data_saving_nothing_is_written_and_batches_still_count() {
        let mut outlet = Outlet::new(Some(Box::new(Broken)), false);
        let counters = TaskCounters::default();
        outlet.deliver(&Batch::new("t".into(), Kind::Samples, [1]), &counters);
        assert_eq!((counters.read().batches, counters.read().lost_batches), (1, 0));
    }
}
