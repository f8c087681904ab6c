//! The engine's steps and the segment in one thread, where any allocation ends the process.

use crate::CYCLES;
use crate::drill::{Drill, Seen, demo, mixed};
use std::time::Duration;
use zerocat_engine::Counters;
use zerocat_link::Sizing;
use zerocat_sched::forbid_allocations;
use zerocat_sim::{Segment, SegmentConfig, SegmentLink};
use zerocat_testkit::virtual_network::VirtualNetwork;

const PERIOD: Duration = Duration::from_millis(1);

/// The result of a drill.
struct Outcome {
    seen: Seen,
    /// Before and after.
    counters: [Counters; 2],
    datagrams_expected: u64,
}

/// Runs a segment for [`CYCLES`] cycles in which an allocation ends the process.
fn exchange(config: &SegmentConfig, lose: impl FnMut(u64) -> bool + Send + 'static, drain: bool) -> Outcome {
    let mut network = VirtualNetwork::bring_up(Segment::new(config).unwrap(), PERIOD).unwrap();
    lossy(&mut network, lose);
    let mut drill = Drill::new(&mut network, config);
    // Samples of the bring-up don't count.
    drill.cycle(&mut network, true);
    drill.seen = Seen::default();
    let before = *network.engine().counters();
    forbid_allocations(|| {
        for _ in 0..CYCLES {
            drill.cycle(&mut network, drain);
        }
    });
    let counters = [before, *network.engine().counters()];
    lossy(&mut network, |_| false);
    let failed = network.take_down();
    assert!(failed.is_empty(), "{failed:?}");
    let [_, Counters { expected_working_counter, .. }] = counters;
    Outcome { seen: drill.seen, counters, datagrams_expected: expected_working_counter }
}

/// Loses frames from now on.
fn lossy(network: &mut VirtualNetwork, lose: impl FnMut(u64) -> bool + Send + 'static) {
    let link = network.engine_mut().link_mut();
    let nobody = Segment::new(&SegmentConfig::mixed(1)).unwrap();
    let placeholder = SegmentLink::new(nobody, Sizing { slots: 1, receive: 1 }, Box::new(|| Duration::ZERO) as _);
    *link = std::mem::replace(link, placeholder).with_loss(lose);
}

/// Picks one frame in ten, the same ones in every run.
fn every_tenth(frame: u64) -> bool {
    (frame.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33).is_multiple_of(10)
}

fn assert_all_right(config: &SegmentConfig) {
    let Outcome { seen, counters: [before, after], datagrams_expected } = exchange(config, |_| false, true);
    assert_eq!(after.cycles - before.cycles, CYCLES);
    assert_eq!((after.lost_frames, after.working_counter_faults, after.overruns), (0, 0, before.overruns));
    assert_eq!(after.working_counter, datagrams_expected);
    assert_eq!((seen.samples, seen.stale, seen.wrong, seen.refused), (CYCLES, 0, 0, 0));
    assert_eq!(seen.right, CYCLES / 4 * wires(config));
}

fn wires(config: &SegmentConfig) -> u64 {
    config.wires.len() as u64
}

#[test]
fn the_demo_segment_is_exchanged_without_an_allocation() {
    assert_all_right(&demo());
}

#[test]
fn a_hundred_subdevices_are_exchanged_without_an_allocation() {
    assert_all_right(&mixed(100));
}

#[test]
fn lost_frames_are_counted_without_an_allocation_and_what_returns_is_right() {
    for config in [demo(), mixed(30)] {
        let Outcome { seen, counters: [before, after], .. } = exchange(&config, every_tenth, true);
        assert_eq!(after.cycles - before.cycles, CYCLES);
        let lost = after.lost_frames - before.lost_frames;
        assert!(lost > CYCLES / 20, "{lost} frames lost");
        assert_eq!(after.working_counter_faults, 0);
        assert_eq!(seen.samples, CYCLES);
        assert_eq!(seen.stale, after.lost_cycles - before.lost_cycles, "each cycle with a lost frame is marked");
        assert_eq!((seen.wrong, seen.refused), (0, 0));
        assert!(seen.right > CYCLES / 5 * wires(&config), "{seen:?}");
    }
}

#[test]
fn a_reader_that_nobody_drains_costs_no_allocation_and_only_itself() {
    let Outcome { seen, counters: [before, after], .. } = exchange(&demo(), |_| false, false);
    assert_eq!(after.cycles - before.cycles, CYCLES);
    let overruns = after.overruns - before.overruns;
    // The reader's ring and that of the writer's states.
    assert!((2 * CYCLES - 1000..2 * CYCLES).contains(&overruns), "{overruns}");
    assert_eq!((after.lost_frames, after.working_counter_faults), (0, 0));
    assert_eq!(seen.refused, 0, "commands are taken all the same");
    assert_eq!(after.commands - before.commands, CYCLES / 16);
}
