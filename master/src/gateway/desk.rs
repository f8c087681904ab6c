//! From clients' messages to requests at the bus thread, and back: the gateway without its sockets.
//!
//! Guarantees: what is at work is bounded, for each client, each SubDevice and in all, so that a SubDevice that doesn't answer leaves room
//! for mails to others; each message that has an answer by its nature is counted by what became of it; a message that isn't begun in time is taken back and never
//! answers; a transfer has one mailbox until it is over or its client is silent for [`HOLD`]; a client's new request ends its old
//! transfer with the same protocol; nothing is handed to a SubDevice that may not be.

use super::client::Client;
use super::counts::{GatewayCounts, Outcome};
use super::dictionary::Dictionary;
use super::directory::Directory;
use super::object::Source;
use super::own::{Own, OwnServer};
use super::wake::Waker;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, channel, sync_channel};
use std::time::Duration;
use zerocat_bus::relay::{self, Ask};
use zerocat_bus::{BringUpError, ForeignMail, NoAsk, Pending, Refused, Relay, RelayEvent, Requests, SdoError, Turn};
use zerocat_wire::gateway;
use zerocat_wire::mailbox::MailboxType;
use zerocat_wire::soe::Part;

/// How long the next mail of a client's transfer is waited for.
pub(super) const HOLD: Duration = Duration::from_millis(1500);
/// How long a message may wait for a mailbox that others use.
const WAIT: Duration = Duration::from_secs(3);
/// Longest transfer: a file into flash memory.
const LONGEST: Duration = Duration::from_mins(10);
/// How long a SubDevice is asked for what the dictionary says of it.
const FETCH: Duration = Duration::from_secs(2);
/// Messages of one client that may be at work.
const OF_ONE: usize = 8;
/// Messages that may be at work at one SubDevice: fewer than wait for one mailbox, so that a program has room beside them.
const AT_ONE: usize = 8;
/// Messages that may be at work in all: fewer than wait for the bus thread.
const IN_ALL: usize = 48;
/// Mails of one transfer that may wait: fragments of an IDN come without being asked for.
const FOLLOWING: usize = 256;

/// What clients may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything that a SubDevice lets them.
    All,
    /// Only what doesn't write.
    ReadOnly,
}

/// What is at work.
pub(super) struct Desk {
    requests: Requests,
    directory: Directory,
    own: OwnServer,
    access: Access,
    counts: GatewayCounts,
    waker: Waker,
    at_work: Vec<AtWork>,
    out: Vec<(Client, Vec<u8>)>,
}

struct AtWork {
    client: Client,
    since: Duration,
    work: Work,
}

enum Work {
    Relay(Relayed),
    /// Entries of the MainDevice's dictionary that a SubDevice is asked for.
    Fetch {
        mail: ForeignMail,
        asked: VecDeque<Pending<Vec<u8>>>,
        values: Vec<Option<Vec<u8>>>,
    },
}

/// A mail at a SubDevice, and the transfer that it begins.
struct Relayed {
    position: u16,
    kind: MailboxType,
    /// Where the next mails of the transfer go; `None` where it ends.
    following: Option<SyncSender<ForeignMail>>,
    /// Fragments of an IDN are still to come.
    fragments: bool,
    told: Receiver<RelayEvent>,
    begun: bool,
    answered: bool,
    /// Dropped, it takes the request back; the work counts until the bus thread has noticed, so that what is given up doesn't pile
    /// up there.
    request: Option<Pending<()>>,
}

impl Desk {
    pub(super) fn new(
        requests: Requests,
        directory: Directory,
        access: Access,
        counts: GatewayCounts,
        waker: Waker,
    ) -> Self {
        let own = OwnServer::new(Dictionary::of(&directory));
        Self { requests, directory, own, access, counts, waker, at_work: Vec::new(), out: Vec::new() }
    }

    /// Takes a client's message.
    pub(super) fn take(&mut self, client: Client, message: &[u8], now: Duration) {
        self.look(now);
        self.counts.count(client, Outcome::Came);
        let Ok(mail) = gateway::open(message) else { return self.counts.count(client, Outcome::Damaged) };
        match ForeignMail::parse(mail) {
            Ok(mail) if mail.header.address == 0 => self.ask_own(client, mail, now),
            Ok(mail) => self.hand_on(client, mail, now),
            Err(NoAsk::Protocol) => self.refuse(client, relay::unsupported(mail)),
            Err(NoAsk::Damaged | NoAsk::NoRequest) => self.counts.count(client, Outcome::Damaged),
        }
    }

    /// The mails that go to clients, in turn.
    pub(super) fn answers(&mut self, now: Duration) -> Vec<(Client, Vec<u8>)> {
        self.look(now);
        std::mem::take(&mut self.out)
    }

    /// How long it may be until something comes that nobody wakes for.
    pub(super) fn rest(&self) -> Duration {
        let fetches = self.at_work.iter().any(|one| matches!(one.work, Work::Fetch { .. }));
        match (fetches, self.at_work.is_empty()) {
            (true, _) => Duration::from_millis(2),
            (_, false) => Duration::from_millis(50),
            (_, true) => Duration::from_secs(1),
        }
    }

    /// A client has gone: its transfers end, and what isn't begun is taken back.
    pub(super) fn forget(&mut self, client: Client) {
        for one in self.at_work.iter_mut().filter(|one| one.client == client) {
            if let Work::Relay(relayed) = &mut one.work {
                relayed.following = None;
                if !relayed.begun && relayed.request.take().is_some() {
                    self.counts.count(client, Outcome::Unanswered);
                }
            }
        }
    }

    fn answer(&mut self, client: Client, mail: Vec<u8>) {
        self.counts.count(client, Outcome::Answered);
        self.out.push((client, mail));
    }

    fn refuse(&mut self, client: Client, mail: Option<Vec<u8>>) {
        self.counts.count(client, Outcome::Refused);
        self.out.extend(mail.map(|mail| (client, mail)));
    }

    fn has_room(&self, client: Client) -> bool {
        let of_one = self.at_work.iter().filter(|one| one.client == client).count();
        of_one < OF_ONE && self.at_work.len() < IN_ALL
    }

    fn has_room_at(&self, position: u16) -> bool {
        let at_one = |one: &&AtWork| matches!(&one.work, Work::Relay(relayed) if relayed.position == position);
        self.at_work.iter().filter(at_one).count() < AT_ONE
    }

    fn ask_own(&mut self, client: Client, mail: ForeignMail, now: Duration) {
        match self.own.answer(&mail) {
            Own::Answered(mails) => mails.into_iter().for_each(|mail| self.answer(client, mail)),
            Own::Refused(mail) => self.refuse(client, Some(mail)),
            Own::Nothing => {}
            Own::Fetch(_) if !self.has_room(client) => self.counts.count(client, Outcome::Unanswered),
            Own::Fetch(sources) => {
                let asked = sources.iter().map(|source| self.fetch(source)).collect();
                let work = Work::Fetch { mail, asked, values: Vec::new() };
                self.at_work.push(AtWork { client, since: now, work });
            }
        }
    }

    fn fetch(&self, source: &Source) -> Pending<Vec<u8>> {
        match *source {
            Source::Register { position, register } => self.requests.registers(position, FETCH, async move |at| {
                let read = at.datagrams.read_one(at.target, register, 2).await;
                let doing = "read a register for the mailbox gateway";
                Ok(read.map_err(|source| BringUpError::SubDevice { who: at.who.clone(), doing, source })?)
            }),
            Source::Object { position, index } => self.requests.mail(position, FETCH, async move |at| {
                let (datagrams, mailbox) = at.with_coe()?;
                match mailbox.upload(datagrams, index, 0).await {
                    // One that it doesn't have.
                    Err(SdoError::Abort { .. }) => Ok(vec![0; 4]),
                    done => Ok(done.map_err(BringUpError::from)?),
                }
            }),
            // It is known already.
            Source::Bytes(_) => self.requests.registers(0, Duration::ZERO, async |_| Ok(Vec::new())),
        }
    }

    fn hand_on(&mut self, client: Client, mail: ForeignMail, now: Duration) {
        let Some(position) = self.directory.position(mail.header.address) else {
            return self.counts.count(client, Outcome::Unanswered);
        };
        if self.access == Access::ReadOnly && mail.ask.writes() {
            return self.refuse(client, mail.refusal(Refused::ReadOnly));
        }
        let open = self.open_transfer(client, position, mail.header.kind);
        let follows = match mail.ask.turn() {
            Turn::First => false,
            Turn::Following => true,
            Turn::Either => open.as_ref().is_some_and(|relayed| relayed.fragments),
        };
        match open {
            Some(relayed) if follows => {
                relayed.fragments = is_part(&mail.ask);
                let sent = relayed.following.as_ref().is_some_and(|following| following.try_send(mail).is_ok());
                self.requests.wake();
                if !sent {
                    self.counts.count(client, Outcome::Unanswered);
                }
            }
            None if follows => self.refuse(client, mail.refusal(Refused::NoTransfer)),
            open => {
                // The client has given its last one up.
                if let Some(relayed) = open {
                    relayed.following = None;
                    self.requests.wake();
                }
                self.begin(client, position, mail, now);
            }
        }
    }

    fn open_transfer(&mut self, client: Client, position: u16, kind: MailboxType) -> Option<&mut Relayed> {
        self.at_work.iter_mut().find_map(|one| match &mut one.work {
            Work::Relay(relayed)
                if one.client == client
                    && (relayed.position, relayed.kind) == (position, kind)
                    && relayed.following.is_some() =>
            {
                Some(relayed)
            }
            _ => None,
        })
    }

    fn begin(&mut self, client: Client, position: u16, mail: ForeignMail, now: Duration) {
        if !self.has_room(client) || !self.has_room_at(position) {
            return self.counts.count(client, Outcome::Unanswered);
        }
        let (kind, fragments) = (mail.header.kind, is_part(&mail.ask));
        let (sender, following) = sync_channel(FOLLOWING);
        let begins = mail.ask.begins_transfer().then_some(sender);
        let (events, told) = channel();
        let waker = self.waker.clone();
        let tell = move |event| {
            // Whoever asked may have gone.
            let _ = events.send(event);
            waker.wake();
        };
        let relay = Relay { first: mail, following, hold: HOLD, tell };
        let request = self.requests.mail(position, LONGEST, async move |at| relay.run(at).await);
        let (begun, answered) = (false, false);
        let relayed =
            Relayed { position, kind, following: begins, fragments, told, begun, answered, request: Some(request) };
        self.at_work.push(AtWork { client, since: now, work: Work::Relay(relayed) });
    }

    /// Looks what has come of what is at work.
    fn look(&mut self, now: Duration) {
        let Self { own, counts, at_work, out, .. } = self;
        at_work.retain_mut(|one| {
            let client = one.client;
            let mut give = |outcome, mail: Option<Vec<u8>>| {
                counts.count(client, outcome);
                out.extend(mail.map(|mail| (client, mail)));
            };
            match &mut one.work {
                Work::Fetch { mail, asked, values } => {
                    while let Some(next) = asked.front() {
                        let Some(value) = next.try_take() else { return true };
                        values.push(value.ok());
                        asked.pop_front();
                    }
                    give(Outcome::Answered, Some(own.fetched(mail, values)));
                    false
                }
                Work::Relay(relayed) => match relayed.look(&mut give) {
                    State::AtWork => {
                        let late = !relayed.begun && now.saturating_sub(one.since) > WAIT;
                        if late && relayed.request.take().is_some() {
                            counts.count(client, Outcome::Unanswered);
                            relayed.following = None;
                        }
                        true
                    }
                    State::Silent => {
                        counts.count(client, Outcome::Unanswered);
                        true
                    }
                    State::Over { answered } => {
                        if !answered {
                            counts.count(client, Outcome::Unanswered);
                        }
                        false
                    }
                },
            }
        });
    }
}

/// Whether more fragments of an IDN follow.
const fn is_part(ask: &Ask) -> bool {
    matches!(ask, Ask::WriteIdn { part: Part::More { .. }, .. })
}

/// How far a mail at a SubDevice is.
enum State {
    AtWork,
    /// A mail of it has no answer.
    Silent,
    Over {
        answered: bool,
    },
}

impl Relayed {
    fn look(&mut self, give: &mut impl FnMut(Outcome, Option<Vec<u8>>)) -> State {
        loop {
            match self.told.try_recv() {
                // Given up, and begun before that was noticed.
                Ok(_) if self.request.is_none() => {}
                Ok(RelayEvent::Begun) => self.begun = true,
                Ok(RelayEvent::Answer(mail)) => {
                    self.answered = true;
                    give(Outcome::Answered, Some(mail));
                }
                Ok(RelayEvent::TooLate(mail)) => give(Outcome::Refused, mail.refusal(Refused::NoTransfer)),
                Ok(RelayEvent::Silent(error)) => {
                    self.answered = true;
                    tracing::debug!(position = self.position, %error, "no answer to a client of the mailbox gateway");
                    return State::Silent;
                }
                Err(TryRecvError::Empty) => return State::AtWork,
                Err(TryRecvError::Disconnected) => {
                    return State::Over { answered: self.answered || self.request.is_none() };
                }
            }
        }
    }
}
