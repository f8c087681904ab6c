//! Work with one SubDevice that somebody asked for, whatever its type.
//!
//! Guarantees: it is answered exactly once: with what the work gave, or with why it wasn't done; it is given up at the request's
//! deadline, and when nobody wants the answer any more. The frame that it may have out comes back to the pool all the same.

use crate::aoe::AoeError;
use crate::coe::SdoError;
use crate::datagrams::{Datagrams, Target};
use crate::eoe::IpError;
use crate::error::{BringUpError, Label};
use crate::foe::FileError;
use crate::mailbox::{MailCounters, Mailbox};
use crate::request::{Answering, RequestError};
use crate::soe::IdnError;
use crate::subdevice::MailboxInfo;
use crate::voe::VoeError;
use futures_lite::future::or;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Where work is done: a SubDevice, seen from the bus thread.
#[derive(Debug)]
pub struct Place<'a> {
    /// Datagrams to it, and to others.
    pub datagrams: &'a Datagrams,
    /// Its place on the bus and its name.
    pub who: &'a Label,
    /// Its station address.
    pub target: Target,
    /// Its mailbox, where it has one and the work is with it.
    pub mailbox: Option<&'a mut Mailbox>,
    /// What was counted of its mailbox up to its last work; `None` where it has none.
    pub counted: Option<MailCounters>,
}

impl<'a> Place<'a> {
    /// The mailbox of a SubDevice that speaks CoE.
    ///
    /// # Errors
    /// `Sdo` with `NoCoe`.
    pub fn with_coe(self) -> Result<(&'a Datagrams, &'a mut Mailbox), RequestError> {
        self.with(MailboxInfo::coe, |who| BringUpError::Sdo(SdoError::NoCoe { who }))
    }

    /// The mailbox of a SubDevice that speaks FoE.
    ///
    /// # Errors
    /// `File` with `NoFoe`.
    pub fn with_foe(self) -> Result<(&'a Datagrams, &'a mut Mailbox), RequestError> {
        self.with(MailboxInfo::foe, |who| FileError::NoFoe { who })
    }

    /// The mailbox of a SubDevice that speaks SoE.
    ///
    /// # Errors
    /// `Idn` with `NoSoe`.
    pub fn with_soe(self) -> Result<(&'a Datagrams, &'a mut Mailbox), RequestError> {
        self.with(MailboxInfo::soe, |who| IdnError::NoSoe { who })
    }

    /// The mailbox of a SubDevice that speaks EoE.
    ///
    /// # Errors
    /// `Ip` with `NoEoe`.
    pub fn with_eoe(self) -> Result<(&'a Datagrams, &'a mut Mailbox), RequestError> {
        self.with(MailboxInfo::eoe, |who| IpError::NoEoe { who })
    }

    /// The mailbox of a SubDevice that speaks AoE.
    ///
    /// # Errors
    /// `Aoe` with `NoAoe`.
    pub fn with_aoe(self) -> Result<(&'a Datagrams, &'a mut Mailbox), RequestError> {
        self.with(MailboxInfo::aoe, |who| AoeError::NoAoe { who })
    }

    /// The mailbox of a SubDevice that speaks VoE.
    ///
    /// # Errors
    /// `Voe` with `NoVoe`.
    pub fn with_voe(self) -> Result<(&'a Datagrams, &'a mut Mailbox), RequestError> {
        self.with(MailboxInfo::voe, |who| VoeError::NoVoe { who })
    }

    fn with<E: Into<RequestError>>(
        self,
        speaks: fn(&MailboxInfo) -> bool,
        without: impl FnOnce(Label) -> E,
    ) -> Result<(&'a Datagrams, &'a mut Mailbox), RequestError> {
        let Self { datagrams, who, mailbox, .. } = self;
        let mailbox = mailbox.filter(|mailbox| speaks(mailbox.info()));
        Ok((datagrams, mailbox.ok_or_else(|| without(who.clone()).into())?))
    }
}

/// How work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkEnd {
    /// It was answered, well or not.
    Answered,
    /// The deadline of its request passed.
    Expired,
    /// Nobody wanted its answer any more.
    Unwanted,
}

/// Work that waits, or is done.
pub(crate) trait Job: Send {
    /// The time that it has in all.
    fn within(&self) -> Duration;
    /// Whether somebody waits for its answer.
    fn is_wanted(&self) -> bool;
    /// Does it, until a time on the clock of the datagrams.
    fn perform<'a>(self: Box<Self>, at: Place<'a>, end: Duration) -> Pin<Box<dyn Future<Output = WorkEnd> + 'a>>;
    /// Answers that it isn't done.
    fn refuse(self: Box<Self>, why: RequestError);
}

impl fmt::Debug for dyn Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("within", &self.within()).finish_non_exhaustive()
    }
}

/// Work and the place for its answer.
pub(crate) struct Asked<T, W> {
    pub(crate) to: Answering<T>,
    pub(crate) work: W,
}

impl<T: Send + 'static, W> Job for Asked<T, W>
where
    W: AsyncFnOnce(Place<'_>) -> Result<T, RequestError> + Send + 'static,
{
    fn within(&self) -> Duration {
        self.to.within
    }

    fn is_wanted(&self) -> bool {
        self.to.is_wanted()
    }

    fn perform<'a>(self: Box<Self>, at: Place<'a>, end: Duration) -> Pin<Box<dyn Future<Output = WorkEnd> + 'a>> {
        let Self { to, work } = *self;
        Box::pin(answer(at.datagrams, end, to, work(at)))
    }

    fn refuse(self: Box<Self>, why: RequestError) {
        self.to.give(Err(why));
    }
}

/// Does work for a request and gives the answer; gives the work up at a time, and when nobody wants the answer any more.
pub(crate) async fn answer<T>(
    datagrams: &Datagrams,
    end: Duration,
    to: Answering<T>,
    work: impl Future<Output = Result<T, RequestError>>,
) -> WorkEnd {
    let cancelled = async {
        to.cancelled().await;
        None
    };
    let done = datagrams.by(end, or(async { Some(work.await) }, cancelled)).await;
    match done {
        Some(Some(done)) => {
            to.give(done);
            WorkEnd::Answered
        }
        Some(None) if to.was_waited_for() => WorkEnd::Expired,
        Some(None) => WorkEnd::Unwanted,
        None => {
            let within = to.within;
            to.give(Err(RequestError::Expired { within }));
            WorkEnd::Expired
        }
    }
}
