//! Distributed clocks as the network sees them (ETG.1000.4, 6.8; ET1100 data sheet, section II, 0x0900 to 0x09CF).
//!
//! All times of a frame are those of its first bit: at a port for the receive times, at the processing unit for the
//! rest. What it brings is in with its last bit. An ESC may have receive times alone: then it has none of the other registers.

use std::ops::Range;
use std::time::Duration;

use zerocat_wire::register;

use super::clock::Clock;
use super::sync::{self, Orders, Sync, activation};
use super::{Esc, Pending, latch};

/// First address behind the DC registers.
pub(super) const END: u16 = 0x0A00;
/// Length of the pulses of SYNC0 and SYNC1, in 10 ns; 0: until they are acknowledged.
pub(super) const PULSE_LENGTH: u16 = 0x0982;
const FILTER_DEPTHS: u16 = 0x0934;
const ACTIVATION_STATUS: u16 = 0x0984;
/// States of SYNC0 and SYNC1 while they wait to be acknowledged.
const SYNC_STATUS: u16 = 0x098E;
const NEXT_SYNC1: u16 = 0x0998;
/// Filter depths after power-on: of the difference, of the speed counter.
const DEPTHS: [u8; 2] = [4, 12];
/// AL status follows AL control by itself (0x0141 bit 0): there is no application.
const DEVICE_EMULATION: u8 = 0x01;
/// The cyclic unit belongs to the local application.
const LOCAL: u8 = 0x01;

/// Clock and cyclic unit of an ESC.
#[derive(Debug)]
pub(crate) struct Dc {
    pub(crate) clock: Clock,
    sync: Option<Sync>,
    /// Start time and system time as they were written.
    start: [u8; 8],
    received: [u8; 8],
    latch: bool,
    /// Whether there is more than receive times.
    system_time: bool,
    /// How many more times the cyclic unit misses its start time.
    missed_starts: u32,
}

/// What a clock shows, for displays and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSnapshot {
    /// Its width: 32 or 64.
    pub bits: u8,
    /// Local time in ns.
    pub local: u64,
    /// Local copy of the system time in ns: of synchronized clocks the same at the same moment.
    pub system: u64,
    /// System time delay in ns, as the MainDevice wrote it.
    pub delay: u32,
    /// Pulses of SYNC0 and SYNC1 since the cyclic unit was switched on; `None` while it is off.
    pub pulses: Option<(u64, u64)>,
    /// System times in ns of the next SYNC0 and SYNC1.
    pub next: Option<(u64, u64)>,
}

impl ClockSnapshot {
    /// Its system time less that of another clock at the same moment, in ns. Two clocks of which one has 32 bits are
    /// compared in those.
    #[must_use]
    pub fn difference(&self, other: &Self) -> i64 {
        let difference = self.system.wrapping_sub(other.system);
        if self.bits == 64 && other.bits == 64 {
            return difference.cast_signed();
        }
        // From the greatest negative number of 32 bits on it is one.
        let low = difference & 0xffff_ffff;
        let wrapped = if low >= 1 << 31 { 1u64 << 32 } else { 0 };
        low.wrapping_sub(wrapped).cast_signed()
    }
}

/// The cyclic unit as the application sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CyclicUnit {
    /// Register 0x0981.
    pub(crate) activation: u8,
    /// Cycle time of SYNC0 in ns.
    pub(crate) cycle0: u32,
    /// Pulses of SYNC0 so far.
    pub(crate) pulses: u64,
}

/// What a write touched.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Touched {
    system_time: bool,
    speed: bool,
    activation: bool,
    start: bool,
    /// The upper half of the start time.
    start_high: bool,
}

impl Touched {
    const fn any(self) -> bool {
        self.system_time || self.speed || self.activation || self.start
    }
}

fn nanos(now: Duration) -> u64 {
    now.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(now.subsec_nanos()))
}

impl Esc {
    /// Gives the ESC a clock, or receive times alone: it says the same of itself in both cases.
    pub(crate) fn set_clock(&mut self, clock: Clock, system_time: bool) {
        if system_time {
            self.say_clock(register::features::DC | if clock.is_wide() { register::features::DC_64 } else { 0 });
            self.memory.put(FILTER_DEPTHS, &DEPTHS);
            self.memory.put(register::DC_SPEED_COUNTER_START, &clock.start().to_le_bytes());
        }
        self.registers.add_clock(system_time);
        self.memory.put(register::DC_RECEIVE_TIME, self.kind.stamps.as_flattened());
        self.dc = Some(Box::new(Dc {
            clock,
            sync: None,
            start: [0; 8],
            received: [0; 8],
            latch: false,
            system_time,
            missed_starts: 0,
        }));
    }

    /// Says which clock there is; no bits for one that has not even receive times.
    pub(crate) fn say_clock(&mut self, bits: u16) {
        let features = self.memory.u16(register::FEATURES) & !(register::features::DC | register::features::DC_64);
        self.memory.put(register::FEATURES, &(features | bits).to_le_bytes());
    }

    /// Whether AL status follows AL control by itself.
    pub(super) fn emulates_application(&self) -> bool {
        self.memory.byte(register::PDI_CONTROL + 1) & DEVICE_EMULATION != 0
    }

    /// When a frame comes to the processing unit, in ns after the present time, and how long it takes past it.
    pub(crate) fn set_passage(&mut self, after: u32, length: u32) {
        (self.passage, self.length) = (after, length);
    }

    /// When the first and the last bit of the present frame pass the processing unit.
    pub(crate) fn frame_passes(&self) -> (Duration, Duration) {
        let first = self.now + Duration::from_nanos(self.passage.into());
        (first, first + Duration::from_nanos(self.length.into()))
    }

    fn moment(&self, after: u32) -> u64 {
        nanos(self.now).wrapping_add(u64::from(after))
    }

    fn u64_at(&self, address: u16) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.memory.get(address, 8));
        u64::from_le_bytes(bytes)
    }

    fn u32_at(&self, address: u16) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.memory.get(address, 4));
        u32::from_le_bytes(bytes)
    }

    fn system(&self, dc: &Dc, now: u64) -> u64 {
        dc.clock.local(now).wrapping_add(self.u64_at(register::DC_OFFSET))
    }

    /// System time when the frame passed the reference clock: without the delay.
    fn frame_time(&self, dc: &Dc) -> u64 {
        self.system(dc, self.moment(self.passage)).wrapping_sub(u64::from(self.u32_at(register::DC_DELAY)))
    }

    /// Writes a byte of a DC register.
    pub(super) fn write_dc(&mut self, address: u16, byte: u8, touched: &mut Touched) -> bool {
        let control = self.memory.byte(register::DC_CYCLIC_CONTROL);
        let Some(dc) = &mut self.dc else { return false };
        match address {
            0x0900..=0x0903 => {
                dc.latch = true;
                self.note(Pending::DC_LATCH);
            }
            _ if !dc.system_time => return false,
            0x0910..=0x0917 => {
                dc.received[usize::from(address - register::DC_SYSTEM_TIME)] = byte;
                touched.system_time |= address == register::DC_SYSTEM_TIME;
            }
            0x0920..=0x092B | 0x0980 => self.memory.set_byte(address, byte),
            0x0930 | 0x0931 => {
                self.memory.set_byte(address, byte);
                touched.speed = true;
            }
            0x0934 | 0x0935 => self.memory.set_byte(address, byte & 0x0f),
            0x0981 | 0x0990..=0x0997 | 0x09A0..=0x09A7 if control & LOCAL != 0 => return false,
            0x0981 => {
                self.memory.set_byte(address, byte);
                touched.activation = true;
            }
            0x0990..=0x0997 => {
                dc.start[usize::from(address - register::DC_START_TIME)] = byte;
                touched.start = true;
                touched.start_high |= address >= register::DC_START_TIME + 4;
            }
            0x09A0..=0x09A7 => self.memory.set_byte(address, byte),
            latch::CONTROL | 0x09A9 if latch::is_controlled(control, address - latch::CONTROL) => {
                self.memory.set_byte(address, byte & 0x03);
            }
            _ => return false,
        }
        true
    }

    /// Lets a write take effect.
    pub(super) fn apply_dc(&mut self, touched: Touched) {
        if !touched.any() {
            return;
        }
        let Some(mut dc) = self.dc.take() else { return };
        let now = self.moment(self.passage);
        if touched.speed {
            dc.clock.set_start(self.memory.u16(register::DC_SPEED_COUNTER_START), now);
            self.memory.put(register::DC_SPEED_COUNTER_START, &dc.clock.start().to_le_bytes());
        }
        if touched.system_time {
            let [a, b, c, d, ..] = dc.received;
            let [e, f, g, h, ..] = self.frame_time(&dc).to_le_bytes();
            let received = u32::from_le_bytes([a, b, c, d]);
            let difference = u32::from_le_bytes([e, f, g, h]).wrapping_sub(received).cast_signed();
            dc.clock.follow(difference, self.memory.byte(FILTER_DEPTHS), now);
        }
        let extended = self.memory.byte(register::DC_ACTIVATION) & activation::EXTEND != 0;
        if touched.start && !touched.start_high && extended {
            let [a, b, c, d, ..] = dc.start;
            dc.start = sync::extend(u32::from_le_bytes([a, b, c, d]), self.system(&dc, now)).to_le_bytes();
        }
        if touched.start && self.memory.byte(register::DC_ACTIVATION) & activation::AUTO != 0 {
            let byte = self.memory.byte(register::DC_ACTIVATION) | activation::ON;
            self.memory.set_byte(register::DC_ACTIVATION, byte);
            self.switch_sync(&mut dc, now);
        } else if touched.activation {
            self.switch_sync(&mut dc, now);
        }
        self.dc = Some(dc);
    }

    fn switch_sync(&self, dc: &mut Dc, now: u64) {
        let orders = Orders {
            activation: self.memory.byte(register::DC_ACTIVATION),
            start: u64::from_le_bytes(dc.start),
            cycle0: self.u32_at(register::DC_SYNC0_CYCLE),
            cycle1: self.u32_at(register::DC_SYNC1_CYCLE),
            wide: dc.clock.is_wide(),
        };
        let on = orders.activation & activation::ON != 0;
        dc.sync = on.then(|| {
            let misses = dc.missed_starts > 0;
            dc.missed_starts = dc.missed_starts.saturating_sub(1);
            let sync = Sync::new(&orders, self.system(dc, now));
            if misses { sync.missed() } else { sync }
        });
    }

    /// Brings what changes with time up to date before it is read, as far as it lies in the area.
    pub(super) fn show_dc(&mut self, area: Range<u16>) {
        let Some(dc) = self.dc.take_if(|dc| dc.system_time) else { return };
        let is_read = |register: u16, len: u16| register < area.end && area.start < register + len;
        if is_read(register::DC_SYSTEM_TIME, 8) {
            let frame = dc.clock.cut(self.frame_time(&dc));
            self.memory.put(register::DC_SYSTEM_TIME, &frame.to_le_bytes());
        }
        if is_read(register::DC_DIFFERENCE, 4) {
            self.memory.put(register::DC_DIFFERENCE, &dc.clock.difference().to_le_bytes());
        }
        if is_read(register::DC_SPEED_COUNTER_DIFFERENCE, 2) {
            self.memory.put(register::DC_SPEED_COUNTER_DIFFERENCE, &dc.clock.speed_difference().to_le_bytes());
        }
        if area.end > ACTIVATION_STATUS {
            self.show_sync(&dc);
        }
        self.dc = Some(dc);
    }

    /// Brings the registers of the cyclic unit up to date.
    fn show_sync(&mut self, dc: &Dc) {
        let system = self.system(dc, self.moment(self.passage));
        let status = dc.sync.map_or(0, |sync| sync.status(system));
        self.memory.set_byte(ACTIVATION_STATUS, status);
        // No application acknowledges pulses.
        let waits = self.memory.u16(PULSE_LENGTH) == 0 && self.emulates_application();
        let pulses = dc.sync.map_or([0, 0], |sync| [sync.pulses0(system), sync.pulses1(system)]);
        self.memory.put(SYNC_STATUS, &pulses.map(|pulses| u8::from(waits && pulses > 0)));
        let next = |(next0, next1)| (dc.clock.cut(next0), dc.clock.cut(next1));
        let (next0, next1) = dc.sync.map_or((u64::from_le_bytes(dc.start), 0), |sync| next(sync.next(system)));
        self.memory.put(register::DC_START_TIME, &next0.to_le_bytes());
        self.memory.put(NEXT_SYNC1, &next1.to_le_bytes());
    }

    /// Whether a frame asked for receive times. The answer is given once.
    pub(crate) fn takes_latch(&mut self) -> bool {
        self.dc.as_mut().is_some_and(|dc| std::mem::take(&mut dc.latch))
    }

    /// Latches the local time at which a frame came in at a port, `after` the present time.
    pub(crate) fn latch_port(&mut self, port: usize, after: u32) {
        let Some(dc) = &self.dc else { return };
        let [a, b, c, d, ..] = dc.clock.local(self.moment(after)).to_le_bytes();
        let register = register::DC_RECEIVE_TIME + 4 * u16::try_from(port).unwrap_or(0);
        self.memory.put(register, &[a, b, c, d]);
    }

    /// Latches the local time at which a frame came to the processing unit.
    pub(crate) fn latch_unit(&mut self) {
        let Some(dc) = self.dc.as_ref().filter(|dc| dc.system_time) else { return };
        let time = dc.clock.cut(dc.clock.local(self.moment(self.passage)));
        self.memory.put(register::DC_RECEIVE_TIME_UNIT, &time.to_le_bytes());
    }

    /// What the cyclic unit was told and has done at a time; `None` while it is off, or without a clock.
    pub(crate) fn cyclic_unit(&self, now: Duration) -> Option<CyclicUnit> {
        let dc = self.dc.as_ref()?;
        let sync = dc.sync?;
        Some(CyclicUnit {
            activation: self.memory.byte(register::DC_ACTIVATION),
            cycle0: self.u32_at(register::DC_SYNC0_CYCLE),
            pulses: sync.pulses0(self.system(dc, nanos(now))),
        })
    }

    /// Pulses of SYNC0 up to a time since the cyclic unit was switched on; `None` while it is off, or without a clock.
    pub(crate) fn sync0_pulses(&self, at: Duration) -> Option<u64> {
        let dc = self.dc.as_ref()?;
        dc.sync.map(|sync| sync.pulses0(self.system(dc, nanos(at))))
    }

    /// The next times that the cyclic unit is switched on it misses its start time. Returns whether there is one.
    pub(crate) fn miss_starts(&mut self, times: u32) -> bool {
        let dc = self.dc.as_mut().filter(|dc| dc.system_time);
        dc.map(|dc| dc.missed_starts = times).is_some()
    }

    /// Whether the clock follows the reference clock from now on. Returns whether there is one.
    pub(crate) fn set_following(&mut self, follows: bool) -> bool {
        let clock = self.dc.as_mut().filter(|dc| dc.system_time).map(|dc| &mut dc.clock);
        clock.map(|clock| clock.set_following(follows)).is_some()
    }

    /// Gives the crystal another drift. Returns whether there is one.
    pub(crate) fn set_drift(&mut self, ppm: f64, now: Duration) -> bool {
        let clock = self.dc.as_mut().filter(|dc| dc.system_time).map(|dc| &mut dc.clock);
        clock.map(|clock| clock.set_drift(ppm, nanos(now))).is_some()
    }

    /// Lower half of the system time at the present time; 0 without a clock.
    pub(crate) fn stamp(&self) -> u32 {
        let [a, b, c, d, ..] = self.clock(self.now).map_or([0; 8], |clock| clock.system.to_le_bytes());
        u32::from_le_bytes([a, b, c, d])
    }

    /// What the clock shows.
    pub(crate) fn clock(&self, now: Duration) -> Option<ClockSnapshot> {
        let dc = self.dc.as_ref().filter(|dc| dc.system_time)?;
        let now = nanos(now);
        let system = self.system(dc, now);
        let cut = |(next0, next1)| (dc.clock.cut(next0), dc.clock.cut(next1));
        Some(ClockSnapshot {
            bits: if dc.clock.is_wide() { 64 } else { 32 },
            local: dc.clock.cut(dc.clock.local(now)),
            system: dc.clock.cut(system),
            delay: self.u32_at(register::DC_DELAY),
            pulses: dc.sync.map(|sync| (sync.pulses0(system), sync.pulses1(system))),
            next: dc.sync.map(|sync| cut(sync.next(system))),
        })
    }
}
