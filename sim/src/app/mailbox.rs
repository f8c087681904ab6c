//! The mailbox of a SubDevice: one request in, its replies out (ETG.1000.4, 5.6; ETG.1000.6, 5.6.1).
//!
//! A request is taken only when the reply before it has been read and nothing waits to be sent. A request with the
//! counter of the one before is a repetition and dropped. When the MainDevice toggles the repeat request, it gets the
//! mail that it read last once more, and what was in the mailbox after that.
//!
//! Where the file gives it habits, it has them: see [`MailboxHabits`](crate::MailboxHabits).
//!
//! Bounded: the replies to one request and at most eight emergencies wait, each no longer than the mailbox.

use std::collections::VecDeque;
use std::time::Duration;

use zerocat_wire::coe::{CoeService, Emergency, SdoInitiate, SdoResponse, SdoTarget};
use zerocat_wire::mailbox::{self, MailboxError, MailboxHeader, MailboxType};
use zerocat_wire::sii::fixed::protocol;
use zerocat_wire::voe::VoeHeader;
use zerocat_wire::{AlState, WireError};

use super::aoe::Aoe;
use super::coe::{self, Coe};
use super::eoe::Eoe;
use super::foe::Foe;
use super::habits::{self, Habits, SdoHabits};
use super::object_access::Objects;
use super::soe::{self, Soe};
use super::voe;
use crate::config::{MailboxConfig, RepeatHabit, ReplyCounter};
use crate::describe::{Description, MailboxPlan};
use crate::esc::Esc;

/// Shortest mailbox: header, CoE header and one expedited SDO.
pub(super) const SHORTEST: u16 = 16;
/// Longest mail that is built.
const LONGEST: usize = 1486;
/// Emergencies that wait at most; further ones are dropped.
const EMERGENCIES: usize = 8;

/// What a protocol answers: the bytes behind the mailbox header of each mail.
pub(super) type Answer = Result<Vec<Vec<u8>>, MailboxError>;

/// A mail that is to be sent.
#[derive(Debug)]
struct Outgoing {
    emergency: bool,
    mail: Vec<u8>,
}

/// State of the mailbox.
#[derive(Debug)]
pub(super) struct Mailbox {
    /// Sync managers of the mailbox that the MainDevice writes and of the other.
    out: u8,
    input: u8,
    protocols: u16,
    reply_counter: ReplyCounter,
    habits: Habits,
    repeat_request: RepeatHabit,
    checks_counter: bool,
    answers_first: bool,
    /// The request was answered and stays in its mailbox until the answer was read.
    stays: bool,
    /// The last answer, to come once more.
    answer: Option<Vec<u8>>,
    requests: u64,
    /// Mails of its own that found too many waiting.
    dropped: u64,
    frozen: bool,
    coe: Coe,
    foe: Foe,
    eoe: Eoe,
    soe: Option<Soe>,
    aoe: Option<Aoe>,
    /// Counter of the last request; 0 before the first.
    heard: u8,
    /// Own counter, as last used.
    said: u8,
    /// The mail in the reply mailbox.
    shown: Option<Vec<u8>>,
    /// The mail that was read last, in case it is asked for again.
    read: Option<Vec<u8>>,
    waiting: VecDeque<Outgoing>,
    /// What goes into the last byte of the mailbox with the next mails.
    ends: VecDeque<u8>,
    /// How long the application takes to hand the next mails over.
    delays: VecDeque<Duration>,
    /// When it hands over the mail that waits first.
    due: Option<Duration>,
}

impl Mailbox {
    pub(super) fn new(plan: &MailboxPlan, config: Option<&MailboxConfig>, description: &Description) -> Self {
        let config = config.cloned().unwrap_or_default();
        let [out, input] = plan.channels;
        Self {
            out,
            input,
            protocols: plan.protocols,
            reply_counter: config.reply_counter,
            habits: Habits::new(&config.habits),
            repeat_request: config.habits.repeat_request,
            checks_counter: config.habits.checks_counter,
            answers_first: config.habits.answers_first,
            stays: false,
            answer: None,
            requests: 0,
            dropped: 0,
            frozen: false,
            coe: Coe::new(SdoHabits::new(&config.habits)),
            foe: Foe::new(&config.foe),
            eoe: Eoe::new(&config),
            soe: plan.speaks(protocol::SOE).then(|| Soe::new(description)),
            aoe: plan
                .speaks(protocol::AOE)
                .then(|| Aoe::new(&config.aoe, &description.order, plan.speaks(protocol::COE))),
            heard: 0,
            said: 0,
            shown: None,
            read: None,
            waiting: VecDeque::new(),
            ends: VecDeque::new(),
            delays: VecDeque::new(),
            due: None,
        }
    }

    /// What goes into the last byte of the mailbox, and how long the application takes to hand a mail over, mail by mail.
    pub(super) fn set_mails(&mut self, ends: &[u8], delays: impl Iterator<Item = Duration>) {
        self.ends = ends.iter().copied().collect();
        self.delays = delays.collect();
    }

    /// Whether it is time to hand over a mail that was held back.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.due.is_some_and(|due| due <= now)
            || self.habits.is_due(now)
            || self.aoe.as_ref().is_some_and(|aoe| aoe.is_due(now))
    }

    /// Its sync managers, one bit each: of the mailbox that the MainDevice writes and of the other.
    pub(super) fn channels(&self) -> (u16, u16) {
        (1 << self.out, 1 << self.input)
    }

    /// Forgets mails and transfers, and lets the MainDevice use the mailboxes or not.
    pub(super) fn reset(&mut self, esc: &mut Esc, open: bool) {
        self.coe.end_transfer();
        self.foe.end_transfer();
        self.eoe.end_frame();
        if let Some(soe) = &mut self.soe {
            soe.end_transfer();
        }
        if let Some(aoe) = &mut self.aoe {
            aoe.forget();
        }
        (self.heard, self.said) = (0, 0);
        (self.shown, self.read) = (None, None);
        self.waiting.clear();
        (self.due, self.stays, self.answer) = (None, false, None);
        self.habits.end_busy();
        for n in [self.out, self.input] {
            esc.reset_channel(n);
            esc.close_channel(n, !open);
        }
        if open {
            self.put_stale(esc);
        }
    }

    /// Answers that nobody asked for wait from the start on, where that is a habit.
    fn put_stale(&mut self, esc: &mut Esc) {
        let target = SdoTarget::entry(0x1018, 1);
        let stale = SdoResponse::Upload(SdoInitiate::Expedited { target, data: &[0xef, 0xbe, 0xad, 0xde] });
        let mut body = [0; 16];
        let len = stale.emit(&mut body).unwrap_or(0);
        for _ in 0..self.habits.stale {
            let body = coe::with_header(CoeService::SdoResponse, &body[..len]);
            self.queue(MailboxType::Coe, None, LONGEST, &body, false);
        }
        self.send(esc);
    }

    /// Its drives, if it speaks SoE.
    pub(super) const fn soe(&self) -> Option<&Soe> {
        self.soe.as_ref()
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// From now on requests are taken and not answered, and nothing is sent; or no longer.
    pub(super) fn freeze(&mut self, frozen: bool) {
        self.frozen = frozen;
    }

    /// Takes a request, answers and sends as far as that is possible now.
    pub(super) fn run(&mut self, esc: &mut Esc, objects: &mut Objects<'_>) {
        self.send(esc);
        if esc.repeat_asked(self.input) && !self.frozen {
            self.repeat(esc);
        }
        self.let_go(esc);
        while esc.mail_waits(self.out) && self.may_take(esc) {
            let mail = esc.area(self.out).to_vec();
            self.stays = self.answers_first && !self.frozen;
            if !self.stays {
                esc.take_mail(self.out);
            }
            self.take(&mail, usize::from(esc.sync_manager(self.input).length), objects);
            self.send(esc);
            self.let_go(esc);
        }
        self.notify(esc, objects);
    }

    /// Sends notifications that are due. Requests go first, and a mail that waits to be read.
    fn notify(&mut self, esc: &mut Esc, objects: &mut Objects<'_>) {
        let free = !self.frozen && !esc.mail_waits(self.input) && self.waiting.is_empty();
        let room = usize::from(esc.sync_manager(self.input).length).min(LONGEST);
        let Some(aoe) = self.aoe.as_mut().filter(|aoe| free && objects.state != AlState::Boot && aoe.is_due(esc.now()))
        else {
            return;
        };
        for body in aoe.notify(esc.now(), room.saturating_sub(mailbox::HEADER_LEN), objects) {
            self.queue(MailboxType::Aoe, None, room, &body, true);
        }
        self.send(esc);
    }

    /// Whether a request that is there is taken now.
    fn may_take(&mut self, esc: &Esc) -> bool {
        let answers = !esc.mail_waits(self.input) && self.waiting.is_empty();
        !self.stays && (self.frozen || answers && !self.habits.is_busy(esc.now()))
    }

    /// Empties the mailbox of a request that stayed until its answer was read.
    fn let_go(&mut self, esc: &mut Esc) {
        if self.stays && !esc.mail_waits(self.input) && self.waiting.is_empty() {
            self.stays = false;
            esc.take_mail(self.out);
        }
    }

    /// Puts the mail that was read last back; the one that is there comes after it.
    fn repeat(&mut self, esc: &mut Esc) {
        match self.repeat_request {
            RepeatHabit::OnlyKept if self.read.is_none() => return,
            RepeatHabit::Served | RepeatHabit::OnlyKept => {}
            RepeatHabit::Acknowledged => return esc.acknowledge_repeat(self.input),
            RepeatHabit::Ignored => return,
        }
        if let Some(again) = self.read.take() {
            if let Some(mail) = self.shown.replace(again) {
                self.waiting.push_front(Outgoing { emergency: false, mail });
            }
            esc.put_mail(self.input, self.shown.as_deref().unwrap_or_default());
        }
        esc.acknowledge_repeat(self.input);
    }

    fn send(&mut self, esc: &mut Esc) {
        if self.frozen || esc.mail_waits(self.input) {
            return;
        }
        if let Some(mail) = self.shown.take() {
            self.read = Some(mail);
        }
        if self.holds_back(esc.now()) {
            return;
        }
        if let Some(Outgoing { mail, .. }) = self.waiting.pop_front() {
            esc.put_mail(self.input, &mail);
            if let Some(end) = self.ends.pop_front() {
                esc.end_mail(self.input, mail.len(), end);
            }
            self.shown = Some(mail);
        }
    }

    /// Whether the application isn't ready yet to hand over the mail that waits first.
    fn holds_back(&mut self, now: Duration) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        let due = self.due.or_else(|| Some(now + self.delays.pop_front().or_else(|| self.habits.delay())?));
        self.due = due.filter(|due| now < *due);
        self.due.is_some()
    }

    fn take(&mut self, mail: &[u8], room: usize, objects: &mut Objects<'_>) {
        // The counter is there whatever the type is.
        let counter = mail.get(5).map_or(0, |byte| byte >> 4 & 0x07);
        if counter != 0 && counter == self.heard && self.checks_counter {
            return;
        }
        self.heard = counter;
        self.requests += 1;
        if self.frozen {
            return;
        }
        let room = room.min(LONGEST);
        let answered = open(mail).and_then(|(kind, body)| {
            let space = room.saturating_sub(mailbox::HEADER_LEN);
            let mail_space = mail.len().min(LONGEST).saturating_sub(mailbox::HEADER_LEN);
            Ok((kind, self.answer(kind, body, (mail_space, space), objects)?))
        });
        let counter = (self.reply_counter == ReplyCounter::Echo).then_some(counter);
        match answered {
            Ok((kind, bodies)) => bodies.iter().for_each(|body| self.queue_answer(kind, counter, room, body)),
            Err(error) => {
                let mut body = [0; MailboxError::LEN];
                if error.emit(&mut body).is_ok() {
                    self.queue(MailboxType::Error, counter, room, &body, false);
                }
            }
        }
    }

    /// Lets the protocol answer. In BOOT there is only FoE (ETG.1000.6, 6.4.1).
    fn answer(
        &mut self,
        kind: MailboxType,
        body: &[u8],
        (mail_space, space): (usize, usize),
        objects: &mut Objects<'_>,
    ) -> Answer {
        let boot = objects.state == AlState::Boot;
        let speaks = |protocol: u16| self.protocols & protocol != 0;
        match kind {
            MailboxType::Foe if speaks(protocol::FOE) => self.foe.answer(body, mail_space, space),
            MailboxType::Coe if speaks(protocol::COE) && !boot => self.coe.answer(body, space, objects),
            MailboxType::Eoe if speaks(protocol::EOE) && !boot => self.eoe.answer(body, space, objects.time),
            MailboxType::Soe if !boot => match &mut self.soe {
                Some(soe) => soe.answer(body, space, objects.values, objects.state),
                None => Err(MailboxError::UNSUPPORTED_PROTOCOL),
            },
            MailboxType::Aoe if !boot => match &mut self.aoe {
                Some(aoe) => aoe.answer(body, space, objects),
                None => Err(MailboxError::UNSUPPORTED_PROTOCOL),
            },
            MailboxType::Voe if speaks(protocol::VOE) && !boot => voe::answer(body, space),
            // An error is not answered with an error.
            MailboxType::Error if MailboxError::parse(body).is_ok() => Ok(Vec::new()),
            _ => Err(MailboxError::UNSUPPORTED_PROTOCOL),
        }
    }

    /// Queues an emergency, by CoE, or by SoE where there is no CoE.
    pub(super) fn emergency(&mut self, esc: &mut Esc, emergency: &Emergency) {
        let (kind, body) = match self.protocols {
            speaks if speaks & protocol::COE != 0 => (MailboxType::Coe, coe::emergency_body(emergency)),
            speaks if speaks & protocol::SOE != 0 => (MailboxType::Soe, soe::emergency_body(emergency)),
            _ => return,
        };
        self.send_own(esc, kind, &body);
    }

    /// Queues a vendor's mail that nobody asked for.
    pub(super) fn vendor_mail(&mut self, esc: &mut Esc, header: VoeHeader, data: &[u8]) {
        self.send_own(esc, MailboxType::Voe, &[&header.emit(), data].concat());
    }

    /// Queues a mail that answers nothing, unless too many wait.
    fn send_own(&mut self, esc: &mut Esc, kind: MailboxType, body: &[u8]) {
        if self.waiting.iter().filter(|outgoing| outgoing.emergency).count() >= EMERGENCIES {
            self.dropped += 1;
            return;
        }
        self.queue(kind, None, LONGEST, body, true);
        self.send(esc);
    }

    /// Mails of its own that were dropped.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Queues an answer, with what habits make of it.
    fn queue_answer(&mut self, kind: MailboxType, counter: Option<u8>, room: usize, body: &[u8]) {
        if self.habits.emergency.hits() && self.protocols & protocol::COE != 0 {
            self.queue(MailboxType::Coe, None, room, &coe::emergency_body(&habits::BETWEEN), true);
        }
        if self.habits.loses() {
            if counter.is_none() {
                self.said = mailbox::next_counter(self.said);
            }
            return;
        }
        let before = self.answer.take();
        if self.habits.out_of_turn.hits() {
            self.waiting.extend(before.map(|mail| Outgoing { emergency: false, mail }));
        }
        self.queue(kind, counter, room, body, false);
        if let Some(Outgoing { mail, .. }) = self.waiting.back().filter(|_| self.habits.repeats_answers()) {
            let mail = mail.clone();
            if self.habits.doubled.hits() {
                self.waiting.push_back(Outgoing { emergency: false, mail: mail.clone() });
            }
            self.answer = Some(mail);
        }
    }

    fn queue(&mut self, kind: MailboxType, counter: Option<u8>, room: usize, body: &[u8], emergency: bool) {
        let mut mail = vec![0; (mailbox::HEADER_LEN + body.len()).min(room)];
        let own = mailbox::next_counter(self.said);
        let header = MailboxHeader::new(kind, counter.unwrap_or(own), 0);
        let written = mailbox::emit(&mut mail, header, |place| {
            place.get_mut(..body.len()).ok_or(WireError::NoRoom)?.copy_from_slice(body);
            Ok(body.len())
        });
        if written.is_ok() {
            if counter.is_none() {
                self.said = own;
            }
            self.waiting.push_back(Outgoing { emergency, mail });
        }
    }
}

/// Type and body of a mail, or the error that it is answered with (ETG.1000.4, table 30).
fn open(mail: &[u8]) -> Result<(MailboxType, &[u8]), MailboxError> {
    match mailbox::open(mail) {
        Ok((header, _)) if header.channel != 0 => Err(MailboxError::INVALID_CHANNEL),
        Ok((header, body)) => Ok((header.kind, body)),
        Err(WireError::Truncated { .. }) => Err(MailboxError::INVALID_SIZE),
        Err(_) => Err(MailboxError::UNSUPPORTED_PROTOCOL),
    }
}
