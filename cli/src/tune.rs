//! `zerocat tune`: sets an interface as a rig wants it, and puts it back.

use crate::Done;
use crate::exit::Failure;
use crate::print;
use clap::Args;
use std::path::PathBuf;
use zerocat::{Fault, fault_of_xdp};
use zerocat_host::tune::{
    Action, ChangedSince, Outcome, Row, ThreadedNapi, TuneError, TuneRequest, Tuned, WhileInUse, default_state, tune,
};

/// Set an interface as a rig wants it: queues, coalescing, Energy Efficient Ethernet, pause frames, offloads, its
/// interrupts' CPU, NAPI. All of it can be taken back with --restore.
///
/// What each setting was is kept in a state file before it is changed. What can't be changed is said and counted.
/// Several drivers reset the link for some seconds: tune before the rig runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  zerocat tune --interface eth1 --dry-run    # what would be changed, and why
  zerocat tune --interface eth1 --cpu 3      # change it; the realtime thread runs on CPU 3
  zerocat tune --interface eth1 --restore    # put everything back")]
pub(crate) struct Tune {
    /// Network interface.
    #[arg(short, long)]
    interface: String,
    /// CPU of the realtime thread: the NIC's interrupts are kept off it.
    #[arg(long, value_name = "N", conflicts_with = "restore")]
    cpu: Option<usize>,
    /// CPU for the NIC's interrupts; the first that is neither isolated nor --cpu if none is named.
    #[arg(long, value_name = "N", conflicts_with = "restore")]
    irq_cpu: Option<usize>,
    /// Let the kernel poll in threads, which you then give a priority: chrt --fifo --pid 85 <PID of napi/IF-…>.
    #[arg(long, conflicts_with = "restore")]
    threaded_napi: bool,
    /// Say what would be changed, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Put back what an earlier tune changed, but for what somebody else changed since.
    #[arg(long)]
    restore: bool,
    /// Where the settings are kept as they were [default: /run/zerocat/tune-IF.json]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Although a rig runs on the interface; with --restore, also what somebody else changed since.
    #[arg(long)]
    force: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Tune {
    pub(crate) fn run(&self) -> Done {
        if let Some(path) = self.state.as_ref().filter(|path| self.restore && !path.exists()) {
            return Err(Failure::of(Fault::StateFileWrong, format!("there is no state file {}", path.display())));
        }
        let tuned = tune(&self.request(), &mut |change| print::say(change)).map_err(failed)?;
        if !self.json && !tuned.settings.is_empty() {
            print::line(shown(&tuned));
        }
        tuned.notes.iter().for_each(|note| print::say(format_args!("note: {note}")));
        let done = self.end(&tuned);
        if self.json { print::document(&tuned, done) } else { done }
    }

    fn request(&self) -> TuneRequest {
        let since = if self.force { ChangedSince::Overwrite } else { ChangedSince::Leave };
        let action = match (self.restore, self.dry_run) {
            (false, false) => Action::Apply,
            (false, true) => Action::DryRunApply,
            (true, false) => Action::Restore(since),
            (true, true) => Action::DryRunRestore(since),
        };
        TuneRequest {
            interface: self.interface.clone(),
            action,
            cpu: self.cpu,
            irq_cpu: self.irq_cpu,
            threaded: if self.threaded_napi { ThreadedNapi::On } else { ThreadedNapi::Leave },
            state: self.state.clone().unwrap_or_else(|| default_state(&self.interface)),
            in_use: if self.force { WhileInUse::Override } else { WhileInUse::Refuse },
        }
    }

    /// The counts; and, of what couldn't be put back, a failure.
    fn end(&self, tuned: &Tuned) -> Done {
        let counted = counted(tuned);
        let (left, refused) = (tuned.count(Outcome::Left), tuned.count(Outcome::Refused));
        if self.restore && refused > 0 {
            return Err(Failure::of(Fault::SettingsNotRestored, format!("{}: {counted}", self.interface)));
        }
        if self.restore && left > 0 {
            return Err(Failure::of(
                Fault::SettingsLeft,
                format!("{}: {counted}; --force puts back what was left", self.interface),
            ));
        }
        if tuned.settings.is_empty() && self.restore {
            let path = self.state.clone().unwrap_or_else(|| default_state(&self.interface));
            print::say(format_args!("{}: {counted}: {} has nothing of it", self.interface, path.display()));
            return Ok(());
        }
        print::say(format_args!("{}: {counted}", self.interface));
        if let Some(path) = tuned.state.as_ref().filter(|_| !self.restore && !self.dry_run) {
            let (interface, state) = (&self.interface, self.state_option());
            print::say(format_args!("to put it back: zerocat tune --interface {interface} --restore{state}"));
            print::say(format_args!("kept in {}", path.display()));
        }
        Ok(())
    }

    fn state_option(&self) -> String {
        self.state.as_ref().map(|path| format!(" --state {}", path.display())).unwrap_or_default()
    }
}

fn failed(error: TuneError) -> Failure {
    let message = zerocat::chain(&error);
    match error {
        TuneError::NoSuchCpu { .. } => Failure::usage(message),
        TuneError::StateRead { .. }
        | TuneError::StateWrong { .. }
        | TuneError::StateElsewhere { .. }
        | TuneError::StateWrite { .. } => Failure::of(Fault::StateFileWrong, message),
        TuneError::Interface(ref error) => Failure::of(fault_of_xdp(error), message),
        TuneError::NotPermitted { .. } => Failure::of(Fault::PermissionMissing, message),
        TuneError::InUse { .. } => Failure::of(Fault::InterfaceInUse, message),
        _ => Failure::of(Fault::SettingsRefused, message),
    }
}

/// A line for each setting: what, from, to, why; or the reason why not.
fn shown(tuned: &Tuned) -> String {
    let mut table = print::table(["setting", "outcome", "from", "to", "why"]);
    for Row { setting, outcome, from, to, why, reason, .. } in &tuned.settings {
        let was = from.as_ref().map(|from| from.differing_from(to.as_ref())).unwrap_or_default();
        let is = to.as_ref().map(|to| to.differing_from(from.as_ref())).unwrap_or_default();
        let why = match (reason, outcome) {
            (Some(reason), Outcome::Changed) => format!("{why} ({reason})"),
            (Some(reason), _) => reason.clone(),
            (None, Outcome::Changed | Outcome::WouldChange) => (*why).to_owned(),
            (None, _) => String::new(),
        };
        table.add_row([setting.to_string(), outcome.name().to_owned(), was, is, why]);
    }
    table.to_string()
}

/// `5 changed, 3 as wanted, 2 unavailable`; `nothing to put back`.
fn counted(tuned: &Tuned) -> String {
    let all = [
        Outcome::Changed,
        Outcome::WouldChange,
        Outcome::AsWanted,
        Outcome::PutBack,
        Outcome::WouldPutBack,
        Outcome::AsBefore,
        Outcome::Left,
        Outcome::Gone,
        Outcome::Refused,
        Outcome::Unavailable,
    ];
    let counts = all.map(|outcome| (tuned.count(outcome), outcome.name()));
    let counts: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
    if counts.is_empty() { "nothing to put back".to_owned() } else { counts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_host::tune::{Setting, Value};

    fn tuned(outcomes: &[Outcome]) -> Tuned {
        let row = |outcome: &Outcome| Row {
            setting: Setting::Offload("rx-gro".to_owned()),
            outcome: *outcome,
            from: Some(Value::Switch(true)),
            to: Some(Value::Switch(false)),
            check: "offloads",
            why: "because",
            reason: (*outcome == Outcome::Refused).then(|| "the driver won't".to_owned()),
        };
        Tuned {
            schema: "zerocat-tune/1",
            version: "0",
            interface: "eth1".to_owned(),
            action: "apply",
            state: None,
            settings: outcomes.iter().map(row).collect(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn each_outcome_is_counted_once() {
        let outcomes = [Outcome::Changed, Outcome::Refused, Outcome::Changed, Outcome::AsWanted];
        assert_eq!(counted(&tuned(&outcomes)), "2 changed, 1 as wanted, 1 refused");
        assert_eq!(counted(&tuned(&[])), "nothing to put back");
    }

    #[test]
    fn a_change_says_why_and_a_refusal_why_not() {
        let text = shown(&tuned(&[Outcome::Changed, Outcome::Refused]));
        assert_eq!((text.matches("because").count(), text.matches("the driver won't").count()), (1, 1), "{text}");
    }
}
