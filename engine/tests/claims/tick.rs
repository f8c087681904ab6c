//! Claims about what happens on a tick, and about what the clock sees of the thread.

use crate::timed::{Call, PERIOD, Played, Scene, play};
use std::time::Duration;
use zerocat_sched::{Clock, Time, VirtualClock, WaitPolicy, wait::HYBRID_SPIN};

const POLICIES: [WaitPolicy; 3] = [WaitPolicy::Sleep, WaitPolicy::Hybrid { spin: HYBRID_SPIN }, WaitPolicy::Spin];
const MILLIS: fn(u64) -> Duration = Duration::from_millis;

/// The calls of the cycle of the tick at `tick`: from the end of the cycle before it on, without looks for frames.
fn calls_around(played: &Played, tick: Time) -> Vec<(Time, Call)> {
    let (from, to) = (tick.before(PERIOD / 2), tick.after(PERIOD / 2));
    let within = |(at, call): &&(Time, Call)| *at >= from && *at < to && *call != Call::Receive;
    played.log.iter().filter(within).copied().collect()
}

#[test]
fn on_the_tick_staged_frames_are_posted_and_kicked_once_and_nothing_else() {
    for wait in [POLICIES[1], POLICIES[2]] {
        let played = play(Scene::new(wait, MILLIS(20)), |_| ());
        for tick in (4..18).map(|n| Time(n * 1_000_000)) {
            let calls = calls_around(&played, tick);
            let kinds: Vec<_> = calls.iter().map(|(_, call)| *call).collect();
            assert_eq!(kinds, [Call::Write, Call::Write, Call::Post, Call::Post, Call::Kick], "{wait}");
            assert!(calls[..2].iter().all(|(at, _)| *at == tick.before(HYBRID_SPIN)), "{wait}: {calls:?}");
            assert!(calls[2..].iter().all(|(at, _)| *at == tick), "{wait}: {calls:?}");
        }
    }
}

#[test]
fn a_thread_that_only_sleeps_stages_before_it_sleeps() {
    let played = play(Scene::new(WaitPolicy::Sleep, MILLIS(20)), |_| ());
    for tick in (4..18).map(|n| Time(n * 1_000_000)) {
        let of_cycle = |(at, _): &&(Time, Call)| *at > tick.before(PERIOD) && *at <= tick;
        let calls: Vec<_> = played.log.iter().filter(of_cycle).collect();
        let staged = calls.iter().rposition(|(_, call)| *call == Call::Write).unwrap();
        assert!(calls[staged].0 < tick);
        let after: Vec<_> = calls[staged + 1..].iter().map(|(at, call)| (*at, *call)).collect();
        assert_eq!(after[..3], [(tick, Call::Post), (tick, Call::Post), (tick, Call::Kick)]);
    }
}

#[test]
fn send_times_are_told_apart_from_wake_ups() {
    // Every reading of the clock costs 200 ns: the post lies behind the wake-up, the kick's return behind the post.
    let cost = |clock: &VirtualClock| clock.advance(Duration::from_nanos(200));
    let played = play(Scene::new(WaitPolicy::default(), MILLIS(50)), cost);
    let measured = &played.outcome.measurements;
    let least = [&measured.wakeup_jitter, &measured.post_jitter, &measured.send_jitter];
    let [woke, posted, sent] = least.map(|distribution| distribution.summary().unwrap());
    assert!(woke.min < posted.min && posted.min < sent.min, "{woke:?} {posted:?} {sent:?}");
    assert_eq!((woke.n, posted.n, sent.n), (played.outcome.counters.cycles, woke.n, woke.n));
}

#[test]
fn the_sleep_before_the_tick_has_a_distribution_of_its_own() {
    let late = |clock: &VirtualClock| clock.set_oversleep(Duration::from_micros(30));
    for (wait, expected) in [(POLICIES[0], true), (POLICIES[1], true), (POLICIES[2], false)] {
        let played = play(Scene::new(wait, MILLIS(20)), late);
        let latency = played.outcome.measurements.sleep_latency.summary();
        assert_eq!(latency.is_some(), expected, "{wait}");
        let Some(latency) = latency else { continue };
        assert_eq!((latency.p50 / 1_000, latency.n), (30, played.outcome.counters.cycles), "{wait}");
    }
    let hybrid = play(Scene::new(POLICIES[1], MILLIS(20)), late);
    assert!(hybrid.outcome.measurements.wakeup_jitter.summary().unwrap().max < 1_000, "the margin covers it");
}

#[test]
fn a_spinning_thread_that_is_preempted_counts_it_and_skips_the_ticks() {
    for wait in [POLICIES[1], POLICIES[2]] {
        // Throttled for 50 ms, from the middle of a wait on.
        let mut preempted = false;
        let script = |clock: &VirtualClock| {
            if !preempted && clock.now() >= Time(9_960_000) {
                preempted = true;
                clock.advance(MILLIS(50));
            }
        };
        let counters = play(Scene::new(wait, MILLIS(100)), script).outcome.counters;
        assert_eq!(counters.holes, 1, "{wait}");
        assert!((50_000_000..50_010_000).contains(&counters.hole_longest), "{wait}: {counters:?}");
        assert_eq!(counters.hole_total, counters.hole_longest);
        assert!((49..=50).contains(&counters.skipped), "{wait}: {counters:?}");
        // Tick 0 brought the exchange.
        assert_eq!(counters.cycles + counters.skipped, counters.cycle, "{wait}: every tick is done or counted");
    }
}

#[test]
fn a_thread_that_sleeps_late_has_no_holes() {
    let late = |clock: &VirtualClock| clock.set_oversleep(MILLIS(3));
    let counters = play(Scene::new(WaitPolicy::default(), MILLIS(100)), late).outcome.counters;
    assert_eq!(counters.holes, 0);
    assert!(counters.skipped > 0);
}
