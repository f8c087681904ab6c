//! Cycles of the engine over a link in memory, with a mark in memory at each border of the engine's part: what
//! `scripts/cache-lines.sh` runs under valgrind to count the cache lines that a cycle touches.
//!
//! The engine is production's: one LRW of 32 bytes, a reader of all inputs, a writer of all outputs with state feedback,
//! a fresh command set in each cycle. Its first line on standard output names the marks' addresses. What is between the
//! marks is the engine, from the preparation to the end of the bookkeeping, and the near end of a pair of links in
//! memory; the far end, which answers, isn't. Nothing is timed.
#![allow(clippy::single_range_in_vec_init, reason = "a record of one range")]

use std::sync::atomic::{AtomicU64, Ordering};
use zerocat_engine::{
    AcyclicSettings, CyclicLane, Engine, Exchange, LaneOptions, Pool, ReaderSpec, Timing, Traffic, WriterSpec, reader,
    writer,
};
use zerocat_link::pair::{PairEnd, pair};
use zerocat_link::{Link, LinkFault, MIN_FRAME, Sizing, Slot};
use zerocat_pdi::{DatagramPlan, FramePlan, Plan, Turn};
use zerocat_sched::{Clock, MonotonicClock, Tick};
use zerocat_wire::{Command, FrameViewMut};

/// A mark on a cache line of its own.
#[repr(align(64))]
struct Mark(AtomicU64);

static BEGIN: Mark = Mark(AtomicU64::new(0));
static END: Mark = Mark(AtomicU64::new(0));

const CYCLES: u64 = 60;
const LEN: usize = 32;
const EXPECTED: u16 = 3;

/// SYNC: a mark for whoever watches memory from outside; it orders nothing.
fn pass(mark: &Mark, cycle: u64) {
    mark.0.store(cycle, Ordering::Relaxed);
}

fn plan() -> Plan {
    let datagram = DatagramPlan {
        unit: 0,
        command: Command::Lrw,
        logical: 0,
        len: LEN,
        outputs: 0..LEN / 2,
        inputs: LEN / 2..LEN,
        expected_working_counter: EXPECTED,
        expected_before_op: EXPECTED,
        shares: Vec::new(),
    };
    let frame = FramePlan { turn: Turn::EVERY_TICK, status: None, datagrams: vec![datagram] };
    Plan { image_len: LEN, frames: vec![frame], subdevices: Vec::new() }
}

/// Answers each frame that has arrived as a segment would.
fn answer(far: &mut PairEnd, buffer: &mut Vec<u8>) -> Result<(), LinkFault> {
    while let Some(frame) = far.receive()? {
        buffer.clear();
        buffer.extend_from_slice(frame);
        if let Ok(mut view) = FrameViewMut::new_checked(buffer) {
            view.mark_returned();
            view.datagrams_mut().for_each(|mut datagram| datagram.set_working_counter(EXPECTED));
        }
        if let Some(to) = far.slot_mut(Slot(0))?.get_mut(..buffer.len()) {
            to.copy_from_slice(buffer);
        }
        far.post(Slot(0), buffer.len().max(MIN_FRAME))?;
        far.kick()?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::io::Write;
    let (near, mut far) = pair(Sizing { slots: 12, receive: 16 });
    let (pool, _datagrams) = Pool::new();
    let settings = AcyclicSettings { first_slot: Slot(1), in_flight: 8, timeout: std::time::Duration::from_millis(10) };
    let timing = Timing::for_period(std::time::Duration::from_micros(250));
    // As production has it: the link is behind a pointer.
    let near: Box<dyn Link> = Box::new(near);
    let (mut engine, mut parts) = Engine::new(near, timing, pool, settings);
    let plan = plan();
    let lane = CyclicLane::new(&plan, LaneOptions { first_slot: Slot(0), al_status: None })?;
    let (sample_port, mut samples) = reader(ReaderSpec::of_all(std::iter::once(LEN / 2..LEN).collect(), 64));
    let (writer_port, mut commands, mut states) = writer(WriterSpec::of_all(std::iter::once(0..LEN / 2).collect(), 64));
    let exchange = Exchange { readers: vec![sample_port], writers: vec![writer_port], ..Exchange::new(lane) };
    parts.controls.install(exchange).map_err(|_| "the control ring is full")?;
    parts.controls.traffic(Traffic::Live).map_err(|_| "the control ring is full")?;
    let start = MonotonicClock.now();
    engine.conclude(Tick { number: 0, at: start, skipped: 0 }, start, start);
    writeln!(std::io::stdout(), "{:p} {:p}", &raw const BEGIN, &raw const END)?;
    let (mut buffer, mut record) = (Vec::with_capacity(2048), vec![0; LEN]);
    for cycle in 1..=CYCLES {
        commands.push(&[0x55; LEN / 2], commands.epoch())?;
        pass(&BEGIN, cycle);
        engine.prepare(cycle);
        let sent = MonotonicClock.now();
        engine.send(sent);
        pass(&END, cycle);
        answer(&mut far, &mut buffer).map_err(|fault| fault.to_string())?;
        pass(&BEGIN, cycle);
        let all_back = engine.poll();
        let back = MonotonicClock.now();
        engine.conclude(Tick { number: cycle, at: sent, skipped: 0 }, sent, back);
        pass(&END, cycle);
        if !all_back {
            return Err("a frame was lost in memory".into());
        }
        while samples.pop(&mut record).is_some() || states.pop(&mut record).is_some() {}
    }
    let counters = engine.counters();
    if counters.complete_streak != CYCLES || counters.commands != CYCLES {
        return Err(format!("not all cycles were complete: {counters:?}").into());
    }
    Ok(())
}
