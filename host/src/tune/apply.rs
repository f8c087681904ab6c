//! Changes what a plan says, one setting after another, and reads back what became of it.
//!
//! Guarantees: what a setting was is in the state file before it is changed. A setting that is refused stops nothing.

use super::TuneError;
use super::outcome::{Done, Outcome, Row};
use super::plan::{Found, Item, Reading, Wish, plan};
use super::port::{Port, said};
use super::setting::{Setting, Value};
use super::state::State;
use crate::nic::NicGroup;
use std::io;

/// Queues come first and alone: with them interrupts come and go, and change their numbers.
pub(super) const PASSES: [fn(&Setting) -> bool; 2] = [is_queues, |setting| !is_queues(setting)];

fn is_queues(setting: &Setting) -> bool {
    *setting == Setting::Group(NicGroup::Queues)
}

/// What would be done.
pub(super) fn rehearse(port: &impl Port, wish: &Wish) -> Vec<Row> {
    plan(&port.read(), wish).into_iter().map(|item| row(item, &Tried::Not, None)).collect()
}

/// Does it. `say` is told of each change before it is made.
pub(super) fn apply(
    port: &impl Port,
    wish: &Wish,
    state: &mut State,
    say: &mut dyn FnMut(&str),
) -> Result<Done, TuneError> {
    let (mut done, mut notes) = (Vec::new(), Vec::new());
    for in_this_pass in PASSES {
        let items = plan(&port.read(), wish);
        state.keep(&items)?;
        let mut changed = Vec::new();
        for item in items.into_iter().filter(|item| in_this_pass(&item.setting)) {
            let tried = attempt(port, &item, say);
            if matches!(tried, Tried::Accepted) {
                changed.push(item.setting.clone());
            }
            done.push((item, tried));
        }
        notes.extend(port.settle(&changed));
    }
    notes.extend(insist(port, &done, say));
    let readings = port.read();
    let planned = done.iter().filter(|(item, _)| !item.to.is_empty());
    let touched: Vec<_> = planned.map(|(item, _)| item.setting.clone()).collect();
    state.settle(&touched, &readings)?;
    let read_back = |(item, tried): (Item, Tried)| {
        let now = value_of(&readings, &item.setting).cloned();
        row(item, &tried, now)
    };
    Ok(Done { rows: done.into_iter().map(read_back).collect(), notes })
}

pub(super) fn value_of<'a>(readings: &'a [Reading], setting: &Setting) -> Option<&'a Value> {
    readings.iter().find(|reading| reading.setting == *setting)?.found.value()
}

/// What was tried of an item.
enum Tried {
    Not,
    Accepted,
    Refused(io::Error),
}

fn attempt(port: &impl Port, item: &Item, say: &mut dyn FnMut(&str)) -> Tried {
    let Found::Is(from) = &item.found else { return Tried::Not };
    let mut refused = Tried::Not;
    for to in &item.to {
        say(&format!("{}: {} -> {}", item.setting, from.beside(Some(to)), to.beside(Some(from))));
        match port.write(&item.setting, to) {
            Ok(()) => return Tried::Accepted,
            Err(error) if matches!(refused, Tried::Not) => refused = Tried::Refused(error),
            Err(_) => {}
        }
    }
    refused
}

/// Tells the link once more what it agreed on otherwise after it had accepted it: igb does when it looks at its PHY again
/// between the order and the end of the reset.
fn insist(port: &impl Port, done: &[(Item, Tried)], say: &mut dyn FnMut(&str)) -> Option<String> {
    let readings = port.read();
    let forgotten = |(item, tried): &&(Item, Tried)| {
        let now = value_of(&readings, &item.setting);
        let agreed = matches!(item.setting, Setting::Group(NicGroup::Pause | NicGroup::EnergyEfficient));
        agreed && matches!(tried, Tried::Accepted) && now.is_some_and(|now| !item.to.contains(now))
    };
    let again = done.iter().filter(forgotten).map(|(item, _)| item);
    let told = again.filter(|item| matches!(attempt(port, item, say), Tried::Accepted));
    let told: Vec<_> = told.map(|item| item.setting.clone()).collect();
    if told.is_empty() { None } else { port.settle(&told) }
}

/// `now` is what was read after.
fn row(item: Item, tried: &Tried, now: Option<Value>) -> Row {
    let Item { setting, found, to, check, why } = item;
    let from = found.value().cloned();
    let (outcome, to, reason) = match (found, to.into_iter().next(), tried) {
        (Found::Absent(reason), ..) => (Outcome::Unavailable, None, Some(reason)),
        (_, None, _) => (Outcome::AsWanted, None, None),
        (Found::Fixed(_), Some(_), _) => (Outcome::Refused, None, Some("the driver has it so for good".to_owned())),
        (Found::Is(_), Some(to), Tried::Not) => (Outcome::WouldChange, Some(to), None),
        (Found::Is(_), Some(_), Tried::Refused(error)) => (Outcome::Refused, None, Some(refusal(&setting, error))),
        (Found::Is(_), Some(_), Tried::Accepted) if now == from => {
            (Outcome::Refused, None, Some("accepted, and it stayed as it was".to_owned()))
        }
        (Found::Is(_), Some(to), Tried::Accepted) => {
            let other = now.as_ref().is_some_and(|now| *now != to);
            let reason = other.then(|| format!("asked for {}", to.beside(now.as_ref())));
            (Outcome::Changed, Some(now.unwrap_or(to)), reason)
        }
    };
    Row { setting, outcome, from, to, check, why, reason }
}

pub(super) fn refusal(setting: &Setting, error: &io::Error) -> String {
    match setting {
        Setting::Irq(_) => format!("{}; an interrupt that the kernel manages can't be moved", said(error)),
        _ => said(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::plan::{IrqCpu, ThreadedNapi};
    use crate::tune::state::Identity;
    use crate::tune::testing::{Bench, coalescing, queues};
    use std::cell::RefCell;
    use zerocat_testkit::FakeTree;

    const WISH: Wish =
        Wish { irq_cpu: IrqCpu::Housekeeping { realtime: Some(1), choose: 0 }, threaded: ThreadedNapi::Leave };

    fn outcomes(rows: &[Row]) -> Vec<(String, Outcome)> {
        rows.iter().map(|row| (row.setting.to_string(), row.outcome)).collect()
    }

    fn state(folder: &FakeTree) -> State {
        State::open(&folder.path("state.json"), &Identity::default()).unwrap()
    }

    #[test]
    fn a_rehearsal_says_what_applying_does_and_changes_nothing() {
        let (folder, bench) = (FakeTree::new(&[]), Bench::new());
        let before = bench.read();
        let rehearsed = rehearse(&bench, &WISH);
        assert_eq!(bench.read(), before);
        let applied = apply(&bench, &WISH, &mut state(&folder), &mut |_| {}).unwrap().rows;
        assert!(rehearsed.iter().any(|row| row.outcome == Outcome::WouldChange));
        for row in rehearsed.iter().filter(|row| row.outcome == Outcome::WouldChange) {
            let done = applied.iter().find(|done| done.setting == row.setting);
            // Interrupts of queues that went are gone with them.
            assert!(done.is_none_or(|done| done.outcome == Outcome::Changed && done.to == row.to), "{done:?}");
        }
    }

    #[test]
    fn what_is_there_is_as_wanted_after_and_nothing_is_left_to_do() {
        let (folder, bench) = (FakeTree::new(&[]), Bench::new());
        let mut state = state(&folder);
        apply(&bench, &WISH, &mut state, &mut |_| {}).unwrap();
        let again = apply(&bench, &WISH, &mut state, &mut |_| {}).unwrap().rows;
        assert!(again.iter().all(|row| matches!(row.outcome, Outcome::AsWanted | Outcome::Unavailable)), "{again:#?}");
    }

    #[test]
    fn each_setting_is_in_the_file_as_it_was_before_it_is_changed() {
        let (folder, first, unkept) = (FakeTree::new(&[]), Bench::new().read(), RefCell::new(Vec::new()));
        let bench = Bench::new();
        bench.before_each_write(|setting| {
            let kept = state(&folder);
            let entry = kept.entries().iter().find(|entry| entry.setting == *setting);
            if entry.map(|entry| Some(&entry.from)) != Some(value_of(&first, setting)) {
                unkept.borrow_mut().push(setting.clone());
            }
        });
        apply(&bench, &WISH, &mut state(&folder), &mut |_| {}).unwrap();
        assert_eq!(*unkept.borrow(), []);
    }

    #[test]
    fn a_refusal_is_said_and_stops_nothing() {
        let (folder, bench) = (FakeTree::new(&[]), Bench::new());
        bench.refuse(&queues(), 2);
        let rows = apply(&bench, &WISH, &mut state(&folder), &mut |_| {}).unwrap().rows;
        let of = |setting: &Setting| rows.iter().find(|row| row.setting == *setting).unwrap();
        assert_eq!(of(&queues()).outcome, Outcome::Refused);
        assert!(of(&queues()).reason.is_some());
        assert_eq!(of(&coalescing()).outcome, Outcome::Changed, "{:?}", outcomes(&rows));
        assert!(state(&folder).entries().iter().all(|entry| entry.setting != queues()), "nothing to put back");
    }

    #[test]
    fn what_a_driver_refuses_first_is_asked_for_in_another_way() {
        let (folder, bench) = (FakeTree::new(&[]), Bench::new());
        bench.refuse(&coalescing(), 1);
        let rows = apply(&bench, &WISH, &mut state(&folder), &mut |_| {}).unwrap().rows;
        let row = rows.iter().find(|row| row.setting == coalescing()).unwrap();
        assert_eq!(row.outcome, Outcome::Changed);
        assert!(row.reason.as_ref().is_some_and(|reason| reason.contains("asked for rx-frames 0")), "{row:?}");
    }

    #[test]
    fn a_link_that_agrees_on_pause_frames_after_it_was_told_not_to_is_told_again() {
        let (folder, bench) = (FakeTree::new(&[]), Bench::new());
        bench.agree_late();
        let rows = apply(&bench, &WISH, &mut state(&folder), &mut |_| {}).unwrap().rows;
        let row = rows.iter().find(|row| row.setting == Setting::Group(NicGroup::Pause)).unwrap();
        assert_eq!((&row.to, &row.reason), (&Some(Value::words([("autoneg", 0), ("rx", 0), ("tx", 0)])), &None));
    }

    #[test]
    fn a_driver_that_accepts_and_does_nothing_is_a_refusal() {
        let (folder, bench) = (FakeTree::new(&[]), Bench::new());
        bench.ignore(&coalescing());
        let rows = apply(&bench, &WISH, &mut state(&folder), &mut |_| {}).unwrap().rows;
        assert_eq!(rows.iter().find(|row| row.setting == coalescing()).unwrap().outcome, Outcome::Refused);
    }
}
