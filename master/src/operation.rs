//! The network in operation: requests are served, and every SubDevice is looked after.
//!
//! The realtime thread's frames tell in every cycle whether all answer and all are in OP; only where they don't, each
//! SubDevice is asked. So supervision costs next to nothing while all is well.

use crate::bring_up::Planned;
use crate::events::SessionEvent;
use crate::health::{Change, Health};
use crate::machine::Machine;
use crate::supervision::{Cause, Verdict, Watch};
use crate::surroundings::LinkState;
use futures_lite::future::or;
use std::time::Duration;
use zerocat_bus::{Actors, AlShown, StateReport};
use zerocat_engine::Counters;
use zerocat_wire::al::AlStatusCode;

/// Time between two looks at the counters.
const LOOK: Duration = Duration::from_millis(20);
/// Longest time that a look at all SubDevices may take.
const ASKING: Duration = Duration::from_secs(2);
/// Time between two such looks while somebody is out of OP.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// Time between two looks at the link.
const LINK_LOOK: Duration = Duration::from_millis(100);
/// Longest time that the kernel takes to remove an interface, once it has begun to.
const LINK_SETTLES: Duration = Duration::from_millis(300);

/// Complete cycles in a row after which frames count as never having been missed.
const UNBROKEN: u64 = 10;

/// Why the network is no longer in operation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Left {
    Stopped,
    Lost(Cause),
    LinkGone(String),
}

impl<'a> Machine<'a> {
    /// Serves and supervises until the end is asked for or the network is lost.
    pub(crate) async fn operation(&self, planned: &mut Planned<'a>, health: &mut Health) -> Left {
        let actors = Actors::of(&mut planned.network);
        let stopped = async {
            self.stop.wait().await;
            Left::Stopped
        };
        let serve = async {
            actors.run(&self.inbox).await;
            Left::Stopped
        };
        or(stopped, or(self.supervise(&actors, planned, health), serve)).await
    }

    async fn supervise(&self, actors: &Actors<'_>, planned: &Planned<'a>, health: &mut Health) -> Left {
        let watch = Watch::new(
            self.rig.period(),
            self.rig.engine.watchdog,
            planned.network.subdevices().len(),
            &planned.before,
            planned.suspended_before,
        );
        let (mut ask_at, mut link_at) = (Duration::ZERO, Duration::ZERO);
        loop {
            self.datagrams.pause(LOOK).await;
            let (now, counters) = (self.datagrams.now(), self.counters.read());
            match watch.look(&counters, self.surroundings.suspended()) {
                Verdict::Lost(cause) => return Left::Lost(cause),
                Verdict::Ask if now >= ask_at => {
                    ask_at = now.saturating_add(ASK_AGAIN);
                    if self.ask(actors, planned, health, &counters).await {
                        return Left::Lost(Cause::StoodStill);
                    }
                }
                Verdict::Well if health.out().next().is_some() && now >= ask_at => {
                    ask_at = now.saturating_add(ASK_AGAIN);
                    self.ask(actors, planned, health, &counters).await;
                }
                Verdict::Well | Verdict::Ask => {}
            }
            if now >= link_at {
                link_at = now.saturating_add(LINK_LOOK);
                if let Some(why) = self.link_gone().await {
                    return Left::LinkGone(why);
                }
            }
        }
    }

    /// Why the link is gone, if it is. An interface that is being removed loses its XDP program first, so a second look
    /// tells that from a program that somebody detached.
    pub(crate) async fn link_gone(&self) -> Option<String> {
        if self.surroundings.link() == LinkState::Standing {
            return None;
        }
        self.datagrams.pause(LINK_SETTLES).await;
        match self.surroundings.link() {
            LinkState::Gone(why) => Some(why),
            LinkState::Standing => None,
        }
    }

    /// Asks each SubDevice for its state and tells what changed. Returns whether all of them were left without frames,
    /// although none was missed here.
    async fn ask(&self, actors: &Actors<'_>, planned: &Planned<'a>, health: &mut Health, counters: &Counters) -> bool {
        let end = self.datagrams.now().saturating_add(ASKING);
        let Some(states) = self.datagrams.by(end, actors.states()).await else { return false };
        if stood_still(&states, planned, counters) {
            return true;
        }
        let changes = health.update(states, |position| planned.key(position));
        self.show(health);
        for change in changes {
            match change {
                Change::Out(out) => self.observer.warn(&SessionEvent::OutOfOp(out)),
                Change::Back(who) => self.observer.warn(&SessionEvent::BackInOp(who)),
            }
        }
        false
    }
}

/// Whether the watchdogs of all SubDevices with outputs expired while this side saw every frame come back right: time stood
/// still for the program, its clock included.
fn stood_still(states: &[StateReport], planned: &Planned<'_>, counters: &Counters) -> bool {
    let unbroken = counters.complete_streak > UNBROKEN;
    let watched: Vec<_> = planned.plan.subdevices.iter().filter(|one| !one.outputs.is_empty()).collect();
    let expired = |position: u16| {
        let shown =
            states.iter().find(|state| state.who.position == position).and_then(|state| state.shown.as_ref().ok());
        shown.is_some_and(|AlShown { code, .. }| *code == AlStatusCode::SYNC_MANAGER_WATCHDOG)
    };
    unbroken && watched.len() > 1 && watched.iter().all(|one| expired(one.position))
}
