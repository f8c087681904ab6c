//! The SubDevices' watchdog beside the times in which frames come.

use super::Found;
use crate::error::Rule;
use crate::exchange::SyncUnitSection;
use crate::rig::{Rig, Slave};
use crate::watchdogs::Watchdogs;
use std::time::Duration;

/// Longest watchdog: 65535 ticks of 100 us (ETG.1000.4, 6.3: the divider's default gives 100 us).
const MAX_WATCHDOG: Duration = Duration::from_micros(6_553_500);
/// Shortest one: a tick.
const SHORTEST: Duration = Duration::from_micros(100);
/// The longest one that is proposed.
const LONGEST: Duration = Duration::from_millis(6_500);
/// What is proposed is a multiple of this.
const STEP: Duration = Duration::from_millis(100);

/// Checks that the watchdog is longer than the cycle, and can be programmed.
pub(super) fn watchdog(rig: &Rig, found: &mut Found) {
    let (watchdog, period) = (rig.engine.watchdog, rig.period());
    let what = format!("{watchdog:?} is not longer than the cycle of {period:?}");
    let fix = match longer_than(period) {
        Some(longer) => format!("give it several cycles, such as \"{longer}\""),
        None => format!("no watchdog is: the longest is {MAX_WATCHDOG:?}; raise the rate of the network"),
    };
    found.demand(Rule::OutOfRange, watchdog > period, "engine.watchdog", what, fix);
    let what = format!("{watchdog:?} is more than {MAX_WATCHDOG:?}");
    found.demand(Rule::OutOfRange, watchdog <= MAX_WATCHDOG, "engine.watchdog", what, "shorten it");
}

/// Checks the watchdogs of a slave: each can be programmed, and outputs come more often than theirs.
pub(super) fn own(rig: &Rig, slave: &Slave, i: usize, found: &mut Found) {
    let Watchdogs { process_data, pdi } = slave.watchdog;
    let in_reach = |time: Duration| (SHORTEST..=MAX_WATCHDOG).contains(&time);
    for (key, time) in [("process_data", process_data), ("pdi", pdi.filter(|time| !time.is_zero()))] {
        let Some(time) = time.filter(|time| !in_reach(*time)) else { continue };
        let what = format!("{time:?} is not in {SHORTEST:?} to {MAX_WATCHDOG:?}");
        found.add(Rule::OutOfRange, format!("slaves[{i}].watchdog.{key}"), what, "give a time such as \"100ms\"");
    }
    let holds = |unit: &&SyncUnitSection| unit.slaves.contains(&slave.key);
    let every = rig.engine.sync_units.iter().find(holds).map_or(1, |unit| unit.every);
    let between = rig.period().saturating_mul(every.into());
    if let Some(time) = process_data.filter(|time| *time >= SHORTEST && *time <= between) {
        let what = format!("{time:?} is not longer than the {between:?} from one exchange to the next");
        let fix = longer_than(between).map_or_else(
            || "exchange it more often: no watchdog is as long as that".to_owned(),
            |longer| format!("give it several exchanges, such as \"{longer}\""),
        );
        found.add(Rule::OutOfRange, format!("slaves[{i}].watchdog.process_data"), what, fix);
    }
}

/// A watchdog for frames that come in such intervals, as it is written in a file: of three intervals where that can be
/// programmed, and of 100 ms at least. `None` where there is none that is longer.
pub(super) fn longer_than(interval: Duration) -> Option<humantime::FormattedDuration> {
    let three = interval.saturating_mul(3).min(LONGEST);
    let steps = u32::try_from(three.as_nanos().div_ceil(STEP.as_nanos())).unwrap_or(u32::MAX);
    let proposed = STEP.saturating_mul(steps.max(1)).min(LONGEST);
    (proposed > interval).then(|| humantime::format_duration(proposed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_proposed_is_longer_than_the_interval_and_no_longer_than_a_watchdog_can_be() {
        let proposed = |millis| longer_than(Duration::from_millis(millis)).map(|longer| longer.to_string());
        let all = [1, 20, 142, 1_000, 2_000, 3_000, 6_499].map(proposed);
        let expected = ["100ms", "100ms", "500ms", "3s", "6s", "6s 500ms", "6s 500ms"];
        assert_eq!(all.map(Option::unwrap_or_default), expected);
        assert_eq!((proposed(6_500), longer_than(Duration::MAX).is_none()), (None, true));
    }
}
