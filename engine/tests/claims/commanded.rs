//! An exchange with a writer, cycle by cycle: what was pushed, and what was sent.

use crate::support::{Memory, cycle_at, plan};
use std::time::Duration;
use zerocat_engine::{
    AcyclicSettings, CommandSet, CommandWriter, Concluded, CyclicLane, Engine, EngineParts, Exchange, LaneOptions,
    Others, Pool, RingFull, SafeOutputs, StateReader, Timing, Traffic, WriterPort, WriterSpec, writer,
};
use zerocat_link::Slot;
use zerocat_sched::Time;
use zerocat_wire::FrameView;

/// An engine over memory whose exchange has one frame of two output bytes, and a writer of both.
pub(crate) struct Commanded {
    pub(crate) engine: Engine<Memory>,
    pub(crate) parts: EngineParts,
    pub(crate) commands: CommandWriter,
    pub(crate) states: StateReader,
    /// Number of the next cycle, whose tick is at so many milliseconds.
    pub(crate) number: u64,
    pub(crate) concluded: Concluded,
}

pub(crate) fn spec(mask: u8) -> WriterSpec {
    let ranges = std::iter::once(0..2).collect();
    WriterSpec { ranges, mask: vec![mask; 2], depth: 4, state_every: 1, state_depth: 64, ..WriterSpec::default() }
}

pub(crate) fn exchange(writers: Vec<WriterPort>, safe: SafeOutputs) -> Exchange {
    let lane = CyclicLane::new(&plan(1), LaneOptions { first_slot: Slot(0), al_status: None }).unwrap();
    Exchange { writers, safe, ..Exchange::new(lane) }
}

pub(crate) fn safe(values: [u8; 2], hold: [u8; 2]) -> SafeOutputs {
    SafeOutputs { values: values.into(), hold: hold.into() }
}

impl Commanded {
    /// Installed, traffic not live.
    pub(crate) fn new(safe: SafeOutputs) -> Self {
        Self::with_limit(safe, None)
    }

    /// The same with a watchdog.
    pub(crate) fn with_limit(safe: SafeOutputs, stall_limit: Option<Duration>) -> Self {
        Self::of(spec(0xff), Exchange { stall_limit, ..exchange(Vec::new(), safe) })
    }

    /// An exchange with a writer as wanted.
    pub(crate) fn of(spec: WriterSpec, exchange: Exchange) -> Self {
        let (port, commands, states) = writer(spec);
        let (pool, _pdu_loop) = Pool::new();
        let acyclic = AcyclicSettings { first_slot: Slot(8), in_flight: 2, timeout: Duration::from_millis(10) };
        let timing = Timing::for_period(Duration::from_millis(1));
        let (engine, mut parts) = Engine::new(Memory::new(10), timing, pool, acyclic);
        parts.controls.install(Exchange { writers: vec![port], ..exchange }).unwrap();
        let mut rig = Self { engine, parts, commands, states, number: 0, concluded: Concluded::default() };
        rig.next();
        rig
    }

    /// One cycle; the outputs that were sent in it, if any were.
    pub(crate) fn next(&mut self) -> Option<[u8; 2]> {
        self.next_after(Duration::ZERO)
    }

    /// One cycle whose frames are sent so long after its tick, for which it is prepared in time.
    pub(crate) fn next_after(&mut self, late: Duration) -> Option<[u8; 2]> {
        self.engine.link_mut().sent.clear();
        let at = Time(self.number * 1_000_000);
        self.concluded = cycle_at(&mut self.engine, self.number, 0, at.after(late));
        self.number += 1;
        let sent = self.engine.link_mut().sent.last()?;
        let datagram = FrameView::new_checked(sent).unwrap().datagrams().next().unwrap().unwrap();
        Some([datagram.data()[0], datagram.data()[1]])
    }

    /// One cycle after so many that were skipped.
    pub(crate) fn skip(&mut self, ticks: u64) -> Option<[u8; 2]> {
        self.number += ticks;
        self.next()
    }

    pub(crate) fn switch(&mut self, traffic: Traffic) {
        self.parts.controls.traffic(traffic).unwrap();
        self.next();
    }

    pub(crate) fn push(&mut self, set: [u8; 2]) -> Result<(), RingFull> {
        let epoch = self.commands.epoch();
        self.commands.push(&set, epoch)
    }

    /// A set that commands some bits.
    pub(crate) fn push_part(&mut self, record: [u8; 2], commanded: [u8; 2], others: Others) -> Result<(), RingFull> {
        let epoch = self.commands.epoch();
        self.commands.push_set(CommandSet { record: &record, commanded: &commanded, others }, epoch)
    }

    /// Takes the exchange out; gives its writers.
    pub(crate) fn take_out(&mut self) -> Vec<WriterPort> {
        self.parts.controls.retire().unwrap();
        self.next();
        self.parts.controls.collect().unwrap().writers
    }
}
