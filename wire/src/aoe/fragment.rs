//! Commands in fragments, where they are longer than a mail: AMS command 0x902 (SSC, `ecataoe.c`).
//!
//! A fragment has the addresses of the whole. In the place of the invoke ID it has its number, from 0, and the number of its packet,
//! which is the same in all fragments. What the fragments carry is the whole behind its addresses: the first has the other 16
//! bytes of its header before the data.

use super::{AdsError, AmsAddress, AmsCommand, AmsHeader, HEADER_LEN, flags};
use crate::field;

/// Bytes of a header behind its addresses: the least that a first fragment carries.
pub const FIRST_LEN: usize = HEADER_LEN - ADDRESSES;

const ADDRESSES: usize = 2 * AmsAddress::LEN;

/// Which part of which packet a fragment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Its number, from 0.
    pub number: u16,
    /// Number of the packet.
    pub packet: u16,
}

impl Fragment {
    /// Of a header that is one of a fragment, and no acknowledgement.
    #[must_use]
    pub const fn of(header: &AmsHeader) -> Option<Self> {
        if header.command.0 != AmsCommand::FRAGMENT.0 || header.is_response() {
            return None;
        }
        let [a, b, c, d] = header.invoke_id.to_le_bytes();
        Some(Self { number: u16::from_le_bytes([a, b]), packet: u16::from_le_bytes([c, d]) })
    }

    /// The one behind it; none behind the last that can be.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.number.checked_add(1) {
            Some(number) => Some(Self { number, ..self }),
            None => None,
        }
    }

    /// The header of the whole, of a first fragment. Its length is what the whole has, which isn't there yet.
    #[must_use]
    pub fn whole(header: &AmsHeader, data: &[u8]) -> Option<AmsHeader> {
        let Self { number: 0, .. } = Self::of(header)? else { return None };
        Some(AmsHeader {
            target: header.target,
            sender: header.sender,
            command: AmsCommand(field::u16_at(data, 0).ok()?),
            flags: field::u16_at(data, 2).ok()?,
            length: field::u32_at(data, 4).ok()?,
            error: AdsError(field::u32_at(data, 8).ok()?),
            invoke_id: field::u32_at(data, 12).ok()?,
        })
    }

    /// The header of a fragment of the command with this header. No acknowledgement is asked for: SSC's acknowledges the last one
    /// from a null pointer.
    #[must_use]
    pub const fn header(self, whole: &AmsHeader) -> AmsHeader {
        let ([a, b], [c, d]) = (self.number.to_le_bytes(), self.packet.to_le_bytes());
        let invoke_id = u32::from_le_bytes([a, b, c, d]);
        AmsHeader {
            flags: flags::NO_RETURN,
            invoke_id,
            ..AmsHeader::request(whole.target, whole.sender, AmsCommand::FRAGMENT, 0)
        }
    }
}

/// A command (header and data) cut into the pieces that its fragments carry, each of at most `room` bytes.
pub fn pieces(command: &[u8], room: usize) -> impl Iterator<Item = &[u8]> {
    command.get(ADDRESSES..).unwrap_or_default().chunks(room.max(FIRST_LEN))
}

/// Why a fragment isn't taken. What came before is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FragmentError {
    /// It doesn't follow the one before.
    Order,
    /// Its first one has no whole header.
    Header,
    /// The whole is longer than there is room for.
    TooLong,
}

impl core::fmt::Display for FragmentError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Order => "a fragment doesn't follow the one before",
            Self::Header => "the first fragment has no whole header",
            Self::TooLong => "the fragments are longer together than there is room for",
        })
    }
}

impl core::error::Error for FragmentError {}

/// Fragments of a command so far, put together in a buffer.
#[derive(Debug, Default)]
pub struct Assembly<B> {
    whole: B,
    len: usize,
    next: Option<(AmsAddress, Fragment)>,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Assembly<B> {
    /// Puts commands together in a buffer; longer ones are refused.
    pub const fn new(buffer: B) -> Self {
        Self { whole: buffer, len: 0, next: None }
    }

    /// Forgets what came so far.
    pub fn forget(&mut self) {
        self.next = None;
    }

    /// Takes a fragment and gives the whole (header and data), where it was the last one.
    ///
    /// # Errors
    /// [`FragmentError`].
    pub fn take(&mut self, header: &AmsHeader, data: &[u8]) -> Result<Option<&[u8]>, FragmentError> {
        let fragment = Fragment::of(header).ok_or(FragmentError::Order)?;
        let expected = self.next.take();
        if fragment.number == 0 {
            self.begin(header, data)?;
        } else if expected != Some((header.sender, fragment)) {
            return Err(FragmentError::Order);
        } else {
            self.append(data)?;
        }
        let total = self.total();
        if self.len > total {
            return Err(FragmentError::TooLong);
        }
        if self.len == total {
            return Ok(self.whole.as_ref().get(..total));
        }
        self.next = Some((header.sender, fragment.next().ok_or(FragmentError::TooLong)?));
        Ok(None)
    }

    fn begin(&mut self, header: &AmsHeader, data: &[u8]) -> Result<(), FragmentError> {
        if data.len() < FIRST_LEN {
            return Err(FragmentError::Header);
        }
        self.len = 0;
        self.append(&header.target.emit())?;
        self.append(&header.sender.emit())?;
        self.append(data)?;
        if self.total() > self.whole.as_ref().len() { Err(FragmentError::TooLong) } else { Ok(()) }
    }

    fn append(&mut self, data: &[u8]) -> Result<(), FragmentError> {
        field::put(self.whole.as_mut(), self.len, data).map_err(|_| FragmentError::TooLong)?;
        self.len = self.len.saturating_add(data.len());
        Ok(())
    }

    /// Bytes of the whole, from its header.
    fn total(&self) -> usize {
        let length = field::u32_at(self.whole.as_ref(), 20).unwrap_or(u32::MAX);
        usize::try_from(length).unwrap_or(usize::MAX).saturating_add(HEADER_LEN)
    }
}

#[cfg(test)]
mod tests {
    use super::super::NetId;
    use super::*;
    use std::vec;
    use std::vec::Vec;

    fn whole(len: usize) -> (AmsHeader, Vec<u8>) {
        let address = |last| AmsAddress::new(NetId([1, 2, 3, 4, 5, last]), 0x1001);
        let header = AmsHeader::request(address(6), address(7), AmsCommand::WRITE, 99);
        let data: Vec<u8> = (0..len).map(|n| n.to_le_bytes()[0]).collect();
        let mut command = vec![0; HEADER_LEN + len];
        header.emit_with(&data, &mut command).unwrap();
        (header, command)
    }

    #[test]
    fn a_command_is_cut_behind_its_addresses_and_put_together_again() {
        for (len, room) in [(0, 16), (1, 16), (16, 16), (100, 16), (100, 64), (100, 116), (100, 117)] {
            let (header, command) = whole(len);
            let mut assembly = Assembly::new(vec![0; 200]);
            let pieces: Vec<&[u8]> = pieces(&command, room).collect();
            for (n, piece) in (0..).zip(&pieces) {
                let fragment = Fragment { number: n, packet: 5 }.header(&header);
                let done = assembly.take(&fragment, piece).unwrap();
                assert_eq!(done, (usize::from(n) + 1 == pieces.len()).then_some(&command[..]), "{len} {room} {n}");
            }
        }
    }

    #[test]
    fn a_fragments_header_is_that_of_ssc() {
        let (header, command) = whole(20);
        let first = Fragment { number: 0x0102, packet: 0x0304 }.header(&header).emit();
        assert_eq!(first[16..], [2, 9, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 4, 3]);
        assert_eq!(first[..16], command[..16]);
        let piece = pieces(&command, 16).next().unwrap();
        assert_eq!(piece, &command[16..32]);
        let fragment = |number| Fragment { number, packet: 4 }.header(&header);
        assert_eq!(Fragment::whole(&fragment(0), piece), Some(AmsHeader { length: 20, ..header }));
        assert_eq!(Fragment::whole(&fragment(1), piece), None);
        assert_eq!(Fragment::whole(&fragment(0), &piece[..15]), None);
    }

    #[test]
    fn what_does_not_follow_is_refused_and_forgotten() {
        let (header, command) = whole(100);
        let parts: Vec<&[u8]> = pieces(&command, 40).collect();
        let at = |number, packet| Fragment { number, packet }.header(&header);
        let mut assembly = Assembly::new(vec![0; 200]);
        assert_eq!(assembly.take(&at(1, 5), parts[1]), Err(FragmentError::Order));
        assert_eq!(assembly.take(&at(0, 5), parts[0]), Ok(None));
        assert_eq!(assembly.take(&at(1, 6), parts[1]), Err(FragmentError::Order));
        assert_eq!(assembly.take(&at(1, 5), parts[1]), Err(FragmentError::Order), "forgotten");
        let other = AmsHeader { sender: AmsAddress::default(), ..at(1, 5) };
        assert_eq!(assembly.take(&at(0, 5), parts[0]), Ok(None));
        assert_eq!(assembly.take(&other, parts[1]), Err(FragmentError::Order), "somebody else's");
        assert_eq!(assembly.take(&at(0, 5), &parts[0][..15]), Err(FragmentError::Header));
        assert_eq!(assembly.take(&at(0, 5), parts[0]), Ok(None));
        assert_eq!(assembly.take(&at(1, 5), &[0; 120]), Err(FragmentError::TooLong));
        let response = at(0, 5).answered(super::super::AdsError::NONE);
        assert_eq!(assembly.take(&response, parts[0]), Err(FragmentError::Order), "an acknowledgement");
    }

    #[test]
    fn a_whole_longer_than_the_buffer_is_refused_with_its_first_fragment() {
        let (header, command) = whole(100);
        let first = pieces(&command, 40).next().unwrap();
        let mut assembly = Assembly::new([0; 131]);
        assert_eq!(
            assembly.take(&Fragment { number: 0, packet: 1 }.header(&header), first),
            Err(FragmentError::TooLong)
        );
    }
}
