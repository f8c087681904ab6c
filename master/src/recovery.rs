//! A network that was lost and comes back: from the loss to OP again, without a new process.
//!
//! When frames stood still for longer than the SubDevices' watchdog, these have left OP anyway, so nothing is lost by
//! starting over. Outputs are made safe and sent as such wherever the wire still works, the exchange is taken out, the
//! carrier is waited for, and the bus is brought up again from INIT, with the same tasks on the same rings. What was
//! commanded before the outage is never sent after it: commands carry the epoch that they were made for.
//!
//! Guarantees: a network that came back different (SubDevices, process data), or that another MainDevice has taken
//! meanwhile, is not driven; it is told, and waited for. Not here: a single SubDevice that fails while the others answer.

use crate::bring_up::{Planned, Ports, StartError};
use crate::events::SessionEvent;
use crate::machine::{ATTEMPT, LifeError, Machine};
use crate::other_network;
use crate::supervision::Cause;
use crate::surroundings::{LinkState, NotAttached};
use futures_lite::future::or;
use std::time::Duration;
use zerocat_bus::{BringUpError, Missing};
use zerocat_engine::Traffic;
use zerocat_faults::chain;

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(200);
/// Attempts in a row that fail for the same reason until it is told: a network that comes back takes its time.
const PATIENCE: u32 = 5;
/// Outages that the report lists one by one.
const LISTED: usize = 100;

/// An outage that has ended, or that the end of the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outage {
    /// Why the network was lost.
    pub cause: Cause,
    /// From its detection until OP, or until the end of the run.
    pub lasted: Duration,
    /// Whether it ended in OP.
    pub recovered: bool,
}

/// All outages of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outages {
    pub(crate) count: u64,
    pub(crate) recovered: u64,
    pub(crate) longest: Duration,
    /// The first of them.
    pub(crate) list: Vec<Outage>,
}

impl Outages {
    fn add(&mut self, outage: Outage) {
        self.count += 1;
        if outage.recovered {
            self.recovered += 1;
            self.longest = self.longest.max(outage.lasted);
        }
        if self.list.len() < LISTED {
            self.list.push(outage);
        }
    }
}

/// How an outage ended.
#[derive(Debug)]
pub(crate) enum Recovered {
    InOp,
    Stopped,
    LinkGone(String),
}

/// What was told in an outage of why the network isn't back, and what may be to tell.
#[derive(Debug, Default)]
struct Told {
    reason: Option<String>,
    /// Whether a reason was said that may pass by itself.
    passing: bool,
    /// Why the last attempt failed, and how many in a row did so.
    latest: Option<(String, u32)>,
}

impl Told {
    /// Notes why an attempt failed; how many in a row have failed so.
    fn failed(&mut self, why: &str) -> u32 {
        let before = self.latest.take().filter(|(latest, _)| latest == why);
        let times = before.map_or(1, |(_, times)| times.saturating_add(1));
        self.latest = Some((why.to_owned(), times));
        times
    }
}

/// An error with the name of its SubDevice, also where it came before that was read again.
fn named(mut error: LifeError, planned: &Planned<'_>) -> LifeError {
    if let LifeError::Start(StartError::Bus(error)) = &mut error {
        let known = |position| planned.network.subdevices().iter().find(|one| one.position == position);
        error.give_name(|position| Some(known(position)?.name.clone()));
    }
    error
}

impl<'a> Machine<'a> {
    /// Waits for the network and brings it to OP again.
    pub(crate) async fn recover(
        &mut self,
        planned: &mut Planned<'a>,
        cause: Cause,
        outages: &mut Outages,
    ) -> Recovered {
        let since = self.datagrams.time();
        let ended = self.until_recovered(planned).await;
        let lasted = self.datagrams.time().saturating_sub(since);
        let recovered = matches!(ended, Recovered::InOp);
        outages.add(Outage { cause, lasted, recovered });
        if recovered {
            self.observer.warn(&SessionEvent::Recovered { cause, after: lasted });
        }
        ended
    }

    async fn until_recovered(&mut self, planned: &mut Planned<'a>) -> Recovered {
        let mut ports = Ports::default();
        let mut told = Told::default();
        loop {
            if let Err(error) = self.take_exchange_out(&mut ports).await {
                tracing::warn!(fault = %error.fault(), "{}", chain(&error));
            }
            let receives = match self.standing(&mut told).await {
                Ok(receives) => receives,
                Err(why) => return Recovered::LinkGone(why),
            };
            if receives && self.surroundings.carrier() != Some(false) {
                let end = self.datagrams.now().saturating_add(self.bound(ATTEMPT));
                match self.attempt(end, planned, &mut ports).await {
                    Ok(()) => return Recovered::InOp,
                    Err(LifeError::Stopped) => return Recovered::Stopped,
                    Err(error) => self.tell_once(&mut told, &error),
                }
            }
            if self.stopped_within(PAUSE, "the network is lost, and waited for").await {
                return Recovered::Stopped;
            }
        }
    }

    /// Whether the link receives frames, with its program attached again where somebody has detached it. Where that can't be
    /// any more, why.
    async fn standing(&self, told: &mut Told) -> Result<bool, String> {
        match self.settled_link().await {
            LinkState::Standing => return Ok(true),
            LinkState::Gone(why) => return Err(why),
            LinkState::Detached => {}
        }
        match self.surroundings.attach_again() {
            Ok(()) => {
                self.observer.warn(&SessionEvent::AttachedAgain);
                Ok(true)
            }
            Err(NotAttached::Ever(why)) => Err(why),
            Err(NotAttached::Now(why)) => {
                self.tell_reason(told, why);
                Ok(false)
            }
        }
    }

    /// Says why an attempt failed, once for each reason. What waiting doesn't mend is said at once, and so is the first reason of an
    /// outage; another one when it lasts: that not all answer yet is what an outage is.
    fn tell_once(&self, told: &mut Told, error: &LifeError) {
        let text = chain(error);
        let times = told.failed(&text);
        let remarkable = match error {
            LifeError::Start(StartError::Silent | StartError::Unheard(_) | StartError::Bus(BringUpError::Nobody)) => {
                false
            }
            LifeError::Start(StartError::Changed(_) | StartError::Driven(_) | StartError::Unnamed(_)) => true,
            LifeError::Start(StartError::Missing { missing, .. }) if missing.iter().any(Missing::differs) => true,
            _ => times >= PATIENCE,
        };
        if remarkable {
            self.tell_reason(told, text);
        } else if std::mem::replace(&mut told.passing, true) {
            tracing::info!("the network isn't back yet: {text}");
        } else {
            tracing::warn!("the network isn't back yet: {text}");
        }
    }

    fn tell_reason(&self, told: &mut Told, why: String) {
        if told.reason.as_ref() != Some(&why) {
            self.observer.warn(&SessionEvent::NotRecovered(why.clone()));
            told.reason = Some(why);
        }
    }

    /// Brings the network that was planned up anew, with the same tasks, until a time at the longest.
    pub(crate) async fn attempt(
        &mut self,
        end: Duration,
        planned: &mut Planned<'a>,
        ports: &mut Ports,
    ) -> Result<(), LifeError> {
        let back = self.bounded(end, async |machine| {
            machine.listen().await?;
            machine.send_back_after_outage(planned).await;
            let mut back = machine.plan().await?;
            if !other_network::is_the_same(planned, &back) {
                return Err(StartError::Changed(other_network::differences(planned, &back)));
            }
            back.network.go_on_counting(&planned.network);
            machine.operate(&mut back, ports).await?;
            Ok(back)
        });
        let back = back.await.map_err(|error| named(error, planned))?;
        for which in other_network::replaced(planned, &back) {
            self.observer.warn(&SessionEvent::Replaced(which));
        }
        let (stop_watch, silence) = (planned.stop_watch.take(), planned.silence);
        *planned = Planned { stop_watch, silence, ..back };
        Ok(())
    }

    /// Makes the outputs safe, ends the exchange if there is one, and takes the tasks' ports out of it. One that ended
    /// only after an earlier call had given up is found by the next.
    pub(crate) async fn take_exchange_out(&mut self, ports: &mut Ports) -> Result<(), StartError> {
        if self.counters.read().exchanging != 0 {
            self.controls.borrow_mut().traffic(Traffic::Safe)?;
            // Where they can't be sent, what the link holds is withdrawn when the exchange is retired.
            if let Err(error) = self.send_safe_outputs().await {
                tracing::info!("{error}");
            }
            self.retire().await?;
        }
        if let Some(exchange) = self.controls.borrow_mut().collect() {
            ports.readers.extend(exchange.readers);
            ports.newest.extend(exchange.newest);
            ports.writers.extend(exchange.writers);
        }
        Ok(())
    }

    /// Whether the end was asked for within a time. Requests are refused meanwhile.
    pub(crate) async fn stopped_within(&self, time: Duration, refusal: &'static str) -> bool {
        let stopped = async {
            self.stop.wait().await;
            true
        };
        let paused = async {
            self.datagrams.pause(time).await;
            false
        };
        or(
            stopped,
            or(paused, async {
                self.inbox.refuse(refusal).await;
                false
            }),
        )
        .await
    }
}
