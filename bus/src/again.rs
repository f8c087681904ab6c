//! Transfers by mail that are done again where that may help and does no harm.
//!
//! Guarantees: what a SubDevice refused is not done again; a transfer is done again at most as often as its policy says, after a
//! pause that grows; each transfer is counted once, however often it was done.
//!
//! What may be done again: what reads, after an answer that was lost or never came. What writes, only where the SubDevice can't have
//! done it (a full mailbox, no memory, another service at work); while a bus is brought up also after an answer that was lost,
//! since a MainDevice sets up nothing that it couldn't set up twice. A write whose frame was lost is no transfer done again: the
//! mailbox repeats it with the same counter. A mailbox that stayed full for the whole time of a request isn't tried for as long once
//! more; one that `strict` found full in three looks is.

use std::time::Duration;

use zerocat_wire::mailbox::MailboxError as Refusal;

use crate::datagrams::Datagrams;
use crate::mailbox::{MailError, MailFailure, MailPolicy, Mailbox, Strategy};

/// "No memory" and "service in work": nothing was done (ETG.1000.4, 5.6, and the stacks that SubDevices have).
const BUSY: [Refusal; 2] = [Refusal(7), Refusal(9)];

/// Why a transfer by mail failed.
pub(crate) trait TransferError {
    /// What the mailbox said, where it is the mailbox that failed.
    fn mail(&self) -> Option<&MailError>;

    /// Why it failed where it isn't the mailbox that did.
    fn other(&self) -> MailFailure;

    /// Why it failed.
    fn failure(&self) -> MailFailure {
        self.mail().map_or_else(|| self.other(), MailError::failure)
    }
}

/// What a transfer does to the SubDevice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: it reads, or asks.
    None,
    /// It writes.
    Writes,
    /// It may do something else when it is done twice, also while a bus is brought up.
    Commands,
    /// A file, that begins anew. It takes long, so it is done again only where an answer was lost.
    File,
}

/// Whether, how often and after which pauses a transfer is done again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    policy: MailPolicy,
    effect: Effect,
    in_operation: bool,
}

impl Plan {
    /// The pause before it is done for the `nth` time again, 1 for the first; `None` where it isn't.
    fn pause(&self, nth: u8, why: &MailError) -> Option<Duration> {
        let again = match why {
            MailError::Lost | MailError::Older => match self.effect {
                Effect::Commands => false,
                Effect::Writes => !self.in_operation,
                Effect::None | Effect::File => true,
            },
            MailError::NoAnswer { .. } => self.in_operation && self.effect == Effect::None,
            MailError::Full { .. } => self.policy.strategy == Strategy::Strict,
            MailError::Refused(refusal) => BUSY.contains(refusal),
            MailError::Datagram(_) | MailError::TooLong { .. } => false,
        };
        (again && nth <= self.policy.retries).then(|| self.policy.pause(nth))
    }
}

impl Mailbox {
    /// How a transfer is done again by this mailbox's policy.
    pub(crate) const fn plan(&self, effect: Effect) -> Plan {
        Plan { policy: *self.policy(), effect, in_operation: self.is_in_operation() }
    }
}

/// Does a transfer, and again where that may help. `transfer` is told with which mailbox it is done.
pub(crate) async fn again<T, E: TransferError>(
    mailbox: &mut Mailbox,
    datagrams: &Datagrams,
    effect: Effect,
    mut transfer: impl AsyncFnMut(&mut Mailbox) -> Result<T, E>,
) -> Result<T, E> {
    let plan = mailbox.plan(effect);
    mailbox.begin_transfer();
    let mut nth = 0;
    loop {
        let done = transfer(mailbox).await;
        nth += 1;
        let pause = match &done {
            Err(error) => error.mail().and_then(|why| plan.pause(nth, why)),
            Ok(_) => None,
        };
        let Some(pause) = pause else {
            mailbox.end_transfer(done.as_ref().err().map(TransferError::failure));
            return done;
        };
        mailbox.count_retry();
        datagrams.pause(pause).await;
    }
}
