//! Measures the delays of a segment and sets its clocks, as a bring-up does: receive times of several frames, delays, offsets.
//!
//! The arithmetic is the library's (`zerocat_bus::clock`). What is here are the datagrams, sent at true times of the bench, and
//! what came out beside the truth.

use super::ask::ask;
use std::time::Duration;
use zerocat_bus::clock::delay::{Delay, Delays, Node, delays};
use zerocat_bus::clock::rate::in_reference_time;
use zerocat_bus::clock::receive::{Latch, ReceiveTimes};
use zerocat_sim::Segment;
use zerocat_wire::dl::DlStatus;
use zerocat_wire::{Address, Command, register};

/// Station address of the first SubDevice; those of the others follow.
pub(super) const FIRST_STATION: u16 = 0x1000;
/// Frames whose receive times are read.
pub(super) const LATCHES: u32 = 16;
/// Time between two of them at least.
const BETWEEN: Duration = Duration::from_micros(700);
/// What was measured and set.
#[derive(Debug)]
pub(super) struct Compensated {
    pub(super) delays: Delays,
    /// True time when all was set.
    pub(super) done: Duration,
}

/// The clocks of a segment while they are set.
struct Setting<'a> {
    segment: &'a mut Segment,
    now: Duration,
    random: &'a mut fastrand::Rng,
}

/// What a segment is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// By position: processing delay less forwarding delay in ns, as far as it is known.
    pub(super) differences_ns: &'a [Option<u32>],
    /// System time of the reference at the latch that offsets are taken from.
    pub(super) epoch: u64,
}

/// Measures delays and sets delays and offsets, beginning at a true time.
pub(super) fn compensate(
    segment: &mut Segment,
    from: Duration,
    told: Told<'_>,
    random: &mut fastrand::Rng,
) -> Compensated {
    let told_ns = told.differences_ns;
    let mut setting = Setting { segment, now: from, random };
    setting.address();
    let latches: Vec<Vec<Option<Latch>>> = (0..LATCHES).map(|_| setting.latch()).collect();
    let by_position = |position: usize| latches.iter().filter_map(|all| all[position]).collect::<Vec<Latch>>();
    let of_each: Vec<Vec<Latch>> = (0..told_ns.len()).map(by_position).collect();
    let open: Vec<_> = (0..told_ns.len()).map(|position| setting.open_ports(position)).collect();
    let mut times: Vec<_> = open.iter().zip(&of_each).map(|(open, latches)| ReceiveTimes::of(*open, latches)).collect();
    in_reference_time(&mut times, &of_each);
    let parts = open.into_iter().zip(times).zip(told_ns);
    let nodes: Vec<_> = parts.map(|((open, receive), told)| Node { open, receive, difference_ns: *told }).collect();
    let delays = delays(&nodes);
    setting.set_clocks(&delays, told.epoch);
    Compensated { delays, done: setting.now }
}

impl Setting<'_> {
    /// Time goes on between two frames, by no round number.
    fn pass(&mut self, at_least: Duration) {
        self.now += at_least + Duration::from_nanos(self.random.u64(..20_000));
    }

    fn read<const N: usize>(&mut self, position: usize, register: u16) -> Option<[u8; N]> {
        self.pass(Duration::from_micros(10));
        let mut data = [0; N];
        let answered = ask(self.segment, self.now, Command::Fprd, station(position, register), &mut data);
        (answered == 1).then_some(data)
    }

    fn write(&mut self, position: usize, register: u16, data: &[u8]) {
        self.pass(Duration::from_micros(10));
        ask(self.segment, self.now, Command::Fpwr, station(position, register), &mut data.to_vec());
    }

    fn address(&mut self) {
        for position in 0..u16::try_from(self.segment.len()).unwrap_or(u16::MAX) {
            let address = Address::position(position, register::STATION_ADDRESS);
            let mut data = (FIRST_STATION + position).to_le_bytes();
            self.pass(Duration::from_micros(10));
            ask(self.segment, self.now, Command::Apwr, address, &mut data);
        }
    }

    fn open_ports(&mut self, position: usize) -> [bool; 4] {
        let status = DlStatus(self.read(position, register::DL_STATUS).map_or(0, u16::from_le_bytes));
        [0, 1, 2, 3].map(|port| status.open(port))
    }

    fn latch(&mut self) -> Vec<Option<Latch>> {
        let count = self.segment.len();
        self.pass(BETWEEN);
        let broadcast = Address::broadcast(register::DC_RECEIVE_TIME);
        ask(self.segment, self.now, Command::Bwr, broadcast, &mut [0; 4]);
        let stamps = |position| {
            let bytes: [u8; 16] = self.read(position, register::DC_RECEIVE_TIME)?;
            let (words, _) = bytes.as_chunks::<4>();
            Some(std::array::from_fn(|port| words.get(port).map_or(0, |word| u32::from_le_bytes(*word))))
        };
        (0..count).map(stamps).collect()
    }

    /// All from one latch: what each clock showed when the frame passed it.
    fn set_clocks(&mut self, delays: &Delays, epoch: u64) {
        self.pass(BETWEEN);
        ask(self.segment, self.now, Command::Bwr, Address::broadcast(register::DC_RECEIVE_TIME), &mut [0; 4]);
        for (position, delay) in delays.delays.iter().enumerate() {
            let Delay::Known { ns, .. } = *delay else { continue };
            let wide = self.read::<8>(position, register::DC_RECEIVE_TIME_UNIT);
            let local = wide.map(u64::from_le_bytes).unwrap_or_default();
            let offset = epoch.wrapping_add(ns.into()).wrapping_sub(local).to_le_bytes();
            self.write(position, register::DC_OFFSET, &offset);
            self.write(position, register::DC_DELAY, &ns.to_le_bytes());
        }
        for position in 0..delays.delays.len() {
            // A write clears the loop's filters.
            self.write(position, register::DC_SPEED_COUNTER_START, &0x1000u16.to_le_bytes());
        }
    }
}

/// A register of a SubDevice.
pub(super) fn station(position: usize, register: u16) -> Address {
    let position = u16::try_from(position).unwrap_or(u16::MAX);
    Address::station(FIRST_STATION.saturating_add(position), register)
}
