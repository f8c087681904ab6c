//! Claims about too much of something: the loop keeps its grid, counts, and every tick is done or counted.

use crate::timed::{PERIOD, Scene, play};
use std::time::Duration;
use zerocat_engine::{Counters, ReaderSpec, SamplePort, SampleReader, reader};
use zerocat_sched::{Clock, Time, VirtualClock, WaitPolicy};

const SECOND: Duration = Duration::from_secs(1);

fn assert_adds_up(counters: &Counters) {
    // Tick 0 brought the exchange.
    assert_eq!(counters.cycles + counters.skipped, counters.cycle, "{counters:?}");
}

fn port(depth: usize) -> (SamplePort, SampleReader) {
    reader(ReaderSpec { ranges: std::iter::once(0..8).collect(), every: 1, depth, ..ReaderSpec::default() })
}

#[test]
fn a_reader_that_stops_loses_its_own_samples_only() {
    let ((stopped, mut shallow), (whole, mut deep)) = (port(10), port(2_000));
    let scene = Scene { readers: vec![stopped, whole], ..Scene::new(WaitPolicy::default(), SECOND) };
    let counters = play(scene, |_| ()).outcome.counters;
    assert_adds_up(&counters);
    let samples = |reader: &mut SampleReader| {
        let mut bytes = [0; 8];
        std::iter::from_fn(|| reader.pop(&mut bytes)).map(|header| header.cycle).collect::<Vec<_>>()
    };
    assert_eq!(samples(&mut deep), (1..=counters.cycles).collect::<Vec<_>>(), "every cycle");
    assert_eq!(samples(&mut shallow), (1..=10).collect::<Vec<_>>(), "the oldest, as long as there was room");
    assert_eq!((deep.overruns(), shallow.overruns()), (0, counters.cycles - 10));
    assert_eq!((counters.overruns, counters.skipped, counters.lost_cycles), (counters.cycles - 10, 0, 0));
    assert!((999..=1001).contains(&counters.cycle), "{counters:?}");
}

#[test]
fn a_storm_of_frames_is_counted_and_moves_no_cycle() {
    // A thousand frames before each answer, a million a second: foreign ones, and ones in the lane's own name.
    let foreign = vec![0x55; 64];
    let mut forged = vec![0; 64];
    forged[6..12].copy_from_slice(&zerocat_wire::ethernet::MacAddress::CYCLIC.returned().0);
    let flood: Vec<_> = (0..1_000).map(|n| if n % 2 == 0 { foreign.clone() } else { forged.clone() }).collect();
    let counters = play(Scene { flood, ..Scene::new(WaitPolicy::default(), SECOND / 5) }, |_| ()).outcome.counters;
    assert_adds_up(&counters);
    assert_eq!((counters.skipped, counters.lost_cycles, counters.working_counter_faults), (0, 0, 0));
    assert_eq!(counters.foreign_frames, 500 * counters.cycles);
    assert_eq!(counters.malformed_frames, 500 * counters.cycles);
}

#[test]
fn a_storm_that_never_ends_loses_cycles_and_not_the_grid() {
    // More frames than a period has time for: what is due is behind what has piled up.
    let flood = vec![vec![0x55; 64]; 20_000];
    let counters = play(Scene { flood, ..Scene::new(WaitPolicy::Spin, SECOND / 20) }, |_| ()).outcome.counters;
    assert_adds_up(&counters);
    assert_eq!((counters.skipped, counters.lost_cycles), (0, counters.cycles));
}

#[test]
fn a_round_trip_longer_than_the_period_loses_every_cycle_and_piles_nothing_up() {
    let delay = 5 * PERIOD / 2;
    for wait in [WaitPolicy::Sleep, WaitPolicy::default(), WaitPolicy::Spin] {
        let played = play(Scene { delay, ..Scene::new(wait, SECOND) }, |_| ());
        let counters = &played.outcome.counters;
        assert_adds_up(counters);
        assert_eq!((counters.skipped, counters.lost_cycles), (0, counters.cycles), "{wait}");
        assert_eq!(counters.lost_frames, 2 * counters.cycles);
        // What is still out at the end can't be late yet.
        assert!(counters.late_frames >= counters.lost_frames - 6, "{wait}: {counters:?}");
        assert!(played.most_out <= 2 * 4, "{wait}: {} frames out at once", played.most_out);
    }
}

#[test]
fn a_machine_that_stalls_all_the_time_keeps_the_grid() {
    // Each sleep ends up to 4 ms late, in an order that is the same in every run.
    let mut state = 1u64;
    let script = move |clock: &VirtualClock| {
        // Ticks before the first cycle are nobody's.
        if clock.now() < Time(5_000_000) {
            return;
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        clock.set_oversleep(Duration::from_micros((state >> 33) % 4_000));
    };
    let counters = play(Scene::new(WaitPolicy::default(), SECOND), script).outcome.counters;
    assert_adds_up(&counters);
    assert!(counters.skipped > 100, "{counters:?}");
    assert_eq!(counters.lost_cycles, 0, "what was sent came back");
}
