//! Copies of received frames that are to be lent later.

use crate::MAX_FRAME;

#[derive(Debug)]
struct Waiting {
    /// Calls of `receive` that pass it by.
    polls: u32,
    /// `None` while the buffer is free.
    len: Option<usize>,
    bytes: Box<[u8; MAX_FRAME]>,
}

/// A fixed number of buffers.
#[derive(Debug)]
pub(super) struct Held(Box<[Waiting]>);

impl Held {
    pub(super) fn new(count: usize) -> Self {
        Self((0..count).map(|_| Waiting { polls: 0, len: None, bytes: Box::new([0; MAX_FRAME]) }).collect())
    }

    pub(super) fn has_room(&self) -> bool {
        self.0.iter().any(|waiting| waiting.len.is_none())
    }

    /// Keeps a frame of at most [`MAX_FRAME`] bytes for so many polls. Without room it is lost.
    pub(super) fn hold(&mut self, frame: &[u8], polls: u32) {
        if let Some(free) = self.0.iter_mut().find(|waiting| waiting.len.is_none()) {
            free.bytes[..frame.len()].copy_from_slice(frame);
            (free.len, free.polls) = (Some(frame.len()), polls);
        }
    }

    /// Lets one poll pass, then copies a frame whose time has come, if any, and returns its length.
    pub(super) fn next_due(&mut self, into: &mut [u8; MAX_FRAME]) -> Option<usize> {
        for waiting in &mut self.0 {
            waiting.polls = waiting.polls.saturating_sub(1);
        }
        let due = self.0.iter_mut().find(|waiting| waiting.len.is_some() && waiting.polls == 0)?;
        let len = due.len.take()?;
        into[..len].copy_from_slice(&due.bytes[..len]);
        Some(len)
    }
}
