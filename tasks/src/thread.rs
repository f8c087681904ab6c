//! The thread of a task: started, stopped, joined.

use crate::counters::{Counts, TaskCounters};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use zerocat_faults::Fault;

/// Stack of a thread: 512 KiB in place of Rust's 2 MiB. Where all memory is locked, every byte of it is filled when the
/// thread starts.
pub(crate) const STACK: usize = 512 * 1024;

/// A running task. Dropping it asks the thread to stop and doesn't wait for it.
#[derive(Debug)]
pub struct TaskThread {
    stop: Arc<AtomicBool>,
    handle: Option<JoinHandle<()>>,
    counters: Arc<TaskCounters>,
}

/// Whether the thread shall stop.
#[derive(Debug)]
pub(crate) struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    pub(crate) fn is_set(&self) -> bool {
        // SYNC: a request and nothing behind it. Pairs with the relaxed store in TaskThread::stop.
        self.0.load(Ordering::Relaxed)
    }

    /// Sleeps for `nap`, less when asked to stop.
    pub(crate) fn nap(&self, nap: Duration) {
        if !self.is_set() {
            std::thread::park_timeout(nap);
        }
    }
}

impl TaskThread {
    /// Starts `body` on a thread named after the task.
    pub(crate) fn start(
        name: &str,
        counters: Arc<TaskCounters>,
        body: impl FnOnce(&StopFlag) + Send + 'static,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = StopFlag(Arc::clone(&stop));
        let handle = Builder::new().name(thread_name(name)).stack_size(STACK).spawn(move || body(&flag))?;
        Ok(Self { stop, handle: Some(handle), counters })
    }

    /// Asks the thread to stop after what is waiting has been handled. Returns at once.
    pub fn stop(&self) {
        // SYNC: a request and nothing behind it. Pairs with the relaxed load in StopFlag::is_set.
        self.stop.store(true, Ordering::Relaxed);
        if let Some(handle) = &self.handle {
            handle.thread().unpark();
        }
    }

    /// Its counters.
    #[must_use]
    pub const fn counters(&self) -> &Arc<TaskCounters> {
        &self.counters
    }

    /// Stops the thread and waits for its end. Gives the last counters; a thread that panicked ends here too, and is
    /// reported.
    #[must_use]
    pub fn join(mut self) -> Counts {
        self.stop();
        if let Some(handle) = self.handle.take()
            && handle.join().is_err()
        {
            tracing::error!(fault = %Fault::ThreadPanicked, "a task's thread panicked; its counters end there");
        }
        self.counters.read()
    }
}

impl Drop for TaskThread {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A thread's name may not hold a zero byte; Linux cuts it to 15 bytes.
pub(crate) fn thread_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).take(15).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_odd_characters_becomes_a_thread_name() {
        assert_eq!(thread_name("zc-read-a\0b ä much longer"), "zc-read-a_b___m");
        assert_eq!(thread_name("zc-read-a\0b \u{e4} much longer").len(), 15);
    }

    #[test]
    fn a_thread_ends_when_asked_and_gives_its_counters() {
        let counters = Arc::new(TaskCounters::default());
        let inner = Arc::clone(&counters);
        let thread = TaskThread::start("zc-test", counters, move |stop| {
            while !stop.is_set() {
                stop.nap(Duration::from_secs(3600));
            }
            inner.command();
        });
        assert_eq!(thread.unwrap().join().commands, 1);
    }
}
