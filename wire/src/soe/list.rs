//! A list: its length, the longest that it can be, both in bytes, and its items. Names, units and texts are lists of characters.

use crate::{WireError, field};

/// A list as it stands in an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List<'a> {
    /// Most bytes that it can have.
    pub most: u16,
    /// The items, one behind the other.
    pub items: &'a [u8],
}

impl<'a> List<'a> {
    /// Bytes before the items.
    pub const HEADER_LEN: usize = 4;

    /// Reads the list; bytes behind it are left out.
    ///
    /// # Errors
    /// `Truncated` when the header is cut, or says more bytes than there are.
    pub fn parse(data: &'a [u8]) -> Result<Self, WireError> {
        let needed = Self::HEADER_LEN.saturating_add(usize::from(field::u16_at(data, 0)?));
        let most = field::u16_at(data, 2)?;
        let items = data.get(Self::HEADER_LEN..needed).ok_or(WireError::Truncated { needed, got: data.len() })?;
        Ok(Self { most, items })
    }

    /// Writes the list and returns its length.
    ///
    /// # Errors
    /// `NoRoom`, and `BadLength` for more items than 16 bits can count.
    pub fn emit(&self, room: &mut [u8]) -> Result<usize, WireError> {
        let length = u16::try_from(self.items.len()).map_err(|_| WireError::BadLength)?;
        field::put(room, Self::HEADER_LEN, self.items)?;
        field::put_words(room, 0, [length, self.most])?;
        Ok(Self::HEADER_LEN.saturating_add(self.items.len()))
    }

    /// The items as words, as in a list of IDNs; an odd byte at the end is left out.
    pub fn words(&self) -> impl Iterator<Item = u16> + 'a {
        self.items.chunks_exact(2).filter_map(|pair| field::u16_at(pair, 0).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn a_list_of_idns_is_literal_bytes() {
        // Six bytes, as the log in libethercat's issue 34 has them written to S-0-0024; which IDN is in them it doesn't say.
        let bytes = [0x02, 0x00, 0x02, 0x00, 0x24, 0x00];
        let list = List { most: 2, items: &[0x24, 0x00] };
        let mut room = [0xee; 6];
        assert_eq!(list.emit(&mut room), Ok(6));
        assert_eq!(room, bytes);
        assert_eq!(List::parse(&bytes), Ok(list));
        assert_eq!(list.words().collect::<Vec<_>>(), [36]);
        assert_eq!(list.emit(&mut room[..5]), Err(WireError::NoRoom));
    }

    #[test]
    fn a_list_that_claims_more_than_there_is_is_refused() {
        assert_eq!(List::parse(&[3, 0, 8, 0, 1, 2]), Err(WireError::Truncated { needed: 7, got: 6 }));
        assert!(List::parse(&[0, 0, 8]).is_err());
        assert_eq!(List::parse(&[1, 0, 8, 0, b'm', b'm']).unwrap().items, b"m");
    }
}
