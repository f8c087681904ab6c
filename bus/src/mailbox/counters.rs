//! What is counted of the mailbox of a SubDevice: transfers by how they ended, mails by kind, and what went wrong on the way.
//!
//! Guarantees: a transfer that was begun ends in `succeeded` or in one reason of `failed`, once, also where its request was given
//! up; no counter ever goes down. Mails are counted when they are in: a mail that was lost with its frame is not `read`.

use zerocat_wire::mailbox::MailboxType;

/// Why a transfer failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailFailure {
    /// No answer came in time: within that of the mailbox, or that of the request.
    Timeout,
    /// The SubDevice didn't take its mail, or said that it is busy.
    Busy,
    /// The answer makes no sense.
    ParseReject,
    /// The answer was lost with its frame, and an older mail came when it was to be repeated.
    StaleCounter,
    /// The SubDevice refused: an abort of an SDO, an error of FoE, SoE or AoE.
    Abort,
    /// The SubDevice answered with a mailbox error.
    MailboxError,
    /// The answer was lost with its frame, and the SubDevice didn't repeat it.
    Lost,
    /// Datagrams to the SubDevice failed.
    Transport,
    /// Nobody wanted its answer any more, or the request's deadline passed though the SubDevice answered: a long file.
    GivenUp,
    /// Something else, such as a value that doesn't fit.
    Other,
}

/// Transfers that failed, by reason ([`MailFailure`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "they are those of MailFailure")]
pub struct MailFailures {
    pub timeout: u64,
    pub busy: u64,
    pub parse_reject: u64,
    pub stale_counter: u64,
    pub abort: u64,
    pub mailbox_error: u64,
    pub lost: u64,
    pub transport: u64,
    pub given_up: u64,
    pub other: u64,
}

impl MailFailures {
    /// One more.
    pub(crate) fn add(&mut self, why: MailFailure) {
        let counter = match why {
            MailFailure::Timeout => &mut self.timeout,
            MailFailure::Busy => &mut self.busy,
            MailFailure::ParseReject => &mut self.parse_reject,
            MailFailure::StaleCounter => &mut self.stale_counter,
            MailFailure::Abort => &mut self.abort,
            MailFailure::MailboxError => &mut self.mailbox_error,
            MailFailure::Lost => &mut self.lost,
            MailFailure::Transport => &mut self.transport,
            MailFailure::GivenUp => &mut self.given_up,
            MailFailure::Other => &mut self.other,
        };
        *counter += 1;
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.timeout
            + self.busy
            + self.parse_reject
            + self.stale_counter
            + self.abort
            + self.mailbox_error
            + self.lost
            + self.transport
            + self.given_up
            + self.other
    }
}

/// Mails of one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProtocolMails {
    /// Written to the SubDevice.
    pub written: u64,
    /// Read from it.
    pub read: u64,
}

/// Mails by protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "they are the protocols")]
pub struct MailsByProtocol {
    pub aoe: ProtocolMails,
    pub eoe: ProtocolMails,
    pub coe: ProtocolMails,
    pub foe: ProtocolMails,
    pub soe: ProtocolMails,
    pub voe: ProtocolMails,
    /// Mailbox errors.
    pub other: ProtocolMails,
}

impl MailsByProtocol {
    /// Those of a type.
    pub(crate) fn of(&mut self, kind: MailboxType) -> &mut ProtocolMails {
        match kind {
            MailboxType::Aoe => &mut self.aoe,
            MailboxType::Eoe => &mut self.eoe,
            MailboxType::Coe => &mut self.coe,
            MailboxType::Foe => &mut self.foe,
            MailboxType::Soe => &mut self.soe,
            MailboxType::Voe => &mut self.voe,
            MailboxType::Error => &mut self.other,
        }
    }
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailCounters {
    /// Transfers begun: an object, an element, a file, a description.
    pub started: u64,
    /// Transfers that came to a good end.
    pub succeeded: u64,
    /// Transfers that failed.
    pub failed: MailFailures,
    /// Transfers done again after a failure that may pass ([`MailPolicy`](super::MailPolicy)); not in `started`.
    pub retries: u64,
    /// Mails written.
    pub written: u64,
    /// Mails read.
    pub read: u64,
    /// Writes repeated because their frame was lost, with the same counter.
    pub rewritten: u64,
    /// Repeat requests because the frame of a read was lost.
    pub repeats: u64,
    /// Mails that answered nothing that was asked.
    pub stale: u64,
    /// Mails that came twice; the second was dropped.
    pub duplicates: u64,
    /// Requests of the SubDevice's own, which nobody answers.
    pub foreign: u64,
    /// Mails that could not be read as such.
    pub damaged: u64,
    /// Emergencies.
    pub emergencies: u64,
    /// Emergencies that were dropped for newer ones.
    pub emergencies_dropped: u64,
    /// Mails of VoE and AoE that came unasked. Those of EoE are counted with the frames that they are parts of.
    pub unasked: u64,
    /// Such mails that were dropped for newer ones.
    pub unasked_dropped: u64,
    /// Mails by protocol.
    pub protocols: MailsByProtocol,
}
