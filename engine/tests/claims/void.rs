//! Claims about commands of a single SubDevice that become void: its outputs are safe until it is back and commanded anew,
//! and the others know nothing of it.

use crate::commanded::{Commanded, exchange, safe, spec};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use zerocat_engine::{
    CommandSet, Exchange, Follow, Order, Others, SafeOutputs, Traffic, Voided, Voider, WriterSpec, voids,
};
use zerocat_pdi::BitSpan;

/// A writer of a byte of each of two SubDevices.
fn of_two() -> WriterSpec {
    WriterSpec { parts: [0..1, 1..2].to_vec(), ..spec(0xff) }
}

/// Live, with a writer as wanted.
fn live(spec: WriterSpec, safe: SafeOutputs) -> (Commanded, Voider) {
    let (voider, voids) = voids([0..1, 1..2]);
    let mut rig = Commanded::of(spec, Exchange { voids, ..exchange(Vec::new(), safe) });
    rig.switch(Traffic::Live);
    (rig, voider)
}

#[test]
fn outputs_of_a_subdevice_are_safe_until_it_is_back_and_commanded_and_the_others_go_on() {
    let (mut rig, voider) = live(of_two(), safe([0x70, 0x70], [0, 0]));
    rig.push([1, 1]).unwrap();
    assert_eq!((rig.next(), voider.state(0)), (Some([1, 1]), Voided::Commanded));
    voider.void(0);
    assert_eq!((rig.next(), voider.state(0)), (Some([1, 1]), Voided::Void), "obeyed at the end of the cycle");
    assert_eq!(rig.next(), Some([0x70, 1]));
    let before = rig.commands.epoch();
    rig.push([2, 2]).unwrap();
    assert_eq!(rig.next(), Some([0x70, 2]));
    voider.back(0);
    rig.push([3, 3]).unwrap();
    assert_eq!(rig.next(), Some([0x70, 3]));
    rig.commands.push(&[4, 4], before).unwrap();
    assert_eq!((rig.next(), voider.state(0)), (Some([0x70, 4]), Voided::Waiting), "made before it was back");
    rig.push_part([5, 5], [0, 0xff], Others::Stay).unwrap();
    assert_eq!((rig.next(), voider.state(0)), (Some([0x70, 5]), Voided::Waiting), "not named");
    rig.push_part([6, 6], [0x0f, 0], Others::Stay).unwrap();
    assert_eq!((rig.next(), voider.state(0)), (Some([0x76, 5]), Voided::Commanded));
    assert_eq!(rig.engine.counters().stale_commands, 0, "no set was dropped");
}

#[test]
fn a_writer_is_told_from_which_epoch_on_it_is_obeyed() {
    let (mut rig, voider) = live(of_two(), SafeOutputs::zero(4));
    let told = |rig: &Commanded| {
        (rig.commands.epoch(), rig.commands.began(), [0, 1].map(|part| rig.commands.part_began(part)))
    };
    assert_eq!(told(&rig), (1, 1, [Some(1), Some(1)]));
    voider.void(1);
    rig.next();
    assert_eq!(told(&rig), (1, 1, [Some(1), None]));
    voider.back(1);
    rig.next();
    assert_eq!(told(&rig), (2, 1, [Some(1), Some(2)]));
    assert!(rig.commands.state().live);
    rig.switch(Traffic::Safe);
    assert_eq!(told(&rig), (3, 3, [Some(3), Some(3)]));
}

#[test]
fn who_is_back_before_the_order_is_obeyed_waits_for_a_command_all_the_same() {
    let (mut rig, voider) = live(of_two(), SafeOutputs::zero(4));
    rig.push([1, 1]).unwrap();
    rig.next();
    for time in 0..2 {
        rig.push([2, 2]).unwrap();
        voider.void(0);
        voider.back(0);
        assert_eq!(voider.state(0), Voided::Ordered);
        rig.next();
        assert_eq!((rig.next(), voider.state(0)), (Some([0, 2]), Voided::Waiting), "time {time}");
        rig.push([3, 2]).unwrap();
        assert_eq!((rig.next(), voider.state(0)), (Some([3, 2]), Voided::Commanded));
    }
}

#[test]
fn in_turn_sets_that_waited_command_the_others_only() {
    let (mut rig, voider) = live(WriterSpec { order: Order::InTurn, ..of_two() }, SafeOutputs::zero(4));
    for n in 1..=3 {
        rig.push([n, n]).unwrap();
    }
    voider.void(0);
    voider.back(0);
    assert_eq!(rig.next(), Some([1, 1]));
    rig.push([4, 4]).unwrap();
    assert_eq!([rig.next(), rig.next(), rig.next()], [Some([0, 2]), Some([0, 3]), Some([4, 4])]);
}

#[test]
fn outputs_that_nobody_commands_are_safe_and_stay_so() {
    let (voider, voids) = voids([0..1, 1..2]);
    let initial = Some(safe([0x11, 0x22], [0, 0]));
    let byte = || std::iter::once(1..2).collect();
    let part = WriterSpec { ranges: byte(), mask: vec![0xff], parts: byte(), ..spec(0xff) };
    let mut rig = Commanded::of(part, Exchange { initial, voids, ..exchange(Vec::new(), safe([5, 6], [0, 0])) });
    rig.switch(Traffic::Live);
    assert_eq!(rig.next(), Some([0x11, 0x22]));
    voider.void(0);
    rig.next();
    voider.back(0);
    assert_eq!(rig.next(), Some([5, 0x22]));
    assert_eq!((rig.next(), voider.state(0)), (Some([5, 0x22]), Voided::Nobody));
}

#[test]
fn an_output_follows_its_input_again_while_it_is_safe() {
    let follow = Follow {
        record: BitSpan::new(0, 8),
        output: BitSpan::new(0, 8),
        initial: None,
        safe: Some(BitSpan::new(16, 8)),
    };
    let (mut rig, voider) = live(WriterSpec { follows: vec![follow], ..of_two() }, safe([0, 0], [0xff, 0]));
    rig.engine.link_mut().fill = 9;
    rig.push([1, 1]).unwrap();
    rig.next();
    voider.void(0);
    rig.next();
    assert_eq!(rig.next(), Some([9, 1]));
    voider.back(0);
    rig.next();
    rig.push([2, 2]).unwrap();
    assert_eq!([rig.next(), rig.next()], [Some([2, 2]); 2]);
}

#[test]
fn who_is_away_stays_so_where_all_begin_anew() {
    let (mut rig, voider) = live(of_two(), SafeOutputs::zero(4));
    voider.void(0);
    rig.next();
    rig.switch(Traffic::Safe);
    rig.switch(Traffic::Live);
    rig.push([1, 1]).unwrap();
    assert_eq!((rig.next(), voider.state(0)), (Some([0, 1]), Voided::Void));
    voider.back(0);
    rig.next();
    rig.push([2, 2]).unwrap();
    assert_eq!((rig.next(), voider.state(0)), (Some([2, 2]), Voided::Commanded));
}

#[test]
fn a_writer_without_parts_holds_a_range_of_its_own_back() {
    let ranges = [0..1, 1..2].to_vec();
    let (mut rig, voider) = live(WriterSpec { ranges, ..spec(0xff) }, SafeOutputs::zero(4));
    voider.void(1);
    rig.next();
    rig.push([1, 1]).unwrap();
    assert_eq!(rig.next(), Some([1, 0]));
}

/// What may happen to two SubDevices and their commands.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// The writer learns of the epoch.
    Learn,
    /// It commands some of them.
    Push([bool; 2]),
    Void(usize),
    Back(usize),
    Begin,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Learn),
        4 => (proptest::bool::ANY, proptest::bool::ANY).prop_map(|(one, other)| Act::Push([one, other])),
        1 => (0..2usize).prop_map(Act::Void),
        1 => (0..2usize).prop_map(Act::Back),
        1 => Just(Act::Begin),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_an_output_is_what_was_commanded_of_it_since_it_is_back_or_safe(acts in vec(act(), 1..80)) {
        let (mut rig, voider) = live(of_two(), SafeOutputs::zero(4));
        let (mut epoch, mut number) = (rig.commands.epoch(), 0u8);
        // When each came back, by the epochs of its writer; and what is commanded of it.
        let (mut since, mut outputs) = ([Some(epoch); 2], [0u8; 2]);
        for act in acts {
            match act {
                Act::Learn => epoch = rig.commands.epoch(),
                Act::Push(which) => {
                    number = number % 250 + 1;
                    let commanded = which.map(|is| if is { 0xff } else { 0 });
                    let set = CommandSet { record: &[number; 2], commanded: &commanded, others: Others::Stay };
                    rig.commands.push_set(set, epoch).unwrap();
                    let began = rig.commands.began();
                    for n in (0..2).filter(|n| which[*n]) {
                        if since[n].is_some_and(|since| epoch >= since.max(began)) {
                            outputs[n] = number;
                        }
                    }
                }
                Act::Void(n) => {
                    voider.void(n);
                    (since[n], outputs[n]) = (None, 0);
                }
                Act::Back(n) => {
                    voider.back(n);
                    if since[n].is_none() {
                        since[n] = Some(rig.commands.epoch() + 1);
                    }
                }
                Act::Begin => {
                    rig.switch(Traffic::Safe);
                    rig.switch(Traffic::Live);
                    outputs = [0; 2];
                    let began = rig.commands.began();
                    since = since.map(|since| since.map(|_| began));
                }
            }
            rig.next();
            prop_assert_eq!(rig.next(), Some(outputs), "{:?}", act);
        }
        prop_assert!(rig.commands.epoch() >= rig.commands.began());
    }
}
