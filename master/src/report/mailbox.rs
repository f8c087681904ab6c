//! What was counted of mailboxes: in the report of a run, and for programs.
//!
//! Schema `zerocat-mailbox/1`. A key may be added within a version; none is renamed, removed or given another meaning.

use serde::Serialize;
use zerocat_bus::mailbox::{MailsByProtocol, ProtocolMails};
use zerocat_bus::{Label, MailCounters, MailFailures};

/// Name and version of the schema of [`MailboxCounters`].
pub const MAILBOX_SCHEMA: &str = "zerocat-mailbox/1";

/// The mailbox of a SubDevice in a run, bring-up and outages included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MailboxReport {
    /// Its position on the bus, 0-based.
    pub position: u16,
    /// Its name.
    pub name: String,
    /// Its key in the rig file; `null` where it isn't named there.
    pub key: Option<String>,
    /// What was counted.
    pub counters: MailboxCounters,
}

/// What was counted of a mailbox. A transfer is an object, an IDN, a description or a file; it takes one mail or many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MailboxCounters {
    /// Always `zerocat-mailbox/1`.
    pub schema: &'static str,
    /// Transfers begun.
    pub started: u64,
    /// Transfers that came to a good end.
    pub succeeded: u64,
    /// Transfers that failed, by reason.
    pub failed: MailboxFailures,
    /// Transfers done again, where that did no harm; not in `started`.
    pub retries: u64,
    /// Mails written.
    pub written: u64,
    /// Mails read.
    pub read: u64,
    /// Writes repeated with the same counter, because their frame was lost.
    pub rewritten: u64,
    /// Repeat requests, because the frame of a read was lost.
    pub repeat_requests: u64,
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
    /// Emergencies that were dropped for newer ones, because nobody took them in time.
    pub emergencies_dropped: u64,
    /// Mails of VoE and AoE that came unasked. Those of EoE are in `protocols.eoe`, and as frames in the report's `ethernet`.
    pub unasked: u64,
    /// Such mails that were dropped for newer ones.
    pub unasked_dropped: u64,
    /// Mails by protocol.
    pub protocols: MailboxProtocols,
}

/// Transfers that failed, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MailboxFailures {
    /// No answer came in time: within that of the mailbox, or that of the request.
    pub timeout: u64,
    /// The SubDevice didn't take its mail, or said that it is busy.
    pub busy: u64,
    /// The answer makes no sense.
    pub parse_reject: u64,
    /// The answer was lost with its frame, and an older mail came when it was to be repeated.
    pub stale_counter: u64,
    /// The SubDevice refused.
    pub abort: u64,
    /// The SubDevice answered with a mailbox error.
    pub mailbox_error: u64,
    /// The answer was lost with its frame, and not repeated.
    pub lost: u64,
    /// Datagrams to the SubDevice failed.
    pub transport: u64,
    /// Nobody wanted its answer any more, or the request's deadline passed though the SubDevice answered: a long file.
    pub given_up: u64,
    /// Something else.
    pub other: u64,
}

/// Mails by protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MailboxProtocols {
    /// ADS over EtherCAT.
    pub aoe: MailboxMails,
    /// Ethernet over EtherCAT.
    pub eoe: MailboxMails,
    /// CAN application protocol over EtherCAT.
    pub coe: MailboxMails,
    /// File access over EtherCAT.
    pub foe: MailboxMails,
    /// Servo drive profile over EtherCAT.
    pub soe: MailboxMails,
    /// Vendor specific.
    pub voe: MailboxMails,
    /// Mailbox errors.
    pub error: MailboxMails,
}

/// Mails of one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MailboxMails {
    /// To the SubDevice.
    pub written: u64,
    /// From it.
    pub read: u64,
}

impl MailboxReport {
    pub(crate) fn of(who: &Label, key: Option<String>, counted: MailCounters) -> Self {
        Self { position: who.position, name: who.name.clone(), key, counters: MailboxCounters::of(counted) }
    }
}

impl MailboxFailures {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        let Self { timeout, busy, parse_reject, stale_counter, abort, mailbox_error, lost, transport, given_up, other } =
            *self;
        let answered = parse_reject + stale_counter + abort + mailbox_error;
        timeout + busy + answered + lost + transport + given_up + other
    }

    const fn of(failed: MailFailures) -> Self {
        let MailFailures {
            timeout,
            busy,
            parse_reject,
            stale_counter,
            abort,
            mailbox_error,
            lost,
            transport,
            given_up,
            other,
        } = failed;
        Self { timeout, busy, parse_reject, stale_counter, abort, mailbox_error, lost, transport, given_up, other }
    }
}

impl MailboxCounters {
    pub(crate) const fn of(counted: MailCounters) -> Self {
        let MailCounters { started, succeeded, failed, retries, written, read, rewritten, repeats, .. } = counted;
        let MailCounters { stale, duplicates, foreign, damaged, emergencies, emergencies_dropped, .. } = counted;
        let MailCounters { unasked, unasked_dropped, protocols, .. } = counted;
        Self {
            schema: MAILBOX_SCHEMA,
            started,
            succeeded,
            failed: MailboxFailures::of(failed),
            retries,
            written,
            read,
            rewritten,
            repeat_requests: repeats,
            stale,
            duplicates,
            foreign,
            damaged,
            emergencies,
            emergencies_dropped,
            unasked,
            unasked_dropped,
            protocols: MailboxProtocols::of(protocols),
        }
    }
}

impl MailboxProtocols {
    const fn of(mails: MailsByProtocol) -> Self {
        const fn of(mails: ProtocolMails) -> MailboxMails {
            MailboxMails { written: mails.written, read: mails.read }
        }
        let MailsByProtocol { aoe, eoe, coe, foe, soe, voe, other } = mails;
        Self { aoe: of(aoe), eoe: of(eoe), coe: of(coe), foe: of(foe), soe: of(soe), voe: of(voe), error: of(other) }
    }
}
