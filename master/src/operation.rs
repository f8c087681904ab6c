//! The network in operation: requests are served, and every SubDevice is looked after.
//!
//! The realtime thread's frames tell in every cycle whether all answer and all are in OP; only where they don't, each
//! SubDevice is asked. So supervision costs next to nothing while all is well.

use crate::asking::Away;
use crate::bring_up::{Planned, deadline};
use crate::emergency::Heard;
use crate::events::SessionEvent;
use crate::front::Program;
use crate::health::Health;
use crate::lateness::{Change, Lateness};
use crate::layout;
use crate::machine::Machine;
use crate::supervision::{Cause, Verdict, Watch};
use crate::surroundings::LinkState;
use crate::void::Voiding;
use futures_lite::future::or;
use std::cell::Cell;
use std::task::{Context, Poll};
use std::time::Duration;
use zerocat_bus::{Actors, events};
use zerocat_wire::register;

/// Time between two looks at the counters.
pub(crate) const LOOK: Duration = Duration::from_millis(20);
/// Time between two looks at the link.
const LINK_LOOK: Duration = Duration::from_millis(100);
/// Longest time that the kernel takes to remove an interface, once it has begun to.
const LINK_SETTLES: Duration = Duration::from_millis(300);

/// Why the network is no longer in operation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Left {
    Stopped,
    Lost(Cause),
    LinkGone(String),
}

impl<'a> Machine<'a> {
    /// Serves and supervises until the end is asked for or the network is lost.
    pub(crate) async fn operation(
        &self,
        planned: &mut Planned<'a>,
        health: &mut Health,
        lateness: &mut Lateness,
    ) -> Left {
        let actors = Actors::of(&mut planned.network);
        let left = self.served(&actors, planned, health, lateness).await;
        planned.network.take_back(actors);
        left
    }

    async fn served(
        &self,
        actors: &Actors<'_>,
        planned: &Planned<'a>,
        health: &mut Health,
        lateness: &mut Lateness,
    ) -> Left {
        let stopped = async {
            self.stop.wait().await;
            Left::Stopped
        };
        let serve = async {
            let heard = Heard { planned, observer: self.observer, inbox: &self.inbox, out_of_op: &self.out_of_op };
            actors.run(&self.inbox, &heard).await;
            Left::Stopped
        };
        lateness.begin(&planned.before);
        let left = or(stopped, or(self.supervise(actors, planned, health, lateness), serve)).await;
        lateness.end(self.datagrams.now());
        left
    }

    /// Judges the network as a whole by the counters, and beside that asks each SubDevice where that is called for.
    async fn supervise(
        &self,
        actors: &Actors<'_>,
        planned: &Planned<'a>,
        health: &mut Health,
        lateness: &mut Lateness,
    ) -> Left {
        let (wanted, voiding, away) = (Cell::new(false), Voiding::default(), Away::default());
        let after = self.look_after(&wanted, actors, planned, health, (&voiding, &away));
        let looks = or(after, self.look_for_expiries(&voiding, actors, planned));
        let looks = or(looks, self.acknowledge_links());
        let looks = or(looks, self.serve_boots(actors, planned, &voiding, &away));
        let watch_synchronization = async {
            self.watch_synchronization(actors, planned).await;
            std::future::pending().await
        };
        let looks = or(looks, watch_synchronization);
        let watch_clocks = async {
            self.watch_clocks(planned).await;
            std::future::pending().await
        };
        let looks = or(looks, watch_clocks);
        or(self.watch(&wanted, planned, lateness), looks).await
    }

    /// Judges counters, clocks and link. `wanted` says meanwhile whether somebody doesn't answer or isn't in OP.
    async fn watch(&self, wanted: &Cell<bool>, planned: &Planned<'a>, lateness: &mut Lateness) -> Left {
        let mut watch = Watch::new(
            self.rig.period(),
            self.rig.engine.watchdog,
            planned.network.subdevices().len(),
            &planned.before,
            planned.suspended_before,
        );
        let mut link_at = Duration::ZERO;
        let mut program = Program::of(planned);
        let mut news = self.counters.read().news;
        loop {
            self.pause_or_news(news).await;
            let (now, counters) = (self.datagrams.now(), self.counters.read());
            news = counters.news;
            let verdict = match watch.look(&counters, self.surroundings.suspended()) {
                // An interface that takes no frames keeps them from being sent as well.
                Verdict::Lost(Cause::Stall(time)) if self.surroundings.carrier() == Some(false) => {
                    Verdict::Lost(Cause::Silence(time))
                }
                verdict => verdict,
            };
            wanted.set(verdict == Verdict::Ask);
            self.tell_lateness(lateness.look(now, &counters));
            program.look(&counters).for_each(|event| self.observer.tell_source(&Program::NAME.into(), event));
            // A silence may be one of the link.
            if now >= link_at || matches!(verdict, Verdict::Lost(Cause::Silence(_))) {
                link_at = now.saturating_add(LINK_LOOK);
                match self.settled_link().await {
                    LinkState::Standing => {}
                    LinkState::Detached => return Left::Lost(Cause::Detached),
                    LinkState::Gone(why) => return Left::LinkGone(why),
                }
            }
            if let Verdict::Lost(cause) = verdict {
                return Left::Lost(cause);
            }
        }
    }

    /// Has SubDevices tell anew when a link changes, whenever one has told so.
    async fn acknowledge_links(&self) -> Left {
        let told = || self.counters.read().events & u64::from(register::DL_STATUS_EVENT) != 0;
        loop {
            std::future::poll_fn(|_| if told() { Poll::Ready(()) } else { Poll::Pending }).await;
            events::acknowledge_links(self.datagrams).await;
            self.datagrams.pause_about(LOOK).await;
        }
    }

    /// The time between two looks, or until datagrams brought an event or mail since so many did.
    async fn pause_or_news(&self, before: u64) {
        let came =
            |_: &mut Context<'_>| if self.counters.read().news == before { Poll::Pending } else { Poll::Ready(()) };
        or(std::future::poll_fn(came), self.datagrams.pause_about(LOOK)).await;
    }

    fn tell_lateness(&self, change: Option<Change>) {
        let Some(change) = change else { return };
        self.observer.warn(&match change {
            Change::Late { cycles } => SessionEvent::AnswersLate {
                cycles,
                by: layout::time_of(&self.rig, cycles),
                deadline: deadline(&self.rig),
            },
            Change::InTime { after } => SessionEvent::AnswersInTime { after },
        });
    }

    /// The state of the link. An interface that is being removed loses its XDP program first, so a second look tells that
    /// from a program that somebody detached.
    pub(crate) async fn settled_link(&self) -> LinkState {
        let state = self.surroundings.link();
        if state == LinkState::Standing {
            return state;
        }
        self.datagrams.pause(LINK_SETTLES).await;
        self.surroundings.link()
    }
}
