//! Received frames that the fault injector holds back to lend later.

use super::lane::Lateness;
use crate::MAX_FRAME;

#[derive(Debug)]
struct Waiting {
    late: Lateness,
    /// `None` while the buffer is free.
    len: Option<usize>,
    bytes: Box<[u8; MAX_FRAME]>,
}

/// A fixed number of such buffers.
#[derive(Debug)]
pub(super) struct Held(Box<[Waiting]>);

impl Held {
    pub(super) fn new(count: usize) -> Self {
        Self(
            (0..count)
                .map(|_| Waiting { late: Lateness::Polls(0), len: None, bytes: Box::new([0; MAX_FRAME]) })
                .collect(),
        )
    }

    pub(super) fn has_room(&self) -> bool {
        self.0.iter().any(|waiting| waiting.len.is_none())
    }

    /// Keeps a frame of at most [`MAX_FRAME`] bytes for as long as `late` says. If there is no room the frame is lost.
    pub(super) fn hold(&mut self, frame: &[u8], late: Lateness) {
        if let Some(free) = self.0.iter_mut().find(|waiting| waiting.len.is_none()) {
            free.bytes[..frame.len()].copy_from_slice(frame);
            (free.len, free.late) = (Some(frame.len()), late);
        }
    }

    /// Lets one frame pass.
    pub(super) fn frame_passes(&mut self) {
        for waiting in &mut self.0 {
            waiting.late.frame_passes();
        }
    }

    /// Lets one poll pass, then copies a frame whose time has come, if any, and returns its length.
    pub(super) fn next_due(&mut self, into: &mut [u8; MAX_FRAME]) -> Option<usize> {
        for waiting in &mut self.0 {
            waiting.late.poll_passes();
        }
        let due = self.0.iter_mut().find(|waiting| waiting.len.is_some() && waiting.late.is_over())?;
        let len = due.len.take()?;
        into[..len].copy_from_slice(&due.bytes[..len]);
        Some(len)
    }
}
