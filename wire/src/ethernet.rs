//! The Ethernet II header around EtherCAT (ETG.1000.4, 5.2).

use crate::WireError;
use crate::field;

/// EtherType of EtherCAT (IEEE registration authority).
pub const ETHERTYPE: u16 = 0x88A4;
/// EtherType of an IEEE 802.1Q tag.
pub const ETHERTYPE_VLAN: u16 = 0x8100;
/// Destination, source, EtherType.
pub const HEADER_LEN: usize = 14;
/// Shortest frame that may be put on the wire, without its checksum.
pub const MIN_FRAME: usize = 60;
/// Longest frame, without its checksum.
pub const MAX_FRAME: usize = 1514;

/// Bit that every segment sets in the first byte of the source address of what it returns (ETG.1000.4, 6.1:
/// the locally administered bit, set by the first SubDevice).
pub const RETURNED_BIT: u8 = 0x02;

/// A 48-bit hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// Every station on the segment.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// Source of the frames of the acyclic lane, as ethercrab's frame pool makes them; on the wire the last three bytes
    /// carry a number.
    pub const ACYCLIC: Self = Self([0x10; 6]);
    /// Source of the frames of the cyclic lane; its last three bytes carry the cycle and the number of the frame.
    pub const CYCLIC: Self = Self([0x10, 0x7a, 0x63, 0x00, 0x00, 0x01]);

    /// The address as a segment returns it.
    #[must_use]
    pub const fn returned(self) -> Self {
        let [first, b, c, d, e, f] = self.0;
        Self([first | RETURNED_BIT, b, c, d, e, f])
    }
}

impl core::fmt::Display for MacAddress {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Source address of an Ethernet frame.
///
/// # Errors
/// `Truncated` when the frame is shorter than an Ethernet header.
#[inline]
pub fn source(frame: &[u8]) -> Result<MacAddress, WireError> {
    field::array(frame, 6).map(MacAddress)
}

/// EtherType of an untagged Ethernet frame.
///
/// # Errors
/// `Truncated` when the frame is shorter than an Ethernet header.
#[inline]
pub fn ethertype(frame: &[u8]) -> Result<u16, WireError> {
    field::array(frame, 12).map(u16::from_be_bytes)
}

/// Sets the bit that marks a frame as returned by the segment.
///
/// # Errors
/// `Truncated` when the frame is shorter than an Ethernet header.
pub fn mark_returned(frame: &mut [u8]) -> Result<(), WireError> {
    let got = frame.len();
    let first = frame.get_mut(6).ok_or(WireError::Truncated { needed: HEADER_LEN, got })?;
    *first |= RETURNED_BIT;
    Ok(())
}
