//! Frames of the pool, each with one datagram, as one frame with many on the wire, and back.
//!
//! ethercrab puts one datagram into each frame. A frame costs far more than a datagram: at each network interface, at the
//! kernel, and 84 bytes of wire at least. So datagrams that wait at the same time share a frame.
//!
//! Guarantees: datagrams stand in the order in which they were added; a received frame is taken only where its number, its
//! length, and each of its datagrams are those that were sent, by command, index, second half of the address, and length.
//! Otherwise none of its datagrams is.

use std::ops::Range;
use zerocat_wire::{Command, datagram, ethernet, frame};

/// Most datagrams in a frame. The format has no bound; 15 is what MainDevices of all ages send.
pub(crate) const MOST: usize = 15;

/// Low bits of the number of a frame, as its source address carries them.
pub(crate) type Number = [u8; 3];
/// Bytes of a frame that carry its number.
const NUMBER: Range<usize> = 9..12;
/// Bytes of the EtherType.
const ETHERTYPE: Range<usize> = 12..ethernet::HEADER_LEN;
/// Bytes of the EtherCAT header: length of the datagrams and type (ETG.1000.4, 5.3.3).
const ECAT_HEADER: Range<usize> = ethernet::HEADER_LEN..frame::HEADER_LEN;
/// The type of a frame with datagrams, in the header's upper four bits.
const TYPE_DATAGRAMS: u16 = 1 << 12;
/// Second byte of a datagram's length field, and its bit that says that another datagram follows (ETG.1000.4, 5.4.1).
const LENGTH_HIGH: usize = datagram::LENGTH + 1;
const MORE: u8 = 0x80;

type Header = [u8; datagram::HEADER_LEN];

/// What is on the wire in a frame, to know its answer by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed {
    number: Number,
    len: usize,
    count: usize,
    headers: [Header; MOST],
}

impl Packed {
    /// Nothing yet, in the `count`-th frame.
    pub(crate) const fn new(count: u64) -> Self {
        let [a, b, c, ..] = count.to_le_bytes();
        Self { number: [a, b, c], len: 0, count: 0, headers: [[0; datagram::HEADER_LEN]; MOST] }
    }

    /// Bytes of the frame.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Datagrams in it.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Adds the datagram of a frame of the pool to the frame in `slot`. Returns whether it had room.
    pub(crate) fn add(&mut self, slot: &mut [u8], single: &[u8]) -> bool {
        self.try_add(slot, single).is_some()
    }

    fn try_add(&mut self, slot: &mut [u8], single: &[u8]) -> Option<()> {
        let (headers, one) = single.split_at_checked(frame::HEADER_LEN)?;
        let at = self.len.max(frame::HEADER_LEN);
        let end = at + one.len();
        let place = self.headers.get_mut(self.count)?;
        *place = *one.first_chunk()?;
        if end > ethernet::MAX_FRAME {
            return None;
        }
        slot.get_mut(at..end)?.copy_from_slice(one);
        if self.count == 0 {
            slot.get_mut(..frame::HEADER_LEN)?.copy_from_slice(headers);
            slot.get_mut(NUMBER)?.copy_from_slice(&self.number);
        } else {
            put_length(slot, end - frame::HEADER_LEN)?;
            let last = self.headers.get(self.count - 1).map(|header| usize::from(length(header)))?;
            *slot.get_mut(at - datagram::OVERHEAD - last + LENGTH_HIGH)? |= MORE;
        }
        (self.len, self.count) = (end, self.count + 1);
        Some(())
    }

    /// Whether a received frame answers this one. SubDevices change the first half of the address, the flag of a frame that
    /// has circulated, the event field, data and working counter, and nothing else of a datagram.
    pub(crate) fn is_answered_by(&self, frame: &[u8]) -> bool {
        frame.get(NUMBER) == Some(&self.number)
            && frame.get(ECAT_HEADER) == Some(&ecat_header(self.len.saturating_sub(frame::HEADER_LEN)))
            && self.parts().all(|(header, range)| {
                let received = frame.get(range).and_then(<[u8]>::first_chunk);
                received.is_some_and(|received| same(header, received))
            })
    }

    /// Whether the working counter of each datagram of an answer can be: a single SubDevice counts a read or a write once,
    /// and both three times. Of datagrams to several nobody knows it here.
    pub(crate) fn is_possible(&self, frame: &[u8]) -> bool {
        self.parts().all(|(header, range)| {
            let counter = frame.get(..range.end).and_then(<[u8]>::last_chunk).copied().map(u16::from_le_bytes);
            counter.is_some_and(|counter| counter <= most_counted(header))
        })
    }

    /// Gives each datagram of a frame as a returned frame of its own, as the pool takes it, written into `scratch`.
    pub(crate) fn each(&self, frame: &[u8], scratch: &mut [u8], mut give: impl FnMut(&[u8])) {
        for (_, range) in self.parts() {
            let len = frame::HEADER_LEN + range.len();
            let (Some(headers), Some(one)) = (frame.get(..frame::HEADER_LEN), frame.get(range)) else { return };
            let Some(single) = scratch.get_mut(..len) else { return };
            let (to_headers, to_one) = single.split_at_mut(frame::HEADER_LEN);
            to_headers.copy_from_slice(headers);
            to_one.copy_from_slice(one);
            // The pool would not know a frame that the link withdrew, whose EtherType is another: it would be lost to the pool.
            if let Some(ethertype) = to_headers.get_mut(ETHERTYPE) {
                ethertype.copy_from_slice(&ethernet::ETHERTYPE.to_be_bytes());
            }
            if let Some(high) = to_one.get_mut(LENGTH_HIGH) {
                *high &= !MORE;
            }
            // The pool takes only frames that look returned.
            if put_length(single, len - frame::HEADER_LEN).is_some() && ethernet::mark_returned(single).is_ok() {
                give(single);
            }
        }
    }

    /// Each datagram's header as it was sent, and where the datagram is in the frame.
    fn parts(&self) -> impl Iterator<Item = (&Header, Range<usize>)> {
        let mut at = frame::HEADER_LEN;
        self.headers.iter().take(self.count).map(move |header| {
            let start = at;
            at += datagram::OVERHEAD + usize::from(length(header));
            (header, start..at)
        })
    }
}

/// Bytes of a datagram's data by its header.
const fn length(header: &Header) -> u16 {
    let [_, _, _, _, _, _, low, high, _, _] = *header;
    u16::from_le_bytes([low, high & 0x07])
}

/// The largest working counter of a datagram (ET1100 data sheet, section I, table 6).
const fn most_counted(header: &Header) -> u16 {
    const APRD: u8 = Command::Aprd.code();
    const APWR: u8 = Command::Apwr.code();
    const APRW: u8 = Command::Aprw.code();
    const FPRD: u8 = Command::Fprd.code();
    const FPWR: u8 = Command::Fpwr.code();
    const FPRW: u8 = Command::Fprw.code();
    let [command, ..] = *header;
    match command {
        APRD | APWR | FPRD | FPWR => 1,
        APRW | FPRW => 3,
        _ => u16::MAX,
    }
}

fn same(sent: &Header, received: &Header) -> bool {
    let [command, index, _, _, second0, second1, ..] = *sent;
    let [rx_command, rx_index, _, _, rx_second0, rx_second1, ..] = *received;
    (command, index, second0, second1) == (rx_command, rx_index, rx_second0, rx_second1)
        && length(sent) == length(received)
}

/// Writes the EtherCAT header of a frame with so many bytes of datagrams.
fn put_length(frame: &mut [u8], datagrams: usize) -> Option<()> {
    frame.get_mut(ECAT_HEADER)?.copy_from_slice(&ecat_header(datagrams));
    Some(())
}

fn ecat_header(datagrams: usize) -> [u8; 2] {
    (u16::try_from(datagrams).unwrap_or_default() | TYPE_DATAGRAMS).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_wire::ethernet::MacAddress;
    use zerocat_wire::{Address, Command, Datagram, FrameView};

    /// A frame of the pool with one datagram.
    fn single(index: u8, len: usize) -> Vec<u8> {
        let mut frame = vec![0; frame::HEADER_LEN + datagram::OVERHEAD + len];
        frame[..6].fill(0xff);
        frame[6..12].copy_from_slice(&MacAddress::ACYCLIC.0);
        frame[12..14].copy_from_slice(&[0x88, 0xa4]);
        put_length(&mut frame, datagram::OVERHEAD + len).unwrap();
        let header = Datagram::new(Command::Fprd, Address::station(0x1001, 0x0130), index, len);
        header.emit(&mut frame[frame::HEADER_LEN..]).unwrap();
        frame[frame::HEADER_LEN + datagram::HEADER_LEN..][..len].fill(index);
        frame
    }

    fn packed(lens: &[usize]) -> (Packed, Vec<u8>) {
        let (mut packed, mut slot) = (Packed::new(0x0003_0201), vec![0; ethernet::MAX_FRAME]);
        for (index, len) in (0..).zip(lens) {
            assert!(packed.add(&mut slot, &single(index, *len)));
        }
        slot.truncate(packed.len());
        (packed, slot)
    }

    #[test]
    fn datagrams_share_a_frame_in_their_order() {
        let (packed, frame) = packed(&[2, 14, 0, 8]);
        let view = FrameView::new_checked(&frame).unwrap();
        let datagrams: Vec<_> = view.datagrams().map(Result::unwrap).collect();
        let seen: Vec<_> = datagrams.iter().map(|datagram| (datagram.index(), datagram.more())).collect();
        assert_eq!(seen, [(0, true), (1, true), (2, true), (3, false)]);
        assert_eq!(frame[NUMBER], [1, 2, 3]);
        assert_eq!((packed.count(), packed.len()), (4, 16 + 4 * 12 + 24));
    }

    #[test]
    fn an_answer_comes_apart_into_the_frames_that_it_was_made_of() {
        let (packed, mut frame) = packed(&[2, 14, 8]);
        let at = packed.len() - 2;
        frame[at] = 1;
        assert!(packed.is_answered_by(&frame));
        let (mut got, mut scratch) = (Vec::new(), [0; ethernet::MAX_FRAME]);
        packed.each(&frame, &mut scratch, |one| got.push(one.to_vec()));
        for (index, (one, len)) in (0..).zip(got.iter().zip([2, 14, 8])) {
            let mut expected = single(index, len);
            expected[NUMBER].copy_from_slice(&[1, 2, 3]);
            ethernet::mark_returned(&mut expected).unwrap();
            let last = expected.len() - 2;
            expected[last] = u8::from(index == 2);
            assert_eq!(*one, expected);
        }
        assert_eq!(got.len(), 3);
    }

    #[test]
    fn one_subdevice_counts_a_read_once() {
        let (packed, mut frame) = packed(&[2, 14]);
        let last = packed.len() - 2;
        for (counter, possible) in [(0, true), (1, true), (2, false), (0x5101, false)] {
            frame[last..].copy_from_slice(&u16::to_le_bytes(counter));
            assert_eq!((packed.is_answered_by(&frame), packed.is_possible(&frame)), (true, possible), "{counter}");
        }
    }

    #[test]
    fn a_frame_that_was_withdrawn_is_given_back_all_the_same() {
        let (packed, mut frame) = packed(&[2, 14]);
        frame[ETHERTYPE.start] ^= 0xff;
        let (mut types, mut scratch) = (Vec::new(), [0; ethernet::MAX_FRAME]);
        packed.each(&frame, &mut scratch, |one| types.push(ethernet::ethertype(one).unwrap()));
        assert_eq!(types, [ethernet::ETHERTYPE; 2]);
    }

    #[test]
    fn a_frame_with_one_datagram_that_was_not_sent_answers_nothing() {
        let (packed, frame) = packed(&[2, 14, 8]);
        let second = frame::HEADER_LEN + datagram::OVERHEAD + 2;
        for at in [NUMBER.start, ECAT_HEADER.start, second, second + datagram::INDEX, second + datagram::LENGTH] {
            let mut other = frame.clone();
            other[at] ^= 1;
            assert!(!packed.is_answered_by(&other), "byte {at}");
        }
        assert!(!packed.is_answered_by(&frame[..frame.len() - 1]));
    }

    #[test]
    fn what_has_no_room_is_left_out() {
        let (mut full, mut frame) = packed(&[1000, 400]);
        frame.resize(ethernet::MAX_FRAME, 0);
        let before = frame.clone();
        assert!(!full.add(&mut frame, &single(2, 100)));
        assert_eq!((full.count(), &frame), (2, &before));
        assert!(full.add(&mut frame, &single(3, 62)), "to the last byte");
        assert_eq!(full.len(), ethernet::MAX_FRAME);
        let (mut many, mut frame) = packed(&[0; MOST]);
        frame.resize(ethernet::MAX_FRAME, 0);
        assert!(!many.add(&mut frame, &single(0, 0)));
    }
}
