//! A link that answers like a segment of memory, under the test's control, and a plan to go with it.

use std::collections::VecDeque;
use zerocat_engine::{
    AcyclicSettings, Concluded, CyclicLane, Engine, EngineParts, Exchange, LaneOptions, Origin, Pool, ReaderSpec,
    SampleReader, Timing, Traffic, reader,
};
use zerocat_link::{Link, LinkCounters, LinkFault, MAX_FRAME, MIN_FRAME, Slot};
use zerocat_pdi::{DatagramPlan, Direction, FramePlan, NOBODY, Plan, Share, Turn};
use zerocat_sched::{Tick, Time};
use zerocat_wire::datagram::DatagramViewMut;
use zerocat_wire::{Command, FrameViewMut};

/// What becomes of a posted frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Comes back with working counter 3 in an LRW, 1 in anything else, and the inputs set to `fill`.
    Answered,
    /// As `Answered`, with one too many.
    Miscounted,
    /// Comes back twice, as `Miscounted` and then as `Answered`.
    Copied,
    /// Never comes back.
    Lost,
    /// Comes back at the next kick.
    Delayed,
    /// Comes back twice.
    Doubled,
}

pub(crate) struct Memory {
    slots: Vec<Vec<u8>>,
    posted: Vec<(usize, usize)>,
    arriving: VecDeque<Vec<u8>>,
    delayed: Vec<Vec<u8>>,
    lent: Vec<u8>,
    pub(crate) fates: VecDeque<Fate>,
    pub(crate) fill: u8,
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) busy: bool,
    pub(crate) down: bool,
    pub(crate) kicks: u32,
    /// How often frames were withdrawn.
    pub(crate) withdrawn: u32,
    /// Who answers, instead of everybody.
    pub(crate) there: Option<There>,
    /// What a reference clock shows when a frame passes it; `None` where it doesn't answer.
    pub(crate) reference: Option<u64>,
    /// What each broadcast read of the differences 0x092C brings, and how many answer.
    pub(crate) difference: (u32, u16),
}

/// SubDevices at positions from 0 with an input byte each, who count 3 each in an LRW whose data ends with these bytes.
/// The first ones have status bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct There {
    pub(crate) contributing: Vec<usize>,
    pub(crate) answering: Vec<usize>,
    /// How much more LRWs count.
    pub(crate) extra: u16,
}

impl There {
    pub(crate) fn new(contributing: &[usize], answering: &[usize]) -> Self {
        Self { contributing: contributing.to_vec(), answering: answering.to_vec(), extra: 0 }
    }

    fn answer(&self, inputs: usize, fill: u8, command: Command, data: &mut [u8]) -> u16 {
        let count = |who: &[usize]| u16::try_from(who.len()).unwrap();
        match command {
            Command::Lrw => {
                let start = data.len() - inputs;
                self.contributing.iter().for_each(|position| data[start + position] = fill);
                3 * count(&self.contributing) + self.extra
            }
            Command::Lrd => {
                assert!(data.iter().all(|byte| *byte == NOBODY), "sent as nobody's");
                let told: Vec<_> = self.answering.iter().copied().filter(|position| *position < data.len()).collect();
                told.iter().for_each(|position| data[*position] = 0);
                count(&told)
            }
            _ => 1,
        }
    }
}

impl Memory {
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            slots: vec![vec![0; MAX_FRAME]; slots],
            posted: Vec::new(),
            arriving: VecDeque::new(),
            delayed: Vec::new(),
            lent: Vec::new(),
            fates: VecDeque::new(),
            fill: 0,
            sent: Vec::new(),
            busy: false,
            down: false,
            kicks: 0,
            withdrawn: 0,
            there: None,
            reference: None,
            difference: (0, 0),
        }
    }

    pub(crate) fn inject(&mut self, frame: Vec<u8>) {
        self.arriving.push_back(frame);
    }

    /// Answers a datagram of the clocks: of a reference and one more clock behind it. Whether it is one.
    fn answer_clock(&self, datagram: &mut DatagramViewMut<'_>) -> bool {
        let (command, register) = (datagram.view().command(), datagram.view().address().ado());
        match (command, register) {
            (Ok(Command::Fprd | Command::Frmw), 0x0910) => {
                let others = u16::from(command == Ok(Command::Frmw));
                datagram.set_working_counter(others + u16::from(self.reference.is_some()));
                if let Some(time) = self.reference {
                    let data = datagram.data_mut();
                    data.copy_from_slice(&time.to_le_bytes()[..data.len()]);
                }
                true
            }
            (Ok(Command::Brd), 0x092C) => {
                datagram.data_mut().copy_from_slice(&self.difference.0.to_le_bytes());
                datagram.set_working_counter(self.difference.1);
                true
            }
            _ => false,
        }
    }

    fn answer(&self, mut frame: Vec<u8>, extra: u16) -> Vec<u8> {
        let mut view = FrameViewMut::new_checked(&mut frame).unwrap();
        view.mark_returned();
        for mut datagram in view.datagrams_mut() {
            if self.answer_clock(&mut datagram) {
                continue;
            }
            if let Some(there) = &self.there {
                let (command, inputs) = (datagram.view().command().unwrap(), datagram.view().data().len() / 2);
                let counter = there.answer(inputs, self.fill, command, datagram.data_mut());
                datagram.set_working_counter(counter + extra);
                continue;
            }
            let lrw = datagram.view().command() == Ok(Command::Lrw);
            if lrw {
                datagram.data_mut()[2..4].fill(self.fill);
            }
            datagram.set_working_counter(if lrw { 3 } else { 1 } + extra);
        }
        frame
    }
}

impl Link for Memory {
    fn slots(&self) -> u16 {
        u16::try_from(self.slots.len()).unwrap()
    }
    fn slot(&self, slot: Slot) -> Result<&[u8], LinkFault> {
        self.slots.get(usize::from(slot.0)).map(Vec::as_slice).ok_or(LinkFault::NoSuchSlot(slot))
    }
    fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault> {
        if self.busy {
            return Err(LinkFault::Busy(slot));
        }
        self.slots.get_mut(usize::from(slot.0)).map(Vec::as_mut_slice).ok_or(LinkFault::NoSuchSlot(slot))
    }
    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        self.posted.push((slot.0.into(), len.max(MIN_FRAME)));
        Ok(())
    }
    fn kick(&mut self) -> Result<(), LinkFault> {
        self.kicks += 1;
        if self.down {
            self.posted.clear();
            return Err(LinkFault::Down);
        }
        self.arriving.extend(std::mem::take(&mut self.delayed));
        for (slot, len) in std::mem::take(&mut self.posted) {
            let frame = self.slots[slot][..len].to_vec();
            self.sent.push(frame.clone());
            match self.fates.pop_front().unwrap_or(Fate::Answered) {
                Fate::Answered => self.arriving.push_back(self.answer(frame, 0)),
                Fate::Miscounted => self.arriving.push_back(self.answer(frame, 1)),
                Fate::Copied => {
                    let copy = self.answer(frame.clone(), 1);
                    self.arriving.extend([copy, self.answer(frame, 0)]);
                }
                Fate::Lost => {}
                Fate::Delayed => self.delayed.push(self.answer(frame, 0)),
                Fate::Doubled => {
                    let answer = self.answer(frame, 0);
                    self.arriving.extend([answer.clone(), answer]);
                }
            }
        }
        Ok(())
    }
    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        let Some(frame) = self.arriving.pop_front() else { return Ok(None) };
        self.lent = frame;
        Ok(Some(&self.lent))
    }
    fn counters(&self) -> LinkCounters {
        LinkCounters::default()
    }
    fn withdraw(&mut self) {
        self.withdrawn += 1;
    }
}

/// `frames` frames of an LRW over two bytes of outputs and two of inputs, of a SubDevice each.
pub(crate) fn plan(frames: usize) -> Plan {
    let frame = |n: usize| FramePlan {
        turn: Turn::EVERY_TICK,
        status: None,
        datagrams: vec![DatagramPlan {
            unit: 0,
            command: Command::Lrw,
            logical: u32::try_from(n * 4).unwrap(),
            len: 4,
            outputs: n * 4..n * 4 + 2,
            inputs: n * 4 + 2..n * 4 + 4,
            expected_working_counter: 3,
            expected_before_op: 3,
            shares: vec![Share {
                position: u16::try_from(n).unwrap(),
                outputs: n * 4..n * 4 + 2,
                inputs: n * 4 + 2..n * 4 + 4,
                working_counter: 3,
                before_op: 3,
            }],
        }],
    };
    Plan { image_len: frames * 4, frames: (0..frames).map(frame).collect(), subdevices: Vec::new() }
}

/// The inputs of every SubDevice, in the order of the datagrams.
pub(crate) fn inputs(plan: &Plan) -> Vec<Origin> {
    let shares = plan.frames.iter().flat_map(|frame| &frame.datagrams).flat_map(|datagram| &datagram.shares);
    shares.map(|share| Origin { position: share.position, direction: Direction::Input }).collect()
}

/// An engine over memory with an exchange installed, and a reader of the whole image.
pub(crate) fn exchanging(frames: usize) -> (Engine<Memory>, EngineParts, SampleReader) {
    exchanging_plan(&plan(frames))
}

/// The same with a plan of one's own.
pub(crate) fn exchanging_plan(plan: &Plan) -> (Engine<Memory>, EngineParts, SampleReader) {
    let (pool, _pdu_loop) = Pool::new();
    let acyclic = AcyclicSettings { first_slot: Slot(8), in_flight: 2, timeout: std::time::Duration::from_millis(10) };
    let timing = Timing::for_period(std::time::Duration::from_millis(1));
    let (mut engine, mut parts) = Engine::new(Memory::new(10), timing, pool, acyclic);
    let lane = CyclicLane::new(plan, LaneOptions { first_slot: Slot(0), al_status: Some(1) }).unwrap();
    let (port, samples) = reader(ReaderSpec {
        ranges: std::iter::once(0..plan.image_len).collect(),
        origins: inputs(plan),
        every: 1,
        depth: 64,
    });
    parts.controls.install(Exchange { readers: vec![port], ..Exchange::new(lane) }).unwrap();
    parts.controls.traffic(Traffic::Live).unwrap();
    cycle(&mut engine, 0);
    assert!(engine.is_exchanging());
    (engine, parts, samples)
}

/// All steps of one cycle.
pub(crate) fn cycle(engine: &mut Engine<Memory>, number: u64) {
    cycle_at(engine, number, 0, Time(number * 1_000_000));
}

/// All steps of one cycle after ticks that were skipped, whose frames are sent at `now`.
pub(crate) fn cycle_at(engine: &mut Engine<Memory>, number: u64, skipped: u64, now: Time) -> Concluded {
    let at = Time(number * 1_000_000);
    engine.prepare(number);
    engine.send(now);
    engine.poll();
    engine.conclude(Tick { number, at, skipped }, now, Time(now.0 + 5_000))
}
