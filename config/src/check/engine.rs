//! The `engine` section.

use super::Found;
use crate::busy_poll::BusyPoll;
use crate::engine::{EngineSection, LinkKind, UmemPages, Wait, Wakeup, XdpMode};
use crate::error::Rule;
use crate::rig::Rig;
use std::time::Duration;
use zerocat_pdi::DataType;

/// Checks priority, mode, spin margin, deadline, guard and watchdog.
pub(super) fn engine(rig: &Rig, found: &mut Found) {
    let engine = &rig.engine;
    let priority = engine.priority;
    let what = format!("{priority} is not in 1..=98");
    found.demand(
        Rule::OutOfRange,
        (1..=98).contains(&priority),
        "engine.priority",
        what,
        "use 80, or what your host leaves for it",
    );
    only_with_xdp(engine, found);
    stop(rig, found);
    mailbox_gateway(engine, found);
    let what = "only the wait `hybrid` has a spin margin";
    let fits = engine.wait == Wait::Hybrid || engine.spin_margin.is_none();
    found.demand(Rule::Conflict, fits, "engine.spin_margin", what, "remove it, or set `wait` to \"hybrid\"");
    let period = rig.period();
    if period == Duration::MAX {
        return;
    }
    within("engine.spin_margin", engine.spin_margin, period, found);
    within("engine.deadline", engine.deadline, period, found);
    within("engine.guard", engine.guard, period, found);
    busy_poll(engine, period, found);
    super::watchdog::watchdog(rig, found);
}

/// A gateway must take something.
fn mailbox_gateway(engine: &EngineSection, found: &mut Found) {
    let Some(gateway) = &engine.mailbox_gateway else { return };
    let what = "it takes neither UDP nor TCP";
    let fix = "take one of them, or remove the key";
    found.demand(Rule::Conflict, gateway.udp || gateway.tcp, "engine.mailbox_gateway", what, fix);
}

/// What the end of a run waits for must be there and be possible.
fn stop(rig: &Rig, found: &mut Found) {
    let Some(until) = &rig.engine.stop.until else { return };
    let watched = rig.read_channel(&until.channel);
    let bytes = watched.as_ref().is_some_and(|channel| channel.value_type() == DataType::Bytes);
    let what = "it is bytes, which no limit is for";
    found.demand(Rule::TypeMismatch, !bytes, "engine.stop.until.channel", what, "give a channel that is a number");
    let what = format!("no read task samples channel {}", until.channel);
    found.demand(
        Rule::UnknownReference,
        watched.is_some() || rig.is_read(&until.channel),
        "engine.stop.until.channel",
        what,
        "give the name or number of an enabled channel of a read task",
    );
    let what = format!("{} is not at least {}", until.max, until.min);
    found.demand(
        Rule::OutOfRange,
        until.min <= until.max,
        "engine.stop.until.max",
        what,
        "give the smaller one as `min`",
    );
    found.demand(
        Rule::OutOfRange,
        !until.at_most.is_zero(),
        "engine.stop.until.at_most",
        "it is 0",
        "give the longest time to wait",
    );
}

/// Keys that only an AF_XDP socket has.
fn only_with_xdp(engine: &EngineSection, found: &mut Found) {
    let keys = [
        ("mode", "XDP mode", engine.mode != XdpMode::Auto),
        ("wakeup", "wake-up flag", engine.wakeup != Wakeup::WhenNeeded),
        ("umem_pages", "UMEM", engine.umem_pages != UmemPages::Ordinary),
        ("busy_poll", "busy polling", engine.busy_poll != BusyPoll::Off),
    ];
    for (key, name, given) in keys {
        let fits = engine.link == LinkKind::Xdp || !given;
        let what = format!("link `packet` has no {name}");
        found.demand(Rule::Conflict, fits, &format!("engine.{key}"), what, "remove it, or set `link` to \"xdp\"");
    }
}

/// With a timeout shorter than a cycle the kernel would poll while the realtime thread isn't waiting, on any CPU.
fn busy_poll(engine: &EngineSection, period: Duration, found: &mut Found) {
    let Some(settings) = engine.busy_poll.settings() else { return };
    let what = "0 frames a look";
    found.demand(Rule::OutOfRange, settings.budget > 0, "engine.busy_poll.budget", what, "leave it out, or give it 64");
    let Some(timeout) = settings.gro_flush_timeout else { return };
    let what = format!("{timeout:?} is not longer than the cycle of {period:?}");
    let fix = "give it two cycles, or leave it out";
    found.demand(Rule::OutOfRange, timeout > period, "engine.busy_poll.gro_flush_timeout", what, fix);
}

fn within(path: &str, duration: Option<Duration>, period: Duration, found: &mut Found) {
    let Some(duration) = duration else { return };
    let what = format!("{duration:?} is not in 0 < {} < {period:?}, the cycle", path.trim_start_matches("engine."));
    let inside = !duration.is_zero() && duration < period;
    found.demand(Rule::OutOfRange, inside, path, what, "shorten it, or leave it out");
}
