//! The model: byte arrays and the tables of ETG.1000.4, written down one by one.

/// First byte of the RAM, and the part of it that tests use.
pub(crate) const RAM: u16 = 0x1000;
pub(crate) const WINDOW: u16 = 0x0100;
/// Where FMMUs that read have their physical memory; those that write have it below.
pub(crate) const READ_WINDOW: u16 = RAM + 0x80;
/// A register that is read and written as plain memory: time of the process data watchdog.
pub(crate) const WATCHDOG: u16 = 0x0420;
const STATION: u16 = 0x0010;

/// An FMMU (ETG.1000.4, table 56). It reads or writes, not both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fmmu {
    pub(crate) logical: u32,
    pub(crate) length: u16,
    pub(crate) first: u8,
    pub(crate) last: u8,
    pub(crate) start: u16,
    pub(crate) physical: u8,
    pub(crate) read: bool,
}

impl Fmmu {
    /// Its registers up to the activation byte.
    pub(crate) fn registers(&self) -> [u8; 13] {
        let [a, b, c, d] = self.logical.to_le_bytes();
        let [l, m] = self.length.to_le_bytes();
        let [s, t] = self.start.to_le_bytes();
        [a, b, c, d, l, m, self.first, self.last, s, t, self.physical, if self.read { 1 } else { 2 }, 1]
    }

    /// Physical bit that a logical bit is mapped to. Both count from bit 0 of byte 0 of their space.
    fn mapped(&self, bit: u64) -> Option<u64> {
        let from = u64::from(self.logical) * 8 + u64::from(self.first);
        let to = (u64::from(self.logical) + u64::from(self.length) - 1) * 8 + u64::from(self.last);
        let physical = u64::from(self.start) * 8 + u64::from(self.physical);
        (from <= bit && bit <= to).then(|| physical + bit - from)
    }
}

/// One SubDevice: 64 KiB, of which the part below `end` is there.
#[derive(Debug)]
struct SubDevice {
    memory: Vec<u8>,
    end: usize,
    room: usize,
    fmmus: Vec<Fmmu>,
    /// The address that counts in this frame.
    station: u16,
}

/// Which of the bytes at these addresses take a write.
fn writable(address: usize) -> bool {
    let register = |at: u16| (usize::from(at)..usize::from(at) + 2).contains(&address);
    address >= usize::from(RAM) || register(WATCHDOG) || register(STATION)
}

impl SubDevice {
    fn read(&self, address: usize, len: usize) -> Option<Vec<u8>> {
        (address < self.end).then(|| self.memory[address..address + len].to_vec())
    }

    fn write(&mut self, address: usize, data: &[u8]) -> bool {
        let mut any = false;
        for (at, byte) in (address..).zip(data) {
            if at < self.end && writable(at) {
                self.memory[at] = *byte;
                any = true;
            }
        }
        any
    }

    /// Writes what FMMUs map, one bit after the other.
    fn logical_write(&mut self, address: u32, data: &[u8]) -> bool {
        let mut any = false;
        for fmmu in self.fmmus.iter().filter(|fmmu| !fmmu.read) {
            for bit in 0..data.len() * 8 {
                let Some(to) = fmmu.mapped(u64::from(address) * 8 + bit as u64) else { continue };
                let (byte, mask) = (usize::try_from(to / 8).unwrap(), 1 << (to % 8));
                let set = data[bit / 8] >> (bit % 8) & 1 != 0;
                self.memory[byte] = if set { self.memory[byte] | mask } else { self.memory[byte] & !mask };
                any = true;
            }
        }
        any
    }

    /// Reads what FMMUs map, one bit after the other. Bits that none maps stay.
    fn logical_read(&self, address: u32, data: &mut [u8]) -> bool {
        let mut any = false;
        for fmmu in self.fmmus.iter().filter(|fmmu| fmmu.read) {
            for bit in 0..data.len() * 8 {
                let Some(from) = fmmu.mapped(u64::from(address) * 8 + bit as u64) else { continue };
                let set = self.memory[usize::try_from(from / 8).unwrap()] >> (from % 8) & 1 != 0;
                let mask = 1 << (bit % 8);
                data[bit / 8] = if set { data[bit / 8] | mask } else { data[bit / 8] & !mask };
                any = true;
            }
        }
        any
    }

    /// What a datagram with a physical address does here. Returns by how much the working counter goes up.
    fn physical(&mut self, command: u8, addressed: bool, register: usize, data: &mut [u8]) -> u16 {
        let sent = data.to_vec();
        match (command, addressed) {
            // APRD, FPRD; ARMW and FRMW at the addressed SubDevice.
            (1 | 4 | 13 | 14, true) => match self.read(register, data.len()) {
                Some(read) => {
                    data.copy_from_slice(&read);
                    1
                }
                None => 0,
            },
            // APWR, FPWR; BWR reaches all; ARMW and FRMW at all others.
            (2 | 5, true) | (8, _) | (13 | 14, false) => u16::from(self.write(register, &sent)),
            // APRW, FPRW.
            (3 | 6, true) => {
                let read = self.read(register, data.len());
                if let Some(read) = &read {
                    data.copy_from_slice(read);
                }
                u16::from(read.is_some()) + 2 * u16::from(self.write(register, &sent))
            }
            // BRD and BRW OR what they read into the frame.
            (7 | 9, _) => {
                let read = self.read(register, data.len());
                for (to, from) in data.iter_mut().zip(read.iter().flatten()) {
                    *to |= from;
                }
                let written = command == 9 && self.write(register, &sent);
                u16::from(read.is_some()) + 2 * u16::from(written)
            }
            _ => 0,
        }
    }

    /// What a datagram with a logical address does here.
    fn logical(&mut self, command: u8, address: u32, data: &mut [u8]) -> u16 {
        let sent = data.to_vec();
        match command {
            10 => u16::from(self.logical_read(address, data)),
            11 => u16::from(self.logical_write(address, &sent)),
            _ => u16::from(self.logical_read(address, data)) + 2 * u16::from(self.logical_write(address, &sent)),
        }
    }
}

/// SubDevices in a line.
#[derive(Debug, Default)]
pub(crate) struct Model {
    subdevices: Vec<SubDevice>,
}

impl Model {
    /// Adds a SubDevice that says this of itself in its first registers (ETG.1000.4, table 31 ff: FMMUs at 0x0004, RAM
    /// in KiB at 0x0006).
    pub(crate) fn add(&mut self, station: u16, information: [u8; 16]) {
        let mut memory = vec![0; 0x1_0000];
        memory[..16].copy_from_slice(&information);
        memory[0x0010..0x0012].copy_from_slice(&station.to_le_bytes());
        memory[0x0420..0x0422].copy_from_slice(&1000u16.to_le_bytes());
        let end = usize::from(RAM) + 1024 * usize::from(information[6]);
        let room = usize::from(information[4]);
        self.subdevices.push(SubDevice { memory, end, room, fmmus: Vec::new(), station });
    }

    /// Takes an FMMU if there is room for it, and returns its number.
    pub(crate) fn map(&mut self, position: usize, fmmu: Fmmu) -> Option<usize> {
        let subdevice = &mut self.subdevices[position];
        let n = subdevice.fmmus.len();
        (n < subdevice.room && subdevice.end > usize::from(RAM)).then(|| subdevice.fmmus.push(fmmu))?;
        Some(n)
    }

    /// Lets a frame pass: the datagrams one after the other, each through all SubDevices.
    pub(crate) fn pass(&mut self, frame: &mut [u8]) {
        for subdevice in &mut self.subdevices {
            // A new address counts from the next frame on.
            subdevice.station = u16::from_le_bytes([subdevice.memory[0x0010], subdevice.memory[0x0011]]);
        }
        let mut at = 16;
        loop {
            let len = u16::from_le_bytes([frame[at + 6], frame[at + 7]]);
            let end = at + 10 + usize::from(len & 0x07ff) + 2;
            self.datagram(&mut frame[at..end]);
            if len & 0x8000 == 0 {
                return;
            }
            at = end;
        }
    }

    fn datagram(&mut self, datagram: &mut [u8]) {
        let (head, rest) = datagram.split_at_mut(10);
        let (data, counter) = rest.split_at_mut(rest.len() - 2);
        let command = head[0];
        let mut total = 0u16;
        for subdevice in &mut self.subdevices {
            let adp = u16::from_le_bytes([head[2], head[3]]);
            let register = usize::from(u16::from_le_bytes([head[4], head[5]]));
            let logical = u32::from_le_bytes([head[2], head[3], head[4], head[5]]);
            let addressed = match command {
                4 | 5 | 6 | 14 => adp == subdevice.station,
                _ => adp == 0,
            };
            total += match command {
                10..=12 => subdevice.logical(command, logical, data),
                _ => subdevice.physical(command, addressed, register, data),
            };
            // APRD, APWR, APRW, BRD, BWR, BRW, ARMW: one up at each SubDevice.
            if matches!(command, 1..=3 | 7..=9 | 13) {
                head[2..4].copy_from_slice(&adp.wrapping_add(1).to_le_bytes());
            }
        }
        counter.copy_from_slice(&total.to_le_bytes());
    }
}
