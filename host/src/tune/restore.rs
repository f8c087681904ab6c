//! Restores the settings that an interface had before it was tuned, from the state file.
//!
//! Guarantees: a setting that something else changed in the meantime is left alone and reported, unless the caller
//! overrides that; a setting that couldn't be restored stays in the file for another attempt.

use super::TuneError;
use super::apply::{PASSES, refusal, value_of};
use super::outcome::{Done, Outcome, Row};
use super::plan::{Found, Reading, reason};
use super::port::Port;
use super::setting::{Setting, Value};
use super::state::{Entry, State};

/// What to do with a setting that something else changed in the meantime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChangedSince {
    /// Leave it alone.
    #[default]
    Leave,
    /// Restore the value that it had before it was tuned.
    Overwrite,
}

/// What to do with an entry.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    AsBefore,
    PutBack,
    Left(String),
    Gone,
    Unavailable(String),
}

/// `start` was read before anything was restored, `now` last.
fn judge(entry: &Entry, start: &[Reading], now: &[Reading], since: ChangedSince) -> Verdict {
    let Some(current) = value_of(now, &entry.setting) else { return absent(&entry.setting, now) };
    if *current == entry.from {
        return Verdict::AsBefore;
    }
    match (&entry.after, value_of(start, &entry.setting)) {
        (Some(after), Some(found)) if found != after && since == ChangedSince::Leave => {
            Verdict::Left(format!("changed since it was tuned to {}", after.differing_from(Some(found))))
        }
        _ => Verdict::PutBack,
    }
}

/// A missing interrupt no longer exists, provided that interrupts can be listed.
fn absent(setting: &Setting, now: &[Reading]) -> Verdict {
    let same_kind = |reading: &&Reading| match setting {
        Setting::Irq(_) => matches!(reading.setting, Setting::Irq(_)),
        other => reading.setting == *other,
    };
    let reason = now.iter().filter(same_kind).find_map(|reading| match &reading.found {
        Found::Absent(reason) => Some(reason.clone()),
        Found::Is(_) | Found::Fixed(_) => None,
    });
    reason.map_or(Verdict::Gone, Verdict::Unavailable)
}

/// What restoring would do.
pub(super) fn dry_run(port: &impl Port, state: &State, since: ChangedSince) -> Vec<Row> {
    let now = port.read();
    let one = |entry: &Entry| {
        let found = value_of(&now, &entry.setting).cloned();
        let (outcome, reason) = match judge(entry, &now, &now, since) {
            Verdict::PutBack => (Outcome::WouldPutBack, None),
            other => settled(other),
        };
        row(entry, outcome, found, reason)
    };
    state.entries().iter().map(one).collect()
}

/// Restores the settings. `say` is called with each change before it is made.
pub(super) fn restore(
    port: &impl Port,
    state: &mut State,
    since: ChangedSince,
    say: &mut dyn FnMut(&str),
) -> Result<Done, TuneError> {
    let start = port.read();
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for in_this_pass in PASSES {
        let now = port.read();
        let mut changed = Vec::new();
        // In reverse order of the changes.
        for entry in state.entries().iter().rev().filter(|entry| in_this_pass(&entry.setting)) {
            let found = value_of(&now, &entry.setting).cloned();
            let (outcome, reason) = match judge(entry, &start, &now, since) {
                Verdict::PutBack => put_back(port, entry, found.as_ref(), say),
                other => settled(other),
            };
            if outcome == Outcome::PutBack {
                changed.push(entry.setting.clone());
            }
            rows.push(row(entry, outcome, found, reason));
        }
        notes.extend(port.settle(&changed));
    }
    check(&mut rows, &port.read());
    let over = |row: &&Row| matches!(row.outcome, Outcome::PutBack | Outcome::AsBefore | Outcome::Gone);
    let over: Vec<_> = rows.iter().filter(over).map(|row| row.setting.clone()).collect();
    state.forget(&over)?;
    Ok(Done { rows, notes })
}

fn settled(verdict: Verdict) -> (Outcome, Option<String>) {
    match verdict {
        Verdict::AsBefore | Verdict::PutBack => (Outcome::AsBefore, None),
        Verdict::Left(reason) => (Outcome::Left, Some(reason)),
        Verdict::Gone => (Outcome::Gone, Some("this interrupt no longer exists".to_owned())),
        Verdict::Unavailable(reason) => (Outcome::Refused, Some(reason)),
    }
}

fn put_back(
    port: &impl Port,
    entry: &Entry,
    found: Option<&Value>,
    say: &mut dyn FnMut(&str),
) -> (Outcome, Option<String>) {
    let now = found.map(|found| found.differing_from(Some(&entry.from))).unwrap_or_default();
    say(&format!("{}: {now} -> {}", entry.setting, entry.from.differing_from(found)));
    match port.write(&entry.setting, &entry.from) {
        Ok(()) => (Outcome::PutBack, None),
        Err(error) => (Outcome::Refused, Some(refusal(&entry.setting, &error))),
    }
}

/// A value that was accepted but isn't read back counts as refused.
fn check(rows: &mut [Row], end: &[Reading]) {
    for row in rows.iter_mut().filter(|row| row.outcome == Outcome::PutBack) {
        let now = value_of(end, &row.setting);
        if now != row.to.as_ref() {
            let is = now.map_or_else(|| "unknown".to_owned(), |now| now.differing_from(row.to.as_ref()));
            (row.outcome, row.reason) = (Outcome::Refused, Some(format!("accepted, but it is {is}")));
        }
    }
}

fn row(entry: &Entry, outcome: Outcome, from: Option<Value>, explanation: Option<String>) -> Row {
    let (check, why) = reason(&entry.setting);
    let to = matches!(outcome, Outcome::PutBack | Outcome::WouldPutBack).then(|| entry.from.clone());
    Row { setting: entry.setting.clone(), outcome, from, to, check, why, reason: explanation }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::apply::apply;
    use crate::tune::plan::{IrqCpu, Preferences, ThreadedNapi};
    use crate::tune::state::Identity;
    use crate::tune::testing::{FakePort, coalescing, irq, queues};
    use zerocat_testkit::FakeTree;

    const PREFERENCES: Preferences =
        Preferences { irq_cpu: IrqCpu::Housekeeping { realtime: Some(1), choose: 0 }, threaded: ThreadedNapi::Leave };

    fn state(folder: &FakeTree) -> State {
        State::open(&folder.path("state.json"), &Identity::default()).unwrap()
    }

    fn tuned(folder: &FakeTree) -> (FakePort<'static>, Vec<Reading>) {
        let port = FakePort::new();
        let before = port.read();
        apply(&port, &PREFERENCES, &mut state(folder), &mut |_| {}).unwrap();
        assert_ne!(port.read(), before);
        (port, before)
    }

    fn restored(port: &FakePort<'_>, folder: &FakeTree, since: ChangedSince) -> Vec<Row> {
        restore(port, &mut state(folder), since, &mut |_| {}).unwrap().rows
    }

    fn outcome(rows: &[Row], setting: &Setting) -> Outcome {
        rows.iter().find(|row| row.setting == *setting).unwrap().outcome
    }

    #[test]
    fn all_settings_are_restored_and_the_file_is_removed() {
        let folder = FakeTree::new(&[]);
        let (port, before) = tuned(&folder);
        restored(&port, &folder, ChangedSince::Leave);
        assert_eq!(port.read(), before);
        assert!(!folder.path("state.json").exists());
        assert!(restored(&port, &folder, ChangedSince::Leave).is_empty(), "nothing to do");
    }

    #[test]
    fn after_two_tunings_the_original_values_are_restored() {
        let folder = FakeTree::new(&[]);
        let (port, before) = tuned(&folder);
        port.set(&coalescing(), 50);
        apply(&port, &PREFERENCES, &mut state(&folder), &mut |_| {}).unwrap();
        restored(&port, &folder, ChangedSince::Leave);
        assert_eq!(port.read(), before);
    }

    #[test]
    fn a_setting_changed_since_is_left_alone_and_stays_in_the_file() {
        let folder = FakeTree::new(&[]);
        let (port, before) = tuned(&folder);
        port.set(&coalescing(), 50);
        let rows = restored(&port, &folder, ChangedSince::Leave);
        assert_eq!(outcome(&rows, &coalescing()), Outcome::Left);
        assert_ne!(value_of(&port.read(), &coalescing()), value_of(&before, &coalescing()));
        assert_eq!(value_of(&port.read(), &queues()), value_of(&before, &queues()), "the others are restored");
        let rows = restored(&port, &folder, ChangedSince::Overwrite);
        assert_eq!(outcome(&rows, &coalescing()), Outcome::PutBack);
        assert_eq!(port.read(), before);
    }

    #[test]
    fn a_setting_that_was_already_restored_is_as_before() {
        let folder = FakeTree::new(&[]);
        let (port, before) = tuned(&folder);
        port.write(&coalescing(), value_of(&before, &coalescing()).unwrap()).unwrap();
        assert_eq!(outcome(&restored(&port, &folder, ChangedSince::Leave), &coalescing()), Outcome::AsBefore);
    }

    #[test]
    fn a_tuning_killed_after_any_change_can_be_restored() {
        for survived in 0..12 {
            let folder = FakeTree::new(&[]);
            let port = FakePort::new();
            let before = port.read();
            port.die_after(survived);
            let tuning = std::panic::AssertUnwindSafe(|| apply(&port, &PREFERENCES, &mut state(&folder), &mut |_| {}));
            let killed = std::panic::catch_unwind(tuning).is_err();
            port.die_after(usize::MAX);
            let rows = restored(&port, &folder, ChangedSince::Leave);
            assert!(
                rows.iter().all(|row| row.outcome != Outcome::Left),
                "a change of our own is not one of others: {rows:#?}"
            );
            assert_eq!(port.read(), before, "after {survived} changes, killed: {killed}");
        }
    }

    #[test]
    fn a_setting_that_cannot_be_restored_stays_in_the_file() {
        let folder = FakeTree::new(&[]);
        let (port, _) = tuned(&folder);
        port.refuse(&coalescing(), 1);
        assert_eq!(outcome(&restored(&port, &folder, ChangedSince::Leave), &coalescing()), Outcome::Refused);
        assert_eq!(state(&folder).entries().len(), 1);
        assert_eq!(outcome(&restored(&port, &folder, ChangedSince::Leave), &coalescing()), Outcome::PutBack);
    }

    #[test]
    fn a_removed_interrupt_needs_no_restoring() {
        let folder = FakeTree::new(&[]);
        let (port, _) = tuned(&folder);
        port.unplug(&irq(0));
        assert_eq!(outcome(&restored(&port, &folder, ChangedSince::Leave), &irq(0)), Outcome::Gone);
        assert!(!folder.path("state.json").exists());
    }

    #[test]
    fn a_dry_run_changes_nothing() {
        let folder = FakeTree::new(&[]);
        let (port, _) = tuned(&folder);
        let tuned = port.read();
        let rows = dry_run(&port, &state(&folder), ChangedSince::Leave);
        assert_eq!(port.read(), tuned);
        assert_eq!(outcome(&rows, &coalescing()), Outcome::WouldPutBack);
    }
}
