//! A program's port to the Ethernet of a SubDevice.
//!
//! Guarantees: sending never waits; frames that came wait in a bounded queue, and one that finds it full is dropped and counted.
//! Dropping the port gives the SubDevice's Ethernet back.

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::ethernet::{Attached, EthernetCounters, PortError, SendError, TakesFrames};
use crate::bounded::{Bounded, Loses};

/// Frames that wait for the program.
const WAITING: usize = 64;

type Queue = Bounded<Vec<u8>>;

/// The bus thread's end of it.
struct Entry(Arc<Queue>);

impl TakesFrames for Entry {
    fn take(&mut self, frame: Vec<u8>) -> bool {
        self.0.push(frame)
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
        let queue = Arc::new(Queue::new(WAITING, Loses::Newest));
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
        self.queue.take()
    }

    /// The next frame, waited for on this thread; `None` if none comes in this time.
    #[must_use]
    pub fn receive_within(&self, within: Duration) -> Option<Vec<u8>> {
        self.queue.take_within(within).ok()
    }

    /// The next frame, as a future.
    pub fn receive(&self) -> impl Future<Output = Vec<u8>> + '_ {
        std::future::poll_fn(|context| match self.queue.poll_take(context) {
            Poll::Ready(Some(frame)) => Poll::Ready(frame),
            // It is never closed.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        })
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> EthernetCounters {
        self.attached.counters()
    }
}
