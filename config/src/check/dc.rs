//! Distributed clocks: `engine.dc`, and `dc` of the slaves.

use super::Found;
use crate::dc::{Follow, SubDeviceDc, Use};
use crate::error::Rule;
use crate::rig::{Rig, Slave};
use std::time::Duration;

/// Longest wait for clocks to settle: bring-up is bounded too.
const MOST_SETTLING: Duration = Duration::from_secs(60);

/// Checks both.
pub(super) fn dc(rig: &Rig, found: &mut Found) {
    for (i, slave) in rig.slaves.iter().enumerate() {
        let Some(dc) = &slave.dc else { continue };
        subdevice(rig, slave, dc, i, found);
    }
    let dc = &rig.engine.dc;
    if let Some(key) = &dc.reference {
        let what = format!("there is no slave `{key}`");
        let fix = "use the `key` of a slave in `slaves`, or leave it out for the first clock";
        let known = rig.slaves.iter().map(|slave| slave.key.clone());
        if rig.slave(key).is_none() {
            found.misspelt("engine.dc.reference", what, fix, key, known);
        }
    }
    whole_cycle(rig, found);
    phases(rig, found);
    limits(rig, found);
}

/// SYNC comes every so many whole nanoseconds, so a cycle that isn't drifts through it.
fn whole_cycle(rig: &Rig, found: &mut Found) {
    let rate = rig.network.properties.rate;
    let cycle = 1e9 / rate;
    let steered = rig.engine.dc.usage == Use::On || rig.asks_for_sync();
    if !steered || rig.engine.dc.usage == Use::Off || !cycle.is_finite() || (cycle - cycle.round()).abs() < 1e-3 {
        return;
    }
    let what =
        format!("{rate} Hz is a cycle of {cycle:.3} ns, and frames at a phase to SYNC need one of whole nanoseconds");
    let fix = "give a rate whose cycle is whole, such as 1000, or `cycle_time_us`";
    found.add(Rule::RateNotWhole, rig.network.properties.at("rate"), what, fix);
}

fn phases(rig: &Rig, found: &mut Found) {
    let (dc, period) = (&rig.engine.dc, rig.period());
    if let Some(lead) = dc.lead.filter(|lead| lead.is_zero() || *lead >= period) {
        let what = format!("{lead:?} is not in 0 < lead < {period:?}, the cycle");
        found.add(Rule::OutOfRange, "engine.dc.lead", what, "shorten it, or leave it out");
    }
    let Some(phase) = dc.phase else { return };
    let what = format!("{phase:?} is not less than the cycle of {period:?}");
    found.demand(Rule::OutOfRange, phase < period, "engine.dc.phase", what, "shorten it, or leave it out");
    let what = "it is a phase to the host's clock, and the network runs by its reference clock";
    let fix = "set `follow` to \"host\", or remove it";
    found.demand(Rule::Conflict, dc.follow == Follow::Host, "engine.dc.phase", what, fix);
}

fn limits(rig: &Rig, found: &mut Found) {
    let dc = &rig.engine.dc;
    let positive = [
        ("settled_below", dc.settled_below),
        ("difference_limit", dc.difference_limit),
        ("settle_timeout", dc.settle_timeout),
    ];
    for (key, time) in positive {
        let fix = "give a time, or leave it out";
        found.demand(Rule::OutOfRange, !time.is_zero(), &format!("engine.dc.{key}"), "it is 0", fix);
    }
    let what = format!("{:?} is more than {MOST_SETTLING:?}", dc.settle_timeout);
    let fits = dc.settle_timeout <= MOST_SETTLING;
    let fix = "shorten it: clocks that settle do so within seconds";
    found.demand(Rule::OutOfRange, fits, "engine.dc.settle_timeout", what, fix);
}

fn subdevice(rig: &Rig, slave: &Slave, dc: &SubDeviceDc, i: usize, found: &mut Found) {
    let at = format!("slaves[{i}].dc");
    if rig.engine.dc.usage == Use::Off && dc.asks_for_sync() {
        let what = "it asks for SYNC, and `engine.dc` is \"off\"";
        found.add(Rule::Conflict, &at, what, "set `engine.dc` to \"auto\", or remove it");
    }
    match (&dc.mode, dc.assign_activate) {
        (Some(_), Some(_)) => {
            let fix = "keep one of them: a mode says which word it is";
            return found.add(Rule::Conflict, format!("{at}.assign_activate"), "`mode` is given as well", fix);
        }
        (None, None) => {
            let fix = "give `mode`, an operation mode by name, or `assign_activate`, such as 0x0300 for SYNC0";
            return found.add(Rule::KeyMissing, format!("{at}.mode"), "it is missing", fix);
        }
        (Some(mode), None) if mode.is_empty() => {
            let fix = "give the name that its description has for the mode";
            return found.add(Rule::Empty, format!("{at}.mode"), "it is empty", fix);
        }
        _ => {}
    }
    if let Some(sync1) = &dc.sync1
        && sync1.delay.is_some()
        && (sync1.cycle.is_some() || sync1.shift_ns.is_some())
    {
        let fix = "keep `delay`, or `cycle` and `shift_ns`";
        return found.add(Rule::Conflict, format!("{at}.sync1.delay"), "`cycle` or `shift_ns` is given as well", fix);
    }
    without_sync(dc, &at, found);
    times(rig, slave, dc, &at, found);
}

/// A word that switches no SYNC on leaves nothing for times to do.
fn without_sync(dc: &SubDeviceDc, at: &str, found: &mut Found) {
    let given = [("sync0", dc.sync0.is_some()), ("sync1", dc.sync1.is_some())];
    for (key, _) in given.into_iter().filter(|(_, given)| *given && !dc.asks_for_sync()) {
        let fix = "remove it, or give an `assign_activate` with SYNC, such as 0x0300 for SYNC0";
        found.add(Rule::Conflict, format!("{at}.{key}"), "`assign_activate` is 0, which is no SYNC", fix);
    }
}

/// What can be judged without the SubDevice's description.
fn times(rig: &Rig, slave: &Slave, dc: &SubDeviceDc, at: &str, found: &mut Found) {
    let period = rig.period();
    if period == Duration::MAX {
        return;
    }
    // What a mode says is known with the description only.
    let judged = match dc.mode {
        Some(_) => dc.own_cycle(period),
        None => dc.times(period, rig.exchanged_every(&slave.key), &[]).map(|_| ()),
    };
    if let Err(problem) = judged {
        let path = format!("{at}.{}", problem.key());
        found.add(Rule::OutOfRange, path, problem.to_string(), "change it, or leave it out");
    }
}
