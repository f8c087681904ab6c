//! Offloads of an interface, one bit each, by the names that the running kernel has for them.
//!
//! The older commands (`ETHTOOL_SGRO`, `ETHTOOL_STSO`, `ETHTOOL_SFLAGS`) switch several bits at once, and can't put
//! back an interface that had some of them on and some off. Bits have no fixed numbers: the kernel is asked for names.

use crate::device::Device;
use crate::ethtool::{EthtoolCommand, no_such_setting};
use std::io;

const GSTRINGS: u32 = 0x1b;
const GSSET_INFO: u32 = 0x37;
const GFEATURES: u32 = 0x3a;
const SFEATURES: u32 = 0x3b;
/// `ETH_SS_FEATURES` of `enum ethtool_stringset`.
const SET: u32 = 4;
/// `ETH_GSTRING_LEN`.
const NAME: usize = 32;
/// Room for 128 offloads; Linux 6.18 has 64 at most, the bits of `netdev_features_t`.
const BLOCKS: usize = 4;
const NAMES: usize = BLOCKS * 32;

/// An offload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offload {
    /// Its name in the kernel, as `ethtool -K` takes it: `rx-gro`, `rx-vlan-hw-parse`.
    pub name: String,
    /// Whether this driver lets it be changed.
    pub changeable: bool,
    /// Whether it was asked for.
    pub requested: bool,
    /// Whether it is on.
    pub active: bool,
}

/// `struct ethtool_sset_info` for one set.
#[repr(C)]
struct SetInfo {
    command: u32,
    reserved: u32,
    mask: u64,
    count: u32,
}

/// `struct ethtool_gstrings`.
#[repr(C)]
struct Names {
    command: u32,
    set: u32,
    count: u32,
    names: [[u8; NAME]; NAMES],
}

/// `struct ethtool_get_features_block`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct GetBlock {
    available: u32,
    requested: u32,
    active: u32,
    never_changed: u32,
}

/// `struct ethtool_gfeatures`.
#[repr(C)]
#[derive(Default)]
struct Get {
    command: u32,
    blocks: u32,
    block: [GetBlock; BLOCKS],
}

/// `struct ethtool_set_features_block`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct SetBlock {
    valid: u32,
    requested: u32,
}

/// `struct ethtool_sfeatures`.
#[repr(C)]
#[derive(Default)]
struct Set {
    command: u32,
    blocks: u32,
    block: [SetBlock; BLOCKS],
}

// SAFETY: `struct ethtool_sset_info` and one word, of which the kernel fills as many as the mask has bits: one.
unsafe impl EthtoolCommand for SetInfo {}
// SAFETY: `struct ethtool_gstrings` with room for NAMES names. The kernel writes as many as the set has, whatever the
// structure says; `Offloads::read` makes it only after ETHTOOL_GSSET_INFO said that there are no more, which is a
// constant of the running kernel.
unsafe impl EthtoolCommand for Names {}
// SAFETY: `struct ethtool_gfeatures`; the kernel writes no more blocks than it is told that there is room for.
unsafe impl EthtoolCommand for Get {}
// SAFETY: `struct ethtool_sfeatures`; the kernel reads only its own number of blocks, and refuses another one.
unsafe impl EthtoolCommand for Set {}

/// All offloads of an interface, as they were when they were read.
#[derive(Debug)]
pub struct Offloads {
    names: Vec<String>,
    blocks: u32,
    block: [GetBlock; BLOCKS],
}

impl Offloads {
    /// Reads them.
    ///
    /// # Errors
    /// What the kernel says; `Unsupported` where it has more than there is room for.
    pub fn read(device: &Device) -> io::Result<Self> {
        let names = names(device)?;
        let room = u32::try_from(BLOCKS).unwrap_or(0);
        let mut get = Get { command: GFEATURES, blocks: room, ..Get::default() };
        device.ethtool(&mut get)?;
        if get.blocks > room {
            return Err(too_many(get.blocks.saturating_mul(32)));
        }
        Ok(Self { names, blocks: get.blocks, block: get.block })
    }

    /// Each of them.
    #[must_use]
    pub fn list(&self) -> Vec<Offload> {
        let named = self.names.iter().enumerate().filter(|(_, name)| !name.is_empty());
        named.filter_map(|(bit, name)| self.one(bit, name)).collect()
    }

    fn one(&self, bit: usize, name: &str) -> Option<Offload> {
        let block = self.block.get(bit / 32)?;
        let has = |word: u32| word & (1 << (bit % 32)) != 0;
        Some(Offload {
            name: name.to_owned(),
            changeable: has(block.available) && !has(block.never_changed),
            requested: has(block.requested),
            active: has(block.active),
        })
    }

    /// Asks for one to be on or off; the others stay.
    ///
    /// # Errors
    /// What the kernel says; `InvalidInput` for a name that this kernel doesn't know.
    pub fn set(&self, device: &Device, name: &str, on: bool) -> io::Result<()> {
        let bit = self
            .names
            .iter()
            .position(|known| known == name && !name.is_empty())
            .ok_or_else(|| no_such_setting(name))?;
        let mut set = Set { command: SFEATURES, blocks: self.blocks, ..Set::default() };
        let block = set.block.get_mut(bit / 32).ok_or_else(|| no_such_setting(name))?;
        block.valid = 1 << (bit % 32);
        block.requested = if on { block.valid } else { 0 };
        device.ethtool(&mut set)
    }
}

/// Names of the bits, the lowest first; an empty one is a bit without use.
fn names(device: &Device) -> io::Result<Vec<String>> {
    let mut info = SetInfo { command: GSSET_INFO, reserved: 0, mask: 1 << SET, count: 0 };
    device.ethtool(&mut info)?;
    let count = usize::try_from(info.count).ok().filter(|&count| count <= NAMES);
    let count = count.ok_or_else(|| too_many(info.count))?;
    let mut names = Names { command: GSTRINGS, set: SET, count: info.count, names: [[0; NAME]; NAMES] };
    device.ethtool(&mut names)?;
    let text = |name: &[u8; NAME]| {
        let end = name.iter().position(|&byte| byte == 0).unwrap_or(NAME);
        String::from_utf8_lossy(name.get(..end).unwrap_or_default()).into_owned()
    };
    Ok(names.names.iter().take(count).map(text).collect())
}

fn too_many(count: u32) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("this kernel has {count} offloads, and {NAMES} are provided for"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn structures_are_laid_out_as_the_kernels() {
        assert_eq!((offset_of!(SetInfo, mask), offset_of!(SetInfo, count)), (8, 16));
        assert_eq!(offset_of!(Names, names), 12);
        assert_eq!((size_of::<Get>(), offset_of!(Get, block), size_of::<GetBlock>()), (8 + BLOCKS * 16, 8, 16));
        assert_eq!((size_of::<Set>(), offset_of!(Set, block), size_of::<SetBlock>()), (8 + BLOCKS * 8, 8, 8));
    }

    #[test]
    fn a_bit_in_a_later_block_is_found_by_its_name() {
        let mut block = [GetBlock::default(); BLOCKS];
        block[1] = GetBlock { available: 2, requested: 2, active: 0, never_changed: 0 };
        let mut names = vec![String::new(); 33];
        names.push("rx-gro-list".to_owned());
        let listed = Offloads { names, blocks: 2, block }.list();
        let expected = Offload { name: "rx-gro-list".to_owned(), changeable: true, requested: true, active: false };
        assert_eq!(listed, [expected]);
    }
}
