//! Puts an interface back as it was before it was tuned, from the state file.
//!
//! Guarantees: a setting that somebody else changed since is left as it is, and said, unless that is overridden; what
//! couldn't be put back stays in the file, for another time.

use super::TuneError;
use super::apply::{PASSES, refusal, value_of};
use super::outcome::{Done, Outcome, Row};
use super::plan::{Found, Reading, reason};
use super::port::Port;
use super::setting::{Setting, Value};
use super::state::{Entry, State};

/// What to do about a setting that somebody else changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChangedSince {
    /// Leave it.
    #[default]
    Leave,
    /// Put back what it was before it was tuned.
    Overwrite,
}

/// What is to be done about an entry.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    AsBefore,
    PutBack,
    Left(String),
    Gone,
    Unavailable(String),
}

/// `start` is what was read before anything was put back, `now` what was read last.
fn judge(entry: &Entry, start: &[Reading], now: &[Reading], since: ChangedSince) -> Verdict {
    let Some(current) = value_of(now, &entry.setting) else { return absent(&entry.setting, now) };
    if *current == entry.from {
        return Verdict::AsBefore;
    }
    match (&entry.after, value_of(start, &entry.setting)) {
        (Some(after), Some(found)) if found != after && since == ChangedSince::Leave => {
            Verdict::Left(format!("somebody changed it since: it was left as {}", after.beside(Some(found))))
        }
        _ => Verdict::PutBack,
    }
}

/// An interrupt that isn't there is gone, if interrupts can be seen.
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

/// What would be put back.
pub(super) fn rehearse(port: &impl Port, state: &State, since: ChangedSince) -> Vec<Row> {
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

/// Puts it back. `say` is told of each change before it is made.
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
        // What was changed last is put back first.
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
        Verdict::Gone => (Outcome::Gone, Some("there is no such interrupt any more".to_owned())),
        Verdict::Unavailable(reason) => (Outcome::Refused, Some(reason)),
    }
}

fn put_back(
    port: &impl Port,
    entry: &Entry,
    found: Option<&Value>,
    say: &mut dyn FnMut(&str),
) -> (Outcome, Option<String>) {
    let now = found.map(|found| found.beside(Some(&entry.from))).unwrap_or_default();
    say(&format!("{}: {now} -> {}", entry.setting, entry.from.beside(found)));
    match port.write(&entry.setting, &entry.from) {
        Ok(()) => (Outcome::PutBack, None),
        Err(error) => (Outcome::Refused, Some(refusal(&entry.setting, &error))),
    }
}

/// What was accepted and isn't so was refused.
fn check(rows: &mut [Row], end: &[Reading]) {
    for row in rows.iter_mut().filter(|row| row.outcome == Outcome::PutBack) {
        let now = value_of(end, &row.setting);
        if now != row.to.as_ref() {
            let is = now.map_or_else(|| "unknown".to_owned(), |now| now.beside(row.to.as_ref()));
            (row.outcome, row.reason) = (Outcome::Refused, Some(format!("accepted, and it is {is}")));
        }
    }
}

fn row(entry: &Entry, outcome: Outcome, from: Option<Value>, told: Option<String>) -> Row {
    let (check, why) = reason(&entry.setting);
    let to = matches!(outcome, Outcome::PutBack | Outcome::WouldPutBack).then(|| entry.from.clone());
    Row { setting: entry.setting.clone(), outcome, from, to, check, why, reason: told }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::apply::apply;
    use crate::tune::plan::{IrqCpu, ThreadedNapi, Wish};
    use crate::tune::state::Identity;
    use crate::tune::testing::{Bench, coalescing, irq, queues};
    use zerocat_testkit::FakeTree;

    const WISH: Wish =
        Wish { irq_cpu: IrqCpu::Housekeeping { realtime: Some(1), choose: 0 }, threaded: ThreadedNapi::Leave };

    fn state(folder: &FakeTree) -> State {
        State::open(&folder.path("state.json"), &Identity::default()).unwrap()
    }

    fn tuned(folder: &FakeTree) -> (Bench<'static>, Vec<Reading>) {
        let bench = Bench::new();
        let before = bench.read();
        apply(&bench, &WISH, &mut state(folder), &mut |_| {}).unwrap();
        assert_ne!(bench.read(), before);
        (bench, before)
    }

    fn restored(bench: &Bench<'_>, folder: &FakeTree, since: ChangedSince) -> Vec<Row> {
        restore(bench, &mut state(folder), since, &mut |_| {}).unwrap().rows
    }

    fn outcome(rows: &[Row], setting: &Setting) -> Outcome {
        rows.iter().find(|row| row.setting == *setting).unwrap().outcome
    }

    #[test]
    fn everything_is_as_before_and_the_file_is_gone() {
        let folder = FakeTree::new(&[]);
        let (bench, before) = tuned(&folder);
        restored(&bench, &folder, ChangedSince::Leave);
        assert_eq!(bench.read(), before);
        assert!(!folder.path("state.json").exists());
        assert!(restored(&bench, &folder, ChangedSince::Leave).is_empty(), "nothing to do");
    }

    #[test]
    fn a_second_tuning_does_not_make_the_first_one_permanent() {
        let folder = FakeTree::new(&[]);
        let (bench, before) = tuned(&folder);
        bench.set(&coalescing(), 50);
        apply(&bench, &WISH, &mut state(&folder), &mut |_| {}).unwrap();
        restored(&bench, &folder, ChangedSince::Leave);
        assert_eq!(bench.read(), before);
    }

    #[test]
    fn what_somebody_else_changed_since_is_left_and_stays_in_the_file() {
        let folder = FakeTree::new(&[]);
        let (bench, before) = tuned(&folder);
        bench.set(&coalescing(), 50);
        let rows = restored(&bench, &folder, ChangedSince::Leave);
        assert_eq!(outcome(&rows, &coalescing()), Outcome::Left);
        assert_ne!(value_of(&bench.read(), &coalescing()), value_of(&before, &coalescing()));
        assert_eq!(value_of(&bench.read(), &queues()), value_of(&before, &queues()), "the rest is put back");
        let rows = restored(&bench, &folder, ChangedSince::Overwrite);
        assert_eq!(outcome(&rows, &coalescing()), Outcome::PutBack);
        assert_eq!(bench.read(), before);
    }

    #[test]
    fn what_somebody_else_put_back_already_is_as_before() {
        let folder = FakeTree::new(&[]);
        let (bench, before) = tuned(&folder);
        bench.write(&coalescing(), value_of(&before, &coalescing()).unwrap()).unwrap();
        assert_eq!(outcome(&restored(&bench, &folder, ChangedSince::Leave), &coalescing()), Outcome::AsBefore);
    }

    #[test]
    fn a_tuning_killed_after_any_of_its_changes_can_be_taken_back() {
        for survived in 0..12 {
            let folder = FakeTree::new(&[]);
            let bench = Bench::new();
            let before = bench.read();
            bench.die_after(survived);
            let tuning = std::panic::AssertUnwindSafe(|| apply(&bench, &WISH, &mut state(&folder), &mut |_| {}));
            let killed = std::panic::catch_unwind(tuning).is_err();
            bench.die_after(usize::MAX);
            let rows = restored(&bench, &folder, ChangedSince::Leave);
            assert!(rows.iter().all(|row| row.outcome != Outcome::Left), "our own work is nobody else's: {rows:#?}");
            assert_eq!(bench.read(), before, "after {survived} changes, killed: {killed}");
        }
    }

    #[test]
    fn what_cannot_be_put_back_stays_in_the_file() {
        let folder = FakeTree::new(&[]);
        let (bench, _) = tuned(&folder);
        bench.refuse(&coalescing(), 1);
        assert_eq!(outcome(&restored(&bench, &folder, ChangedSince::Leave), &coalescing()), Outcome::Refused);
        assert_eq!(state(&folder).entries().len(), 1);
        assert_eq!(outcome(&restored(&bench, &folder, ChangedSince::Leave), &coalescing()), Outcome::PutBack);
    }

    #[test]
    fn an_interrupt_that_is_gone_is_nothing_to_put_back() {
        let folder = FakeTree::new(&[]);
        let (bench, _) = tuned(&folder);
        bench.unplug(&irq(0));
        assert_eq!(outcome(&restored(&bench, &folder, ChangedSince::Leave), &irq(0)), Outcome::Gone);
        assert!(!folder.path("state.json").exists());
    }

    #[test]
    fn a_rehearsal_changes_nothing() {
        let folder = FakeTree::new(&[]);
        let (bench, _) = tuned(&folder);
        let tuned = bench.read();
        let rows = rehearse(&bench, &state(&folder), ChangedSince::Leave);
        assert_eq!(bench.read(), tuned);
        assert_eq!(outcome(&rows, &coalescing()), Outcome::WouldPutBack);
    }
}
