//! Single SubDevices whose commands are void, while the others go on.
//!
//! Who is silent, has left OP, or shows that its watchdog expired has dropped its outputs; frames that reach it again bring
//! what was commanded before. So the engine is told: outputs are safe from then on, until the SubDevice is back and a command
//! comes that was given since ([`zerocat_engine::Voider`]). What is told of it waits a moment: where the whole network was
//! left without frames, that is another trouble.
//!
//! Guarantees: each is told once when it waits for a command, and once when it has got one. Not here: who is out of OP
//! ([`Health`](crate::health::Health)).

use crate::bring_up::Planned;
use crate::events::SessionEvent;
use crate::layout;
use crate::machine::Machine;
use crate::operation::Left;
use crate::trouble::Trouble;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;
use zerocat_bus::named;
use zerocat_bus::watchdog::WatchdogShown;
use zerocat_bus::{Actors, Label};
use zerocat_engine::{Voided, Voider, Voids, voids};
use zerocat_pdi::Plan;

/// How long a SubDevice has been back before it is told that it waits for a command.
const TELL: Duration = Duration::from_millis(200);

/// Both ends of the orders for the SubDevices of a plan, by position.
pub(crate) fn orders(plan: &Plan) -> (Voider, Voids) {
    let positions = plan.subdevices.iter().map(|one| one.position).max().map_or(0, |last| usize::from(last) + 1);
    let mut outputs: Vec<Range<usize>> = vec![0..0; positions];
    for one in &plan.subdevices {
        outputs[usize::from(one.position)] = one.outputs.clone();
    }
    voids(outputs)
}

/// A SubDevice whose commands from before are void: its outputs are safe until it is commanded again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandsVoid {
    /// Who.
    pub who: Label,
    /// Its key in the rig file; `None` where it isn't named there.
    pub key: Option<String>,
    /// Why.
    pub why: WhyVoid,
}

/// Why commands are void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyVoid {
    /// It was silent, or not in OP, and is back.
    WasOut,
    /// Its watchdog had expired, and it was in OP all the time.
    WatchdogExpired,
}

/// A SubDevice that waited for a command and has got one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandedAgain {
    /// Who.
    pub who: Label,
    /// Its key in the rig file; `None` where it isn't named there.
    pub key: Option<String>,
}

impl fmt::Display for CommandedAgain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is commanded again", named(&self.who, self.key.as_deref()))
    }
}

impl fmt::Display for CommandsVoid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&named(&self.who, self.key.as_deref()))?;
        match self.why {
            WhyVoid::WasOut => f.write_str(" was out")?,
            WhyVoid::WatchdogExpired => f.write_str(" got no outputs for longer than its watchdog")?,
        }
        f.write_str(": what was commanded of it before is void, and its outputs are safe until it is commanded again")
    }
}

/// Where one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It isn't back.
    Away,
    /// It is, since a time.
    Back { at: Duration, why: WhyVoid, told: bool },
}

/// What there is to tell of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Void(u16, WhyVoid),
    Commanded(u16),
}

/// Those whose commands became void since the network came to OP.
#[derive(Debug, Default)]
pub(crate) struct Voiding {
    stages: RefCell<BTreeMap<u16, Stage>>,
    /// What watchdogs showed last.
    watchdogs: RefCell<BTreeMap<u16, WatchdogShown>>,
}

impl Voiding {
    /// It is silent, or has left OP.
    pub(crate) fn away(&self, position: u16, voider: &Voider) {
        if self.stages.borrow_mut().insert(position, Stage::Away) != Some(Stage::Away) {
            voider.void(position.into());
        }
    }

    /// It is in OP again.
    pub(crate) fn back(&self, position: u16, voider: &Voider, at: Duration) {
        let mut stages = self.stages.borrow_mut();
        if let Some(stage @ Stage::Away) = stages.get_mut(&position) {
            *stage = Stage::Back { at, why: WhyVoid::WasOut, told: false };
            voider.back(position.into());
        }
    }

    /// Takes in what a watchdog shows. Where it has expired since the last time, frames had been missing for that long.
    fn see(&self, position: u16, shown: WatchdogShown, voider: &Voider, at: Duration) {
        let before = self.watchdogs.borrow_mut().insert(position, cleared(shown)).unwrap_or_default();
        let expired = shown.count != before.count || shown.expired && !before.expired;
        let mut stages = self.stages.borrow_mut();
        if !expired || stages.get(&position) == Some(&Stage::Away) {
            return;
        }
        voider.void(position.into());
        voider.back(position.into());
        stages.insert(position, Stage::Back { at, why: WhyVoid::WatchdogExpired, told: false });
    }

    /// What there is to tell now.
    fn news(&self, voider: &Voider, now: Duration) -> Vec<News> {
        let mut news = Vec::new();
        self.stages.borrow_mut().retain(|position, stage| {
            let Stage::Back { at, why, told } = stage else { return true };
            if now.saturating_sub(*at) < TELL {
                return true;
            }
            let state = voider.state((*position).into());
            if matches!(state, Voided::Waiting | Voided::Commanded) && !std::mem::replace(told, true) {
                news.push(News::Void(*position, *why));
            }
            if state == Voided::Commanded {
                news.push(News::Commanded(*position));
            }
            matches!(state, Voided::Ordered | Voided::Void | Voided::Waiting)
        });
        news
    }
}

/// What is shown after a counter that can grow no further was cleared.
const fn cleared(WatchdogShown { expired, count }: WatchdogShown) -> WatchdogShown {
    WatchdogShown { expired, count: if count == u8::MAX { 0 } else { count } }
}

impl<'a> Machine<'a> {
    /// Looks for watchdogs that expired while others went on, and tells whose commands are void. Never ends.
    pub(crate) async fn look_for_expiries(
        &self,
        voiding: &Voiding,
        actors: &Actors<'_>,
        planned: &Planned<'a>,
    ) -> Left {
        let (datagrams, rig) = (self.datagrams, &*self.rig);
        let turn = layout::time_of(rig, layout::longest_interval(rig));
        let watched: Vec<u16> = planned.watched().collect();
        let mut trouble =
            Trouble::new(rig.shortest_watchdog(), rig.period(), turn, &self.counters.read(), datagrams.now());
        loop {
            datagrams.pause_about(trouble.pause(datagrams.now())).await;
            if trouble.look(&self.counters.read(), datagrams.now()) {
                let whose = |position| watched.binary_search(&position).is_ok();
                let see = |position, shown| voiding.see(position, shown, &planned.voider, datagrams.now());
                actors.look_at_watchdogs(whose, see).await;
            }
            for news in voiding.news(&planned.voider, datagrams.now()) {
                self.tell_void(news, planned);
            }
        }
    }

    fn tell_void(&self, news: News, planned: &Planned<'a>) {
        let (News::Void(position, _) | News::Commanded(position)) = news;
        let who = planned.network.subdevices().iter().find(|one| one.position == position);
        let who = who.map_or_else(|| Label { position, ..Label::default() }, |one| one.label());
        let key = planned.key(position);
        self.observer.warn(&match news {
            News::Void(_, why) => SessionEvent::CommandsVoid(CommandsVoid { who, key, why }),
            News::Commanded(_) => SessionEvent::CommandedAgain(CommandedAgain { who, key }),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const ONCE: WatchdogShown = WatchdogShown { expired: false, count: 1 };

    fn voiding() -> (Voiding, Voider) {
        (Voiding::default(), voids([0..1, 1..2]).0)
    }

    #[test]
    fn a_watchdog_that_expired_is_seen_once_and_one_that_never_did_is_not() {
        let (voiding, voider) = voiding();
        voiding.see(0, WatchdogShown::default(), &voider, MS);
        assert_eq!(voider.state(0), Voided::Commanded);
        voiding.see(1, ONCE, &voider, MS);
        assert_eq!(voider.state(1), Voided::Ordered);
        let before = voiding.stages.borrow().clone();
        voiding.see(1, ONCE, &voider, MS * 9);
        assert_eq!(*voiding.stages.borrow(), before);
        voiding.see(1, WatchdogShown { expired: false, count: 2 }, &voider, MS * 9);
        assert_ne!(*voiding.stages.borrow(), before);
    }

    #[test]
    fn a_counter_that_is_full_is_cleared_and_counts_on() {
        let (voiding, voider) = voiding();
        let seen = |count, at| {
            voiding.see(0, WatchdogShown { expired: false, count }, &voider, MS * at);
            voiding.stages.borrow().get(&0).copied()
        };
        let full = seen(u8::MAX, 1);
        assert_eq!(seen(0, 2), full);
        assert_ne!(seen(1, 3), full);
    }

    #[test]
    fn who_is_out_is_back_when_it_is_in_op_whatever_its_watchdog_shows() {
        let (voiding, voider) = voiding();
        voiding.back(0, &voider, MS);
        assert!(voiding.stages.borrow().is_empty(), "it was never away");
        voiding.away(0, &voider);
        voiding.see(0, ONCE, &voider, MS);
        assert_eq!(voiding.stages.borrow()[&0], Stage::Away);
        voiding.back(0, &voider, MS * 2);
        let back = Stage::Back { at: MS * 2, why: WhyVoid::WasOut, told: false };
        assert_eq!(voiding.stages.borrow()[&0], back);
        voiding.see(0, ONCE, &voider, MS * 3);
        assert_eq!(voiding.stages.borrow()[&0], back, "that was what it was out for");
    }

    #[test]
    fn nothing_is_told_before_it_is_clear_that_only_some_were_left_without_frames() {
        let (voiding, voider) = voiding();
        voiding.see(0, ONCE, &voider, MS);
        assert_eq!(voiding.news(&voider, MS * 200), []);
        // Nobody has obeyed here.
        assert_eq!(voiding.news(&voider, MS * 900), []);
        assert_eq!(voiding.stages.borrow().len(), 1);
    }

    #[test]
    fn words_name_the_subdevice_with_its_key_and_what_is_to_be_done() {
        let who = Label { position: 1, name: "EL2004".to_owned() };
        let void = CommandsVoid { who: who.clone(), key: Some("valves".to_owned()), why: WhyVoid::WatchdogExpired };
        assert_eq!(
            void.to_string(),
            "SubDevice 1 (EL2004) `valves` got no outputs for longer than its watchdog: what was commanded of it before is \
             void, and its outputs are safe until it is commanded again"
        );
        assert_eq!(CommandedAgain { who, key: None }.to_string(), "SubDevice 1 (EL2004) is commanded again");
    }
}
