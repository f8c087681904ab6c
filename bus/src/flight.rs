//! A datagram on its way through the frame pool. It finishes by itself when nobody waits for it any more.
//!
//! ethercrab loses a slot of its pool for good when a future is dropped while the transport has its frame. A request
//! that is cancelled must not cost one: its datagram is handed over to [`Abandoned`], which polls it until its frame has
//! come back.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use ethercrab::error::Error as PoolError;

use crate::datagrams::Answer;

/// What ethercrab makes of a datagram.
pub(crate) type Sending = Pin<Box<dyn Future<Output = Result<Answer, PoolError>>>>;

/// Datagrams whose requests were cancelled while their frames were out.
#[derive(Default)]
pub(crate) struct Abandoned(RefCell<Vec<Sending>>);

impl Abandoned {
    /// Polls each of them once; those whose frames have come back are done.
    pub(crate) fn poll(&self) {
        let mut context = Context::from_waker(Waker::noop());
        self.0.borrow_mut().retain_mut(|sending| sending.as_mut().poll(&mut context).is_pending());
    }

    /// How many are still out.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }
}

/// A datagram that somebody waits for.
pub(crate) struct Flight<'a> {
    sending: Option<Sending>,
    abandoned: &'a Abandoned,
}

impl<'a> Flight<'a> {
    pub(crate) const fn new(sending: Sending, abandoned: &'a Abandoned) -> Self {
        Self { sending: Some(sending), abandoned }
    }
}

impl Future for Flight<'_> {
    type Output = Result<Answer, PoolError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(sending) = &mut self.sending else { return Poll::Pending };
        let polled = sending.as_mut().poll(context);
        if polled.is_ready() {
            self.sending = None;
        }
        polled
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.abandoned.0.borrow_mut().extend(self.sending.take());
    }
}
