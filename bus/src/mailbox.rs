//! Mails over two sync managers (ETG.1000.4, 5.6 and 6.7).
//!
//! Guarantees: a mail is written as the whole mailbox, so that its last byte commits it; the reply mailbox is read
//! empty before a request; an answer is known by what it answers, never by its counter, which each side counts for
//! itself; emergencies that come in between are kept, with a bound, and never disturb an exchange, nor do mails of other
//! protocols and answers to something else, which never make a wait longer; a reply whose frame was lost on the way back is
//! asked for again (repeat request), and an older mail that comes instead isn't taken for it.
//!
//! Not guaranteed: that a request whose frame was lost on the way back is seen only once by a SubDevice that doesn't
//! look at the counter, which stays the same in a repetition.

use std::collections::VecDeque;
use std::time::Duration;

use zerocat_faults::Fault;
use zerocat_wire::WireError;
use zerocat_wire::coe::{CoeHeader, CoeService, Emergency};
use zerocat_wire::mailbox::{self, MailboxError as Refusal, MailboxHeader, MailboxType};
use zerocat_wire::soe::{Idn, Part, SoeHeader, SoeOp};
use zerocat_wire::sync_manager::{self, SyncManager, activate, control, status};

use crate::aoe::{self, Router};
use crate::datagrams::{Datagrams, Target};
use crate::error::{DatagramError, Label};
use crate::subdevice::MailboxInfo;

/// Emergencies kept for each SubDevice, and notifications; the oldest is dropped for a new one.
pub const EMERGENCIES: usize = 32;
/// Mails of EoE, VoE and AoE kept for each SubDevice that came unasked; the oldest is dropped for a new one.
pub const UNASKED: usize = 64;

/// Offsets in a sync manager's 8 bytes.
const STATUS: u16 = 5;
const ACTIVATE: u16 = 6;
const PDI_CONTROL: u16 = 7;

/// Why a mail didn't go through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// A datagram failed.
    #[error(transparent)]
    Datagram(#[from] DatagramError),
    /// The SubDevice didn't take the mail before.
    #[error("mailbox still full after {waited:?}; the SubDevice doesn't take its mail")]
    Full {
        /// How long was waited.
        waited: Duration,
    },
    /// No answer came. `passed` mails came that answered something else.
    #[error("no answer in {waited:?} ({passed} other mails came)")]
    NoAnswer {
        /// How long was waited.
        waited: Duration,
        /// Mails that came meanwhile.
        passed: u32,
    },
    /// The answer was lost on the way and the SubDevice doesn't repeat it.
    #[error("an answer was lost with its frame, and the SubDevice didn't repeat it")]
    Lost,
    /// The SubDevice answered with a mailbox error.
    #[error("mailbox error {0}")]
    Refused(Refusal),
    /// The mail is longer than the mailbox.
    #[error("mail does not fit into the mailbox of {room} bytes: {source}")]
    TooLong {
        /// Bytes of the mailbox.
        room: usize,
        /// What the format said.
        source: WireError,
    },
}

/// Times of an exchange. Defaults are those of the ESI (ETG.2000, `Mailbox/Timeout`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailTimes {
    /// Until the SubDevice must have taken the mail before.
    pub request: Duration,
    /// Until the answer must be there.
    pub response: Duration,
    /// Until a repeat request must be acknowledged.
    pub repeat: Duration,
    /// Pause between two looks at the mailbox's status.
    pub poll: Duration,
}

impl Default for MailTimes {
    fn default() -> Self {
        Self {
            request: Duration::from_millis(500),
            response: Duration::from_secs(2),
            repeat: Duration::from_millis(100),
            poll: Duration::from_micros(100),
        }
    }
}

/// An emergency and when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedEmergency {
    /// On the clock of [`Datagrams`].
    pub at: Duration,
    /// What it says.
    pub emergency: Emergency,
}

/// A drive's message that a procedure command has changed its state, and when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedNotification {
    /// On the clock of [`Datagrams`].
    pub at: Duration,
    /// Drive in the SubDevice.
    pub drive: u8,
    /// The procedure command.
    pub idn: Idn,
    /// Its data state.
    pub state: u16,
}

/// A mail that answers nothing and may come at any time: a fragment of an Ethernet frame, a vendor's mail, a notification of
/// AoE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnaskedMail {
    /// When it was read, on the clock of [`Datagrams`].
    pub at: Duration,
    /// Its header.
    pub header: MailboxHeader,
    /// What is behind the header.
    pub body: Vec<u8>,
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailCounters {
    /// Mails written.
    pub written: u64,
    /// Mails read.
    pub read: u64,
    /// Writes repeated because their frame was lost.
    pub rewritten: u64,
    /// Repeat requests because the frame of a read was lost.
    pub repeats: u64,
    /// Mails that answered nothing that was asked.
    pub stale: u64,
    /// Mails that could not be read as such.
    pub damaged: u64,
    /// Emergencies.
    pub emergencies: u64,
    /// Emergencies that were dropped for newer ones.
    pub emergencies_dropped: u64,
    /// Mails of EoE, VoE and AoE that came unasked.
    pub unasked: u64,
    /// Such mails that were dropped for newer ones.
    pub unasked_dropped: u64,
}

/// The mailbox of one SubDevice, seen from the MainDevice.
#[derive(Debug)]
pub struct Mailbox {
    who: Label,
    target: Target,
    info: MailboxInfo,
    times: MailTimes,
    /// How long the answer to the last request is waited for.
    patience: Duration,
    counter: u8,
    /// The mail that was read last, to know it when it comes again.
    last: Vec<u8>,
    emergencies: VecDeque<ReceivedEmergency>,
    notifications: VecDeque<ReceivedNotification>,
    unasked: VecDeque<UnaskedMail>,
    router: Router,
    counters: MailCounters,
}

/// What a mail turned out to be.
enum Mail {
    Other(MailboxHeader, Vec<u8>),
    /// An emergency or a notification.
    Kept,
    Damaged,
}

impl Mailbox {
    /// The mailbox of the SubDevice with this station address.
    #[must_use]
    pub fn new(who: Label, station: u16, info: MailboxInfo) -> Self {
        let (target, times) = (Target::Station(station), MailTimes::default());
        let (emergencies, counters) = (VecDeque::with_capacity(EMERGENCIES), MailCounters::default());
        let patience = times.response;
        let router = Router::new(station);
        let (last, notifications, unasked) = (Vec::new(), VecDeque::new(), VecDeque::new());
        Self {
            who,
            target,
            info,
            times,
            patience,
            counter: 0,
            last,
            emergencies,
            notifications,
            unasked,
            router,
            counters,
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn who(&self) -> &Label {
        &self.who
    }

    /// Offsets, sizes and protocols.
    #[must_use]
    pub const fn info(&self) -> &MailboxInfo {
        &self.info
    }

    /// Its sync managers are elsewhere from now on: it enters or has left BOOT. Counters go on.
    pub(crate) fn replace_info(&mut self, info: MailboxInfo) {
        self.info = info;
        self.last.clear();
    }

    /// Sets the times.
    pub fn set_times(&mut self, times: MailTimes) {
        self.times = times;
    }

    pub(crate) const fn router(&self) -> &Router {
        &self.router
    }

    pub(crate) const fn router_mut(&mut self) -> &mut Router {
        &mut self.router
    }

    /// What was counted.
    #[must_use]
    pub const fn counters(&self) -> MailCounters {
        self.counters
    }

    /// Takes the emergencies that came so far, oldest first.
    pub fn take_emergencies(&mut self) -> Vec<ReceivedEmergency> {
        self.emergencies.drain(..).collect()
    }

    /// Takes the notifications that came so far, oldest first.
    pub fn take_notifications(&mut self) -> Vec<ReceivedNotification> {
        self.notifications.drain(..).collect()
    }

    /// Takes the mails of EoE, VoE and AoE that came so far and answered nothing, oldest first.
    pub fn take_unasked(&mut self) -> Vec<UnaskedMail> {
        self.unasked.drain(..).collect()
    }

    /// The two sync managers, as they are to be programmed in INIT. Control bytes are those of the SII where it has
    /// them, else mailbox mode with an event to the local application.
    #[must_use]
    pub fn sync_managers(info: &MailboxInfo, sii: &crate::sii::Sii) -> [SyncManager; 2] {
        let control_of = |number: u8, default| {
            let entry = sii.sync_managers.get(usize::from(number));
            entry.map(|entry| entry.control).filter(|byte| byte & control::MODE == control::MAILBOX).unwrap_or(default)
        };
        let enabled = SyncManager { activate: activate::ENABLE, ..SyncManager::default() };
        let write = control::MAILBOX | control::WRITE | control::PDI_EVENT;
        let read = control::MAILBOX | control::PDI_EVENT;
        [
            SyncManager {
                start: info.write_start,
                length: info.write_len,
                control: control_of(info.write_channel, write),
                ..enabled
            },
            SyncManager {
                start: info.read_start,
                length: info.read_len,
                control: control_of(info.read_channel, read),
                ..enabled
            },
        ]
    }

    /// Reads what is in the reply mailbox, so that it can't be taken for an answer. Emergencies are kept.
    ///
    /// # Errors
    /// `Datagram`.
    pub async fn drain(&mut self, datagrams: &Datagrams) -> Result<(), MailError> {
        // Bounded: a SubDevice may refill it as fast as it is emptied.
        for _ in 0..EMERGENCIES {
            if !self.full(datagrams, self.info.read_channel).await? {
                return Ok(());
            }
            match self.fetch(datagrams).await {
                Ok(Mail::Other(header, body)) => self.pass(datagrams.now(), header, body),
                Ok(Mail::Kept | Mail::Damaged) | Err(MailError::Lost) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// Writes a mail and waits for the one that answers it. `body` writes the mail into the buffer and returns its
    /// length (for CoE: [`zerocat_wire::coe::emit`] with the given counter). `answers` says whether a mail is the
    /// answer, from its header and the bytes behind it.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn exchange(
        &mut self,
        datagrams: &Datagrams,
        body: impl FnMut(&mut [u8], u8) -> Result<usize, WireError>,
        answers: impl Fn(&MailboxHeader, &[u8]) -> bool,
    ) -> Result<Vec<u8>, MailError> {
        self.exchange_within(datagrams, self.times.response, body, answers).await
    }

    /// As `exchange`, for what may take longer or shorter than usual.
    pub(crate) async fn exchange_within(
        &mut self,
        datagrams: &Datagrams,
        patience: Duration,
        body: impl FnMut(&mut [u8], u8) -> Result<usize, WireError>,
        answers: impl Fn(&MailboxHeader, &[u8]) -> bool,
    ) -> Result<Vec<u8>, MailError> {
        self.patience = patience;
        self.send(datagrams, body).await?;
        self.answer(datagrams, answers).await
    }

    /// Writes a mail that has no answer.
    pub(crate) async fn send(
        &mut self,
        datagrams: &Datagrams,
        mut body: impl FnMut(&mut [u8], u8) -> Result<usize, WireError>,
    ) -> Result<(), MailError> {
        self.counter = mailbox::next_counter(self.counter);
        let room = usize::from(self.info.write_len);
        let mut mail = vec![0; room];
        body(&mut mail, self.counter).map_err(|source| MailError::TooLong { room, source })?;
        self.drain(datagrams).await?;
        self.put(datagrams, &mail).await
    }

    /// Waits for a mail that answers what was asked: the next part of an answer that comes in several mails.
    ///
    /// # Errors
    /// [`MailError`], other than `Full` and `TooLong`.
    pub async fn answer(
        &mut self,
        datagrams: &Datagrams,
        answers: impl Fn(&MailboxHeader, &[u8]) -> bool,
    ) -> Result<Vec<u8>, MailError> {
        let start = datagrams.now();
        let mut passed = 0;
        loop {
            self.wait_for_mail(datagrams, start, passed).await?;
            let Mail::Other(header, body) = self.fetch(datagrams).await? else {
                passed += 1;
                continue;
            };
            if header.kind == MailboxType::Error {
                return Err(MailError::Refused(Refusal::parse(&body).unwrap_or(Refusal(0))));
            }
            if answers(&header, &body) {
                return Ok(body);
            }
            passed += 1;
            self.pass(datagrams.now(), header, body);
        }
    }

    /// The mail that answers what was asked, if it has come already. Others that have come are passed.
    pub(crate) async fn come(
        &mut self,
        datagrams: &Datagrams,
        answers: impl Fn(&MailboxHeader, &[u8]) -> bool,
    ) -> Result<Option<Vec<u8>>, MailError> {
        // Bounded, as in `drain`.
        for _ in 0..EMERGENCIES {
            if !self.full(datagrams, self.info.read_channel).await? {
                return Ok(None);
            }
            match self.fetch(datagrams).await? {
                Mail::Other(header, body) if answers(&header, &body) => return Ok(Some(body)),
                Mail::Other(header, body) => self.pass(datagrams.now(), header, body),
                Mail::Kept | Mail::Damaged => {}
            }
        }
        Ok(None)
    }

    async fn wait_for_mail(&mut self, datagrams: &Datagrams, start: Duration, passed: u32) -> Result<(), MailError> {
        loop {
            let full = self.full(datagrams, self.info.read_channel).await?;
            let waited = datagrams.now().saturating_sub(start);
            // Also where one mail follows the other and none is the answer.
            if waited > self.patience && (passed > 0 || !full) {
                return Err(MailError::NoAnswer { waited, passed });
            }
            if full {
                return Ok(());
            }
            datagrams.pause(self.times.poll).await;
        }
    }

    async fn full(&self, datagrams: &Datagrams, number: u8) -> Result<bool, DatagramError> {
        let byte = datagrams.read_u8(self.target, sync_manager::register(number) + STATUS).await?;
        Ok(byte & status::MAILBOX_FULL != 0)
    }

    /// Writes the whole mailbox once it is empty. A write that came back with working counter 0 was lost before or
    /// after the SubDevice: a full mailbox tells that it arrived, an empty one gets the same mail with the same counter.
    async fn put(&mut self, datagrams: &Datagrams, mail: &[u8]) -> Result<(), MailError> {
        let start = datagrams.now();
        let mut written = false;
        loop {
            if self.full(datagrams, self.info.write_channel).await? {
                if written {
                    break;
                }
                // Some take no mail before theirs was read.
                self.drain(datagrams).await?;
            } else {
                self.counters.rewritten += u64::from(written);
                let answer = datagrams.write_once(self.target, self.info.write_start, mail).await?;
                written = true;
                if answer.working_counter != 0 {
                    break;
                }
            }
            let waited = datagrams.now().saturating_sub(start);
            if waited > self.times.request {
                return Err(MailError::Full { waited });
            }
            datagrams.pause(self.times.poll).await;
        }
        self.counters.written += 1;
        Ok(())
    }

    /// Reads a full mailbox.
    async fn fetch(&mut self, datagrams: &Datagrams) -> Result<Mail, MailError> {
        let len = usize::from(self.info.read_len);
        let start = datagrams.now();
        let mut repeated = false;
        loop {
            let answer = datagrams.read_once(self.target, self.info.read_start, len).await?;
            if answer.working_counter != 0 {
                self.counters.read += 1;
                if !self.is_new(&answer.data) && repeated {
                    self.counters.stale += 1;
                    return Err(MailError::Lost);
                }
                return Ok(self.classify(datagrams.now(), &answer.data));
            }
            if datagrams.now().saturating_sub(start) > self.times.response {
                return Err(MailError::Lost);
            }
            if self.full(datagrams, self.info.read_channel).await? {
                datagrams.pause(self.times.poll).await;
                continue;
            }
            // The SubDevice's mailbox is empty, so the mail was on the frame that got lost.
            if repeated {
                return Err(MailError::Lost);
            }
            self.repeat(datagrams).await?;
            repeated = true;
        }
    }

    /// Has the last mail again: toggles the repeat bit and waits for its acknowledgement and the mail (ETG.1000.4,
    /// 6.7.2).
    async fn repeat(&mut self, datagrams: &Datagrams) -> Result<(), MailError> {
        self.counters.repeats += 1;
        let channel = sync_manager::register(self.info.read_channel);
        let toggled = datagrams.read_u8(self.target, channel + ACTIVATE).await? ^ activate::REPEAT;
        datagrams.write_one(self.target, channel + ACTIVATE, &[toggled]).await?;
        let start = datagrams.now();
        loop {
            let acknowledged = datagrams.read_u8(self.target, channel + PDI_CONTROL).await?;
            if (acknowledged ^ toggled) & activate::REPEAT == 0 && self.full(datagrams, self.info.read_channel).await? {
                return Ok(());
            }
            if datagrams.now().saturating_sub(start) > self.times.repeat {
                return Err(MailError::Lost);
            }
            datagrams.pause(self.times.poll).await;
        }
    }

    /// Whether a mail is another one than the last, by all its bytes with its counter; it is the last one then. A counter of 0
    /// counts nothing, so such a mail is always new.
    fn is_new(&mut self, mail: &[u8]) -> bool {
        let Ok((header, body)) = mailbox::open(mail) else { return true };
        let whole = mail.get(..mailbox::HEADER_LEN + body.len()).unwrap_or_default();
        let new = header.counter == 0 || self.last != whole;
        self.last.clear();
        self.last.extend_from_slice(whole);
        new
    }

    fn classify(&mut self, at: Duration, mail: &[u8]) -> Mail {
        let Ok((header, body)) = mailbox::open(mail) else {
            self.counters.damaged += 1;
            return Mail::Damaged;
        };
        if header.kind == MailboxType::Coe
            && let Ok((coe, rest)) = CoeHeader::parse(body)
            && coe.service == CoeService::Emergency
            && let Ok(emergency) = Emergency::parse(rest)
        {
            self.keep(ReceivedEmergency { at, emergency });
            return Mail::Kept;
        }
        if header.kind == MailboxType::Soe && self.keep_soe(at, body) {
            return Mail::Kept;
        }
        Mail::Other(header, body.to_vec())
    }

    /// Keeps an emergency or a notification of SoE; returns whether it was one.
    fn keep_soe(&mut self, at: Duration, body: &[u8]) -> bool {
        match SoeHeader::parse(body) {
            Ok((SoeHeader { op: SoeOp::Emergency, .. }, rest)) => {
                let emergency = Emergency::parse(rest);
                emergency.map(|emergency| self.keep(ReceivedEmergency { at, emergency })).is_ok()
            }
            Ok((SoeHeader { op: SoeOp::Notification, drive, part: Part::Last(idn), .. }, [low, high, ..])) => {
                let state = u16::from_le_bytes([*low, *high]);
                tracing::debug!(subdevice = %self.who, drive, %idn, state, "notification");
                if self.notifications.len() >= EMERGENCIES {
                    self.notifications.pop_front();
                }
                self.notifications.push_back(ReceivedNotification { at, drive, idn, state });
                true
            }
            _ => false,
        }
    }

    /// A mail that answers nothing: it is kept where its protocol sends mails unasked, else it is stale.
    fn pass(&mut self, at: Duration, header: MailboxHeader, body: Vec<u8>) {
        let unasked = match header.kind {
            MailboxType::Eoe | MailboxType::Voe => true,
            MailboxType::Aoe => aoe::comes_unasked(&body),
            _ => false,
        };
        if !unasked {
            self.counters.stale += 1;
            return;
        }
        self.counters.unasked += 1;
        if self.unasked.len() >= UNASKED {
            self.unasked.pop_front();
            self.counters.unasked_dropped += 1;
        }
        self.unasked.push_back(UnaskedMail { at, header, body });
    }

    fn keep(&mut self, received: ReceivedEmergency) {
        let Emergency { code, register, data } = received.emergency;
        let (hex, text) = (format!("{code:#06x}"), received.emergency.text());
        // An error that is over is no trouble, least of all one of a run before.
        if received.emergency.is_reset() {
            tracing::info!(subdevice = %self.who, code = hex, register, ?data, text, "emergency");
        } else {
            tracing::warn!(fault = %Fault::Emergency, subdevice = %self.who, code = hex, register, ?data, text, "emergency");
        }
        self.counters.emergencies += 1;
        if self.emergencies.len() >= EMERGENCIES {
            self.emergencies.pop_front();
            self.counters.emergencies_dropped += 1;
        }
        self.emergencies.push_back(received);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox() -> Mailbox {
        Mailbox::new(Label::default(), 0x1001, MailboxInfo::default())
    }

    #[test]
    fn emergencies_are_kept_up_to_a_bound_and_the_oldest_goes() {
        let mut mailbox = mailbox();
        for code in 0..EMERGENCIES + 2 {
            let [low, high] = u16::try_from(code).unwrap().to_le_bytes();
            let mail = [10, 0, 0, 0, 0, 0x13, 0x00, 0x10, low, high, 1, 0, 0, 0, 0, 0];
            assert!(matches!(mailbox.classify(Duration::ZERO, &mail), Mail::Kept));
        }
        assert_eq!(mailbox.counters().emergencies_dropped, 2);
        let kept = mailbox.take_emergencies();
        assert_eq!((kept.len(), kept[0].emergency.code), (EMERGENCIES, 2));
    }

    #[test]
    fn a_mail_that_claims_more_than_the_mailbox_is_damaged() {
        let mut mailbox = mailbox();
        assert!(matches!(mailbox.classify(Duration::ZERO, &[0xff, 0xff, 0, 0, 0, 3, 0, 0]), Mail::Damaged));
        assert_eq!(mailbox.counters().damaged, 1);
    }

    #[test]
    fn control_bytes_of_the_sii_hold_only_in_mailbox_mode() {
        use crate::sii::Sii;
        use zerocat_wire::sii::{SyncManagerEntry, SyncManagerUse};
        let info = MailboxInfo {
            write_channel: 0,
            write_start: 0x1000,
            write_len: 128,
            read_channel: 1,
            read_start: 0x1080,
            read_len: 128,
            protocols: 4,
        };
        let usage = SyncManagerUse::MailboxOut;
        let entry = SyncManagerEntry { start: 0, length: 0, control: 0x36, status: 0, enable: 1, usage };
        let sii = Sii { sync_managers: vec![entry, SyncManagerEntry { control: 0x20, ..entry }], ..Sii::default() };
        let [write, read] = Mailbox::sync_managers(&info, &sii);
        assert_eq!((write.start, write.control, read.start, read.control), (0x1000, 0x36, 0x1080, 0x22));
        assert!(write.is_written() && !read.is_written() && read.enabled());
    }
}
