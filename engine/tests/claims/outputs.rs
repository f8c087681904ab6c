//! Claims about outputs: what is sent when, and that nothing commanded before an outage is sent after it.

use crate::support::{Fate, Memory, cycle, plan};
use zerocat_engine::{
    AcyclicSettings, CommandState, CommandWriter, CyclicLane, Engine, EngineParts, Exchange, LaneOptions, Pool,
    RingFull, SafeOutputs, StateReader, Timing, Traffic, WriterPort, WriterSpec, writer,
};
use zerocat_link::Slot;
use zerocat_wire::FrameView;

/// An engine over memory whose exchange has one frame of two output bytes, and a writer of both.
struct Rig {
    engine: Engine<Memory>,
    parts: EngineParts,
    commands: CommandWriter,
    states: StateReader,
    number: u64,
}

fn spec(mask: u8) -> WriterSpec {
    WriterSpec {
        ranges: std::iter::once(0..2).collect(),
        mask: vec![mask; 2],
        depth: 4,
        state_every: 1,
        state_depth: 64,
    }
}

fn exchange(writers: Vec<WriterPort>, safe: SafeOutputs) -> Exchange {
    let lane = CyclicLane::new(&plan(1), LaneOptions { first_slot: Slot(0), al_status: None }).unwrap();
    Exchange { writers, safe, ..Exchange::new(lane) }
}

fn safe(values: [u8; 2], hold: [u8; 2]) -> SafeOutputs {
    SafeOutputs { values: values.into(), hold: hold.into() }
}

impl Rig {
    /// Installed, traffic not live.
    fn new(safe: SafeOutputs) -> Self {
        let (port, commands, states) = writer(spec(0xff));
        let (pool, _pdu_loop) = Pool::new();
        let timeout = std::time::Duration::from_millis(10);
        let acyclic = AcyclicSettings { first_slot: Slot(8), in_flight: 2, timeout };
        let timing = Timing::for_period(std::time::Duration::from_millis(1));
        let (engine, mut parts) = Engine::new(Memory::new(10), timing, pool, acyclic);
        parts.controls.install(exchange(vec![port], safe)).unwrap();
        let mut rig = Self { engine, parts, commands, states, number: 0 };
        rig.next();
        rig
    }

    /// One cycle; the outputs that were sent in it, if any were.
    fn next(&mut self) -> Option<[u8; 2]> {
        self.engine.link_mut().sent.clear();
        cycle(&mut self.engine, self.number);
        self.number += 1;
        let sent = self.engine.link_mut().sent.last()?;
        let datagram = FrameView::new_checked(sent).unwrap().datagrams().next().unwrap().unwrap();
        Some([datagram.data()[0], datagram.data()[1]])
    }

    fn switch(&mut self, traffic: Traffic) {
        self.parts.controls.traffic(traffic).unwrap();
        self.next();
    }

    fn push(&mut self, set: [u8; 2]) -> Result<(), RingFull> {
        let epoch = self.commands.epoch();
        self.commands.push(&set, epoch)
    }

    /// Takes the exchange out; gives its writers.
    fn take_out(&mut self) -> Vec<WriterPort> {
        self.parts.controls.retire().unwrap();
        self.next();
        self.parts.controls.collect().unwrap().writers
    }
}

#[test]
fn outputs_are_zero_until_they_are_live_then_commanded_and_safe_after() {
    let mut rig = Rig::new(safe([0x70, 0x0f], [0, 0xf0]));
    assert_eq!(rig.next(), Some([0x70, 0x0f]), "safe, over zero");
    rig.switch(Traffic::Live);
    assert_eq!(rig.next(), Some([0x70, 0x0f]), "safe until the first set");
    rig.push([0x11, 0x22]).unwrap();
    assert_eq!([rig.next(), rig.next()], [Some([0x11, 0x22]); 2]);
    rig.switch(Traffic::Safe);
    assert_eq!(rig.next(), Some([0x70, 0x2f]));
    assert_eq!((rig.engine.counters().commands, rig.commands.applied()), (1, 1));
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
    let mut rig = Rig::new(SafeOutputs::zero(4));
    assert_eq!(rig.commands.state(), CommandState { epoch: 1, live: false });
    rig.push([1, 1]).unwrap();
    rig.next();
    rig.switch(Traffic::Live);
    assert_eq!(rig.commands.state(), CommandState { epoch: 1, live: true });
    assert_eq!(rig.next(), Some([0, 0]));
    assert_eq!(rig.engine.counters().stale_commands, 1);
    rig.push([2, 2]).unwrap();
    assert_eq!(rig.next(), Some([2, 2]));
}

#[test]
fn the_newest_set_wins_and_those_that_it_overtook_are_not_stale() {
    let mut rig = Rig::new(SafeOutputs::zero(4));
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
    let mut rig = Rig::new(SafeOutputs::zero(4));
    rig.switch(Traffic::Live);
    rig.push([7, 7]).unwrap();
    assert_eq!(rig.next(), Some([7, 7]));
    let writers = rig.take_out();
    // A controller that goes on: the ring is full of what it commanded first.
    let refused = (0..1_000).filter(|_| rig.push([8, 8]).is_err()).count();
    assert_eq!(refused, 996);
    rig.parts.controls.install(exchange(writers, SafeOutputs::zero(4))).unwrap();
    rig.switch(Traffic::Live);
    assert_eq!(rig.commands.state(), CommandState { epoch: 2, live: true });
    rig.commands.push(&[9, 9], 1).unwrap();
    assert_eq!([rig.next(), rig.next()], [Some([0, 0]); 2]);
    assert_eq!(rig.engine.counters().stale_commands, 5);
    rig.push([10, 10]).unwrap();
    assert_eq!(rig.next(), Some([10, 10]), "there is room for what is new");
}

#[test]
fn an_exchange_is_installed_with_safe_outputs_whatever_the_traffic_was() {
    let mut rig = Rig::new(SafeOutputs::zero(4));
    rig.switch(Traffic::Live);
    rig.push([7, 7]).unwrap();
    rig.next();
    let (port, _commands, _states) = writer(spec(0xff));
    rig.parts.controls.install(exchange(vec![port], safe([1, 2], [0, 0]))).unwrap();
    rig.next();
    assert_eq!(rig.next(), Some([1, 2]));
    assert_eq!((rig.engine.counters().epoch, rig.parts.counters.read().live), (2, 0));
    assert_eq!(rig.commands.state(), CommandState { epoch: 1, live: false }, "its own exchange is gone");
}

#[test]
fn an_epoch_begins_with_the_outputs_that_are_sent_while_they_are_safe() {
    let mut rig = Rig::new(safe([0x00, 0x55], [0xff, 0x0f]));
    let mut record = [0xee; 2];
    assert_eq!((rig.commands.start(&mut record), record), (1, [0x00, 0x50]));
    rig.switch(Traffic::Live);
    rig.push([0x12, 0x34]).unwrap();
    rig.next();
    rig.switch(Traffic::Safe);
    assert_eq!((rig.commands.start(&mut record), record), (2, [0x12, 0x54]));
    assert_eq!(rig.next(), Some(record));
}

#[test]
fn traffic_that_is_safe_already_begins_no_epoch() {
    let mut rig = Rig::new(SafeOutputs::zero(4));
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
    let mut rig = Rig::new(SafeOutputs::zero(4));
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
    let mut rig = Rig::new(SafeOutputs::zero(4));
    let safe_cycles = |rig: &Rig| rig.engine.counters().safe_cycles;
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
