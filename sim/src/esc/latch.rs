//! Latch inputs: the system time at edges of two signals (ET1100 data sheet, section I, 9.2.4, and section II, 0x09A8
//! to 0x09CF). Events are acknowledged by reading the time, where the MainDevice controls the unit.

use std::time::Duration;

use zerocat_wire::register;

use super::Esc;

/// Control of the first input; that of the second follows.
pub(super) const CONTROL: u16 = 0x09A8;
const STATUS: u16 = 0x09AE;
/// Times at the positive and the negative edge of the first input, then of the second.
const TIMES: u16 = 0x09B0;
/// First address behind the times.
const END: u16 = 0x09D0;
/// State of the pin, in the status.
const PIN: u8 = 0x04;
/// Bit of the cyclic unit control that gives the first input to the local application; the second has the next.
const LOCAL: u8 = 0x10;
/// Latch event in the event request (ET1100 data sheet, section II, 0x0210).
const EVENT: u16 = 1;

/// Whether the MainDevice controls a latch unit, as the cyclic unit control says.
pub(super) const fn is_controlled(control: u8, input: u16) -> bool {
    control & LOCAL << input == 0
}

impl Esc {
    /// Sets a latch input (0 or 1) high or low. Returns whether there is a clock to latch.
    pub(crate) fn set_latch_input(&mut self, input: u16, high: bool, now: Duration) -> bool {
        let Some(clock) = self.clock(now) else { return false };
        let status = self.memory.byte(STATUS + input);
        if (status & PIN != 0) == high {
            return true;
        }
        let edge = u16::from(!high);
        let single = self.memory.byte(CONTROL + input) & 1 << edge != 0;
        let pin = if high { PIN } else { 0 };
        let mut events = status & !PIN;
        if !single || events & 1 << edge == 0 {
            self.memory.put(TIMES + 16 * input + 8 * edge, &clock.system.to_le_bytes());
            // The event bits are of the single event mode.
            events |= u8::from(single) << edge;
            self.set_event(EVENT, true);
        }
        self.memory.set_byte(STATUS + input, events | pin);
        true
    }

    /// A read of times acknowledges their events.
    pub(super) fn acknowledge_latches(&mut self, address: usize, len: usize) {
        if address >= usize::from(END) || address + len <= usize::from(TIMES) {
            return;
        }
        for (n, time) in (0u16..4).zip((TIMES..END).step_by(8)) {
            let touched = address <= usize::from(time) && usize::from(time) < address + len;
            let input = n / 2;
            if touched && is_controlled(self.memory.byte(register::DC_CYCLIC_CONTROL), input) {
                let status = self.memory.byte(STATUS + input) & !(1 << (n % 2));
                self.memory.set_byte(STATUS + input, status);
            }
        }
        let waits = [0, 1].iter().any(|input| self.memory.byte(STATUS + input) & !PIN != 0);
        self.set_event(EVENT, waits);
    }
}
