//! What is asked of one SubDevice that goes to BOOT and back while the network runs, and what becomes of it.
//!
//! Here are the request, its progress and its result; who takes the SubDevice there and back is the owner of the running exchange,
//! step by step with [`Alone`](crate::Alone). Guarantees: a request is answered exactly once, by its deadline at the latest; its
//! transfer is broken off at the deadline and when nobody wants the answer any more.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::Duration;

use futures_lite::future::or;
use zerocat_faults::Fault;

use crate::al::AlShown;
use crate::datagrams::Datagrams;
use crate::error::{BringUpError, Label};
use crate::foe::{File, FileError, FileProgress};
use crate::mailbox::Mailbox;
use crate::request::{Answering, RequestError};
use crate::subdevice::Identity;

/// What is done in BOOT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BootWork {
    /// A file is written.
    Write {
        /// Its name.
        name: String,
        /// Password, 0 for none.
        password: u32,
        /// Its bytes.
        content: Vec<u8>,
    },
    /// A file is read.
    Read {
        /// Its name.
        name: String,
        /// Password, 0 for none.
        password: u32,
        /// Bytes at most.
        limit: usize,
    },
    /// Nothing: it goes to INIT only, and from there to OP.
    Nothing,
}

/// A step on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootStep {
    /// Its outputs become safe, and it leaves the exchange and goes to INIT.
    Leaves,
    /// It goes to BOOT.
    EntersBoot,
    /// The file goes across.
    Transfer,
    /// It goes from BOOT to INIT, and may write its flash memory before it is there.
    LeavesBoot,
    /// It is set up and goes to OP.
    Returns,
}

impl fmt::Display for BootStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Leaves => "on its way from the exchange to INIT",
            Self::EntersBoot => "from INIT to BOOT",
            Self::Transfer => "in BOOT",
            Self::LeavesBoot => "from BOOT to INIT",
            Self::Returns => "from INIT to OP",
        })
    }
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BootProgress {
    /// A step begins.
    Step(BootStep),
    /// The file goes across.
    File(FileProgress),
}

/// It went there and back, and is in OP again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootDone {
    /// What was read; empty where nothing was.
    pub content: Vec<u8>,
    /// Who it was.
    pub before: Identity,
    /// Who it is, by its SII.
    pub after: Identity,
    /// From the request to OP.
    pub took: Duration,
}

impl BootDone {
    /// The result of a way there and back.
    #[must_use]
    pub const fn new(content: Vec<u8>, before: Identity, after: Identity, took: Duration) -> Self {
        Self { content, before, after, took }
    }

    /// Whether it says that it is another revision now.
    #[must_use]
    pub const fn is_another_revision(&self) -> bool {
        self.before.revision != self.after.revision
    }
}

impl fmt::Display for BootDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is in OP again after {:.1} s", self.took.as_secs_f64())?;
        if self.is_another_revision() {
            let (before, after) = (self.before.revision, self.after.revision);
            write!(f, ", as revision {after:#010x}; it was {before:#010x}, look whether the rig file takes that")?;
        }
        Ok(())
    }
}

/// Why it didn't go as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{who} {step}: {why}; {}", stands(.now, *.in_op))]
#[non_exhaustive]
pub struct BootError {
    /// Which SubDevice.
    pub who: Label,
    /// In which step.
    pub step: BootStep,
    /// Why.
    pub why: BootProblem,
    /// What it shows now; `None` where it doesn't answer.
    pub now: Option<AlShown>,
    /// It was brought back to OP.
    pub in_op: bool,
}

impl BootError {
    /// An error of a step, with where it stands now.
    #[must_use]
    pub const fn new(who: Label, step: BootStep, why: BootProblem, now: Option<AlShown>, in_op: bool) -> Self {
        Self { who, step, why, now, in_op }
    }

    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match &self.why {
            BootProblem::Bus(error) => error.fault(),
            BootProblem::OtherDevice { .. } => Fault::SubdeviceDiffers,
            BootProblem::OtherMap(_) => Fault::PdoAssignmentRefused,
            _ => Fault::MailboxFailed,
        }
    }
}

/// Where it stands and what to do.
fn stands(now: &Option<AlShown>, in_op: bool) -> String {
    match now {
        _ if in_op => "it is in OP again".to_owned(),
        None => {
            "it doesn't answer now: look at its power and its cable, then ask for the same again, or bring it to OP"
                .to_owned()
        }
        Some(shown) => {
            let code = if shown.status.error() { format!(", {}", shown.code) } else { String::new() };
            format!("it is in {}{code} now, and stays there: ask for the same again, or bring it to OP", shown.status)
        }
    }
}

/// What kept it from its way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BootProblem {
    /// Its SII names no mailboxes for BOOT.
    #[error("its SII names no mailboxes for BOOT (words 0x14 to 0x17)")]
    NoBoot,
    /// It takes part in no exchange.
    #[error("it takes part in no exchange: it has no process data, or was left out")]
    NotPlanned,
    /// A state or a datagram.
    #[error(transparent)]
    Bus(BringUpError),
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// It didn't take all that long.
    #[error("the request's {0:?} are over")]
    Expired(Duration),
    /// Nobody wants the answer any more.
    #[error("the request was cancelled")]
    Cancelled,
    /// It is another device now.
    #[error("it was product {:#010x} of {}, and is product {:#010x} of {}", .before.product_code, .before.vendor(), .after.product_code, .after.vendor())]
    OtherDevice {
        /// Before.
        before: Identity,
        /// Now.
        after: Identity,
    },
    /// It maps other process data than the exchange has.
    #[error("it maps other process data than before, {0}; stop and start the run, which lays them out anew")]
    OtherMap(String),
}

impl From<BringUpError> for BootProblem {
    fn from(error: BringUpError) -> Self {
        Self::Bus(error)
    }
}

/// A request, at the bus thread.
pub struct BootRequest {
    position: u16,
    work: BootWork,
    progress: RefCell<Box<dyn FnMut(BootProgress) + Send>>,
    to: RefCell<Option<Answering<BootDone>>>,
    /// Until when it must be answered.
    end: Cell<Duration>,
}

impl fmt::Debug for BootRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BootRequest").field("position", &self.position).finish_non_exhaustive()
    }
}

impl BootRequest {
    pub(crate) fn new(
        position: u16,
        work: BootWork,
        progress: Box<dyn FnMut(BootProgress) + Send>,
        to: Answering<BootDone>,
    ) -> Self {
        let (progress, to) = (RefCell::new(progress), RefCell::new(Some(to)));
        Self { position, work, progress, to, end: Cell::default() }
    }

    /// By when it must be answered.
    pub(crate) fn ends_at(&self, end: Duration) {
        self.end.set(end);
    }

    /// Position of the SubDevice.
    #[must_use]
    pub const fn position(&self) -> u16 {
        self.position
    }

    /// What is to be done.
    #[must_use]
    pub const fn work(&self) -> &BootWork {
        &self.work
    }

    /// Tells how far it is.
    pub fn tell(&self, progress: BootProgress) {
        (self.progress.borrow_mut())(progress);
    }

    /// Has the file go across, in BOOT, until the deadline.
    ///
    /// # Errors
    /// `File`, `Expired`, `Cancelled`.
    pub async fn transfer(&self, datagrams: &Datagrams, mailbox: &mut Mailbox) -> Result<Vec<u8>, BootProblem> {
        let within = self.within();
        let cancelled = async {
            std::future::poll_fn(|_| match self.is_wanted() {
                true => std::task::Poll::Pending,
                false => std::task::Poll::Ready(()),
            })
            .await;
            Err(BootProblem::Cancelled)
        };
        let work = async { Ok(self.file(datagrams, mailbox).await?) };
        datagrams.by(self.end.get(), or(work, cancelled)).await.unwrap_or(Err(BootProblem::Expired(within)))
    }

    async fn file(&self, datagrams: &Datagrams, mailbox: &mut Mailbox) -> Result<Vec<u8>, FileError> {
        let tell = |progress| self.tell(BootProgress::File(progress));
        match &self.work {
            BootWork::Write { name, password, content } => {
                let file = File { password: *password, ..File::named(name) };
                mailbox.write_file(datagrams, file, content, tell).await.map(|()| Vec::new())
            }
            BootWork::Read { name, password, limit } => {
                let file = File { password: *password, ..File::named(name) };
                mailbox.read_file(datagrams, file, *limit, tell).await
            }
            BootWork::Nothing => Ok(Vec::new()),
        }
    }

    /// Answers at the deadline that it isn't done, where it wasn't answered before. Never ends.
    pub async fn expire<T>(&self, datagrams: &Datagrams) -> T {
        let _ = datagrams.by(self.end.get(), std::future::pending::<()>()).await;
        let within = self.within();
        self.refuse(RequestError::Expired { within });
        std::future::pending().await
    }

    /// Answers, if it wasn't answered before.
    pub fn answer(&self, done: Result<BootDone, BootError>) {
        if let Some(to) = self.to.borrow_mut().take() {
            to.give(done.map_err(|error| Box::new(error).into()));
        }
    }

    /// Answers that it isn't done.
    pub fn refuse(&self, why: RequestError) {
        if let Some(to) = self.to.borrow_mut().take() {
            to.give(Err(why));
        }
    }

    pub(crate) fn within(&self) -> Duration {
        self.to.borrow().as_ref().map_or(Duration::ZERO, |to| to.within)
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.to.borrow().as_ref().is_some_and(Answering::is_wanted)
    }
}
