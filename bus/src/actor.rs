//! One actor for each SubDevice of a network in operation, and the one that takes requests and hands them out.
//!
//! Guarantees: actors never block each other; a SubDevice that answers after two seconds costs the others nothing.
//! Requests to the mailbox of one SubDevice are done one after the other, in the order in which they came. A request ends
//! by its deadline, or when nobody wants its answer any more; the frame that it may have out comes back to the pool all the
//! same. Looking at the AL state of a SubDevice doesn't wait for its mailbox. What a SubDevice sends unasked is read while nothing is
//! asked of its mailbox, so that a full one never stays full, and its emergencies are told.
//!
//! Not here: bringing SubDevices up and down, which is [`Network`]'s, and supervision, which needs the engine's counters.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_lite::future::or;
use zerocat_wire::AlState;
use zerocat_wire::mailbox::MailboxType;

use crate::al::{self, AlShown};
use crate::boot::BootRequest;
use crate::bring_up::{Address, Network, StateReport};
use crate::datagrams::{Datagrams, Target};
use crate::diagnosis::ReceivedDiagnosis;
use crate::eoe::{Lane, LaneEnd};
use crate::error::{BringUpError, DatagramError, Label};
use crate::executor::{self, join_all};
use crate::job::{self, Asked, Job, Place, WorkEnd};
use crate::look;
use crate::mailbox::{
    MailCounters, Mailbox, MailboxNews, ReceivedEmergency, ReceivedNotification, Sign, Silence, UnaskedMail,
};
use crate::request::{self, Inbox, Question, RequestError};
use crate::subdevice::MailboxInfo;
use crate::turn::Turn;
use crate::watchdog::{self, WatchdogShown};

/// Requests that may wait for one SubDevice's mailbox, and for its registers.
const JOBS: usize = 32;

/// Time from one look at a mailbox to the next, where the cyclic frames don't tell whether it is full.
const LOOK: Duration = Duration::from_millis(500);
/// Time after which a mailbox that was emptied is looked at again: the frames must have told of it anew.
const AGAIN: Duration = Duration::from_millis(2);

/// Time from the begin of operation to the first look at a diagnosis history.
const HISTORY_FIRST: Duration = Duration::from_secs(1);
/// Time from one look to the next.
const HISTORY: Duration = Duration::from_secs(5);
/// Shortest time from one look to the next, where emergencies come.
const HISTORY_SOON: Duration = Duration::from_millis(100);
/// Longest time that a look may take.
const HISTORY_PATIENCE: Duration = Duration::from_secs(1);

/// Who is told what SubDevices send unasked, and who knows whether they have.
pub trait Unasked {
    /// Whether the SubDevice at a position has mail, as the cyclic frames tell; `None` where they don't.
    fn waits(&self, position: u16) -> Option<bool>;
    /// A SubDevice sent an emergency.
    fn emergency(&self, who: &Label, received: ReceivedEmergency);
    /// A drive says that a procedure command has changed its state.
    fn notification(&self, _who: &Label, _received: ReceivedNotification) {}
    /// A SubDevice sent a mail of EoE, VoE or AoE that answers nothing.
    fn mail(&self, _who: &Label, _mail: UnaskedMail) {}
    /// A SubDevice's diagnosis history has a message that is new.
    fn diagnosis(&self, _who: &Label, _message: ReceivedDiagnosis) {}
    /// Whether the SubDevice at a position is there and in OP, as far as is known: else its mailbox isn't expected to answer.
    fn is_well(&self, _position: u16) -> bool {
        true
    }
    /// A SubDevice's mailbox doesn't answer, or does again.
    fn mailbox(&self, _who: &Label, _news: MailboxNews) {}
}

/// Nobody: mailboxes are looked at now and then.
impl Unasked for () {
    fn waits(&self, _position: u16) -> Option<bool> {
        None
    }

    fn emergency(&self, _who: &Label, _received: ReceivedEmergency) {}
}

/// What waits to be done at one SubDevice, each with the time by which it must be.
#[derive(Debug, Default)]
struct Queue(RefCell<VecDeque<(Duration, Box<dyn Job>)>>);

impl Queue {
    fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    fn push(&self, end: Duration, job: Box<dyn Job>) {
        let mut queue = self.0.borrow_mut();
        if queue.len() >= JOBS {
            return job.refuse(RequestError::Full);
        }
        queue.push_back((end, job));
    }

    fn pop(&self) -> Option<(Duration, Box<dyn Job>)> {
        self.0.borrow_mut().pop_front()
    }

    /// Answers all that wait that they aren't done.
    fn refuse(&self, why: &RequestError) {
        self.0.borrow_mut().drain(..).for_each(|(_, job)| job.refuse(why.clone()));
    }

    /// The oldest, as soon as there is one.
    async fn next(&self) -> (Duration, Box<dyn Job>) {
        std::future::poll_fn(|_| self.pop().map_or(Poll::Pending, Poll::Ready)).await
    }

    /// Answers those whose time is over while they wait, and drops those that nobody wants any more.
    fn expire(&self, now: Duration) {
        let mut queue = self.0.borrow_mut();
        let over = |(end, job): &(Duration, Box<dyn Job>)| now >= *end || !job.is_wanted();
        while let Some(at) = queue.iter().position(over) {
            if let Some((_, job)) = queue.remove(at) {
                let within = job.within();
                job.refuse(RequestError::Expired { within });
            }
        }
    }
}

/// One SubDevice in operation.
#[derive(Debug)]
struct Actor {
    who: Label,
    station: u16,
    /// AL state that it is in while the network is in OP; `None`: any.
    expected: Option<AlState>,
    /// Whether it has a mailbox.
    has_mailbox: bool,
    /// It is in BOOT or on its way there or back: its mailbox is somebody's who owns it alone.
    held: Cell<bool>,
    /// Whether it may have a diagnosis history that is to be read.
    has_diagnosis: bool,
    /// An emergency came since the history was read.
    alarmed: Cell<bool>,
    /// Where its mailbox finds what the cyclic frames say of it.
    sign: Sign,
    /// Whether it answers.
    silence: Silence,
    /// What was counted of it when it was at work last.
    counted: Cell<MailCounters>,
    /// Its mailbox, while it isn't at work.
    mailbox: RefCell<Option<Mailbox>>,
    /// What is asked of its mailbox.
    mails: Queue,
    /// What is asked of its registers and its SII, and whether that is being done.
    registers: Queue,
    registers_at_work: Cell<bool>,
}

/// A mailbox at work. It goes back to its place when this is dropped, also when the work is given up.
#[derive(Debug)]
struct AtWork<'a> {
    place: &'a RefCell<Option<Mailbox>>,
    counted: &'a Cell<MailCounters>,
    mailbox: Option<Mailbox>,
}

impl<'a> AtWork<'a> {
    fn take(actor: &'a Actor) -> Self {
        Self { place: &actor.mailbox, counted: &actor.counted, mailbox: actor.mailbox.borrow_mut().take() }
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        let mut mailbox = self.mailbox.take();
        if let Some(mailbox) = &mut mailbox {
            mailbox.give_up_transfer();
            self.counted.set(mailbox.counters());
        }
        *self.place.borrow_mut() = mailbox;
        // Somebody may wait for it.
        executor::wake();
    }
}

/// The SubDevices of a network in operation.
#[derive(Debug)]
pub struct Actors<'d> {
    datagrams: &'d Datagrams,
    actors: Vec<Actor>,
    /// Who is asked to go to BOOT and back.
    boots: RefCell<VecDeque<Box<BootRequest>>>,
}

/// A SubDevice whose mailbox nobody else uses: what is asked of it is refused.
#[derive(Debug)]
pub struct Held<'a> {
    actor: &'a Actor,
    at_work: AtWork<'a>,
    /// Its mailboxes outside BOOT.
    usual: Option<MailboxInfo>,
}

impl Held<'_> {
    /// Its mailbox, where it has one.
    pub fn mailbox(&mut self) -> Option<&mut Mailbox> {
        self.at_work.mailbox.as_mut()
    }

    /// Its mailbox as it is in BOOT from now on.
    pub fn in_boot(&mut self, info: MailboxInfo) -> &mut Mailbox {
        let (who, station) = (self.actor.who.clone(), self.actor.station);
        let mailbox = self.at_work.mailbox.get_or_insert_with(|| Mailbox::new(who, station, info));
        mailbox.replace_info(info);
        mailbox
    }

    /// Its mailbox as it is outside BOOT.
    pub fn usual(&mut self, info: Option<MailboxInfo>) {
        self.usual = info.or(self.usual);
        self.put_back();
    }

    fn put_back(&mut self) {
        match (self.usual, &mut self.at_work.mailbox) {
            (Some(usual), Some(mailbox)) => mailbox.replace_info(usual),
            (None, mailbox) => *mailbox = None,
            (Some(_), None) => {}
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.put_back();
        self.actor.held.set(false);
    }
}

impl<'d> Actors<'d> {
    /// For a network. Its mailboxes are the actors' from now on.
    ///
    /// Emergencies that were kept in bring-up are in the log, and are not told.
    pub fn of(network: &mut Network<'d>) -> Self {
        let mut mailboxes = network.take_mailboxes();
        for mailbox in mailboxes.iter_mut().flatten() {
            drop((mailbox.take_emergencies(), mailbox.take_notifications()));
            mailbox.set_in_operation(true);
        }
        let actor = |(subdevice, mailbox): (&crate::SubDevice, Option<Mailbox>)| Actor {
            who: subdevice.label(),
            station: subdevice.station,
            expected: subdevice.expected(AlState::Op),
            has_mailbox: mailbox.is_some(),
            held: Cell::new(false),
            has_diagnosis: mailbox.as_ref().is_some_and(Mailbox::may_have_diagnosis),
            alarmed: Cell::new(false),
            sign: mailbox.as_ref().map(Mailbox::sign).unwrap_or_default(),
            silence: mailbox.as_ref().map(Mailbox::silence).unwrap_or_default(),
            counted: Cell::new(mailbox.as_ref().map(Mailbox::counters).unwrap_or_default()),
            mailbox: RefCell::new(mailbox),
            mails: Queue::default(),
            registers: Queue::default(),
            registers_at_work: Cell::new(false),
        };
        let actors = network.subdevices().iter().zip(mailboxes).map(actor).collect();
        Self { datagrams: network.datagrams(), actors, boots: RefCell::default() }
    }

    /// Their mailboxes, in bus order. What was being asked of one is given up.
    pub(crate) fn into_mailboxes(self) -> Vec<Option<Mailbox>> {
        let back = |mut mailbox: Mailbox| {
            mailbox.set_in_operation(false);
            mailbox
        };
        self.actors.into_iter().map(|actor| actor.mailbox.into_inner().map(back)).collect()
    }

    /// Takes requests from an inbox and has them done, for as long as it is polled.
    pub async fn run(&self, inbox: &Inbox, unasked: &impl Unasked) {
        let mut serve = pin!(self.serve(inbox));
        let mut turns: Vec<_> = Vec::with_capacity(self.actors.len());
        for actor in &self.actors {
            let lane = inbox.ethernet().lane(actor.who.position);
            turns.push((actor, Turn::of(actor.live(self.datagrams, unasked, lane.clone())), lane));
        }
        std::future::poll_fn(|context| {
            let now = self.datagrams.now();
            inbox.collect(now);
            // It never ends.
            let _ = serve.as_mut().poll(context);
            for (actor, turn, lane) in &mut turns {
                let sign = actor.look_at_sign(unasked);
                let is_busy = || actor.is_busy() || lane.as_ref().is_some_and(|lane| lane.is_waiting());
                if turn.take((now, self.datagrams.soonest()), sign, is_busy, context) {
                    actor.expire(self.datagrams.now());
                    actor.tell_news(self.datagrams.now(), unasked);
                }
            }
            Poll::<()>::Pending
        })
        .await;
    }

    /// Has something done with the mailbox of the SubDevice at a position, as [`Requests::mail`](crate::Requests::mail) does from
    /// another thread.
    ///
    /// # Errors
    /// What the work gave, or why it wasn't done.
    pub async fn mail<T: Send + 'static>(
        &self,
        position: u16,
        within: Duration,
        work: impl AsyncFnOnce(Place<'_>) -> Result<T, RequestError> + Send + 'static,
    ) -> Result<T, RequestError> {
        let (to, pending) = request::pending(within);
        let end = self.datagrams.now().saturating_add(within);
        self.hand_out_mail(position, end, Box::new(Asked { to, work }));
        pending.await
    }

    /// The next SubDevice that is asked to go to BOOT and back, if there is one.
    #[must_use]
    pub fn next_boot(&self) -> Option<Box<BootRequest>> {
        self.boots.borrow_mut().pop_front()
    }

    /// Has a SubDevice refuse what is asked of its mailbox from now on, and gives the mailbox once it isn't at work. `None` where it
    /// is held already, or isn't there.
    pub async fn hold(&self, position: u16) -> Option<Held<'_>> {
        let actor = self.actors.get(usize::from(position)).filter(|actor| !actor.held.get())?;
        actor.held.set(true);
        actor.mails.refuse(&RequestError::InBoot(actor.who.clone()));
        let at_work = actor.take_mailbox().await;
        let usual = at_work.mailbox.as_ref().map(|mailbox| *mailbox.info());
        Some(Held { actor, at_work, usual })
    }

    /// What each SubDevice shows now, in bus order; also those that lost their station address.
    pub async fn states(&self) -> Vec<StateReport> {
        let count = self.actors.len();
        join_all(self.actors.iter().map(|actor| actor.look(self.datagrams, count))).await
    }

    /// Asks each SubDevice once what it shows, all at the same time, and gives each report to `each` as it comes. No
    /// datagram is repeated: a report says no more than that this one was answered or not.
    ///
    /// It takes as long as a lost frame takes to be given up, and longer only where more SubDevices don't answer than
    /// frames may be out at once.
    pub async fn look_once(&self, each: impl FnMut(StateReport)) {
        let each = RefCell::new(each);
        let tell = |report| (each.borrow_mut())(report);
        let looks = self.actors.iter().map(async |actor| {
            let report = actor.look_once(self.datagrams).await;
            if report.shown.is_err() {
                return Some((actor, report));
            }
            tell(report);
            None
        });
        let unanswered: Vec<_> = join_all(looks).await.into_iter().flatten().collect();
        let all_answer = !unanswered.is_empty() && look::count_once(self.datagrams).await == Some(self.actors.len());
        let looks = unanswered.into_iter().map(async |(actor, report)| {
            let found = if all_answer { actor.look_without_address(self.datagrams).await } else { None };
            tell(found.unwrap_or(report));
        });
        join_all(looks).await;
    }

    /// Asks some SubDevices, by position, once what their watchdogs show, all at the same time, and gives each answer to
    /// `each` as it comes. A counter that can grow no further is cleared.
    pub async fn look_at_watchdogs(&self, whose: impl Fn(u16) -> bool, each: impl FnMut(u16, WatchdogShown)) {
        let each = RefCell::new(each);
        let asked = self.actors.iter().filter(|actor| whose(actor.who.position));
        let looks = asked.map(async |actor| {
            let target = Target::Station(actor.station);
            let Ok(shown) = watchdog::shown_at_once(self.datagrams, target).await else { return };
            (each.borrow_mut())(actor.who.position, shown);
            if shown.count == u8::MAX {
                watchdog::clear_count(self.datagrams, target).await;
            }
        });
        join_all(looks).await;
    }

    async fn serve(&self, inbox: &Inbox) {
        loop {
            let (end, question) = std::future::poll_fn(|_| inbox.next().map_or(Poll::Pending, Poll::Ready)).await;
            match question {
                Question::States(to) => {
                    job::answer(self.datagrams, end, to, async { Ok(self.states().await) }).await;
                }
                Question::Mail { position, job } => self.hand_out_mail(position, end, job),
                Question::Registers { position, job } => self.hand_out(position, end, job, |actor| &actor.registers),
                Question::Boot(request) => self.hand_out_boot(request, end),
            }
        }
    }

    fn hand_out(&self, position: u16, end: Duration, job: Box<dyn Job>, queue: impl FnOnce(&Actor) -> &Queue) {
        let count = self.actors.len();
        match self.actors.get(usize::from(position)) {
            None => job.refuse(BringUpError::NoSuchPosition { position, count }.into()),
            Some(actor) => queue(actor).push(end, job),
        }
    }

    fn hand_out_mail(&self, position: u16, end: Duration, job: Box<dyn Job>) {
        match self.actors.get(usize::from(position)).filter(|actor| actor.held.get()) {
            Some(held) => job.refuse(RequestError::InBoot(held.who.clone())),
            None => self.hand_out(position, end, job, |actor| &actor.mails),
        }
    }

    fn hand_out_boot(&self, request: Box<BootRequest>, end: Duration) {
        let (position, count) = (request.position(), self.actors.len());
        let mut boots = self.boots.borrow_mut();
        match self.actors.get(usize::from(position)) {
            None => request.refuse(BringUpError::NoSuchPosition { position, count }.into()),
            Some(actor) if actor.held.get() => request.refuse(RequestError::InBoot(actor.who.clone())),
            Some(_) if boots.len() >= JOBS => request.refuse(RequestError::Full),
            Some(_) => {
                request.ends_at(end);
                boots.push_back(request);
            }
        }
    }
}

impl Actor {
    async fn look(&self, datagrams: &Datagrams, count: usize) -> StateReport {
        match look::shown(datagrams, self.who.position, self.station, count).await {
            Ok((shown, address)) => self.report(Ok(shown), address),
            Err(error) => self.report(Err(error), Address::Kept),
        }
    }

    async fn look_once(&self, datagrams: &Datagrams) -> StateReport {
        self.report(al::shown_at_once(datagrams, Target::Station(self.station)).await, Address::Kept)
    }

    async fn look_without_address(&self, datagrams: &Datagrams) -> Option<StateReport> {
        let shown = look::without_address_once(datagrams, self.who.position).await?;
        Some(self.report(Ok(shown), Address::Lost))
    }

    fn report(&self, shown: Result<AlShown, DatagramError>, address: Address) -> StateReport {
        StateReport { who: self.who.clone(), expected: self.expected, shown, address }
    }

    /// Serves its mailbox and its registers.
    async fn live(&self, datagrams: &Datagrams, unasked: &impl Unasked, lane: Option<Arc<Lane>>) {
        let mails =
            or(self.serve_mailbox(datagrams, unasked, lane.clone()), self.listen(datagrams, unasked, lane.clone()));
        let diagnosis = self.watch_diagnosis(datagrams, unasked, lane);
        or(or(mails, diagnosis), self.serve_registers(datagrams)).await;
    }

    /// Whether there is work, begun or not.
    fn is_busy(&self) -> bool {
        let mailbox_at_work = || self.has_mailbox && self.mailbox.borrow().is_none();
        let asked = || !self.mails.is_empty() || !self.registers.is_empty();
        let to_tell = || self.alarmed.get() || self.silence.is_open();
        self.held.get() || self.registers_at_work.get() || mailbox_at_work() || asked() || to_tell()
    }

    /// What the frames tell of its mailbox; one that left the exchange is told of by nobody.
    fn look_at_sign(&self, unasked: &impl Unasked) -> Option<bool> {
        if !self.has_mailbox {
            return None;
        }
        let waits = if self.held.get() { None } else { unasked.waits(self.who.position) };
        self.sign.set(waits);
        waits
    }

    /// Tells that its mailbox doesn't answer, or does again.
    fn tell_news(&self, now: Duration, unasked: &impl Unasked) {
        if !self.has_mailbox || self.held.get() {
            return;
        }
        if let Some(news) = self.silence.news(now, || unasked.is_well(self.who.position)) {
            unasked.mailbox(&self.who, news);
        }
    }

    fn expire(&self, now: Duration) {
        self.mails.expire(now);
        self.registers.expire(now);
    }

    /// Does what is asked of its mailbox, one after the other, and sends Ethernet frames to it. Where both wait, they take turns.
    async fn serve_mailbox(&self, datagrams: &Datagrams, unasked: &impl Unasked, lane: Option<Arc<Lane>>) {
        let mut frames = lane.clone().map(LaneEnd::begin);
        let mut frames_turn = false;
        loop {
            let job = self.next_job(frames.as_mut(), frames_turn).await;
            frames_turn = job.is_some();
            let mut at_work = self.take_mailbox().await;
            match (job, &mut frames, &mut at_work.mailbox) {
                (Some((end, job)), _, mailbox) => {
                    let ended = job.perform(self.place(datagrams, mailbox.as_mut()), end).await;
                    if let (WorkEnd::Expired, Some(mailbox)) = (ended, mailbox) {
                        mailbox.expire_transfer(datagrams.now());
                    }
                }
                (None, Some(frames), Some(mailbox)) => frames.send_next(datagrams, mailbox).await,
                (None, ..) => {}
            }
            self.tell_unasked(&mut at_work, unasked, lane.as_deref());
        }
    }

    /// What is asked next of its mailbox; `None` where it is the turn of an Ethernet frame.
    async fn next_job(&self, mut frames: Option<&mut LaneEnd>, frames_turn: bool) -> Option<(Duration, Box<dyn Job>)> {
        std::future::poll_fn(|_| {
            let frame = frames.as_mut().is_some_and(|frames| frames.has_some());
            if frame && (frames_turn || self.mails.is_empty()) {
                return Poll::Ready(None);
            }
            self.mails.pop().map_or(Poll::Pending, |job| Poll::Ready(Some(job)))
        })
        .await
    }

    /// Its mailbox, once it isn't at work elsewhere; without one at once.
    async fn take_mailbox(&self) -> AtWork<'_> {
        let is_there = || !self.has_mailbox || self.mailbox.borrow().is_some();
        std::future::poll_fn(|_| if is_there() { Poll::Ready(()) } else { Poll::Pending }).await;
        AtWork::take(self)
    }

    /// Reads what it sends unasked while nothing is asked of it.
    async fn listen(&self, datagrams: &Datagrams, unasked: &impl Unasked, lane: Option<Arc<Lane>>) {
        if !self.has_mailbox {
            return std::future::pending().await;
        }
        let position = self.who.position;
        loop {
            let frames = || lane.as_ref().and_then(|lane| lane.look_within(datagrams.now())).unwrap_or(LOOK);
            let pause = if unasked.waits(position).is_some() { AGAIN } else { frames() };
            datagrams.pause(pause).await;
            let idle = || self.mails.is_empty() && self.mailbox.borrow().is_some();
            let may_wait = || idle() && unasked.waits(position) != Some(false);
            std::future::poll_fn(|_| if may_wait() { Poll::Ready(()) } else { Poll::Pending }).await;
            let mut at_work = AtWork::take(self);
            if let Some(mailbox) = &mut at_work.mailbox {
                // One that doesn't answer now is looked at again, and supervision says so.
                let _ = mailbox.drain(datagrams).await;
            }
            self.tell_unasked(&mut at_work, unasked, lane.as_deref());
        }
    }

    /// Reads what is new in its diagnosis history, now and then, and soon after an emergency.
    async fn watch_diagnosis(&self, datagrams: &Datagrams, unasked: &impl Unasked, lane: Option<Arc<Lane>>) {
        if !self.has_diagnosis {
            return std::future::pending().await;
        }
        let mut pause = HISTORY_FIRST;
        loop {
            let alarmed = || if self.alarmed.take() { Poll::Ready(()) } else { Poll::Pending };
            // Emergencies that follow each other are one reason to look.
            datagrams.pause_about(HISTORY_SOON).await;
            or(std::future::poll_fn(|_| alarmed()), datagrams.pause_about(pause)).await;
            pause = HISTORY;
            let idle = || self.mails.is_empty() && self.mailbox.borrow().is_some();
            std::future::poll_fn(|_| if idle() { Poll::Ready(()) } else { Poll::Pending }).await;
            let mut at_work = AtWork::take(self);
            let Some(mailbox) = &mut at_work.mailbox else { continue };
            let end = datagrams.now().saturating_add(HISTORY_PATIENCE);
            match datagrams.by(end, mailbox.new_diagnosis(datagrams)).await {
                Some(Ok(messages)) => messages.into_iter().for_each(|one| unasked.diagnosis(&self.who, one)),
                // One that doesn't answer now is asked again, and supervision says so.
                Some(Err(error)) => tracing::debug!(%error, "the diagnosis history isn't read"),
                None => mailbox.expire_transfer(datagrams.now()),
            }
            let is_over = mailbox.has_no_diagnosis();
            self.tell_unasked(&mut at_work, unasked, lane.as_deref());
            drop(at_work);
            if is_over {
                return std::future::pending().await;
            }
        }
    }

    /// Tells what came unasked, once nothing is asked of the mailbox.
    fn tell_unasked(&self, at_work: &mut AtWork<'_>, unasked: &impl Unasked, lane: Option<&Lane>) {
        let Some(mailbox) = &mut at_work.mailbox else { return };
        let emergencies = mailbox.take_emergencies();
        self.alarmed.set(self.alarmed.get() || !emergencies.is_empty());
        emergencies.into_iter().for_each(|one| unasked.emergency(&self.who, one));
        mailbox.take_notifications().into_iter().for_each(|one| unasked.notification(&self.who, one));
        for mail in mailbox.take_unasked() {
            match lane.filter(|_| mail.header.kind == MailboxType::Eoe) {
                Some(lane) => lane.came(&mail),
                None => unasked.mail(&self.who, mail),
            }
        }
    }

    /// Does what is asked of its registers and its SII, one after the other.
    async fn serve_registers(&self, datagrams: &Datagrams) {
        loop {
            let (end, job) = self.registers.next().await;
            self.registers_at_work.set(true);
            job.perform(self.place(datagrams, None), end).await;
            self.registers_at_work.set(false);
        }
    }

    fn place<'a>(&'a self, datagrams: &'a Datagrams, mailbox: Option<&'a mut Mailbox>) -> Place<'a> {
        let counted = self.has_mailbox.then(|| self.counted.get());
        Place { datagrams, who: &self.who, target: Target::Station(self.station), mailbox, counted }
    }
}
