//! Decodes the bytes of a file: by its byte order mark, by the encoding that the XML declaration names, or by a guess
//! where a file is not in the encoding that it declares.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use quick_xml::Reader;
use quick_xml::events::Event;

/// Bytes in which the XML declaration is looked for.
const DECLARATION: usize = 256;

/// The text of a file. A byte order mark decides, then the declaration. A file that should be UTF-8 and isn't is read
/// as Windows-1252, which includes ISO-8859-1 and is what vendors' tools write. Other wrong bytes become U+FFFD.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    let encoding = declared(bytes).unwrap_or(UTF_8);
    if encoding == UTF_8 {
        return match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
        };
    }
    encoding.decode_without_bom_handling(bytes).0
}

/// The encoding that the XML declaration names, if it is known. A declaration that can be read byte by byte can't be in
/// an encoding of 16 bits; where it names one, UTF-8 is meant.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let (start, _) = WINDOWS_1252.decode_without_bom_handling(&bytes[..bytes.len().min(DECLARATION)]);
    let Ok(Event::Decl(declaration)) = Reader::from_str(&start).read_event() else { return None };
    let label = declaration.encoding()?.ok()?;
    Encoding::for_label(label.as_bytes()).map(Encoding::output_encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_a_declaration_and_neither_are_understood() {
        assert_eq!(decode(b"\xef\xbb\xbf<a>\xc3\xa4</a>"), "<a>ä</a>");
        assert_eq!(decode(b"\xff\xfe<\0a\0/\0>\0"), "<a/>");
        let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe4</a>";
        assert!(decode(latin).ends_with("<a>ä</a>"));
        assert_eq!(decode("<a>ä</a>".as_bytes()), "<a>ä</a>");
    }

    #[test]
    fn latin_1_that_says_it_is_utf_8_is_still_text() {
        let wrong = b"<?xml version=\"1.0\" encoding=\"utf-8\"?><a>\xe4</a>";
        assert!(decode(wrong).ends_with("<a>ä</a>"));
    }
}
