//! Claims about outputs: what is sent when, and that nothing commanded before an outage is sent after it.

use crate::commanded::{Commanded, exchange, safe, spec};
use crate::support::Fate;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, TestCaseError, prop_assert, prop_oneof, proptest};
use std::time::Duration;
use zerocat_engine::{CommandState, Others, RingFull, SafeOutputs, Traffic, writer};

#[test]
fn outputs_are_zero_until_they_are_live_then_commanded_and_safe_after() {
    let mut rig = Commanded::new(safe([0x70, 0x0f], [0, 0xf0]));
    assert_eq!(rig.next(), Some([0x70, 0x0f]), "safe, over zero");
    rig.switch(Traffic::Live);
    assert_eq!(rig.next(), Some([0x70, 0x0f]), "safe until the first set");
    rig.push([0x11, 0x22]).unwrap();
    assert_eq!([rig.next(), rig.next()], [Some([0x11, 0x22]); 2]);
    rig.switch(Traffic::Safe);
    assert_eq!(rig.next(), Some([0x70, 0x2f]));
    assert_eq!((rig.engine.counters().commands, rig.commands.applied()), (1, 1));
    assert_eq!(rig.engine.link().withdrawn, 2, "at the installation, and what the link held when they were made safe");
    let mut record = [0; 2];
    let states: Vec<_> = std::iter::from_fn(|| rig.states.pop(&mut record).map(|_| record)).collect();
    assert_eq!(
        states,
        [[0x70, 0x0f], [0x11, 0x22], [0x11, 0x22], [0x11, 0x22]],
        "what was sent, while traffic was live"
    );
}

#[test]
fn a_set_that_comes_while_traffic_is_not_live_is_dropped_and_counted() {
    let mut rig = Commanded::new(SafeOutputs::zero(4));
    assert_eq!(rig.commands.state(), CommandState { epoch: 1, silences: 0, live: false });
    rig.push([1, 1]).unwrap();
    rig.next();
    rig.switch(Traffic::Live);
    assert_eq!(rig.commands.state(), CommandState { epoch: 1, silences: 0, live: true });
    assert_eq!(rig.next(), Some([0, 0]));
    assert_eq!(rig.engine.counters().stale_commands, 1);
    rig.push([2, 2]).unwrap();
    assert_eq!(rig.next(), Some([2, 2]));
}

#[test]
fn the_newest_set_wins_and_those_that_it_overtook_are_not_stale() {
    let mut rig = Commanded::new(SafeOutputs::zero(4));
    rig.switch(Traffic::Live);
    for n in 1..=4 {
        rig.push([n, n]).unwrap();
    }
    assert_eq!(rig.push([5, 5]), Err(RingFull));
    assert_eq!(rig.next(), Some([4, 4]));
    assert_eq!((rig.engine.counters().commands, rig.engine.counters().stale_commands), (1, 0));
    assert_eq!(rig.commands.push(&[1], 1), Err(RingFull), "not a set of this writer");
}

#[test]
fn nothing_that_was_pushed_while_the_exchange_was_out_is_sent_after_it() {
    let mut rig = Commanded::new(SafeOutputs::zero(4));
    rig.switch(Traffic::Live);
    rig.push([7, 7]).unwrap();
    assert_eq!(rig.next(), Some([7, 7]));
    let writers = rig.take_out();
    // A controller that goes on: the ring is full of what it commanded first.
    let refused = (0..1_000).filter(|_| rig.push([8, 8]).is_err()).count();
    assert_eq!(refused, 996);
    rig.parts.controls.install(exchange(writers, SafeOutputs::zero(4))).unwrap();
    rig.switch(Traffic::Live);
    assert_eq!(rig.commands.state(), CommandState { epoch: 2, silences: 0, live: true });
    rig.commands.push(&[9, 9], 1).unwrap();
    assert_eq!([rig.next(), rig.next()], [Some([0, 0]); 2]);
    assert_eq!(rig.engine.counters().stale_commands, 5);
    rig.push([10, 10]).unwrap();
    assert_eq!(rig.next(), Some([10, 10]), "there is room for what is new");
}

#[test]
fn an_exchange_is_installed_with_safe_outputs_whatever_the_traffic_was() {
    let mut rig = Commanded::new(SafeOutputs::zero(4));
    rig.switch(Traffic::Live);
    rig.push([7, 7]).unwrap();
    rig.next();
    let (port, _commands, _states) = writer(spec(0xff));
    rig.parts.controls.install(exchange(vec![port], safe([1, 2], [0, 0]))).unwrap();
    rig.next();
    assert_eq!(rig.next(), Some([1, 2]));
    assert_eq!((rig.engine.counters().epoch, rig.parts.counters.read().live), (2, 0));
    assert_eq!(rig.commands.state(), CommandState { epoch: 1, silences: 0, live: false }, "its own exchange is gone");
}

#[test]
fn a_set_of_a_new_epoch_leaves_what_it_does_not_command_safe() {
    let mut rig = Commanded::new(safe([0x00, 0x55], [0xff, 0x0f]));
    rig.switch(Traffic::Live);
    rig.push([0x12, 0x34]).unwrap();
    rig.next();
    rig.switch(Traffic::Safe);
    rig.switch(Traffic::Live);
    assert_eq!(rig.next(), Some([0x12, 0x54]));
    rig.push_part([0x77, 0x77], [0, 0xf0], Others::Stay).unwrap();
    assert_eq!(rig.next(), Some([0x12, 0x74]));
}

#[test]
fn traffic_that_is_safe_already_begins_no_epoch() {
    let mut rig = Commanded::new(SafeOutputs::zero(4));
    rig.switch(Traffic::Safe);
    rig.switch(Traffic::Live);
    rig.switch(Traffic::Live);
    assert_eq!(rig.engine.counters().epoch, 1);
    rig.switch(Traffic::Safe);
    rig.switch(Traffic::Safe);
    assert_eq!(rig.engine.counters().epoch, 2);
}

#[test]
fn a_writer_whose_task_is_gone_has_safe_outputs_and_the_others_run_on() {
    let (mut low, mut high) = (writer(spec(0x0f)), writer(spec(0xf0)));
    let mut rig = Commanded::new(SafeOutputs::zero(4));
    rig.parts.controls.install(exchange(vec![low.0, high.0], safe([0xab, 0xcd], [0, 0]))).unwrap();
    rig.switch(Traffic::Live);
    low.1.push(&[0x11, 0x11], 2).unwrap();
    high.1.push(&[0x22, 0x22], 2).unwrap();
    assert_eq!(rig.next(), Some([0x21, 0x21]));
    // What it pushed last doesn't count either.
    low.1.push(&[0x33, 0x33], 2).unwrap();
    drop(low.1);
    assert_eq!(rig.next(), Some([0x2b, 0x2d]));
    high.1.push(&[0x44, 0x44], 2).unwrap();
    assert_eq!(rig.next(), Some([0x4b, 0x4d]));
    // That of the exchange before was gone with it, and no writer of this one.
    assert_eq!(rig.engine.counters().abandoned_writers, 1);
}

#[test]
fn safe_cycles_are_those_in_which_the_link_took_every_frame_with_safe_outputs() {
    let mut rig = Commanded::new(SafeOutputs::zero(4));
    let safe_cycles = |rig: &Commanded| rig.engine.counters().safe_cycles;
    rig.next();
    rig.next();
    assert_eq!(safe_cycles(&rig), 2);
    rig.switch(Traffic::Live);
    rig.next();
    assert_eq!(safe_cycles(&rig), 0);
    // The frame of this cycle still carried what was commanded.
    rig.switch(Traffic::Safe);
    assert_eq!(safe_cycles(&rig), 0);
    rig.engine.link_mut().fates.push_back(Fate::Lost);
    rig.next();
    assert_eq!(safe_cycles(&rig), 1, "sent, whatever became of it");
    rig.engine.link_mut().down = true;
    rig.next();
    assert_eq!(safe_cycles(&rig), 0);
    rig.engine.link_mut().down = false;
    rig.engine.link_mut().busy = true;
    rig.next();
    assert_eq!(safe_cycles(&rig), 0);
    rig.engine.link_mut().busy = false;
    rig.next();
    assert_eq!(safe_cycles(&rig), 1);
}

/// What may happen to a writer.
#[derive(Debug, Clone, Copy)]
enum Act {
    Push,
    Cycle,
    Switch(Traffic),
    Stall,
    /// The exchange is taken out, and put in again after some sets were pushed.
    Reinstall(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Push),
        4 => Just(Act::Cycle),
        2 => Just(Act::Switch(Traffic::Live)),
        1 => Just(Act::Switch(Traffic::Safe)),
        1 => Just(Act::Stall),
        1 => (0..9u8).prop_map(Act::Reinstall),
    ]
}

/// The writer's side: numbers its sets, and knows which may be sent.
#[derive(Default)]
struct Oracle {
    pushed: u16,
    /// Sets up to this one are void.
    void: u16,
    /// The last set that found room while traffic was live.
    newest: u16,
}

impl Oracle {
    fn push(&mut self, rig: &mut Commanded) {
        self.pushed += 1;
        let live = rig.commands.state().live;
        if rig.push(self.pushed.to_le_bytes()).is_ok() && live {
            self.newest = self.pushed;
        }
    }

    /// One cycle: what is sent is safe, or the newest set of this epoch.
    fn cycle(&mut self, rig: &mut Commanded, skip: u64) -> Result<(), TestCaseError> {
        let before = *rig.engine.counters();
        let sent = rig.skip(skip).map(u16::from_le_bytes);
        let after = *rig.engine.counters();
        let stalled = after.stalls > before.stalls;
        let expected = if !stalled && self.newest > self.void { self.newest } else { 0 };
        prop_assert!(sent.is_none_or(|sent| sent == expected), "sent {sent:?}, not {expected}, after {}", self.void);
        if after.epoch > before.epoch {
            self.void = self.pushed;
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn whatever_happens_only_the_newest_set_of_the_present_epoch_is_sent(acts in vec(act(), 1..60)) {
        let mut rig = Commanded::with_limit(SafeOutputs::zero(4), Some(Duration::from_millis(100)));
        let mut oracle = Oracle::default();
        for act in acts {
            match act {
                Act::Push => oracle.push(&mut rig),
                Act::Cycle => oracle.cycle(&mut rig, 0)?,
                Act::Switch(traffic) => {
                    rig.parts.controls.traffic(traffic).unwrap();
                    oracle.cycle(&mut rig, 0)?;
                }
                Act::Stall => oracle.cycle(&mut rig, 200)?,
                Act::Reinstall(sets) => {
                    rig.parts.controls.retire().unwrap();
                    oracle.cycle(&mut rig, 0)?;
                    let exchange = rig.parts.controls.collect().unwrap();
                    (0..sets).for_each(|_| oracle.push(&mut rig));
                    rig.parts.controls.install(*exchange).unwrap();
                    oracle.cycle(&mut rig, 0)?;
                }
            }
        }
        let counters = *rig.engine.counters();
        prop_assert!(counters.commands <= u64::from(oracle.newest) && counters.commands == rig.commands.applied());
    }
}
