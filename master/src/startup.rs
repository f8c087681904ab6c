//! Startup commands of the rig file: whose they are on the bus, and what becomes of one that fails.

use crate::bring_up::StartError;
use crate::events::SessionEvent;
use crate::machine::Machine;
use zerocat_bus::{BringUpError, Matching, Network, Startup, StartupWrite};
use zerocat_config::{IdnWrite, ObjectWrite, OnError, Rig, StartupCommand, Transition};

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

/// What each SubDevice is sent in these transitions, by position.
fn commands(rig: &Rig, matching: &Matching, transitions: &[Transition]) -> Vec<(u16, Vec<Startup>)> {
    let of = |command: &StartupCommand| {
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
        Some(Startup { write, verify: command.verify, may_fail: command.on_error == OnError::Warn })
    };
    let mut all = Vec::new();
    for found in &matching.matches {
        let Some(slave) = rig.slaves.iter().find(|slave| slave.key == found.key) else { continue };
        let asked = transitions
            .iter()
            .flat_map(|transition| slave.startup.iter().filter(move |command| command.transition == *transition));
        let commands: Vec<_> = asked.filter_map(of).collect();
        if !commands.is_empty() {
            all.push((found.position, commands));
        }
    }
    all
}
