//! Commands, scripts and faults of frames on a segment that is served: the same seed gives the same run.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::time::Duration;

use zerocat_link::fault::FaultInjector;
use zerocat_link::pair::{PairEnd, pair};
use zerocat_link::{Link, Sizing, Slot};
use zerocat_sim::{Command, CommandParser, FrameFaults, Script, ScriptRun, Segment, SegmentConfig, Server};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, Datagram, FrameBuilder, FrameView};

const SIZING: Sizing = Sizing { slots: 16, receive: 64 };

/// A segment behind faults, a script, and a MainDevice that sends a numbered broadcast read each millisecond.
struct Run {
    near: PairEnd,
    far: FaultInjector<PairEnd>,
    segment: Segment,
    server: Server,
    script: ScriptRun,
    faults: FrameFaults,
}

impl Run {
    fn new(script: &str, seed: u64) -> Self {
        let config = SegmentConfig::example();
        let script = Script::parse(script, &CommandParser::new(&config)).unwrap();
        let (near, far) = pair(SIZING);
        Self {
            near,
            far: FaultInjector::new(far, Default::default(), Default::default(), seed),
            segment: Segment::new(&config).unwrap(),
            server: Server::new(),
            script: ScriptRun::new(script),
            faults: FrameFaults::default(),
        }
    }

    /// Runs for so many milliseconds; returns number and working counter of what came back in each.
    fn cycles(&mut self, count: u16) -> Vec<Vec<(u8, u16)>> {
        (0..count).map(|ms| self.cycle(Duration::from_millis(u64::from(ms)), ms.to_le_bytes()[0])).collect()
    }

    fn cycle(&mut self, now: Duration, number: u8) -> Vec<(u8, u16)> {
        while let Some((_, command)) = self.script.due(&self.segment, now) {
            match command {
                Command::Act(action) => self.segment.act(action, now).unwrap(),
                Command::Fault(change) => self.faults.change(change),
                Command::NoFaults => self.faults = FrameFaults::default(),
                other => panic!("{other:?}"),
            }
            self.faults.apply(&mut self.far);
        }
        let bytes = self.near.slot_mut(Slot(0)).unwrap();
        let mut builder = FrameBuilder::new(bytes, MacAddress::CYCLIC).unwrap();
        builder.push(Datagram::new(zerocat_wire::Command::Brd, Address::broadcast(0x0130), number, 2)).unwrap();
        let len = builder.finish().unwrap();
        self.near.post(Slot(0), len).unwrap();
        self.near.kick().unwrap();
        while self.server.serve_once(&mut self.far, &mut self.segment, now).unwrap() {}
        let mut got = Vec::new();
        while let Some(frame) = self.near.receive().unwrap() {
            if let Ok(view) = FrameView::new_checked(frame)
                && let Some(Ok(datagram)) = view.datagrams().next()
            {
                got.push((datagram.index(), datagram.working_counter()));
            }
        }
        got
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_one_another() {
    let script = "drop 5%\ndelay 2 frames 5%\nduplicate 5%\ncorrupt 5%\nat 500ms drop 20% out\n";
    let run = |seed| Run::new(script, seed).cycles(2_000);
    let first = run(1);
    assert_eq!(first, run(1));
    assert_ne!(first, run(2));
    let silent = first.iter().filter(|got| got.is_empty()).count();
    assert!((200..700).contains(&silent), "{silent} of 2000 without an answer");
}

#[test]
fn frames_are_lost_on_the_way_back_when_the_subdevices_have_seen_them() {
    let mut run = Run::new("drop every 2\nat 10ms faults off\nat 20ms drop every 2 out\n", 1);
    let got: Vec<usize> = run.cycles(30).iter().map(Vec::len).collect();
    assert_eq!(got, [[1, 0].repeat(5), vec![1; 10], [1, 0].repeat(5)].concat());
    assert_eq!(run.segment.totals().frames, 25, "five never came");
}

#[test]
fn a_delayed_frame_comes_after_those_that_passed_it() {
    let mut run = Run::new("at 2ms delay 2 frames every 1\nat 3ms delay off\n", 1);
    let numbers: Vec<Vec<u8>> =
        run.cycles(7).iter().map(|got| got.iter().map(|(number, _)| *number).collect()).collect();
    assert_eq!(numbers, [vec![0], vec![1], vec![], vec![3], vec![4, 2], vec![5], vec![6]]);
}

#[test]
fn a_duplicated_frame_comes_twice() {
    let mut run = Run::new("duplicate every 3\n", 1);
    let got: Vec<usize> = run.cycles(6).iter().map(Vec::len).collect();
    assert_eq!(got, [1, 1, 2, 1, 1, 2]);
}
