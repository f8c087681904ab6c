//! Logical addressing: bits of the 4 GiB logical space to bits of physical memory (ETG.1000.4, 6.6).

use zerocat_wire::fmmu::Fmmu;

use super::Esc;
use super::sync_manager::{Channel, Direction};

/// One FMMU, with what doesn't change until it or a sync manager is configured.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Map {
    fmmu: Fmmu,
    bytewise: bool,
    /// Sync managers that may guard a part of what it maps, one bit each.
    near: u16,
}

impl Map {
    /// Takes a new configuration. An FMMU without length maps nothing.
    pub(super) fn configure(&mut self, fmmu: Fmmu) {
        self.bytewise = is_bytewise(&fmmu);
        self.fmmu = Fmmu { active: fmmu.active && fmmu.length > 0, ..fmmu };
    }
}

/// The FMMUs that are on and map a direction, one bit each.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Active {
    read: u16,
    write: u16,
}

/// The first bit that is set, from `at` on.
fn next(set: u16, at: usize) -> Option<usize> {
    let left = set.checked_shr(u32::try_from(at).ok()?)?;
    (left != 0).then(|| at + left.trailing_zeros() as usize)
}

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
fn physical(fmmu: &Fmmu, bytewise: bool, overlap: &Overlap) -> Option<(usize, usize)> {
    if bytewise {
        return Some((overlap.inside, overlap.len));
    }
    let mut all = bits(fmmu, overlap);
    let (_, first) = all.next()?;
    let last = all.last().map_or(first, |(_, bit)| bit);
    Some((first / 8, last / 8 - first / 8 + 1))
}

impl Esc {
    /// Works out anew what FMMUs and sync managers have to do with each other, after any was configured.
    pub(super) fn relate_fmmus(&mut self) {
        self.unguarded = self.channels.iter().filter_map(Channel::first).min().unwrap_or(usize::MAX);
        let guards = |address: usize, len: usize| {
            let guarding = self.channels.iter().enumerate().filter(|(_, channel)| channel.guards(address, len));
            guarding.fold(0, |near, (n, _)| near | 1 << n)
        };
        self.active = Active::default();
        for (n, map) in self.fmmus.iter_mut().enumerate().filter(|(_, map)| map.fmmu.active) {
            // Bits may begin within the first byte and so end one byte later.
            map.near = guards(map.fmmu.physical_start.into(), usize::from(map.fmmu.length) + 1);
            self.active.read |= u16::from(map.fmmu.read) << n;
            self.active.write |= u16::from(map.fmmu.write) << n;
        }
    }

    /// Reads logical memory into a datagram. Returns whether any FMMU took part.
    pub(crate) fn logical_read(&mut self, logical: u32, data: &mut [u8]) -> bool {
        let (mut hit, mut from) = (false, 0);
        while let Some(n) = next(self.active.read, from) {
            from = n + 1;
            let map = self.fmmus[n];
            let Some(overlap) = overlap(&map.fmmu, logical, data.len()) else { continue };
            hit |= self.read_through(&map, &overlap, data);
        }
        hit
    }

    /// Writes a datagram to logical memory. Returns whether any FMMU took part. What is written may be FMMUs.
    pub(crate) fn logical_write(&mut self, logical: u32, data: &[u8]) -> bool {
        let (mut hit, mut from) = (false, 0);
        while let Some(n) = next(self.active.write, from) {
            from = n + 1;
            let map = self.fmmus[n];
            let Some(overlap) = overlap(&map.fmmu, logical, data.len()) else { continue };
            hit |= self.write_through(&map, &overlap, data);
        }
        hit
    }

    fn read_through(&mut self, map: &Map, overlap: &Overlap, data: &mut [u8]) -> bool {
        let Map { fmmu, bytewise, near } = map;
        let Some((offset, len)) = physical(fmmu, *bytewise, overlap) else { return false };
        let address = usize::from(fmmu.physical_start) + offset;
        let Some(access) = self.begin(Direction::Read, address, len, *near) else { return false };
        let start = access.start;
        if *bytewise {
            let source = self.memory.get(start, len);
            data[overlap.data..overlap.data + source.len()].copy_from_slice(source);
        } else {
            for (to, from) in bits(fmmu, overlap) {
                let byte = self.memory.byte(start.wrapping_add(u16::try_from(from / 8 - offset).unwrap_or(0)));
                let mask = 1 << (to % 8);
                data[to / 8] = data[to / 8] & !mask | if byte >> (from % 8) & 1 != 0 { mask } else { 0 };
            }
        }
        self.complete(access);
        true
    }

    fn write_through(&mut self, map: &Map, overlap: &Overlap, data: &[u8]) -> bool {
        let Map { fmmu, bytewise, near } = map;
        let Some((offset, len)) = physical(fmmu, *bytewise, overlap) else { return false };
        let address = usize::from(fmmu.physical_start) + offset;
        if address < usize::from(super::PLAIN) {
            // Registers are mapped in whole bytes only.
            let Ok(start) = u16::try_from(address) else { return false };
            return *bytewise && self.network_write(start, &data[overlap.data..overlap.data + overlap.len]);
        }
        let Some(access) = self.begin(Direction::Write, address, len, *near) else { return false };
        let start = access.start;
        if *bytewise {
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
        self.complete(access);
        true
    }

    /// Number of FMMUs.
    pub(crate) fn fmmus(&self) -> usize {
        self.fmmus.len()
    }

    /// First and last logical address of each FMMU that is on.
    pub(crate) fn logical_spans(&self) -> impl Iterator<Item = (u32, u32)> {
        let active = self.fmmus.iter().map(|map| &map.fmmu).filter(|fmmu| fmmu.active);
        // None that is on is empty.
        active.map(|fmmu| (fmmu.logical_start, fmmu.logical_start.saturating_add(u32::from(fmmu.length) - 1)))
    }
}
