//! From the bytes of a file to its text.

use crate::error::TextError;
use crate::lines::Lines;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Most bytes of a text: 16 MiB. A draft of a thousand SubDevices is shorter.
pub const MOST_BYTES: usize = 16 << 20;

/// Reads a file, and no more of it than one byte beyond [`MOST_BYTES`].
///
/// # Errors
/// What the system says.
pub fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of UTF-8, or of UTF-16 that begins with a byte order mark, as some editors and shells of Windows write it.
pub(crate) fn text(bytes: &[u8]) -> Result<String, TextError> {
    if bytes.len() > MOST_BYTES {
        return Err(TextError::whole(format!("it is longer than {} MiB; is it the right file?", MOST_BYTES >> 20)));
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, TextError> {
    String::from_utf8(bytes.to_vec()).map_err(|error| {
        let good = String::from_utf8_lossy(bytes.get(..error.utf8_error().valid_up_to()).unwrap_or(&[]));
        let byte = bytes.get(good.len()).copied().unwrap_or(0);
        let what = format!("the byte 0x{byte:02x} is no UTF-8; save the file as UTF-8 text");
        TextError::new(what, Lines::new(&good).place(good.len()))
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, TextError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(TextError::whole("it begins as UTF-16 and isn't; save the file as UTF-8 text")),
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn byte_order_marks_are_taken() {
        assert_eq!(text(b"\xef\xbb\xbf{}").unwrap(), "{}");
        assert_eq!(text(b"\xff\xfe{\0}\0").unwrap(), "{}");
        assert_eq!(text(b"\xfe\xff\0{\0}").unwrap(), "{}");
    }

    #[test]
    fn other_encodings_are_refused_with_the_place() {
        let said = text(b"{\n  \"name\": \"Gr\xfcn\"").unwrap_err().to_string();
        assert_eq!(said, "the byte 0xfc is no UTF-8; save the file as UTF-8 text (line 2, column 14)");
        assert!(text(b"\xff\xfe{").is_err() && text(b"\xff\xfe\x00\xd8").is_err());
    }
}
