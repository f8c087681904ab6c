//! One datagram: a 10-byte header, data, and a 2-byte working counter (ETG.1000.4, 5.4.1, figure 11).

use crate::field;
use crate::{Address, Command, WireError};

/// Bytes before the data.
pub const HEADER_LEN: usize = 10;
/// Bytes after the data.
pub const WORKING_COUNTER_LEN: usize = 2;
/// Header and working counter: what a datagram costs beyond its data.
pub const OVERHEAD: usize = 12;
/// Largest data length that the 11-bit field can hold.
pub const MAX_DATA: usize = 0x7ff;
/// Largest data length of a single datagram in a frame of 1,514 bytes.
pub const MAX_DATA_ALONE: usize = 1486;

/// Offset of the command code.
pub const COMMAND: usize = 0;
/// Offset of the index, which the MainDevice chooses and no SubDevice touches.
pub const INDEX: usize = 1;
/// Offset of the 32-bit address.
pub const ADDRESS: usize = 2;
/// Offset of the 11-bit length with the flags.
pub const LENGTH: usize = 6;
/// Offset of the event request field, into which SubDevices OR theirs.
pub const EVENTS: usize = 8;

const LENGTH_MASK: u16 = 0x07ff;
const CIRCULATING: u16 = 1 << 14;
const MORE: u16 = 1 << 15;

/// A datagram as a value: everything but data and working counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram {
    /// What to do.
    pub command: Command,
    /// The MainDevice's mark, returned as sent.
    pub index: u8,
    /// Where.
    pub address: Address,
    /// Bytes of data, at most [`MAX_DATA`].
    pub len: usize,
    /// The frame has circulated (set where a SubDevice closed a loop behind it).
    pub circulating: bool,
    /// Another datagram follows in the same frame.
    pub more: bool,
}

impl Datagram {
    /// A datagram that is the last of its frame.
    #[must_use]
    pub const fn new(command: Command, address: Address, index: u8, len: usize) -> Self {
        Self { command, index, address, len, circulating: false, more: false }
    }

    /// Reads the header. The data and working counter need not be there.
    ///
    /// # Errors
    /// `Truncated` below 10 bytes, `BadValue` for an unknown command.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let length = field::u16_at(bytes, LENGTH)?;
        field::u16_at(bytes, EVENTS)?;
        Ok(Self {
            command: Command::from_code(field::u8_at(bytes, COMMAND)?)?,
            index: field::u8_at(bytes, INDEX)?,
            address: Address(field::u32_at(bytes, ADDRESS)?),
            len: usize::from(length & LENGTH_MASK),
            circulating: length & CIRCULATING != 0,
            more: length & MORE != 0,
        })
    }

    /// Writes the header with an empty event field.
    ///
    /// # Errors
    /// `BadLength` above [`MAX_DATA`], `NoRoom` below 10 bytes.
    pub fn emit(&self, bytes: &mut [u8]) -> Result<(), WireError> {
        let mut length = u16::try_from(self.len).map_err(|_| WireError::BadLength)?;
        if length > LENGTH_MASK {
            return Err(WireError::BadLength);
        }
        if self.circulating {
            length |= CIRCULATING;
        }
        if self.more {
            length |= MORE;
        }
        field::put(bytes, EVENTS, &[0, 0])?;
        field::put(bytes, COMMAND, &[self.command.code(), self.index])?;
        field::put(bytes, ADDRESS, &self.address.0.to_le_bytes())?;
        field::put(bytes, LENGTH, &length.to_le_bytes())
    }

    /// Header, data and working counter in bytes.
    #[must_use]
    #[inline]
    pub const fn total_len(&self) -> usize {
        self.len.saturating_add(OVERHEAD)
    }
}

/// A datagram read in place. The command may be one that we don't know: see [`DatagramView::command`].
#[derive(Debug, Clone, Copy)]
pub struct DatagramView<'a> {
    bytes: &'a [u8],
}

impl<'a> DatagramView<'a> {
    /// Admits the datagram at the start of `bytes`; what follows it is left out.
    ///
    /// # Errors
    /// `Truncated` when header, data or working counter aren't all there.
    #[inline]
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, WireError> {
        let total = total_len(bytes)?;
        let bytes = bytes.get(..total).ok_or(WireError::Truncated { needed: total, got: bytes.len() })?;
        Ok(Self { bytes })
    }

    /// All bytes from header to working counter.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The command.
    ///
    /// # Errors
    /// `BadValue` for a code that is not a command.
    #[inline]
    pub fn command(&self) -> Result<Command, WireError> {
        Command::from_code(field::u8_at(self.bytes, COMMAND)?)
    }

    /// The MainDevice's mark.
    #[must_use]
    #[inline]
    pub fn index(&self) -> u8 {
        field::u8_at(self.bytes, INDEX).unwrap_or_default()
    }

    /// The address field.
    #[must_use]
    #[inline]
    pub fn address(&self) -> Address {
        Address(field::u32_at(self.bytes, ADDRESS).unwrap_or_default())
    }

    /// Whether the frame has circulated.
    #[must_use]
    #[inline]
    pub fn circulating(&self) -> bool {
        flags(self.bytes) & CIRCULATING != 0
    }

    /// Whether another datagram follows in the frame.
    #[must_use]
    #[inline]
    pub fn more(&self) -> bool {
        flags(self.bytes) & MORE != 0
    }

    /// The data.
    #[must_use]
    #[inline]
    pub fn data(&self) -> &'a [u8] {
        let end = self.bytes.len().saturating_sub(WORKING_COUNTER_LEN);
        self.bytes.get(HEADER_LEN..end).unwrap_or_default()
    }

    /// The working counter.
    #[must_use]
    #[inline]
    pub fn working_counter(&self) -> u16 {
        field::u16_at(self.bytes, self.bytes.len().saturating_sub(WORKING_COUNTER_LEN)).unwrap_or_default()
    }

    /// The header as a value.
    ///
    /// # Errors
    /// `BadValue` for an unknown command.
    #[inline]
    pub fn header(&self) -> Result<Datagram, WireError> {
        Datagram::parse(self.bytes)
    }
}

/// A datagram changed in place, as a SubDevice does when it passes.
#[derive(Debug)]
pub struct DatagramViewMut<'a> {
    bytes: &'a mut [u8],
}

impl<'a> DatagramViewMut<'a> {
    /// Admits the datagram at the start of `bytes`; what follows it is left out.
    ///
    /// # Errors
    /// `Truncated` when header, data or working counter aren't all there.
    #[inline]
    pub fn new_checked(bytes: &'a mut [u8]) -> Result<Self, WireError> {
        let total = total_len(bytes)?;
        let got = bytes.len();
        let bytes = bytes.get_mut(..total).ok_or(WireError::Truncated { needed: total, got })?;
        Ok(Self { bytes })
    }

    /// The same datagram, read only.
    #[must_use]
    #[inline]
    pub fn view(&self) -> DatagramView<'_> {
        DatagramView { bytes: self.bytes }
    }

    /// The data, to change.
    #[inline]
    pub fn data_mut(&mut self) -> &mut [u8] {
        let end = self.bytes.len().saturating_sub(WORKING_COUNTER_LEN);
        self.bytes.get_mut(HEADER_LEN..end).unwrap_or_default()
    }

    /// Sets the mark.
    #[inline]
    pub fn set_index(&mut self, index: u8) {
        let _ = field::put(self.bytes, INDEX, &[index]);
    }

    /// Sets the address field.
    #[inline]
    pub fn set_address(&mut self, address: Address) {
        let _ = field::put(self.bytes, ADDRESS, &address.0.to_le_bytes());
    }

    /// Sets or clears the circulating bit.
    pub fn set_circulating(&mut self, circulating: bool) {
        let flags = flags(self.bytes) & !CIRCULATING | if circulating { CIRCULATING } else { 0 };
        let _ = field::put(self.bytes, LENGTH, &flags.to_le_bytes());
    }

    /// ORs event bits into the event field.
    #[inline]
    pub fn add_events(&mut self, events: u16) {
        let now = field::u16_at(self.bytes, EVENTS).unwrap_or_default() | events;
        let _ = field::put(self.bytes, EVENTS, &now.to_le_bytes());
    }

    /// Sets the working counter.
    #[inline]
    pub fn set_working_counter(&mut self, counter: u16) {
        let offset = self.bytes.len().saturating_sub(WORKING_COUNTER_LEN);
        let _ = field::put(self.bytes, offset, &counter.to_le_bytes());
    }

    /// Adds to the working counter, which wraps as an ESC's does.
    #[inline]
    pub fn add_working_counter(&mut self, increment: u16) {
        self.set_working_counter(self.view().working_counter().wrapping_add(increment));
    }
}

#[inline]
fn flags(bytes: &[u8]) -> u16 {
    field::u16_at(bytes, LENGTH).unwrap_or_default()
}

#[inline]
fn total_len(bytes: &[u8]) -> Result<usize, WireError> {
    let length = field::u16_at(bytes, LENGTH)?;
    Ok(usize::from(length & LENGTH_MASK).saturating_add(OVERHEAD))
}

#[cfg(test)]
mod tests {
    use super::*;

    // FPRD of station 0x1001, register 0x0130, two bytes, answered 0x0002 with working counter 1.
    const FPRD: [u8; 14] = [0x04, 0x2a, 0x01, 0x10, 0x30, 0x01, 0x02, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01, 0x00];

    #[test]
    fn reads_a_literal_datagram() {
        let view = DatagramView::new_checked(&FPRD).unwrap();
        assert_eq!(view.command(), Ok(Command::Fprd));
        assert_eq!(view.index(), 0x2a);
        assert_eq!((view.address().adp(), view.address().ado()), (0x1001, 0x0130));
        assert_eq!(view.data(), [0x02, 0x00]);
        assert_eq!(view.working_counter(), 1);
        assert!(!view.more() && !view.circulating());
    }

    #[test]
    fn emits_the_literal_header() {
        let mut bytes = [0xffu8; 10];
        Datagram::new(Command::Fprd, Address::station(0x1001, 0x0130), 0x2a, 2).emit(&mut bytes).unwrap();
        assert_eq!(bytes, FPRD[..10]);
    }

    #[test]
    fn refuses_a_datagram_whose_data_ends_early() {
        for len in 0..FPRD.len() {
            assert!(DatagramView::new_checked(&FPRD[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_length_above_eleven_bits() {
        let datagram = Datagram::new(Command::Brd, Address::broadcast(0), 0, 0x800);
        assert_eq!(datagram.emit(&mut [0; 10]), Err(WireError::BadLength));
    }

    #[test]
    fn position_counts_down_from_zero() {
        assert_eq!(Address::position(3, 0x0010).adp(), 0xfffd);
    }

    #[test]
    fn flags_keep_the_length() {
        let mut bytes = FPRD;
        let mut view = DatagramViewMut::new_checked(&mut bytes).unwrap();
        view.set_circulating(true);
        view.add_working_counter(2);
        view.add_events(0x0100);
        let header = view.view().header().unwrap();
        assert!(header.circulating);
        assert_eq!(header.len, 2);
        assert_eq!(bytes[12..], [3, 0]);
        assert_eq!(bytes[8..10], [0x00, 0x01]);
    }
}
