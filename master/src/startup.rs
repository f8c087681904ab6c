//! Startup commands of the rig file: whose they are on the bus, and what becomes of one that fails.

use crate::bring_up::{Planned, StartError};
use crate::events::SessionEvent;
use crate::machine::Machine;
use std::time::Duration;
use zerocat_bus::{BringUpError, Matching, Network, Startup, StartupName, StartupWrite};
use zerocat_config::{IdnWrite, ObjectWrite, OnError, Rig, StartupCommand, Transition};
use zerocat_wire::AlState;

/// How long the commands of one transition back may take, of all SubDevices together.
const BACK: Duration = Duration::from_secs(2);
/// Letters of a value that are shown at most.
const MOST_OF_A_VALUE: usize = 48;

impl Machine<'_> {
    /// Sends the commands of these transitions, in the order of the rig file. One that may fail and does is told.
    pub(crate) async fn send_startup(
        &self,
        network: &mut Network<'_>,
        matching: &Matching,
        transitions: &[Transition],
    ) -> Result<(), StartError> {
        let commands = commands(&self.rig, matching, transitions);
        if commands.is_empty() {
            return Ok(());
        }
        let (told, fatal): (Vec<_>, Vec<_>) =
            network.send_startup(&commands).await.into_iter().partition(|failed| failed.may_fail);
        for failed in told {
            self.observer.warn(&SessionEvent::StartupFailed(Box::new(failed)));
        }
        let mut fatal = fatal.into_iter();
        let first = fatal.next();
        for other in fatal {
            tracing::error!(fault = %other.fault(), "{other}");
        }
        first.map_or(Ok(()), |failed| Err(BringUpError::from(Box::new(failed)).into()))
    }
}

impl<'a> Machine<'a> {
    /// Sends the commands of a transition back, before the state that it leads to is asked for, to those that are in the state that it
    /// comes from. Best effort, and bounded: what fails, or isn't done in time, is told and keeps nobody from going on.
    pub(crate) async fn send_back(&self, planned: &mut Planned<'a>, transition: Transition) {
        let from = match transition {
            Transition::OpToSafeOp => AlState::Op,
            Transition::SafeOpToPreOp => AlState::SafeOp,
            Transition::PreOpToInit => AlState::PreOp,
            Transition::InitToPreOp | Transition::PreOpToSafeOp | Transition::SafeOpToOp => return,
        };
        let commands = commands(&self.rig, &planned.matching, &[transition]);
        if commands.is_empty() {
            return;
        }
        let end = self.datagrams.now().saturating_add(BACK);
        match self.datagrams.by(end, planned.network.send_startup_in(from, &commands)).await {
            Some(failed) => {
                for failed in failed {
                    self.observer.warn(&SessionEvent::StartupFailed(Box::new(failed)));
                }
            }
            None => tracing::warn!(?transition, "startup commands were not all sent within {BACK:?}"),
        }
    }

    /// After an outage: takes those that are in SAFE-OP or PRE-OP down to PRE-OP, with the commands of the transitions back. Where the
    /// rig file has none, bring-up takes all to INIT at once.
    pub(crate) async fn send_back_after_outage(&self, planned: &mut Planned<'a>) {
        let down = [Transition::SafeOpToPreOp, Transition::PreOpToInit];
        if commands(&self.rig, &planned.matching, &down).is_empty() {
            return;
        }
        self.send_back(planned, Transition::SafeOpToPreOp).await;
        for failed in planned.network.step_down(AlState::PreOp).await {
            tracing::info!("before bring-up begins anew: {failed}");
        }
        self.send_back(planned, Transition::PreOpToInit).await;
    }
}

/// What each SubDevice is sent in these transitions, by position.
pub(crate) fn commands(rig: &Rig, matching: &Matching, transitions: &[Transition]) -> Vec<(u16, Vec<Startup>)> {
    let of = |place: String, command: &StartupCommand| {
        // The rules have been checked: one that can't be written isn't here.
        let write = match command.idn_write() {
            Some(write) => {
                let IdnWrite { drive, idn, value } = write.ok()?;
                StartupWrite::Idn { drive, idn, value }
            }
            None => {
                let ObjectWrite { index, subindex, data } = command.write().ok()?;
                StartupWrite::Object { index, subindex, complete: command.complete_access, data }
            }
        };
        let named = Some(StartupName { place, write: named(command) });
        Some(Startup { write, verify: command.verify, may_fail: command.on_error == OnError::Warn, named })
    };
    let mut all = Vec::new();
    for found in &matching.matches {
        let Some(slave) = rig.slaves.iter().find(|slave| slave.key == found.key) else { continue };
        let asked = transitions.iter().flat_map(|transition| {
            slave.startup.iter().enumerate().filter(move |(_, command)| command.transition == *transition)
        });
        let place = |n, of: Transition| format!("`{}`: startup[{n}] ({})", slave.key, of.name());
        let commands: Vec<_> = asked.filter_map(|(n, command)| of(place(n, command.transition), command)).collect();
        if !commands.is_empty() {
            all.push((found.position, commands));
        }
    }
    all
}

/// What a command writes, with the value as the rig file has it.
fn named(command: &StartupCommand) -> String {
    let drive = command.drive.map_or_else(String::new, |drive| format!(" of drive {drive}"));
    let value = match &command.value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut short: String = value.chars().take(MOST_OF_A_VALUE).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    format!("{}{drive} = {short}", command.object)
}
