//! Claims about verdicts, over all histories of who contributes.

use super::*;
use proptest::prelude::*;
use zerocat_pdi::Share;
use zerocat_wire::Command;

/// Four SubDevices with an input byte each, of which the last has no status byte; two have outputs too.
const COUNTERS: [u16; 4] = [1, 3, 3, 3];
const WATCHED: u16 = 3;

fn ledger() -> (Ledger, RollCall) {
    let roll = RollCall::new(&StatusPlan { logical: 0, positions: (0..WATCHED).collect() });
    let share = |(position, counter): (u16, &u16)| Share {
        position,
        outputs: 0..0,
        inputs: usize::from(position)..usize::from(position) + 1,
        working_counter: *counter,
        before_op: *counter,
    };
    let sum = COUNTERS.iter().sum();
    let plan = DatagramPlan {
        unit: 0,
        command: Command::Lrw,
        logical: 0,
        len: 4,
        outputs: 0..0,
        inputs: 0..4,
        expected_working_counter: sum,
        expected_before_op: sum,
        shares: (0..).zip(&COUNTERS).map(share).collect(),
    };
    (Ledger::of(&plan, Some(&roll)), roll)
}

/// Who contributes in a cycle, and who answers: a set of positions each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct There {
    contributing: u8,
    answering: u8,
}

const ALL: There = There { contributing: 0b1111, answering: 0b1111 };

fn has(set: u8, position: u16) -> bool {
    set >> position & 1 != 0
}

struct World {
    ledger: Ledger,
    roll: RollCall,
    cycle: u64,
}

impl World {
    /// One in which all were there for a cycle.
    fn new() -> Self {
        let (ledger, roll) = ledger();
        let mut world = Self { ledger, roll, cycle: 0 };
        assert_eq!(world.cycle(ALL, 0), 0b1111);
        world
    }

    /// Those whose bytes are good in a cycle, whose counter is so much higher than what comes together.
    fn cycle(&mut self, there: There, extra: u16) -> u8 {
        self.cycle += 1;
        self.ledger.begin();
        self.roll.begin();
        let bytes: Vec<u8> = (0..WATCHED).map(|p| if has(there.answering, p) { 0 } else { NOBODY }).collect();
        let came = bytes.iter().filter(|byte| **byte != NOBODY).count();
        self.roll.take(&bytes, u16::try_from(came).unwrap());
        let counters = (0..).zip(COUNTERS).filter(|(p, _)| has(there.contributing, *p));
        let got = counters.map(|(_, counter)| counter).sum::<u16>() + extra;
        self.ledger.judge(got, self.cycle, true, Some(&self.roll));
        let mut good = 0b1111;
        self.ledger.each_stale(|position, _| good &= !(1 << position));
        good
    }

    fn lose(&mut self) {
        self.cycle += 1;
        self.ledger.begin();
        self.ledger.miss(self.cycle);
    }

    fn tell(&mut self, contributing: u8, as_of: u64) {
        self.ledger.tell(as_of, |position| !has(contributing, position));
    }
}

#[test]
fn who_left_its_status_byte_is_missing_and_the_others_are_good_from_that_cycle_on() {
    let mut world = World::new();
    assert_eq!(world.cycle(There { contributing: 0b1101, answering: 0b1101 }, 0), 0b1101);
    assert_eq!(world.cycle(There { contributing: 0b1000, answering: 0b1000 }, 0), 0b1000);
    assert_eq!(world.cycle(ALL, 0), 0b1111);
}

#[test]
fn a_deficit_that_the_status_bytes_do_not_explain_leaves_nobody_good() {
    let mut world = World::new();
    assert_eq!(world.cycle(There { contributing: 0b1101, ..ALL }, 0), 0, "1 answers and contributes nothing");
    assert_eq!(world.cycle(There { contributing: 0b0111, answering: 0b0111 }, 0), 0, "3 has no status byte");
    assert_eq!(
        world.cycle(There { contributing: 0b0101, answering: 0b0101 }, 0),
        0,
        "1 and 3, of which 1 explains half"
    );
}

#[test]
fn a_counter_that_is_too_high_leaves_nobody_good() {
    let mut world = World::new();
    assert_eq!(world.cycle(ALL, 1), 0);
    let without_one = There { contributing: 0b1101, answering: 0b1101 };
    assert_eq!(world.cycle(without_one, 1), 0);
    assert_eq!(world.cycle(without_one, 3), 0, "as if all had contributed");
    assert_eq!(world.cycle(without_one, 0), 0b1101);
}

#[test]
fn what_the_bus_told_explains_a_deficit_from_then_on() {
    let mut world = World::new();
    let silent = There { contributing: 0b0111, answering: 0b0111 };
    assert_eq!(world.cycle(silent, 0), 0);
    world.tell(0b0111, world.cycle);
    assert_eq!(world.cycle(silent, 0), 0b0111);
    assert_eq!(world.cycle(ALL, 0), 0b0111, "all contribute, and the last one is good when the bus says so");
    world.tell(0b1111, world.cycle);
    assert_eq!(world.cycle(ALL, 0), 0b1111);
}

#[test]
fn with_one_back_and_another_gone_what_was_told_is_no_longer_believed() {
    let mut world = World::new();
    let silent = There { contributing: 0b0111, answering: 0b0111 };
    world.cycle(silent, 0);
    let asked = world.cycle;
    world.tell(0b0111, asked);
    assert_eq!(world.cycle(silent, 0), 0b0111);
    world.cycle(ALL, 0);
    // 2 still answers and contributes nothing: the same sum as without 3.
    let other = There { contributing: 0b1011, ..ALL };
    assert_eq!(world.cycle(other, 0), 0);
    world.tell(0b0111, asked);
    assert_eq!(world.cycle(other, 0), 0, "those who were asked before say nothing of what came later");
}

#[test]
fn a_lost_frame_makes_what_was_told_void() {
    let mut world = World::new();
    let silent = There { contributing: 0b0111, answering: 0b0111 };
    world.cycle(silent, 0);
    world.tell(0b0111, world.cycle);
    assert_eq!(world.cycle(silent, 0), 0b0111);
    world.lose();
    assert_eq!(world.cycle(silent, 0), 0);
    world.tell(0b0111, world.cycle);
    assert_eq!(world.cycle(silent, 0), 0b0111);
}

#[test]
fn a_status_byte_that_never_came_is_no_evidence() {
    let (ledger, roll) = ledger();
    let mut world = World { ledger, roll, cycle: 0 };
    // The FMMU of 1 maps nothing; 2 contributes nothing.
    assert_eq!(world.cycle(There { answering: 0b1101, ..ALL }, 0), 0b1111);
    assert_eq!(world.cycle(There { contributing: 0b1011, answering: 0b1101 }, 0), 0);
}

#[test]
fn a_status_datagram_whose_counter_is_not_the_number_of_its_bytes_is_no_evidence() {
    let (_, mut roll) = ledger();
    roll.take(&[0, 0, 0], 3);
    for counter in [1, 3] {
        roll.take(&[0, NOBODY, 0], counter);
        assert!((0..3).all(|n| !roll.is_absent(n)));
    }
    roll.take(&[0, NOBODY, 0], 2);
    assert!(roll.is_absent(1) && !roll.is_absent(0));
}

/// What happens in a cycle.
#[derive(Debug, Clone)]
enum Step {
    /// Some stop contributing; those of the second set don't even answer.
    Leave(u8, u8),
    /// Some contribute again.
    Return(u8),
    Lose,
    /// The bus asks all, and tells that after so many cycles.
    Ask(usize),
    Nothing,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..16, 0u8..16).prop_map(|(leave, silent)| Step::Leave(leave, silent)),
        (0u8..16).prop_map(Step::Return),
        Just(Step::Lose),
        (0usize..6).prop_map(Step::Ask),
        Just(Step::Nothing),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    /// As long as nobody comes back in the very cycle in which another goes.
    #[test]
    fn whoever_is_good_contributed_whatever_was_told_and_when(steps in prop::collection::vec(any_step(), 1..60)) {
        let mut world = World::new();
        let mut there = ALL;
        let mut asked: Vec<(usize, u8, u64)> = Vec::new();
        for step in steps {
            match step {
                Step::Leave(leave, silent) => {
                    there.contributing &= !leave;
                    there.answering &= !(silent & !there.contributing);
                }
                Step::Return(back) => {
                    there.contributing |= back;
                    there.answering |= back;
                }
                Step::Ask(after) => asked.push((after, there.contributing, world.cycle)),
                Step::Lose | Step::Nothing => {}
            }
            if matches!(step, Step::Lose) {
                world.lose();
            } else {
                let good = world.cycle(there, 0);
                prop_assert_eq!(good & !there.contributing, 0, "{:04b} good of {:?}", good, there);
            }
            for (left, contributing, as_of) in std::mem::take(&mut asked) {
                match left.checked_sub(1) {
                    Some(left) => asked.push((left, contributing, as_of)),
                    None => world.tell(contributing, as_of),
                }
            }
        }
    }
}
