//! A start that waits for SubDevices: the power of a machine comes on part by part, and a service may be there first.
//!
//! Bring-up is tried again while nobody answers, while SubDevices of the rig file are missing, and where they come just while they
//! are counted. For whom it waits is told whenever that changes. Guarantees: it ends when all are there, when the time is over
//! (with what the last attempt failed with), or when the end is asked for. A SubDevice in whose place another one is isn't waited for,
//! nor is a bus that another MainDevice drives, nor one that fails for any other reason: waiting mends none of these.
//!
//! Until SubDevices are waited for, nothing is written to a bus where nobody answers; those that answer are in INIT between attempts.

use crate::bring_up::StartError;
use crate::machine::LifeError;
use std::time::Duration;
use zerocat_bus::{BringUpError, Missing};
use zerocat_config::{Patience, Rig};

/// SubDevices that are named; of more only the number is told.
const NAMED: usize = 8;
/// Pause between two attempts.
pub(crate) const PAUSE: Duration = Duration::from_millis(300);

/// What is known while a start waits.
#[derive(Debug)]
pub(crate) struct StartWait {
    /// `None`: it doesn't wait.
    patience: Option<Patience>,
    began: Duration,
    told: Option<String>,
}

impl StartWait {
    /// Of a start that begins at a time.
    pub(crate) const fn new(patience: Option<Patience>, now: Duration) -> Self {
        Self { patience, began: now, told: None }
    }

    /// Whether there is another attempt after one that failed at a time.
    pub(crate) fn goes_on(&self, error: &LifeError, now: Duration) -> bool {
        let time = match self.patience {
            None => false,
            Some(Patience::Forever) => true,
            Some(Patience::AtMost(time)) => now.saturating_sub(self.began) < time,
        };
        let LifeError::Start(error) = error else { return false };
        time && waiting_helps(error)
    }

    /// For whom it waits, where that isn't what was told last.
    pub(crate) fn tell(&mut self, error: &LifeError, rig: &Rig) -> Option<String> {
        let LifeError::Start(error) = error else { return None };
        let whom = whom(error, rig);
        if self.told.as_ref() == Some(&whom) {
            return None;
        }
        Some(self.told.insert(whom).clone())
    }
}

/// Whether what a bring-up failed with may be otherwise in a moment.
fn waiting_helps(error: &StartError) -> bool {
    match error {
        StartError::Silent | StartError::Unheard(_) => true,
        // With others in the place of all of them, nobody is missing.
        StartError::Missing { missing, .. } => !missing.iter().all(Missing::differs),
        StartError::Bus(BringUpError::CountChanged { .. }) => true,
        StartError::Bus(error) => error.is_silence(),
        _ => false,
    }
}

/// Whom a start waits for, in words.
fn whom(error: &StartError, rig: &Rig) -> String {
    match error {
        StartError::Missing { expected, missing } => {
            let each: Vec<_> = missing.iter().take(NAMED).map(ToString::to_string).collect();
            let more = missing.len().saturating_sub(each.len());
            let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
            format!("{} of {expected} SubDevices of the rig file:\n  {}{more}", missing.len(), each.join("\n  "))
        }
        StartError::Bus(error) if !matches!(error, BringUpError::Nobody) => error.to_string(),
        _ => {
            let keys: Vec<_> = rig.slaves.iter().take(NAMED).map(|slave| format!("`{}`", slave.key)).collect();
            match (keys.len(), rig.slaves.len().saturating_sub(keys.len())) {
                (0, _) => "any SubDevice: nobody answers".to_owned(),
                (_, 0) => format!("{}: nobody answers", keys.join(", ")),
                (_, more) => format!("{} and {more} more: nobody answers", keys.join(", ")),
            }
        }
    }
}
