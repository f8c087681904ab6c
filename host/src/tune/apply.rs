//! Carries out a plan, one setting after another, and reads back the result.
//!
//! Guarantees: the old value of a setting is in the state file before it is changed. A refused setting doesn't stop the
//! rest.

use super::TuneError;
use super::outcome::{Done, Outcome, Row};
use super::plan::{Found, Item, Preferences, Reading, plan};
use super::port::{Port, explained};
use super::setting::{Setting, Value};
use super::state::State;
use crate::nic::NicGroup;
use std::io;

/// The queues come first and alone, because changing them adds and removes interrupts and renumbers them.
pub(super) const PASSES: [fn(&Setting) -> bool; 2] = [is_queues, |setting| !is_queues(setting)];

fn is_queues(setting: &Setting) -> bool {
    *setting == Setting::Group(NicGroup::Queues)
}

/// What applying would do.
pub(super) fn dry_run(port: &impl Port, preferences: &Preferences) -> Vec<Row> {
    plan(&port.read(), preferences).into_iter().map(|item| row(item, &Attempt::Not, None)).collect()
}

/// Applies the plan. `say` is called with each change before it is made.
pub(super) fn apply(
    port: &impl Port,
    preferences: &Preferences,
    state: &mut State,
    say: &mut dyn FnMut(&str),
) -> Result<Done, TuneError> {
    let (mut done, mut notes) = (Vec::new(), Vec::new());
    for in_this_pass in PASSES {
        let items = plan(&port.read(), preferences);
        state.record(&items)?;
        let mut changed = Vec::new();
        for item in items.into_iter().filter(|item| in_this_pass(&item.setting)) {
            let result = attempt(port, &item, say);
            if matches!(result, Attempt::Accepted) {
                changed.push(item.setting.clone());
            }
            done.push((item, result));
        }
        notes.extend(port.settle(&changed));
    }
    notes.extend(repeat_ignored(port, &done, say));
    let readings = port.read();
    let planned = done.iter().filter(|(item, _)| !item.to.is_empty());
    let touched: Vec<_> = planned.map(|(item, _)| item.setting.clone()).collect();
    state.record_result(&touched, &readings)?;
    let read_back = |(item, result): (Item, Attempt)| {
        let now = value_of(&readings, &item.setting).cloned();
        row(item, &result, now)
    };
    Ok(Done { rows: done.into_iter().map(read_back).collect(), notes })
}

pub(super) fn value_of<'a>(readings: &'a [Reading], setting: &Setting) -> Option<&'a Value> {
    readings.iter().find(|reading| reading.setting == *setting)?.found.value()
}

/// How the driver answered.
enum Attempt {
    Not,
    Accepted,
    Refused(io::Error),
}

fn attempt(port: &impl Port, item: &Item, say: &mut dyn FnMut(&str)) -> Attempt {
    let Found::Is(from) = &item.found else { return Attempt::Not };
    let mut refused = Attempt::Not;
    for to in &item.to {
        say(&format!("{}: {} -> {}", item.setting, from.differing_from(Some(to)), to.differing_from(Some(from))));
        match port.write(&item.setting, to) {
            Ok(()) => return Attempt::Accepted,
            Err(error) if matches!(refused, Attempt::Not) => refused = Attempt::Refused(error),
            Err(_) => {}
        }
    }
    refused
}

/// Repeats settings that the driver accepted and the link then negotiated otherwise. igb does this when it reads its
/// PHY between the command and the end of the reset.
fn repeat_ignored(port: &impl Port, done: &[(Item, Attempt)], say: &mut dyn FnMut(&str)) -> Option<String> {
    let readings = port.read();
    let ignored = |(item, result): &&(Item, Attempt)| {
        let now = value_of(&readings, &item.setting);
        let negotiated = matches!(item.setting, Setting::Group(NicGroup::Pause | NicGroup::EnergyEfficient));
        negotiated && matches!(result, Attempt::Accepted) && now.is_some_and(|now| !item.to.contains(now))
    };
    let again = done.iter().filter(ignored).map(|(item, _)| item);
    let repeated = again.filter(|item| matches!(attempt(port, item, say), Attempt::Accepted));
    let repeated: Vec<_> = repeated.map(|item| item.setting.clone()).collect();
    if repeated.is_empty() { None } else { port.settle(&repeated) }
}

/// `now` is the value that was read afterwards.
fn row(item: Item, result: &Attempt, now: Option<Value>) -> Row {
    let Item { setting, found, to, check, why } = item;
    let from = found.value().cloned();
    let (outcome, to, reason) = match (found, to.into_iter().next(), result) {
        (Found::Absent(reason), ..) => (Outcome::Unavailable, None, Some(reason)),
        (_, None, _) => (Outcome::AsWanted, None, None),
        (Found::Fixed(_), Some(_), _) => {
            (Outcome::Refused, None, Some("the driver doesn't allow changing it".to_owned()))
        }
        (Found::Is(_), Some(to), Attempt::Not) => (Outcome::WouldChange, Some(to), None),
        (Found::Is(_), Some(_), Attempt::Refused(error)) => (Outcome::Refused, None, Some(refusal(&setting, error))),
        (Found::Is(_), Some(_), Attempt::Accepted) if now == from => {
            (Outcome::Refused, None, Some("accepted, but unchanged".to_owned()))
        }
        (Found::Is(_), Some(to), Attempt::Accepted) => {
            let other = now.as_ref().is_some_and(|now| *now != to);
            let reason = other.then(|| format!("asked for {}", to.differing_from(now.as_ref())));
            (Outcome::Changed, Some(now.unwrap_or(to)), reason)
        }
    };
    Row { setting, outcome, from, to, check, why, reason }
}

pub(super) fn refusal(setting: &Setting, error: &io::Error) -> String {
    match setting {
        Setting::Irq(_) => {
            format!("{}; an interrupt whose affinity the kernel manages can't be moved", explained(error))
        }
        _ => explained(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::plan::{IrqCpu, ThreadedNapi};
    use crate::tune::state::Identity;
    use crate::tune::testing::{FakePort, coalescing, queues};
    use std::cell::RefCell;
    use zerocat_testkit::FakeTree;

    const PREFERENCES: Preferences =
        Preferences { irq_cpu: IrqCpu::Housekeeping { realtime: Some(1), choose: 0 }, threaded: ThreadedNapi::Leave };

    fn outcomes(rows: &[Row]) -> Vec<(String, Outcome)> {
        rows.iter().map(|row| (row.setting.to_string(), row.outcome)).collect()
    }

    fn state(folder: &FakeTree) -> State {
        State::open(&folder.path("state.json"), &Identity::default()).unwrap()
    }

    #[test]
    fn a_dry_run_reports_what_applying_does_and_changes_nothing() {
        let (folder, port) = (FakeTree::new(&[]), FakePort::new());
        let before = port.read();
        let planned = dry_run(&port, &PREFERENCES);
        assert_eq!(port.read(), before);
        let applied = apply(&port, &PREFERENCES, &mut state(&folder), &mut |_| {}).unwrap().rows;
        assert!(planned.iter().any(|row| row.outcome == Outcome::WouldChange));
        for row in planned.iter().filter(|row| row.outcome == Outcome::WouldChange) {
            let done = applied.iter().find(|done| done.setting == row.setting);
            // Interrupts of removed queues are gone.
            assert!(done.is_none_or(|done| done.outcome == Outcome::Changed && done.to == row.to), "{done:?}");
        }
    }

    #[test]
    fn after_applying_all_settings_are_as_wanted() {
        let (folder, port) = (FakeTree::new(&[]), FakePort::new());
        let mut state = state(&folder);
        apply(&port, &PREFERENCES, &mut state, &mut |_| {}).unwrap();
        let again = apply(&port, &PREFERENCES, &mut state, &mut |_| {}).unwrap().rows;
        assert!(again.iter().all(|row| matches!(row.outcome, Outcome::AsWanted | Outcome::Unavailable)), "{again:#?}");
    }

    #[test]
    fn the_old_value_is_in_the_file_before_a_setting_is_changed() {
        let (folder, first, unkept) = (FakeTree::new(&[]), FakePort::new().read(), RefCell::new(Vec::new()));
        let port = FakePort::new();
        port.before_each_write(|setting| {
            let kept = state(&folder);
            let entry = kept.entries().iter().find(|entry| entry.setting == *setting);
            if entry.map(|entry| Some(&entry.from)) != Some(value_of(&first, setting)) {
                unkept.borrow_mut().push(setting.clone());
            }
        });
        apply(&port, &PREFERENCES, &mut state(&folder), &mut |_| {}).unwrap();
        assert_eq!(*unkept.borrow(), []);
    }

    #[test]
    fn a_refusal_is_reported_and_does_not_stop_the_rest() {
        let (folder, port) = (FakeTree::new(&[]), FakePort::new());
        port.refuse(&queues(), 2);
        let rows = apply(&port, &PREFERENCES, &mut state(&folder), &mut |_| {}).unwrap().rows;
        let of = |setting: &Setting| rows.iter().find(|row| row.setting == *setting).unwrap();
        assert_eq!(of(&queues()).outcome, Outcome::Refused);
        assert!(of(&queues()).reason.is_some());
        assert_eq!(of(&coalescing()).outcome, Outcome::Changed, "{:?}", outcomes(&rows));
        assert!(state(&folder).entries().iter().all(|entry| entry.setting != queues()), "nothing to put back");
    }

    #[test]
    fn a_refused_value_is_followed_by_the_next_best() {
        let (folder, port) = (FakeTree::new(&[]), FakePort::new());
        port.refuse(&coalescing(), 1);
        let rows = apply(&port, &PREFERENCES, &mut state(&folder), &mut |_| {}).unwrap().rows;
        let row = rows.iter().find(|row| row.setting == coalescing()).unwrap();
        assert_eq!(row.outcome, Outcome::Changed);
        assert!(row.reason.as_ref().is_some_and(|reason| reason.contains("asked for rx-frames 0")), "{row:?}");
    }

    #[test]
    fn pause_frames_that_the_link_negotiates_again_are_switched_off_again() {
        let (folder, port) = (FakeTree::new(&[]), FakePort::new());
        port.negotiate_late();
        let rows = apply(&port, &PREFERENCES, &mut state(&folder), &mut |_| {}).unwrap().rows;
        let row = rows.iter().find(|row| row.setting == Setting::Group(NicGroup::Pause)).unwrap();
        assert_eq!((&row.to, &row.reason), (&Some(Value::words([("autoneg", 0), ("rx", 0), ("tx", 0)])), &None));
    }

    #[test]
    fn a_setting_that_is_accepted_and_unchanged_counts_as_refused() {
        let (folder, port) = (FakeTree::new(&[]), FakePort::new());
        port.ignore(&coalescing());
        let rows = apply(&port, &PREFERENCES, &mut state(&folder), &mut |_| {}).unwrap().rows;
        assert_eq!(rows.iter().find(|row| row.setting == coalescing()).unwrap().outcome, Outcome::Refused);
    }
}
