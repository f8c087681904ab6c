//! Asks each SubDevice what it shows while somebody isn't in OP, and tells what changed.
//!
//! A look asks all of them at the same time, with one datagram each, and takes each answer as it comes; so those that
//! don't answer keep nobody waiting. That one doesn't answer is told when it missed some looks in a row while frames
//! flowed. Where all watchdogs expired that could, the network is lost ([`Witnesses`]).
//!
//! Each look ends by telling the realtime thread who gives inputs, so that the working counters without those that don't
//! are right ones.

use crate::bring_up::Planned;
use crate::events::SessionEvent;
use crate::expiry::{Told, Witnesses};
use crate::health::{Change, Health};
use crate::layout;
use crate::machine::Machine;
use crate::operation::{LOOK, Left};
use crate::silent_branch::{SilentBranch, silent_branches};
use crate::supervision::Cause;
use crate::void::Voiding;
use futures_lite::future::or;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::task::Poll;
use std::time::Duration;
use zerocat_bus::{Actors, StateReport};
use zerocat_engine::{Counters, Presence};

/// Time from one look to the next while somebody is out of OP.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// The same while it isn't clear yet what the last one means.
const ASK_SOON: Duration = Duration::from_millis(20);
/// Looks in a row that a SubDevice misses before it is told to be silent. With one frame in two lost, one that answers
/// misses so many once in 256 times.
const MISSES: u32 = 8;
/// Time without any frame after which a missed answer says nothing about the one that was asked.
const SILENCE: Duration = Duration::from_millis(20);
/// Time of complete cycles in a row, beside the watchdog's, after which no frame was missed that could have made a watchdog
/// expire: it may have done so since the look before.
const UNBROKEN: Duration = Duration::from_millis(300);

/// What is known between looks.
#[derive(Debug)]
struct Asking {
    witnesses: Witnesses,
    /// Looks in a row that a SubDevice has missed.
    missed: BTreeMap<u16, u32>,
    /// The first SubDevices of silent branches that were told.
    branches: BTreeSet<u16>,
    /// The realtime thread was told last that somebody gives no inputs.
    told_missing: bool,
}

/// What is made of reports.
struct Seen<'h> {
    health: &'h mut Health,
    voiding: &'h Voiding,
    away: &'h Away,
    /// When the look began that they are of.
    began: Duration,
}

/// Those that were taken out of the exchange on purpose.
#[derive(Debug, Default)]
pub(crate) struct Away {
    out: RefCell<BTreeMap<u16, TakenOut>>,
    /// All are to be asked now.
    nudged: Cell<bool>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
struct TakenOut {
    /// It takes part in cyclic frames.
    exchanges: bool,
    /// Since when it is in OP again: what a look that began before says of it is old.
    back: Option<Duration>,
}

impl Away {
    /// It is about to leave OP.
    pub(crate) fn begin(&self, position: u16) {
        self.out.borrow_mut().insert(position, TakenOut { exchanges: true, back: None });
    }

    /// Whether it takes part in cyclic frames has changed.
    pub(crate) fn exchanges(&self, position: u16, exchanges: bool) {
        if let Some(one) = self.out.borrow_mut().get_mut(&position) {
            one.exchanges = exchanges;
        }
        self.nudged.set(true);
    }

    /// It is in OP again.
    pub(crate) fn back(&self, position: u16, at: Duration) {
        if let Some(one) = self.out.borrow_mut().get_mut(&position) {
            one.back = Some(at);
        }
        self.nudged.set(true);
    }

    /// It didn't come back: what it shows from now on is a fault.
    pub(crate) fn end(&self, position: u16) {
        self.out.borrow_mut().remove(&position);
        self.nudged.set(true);
    }

    fn any(&self) -> bool {
        !self.out.borrow().is_empty()
    }

    /// Whether one is away, for a report of a look that began at a time: then, whether it takes part in cyclic frames.
    fn of(&self, position: u16, began: Duration) -> Option<bool> {
        let mut out = self.out.borrow_mut();
        let one = *out.get(&position)?;
        if one.back.is_some_and(|back| began >= back) {
            out.remove(&position);
            return None;
        }
        Some(one.exchanges)
    }

    /// Ready when all are to be asked now.
    async fn nudge(&self) {
        std::future::poll_fn(|_| if self.nudged.replace(false) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

/// What a report is worth.
#[derive(Debug, PartialEq, Eq)]
enum Worth {
    /// To be told.
    Tell,
    /// To be told only if frames didn't stand still for all.
    Hold,
    /// Nothing yet.
    Nothing,
}

impl Asking {
    fn new(planned: &Planned<'_>, watchdog: Duration) -> Self {
        Self {
            witnesses: Witnesses::new(planned.witnesses(watchdog)),
            missed: BTreeMap::new(),
            branches: BTreeSet::new(),
            told_missing: false,
        }
    }

    fn take(&mut self, report: &StateReport, counters: &Counters) -> Worth {
        let position = report.who.position;
        let shown = report.shown.as_ref().ok().copied();
        if shown.is_some() {
            self.missed.remove(&position);
        } else {
            let missed = self.missed.entry(position).or_default();
            *missed = missed.saturating_add(u32::from(Duration::from_nanos(counters.silent_ns) < SILENCE));
            if *missed < MISSES {
                return Worth::Nothing;
            }
        }
        if self.witnesses.see(position, shown) { Worth::Hold } else { Worth::Tell }
    }

    /// Whether it isn't known yet of somebody that it is silent.
    fn awaits_answers(&self) -> bool {
        self.missed.values().any(|missed| *missed < MISSES)
    }
}

impl<'a> Machine<'a> {
    /// Looks after the SubDevices whenever that is `wanted`, and as long as somebody is out of OP. Ends when all that could
    /// tell were left without frames.
    pub(crate) async fn look_after(
        &self,
        wanted: &Cell<bool>,
        actors: &Actors<'_>,
        planned: &Planned<'a>,
        health: &mut Health,
        (voiding, away): (&Voiding, &Away),
    ) -> Left {
        let mut asking = Asking::new(planned, self.rig.engine.watchdog);
        let mut again = Duration::ZERO;
        loop {
            if health.out().next().is_none() && !asking.awaits_answers() && again != ASK_SOON && !away.any() {
                std::future::poll_fn(|_| if wanted.get() || away.any() { Poll::Ready(()) } else { Poll::Pending })
                    .await;
            }
            let began = self.datagrams.now();
            let told = self.look(&mut asking, actors, planned, &mut Seen { health, voiding, away, began }).await;
            if told == Told::StoodStill {
                self.leave_to_counters().await;
                return Left::Lost(self.why_expired());
            }
            let soon = told == Told::Unclear || asking.awaits_answers();
            again = if soon { ASK_SOON } else { ASK_AGAIN };
            let took = self.datagrams.now().saturating_sub(began);
            or(self.datagrams.pause(again.saturating_sub(took)), away.nudge()).await;
        }
    }

    /// Asks all once, and tells what changed as the answers come; watchdogs that expired only where it is clear that they
    /// didn't for all.
    async fn look(&self, asking: &mut Asking, actors: &Actors<'_>, planned: &Planned<'a>, seen: &mut Seen<'_>) -> Told {
        let mut held = Vec::new();
        let as_of = self.counters.read().cycle;
        asking.witnesses.begin();
        let each = |report: StateReport| match asking.take(&report, &self.counters.read()) {
            Worth::Tell => self.note(report, planned, seen),
            Worth::Hold => held.push(report),
            Worth::Nothing => {}
        };
        actors.look_once(each).await;
        let told = asking.witnesses.told();
        if told != Told::StoodStill {
            held.into_iter().for_each(|report| self.note(report, planned, seen));
        }
        if !asking.awaits_answers() {
            self.tell_branches(&mut asking.branches, planned, seen.health);
        }
        self.tell_presence(asking, seen.health, as_of);
        told
    }

    /// Tells of branches of the network that are silent as a whole, each once while it is.
    fn tell_branches(&self, told: &mut BTreeSet<u16>, planned: &Planned<'a>, health: &Health) {
        let silent = health.out().filter(|out| out.shown.is_none()).map(|out| out.who.position).collect();
        let branches = silent_branches(&planned.network.topology().parents, &silent);
        told.retain(|first| branches.iter().any(|(_, one, _)| one == first));
        for (parent, first, subdevices) in branches {
            if told.insert(first) {
                let (at, first) = (planned.in_words(parent.position), planned.in_words(first));
                self.observer.warn(&SessionEvent::SilentBranch(SilentBranch {
                    subdevices,
                    at,
                    port: parent.port,
                    first,
                }));
            }
        }
    }

    /// Tells the realtime thread who gives inputs, all having been asked after a cycle. As long as it isn't known of somebody
    /// whether it is silent, nobody knows who gives inputs.
    fn tell_presence(&self, asking: &mut Asking, health: &Health, as_of: u64) {
        if asking.awaits_answers() {
            return;
        }
        let presence = health.presence();
        let missing = presence != Presence::all();
        if missing || asking.told_missing {
            asking.told_missing = missing;
            // A realtime thread that takes no messages has ended, which ends this life too.
            let _ = self.controls.borrow_mut().presence(presence, as_of);
        }
    }

    /// Takes in what one shows, and tells what changed.
    fn note(&self, report: StateReport, planned: &Planned<'a>, seen: &mut Seen<'_>) {
        let position = report.who.position;
        let taken_out = seen.away.of(position, seen.began);
        let Some(change) = seen.health.take(report, planned.key(position), taken_out) else { return };
        if taken_out.is_some() {
            return self.show(seen.health);
        }
        match &change {
            // One that shows an error in OP is in it.
            Change::Out(out) if !out.has_error_in_op() => seen.voiding.away(position, &planned.voider),
            Change::Out(_) | Change::Back(_) => {
                seen.voiding.back(position, &planned.voider, self.datagrams.now());
            }
        }
        self.show(seen.health);
        self.observer.warn(&match change {
            Change::Out(out) => SessionEvent::OutOfOp(out),
            Change::Back(who) => SessionEvent::BackInOp(who),
        });
    }

    /// Waits until the counters of a whole cycle have been judged that began after now. A program that was stopped within a
    /// cycle may hear of expired watchdogs before the realtime thread has counted the stall, which is the better reason.
    async fn leave_to_counters(&self) {
        self.datagrams.pause(2 * (self.rig.period() + LOOK)).await;
    }

    /// Why all watchdogs expired that could.
    fn why_expired(&self) -> Cause {
        let unbroken = layout::time_of(&self.rig, self.counters.read().complete_streak);
        if unbroken > self.rig.engine.watchdog + UNBROKEN { Cause::StoodStill } else { Cause::Expired }
    }
}
