//! What a run is judged by can be met, and is known.

use super::Found;
use crate::error::Rule;
use crate::rig::Rig;
use zerocat_faults::Fault;
use zerocat_text::nearest;

/// Checks that times are more than 0, and that a higher percentile isn't limited below a lower one.
pub(super) fn limits(rig: &Rig, found: &mut Found) {
    for (key, of) in [("round_trip", rig.limits.round_trip), ("wakeup", rig.limits.wakeup)] {
        let each = [("p50", of.p50), ("p99", of.p99), ("p999", of.p999), ("max", of.max)];
        let mut before = None;
        for (percentile, time) in each.into_iter().filter_map(|(percentile, time)| Some((percentile, time?))) {
            let path = format!("limits.{key}.{percentile}");
            found.demand(Rule::OutOfRange, !time.is_zero(), &path, "it is 0", "give a time such as \"500us\"");
            if let Some((lower, least)) = before.filter(|(_, least)| *least > time) {
                let what = format!("{time:?} is less than the limit of {lower}, {least:?}");
                found.add(Rule::Conflict, path, what, "raise it, or lower the other");
            }
            before = Some((percentile, time));
        }
    }
    for name in rig.limits.faults.keys().filter(|name| Fault::named(name).is_none()) {
        let meant = nearest(name, &Fault::ALL.map(Fault::name)).map(str::to_owned);
        let fix = match &meant {
            Some(meant) => format!("write `{meant}`, or another name that `zerocat faults` lists"),
            None => "write a name that `zerocat faults` lists".to_owned(),
        };
        found.unknown(format!("limits.faults.{name}"), "there is no such fault", fix, meant);
    }
}
