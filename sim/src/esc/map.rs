//! Which registers there are. A read that meets none has no effect and isn't counted: a MainDevice learns from that
//! what an ESC has, not from what the ESC says (the distributed clocks above all).

use zerocat_wire::register;

use super::PLAIN;

/// Registers of every ESC, as first and last address (ETG.1000.4, clause 6; ET1100 data sheet, section II, table 2).
const ALL: [(u16, u16); 27] = [
    (0x0000, 0x0009),
    (0x0010, 0x0013),
    (0x0020, 0x0021),
    (0x0030, 0x0031),
    (0x0040, 0x0041),
    (0x0100, 0x0103),
    (0x0108, 0x0109),
    (0x0110, 0x0111),
    (0x0120, 0x0121),
    (0x0130, 0x0131),
    (0x0134, 0x0135),
    (0x0138, 0x0139),
    (0x0140, 0x0143),
    (0x014E, 0x0153),
    (0x0200, 0x0201),
    (0x0204, 0x0207),
    (0x0210, 0x0211),
    (0x0220, 0x0223),
    (0x0300, 0x030D),
    (0x0310, 0x0313),
    (0x0400, 0x0401),
    (0x0410, 0x0411),
    (0x0420, 0x0421),
    (0x0440, 0x0443),
    (register::SII_CONFIG, SII_LAST),
    (0x0510, 0x051B),
    (0x0E00, 0x0FFF),
];
/// Last address of the SII interface.
const SII_LAST: u16 = 0x050F;
/// Receive times of the ports.
const RECEIVE_TIMES: (u16, u16) = (0x0900, 0x090F);
/// The rest of the distributed clocks.
const CLOCK: [(u16, u16); 4] = [(0x0910, 0x0935), (0x0980, 0x0987), (0x098E, 0x09CF), (0x09F0, 0x09FF)];

/// One bit for each address below the RAM.
#[derive(Debug, Clone)]
pub(super) struct Registers([u64; register::RAM as usize / 64]);

impl Registers {
    /// Those of an ESC with so many FMMUs and sync managers and no clock.
    pub(super) fn new(fmmus: usize, sync_managers: usize) -> Self {
        let mut registers = Self([0; register::RAM as usize / 64]);
        ALL.into_iter().for_each(|range| registers.add(range));
        let mut several = |first: u16, each: u16, count: usize| {
            let count = u16::try_from(count.min(16)).unwrap_or(16);
            if count > 0 {
                registers.add((first, first + each * count - 1));
            }
        };
        several(register::FMMU, 16, fmmus);
        several(register::SYNC_MANAGER, 8, sync_managers);
        registers
    }

    /// Adds receive times, and the other registers of a clock where there is one.
    pub(super) fn add_clock(&mut self, system_time: bool) {
        self.add(RECEIVE_TIMES);
        if system_time {
            CLOCK.into_iter().for_each(|range| self.add(range));
        }
    }

    fn add(&mut self, (first, last): (u16, u16)) {
        for address in first..=last {
            self.0[usize::from(address) / 64] |= 1 << (address % 64);
        }
    }

    /// Takes the SII interface out.
    pub(super) fn without_sii(&mut self) {
        for address in register::SII_CONFIG..=SII_LAST {
            self.0[usize::from(address) / 64] &= !(1 << (address % 64));
        }
    }

    /// Whether there is an SII interface.
    pub(super) fn has_sii(&self) -> bool {
        self.has(register::SII_CONFIG.into())
    }

    fn has(&self, address: usize) -> bool {
        self.0.get(address / 64).is_none_or(|word| word >> (address % 64) & 1 != 0)
    }

    /// Whether any byte of the area is there, as far as this is about registers: the RAM counts as there.
    pub(super) fn any(&self, address: usize, len: usize) -> bool {
        address >= usize::from(PLAIN) || self.has(address) || (address + 1..address + len).any(|at| self.has(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_esc_does_not_have_is_not_there() {
        let mut registers = Registers::new(3, 4);
        assert!(registers.any(0x0620, 16) && !registers.any(0x0630, 16) && registers.any(0x0600, 256));
        assert!(registers.any(0x081f, 1) && !registers.any(0x0820, 8));
        assert!(!registers.any(0x0900, 16) && !registers.any(0x0910, 8));
        registers.add_clock(false);
        assert!(registers.any(0x0900, 16) && !registers.any(0x0910, 8) && !registers.any(0x092c, 4));
        registers.add_clock(true);
        assert!(registers.any(0x0910, 8) && registers.any(0x092c, 4));
        assert!(registers.any(0x1000, 1) && !registers.any(0x000a, 6));
    }
}
