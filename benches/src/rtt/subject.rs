//! What is measured: an engine over a link, or a bare socket. Each knows how to do one exchange.

use std::time::Duration;
use zerocat_engine::{
    AcyclicSettings, CommandWriter, CyclicLane, Engine, EngineParts, Exchange, LaneError, LaneOptions, Pool,
    ReaderSpec, SampleReader, StateReader, Timing, Traffic, WriterSpec, reader, slots_needed, writer,
};
use zerocat_link::packet::floor::FloorPacket;
use zerocat_link::packet::{PacketError, PacketLink};
use zerocat_link::{Link, Sizing, Slot};
use zerocat_pdi::{DatagramPlan, FramePlan, Plan, Turn};
use zerocat_sched::time::nanos;
use zerocat_sched::{Clock, MonotonicClock, Tick, Time};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, Command, Datagram, FrameBuilder, WireError, datagram, frame as wire_frame};
use zerocat_xdp::{FloorPing, Mode, ModeRequest, XdpError, XdpLink, XdpOptions};

/// A link as production holds it.
pub(super) type AnyLink = Box<dyn Link + Send>;

/// Acyclic frames that may be out; there are none.
const ACYCLIC: u16 = 4;
/// Buffers of a link, as a rig's link has them.
const SIZING: Sizing = Sizing { slots: 1 + ACYCLIC, receive: 512 };
/// Cycles between two command sets.
const COMMAND_EVERY: u64 = 16;
/// Cycles between two looks at the samples.
const SAMPLES_EVERY: u64 = 32;
/// Samples that a ring holds.
const DEPTH: usize = 64;

/// The frame of an exchange was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost;

/// One exchange at a time.
pub(super) trait Subject {
    /// Does one exchange. Nanoseconds from before the post until all is back.
    fn exchange(&mut self) -> Result<u64, Lost>;

    /// What others do beside it, not timed.
    fn between(&mut self) {}

    /// Throws away what came too late, once the network has fallen silent.
    fn drain(&mut self);

    /// Datagrams so far whose working counter was wrong.
    fn working_counter_faults(&self) -> u64 {
        0
    }
}

impl Subject for FloorPing {
    #[inline]
    fn exchange(&mut self) -> Result<u64, Lost> {
        self.round_trip().map_err(|_| Lost)
    }

    fn drain(&mut self) {
        FloorPing::drain(self);
    }
}

impl Subject for FloorPacket {
    #[inline]
    fn exchange(&mut self) -> Result<u64, Lost> {
        self.round_trip().map_err(|_| Lost)
    }

    fn drain(&mut self) {
        FloorPacket::drain(self);
    }
}

/// An engine whose steps are called flat out, and the far ends of its rings.
pub(super) struct EngineSubject {
    engine: Engine<AnyLink>,
    _parts: EngineParts,
    commands: CommandWriter,
    samples: SampleReader,
    states: StateReader,
    record: Box<[u8]>,
    number: u64,
    deadline: Duration,
    lost: u64,
}

impl EngineSubject {
    /// An engine over a link, with frames of `size` bytes being exchanged.
    pub(super) fn new(link: AnyLink, size: usize, deadline: Duration, expected: u16) -> Result<Self, LaneError> {
        let (pool, _) = Pool::new();
        let acyclic = AcyclicSettings { first_slot: Slot(1), in_flight: ACYCLIC, timeout: Duration::from_millis(10) };
        let (mut engine, mut parts) = Engine::new(link, Timing::for_period(deadline), pool, acyclic);
        let plan = plan(size, expected);
        let lane = CyclicLane::new(&plan, LaneOptions { first_slot: Slot(0), al_status: None })?;
        debug_assert_eq!(slots_needed(lane.frames(), ACYCLIC), SIZING.slots);
        let inputs = plan.image_len / 2;
        let (sample_port, samples) =
            reader(ReaderSpec { ranges: std::iter::once(inputs..plan.image_len).collect(), every: 1, depth: DEPTH });
        let (writer_port, commands, states) = writer(WriterSpec {
            ranges: std::iter::once(0..inputs).collect(),
            mask: vec![0xff; inputs],
            depth: DEPTH,
            state_every: 1,
            state_depth: DEPTH,
        });
        // Rings of a fresh engine have room.
        let _ = parts.controls.install(Exchange { lane, readers: vec![sample_port], writers: vec![writer_port] });
        let _ = parts.controls.traffic(Traffic::Live);
        engine.conclude(Tick { number: 0, at: Time(0), skipped: 0 }, Time(0), Time(0));
        let record = vec![0x55; plan.image_len].into_boxed_slice();
        Ok(Self { engine, _parts: parts, commands, samples, states, record, number: 0, deadline, lost: 0 })
    }

    fn take_samples(&mut self) {
        while self.samples.pop(&mut self.record).is_some() {}
        while self.states.pop(&mut self.record).is_some() {}
    }
}

impl Subject for EngineSubject {
    #[inline]
    fn exchange(&mut self) -> Result<u64, Lost> {
        let engine = &mut self.engine;
        self.number += 1;
        engine.prepare(self.number);
        let sent = MonotonicClock.now();
        engine.send(sent);
        let until = sent.after(self.deadline);
        let back = loop {
            let all = engine.poll();
            let now = MonotonicClock.now();
            if all || now >= until {
                break now;
            }
        };
        engine.conclude(Tick { number: self.number, at: sent, skipped: 0 }, sent, back);
        let lost = engine.counters().lost_cycles + engine.counters().unsent_frames;
        if std::mem::replace(&mut self.lost, lost) == lost { Ok(nanos(back.since(sent))) } else { Err(Lost) }
    }

    fn between(&mut self) {
        if self.number.is_multiple_of(COMMAND_EVERY) {
            let [low, ..] = self.number.to_le_bytes();
            let commands = self.commands.record_len();
            if let Some(record) = self.record.get_mut(..commands) {
                record.fill(low);
                // A full ring means that the engine stands still; the next cycle shows it.
                let _ = self.commands.push(record);
            }
        }
        if self.number.is_multiple_of(SAMPLES_EVERY) {
            self.take_samples();
        }
    }

    fn drain(&mut self) {
        self.engine.poll();
        self.take_samples();
    }

    fn working_counter_faults(&self) -> u64 {
        self.engine.counters().working_counter_faults
    }
}

/// A plan of one LRW datagram that fills a frame of `size` bytes, one half outputs, one half inputs.
fn plan(size: usize, expected: u16) -> Plan {
    let len = data_len(size);
    let datagram = DatagramPlan {
        command: Command::Lrw,
        logical: 0,
        len,
        outputs: 0..len / 2,
        inputs: len / 2..len,
        expected_working_counter: expected,
    };
    let frame = FramePlan { unit: 0, turn: Turn::EVERY_TICK, datagrams: vec![datagram] };
    Plan { image_len: len, frames: vec![frame], subdevices: Vec::new() }
}

/// The same frame for a bare socket.
pub(super) fn frame(size: usize) -> Result<Vec<u8>, LaneError> {
    let build = || -> Result<Vec<u8>, WireError> {
        let mut buffer = vec![0; size];
        let mut builder = FrameBuilder::new(&mut buffer, MacAddress::CYCLIC)?;
        builder.push(Datagram::new(Command::Lrw, Address::logical(0), 0, data_len(size)))?;
        builder.finish()?;
        Ok(buffer)
    };
    build().map_err(|source| LaneError::FrameTooLong { frame: 0, source })
}

const fn data_len(size: usize) -> usize {
    size.saturating_sub(wire_frame::HEADER_LEN).saturating_sub(datagram::OVERHEAD)
}

/// How AF_XDP is opened, of the floor and of the engine alike.
pub(super) fn options(interface: &str, mode: Option<Mode>) -> XdpOptions {
    let mode = mode.map_or(ModeRequest::Auto, ModeRequest::Force);
    XdpOptions { mode, ..XdpOptions::new(interface, SIZING) }
}

pub(super) fn floor_xdp(options: &XdpOptions, frame: &[u8], patience: Duration) -> Result<FloorPing, XdpError> {
    FloorPing::open(options, frame, patience)
}

pub(super) fn link_xdp(options: &XdpOptions) -> Result<XdpLink, XdpError> {
    XdpLink::open(options)
}

pub(super) fn link_packet(interface: &str) -> Result<PacketLink, PacketError> {
    PacketLink::open(interface, SIZING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_wire::FrameView;

    #[test]
    fn a_frame_has_the_size_that_was_asked_for() {
        for size in [60, 61, 300, 1514] {
            let frame = frame(size).unwrap();
            assert_eq!(frame.len(), size);
            let view = FrameView::new_checked(&frame).unwrap();
            let lengths: Vec<_> = view.datagrams().map(|datagram| datagram.unwrap().data().len()).collect();
            assert_eq!(lengths, [size - 28]);
        }
    }
}
