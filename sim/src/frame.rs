//! Which frames are accepted, and the walk over their datagrams.
//!
//! A frame is admitted when it is EtherCAT of type 1 (datagrams), untagged or with one VLAN tag, and every datagram
//! lies within the length that the header says. Otherwise the whole frame is destroyed, as an ESC would by a wrong
//! checksum.

use std::ops::Range;
use std::time::Duration;

use zerocat_wire::datagram::DatagramViewMut;
use zerocat_wire::{DatagramView, ethernet};

const ETHERCAT_HEADER: usize = 2;
const LENGTH_MASK: u16 = 0x07ff;
const TYPE_DATAGRAMS: u16 = 1;
/// What goes over the wire beside the bytes of a frame: preamble and start delimiter before, the checksum behind (IEEE 802.3, 3.1).
const AROUND: usize = 8 + 4;
/// Nanoseconds of a byte at 100 Mbit/s.
const BYTE: u32 = 80;

/// How long a frame of `len` bytes without its checksum takes past one place of a segment of 100 Mbit/s.
pub(crate) fn nanoseconds(len: usize) -> u32 {
    let bytes = len.clamp(zerocat_link::MIN_FRAME, zerocat_link::MAX_FRAME) + AROUND;
    u32::try_from(bytes).unwrap_or(u32::MAX).saturating_mul(BYTE)
}

/// How long a frame takes past one place of a segment: from its first bit to its last, at 100 Mbit/s. `len` is that of the frame
/// without its checksum; a shorter one than Ethernet allows is filled up.
#[must_use]
pub fn frame_time(len: usize) -> Duration {
    Duration::from_nanos(nanoseconds(len).into())
}

/// What a frame is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// EtherCAT datagrams in this range.
    Datagrams(Range<usize>),
    /// Not EtherCAT.
    Foreign,
    /// EtherCAT, but broken.
    Malformed,
}

fn be16(frame: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*frame.get(at)?, *frame.get(at + 1)?]))
}

/// Says what a frame is.
pub(crate) fn admit(frame: &[u8]) -> Frame {
    let tagged = be16(frame, 12) == Some(ethernet::ETHERTYPE_VLAN);
    let header = ethernet::HEADER_LEN + if tagged { 4 } else { 0 };
    if be16(frame, header - 2) != Some(ethernet::ETHERTYPE) {
        return Frame::Foreign;
    }
    let Some(word) = be16(frame, header).map(u16::swap_bytes) else { return Frame::Malformed };
    if word >> 12 != TYPE_DATAGRAMS {
        // Other types, such as network variables, are not for SubDevices.
        return Frame::Foreign;
    }
    let start = header + ETHERCAT_HEADER;
    let range = start..start + usize::from(word & LENGTH_MASK);
    match frame.get(range.clone()) {
        Some(payload) if well_formed(payload) => Frame::Datagrams(range),
        _ => Frame::Malformed,
    }
}

fn well_formed(mut payload: &[u8]) -> bool {
    loop {
        let Ok(datagram) = DatagramView::new_checked(payload) else { return false };
        if !datagram.more() {
            return true;
        }
        payload = payload.get(datagram.bytes().len()..).unwrap_or_default();
    }
}

/// Hands each datagram out and returns their number.
pub(crate) fn for_each(payload: &mut [u8], mut visit: impl FnMut(&mut DatagramViewMut<'_>)) -> u64 {
    let mut count = 0;
    let mut rest = payload;
    loop {
        let Ok(view) = DatagramView::new_checked(rest) else { return count };
        let (len, more) = (view.bytes().len(), view.more());
        let (this, behind) = rest.split_at_mut(len);
        if let Ok(mut datagram) = DatagramViewMut::new_checked(this) {
            visit(&mut datagram);
            count += 1;
        }
        if !more {
            return count;
        }
        rest = behind;
    }
}

/// Whether the frame has circulated: the first datagram says so (ETG.1000.4, 5.4.1, bit C).
pub(crate) fn is_circulating(payload: &[u8]) -> bool {
    DatagramView::new_checked(payload).is_ok_and(|datagram| datagram.circulating())
}

/// Marks all datagrams as circulated.
pub(crate) fn set_circulating(payload: &mut [u8]) {
    for_each(payload, |datagram| datagram.set_circulating(true));
}
