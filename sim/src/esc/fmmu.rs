//! Logical addressing: bits of the 4 GiB logical space to bits of physical memory (ETG.1000.4, 6.6).

use zerocat_wire::fmmu::Fmmu;

use super::Esc;
use super::sync_manager::Direction;

/// The part of a datagram that an FMMU maps.
struct Overlap {
    /// First byte in the datagram's data.
    data: usize,
    /// First byte counted from the FMMU's first logical byte.
    inside: usize,
    len: usize,
}

fn overlap(fmmu: &Fmmu, logical: u32, len: usize) -> Option<Overlap> {
    let fmmu_start = u64::from(fmmu.logical_start);
    let fmmu_end = fmmu_start + u64::from(fmmu.length);
    let start = u64::from(logical);
    let end = start + len as u64;
    let (from, to) = (fmmu_start.max(start), fmmu_end.min(end));
    if from >= to {
        return None;
    }
    Some(Overlap {
        data: usize::try_from(from - start).ok()?,
        inside: usize::try_from(from - fmmu_start).ok()?,
        len: usize::try_from(to - from).ok()?,
    })
}

fn is_bytewise(fmmu: &Fmmu) -> bool {
    fmmu.logical_start_bit == 0 && fmmu.logical_end_bit == 7 && fmmu.physical_start_bit == 0
}

/// The logical bits that an FMMU maps in the overlap, as (bit in the datagram's data, bit from `physical_start`).
fn bits(fmmu: &Fmmu, overlap: &Overlap) -> impl Iterator<Item = (usize, usize)> {
    let first = usize::from(fmmu.logical_start_bit);
    let last = (usize::from(fmmu.length) - 1) * 8 + usize::from(fmmu.logical_end_bit);
    let from = (overlap.inside * 8).max(first);
    let to = ((overlap.inside + overlap.len) * 8).min(last + 1);
    let (data, inside, physical) = (overlap.data * 8, overlap.inside * 8, usize::from(fmmu.physical_start_bit));
    (from..to).map(move |bit| (bit - inside + data, bit - first + physical))
}

/// The physical bytes that the mapped bits of the overlap lie in: offset from `physical_start`, and length.
fn physical(fmmu: &Fmmu, overlap: &Overlap) -> Option<(usize, usize)> {
    if is_bytewise(fmmu) {
        return Some((overlap.inside, overlap.len));
    }
    let mut all = bits(fmmu, overlap);
    let (_, first) = all.next()?;
    let last = all.last().map_or(first, |(_, bit)| bit);
    Some((first / 8, last / 8 - first / 8 + 1))
}

impl Esc {
    /// Reads logical memory into a datagram. Returns whether any FMMU took part.
    pub(crate) fn logical_read(&mut self, logical: u32, data: &mut [u8]) -> bool {
        let mut hit = false;
        for n in 0..self.fmmus.len() {
            let fmmu = self.fmmus[n];
            if !(fmmu.active && fmmu.read) {
                continue;
            }
            let Some(overlap) = overlap(&fmmu, logical, data.len()) else { continue };
            hit |= self.read_through(&fmmu, &overlap, data);
        }
        hit
    }

    /// Writes a datagram to logical memory. Returns whether any FMMU took part.
    pub(crate) fn logical_write(&mut self, logical: u32, data: &[u8]) -> bool {
        let mut hit = false;
        for n in 0..self.fmmus.len() {
            let fmmu = self.fmmus[n];
            if !(fmmu.active && fmmu.write) {
                continue;
            }
            let Some(overlap) = overlap(&fmmu, logical, data.len()) else { continue };
            hit |= self.write_through(&fmmu, &overlap, data);
        }
        hit
    }

    fn read_through(&mut self, fmmu: &Fmmu, overlap: &Overlap, data: &mut [u8]) -> bool {
        let Some((offset, len)) = physical(fmmu, overlap) else { return false };
        let address = usize::from(fmmu.physical_start) + offset;
        let Some(start) = self.begin(Direction::Read, address, len) else { return false };
        if is_bytewise(fmmu) {
            let source = self.memory.get(start, len);
            data[overlap.data..overlap.data + source.len()].copy_from_slice(source);
        } else {
            for (to, from) in bits(fmmu, overlap) {
                let byte = self.memory.byte(start.wrapping_add(u16::try_from(from / 8 - offset).unwrap_or(0)));
                let mask = 1 << (to % 8);
                data[to / 8] = data[to / 8] & !mask | if byte >> (from % 8) & 1 != 0 { mask } else { 0 };
            }
        }
        self.complete(Direction::Read, address, len);
        true
    }

    fn write_through(&mut self, fmmu: &Fmmu, overlap: &Overlap, data: &[u8]) -> bool {
        let Some((offset, len)) = physical(fmmu, overlap) else { return false };
        let address = usize::from(fmmu.physical_start) + offset;
        if address < usize::from(super::PLAIN) {
            // Registers are mapped in whole bytes only.
            let Ok(start) = u16::try_from(address) else { return false };
            return is_bytewise(fmmu) && self.network_write(start, &data[overlap.data..overlap.data + overlap.len]);
        }
        let Some(start) = self.begin(Direction::Write, address, len) else { return false };
        if is_bytewise(fmmu) {
            self.memory.put(start, &data[overlap.data..overlap.data + overlap.len]);
        } else {
            for (from, to) in bits(fmmu, overlap) {
                let address = start.wrapping_add(u16::try_from(to / 8 - offset).unwrap_or(0));
                let mask = 1 << (to % 8);
                let set = data[from / 8] >> (from % 8) & 1 != 0;
                let byte = self.memory.byte(address);
                self.memory.set_byte(address, if set { byte | mask } else { byte & !mask });
            }
        }
        self.complete(Direction::Write, address, len);
        true
    }

    /// The logical addresses that active FMMUs span, as first byte and first byte behind.
    pub(crate) fn logical_span(&self) -> (u64, u64) {
        let active = self.fmmus.iter().filter(|fmmu| fmmu.active && fmmu.length > 0);
        active.fold((u64::MAX, 0), |(from, to), fmmu| {
            let start = u64::from(fmmu.logical_start);
            (from.min(start), to.max(start + u64::from(fmmu.length)))
        })
    }
}
