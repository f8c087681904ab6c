//! An EtherCAT frame: Ethernet header, a 2-byte EtherCAT header and datagrams (ETG.1000.4, 5.3, table 2).
//!
//! The EtherCAT header holds the length of all datagrams in 11 bits and the type (1: datagrams) in the top four.

use crate::datagram::{self, Datagram, DatagramView, DatagramViewMut};
use crate::ethernet::{self, MacAddress};
use crate::field;
use crate::{WireError, ethernet::HEADER_LEN as ETHERNET};

/// Ethernet and EtherCAT header.
pub const HEADER_LEN: usize = 16;
/// Bytes for datagrams in the longest frame.
pub const MAX_PAYLOAD: usize = ethernet::MAX_FRAME.saturating_sub(HEADER_LEN);

const LENGTH_MASK: u16 = 0x07ff;
const TYPE_DATAGRAMS: u16 = 1;

/// A frame read in place.
#[derive(Debug, Clone, Copy)]
pub struct FrameView<'a> {
    frame: &'a [u8],
    payload: &'a [u8],
}

impl<'a> FrameView<'a> {
    /// Admits an untagged EtherCAT frame. Padding behind the datagrams is left out.
    ///
    /// # Errors
    /// Says which of EtherType, frame type and length is wrong.
    #[inline]
    pub fn new_checked(frame: &'a [u8]) -> Result<Self, WireError> {
        let end = payload_end(frame)?;
        let payload = frame.get(HEADER_LEN..end).ok_or(WireError::Truncated { needed: end, got: frame.len() })?;
        Ok(Self { frame, payload })
    }

    /// Source hardware address.
    #[must_use]
    #[inline]
    pub fn source(&self) -> MacAddress {
        ethernet::source(self.frame).unwrap_or(MacAddress([0; 6]))
    }

    /// The datagrams as bytes, without padding.
    #[must_use]
    #[inline]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Walks the datagrams. Ends after the last one, or with one error.
    #[must_use]
    #[inline]
    pub const fn datagrams(&self) -> DatagramIter<'a> {
        DatagramIter { rest: self.payload, done: self.payload.is_empty() }
    }
}

/// Walks the datagrams of a frame.
#[derive(Debug, Clone)]
pub struct DatagramIter<'a> {
    rest: &'a [u8],
    done: bool,
}

impl<'a> Iterator for DatagramIter<'a> {
    type Item = Result<DatagramView<'a>, WireError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let view = DatagramView::new_checked(self.rest);
        match &view {
            Ok(datagram) => {
                self.rest = self.rest.get(datagram.bytes().len()..).unwrap_or_default();
                self.done = !datagram.more();
            }
            Err(_) => self.done = true,
        }
        Some(view)
    }
}

/// A frame changed in place, as a segment does.
#[derive(Debug)]
pub struct FrameViewMut<'a> {
    frame: &'a mut [u8],
    end: usize,
}

impl<'a> FrameViewMut<'a> {
    /// Admits an untagged EtherCAT frame.
    ///
    /// # Errors
    /// Says which of EtherType, frame type and length is wrong.
    #[inline]
    pub fn new_checked(frame: &'a mut [u8]) -> Result<Self, WireError> {
        let end = payload_end(frame)?;
        if end > frame.len() {
            return Err(WireError::Truncated { needed: end, got: frame.len() });
        }
        Ok(Self { frame, end })
    }

    /// Sets the bit that marks the frame as returned by the segment.
    pub fn mark_returned(&mut self) {
        let _ = ethernet::mark_returned(self.frame);
    }

    /// Walks the datagrams to change them. Ends after the last one, or where one is malformed.
    pub fn datagrams_mut(&mut self) -> DatagramsMut<'_> {
        DatagramsMut { rest: self.frame.get_mut(HEADER_LEN..self.end).unwrap_or_default() }
    }
}

/// Walks the datagrams of a frame to change them.
#[derive(Debug)]
pub struct DatagramsMut<'a> {
    rest: &'a mut [u8],
}

impl<'a> Iterator for DatagramsMut<'a> {
    type Item = DatagramViewMut<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = core::mem::take(&mut self.rest);
        let view = DatagramView::new_checked(rest).ok()?;
        let (len, more) = (view.bytes().len(), view.more());
        let (this, behind) = rest.split_at_mut_checked(len)?;
        if more {
            self.rest = behind;
        }
        DatagramViewMut::new_checked(this).ok()
    }
}

/// Builds a frame in a buffer, datagram by datagram.
#[derive(Debug)]
pub struct FrameBuilder<'a> {
    buffer: &'a mut [u8],
    end: usize,
    last: Option<usize>,
}

impl<'a> FrameBuilder<'a> {
    /// Starts a broadcast frame from `source` in `buffer`, which may be longer than the frame becomes.
    ///
    /// # Errors
    /// `NoRoom` when the buffer can't hold a minimum frame of 60 bytes.
    pub fn new(buffer: &'a mut [u8], source: MacAddress) -> Result<Self, WireError> {
        if buffer.len() < ethernet::MIN_FRAME {
            return Err(WireError::NoRoom);
        }
        field::put(buffer, 0, &MacAddress::BROADCAST.0)?;
        field::put(buffer, 6, &source.0)?;
        field::put(buffer, 12, &ethernet::ETHERTYPE.to_be_bytes())?;
        Ok(Self { buffer, end: HEADER_LEN, last: None })
    }

    /// Appends a datagram with zeroed data and working counter, and returns the offset of its data in the frame.
    /// `more` is set for all but the last by the builder itself.
    ///
    /// # Errors
    /// `NoRoom` when buffer or frame (1,514 bytes) are full, `BadLength` above 2,047 bytes of data.
    pub fn push(&mut self, datagram: Datagram) -> Result<usize, WireError> {
        let end = self.end.saturating_add(datagram.total_len());
        if end > ethernet::MAX_FRAME {
            return Err(WireError::NoRoom);
        }
        let bytes = self.buffer.get_mut(self.end..end).ok_or(WireError::NoRoom)?;
        bytes.fill(0);
        Datagram { more: false, ..datagram }.emit(bytes)?;
        if let Some(flags) = self.last.and_then(|last| self.buffer.get_mut(last.saturating_add(7))) {
            *flags |= 0x80;
        }
        self.last = Some(self.end);
        let data = self.end.saturating_add(datagram::HEADER_LEN);
        self.end = end;
        Ok(data)
    }

    /// Writes the EtherCAT header, pads to 60 bytes with zeros and returns the frame's length.
    ///
    /// # Errors
    /// `BadLength` for a frame without datagrams.
    pub fn finish(self) -> Result<usize, WireError> {
        let payload = self.end.saturating_sub(HEADER_LEN);
        let length = u16::try_from(payload).map_err(|_| WireError::BadLength)?;
        if length == 0 || length > LENGTH_MASK {
            return Err(WireError::BadLength);
        }
        field::put(self.buffer, ETHERNET, &(length | TYPE_DATAGRAMS << 12).to_le_bytes())?;
        let padded = self.end.max(ethernet::MIN_FRAME);
        self.buffer.get_mut(self.end..padded).ok_or(WireError::NoRoom)?.fill(0);
        Ok(padded)
    }
}

#[inline]
fn payload_end(frame: &[u8]) -> Result<usize, WireError> {
    let ethertype = ethernet::ethertype(frame)?;
    if ethertype != ethernet::ETHERTYPE {
        return Err(WireError::NotEtherCat(ethertype));
    }
    let header = field::u16_at(frame, ETHERNET)?;
    let kind = header >> 12;
    if kind != TYPE_DATAGRAMS {
        return Err(WireError::NotDatagrams(u8::try_from(kind).unwrap_or(u8::MAX)));
    }
    Ok(HEADER_LEN.saturating_add(usize::from(header & LENGTH_MASK)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Address, Command};

    fn built(buffer: &mut [u8; 1514]) -> usize {
        let mut builder = FrameBuilder::new(buffer, MacAddress::CYCLIC).unwrap();
        builder.push(Datagram::new(Command::Brd, Address::broadcast(0x0130), 7, 2)).unwrap();
        let data = builder.push(Datagram::new(Command::Lrw, Address::logical(0x1_0000), 7, 4)).unwrap();
        assert_eq!(data, 16 + 14 + 10);
        builder.finish().unwrap()
    }

    #[test]
    fn builds_the_literal_frame() {
        let mut buffer = [0xee; 1514];
        let len = built(&mut buffer);
        assert_eq!(len, 60);
        #[rustfmt::skip]
        let expected = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10, 0x7a, 0x63, 0x00, 0x00, 0x01, 0x88, 0xa4,
            0x1e, 0x10,
            0x07, 0x07, 0x00, 0x00, 0x30, 0x01, 0x02, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
            0x0c, 0x07, 0x00, 0x00, 0x01, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
            0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        ];
        assert_eq!(buffer[..len], expected);
    }

    #[test]
    fn walks_what_it_built() {
        let mut buffer = [0; 1514];
        let len = built(&mut buffer);
        let frame = FrameView::new_checked(&buffer[..len]).unwrap();
        let commands: std::vec::Vec<_> = frame.datagrams().map(|d| d.unwrap().command().unwrap()).collect();
        assert_eq!(commands, [Command::Brd, Command::Lrw]);
        assert_eq!(frame.source(), MacAddress::CYCLIC);
    }

    #[test]
    fn refuses_every_truncation() {
        let mut buffer = [0; 1514];
        built(&mut buffer);
        for len in 0..46 {
            assert!(FrameView::new_checked(&buffer[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn a_claimed_datagram_behind_the_end_is_one_error() {
        let mut buffer = [0; 1514];
        let len = built(&mut buffer);
        buffer[16 + 14 + 7] |= 0x80;
        let frame = FrameView::new_checked(&buffer[..len]).unwrap();
        let walked: std::vec::Vec<_> = frame.datagrams().collect();
        assert_eq!(walked.len(), 3);
        assert!(walked[2].is_err());
    }

    #[test]
    fn changes_reach_the_frame() {
        let mut buffer = [0; 1514];
        let len = built(&mut buffer);
        let mut frame = FrameViewMut::new_checked(&mut buffer[..len]).unwrap();
        frame.mark_returned();
        for mut datagram in frame.datagrams_mut() {
            datagram.add_working_counter(3);
        }
        let view = FrameView::new_checked(&buffer[..len]).unwrap();
        assert_eq!(view.source(), MacAddress::CYCLIC.returned());
        assert!(view.datagrams().all(|datagram| datagram.unwrap().working_counter() == 3));
    }

    #[test]
    fn a_full_frame_takes_no_more() {
        let mut buffer = [0; 1514];
        let mut builder = FrameBuilder::new(&mut buffer, MacAddress::CYCLIC).unwrap();
        builder.push(Datagram::new(Command::Lrw, Address::logical(0), 0, datagram::MAX_DATA_ALONE)).unwrap();
        assert_eq!(builder.push(Datagram::new(Command::Nop, Address(0), 0, 0)), Err(WireError::NoRoom));
        assert_eq!(builder.finish(), Ok(1514));
    }
}
