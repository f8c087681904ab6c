//! Requests to the thread that owns the bus, from any thread.
//!
//! Whoever asks holds [`Requests`]; the bus thread holds the [`Inbox`]. The channel between them is bounded, and a request
//! that finds it full is refused at once. Each request has a deadline: whoever waits on a thread stops waiting then, whatever the
//! bus thread does, and the bus thread gives the request up. Dropping a [`Pending`] cancels its request.
//!
//! Asking makes a system call on the asking thread to wake the bus thread. The realtime thread takes no part in it.

use std::collections::VecDeque;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread::Thread;
use std::time::Duration;

use zerocat_wire::mailbox::MailboxType;

use crate::aoe::AoeError;
use crate::boot::{BootDone, BootError, BootProgress, BootRequest, BootWork};
use crate::bring_up::StateReport;
use crate::datagrams::Datagrams;
use crate::eoe::{Ethernet, IpError};
use crate::error::{BringUpError, Label};
use crate::foe::FileError;
use crate::job::{Asked, Job, Place};
use crate::mailbox::UnaskedMail;
use crate::received::{Listeners, ReceivedMails};
use crate::soe::IdnError;
use crate::voe::VoeError;

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
    /// A file didn't go across.
    #[error(transparent)]
    File(#[from] FileError),
    /// An element of an IDN wasn't read or written.
    #[error(transparent)]
    Idn(#[from] IdnError),
    /// An IP parameter wasn't set or read.
    #[error(transparent)]
    Ip(#[from] IpError),
    /// It didn't go to BOOT and back.
    #[error(transparent)]
    Boot(#[from] Box<BootError>),
    /// The SubDevice is in BOOT, or on its way there or back.
    #[error("{0} takes no mail now: it is in BOOT, or on its way there or back")]
    InBoot(Label),
    /// An ADS command wasn't done.
    #[error(transparent)]
    Aoe(#[from] AoeError),
    /// A vendor's mail wasn't sent.
    #[error(transparent)]
    Voe(#[from] VoeError),
}

/// What is asked.
#[derive(Debug)]
pub(crate) enum Question {
    /// What each SubDevice shows.
    States(Answering<Vec<StateReport>>),
    /// Something to do with the mailbox of the SubDevice at a position.
    Mail { position: u16, job: Box<dyn Job> },
    /// Something to do with its registers or its SII.
    Registers { position: u16, job: Box<dyn Job> },
    /// To go to BOOT and back.
    Boot(Box<BootRequest>),
}

impl Question {
    /// The time that it has in all.
    fn within(&self) -> Duration {
        match self {
            Self::States(to) => to.within,
            Self::Mail { job, .. } | Self::Registers { job, .. } => job.within(),
            Self::Boot(request) => request.within(),
        }
    }

    /// Whether somebody waits for its answer.
    fn is_wanted(&self) -> bool {
        match self {
            Self::States(to) => to.is_wanted(),
            Self::Mail { job, .. } | Self::Registers { job, .. } => job.is_wanted(),
            Self::Boot(request) => request.is_wanted(),
        }
    }

    fn refuse(self, why: RequestError) {
        match self {
            Self::States(to) => to.give(Err(why)),
            Self::Mail { job, .. } | Self::Registers { job, .. } => job.refuse(why),
            Self::Boot(request) => request.refuse(why),
        }
    }
}

/// The place for an answer, at the bus thread. Dropped without one, it says that the bus left operation meanwhile.
#[derive(Debug)]
pub(crate) struct Answering<T> {
    answer: Option<oneshot::Sender<Result<T, RequestError>>>,
    /// The time that the request has.
    pub(crate) within: Duration,
    waited: Waited,
}

/// Whether a request was waited for up to its deadline, by a clock that may be some milliseconds ahead of the bus thread's deadline.
#[derive(Debug, Clone, Default)]
struct Waited(Arc<AtomicBool>);

impl Waited {
    fn to_the_end(&self) {
        // SYNC: before the receiver is dropped, which is how the bus thread learns of it. Pairs with the acquire in `ended`.
        self.0.store(true, Ordering::Release);
    }

    fn ended(&self) -> bool {
        // SYNC: pairs with the release in `to_the_end`.
        self.0.load(Ordering::Acquire)
    }
}

impl<T> Answering<T> {
    /// Gives the answer. One that came too late, or that nobody wants any more, is dropped.
    pub(crate) fn give(mut self, answer: Result<T, RequestError>) {
        self.send(answer);
    }

    fn send(&mut self, answer: Result<T, RequestError>) {
        if let Some(sender) = self.answer.take() {
            let _ = sender.send(answer);
        }
    }

    /// Whether somebody waits for the answer.
    pub(crate) fn is_wanted(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| !answer.is_closed())
    }

    /// Whether whoever asked waited until the deadline, and no longer.
    pub(crate) fn was_waited_for(&self) -> bool {
        self.waited.ended()
    }

    /// Ready when nobody waits for the answer any more. It is noticed when the future is polled.
    pub(crate) async fn cancelled(&self) {
        std::future::poll_fn(|_| if self.is_wanted() { Poll::Pending } else { Poll::Ready(()) }).await;
    }
}

impl<T> Drop for Answering<T> {
    fn drop(&mut self) {
        self.send(Err(RequestError::Unavailable("it left operation before the request was done")));
    }
}

/// A request that was made: waited for on a thread ([`wait`](Self::wait)), or as a future. A future has its answer from the bus
/// thread, which answers by the deadline.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub struct Pending<T> {
    answer: oneshot::Receiver<Result<T, RequestError>>,
    within: Duration,
    waited: Waited,
}

impl<T> Pending<T> {
    /// Waits for the answer, until the request's deadline.
    ///
    /// # Errors
    /// `Expired`, `Ended`, and what the bus answered.
    pub fn wait(self) -> Result<T, RequestError> {
        match self.answer.recv_timeout(self.within) {
            Ok(answer) => answer,
            Err(oneshot::RecvTimeoutError::Timeout) => {
                self.waited.to_the_end();
                Err(RequestError::Expired { within: self.within })
            }
            Err(oneshot::RecvTimeoutError::Disconnected) => Err(RequestError::Ended),
        }
    }

    /// The answer, if it is there.
    #[must_use]
    pub fn try_take(&self) -> Option<Result<T, RequestError>> {
        match self.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(oneshot::TryRecvError::Empty) => None,
            Err(oneshot::TryRecvError::Disconnected) => Some(Err(RequestError::Ended)),
        }
    }
}

impl<T> IntoFuture for Pending<T> {
    type Output = Result<T, RequestError>;
    type IntoFuture = Answered<T>;

    fn into_future(self) -> Answered<T> {
        Answered(self.answer.into_future())
    }
}

/// The answer to a request, as a future. Dropping it cancels the request.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub struct Answered<T>(oneshot::AsyncReceiver<Result<T, RequestError>>);

impl<T> Future for Answered<T> {
    type Output = Result<T, RequestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(RequestError::Ended)))
    }
}

/// Asks; any number of them, on any thread.
#[derive(Debug, Clone)]
pub struct Requests {
    questions: SyncSender<Question>,
    bus: Arc<Mutex<Option<Thread>>>,
    ethernet: Arc<Ethernet>,
    listeners: Arc<Listeners>,
}

/// The bus thread's end. Clones are the same end.
#[derive(Debug, Clone)]
pub struct Inbox {
    waiting: Arc<Mutex<Waiting>>,
    bus: Arc<Mutex<Option<Thread>>>,
    ethernet: Arc<Ethernet>,
    listeners: Arc<Listeners>,
}

/// What waits at the bus thread's end.
#[derive(Debug)]
struct Waiting {
    questions: Receiver<Question>,
    /// What was taken out of the channel and not handed on yet, each with the time by which it must be answered.
    held: VecDeque<(Duration, Question)>,
    /// Who is told when the bus thread's last end is gone.
    listeners: Arc<Listeners>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.listeners.close();
    }
}

/// A channel for requests.
#[must_use]
pub fn requests() -> (Requests, Inbox) {
    let (sender, receiver) = sync_channel(WAITING);
    let bus = Arc::new(Mutex::new(None));
    let ethernet = Arc::new(Ethernet::new(Arc::clone(&bus)));
    let listeners = Arc::new(Listeners::default());
    let waiting = Waiting { questions: receiver, held: VecDeque::new(), listeners: Arc::clone(&listeners) };
    let inbox = Inbox { waiting: Arc::new(Mutex::new(waiting)), bus, ethernet, listeners };
    let (bus, ethernet, listeners) =
        (Arc::clone(&inbox.bus), Arc::clone(&inbox.ethernet), Arc::clone(&inbox.listeners));
    (Requests { questions: sender, bus, ethernet, listeners }, inbox)
}

/// A request, and the place for its answer.
pub(crate) fn pending<T>(within: Duration) -> (Answering<T>, Pending<T>) {
    let (sender, answer) = oneshot::channel();
    let waited = Waited::default();
    (Answering { answer: Some(sender), within, waited: waited.clone() }, Pending { answer, within, waited })
}

impl Requests {
    /// What each SubDevice shows now.
    pub fn states(&self, within: Duration) -> Pending<Vec<StateReport>> {
        self.ask(within, Question::States)
    }

    /// Has something done with the mailbox of the SubDevice at a position, after what was asked of it before. `work` may take until
    /// the deadline, and is given up where nobody wants its answer any more.
    pub fn mail<T: Send + 'static>(
        &self,
        position: u16,
        within: Duration,
        work: impl AsyncFnOnce(Place<'_>) -> Result<T, RequestError> + Send + 'static,
    ) -> Pending<T> {
        self.ask(within, |to| Question::Mail { position, job: Box::new(Asked { to, work }) })
    }

    /// Has something done with the registers or the SII of the SubDevice at a position; it waits for no mail.
    pub fn registers<T: Send + 'static>(
        &self,
        position: u16,
        within: Duration,
        work: impl AsyncFnOnce(Place<'_>) -> Result<T, RequestError> + Send + 'static,
    ) -> Pending<T> {
        self.ask(within, |to| Question::Registers { position, job: Box::new(Asked { to, work }) })
    }

    /// Takes the SubDevice at a position out of the exchange, to BOOT where something is to be done there, and back to OP.
    /// `progress` is called on the bus thread, so it is to be brief.
    pub fn boot(
        &self,
        position: u16,
        within: Duration,
        work: BootWork,
        progress: impl FnMut(BootProgress) + Send + 'static,
    ) -> Pending<BootDone> {
        self.ask(within, |to| Question::Boot(Box::new(BootRequest::new(position, work, Box::new(progress), to))))
    }

    /// Reads an object of the SubDevice at a position, by CoE.
    pub fn upload(&self, position: u16, index: u16, subindex: u8, within: Duration) -> Pending<Vec<u8>> {
        self.mail(position, within, async move |at| {
            let (datagrams, mailbox) = at.with_coe()?;
            Ok(mailbox.upload(datagrams, index, subindex).await.map_err(BringUpError::from)?)
        })
    }

    /// Writes an object of the SubDevice at a position, by CoE.
    pub fn download(&self, position: u16, index: u16, subindex: u8, data: Vec<u8>, within: Duration) -> Pending<()> {
        self.mail(position, within, async move |at| {
            let (datagrams, mailbox) = at.with_coe()?;
            Ok(mailbox.download(datagrams, index, subindex, &data).await.map_err(BringUpError::from)?)
        })
    }

    /// The Ethernet of SubDevices with EoE.
    #[must_use]
    pub const fn ethernet(&self) -> &Arc<Ethernet> {
        &self.ethernet
    }

    /// Listens to mails of VoE, or of AoE, that the SubDevice at a position sends and that answer nothing.
    #[must_use]
    pub fn listen(&self, position: u16, kind: MailboxType) -> ReceivedMails {
        self.listeners.listen(position, kind)
    }

    /// Wakes the bus thread, so that it looks at what else it is told.
    pub fn wake(&self) {
        if let Some(thread) = &*self.bus.lock().unwrap_or_else(PoisonError::into_inner) {
            thread.unpark();
        }
    }

    fn ask<T>(&self, within: Duration, question: impl FnOnce(Answering<T>) -> Question) -> Pending<T> {
        let (to, pending) = pending(within);
        match self.questions.try_send(question(to)) {
            Ok(()) => self.wake(),
            Err(TrySendError::Full(question)) => question.refuse(RequestError::Full),
            Err(TrySendError::Disconnected(question)) => question.refuse(RequestError::Ended),
        }
        pending
    }
}

impl Inbox {
    /// Says that the calling thread is the one that requests wake.
    pub fn attend(&self) {
        *self.bus.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current());
    }

    /// The Ethernet of SubDevices with EoE.
    #[must_use]
    pub const fn ethernet(&self) -> &Arc<Ethernet> {
        &self.ethernet
    }

    /// Gives a mail that answers nothing to those who listen.
    pub fn pass(&self, position: u16, mail: &UnaskedMail) {
        self.listeners.pass(position, mail);
    }

    /// Takes requests out of the channel, so that their time runs on the bus thread's clock, and answers those whose time is over.
    pub(crate) fn collect(&self, now: Duration) {
        let Waiting { questions, held, .. } = &mut *self.waiting();
        while held.len() < WAITING
            && let Ok(question) = questions.try_recv()
        {
            held.push_back((now.saturating_add(question.within()), question));
        }
        let over = |(end, question): &(Duration, Question)| now >= *end || !question.is_wanted();
        while let Some(at) = held.iter().position(over) {
            if let Some((_, question)) = held.remove(at) {
                let within = question.within();
                question.refuse(RequestError::Expired { within });
            }
        }
    }

    /// The oldest request that was taken out of the channel, and the time by which it must be answered.
    pub(crate) fn next(&self) -> Option<(Duration, Question)> {
        self.waiting().held.pop_front()
    }

    /// Only the bus thread ever locks it.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps requests waiting, for as long as it is polled: none longer than its deadline.
    pub async fn hold(&self, datagrams: &Datagrams) {
        std::future::poll_fn(|_| {
            self.collect(datagrams.now());
            Poll::<()>::Pending
        })
        .await;
    }

    /// Refuses all requests, for as long as it is polled.
    pub async fn refuse(&self, why: &'static str) {
        std::future::poll_fn(|_| {
            self.collect(Duration::ZERO);
            while let Some((_, question)) = self.next() {
                question.refuse(RequestError::Unavailable(why));
            }
            Poll::<()>::Pending
        })
        .await;
    }
}
