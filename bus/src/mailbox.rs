//! Mails over two sync managers (ETG.1000.4, 5.6 and 6.7).
//!
//! Guarantees: a mail is written as the whole mailbox, so that its last byte commits it; the reply mailbox is read
//! empty before a request; an answer is known by what it answers, never by its counter, which each side counts for
//! itself; emergencies that come in between are kept, with a bound, and never disturb an exchange, nor do mails of other
//! protocols and answers to something else, which never make a wait longer; a reply whose frame was lost on the way back is
//! asked for again (repeat request), and an older mail that comes instead isn't taken for it; a mail that comes twice is dropped;
//! the late answer to a request that was given up, or that had none in time, isn't taken for the answer to the same question asked anew, if
//! it comes within twice the time of an answer.
//!
//! Not guaranteed: that a request whose frame was lost on the way back is seen only once by a SubDevice that doesn't
//! look at the counter, which stays the same in a repetition.

mod counters;
mod owed;
mod policy;
mod put;
mod repeat;
mod silence;
mod wait;

pub use counters::{MailCounters, MailFailure, MailFailures, MailsByProtocol, ProtocolMails};
pub use policy::{LONGEST_PAUSE, MOST_RETRIES, MailPolicy, Strategy};
pub use silence::MailboxNews;
pub(crate) use silence::Silence;
pub(crate) use wait::Sign;

use owed::Owed;
use wait::Wait;

use std::collections::VecDeque;
use std::time::Duration;

use zerocat_faults::Fault;
use zerocat_wire::WireError;
use zerocat_wire::coe::{CoeHeader, CoeService, Emergency, SdoResponse};
use zerocat_wire::mailbox::{self, MailboxError as Refusal, MailboxHeader, MailboxType};
use zerocat_wire::soe::{Idn, Part, SoeHeader, SoeOp};
use zerocat_wire::sync_manager::{self, SyncManager, activate, control, status};

use crate::aoe::{self, Router};
use crate::datagrams::{Datagrams, Target};
use crate::diagnosis::History;
use crate::error::{DatagramError, Label, named};
use crate::subdevice::MailboxInfo;

/// Emergencies kept for each SubDevice, and notifications; the oldest is dropped for a new one.
pub const EMERGENCIES: usize = 32;
/// Mails of EoE, VoE and AoE kept for each SubDevice that came unasked; the oldest is dropped for a new one.
pub const UNASKED: usize = 64;

/// Offset of the byte with the counter, in bits 4 to 6, in a mail.
const COUNTER_AT: usize = 5;
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
    /// The answer was lost on the way, and an older mail came when it was to be repeated.
    #[error("an answer was lost with its frame, and the SubDevice repeated an older mail")]
    Older,
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

impl MailError {
    /// The reason that it is counted by.
    #[must_use]
    pub const fn failure(&self) -> MailFailure {
        match self {
            Self::Datagram(_) => MailFailure::Transport,
            Self::Full { .. } => MailFailure::Busy,
            Self::NoAnswer { .. } => MailFailure::Timeout,
            Self::Lost => MailFailure::Lost,
            Self::Older => MailFailure::StaleCounter,
            Self::Refused(_) => MailFailure::MailboxError,
            Self::TooLong { .. } => MailFailure::Other,
        }
    }
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
    /// Pause between the first two looks at a mailbox. Each further one is half as long again, up to ten times as long.
    pub poll: Duration,
}

impl MailTimes {
    /// The pause behind the `nth` look, 0 for the first.
    #[must_use]
    pub fn pause(&self, nth: u32) -> Duration {
        let longest = self.poll.saturating_mul(10);
        (0..nth.min(8)).fold(self.poll, |pause, _| (pause + pause / 2).min(longest))
    }
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

/// The mailbox of one SubDevice, seen from the MainDevice.
#[derive(Debug)]
pub struct Mailbox {
    who: Label,
    target: Target,
    info: MailboxInfo,
    times: MailTimes,
    /// How long the answer to the last request is waited for.
    patience: Duration,
    policy: MailPolicy,
    /// What the cyclic frames say of it.
    sign: Sign,
    /// Whether they have said that it is empty since it was read.
    seen_empty: bool,
    counter: u8,
    /// The mail that was read last, to know it when it comes again.
    last: Vec<u8>,
    /// Whether the SubDevice counts its mails, as far as is known.
    counts: bool,
    /// The quickest answer to a read so far.
    quickest: Duration,
    /// Mails that were read before it was known that what they may answer had arrived.
    early: VecDeque<Mail>,
    /// The SubDevice has taken the last mail: it answered it.
    taken: bool,
    /// The request that was written last, while its answer is waited for or since it was given up.
    asking: Option<Owed>,
    /// Earlier ones whose answers may come still.
    owed: Vec<Owed>,
    /// What is known of the diagnosis history.
    pub(crate) history: History,
    /// Whether the network is in operation.
    in_operation: bool,
    /// A transfer was begun and has not ended.
    in_transfer: bool,
    /// It brought an answer.
    was_answered: bool,
    /// Whether it answers at all.
    silence: Silence,
    /// Its SubDevice's key in the rig file.
    key: Option<String>,
    emergencies: VecDeque<ReceivedEmergency>,
    notifications: VecDeque<ReceivedNotification>,
    unasked: VecDeque<UnaskedMail>,
    router: Router,
    counters: MailCounters,
}

/// Whether a mail came by a repeat request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    No,
    /// Yes: one was lost.
    Lost,
    /// Yes: one may have been lost.
    InDoubt,
}

/// What a mail turned out to be.
#[derive(Debug)]
enum Mail {
    Other(MailboxHeader, Vec<u8>),
    /// An emergency or a notification.
    Kept,
    Damaged,
    /// The one before, once more.
    Duplicate,
}

impl Mailbox {
    /// The mailbox of the SubDevice with this station address.
    #[must_use]
    pub fn new(who: Label, station: u16, info: MailboxInfo) -> Self {
        let times = MailTimes::default();
        Self {
            who,
            target: Target::Station(station),
            info,
            times,
            patience: times.response,
            policy: MailPolicy::default(),
            sign: Sign::default(),
            seen_empty: false,
            counter: 0,
            last: Vec::new(),
            counts: false,
            quickest: Duration::MAX,
            early: VecDeque::new(),
            taken: false,
            asking: None,
            owed: Vec::new(),
            history: History::default(),
            in_operation: false,
            in_transfer: false,
            was_answered: false,
            silence: Silence::default(),
            key: None,
            emergencies: VecDeque::with_capacity(EMERGENCIES),
            notifications: VecDeque::new(),
            unasked: VecDeque::new(),
            router: Router::new(station),
            counters: MailCounters::default(),
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn who(&self) -> &Label {
        &self.who
    }

    /// Says what its SubDevice is called in the rig file: messages name it so too.
    pub fn set_key(&mut self, key: String) {
        self.key = Some(key);
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
        (self.counts, self.taken, self.asking) = (false, false, None);
        self.owed.clear();
        self.early.clear();
        self.silence.forget();
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

    /// Sets how it is used.
    pub fn set_policy(&mut self, policy: MailPolicy) {
        self.policy = policy;
    }

    /// How it is used.
    #[must_use]
    pub const fn policy(&self) -> &MailPolicy {
        &self.policy
    }

    /// Says whether the network is in operation from now on; what the cyclic frames say is of the exchange before.
    pub(crate) fn set_in_operation(&mut self, in_operation: bool) {
        self.in_operation = in_operation;
        self.sign.set(None);
    }

    pub(crate) const fn is_in_operation(&self) -> bool {
        self.in_operation
    }

    /// Where what the cyclic frames say of it is told.
    pub(crate) fn sign(&self) -> Sign {
        self.sign.clone()
    }

    /// Whether it answers, for whoever tells it.
    pub(crate) fn silence(&self) -> Silence {
        self.silence.clone()
    }

    /// Goes on with what another mailbox of the same SubDevice counted before, and knew of its diagnosis history and its silence;
    /// what this one counted so far is dropped.
    pub(crate) fn go_on_from(&mut self, before: &Self) {
        self.counters = before.counters;
        self.silence.go_on_from(&before.silence);
        self.history = before.history.clone();
    }

    /// Counts a transfer that begins.
    pub(crate) fn begin_transfer(&mut self) {
        self.give_up_transfer();
        self.counters.started += 1;
        (self.in_transfer, self.was_answered) = (true, false);
    }

    /// Counts how it ended.
    pub(crate) fn end_transfer(&mut self, failed: Option<MailFailure>) {
        self.in_transfer = false;
        match failed {
            Some(why) => self.counters.failed.add(why),
            None => self.counters.succeeded += 1,
        }
    }

    /// Counts a transfer that nobody works at any more, if there is one.
    pub(crate) fn give_up_transfer(&mut self) {
        if self.in_transfer {
            self.end_transfer(Some(MailFailure::GivenUp));
        }
    }

    /// Counts a transfer that the deadline of its request ended, if there is one: for want of an answer, or though there were some.
    pub(crate) fn expire_transfer(&mut self, now: Duration) {
        if self.in_transfer {
            let silent = !self.was_answered || self.silence.has_lasted(self.times.request, now);
            self.end_transfer(Some(if silent { MailFailure::Timeout } else { MailFailure::GivenUp }));
        }
    }

    pub(crate) fn count_retry(&mut self) {
        self.counters.retries += 1;
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

    /// The data state of a procedure command that was notified last, since a time.
    pub(crate) fn notified_of(&self, drive: u8, idn: Idn, since: Duration) -> Option<u16> {
        let told = |one: &&ReceivedNotification| (one.drive, one.idn) == (drive, idn) && one.at >= since;
        self.notifications.iter().rev().find(told).map(|one| one.state)
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
            match self.peek(datagrams).await {
                Ok(None) => return Ok(()),
                Ok(Some(Mail::Other(header, body))) => self.pass(datagrams.now(), header, body),
                Ok(Some(Mail::Kept | Mail::Damaged | Mail::Duplicate)) | Err(MailError::Lost | MailError::Older) => {}
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
        let mail = self.compose(body)?;
        let done = self.asked(datagrams, &mail, answers).await;
        if matches!(done, Err(MailError::Datagram(_))) {
            self.silence.forget();
        }
        done
    }

    async fn asked(
        &mut self,
        datagrams: &Datagrams,
        mail: &[u8],
        answers: impl Fn(&MailboxHeader, &[u8]) -> bool,
    ) -> Result<Vec<u8>, MailError> {
        self.await_owed(datagrams, mail).await?;
        let owed = Owed::of(mail, datagrams.now().saturating_add(self.times.request).saturating_add(self.patience));
        self.put(datagrams, mail, Some(owed)).await?;
        self.answer(datagrams, answers).await
    }

    /// Writes a mail that has no answer.
    pub(crate) async fn send(
        &mut self,
        datagrams: &Datagrams,
        body: impl FnMut(&mut [u8], u8) -> Result<usize, WireError>,
    ) -> Result<(), MailError> {
        let mail = self.compose(body)?;
        self.put(datagrams, &mail, None).await
    }

    /// The next mail, as long as the mailbox.
    fn compose(
        &mut self,
        mut body: impl FnMut(&mut [u8], u8) -> Result<usize, WireError>,
    ) -> Result<Vec<u8>, MailError> {
        self.counter = mailbox::next_counter(self.counter);
        let room = usize::from(self.info.write_len);
        let mut mail = vec![0; room];
        body(&mut mail, self.counter).map_err(|source| MailError::TooLong { room, source })?;
        Ok(mail)
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
        let mut wait = Wait::new(datagrams.now(), self.patience);
        let done = self.answered(datagrams, &mut wait, answers).await;
        let question = self.asking.take();
        if matches!(done, Err(MailError::NoAnswer { .. })) {
            // It may come still.
            let until = datagrams.now().saturating_add(self.patience);
            self.owe(question.map(|question| question.for_longer(until)));
        }
        done
    }

    async fn answered(
        &mut self,
        datagrams: &Datagrams,
        wait: &mut Wait,
        answers: impl Fn(&MailboxHeader, &[u8]) -> bool,
    ) -> Result<Vec<u8>, MailError> {
        loop {
            let Mail::Other(header, body) = self.next_mail(datagrams, wait).await? else {
                wait.passed += 1;
                continue;
            };
            if header.kind == MailboxType::Error {
                let Ok(refusal) = Refusal::parse(&body) else {
                    (self.counters.damaged, wait.passed) = (self.counters.damaged + 1, wait.passed + 1);
                    continue;
                };
                self.taken = true;
                return Err(MailError::Refused(refusal));
            }
            if answers(&header, &body) {
                self.taken = true;
                return Ok(body);
            }
            wait.passed += 1;
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
            match self.peek(datagrams).await? {
                None => return Ok(None),
                Some(Mail::Other(header, body)) if answers(&header, &body) => return Ok(Some(body)),
                Some(Mail::Other(header, body)) => self.pass(datagrams.now(), header, body),
                Some(Mail::Kept | Mail::Damaged | Mail::Duplicate) => {}
            }
        }
        Ok(None)
    }

    async fn full(&self, datagrams: &Datagrams, number: u8) -> Result<bool, DatagramError> {
        let byte = datagrams.read_u8(self.target, sync_manager::register(number) + STATUS).await?;
        Ok(byte & status::MAILBOX_FULL != 0)
    }

    /// What the bytes of a mailbox that was read are. `repeat` says whether they came by a repeat request.
    fn accept(&mut self, at: Duration, mail: &[u8], repeat: Repeat) -> Mail {
        self.counters.read += 1;
        self.seen_empty = false;
        let Ok((header, body)) = mailbox::open(mail) else {
            self.counters.damaged += 1;
            return Mail::Damaged;
        };
        self.counters.protocols.of(header.kind).read += 1;
        let whole = mail.get(..mailbox::HEADER_LEN + body.len()).unwrap_or_default();
        if self.is_duplicate(header.counter, whole, repeat) {
            self.counters.duplicates += 1;
            return Mail::Duplicate;
        }
        self.classify(at, header, body)
    }

    /// Whether a mail is the last one once more, by its counter and all its bytes; it is the last one then. A counter of 0 counts
    /// nothing, so such a mail is new, other than where nobody knows whether there was one to repeat. A SubDevice whose counter
    /// never changed doesn't count either.
    fn is_duplicate(&mut self, counter: u8, whole: &[u8], repeat: Repeat) -> bool {
        let same = self.last == whole;
        let before = self.last.get(COUNTER_AT).map_or(0, |byte| byte >> 4 & 7);
        self.counts |= before != 0 && counter != 0 && before != counter;
        self.last.clear();
        self.last.extend_from_slice(whole);
        same && match repeat {
            Repeat::No => counter != 0 && self.counts,
            Repeat::Lost => counter != 0,
            Repeat::InDoubt => true,
        }
    }

    fn classify(&mut self, at: Duration, header: MailboxHeader, body: &[u8]) -> Mail {
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
        if header.kind != MailboxType::Eoe {
            self.was_answered = true;
            self.silence.answered(at);
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

    /// Passes what was read early and not waited for.
    fn drop_early(&mut self, datagrams: &Datagrams) {
        while let Some(mail) = self.early.pop_front() {
            if let Mail::Other(header, body) = mail {
                self.pass(datagrams.now(), header, body);
            }
        }
    }

    /// A mail that answers nothing: it is kept where its protocol sends mails unasked, else it is stale.
    fn pass(&mut self, at: Duration, header: MailboxHeader, body: Vec<u8>) {
        self.settle(header.kind);
        let unasked = match header.kind {
            MailboxType::Eoe | MailboxType::Voe => true,
            MailboxType::Aoe => aoe::comes_unasked(&body),
            _ => false,
        };
        if !unasked {
            let foreign = header.kind == MailboxType::Coe && is_own_request(&body);
            *(if foreign { &mut self.counters.foreign } else { &mut self.counters.stale }) += 1;
            return;
        }
        // A SubDevice that says that it speaks EoE is expected to.
        self.counters.unasked += u64::from(header.kind != MailboxType::Eoe || !self.info.eoe());
        if self.unasked.len() >= UNASKED {
            self.unasked.pop_front();
            self.counters.unasked_dropped += 1;
        }
        self.unasked.push_back(UnaskedMail { at, header, body });
    }

    fn keep(&mut self, received: ReceivedEmergency) {
        let (who, emergency) = (named(&self.who, self.key.as_deref()), received.emergency);
        // An error that is over is no trouble, least of all one of a run before.
        if emergency.is_reset() {
            tracing::info!("{who}: emergency {emergency}");
        } else {
            tracing::warn!(fault = %Fault::Emergency, "{who}: emergency {emergency}");
        }
        self.counters.emergencies += 1;
        if self.emergencies.len() >= EMERGENCIES {
            self.emergencies.pop_front();
            self.counters.emergencies_dropped += 1;
        }
        self.emergencies.push_back(received);
    }
}

/// Whether a mail of CoE is a request of the SubDevice's own. Aborts come as requests too.
fn is_own_request(body: &[u8]) -> bool {
    let is_abort = |rest| matches!(SdoResponse::parse(rest), Ok(SdoResponse::Abort(_)));
    CoeHeader::parse(body).is_ok_and(|(coe, rest)| coe.service == CoeService::SdoRequest && !is_abort(rest))
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
            assert!(matches!(mailbox.accept(Duration::ZERO, &mail, Repeat::No), Mail::Kept));
        }
        assert_eq!(mailbox.counters().emergencies_dropped, 2);
        let kept = mailbox.take_emergencies();
        assert_eq!((kept.len(), kept[0].emergency.code), (EMERGENCIES, 2));
    }

    #[test]
    fn a_mail_that_claims_more_than_the_mailbox_is_damaged() {
        let mut mailbox = mailbox();
        assert!(matches!(mailbox.accept(Duration::ZERO, &[0xff, 0xff, 0, 0, 0, 3, 0, 0], Repeat::No), Mail::Damaged));
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
