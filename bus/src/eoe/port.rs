//! A program's port to the Ethernet of a SubDevice.
//!
//! Guarantees: sending never waits; frames that came wait in a bounded queue, and one that finds it full is dropped and counted.
//! Dropping the port gives the SubDevice's Ethernet back.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::ethernet::{Attached, EthernetCounters, PortError, SendError, TakesFrames};

/// Frames that wait for the program.
const WAITING: usize = 64;

#[derive(Debug, Default)]
struct Queue {
    frames: Mutex<(VecDeque<Vec<u8>>, Option<Waker>)>,
    came: Condvar,
}

impl Queue {
    fn pop_or_wake(&self, waker: Option<&Waker>) -> Option<Vec<u8>> {
        let mut state = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = state.0.pop_front();
        if frame.is_none() && waker.is_some() {
            state.1 = waker.cloned();
        }
        frame
    }
}

/// The bus thread's end of it.
struct Entry(Arc<Queue>);

impl TakesFrames for Entry {
    fn take(&mut self, frame: Vec<u8>) -> bool {
        let mut state = self.0.frames.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0.len() >= WAITING {
            return false;
        }
        state.0.push_back(frame);
        let waker = state.1.take();
        drop(state);
        self.0.came.notify_one();
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

/// A port to the Ethernet of a SubDevice: frames begin with the destination's address and have no checksum.
#[derive(Debug)]
pub struct FramePort {
    attached: Attached,
    queue: Arc<Queue>,
}

impl FramePort {
    /// Opens a port for whoever takes frames to be attached.
    pub(super) fn open(
        attach: impl FnOnce(Box<dyn TakesFrames>) -> Result<Attached, PortError>,
    ) -> Result<Self, PortError> {
        let queue = Arc::new(Queue::default());
        Ok(Self { attached: attach(Box::new(Entry(Arc::clone(&queue))))?, queue })
    }

    /// Has a frame sent to the SubDevice, without waiting for it.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(&self, frame: Vec<u8>) -> Result<(), SendError> {
        self.attached.send(frame)
    }

    /// The oldest frame that came, if there is one.
    #[must_use]
    pub fn try_receive(&self) -> Option<Vec<u8>> {
        self.queue.pop_or_wake(None)
    }

    /// The next frame, waited for on this thread; `None` if none comes in this time.
    #[must_use]
    pub fn receive_within(&self, within: Duration) -> Option<Vec<u8>> {
        let end = Instant::now().checked_add(within);
        let mut state = self.queue.frames.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(frame) = state.0.pop_front() {
                return Some(frame);
            }
            let left = end.map_or(within, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return None;
            }
            state = self.queue.came.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next frame, as a future.
    pub fn receive(&self) -> impl Future<Output = Vec<u8>> + '_ {
        std::future::poll_fn(|context| match self.queue.pop_or_wake(Some(context.waker())) {
            Some(frame) => Poll::Ready(frame),
            None => Poll::Pending,
        })
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> EthernetCounters {
        self.attached.counters()
    }
}
