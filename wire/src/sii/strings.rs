//! The strings category (ETG.1000.6, table 20): a count, then each string with its length before it.

use crate::WireError;
use crate::field;

/// The strings of an SII. Index 1 is the first; index 0 says "no string".
#[derive(Debug, Clone, Copy)]
pub struct Strings<'a> {
    data: &'a [u8],
}

impl<'a> Strings<'a> {
    /// Takes the data of a strings category, which may be garbage.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data }
    }

    /// Number of strings according to the category.
    #[must_use]
    pub fn count(&self) -> u8 {
        field::u8_at(self.data, 0).unwrap_or_default()
    }

    /// The bytes of string `index` (1-based), if it is there in full.
    #[must_use]
    pub fn bytes(&self, index: u8) -> Option<&'a [u8]> {
        self.iter().nth(usize::from(index.checked_sub(1)?))
    }

    /// String `index` (1-based), if it is there in full and is UTF-8 (ASCII is what the ETG asks for). Zeros at its
    /// end are left out.
    #[must_use]
    pub fn get(&self, index: u8) -> Option<&'a str> {
        let text = core::str::from_utf8(self.bytes(index)?).ok()?;
        Some(text.trim_end_matches('\0'))
    }

    /// Walks the strings as bytes; ends where the data do.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.data.get(1..).unwrap_or_default();
        (0..self.count()).map_while(move |_| {
            let (len, behind) = rest.split_first()?;
            let (text, behind) = behind.split_at_checked(usize::from(*len))?;
            rest = behind;
            Some(text)
        })
    }
}

/// Writes the data of a strings category, padded to whole words, and returns their length.
///
/// # Errors
/// `BadLength` above 255 strings or 255 bytes in one, `NoRoom`.
pub fn emit(strings: &[&str], bytes: &mut [u8]) -> Result<usize, WireError> {
    field::put(bytes, 0, &[u8::try_from(strings.len()).map_err(|_| WireError::BadLength)?])?;
    let mut end = 1usize;
    for text in strings {
        field::put(bytes, end, &[u8::try_from(text.len()).map_err(|_| WireError::BadLength)?])?;
        end = end.saturating_add(1);
        field::put(bytes, end, text.as_bytes())?;
        end = end.saturating_add(text.len());
    }
    if end & 1 == 1 {
        field::put(bytes, end, &[0])?;
        end = end.saturating_add(1);
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: [u8; 12] = [2, 6, b'E', b'K', b'1', b'1', b'0', b'0', 2, b'C', b'h', 0];

    #[test]
    fn the_first_string_has_index_1() {
        let strings = Strings::new(&TWO);
        assert_eq!((strings.get(0), strings.get(1), strings.get(2)), (None, Some("EK1100"), Some("Ch")));
        assert_eq!(strings.get(3), None);
    }

    #[test]
    fn a_string_behind_the_end_is_none() {
        let strings = Strings::new(&TWO[..10]);
        assert_eq!((strings.get(1), strings.get(2)), (Some("EK1100"), None));
        assert_eq!(Strings::new(&[]).get(1), None);
    }

    #[test]
    fn emits_the_literal_bytes() {
        let mut bytes = [0xee; 12];
        assert_eq!(emit(&["EK1100", "Ch"], &mut bytes), Ok(12));
        assert_eq!(bytes, TWO);
        assert_eq!(emit(&["EK1100", "Ch"], &mut bytes[..11]), Err(WireError::NoRoom));
    }
}
