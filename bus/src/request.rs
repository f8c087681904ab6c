//! Requests to the thread that owns the bus, from any thread.
//!
//! Whoever asks holds [`Requests`]; the bus thread holds the [`Inbox`]. The channel between them is bounded, and a request
//! that finds it full is refused at once. Each request has a deadline: the asking side stops waiting then, whatever the
//! bus thread does, and the bus thread gives the request up. Dropping a [`Pending`] cancels its request.
//!
//! Asking makes a system call on the asking thread to wake the bus thread. The realtime thread takes no part in it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::Thread;
use std::time::Duration;

use crate::bring_up::StateReport;
use crate::error::BringUpError;

/// Requests that may wait for the bus thread.
const WAITING: usize = 64;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The channel is full.
    #[error("{WAITING} requests to the bus wait already; ask again later")]
    Full,
    /// Its deadline passed.
    #[error("no answer from the bus within {within:?}")]
    Expired {
        /// The time that it had.
        within: Duration,
    },
    /// The bus is being brought up, recovered or shut down.
    #[error("the bus takes no requests now: {0}")]
    Unavailable(&'static str),
    /// The bus thread has ended.
    #[error("the session has ended")]
    Ended,
    /// The bus said no.
    #[error(transparent)]
    Failed(#[from] BringUpError),
}

/// What is asked.
#[derive(Debug)]
pub(crate) enum Question {
    /// What each SubDevice shows.
    States(Answering<Vec<StateReport>>),
    /// Reads an object.
    Upload { position: u16, index: u16, subindex: u8, to: Answering<Vec<u8>> },
    /// Writes an object.
    Download { position: u16, index: u16, subindex: u8, data: Vec<u8>, to: Answering<()> },
}

/// The place for an answer, at the bus thread.
#[derive(Debug)]
pub(crate) struct Answering<T> {
    answer: SyncSender<Result<T, RequestError>>,
    wanted: Weak<()>,
    /// The time that the request has.
    pub(crate) within: Duration,
}

impl<T> Answering<T> {
    /// Gives the answer. One that came too late, or that nobody wants any more, is dropped.
    pub(crate) fn give(&self, answer: Result<T, RequestError>) {
        let _ = self.answer.try_send(answer);
    }

    /// Ready when nobody waits for the answer any more. It is noticed when the future is polled.
    pub(crate) async fn cancelled(&self) {
        std::future::poll_fn(|_| {
            if self.wanted.strong_count() == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

/// A request that was made.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub struct Pending<T> {
    answer: Receiver<Result<T, RequestError>>,
    within: Duration,
    _wanted: Arc<()>,
}

impl<T> Pending<T> {
    /// Waits for the answer, until the request's deadline.
    ///
    /// # Errors
    /// `Expired`, `Ended`, and what the bus answered.
    pub fn wait(self) -> Result<T, RequestError> {
        match self.answer.recv_timeout(self.within) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(RequestError::Expired { within: self.within }),
            Err(RecvTimeoutError::Disconnected) => Err(RequestError::Ended),
        }
    }

    /// The answer, if it is there.
    #[must_use]
    pub fn try_take(&self) -> Option<Result<T, RequestError>> {
        match self.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(RequestError::Ended)),
        }
    }
}

/// Asks; any number of them, on any thread.
#[derive(Debug, Clone)]
pub struct Requests {
    questions: SyncSender<Question>,
    bus: Arc<Mutex<Option<Thread>>>,
}

/// The bus thread's end.
#[derive(Debug)]
pub struct Inbox {
    questions: Receiver<Question>,
    bus: Arc<Mutex<Option<Thread>>>,
}

/// A channel for requests.
#[must_use]
pub fn requests() -> (Requests, Inbox) {
    let (sender, receiver) = sync_channel(WAITING);
    let bus = Arc::new(Mutex::new(None));
    (Requests { questions: sender, bus: Arc::clone(&bus) }, Inbox { questions: receiver, bus })
}

impl Requests {
    /// What each SubDevice shows now.
    ///
    /// # Errors
    /// `Full`, `Ended`.
    pub fn states(&self, within: Duration) -> Result<Pending<Vec<StateReport>>, RequestError> {
        self.ask(within, Question::States)
    }

    /// Reads an object of the SubDevice at a position, by CoE.
    ///
    /// # Errors
    /// `Full`, `Ended`.
    pub fn upload(
        &self,
        position: u16,
        index: u16,
        subindex: u8,
        within: Duration,
    ) -> Result<Pending<Vec<u8>>, RequestError> {
        self.ask(within, |to| Question::Upload { position, index, subindex, to })
    }

    /// Writes an object of the SubDevice at a position, by CoE.
    ///
    /// # Errors
    /// `Full`, `Ended`.
    pub fn download(
        &self,
        position: u16,
        index: u16,
        subindex: u8,
        data: Vec<u8>,
        within: Duration,
    ) -> Result<Pending<()>, RequestError> {
        self.ask(within, |to| Question::Download { position, index, subindex, data, to })
    }

    /// Wakes the bus thread, so that it looks at what else it is told.
    pub fn wake(&self) {
        if let Some(thread) = &*self.bus.lock().unwrap_or_else(PoisonError::into_inner) {
            thread.unpark();
        }
    }

    fn ask<T>(
        &self,
        within: Duration,
        question: impl FnOnce(Answering<T>) -> Question,
    ) -> Result<Pending<T>, RequestError> {
        let (answer, receiver) = sync_channel(1);
        let wanted = Arc::new(());
        let answering = Answering { answer, wanted: Arc::downgrade(&wanted), within };
        self.questions.try_send(question(answering)).map_err(|refused| match refused {
            TrySendError::Full(_) => RequestError::Full,
            TrySendError::Disconnected(_) => RequestError::Ended,
        })?;
        self.wake();
        Ok(Pending { answer: receiver, within, _wanted: wanted })
    }
}

impl Inbox {
    /// Says that the calling thread is the one that requests wake.
    pub fn attend(&self) {
        *self.bus.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current());
    }

    /// The oldest request that waits.
    pub(crate) fn next(&self) -> Option<Question> {
        self.questions.try_recv().ok()
    }

    /// Refuses all requests, for as long as it is polled.
    pub async fn refuse(&self, why: &'static str) {
        let refused = || Err(RequestError::Unavailable(why));
        std::future::poll_fn(|_| {
            while let Some(question) = self.next() {
                match question {
                    Question::States(to) => to.give(refused().map(|()| Vec::new())),
                    Question::Upload { to, .. } => to.give(refused().map(|()| Vec::new())),
                    Question::Download { to, .. } => to.give(refused()),
                }
            }
            std::task::Poll::<()>::Pending
        })
        .await;
    }
}
