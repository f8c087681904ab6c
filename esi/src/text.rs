//! Decodes the bytes of a file: by its byte order mark, by the encoding that the XML declaration names, or by a guess
//! where a file is not in the encoding that it declares.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use quick_xml::Reader;
use quick_xml::events::Event;

/// Bytes in which the XML declaration is looked for.
const DECLARATION: usize = 256;

/// Longest name of a character reference.
const REFERENCE: usize = 10;

/// The text of a file that an XML reader takes: as [`decode`] gives it, with each `&` that begins no reference escaped.
/// Some tools write names as they are.
pub(crate) fn readable(bytes: &[u8]) -> Cow<'_, str> {
    let text = decode(bytes);
    let is_bare = |at: usize| {
        let name: Vec<u8> =
            text.as_bytes()[at + 1..].iter().copied().take(REFERENCE).take_while(|byte| *byte != b';').collect();
        let ended = text.as_bytes().get(at + 1 + name.len()) == Some(&b';');
        !ended || name.is_empty() || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'#')
    };
    let mut sections = Sections::of(&text);
    let bare: Vec<usize> =
        text.match_indices('&').map(|(at, _)| at).filter(|at| is_bare(*at) && !sections.hold(*at)).collect();
    if bare.is_empty() {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 4 * bare.len());
    let mut from = 0;
    for at in bare {
        escaped.push_str(&text[from..=at]);
        escaped.push_str("amp;");
        from = at + 1;
    }
    escaped.push_str(&text[from..]);
    Cow::Owned(escaped)
}

/// CDATA sections, where an `&` means nothing. They are looked for only as far as they are asked for.
struct Sections<'a> {
    text: &'a str,
    /// The first one that ends behind the last place that was asked for.
    begin: usize,
    end: usize,
}

impl<'a> Sections<'a> {
    const fn of(text: &'a str) -> Self {
        Self { text, begin: 0, end: 0 }
    }

    /// Whether a place is in one. Places must not go back.
    fn hold(&mut self, at: usize) -> bool {
        let find = |from: usize, wanted| self.text.get(from..).and_then(|rest| rest.find(wanted)).map(|n| from + n);
        let (mut begin, mut end) = (self.begin, self.end);
        while end <= at {
            begin = find(end, "<![CDATA[").unwrap_or(self.text.len());
            end = find(begin, "]]>").unwrap_or(self.text.len());
            if begin == self.text.len() {
                end = usize::MAX;
            }
        }
        (self.begin, self.end) = (begin, end);
        begin <= at
    }
}

/// The text of a file. A byte order mark decides, then the declaration. A file that should be UTF-8 and isn't is read
/// as Windows-1252, which includes ISO-8859-1 and is what vendors' tools write. Other wrong bytes become U+FFFD.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
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

    #[test]
    fn an_ampersand_that_begins_no_reference_is_one() {
        let written = "<a>AB&T &amp; C&D; &#x26; &; <![CDATA[E & F]]> &</a>";
        assert_eq!(readable(written.as_bytes()), "<a>AB&amp;T &amp; C&D; &#x26; &amp;; <![CDATA[E & F]]> &amp;</a>");
        assert!(matches!(readable(b"<a>&amp;</a>"), Cow::Borrowed(_)));
    }
}
