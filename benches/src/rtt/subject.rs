//! What is measured: the engine over a link, or a bare socket. Each can do one exchange.

use std::ops::Range;
use std::time::Duration;
use zerocat_engine::{
    AcyclicSettings, CommandWriter, CyclicLane, Engine, EngineParts, Exchange, LaneError, LaneOptions, Pool,
    ReaderSpec, SampleReader, StateReader, Timing, Traffic, WriterSpec, reader, slots_needed, writer,
};
use zerocat_link::packet::floor::{FloorPacket, FloorWait};
use zerocat_link::packet::{PacketError, PacketLink};
use zerocat_link::{Link, Sizing, Slot};
use zerocat_pdi::{DatagramPlan, FramePlan, Plan, Turn};
use zerocat_sched::time::nanos;
use zerocat_sched::{Clock, MonotonicClock, Tick, Time};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, Command, Datagram, FrameBuilder, WireError, datagram, frame as wire_frame};
use zerocat_xdp::{FloorPing, Mode, ModeRequest, XdpError, XdpLink, XdpOptions};

/// A link as production holds it.
pub(crate) type AnyLink = Box<dyn Link + Send>;

/// Room for acyclic frames; none is sent.
const ACYCLIC: u16 = 4;
/// Buffers to receive, as a rig's link has them.
const RECEIVE: u16 = 512;
/// Cycles between two command sets.
const COMMAND_EVERY: u64 = 16;
/// Cycles between two looks at the samples.
const SAMPLES_EVERY: u64 = 32;
/// Samples that a ring holds.
const DEPTH: usize = 64;
/// Logical addresses that a frame takes; more than any frame holds.
const STRIDE: u32 = 2048;

/// The frame of an exchange was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

/// What an exchange consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Burst {
    /// Length of a frame in bytes.
    pub(crate) size: usize,
    /// Frames, sent together.
    pub(crate) frames: u16,
    /// After this long a frame is lost.
    pub(crate) deadline: Duration,
    /// Working counter that each comes back with.
    pub(crate) expected: u16,
}

impl Burst {
    const fn sizing(self) -> Sizing {
        Sizing { slots: self.frames.saturating_add(ACYCLIC), receive: RECEIVE }
    }
}

/// What is timed, one exchange at a time.
pub(crate) trait Subject {
    /// Work of an exchange that can be done before its tick.
    fn prepare(&mut self) {}

    /// Does one exchange. Returns the nanoseconds from before the post until all frames are back.
    fn exchange(&mut self) -> Result<u64, Lost>;

    /// What other threads would do between two exchanges; it is not timed.
    fn between(&mut self) {}

    /// Discards frames that came too late, once the network is silent.
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

/// An engine whose steps are called flat out, and the other ends of its rings.
pub(crate) struct EngineSubject {
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
    /// An engine over a link that was opened for the same burst, with the burst's frames installed.
    pub(crate) fn new(link: AnyLink, burst: Burst) -> Result<Self, LaneError> {
        let Burst { frames, deadline, .. } = burst;
        let (pool, _) = Pool::new();
        let timeout = Duration::from_millis(10);
        let acyclic = AcyclicSettings { first_slot: Slot(frames), in_flight: ACYCLIC, timeout };
        let (mut engine, mut parts) = Engine::new(link, Timing::for_period(deadline), pool, acyclic);
        let plan = plan(burst);
        let lane = CyclicLane::new(&plan, LaneOptions { first_slot: Slot(0), al_status: None })?;
        debug_assert_eq!(slots_needed(lane.frames(), ACYCLIC), burst.sizing().slots);
        let (inputs, outputs) = halves(&plan);
        let (sample_port, samples) = reader(ReaderSpec::of_all(inputs, DEPTH));
        let (writer_port, commands, states) = writer(WriterSpec::of_all(outputs, DEPTH));
        // Rings of a fresh engine have room.
        let exchange = Exchange { readers: vec![sample_port], writers: vec![writer_port], ..Exchange::new(lane) };
        let _ = parts.controls.install(exchange);
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
    fn prepare(&mut self) {
        self.number += 1;
        self.engine.prepare(self.number);
    }

    #[inline]
    fn exchange(&mut self) -> Result<u64, Lost> {
        let engine = &mut self.engine;
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
                let _ = self.commands.push(record, self.commands.epoch());
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

/// A plan of one LRW datagram a frame that fills it, one half outputs, one half inputs.
fn plan(burst: Burst) -> Plan {
    let len = data_len(burst.size);
    let frame = |number: u16| {
        let start = usize::from(number) * len;
        let datagram = DatagramPlan {
            unit: 0,
            command: Command::Lrw,
            logical: u32::from(number) * STRIDE,
            len,
            outputs: start..start + len / 2,
            inputs: start + len / 2..start + len,
            expected_working_counter: burst.expected,
            expected_before_op: burst.expected,
            shares: Vec::new(),
        };
        FramePlan { turn: Turn::EVERY_TICK, status: None, datagrams: vec![datagram] }
    };
    let frames: Vec<_> = (0..burst.frames).map(frame).collect();
    Plan { image_len: frames.len() * len, frames, subdevices: Vec::new() }
}

/// All inputs and all outputs of a plan.
fn halves(plan: &Plan) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let datagrams = plan.frames.iter().flat_map(|frame| &frame.datagrams);
    datagrams.map(|datagram| (datagram.inputs.clone(), datagram.outputs.clone())).unzip()
}

/// The same frame for a bare socket.
pub(crate) fn frame(size: usize) -> Result<Vec<u8>, LaneError> {
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

/// How AF_XDP is opened, the same for the bare socket and for the engine.
pub(crate) fn options(interface: &str, mode: Option<Mode>, burst: Burst) -> XdpOptions {
    let mode = mode.map_or(ModeRequest::Auto, ModeRequest::Force);
    XdpOptions { mode, ..XdpOptions::new(interface, burst.sizing()) }
}

pub(crate) fn floor_xdp(options: &XdpOptions, frame: &[u8], burst: Burst) -> Result<FloorPing, XdpError> {
    FloorPing::open(options, frame, burst.frames, burst.deadline)
}

pub(crate) fn link_xdp(options: &XdpOptions) -> Result<XdpLink, XdpError> {
    XdpLink::open(options)
}

pub(crate) fn floor_packet(
    interface: &str,
    frame: &[u8],
    wait: FloorWait,
    burst: Burst,
) -> Result<FloorPacket, PacketError> {
    FloorPacket::open(interface, frame, burst.frames, wait, burst.deadline)
}

pub(crate) fn link_packet(interface: &str, burst: Burst) -> Result<PacketLink, PacketError> {
    PacketLink::open(interface, burst.sizing())
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

    #[test]
    fn every_byte_of_a_burst_is_an_input_or_an_output_of_one_frame() {
        let burst = Burst { size: 300, frames: 4, deadline: Duration::from_millis(1), expected: 3 };
        let plan = plan(burst);
        let (inputs, outputs) = halves(&plan);
        let mut bytes: Vec<_> = inputs.into_iter().chain(outputs).flatten().collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..plan.image_len).collect::<Vec<_>>());
        assert_eq!((plan.frames.len(), plan.image_len), (4, 4 * 272));
    }
}
