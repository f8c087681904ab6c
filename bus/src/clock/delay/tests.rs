//! Delays of segments whose truth is known: a frame is walked through a tree, port by port, and stamps what it passes.

use super::*;
use crate::clock::receive::Latch;

/// One SubDevice of a drawn segment.
#[derive(Clone)]
struct Drawn {
    clock: bool,
    entry: u8,
    /// Processing and forwarding delay.
    processing: i64,
    forwarding: i64,
    /// Cable to whoever is before it.
    cable: i64,
    /// By port: who hangs there.
    behind: Vec<(u8, Drawn)>,
}

fn one(cable: i64) -> Drawn {
    Drawn { clock: true, entry: 0, processing: 320, forwarding: 280, cable, behind: Vec::new() }
}

impl Drawn {
    fn with(mut self, port: u8, behind: Drawn) -> Self {
        self.behind.push((port, behind));
        self
    }

    fn without_clock(mut self) -> Self {
        self.clock = false;
        self
    }

    fn entered_by(mut self, port: u8) -> Self {
        self.entry = port;
        self
    }

    fn open(&self) -> [bool; 4] {
        let mut open = [false; 4];
        open[usize::from(self.entry)] = true;
        for (port, _) in &self.behind {
            open[usize::from(*port)] = true;
        }
        open
    }
}

/// What a walk leaves: each SubDevice's node and when the frame was at its processing unit.
#[derive(Default)]
struct Walked {
    nodes: Vec<Node>,
    truth: Vec<i64>,
    /// Nanoseconds in which clocks count.
    step: i64,
}

/// A frame comes in at `at`; says when it comes out again by the port that it came in by.
fn walk(walked: &mut Walked, drawn: &Drawn, at: i64) -> i64 {
    let index = walked.nodes.len();
    walked.nodes.push(Node { open: drawn.open(), receive: None, difference_ns: Some(40) });
    walked.truth.push(at);
    let start = (u32::MAX - 700).wrapping_add(u32::try_from(index).unwrap() * 77);
    let step = walked.step.max(1);
    let stamp = |time: i64| start.wrapping_add(u32::try_from(time / step * step).unwrap());
    let (mut latch, mut time, mut from): (Latch, _, _) = ([0; 4], at, drawn.entry);
    latch[usize::from(drawn.entry)] = stamp(at);
    let ports: Vec<_> = ports_in_order(drawn.open(), drawn.entry).skip(1).collect();
    for port in ports {
        time += if passes_unit(from, port) { drawn.processing } else { drawn.forwarding };
        let behind = &drawn.behind.iter().find(|(at, _)| *at == port).unwrap().1;
        time = walk(walked, behind, time + behind.cable) + behind.cable;
        latch[usize::from(port)] = stamp(time);
        from = port;
        if port == 0 {
            walked.truth[index] = time;
        }
    }
    walked.nodes[index].receive = drawn.clock.then(|| ReceiveTimes::of(drawn.open(), &[latch]).unwrap());
    time + if passes_unit(from, drawn.entry) { drawn.processing } else { drawn.forwarding }
}

fn walked_in_steps(drawn: &Drawn, step: i64) -> (Delays, Vec<i64>, Vec<Node>) {
    let mut walked = Walked { step, ..Walked::default() };
    walk(&mut walked, drawn, 10_000);
    let found = delays(&walked.nodes);
    let reference = walked.truth[usize::from(found.reference.unwrap())];
    (found, walked.truth.iter().map(|time| time - reference).collect(), walked.nodes)
}

#[track_caller]
fn within(drawn: &Drawn, step: i64, bound: i64) {
    let (found, truth, nodes) = walked_in_steps(drawn, step);
    for ((delay, truth), node) in found.delays.iter().zip(truth).zip(nodes) {
        match delay {
            Delay::Known { ns, uncertain_ns: 0 } => {
                assert!((i64::from(*ns) - truth).abs() <= bound, "{ns} is not {truth}: {found:?}");
            }
            other => assert!(*other == Delay::NoClock && node.receive.is_none(), "{other:?}"),
        }
    }
}

fn line(length: usize) -> Drawn {
    (0..length)
        .rev()
        .fold(None, |behind, place| {
            let here = one(13 + 50 * i64::try_from(place).unwrap());
            Some(behind.map_or(here.clone(), |behind| here.with(1, behind)))
        })
        .unwrap()
}

fn nested() -> Drawn {
    let inner = one(500).with(1, one(30)).with(2, line(3));
    let outer = one(70).with(3, inner).with(1, line(4));
    one(5).with(3, outer).with(1, line(2)).with(2, one(90).with(1, one(45)))
}

#[test]
fn a_line_is_within_two_nanoseconds() {
    for length in 1..20 {
        within(&line(length), 1, 2);
    }
}

#[test]
fn a_star_is_within_two_nanoseconds() {
    within(&one(5).with(3, one(100)).with(1, one(200)).with(2, one(300)), 1, 2);
}

#[test]
fn junctions_inside_junctions_are_within_two_nanoseconds() {
    within(&nested(), 1, 2);
}

#[test]
fn clocks_that_count_in_steps_of_ten_nanoseconds_are_off_by_at_most_ten_a_hop() {
    within(&nested(), 10, 60);
    within(&line(10), 10, 100);
}

#[test]
fn one_without_a_clock_in_a_line_counts_as_cable() {
    let behind = one(60).with(1, one(20).without_clock().with(1, one(80).with(1, one(15))));
    within(&one(5).with(1, behind), 1, 2);
}

#[test]
fn the_reference_is_the_first_clock_also_behind_a_coupler_without_one() {
    let drawn = one(5).without_clock().with(1, one(60).with(1, one(20)));
    let (found, ..) = walked_in_steps(&drawn, 1);
    assert_eq!(found.reference, Some(1));
    within(&drawn, 1, 2);
}

#[test]
fn what_is_behind_a_fork_without_a_clock_is_named_and_the_rest_is_known() {
    let fork = one(5).without_clock().with(1, one(60).with(1, one(20))).with(2, one(90));
    let (found, ..) = walked_in_steps(&one(7).with(1, fork), 1);
    let expected = [Delay::NoClock, Delay::BehindFork, Delay::BehindUnknown, Delay::BehindFork];
    assert_eq!(found.delays[1..], expected);
}

#[test]
fn one_that_is_cabled_the_wrong_way_round_is_named() {
    let crossed = one(60).entered_by(1).with(0, one(20));
    let drawn = one(5).with(1, crossed);
    let (found, ..) = walked_in_steps(&drawn, 1);
    assert_eq!(found.entered_elsewhere, [Parent { position: 1, port: 1 }]);
    within(&drawn, 1, 2);
}

#[test]
fn unknown_processing_delays_are_told_as_uncertainty() {
    let (_, truth, mut nodes) = walked_in_steps(&line(6), 1);
    for node in &mut nodes {
        node.difference_ns = None;
    }
    let found = delays(&nodes);
    for (delay, truth) in found.delays.iter().zip(truth) {
        let Delay::Known { ns, uncertain_ns } = delay else { panic!("{delay:?}") };
        assert!((i64::from(*ns) - truth).abs() <= i64::from(*uncertain_ns) + 1, "{delay:?} is not {truth}");
    }
    assert!(matches!(found.delays[5], Delay::Known { uncertain_ns: 1.., .. }), "{:?}", found.delays);
}

#[test]
fn stamps_that_cannot_be_are_implausible_and_nobody_behind_is_guessed() {
    let (_, _, mut nodes) = walked_in_steps(&line(4), 1);
    nodes[1].receive = ReceiveTimes::of(nodes[1].open, &[[0, 500_000_000, 0, 0]]);
    let found = delays(&nodes);
    assert!(matches!(found.delays[1], Delay::Implausible { hop_ns: ..0 }), "{:?}", found.delays);
    assert_eq!(found.delays[2..], [Delay::BehindUnknown, Delay::BehindUnknown]);
}

#[test]
fn nobody_and_nobody_with_a_clock_have_no_reference() {
    assert_eq!(delays(&[]).reference, None);
    let alone = Node { open: [true, false, false, false], receive: None, difference_ns: None };
    assert_eq!((delays(&[alone]).reference, delays(&[alone]).delays), (None, vec![Delay::NoClock]));
}
