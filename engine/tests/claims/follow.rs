//! Claims about outputs that follow inputs, and about sets that go out in turn.

use crate::commanded::{Commanded, exchange, safe, spec};
use crate::support::{Fate, plan};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use std::time::Duration;
use zerocat_engine::{
    CyclicLane, Exchange, Follow, LaneOptions, Order, Others, ReaderSpec, RingFull, SafeOutputs, SampleReader, Traffic,
    WriterSpec, reader, reader_while_safe, writer,
};
use zerocat_link::Slot;
use zerocat_pdi::{BitSpan, Turn};

/// The second output byte, and the two input bytes.
const OUTPUT: BitSpan = BitSpan { offset: 8, len: 8 };
const FIRST: BitSpan = BitSpan { offset: 16, len: 8 };
const ALL: [u8; 2] = [0xff, 0xff];

fn follow(initial: bool, safe: bool) -> WriterSpec {
    let input = |follows: bool| follows.then_some(FIRST);
    let follow = Follow { record: OUTPUT, output: OUTPUT, initial: input(initial), safe: input(safe) };
    WriterSpec { follows: vec![follow], ..spec(0xff) }
}

/// The first output begins as 1 and is safe as 2; the second one follows, or is safe as 3.
fn following(initial: bool, safely: bool) -> Commanded {
    let initially = Some(safe([1, 0], [0, 0]));
    let limit = Some(Duration::from_millis(100));
    Commanded::of(
        follow(initial, safely),
        Exchange { initial: initially, stall_limit: limit, ..exchange(Vec::new(), safe([2, 3], [0, 0])) },
    )
}

/// The outputs of some cycles, while the input is moved by one in each.
fn moved(rig: &mut Commanded, cycles: u8) -> Vec<[u8; 2]> {
    (0..cycles)
        .map(|_| {
            rig.engine.link_mut().fill += 1;
            rig.next().unwrap()
        })
        .collect()
}

#[test]
fn an_output_has_its_inputs_value_of_the_cycle_before_from_the_first_one_until_it_is_commanded() {
    let mut rig = following(true, false);
    rig.engine.link_mut().fill = 40;
    assert_eq!(moved(&mut rig, 3), [[1, 0], [1, 41], [1, 42]], "before traffic is live");
    rig.switch(Traffic::Live);
    assert_eq!(moved(&mut rig, 2), [[1, 43], [1, 44]]);
    rig.push_part([9, 0], [0xff, 0], Others::Stay).unwrap();
    assert_eq!(moved(&mut rig, 2), [[9, 45], [9, 46]], "the other output is commanded");
    rig.push_part([9, 8], ALL, Others::Stay).unwrap();
    assert_eq!(moved(&mut rig, 2), [[9, 8], [9, 8]]);
    rig.push_part([9, 8], ALL, Others::Stay).unwrap();
    assert_eq!(moved(&mut rig, 1), [[9, 8]]);
}

#[test]
fn an_input_that_is_not_valid_leaves_the_output_at_what_it_followed_last() {
    let mut rig = following(true, false);
    rig.engine.link_mut().fill = 7;
    rig.next();
    rig.engine.link_mut().fates.extend([Fate::Miscounted, Fate::Lost, Fate::Answered]);
    assert_eq!(moved(&mut rig, 4), [[1, 7], [1, 7], [1, 7], [1, 10]]);
}

#[test]
fn after_an_outage_outputs_are_safe_and_stay_so_until_they_are_commanded_themselves() {
    let mut rig = following(true, true);
    rig.switch(Traffic::Live);
    rig.push_part([9, 8], ALL, Others::Stay).unwrap();
    rig.next();
    rig.switch(Traffic::Safe);
    assert_eq!(moved(&mut rig, 2), [[2, 0], [2, 1]], "safe is to follow");
    rig.switch(Traffic::Live);
    rig.push_part([9, 0], [0xff, 0], Others::Stay).unwrap();
    assert_eq!(moved(&mut rig, 2), [[9, 2], [9, 3]]);
}

#[test]
fn an_output_that_follows_only_at_first_has_its_safe_value_after_an_outage() {
    let mut rig = following(true, false);
    rig.switch(Traffic::Live);
    rig.engine.link_mut().fill = 5;
    rig.next();
    rig.switch(Traffic::Safe);
    rig.switch(Traffic::Live);
    assert_eq!(rig.next(), Some([2, 3]));
}

#[test]
fn a_stall_makes_outputs_follow_in_the_very_frame_that_goes_out_first() {
    let mut rig = following(false, true);
    rig.switch(Traffic::Live);
    rig.engine.link_mut().fill = 5;
    rig.push([9, 8]).unwrap();
    assert_eq!(rig.next(), Some([9, 8]));
    assert_eq!(rig.skip(200), Some([2, 5]));
}

#[test]
fn an_attempt_that_fails_before_live_traffic_begins_with_the_initial_outputs_again() {
    let mut rig = following(true, false);
    let writers = rig.take_out();
    let initial = Some(safe([1, 0], [0, 0]));
    rig.parts.controls.install(Exchange { initial, ..exchange(writers, safe([2, 3], [0, 0])) }).unwrap();
    rig.next();
    rig.engine.link_mut().fill = 6;
    rig.next();
    assert_eq!(rig.next(), Some([1, 6]));
    assert_eq!(rig.commands.epoch(), 2);
}

#[test]
fn initial_outputs_become_safe_when_the_end_comes_before_live_traffic() {
    let mut rig = following(true, false);
    rig.next();
    rig.switch(Traffic::Safe);
    assert_eq!(rig.next(), Some([2, 3]));
}

#[test]
fn the_outputs_of_a_writer_that_is_gone_follow_where_that_is_safe() {
    let mut rig = following(false, true);
    rig.switch(Traffic::Live);
    rig.push([9, 8]).unwrap();
    rig.engine.link_mut().fill = 5;
    rig.next();
    let (_port, other, _states) = writer(spec(0xff));
    rig.commands = other;
    assert_eq!(moved(&mut rig, 2), [[2, 5], [2, 6]]);
}

#[test]
fn a_set_makes_safe_what_it_does_not_command_where_it_says_so() {
    let mut rig = following(true, true);
    rig.switch(Traffic::Live);
    rig.push([9, 8]).unwrap();
    rig.next();
    rig.push_part([0, 0], [0, 0], Others::Safe).unwrap();
    assert_eq!(moved(&mut rig, 2), [[2, 0], [2, 1]], "the source has ended");
    rig.push_part([9, 0], [0xff, 0], Others::Safe).unwrap();
    assert_eq!(moved(&mut rig, 2), [[9, 2], [9, 3]], "and is back");
}

#[test]
fn sets_go_out_in_turn_each_in_a_cycle_of_its_own() {
    let spec = WriterSpec { order: Order::InTurn, ..spec(0xff) };
    let mut rig = Commanded::of(spec, exchange(Vec::new(), SafeOutputs::zero(4)));
    rig.switch(Traffic::Live);
    for value in [6, 7, 15, 16] {
        rig.push([value, 0]).unwrap();
    }
    assert_eq!(rig.push([17, 0]), Err(RingFull));
    assert_eq!(rig.next(), Some([6, 0]));
    rig.engine.link_mut().busy = true;
    rig.next();
    rig.engine.link_mut().busy = false;
    assert_eq!(rig.next(), Some([7, 0]));
    rig.engine.link_mut().down = true;
    rig.next();
    rig.engine.link_mut().down = false;
    assert_eq!([rig.next(), rig.next(), rig.next()], [[15, 0], [16, 0], [16, 0]].map(Some));
    assert_eq!(rig.engine.counters().commands, 4);
}

#[test]
fn in_turn_a_set_waits_until_the_sync_unit_of_its_outputs_was_sent() {
    let mut slow = plan(1);
    slow.frames[0].turn = Turn::new(3, 1);
    let lane = CyclicLane::new(&slow, LaneOptions { first_slot: Slot(0), al_status: None }).unwrap();
    let spec = WriterSpec { order: Order::InTurn, ..spec(0xff) };
    let mut rig = Commanded::of(spec, Exchange::new(lane));
    rig.switch(Traffic::Live);
    for value in 1..=4 {
        rig.push([value, 0]).unwrap();
    }
    let sent: Vec<_> = (0..14).filter_map(|_| rig.next()).collect();
    assert_eq!(sent, [[1, 0], [2, 0], [3, 0], [4, 0]]);
}

/// What may happen in a cycle.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// The input is moved to a value, and this becomes of the frame.
    Cycle(u8, Fate),
    Switch(Traffic),
    /// A set that commands the other output alone, or both.
    Push(bool, Others),
    Stall,
}

fn act() -> impl Strategy<Value = Act> {
    let fate = prop_oneof![
        4 => Just(Fate::Answered),
        1 => Just(Fate::Miscounted),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Delayed),
        1 => Just(Fate::Doubled),
    ];
    let others = prop_oneof![Just(Others::Stay), Just(Others::Safe)];
    prop_oneof![
        8 => (any::<u8>(), fate).prop_map(|(value, fate)| Act::Cycle(value, fate)),
        1 => Just(Act::Switch(Traffic::Live)),
        1 => Just(Act::Switch(Traffic::Safe)),
        2 => (any::<bool>(), others).prop_map(|(both, others)| Act::Push(both, others)),
        1 => Just(Act::Stall),
    ]
}

/// The input as the engine holds it after each cycle, whatever the traffic is.
struct Held {
    readers: [SampleReader; 2],
    value: u8,
}

impl Held {
    fn after_cycle(&mut self) -> u8 {
        for reader in &mut self.readers {
            let mut byte = [0];
            while reader.pop(&mut byte).is_some() {
                self.value = byte[0];
            }
        }
        self.value
    }
}

proptest! {
    #[test]
    fn whatever_happens_an_output_that_nobody_commands_has_the_value_that_its_input_had_a_cycle_before(
        acts in vec(act(), 1..80),
    ) {
        let spec = || ReaderSpec { ranges: std::iter::once(2..3).collect(), every: 1, depth: 64, ..ReaderSpec::default() };
        let ((safe_port, while_safe), (live_port, while_live)) = (reader_while_safe(spec()), reader(spec()));
        let limit = Some(Duration::from_millis(100));
        let exchange = Exchange {
            readers: vec![safe_port, live_port],
            stall_limit: limit,
            ..exchange(Vec::new(), SafeOutputs::zero(4))
        };
        let mut rig = Commanded::of(follow(true, true), exchange);
        let mut held = Held { readers: [while_safe, while_live], value: 0 };
        let (mut commanded, mut waiting) = (false, None);
        for act in acts {
            let before = held.after_cycle();
            let epoch = rig.engine.counters().epoch;
            let live = rig.commands.state().live;
            let sent = match act {
                Act::Cycle(value, fate) => {
                    rig.engine.link_mut().fill = value;
                    rig.engine.link_mut().fates.push_back(fate);
                    rig.next()
                }
                Act::Switch(traffic) => {
                    rig.parts.controls.traffic(traffic).unwrap();
                    rig.next()
                }
                Act::Push(both, others) => {
                    let bits = if both { ALL } else { [0xff, 0] };
                    rig.push_part([7, 8], bits, others).unwrap();
                    waiting = live.then_some((both, others));
                    rig.next()
                }
                Act::Stall => rig.skip(200),
            };
            if let Some((both, others)) = waiting.take() {
                commanded = both || (commanded && others == Others::Stay);
            }
            // A stall is found before the frame goes out.
            let stalled = rig.engine.counters().stalls > 0 && matches!(act, Act::Stall) && rig.engine.counters().epoch > epoch;
            commanded &= !stalled;
            let expected = if commanded { 8 } else { before };
            prop_assert_eq!(sent.map(|[_, output]| output), Some(expected), "{:?}", act);
            // Traffic that was made safe at the end of the cycle.
            commanded &= rig.engine.counters().epoch == epoch;
        }
    }
}
