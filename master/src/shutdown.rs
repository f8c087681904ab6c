//! The bus from OP to INIT: safe outputs while they are still taken, SAFE-OP, no cyclic frames, PRE-OP, INIT.
//!
//! Best effort, and bounded: it ends within [`SHUTDOWN`] and the time of the rig file's `stop`, whatever the network does.
//! Where nobody answers any more, nobody is asked one by one.

use crate::bring_up::{Planned, StartError};
use crate::layout;
use crate::machine::{Machine, SHUTDOWN};
use crate::surroundings::LinkState;
use std::time::Duration;
use zerocat_bus::clock::sync;
use zerocat_bus::{BringUpError, Label, Target, al};
use zerocat_config::Transition;
use zerocat_engine::{TakingPart, Traffic};
use zerocat_wire::{AlState, register};

/// How long the realtime thread may take to obey, beside the time of the cycles that it is to do so in.
const OBEY: Duration = Duration::from_secs(2);
/// Pause between two looks at the counters.
pub(crate) const LOOK: Duration = Duration::from_micros(500);
/// Cycles with safe outputs before anything else happens; more with slow sync units, as many as bring each around.
const SAFE_CYCLES: u64 = 5;

impl<'a> Machine<'a> {
    /// Shuts the bus down. Returns what failed.
    pub async fn shut_down(&mut self, planned: &mut Planned<'a>) -> Vec<StartError> {
        let mut failed = Vec::new();
        let bound = self.stop.grace().map_or(SHUTDOWN, |grace| grace.min(SHUTDOWN));
        let by = self.datagrams.now().saturating_add(bound);
        failed.extend(self.stop_in_op(planned).await.err());
        // Without its program nobody's answer would arrive.
        if self.surroundings.link() == LinkState::Detached
            && let Err(why) = self.surroundings.attach_again()
        {
            tracing::warn!("{why:?}");
        }
        let own = self.datagrams.now().saturating_add(SHUTDOWN);
        let end = self.stop.grace().map_or(own, |_| by);
        let datagrams = self.datagrams;
        match datagrams.by(end, self.step_down(planned)).await {
            Some(more) => failed.extend(more),
            None => {
                failed.push(StartError::ShutdownTooLong { bound });
                self.ask_for_init().await;
                self.switch_sync_off(planned).await;
            }
        }
        one_for_each(failed)
    }

    /// Makes outputs safe, and waits until they are.
    pub(crate) async fn make_safe(&mut self) -> Result<(), StartError> {
        if self.counters.read().live == 0 {
            return Ok(());
        }
        self.controls.borrow_mut().traffic(Traffic::Safe)?;
        self.obeyed(1, || self.counters.read().live == 0).await
    }

    /// Exchanges safe outputs in OP.
    async fn stop_in_op(&mut self, planned: &mut Planned<'a>) -> Result<(), StartError> {
        if self.counters.read().exchanging == 0 {
            return Ok(());
        }
        self.controls.borrow_mut().traffic(Traffic::Safe)?;
        self.send_safe_outputs().await?;
        self.wait_for_standstill(planned).await;
        Ok(())
    }

    /// Goes on with safe outputs as long as the rig file's `stop` says. A network that is lost meanwhile, or an input that
    /// doesn't come within its limits, ends it at its bound.
    async fn wait_for_standstill(&mut self, planned: &mut Planned<'a>) {
        let stop = &self.rig.engine.stop;
        let most = self.stop.grace().unwrap_or(Duration::MAX);
        self.datagrams.pause(stop.time.min(most)).await;
        let Some(until) = &stop.until else { return };
        let end = self.datagrams.now().saturating_add(until.at_most.min(most.saturating_sub(stop.time)));
        let Some(watch) = &mut planned.stop_watch else { return };
        while !watch.is_fulfilled() {
            if self.datagrams.now() >= end {
                tracing::warn!(channel = %until.channel, "the input was not within the limits of `stop` in time");
                return;
            }
            self.datagrams.pause(LOOK).await;
        }
    }

    async fn step_down(&mut self, planned: &mut Planned<'a>) -> Vec<StartError> {
        let mut failed = Vec::new();
        let answers = self.datagrams.read(Target::Broadcast, register::AL_STATUS, 2).await;
        let anybody = answers.is_ok_and(|answer| answer.working_counter > 0);
        if anybody {
            self.send_back(planned, Transition::OpToSafeOp).await;
            if planned.plan.has_op_only() {
                failed.extend(self.controls.borrow_mut().expect(TakingPart::BeforeOp).err().map(StartError::from));
            }
            failed.extend(planned.network.step_down(AlState::SafeOp).await.into_iter().map(StartError::from));
        }
        failed.extend(self.retire().await.err());
        if anybody {
            for (transition, to) in
                [(Transition::SafeOpToPreOp, AlState::PreOp), (Transition::PreOpToInit, AlState::Init)]
            {
                self.send_back(planned, transition).await;
                failed.extend(planned.network.step_down(to).await.into_iter().map(StartError::from));
                if to == AlState::PreOp {
                    self.switch_sync_off(planned).await;
                }
            }
        } else {
            failed.push(BringUpError::Nobody.into());
        }
        failed
    }

    /// Switches SYNC0 and SYNC1 off where there are any, behind SAFE-OP: above, SubDevices take it for an error. Best effort.
    async fn switch_sync_off(&self, planned: &Planned<'a>) {
        if planned.sync.is_empty() {
            return;
        }
        if let Err(error) = sync::switch_off(self.datagrams).await {
            tracing::info!(%error, "SYNC was not switched off");
        }
    }

    /// Waits until safe outputs have been sent some times. Traffic is safe already. That they come back isn't waited for, and
    /// where the interface takes no frames nothing is.
    pub(crate) async fn send_safe_outputs(&self) -> Result<(), StartError> {
        let wanted = SAFE_CYCLES.max(layout::longest_interval(&self.rig).saturating_add(1));
        let end = self.datagrams.now().saturating_add(OBEY).saturating_add(layout::time_of(&self.rig, wanted));
        while self.counters.read().safe_cycles < wanted {
            if self.datagrams.now() >= end || !self.takes_frames() {
                return Err(StartError::SafeNotSent);
            }
            self.datagrams.pause(LOOK).await;
        }
        Ok(())
    }

    /// Whether the interface takes frames, as far as is known.
    fn takes_frames(&self) -> bool {
        self.surroundings.carrier() != Some(false) && !matches!(self.surroundings.link(), LinkState::Gone(_))
    }

    /// Ends the cyclic exchange and waits until it has ended.
    pub(crate) async fn retire(&mut self) -> Result<(), StartError> {
        if self.counters.read().exchanging == 0 {
            return Ok(());
        }
        self.controls.borrow_mut().retire()?;
        self.obeyed(1, || self.counters.read().exchanging == 0).await
    }

    /// Asks everybody for INIT by broadcast: for a bring-up that ended before there was a plan, and for a shutdown that took
    /// too long. Best effort.
    pub(crate) async fn ask_for_init(&self) {
        match al::ask_all_for_init(self.datagrams, LOOK).await {
            Ok(true) => {}
            Ok(false) => tracing::info!("not all that answer are in INIT"),
            Err(error) => tracing::info!(%error, "nobody was asked for INIT"),
        }
    }

    /// Waits until the realtime thread has done what it was asked, which takes some cycles.
    async fn obeyed(&self, cycles: u64, done: impl Fn() -> bool) -> Result<(), StartError> {
        let end = self.datagrams.now().saturating_add(OBEY).saturating_add(layout::time_of(&self.rig, cycles));
        while !done() {
            if self.datagrams.now() >= end {
                return Err(StartError::Stuck { patience: OBEY });
            }
            self.datagrams.pause(LOOK).await;
        }
        Ok(())
    }
}

/// The first failure of each SubDevice: one that doesn't go to SAFE-OP doesn't go to PRE-OP and INIT either.
fn one_for_each(failed: Vec<StartError>) -> Vec<StartError> {
    let mut kept: Vec<StartError> = Vec::new();
    for error in failed {
        let again = who(&error).is_some_and(|one| kept.iter().any(|kept| who(kept) == Some(one)));
        if !again {
            kept.push(error);
        }
    }
    kept
}

fn who(error: &StartError) -> Option<&Label> {
    match error {
        StartError::Bus(error) => error.who(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_bus::AlError;
    use zerocat_wire::AlStatus;

    fn timeout(position: u16, asked: AlState) -> StartError {
        let who = Label { position, name: String::new() };
        let (waited, acknowledged) = (Duration::from_secs(1), Vec::new());
        BringUpError::from(AlError::Timeout { who, asked, shown: AlStatus(8), waited, acknowledged }).into()
    }

    #[test]
    fn each_subdevice_fails_once_and_what_is_of_none_stays() {
        let failed = [AlState::SafeOp, AlState::PreOp, AlState::Init]
            .into_iter()
            .flat_map(|asked| [timeout(1, asked), StartError::SafeNotSent, timeout(4, asked)]);
        let texts: Vec<_> = one_for_each(failed.collect()).iter().map(ToString::to_string).collect();
        let of = |text: &str| texts.iter().filter(|line| line.contains(text)).count();
        assert_eq!([of("SubDevice 1"), of("SubDevice 4"), texts.len()], [1, 1, 5], "{texts:?}");
        assert!(texts[0].contains("asked for SAFE-OP"), "{texts:?}");
    }
}
