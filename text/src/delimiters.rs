//! Quotation marks and brackets of JSON that have no partner, told by the place where they open.
//!
//! A parser tells such a mistake where it can't go on, which may be pages later. So this looks first.

use crate::error::TextError;
use crate::json_words;
use crate::lines::Lines;
use crate::node::{DEEPEST, Place};

/// Finds the first quotation mark or bracket without a partner.
pub(crate) fn check(text: &str, lines: &Lines<'_>) -> Result<(), TextError> {
    let bytes = text.as_bytes();
    let mut open: Vec<(u8, usize)> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'/' => at = behind_comment(bytes, at),
            b'"' => at = behind_text(bytes, at).ok_or_else(|| unclosed_quote(lines.place(at)))?,
            b'\'' => return Err(single_quote(bytes, at, lines)),
            b'#' => return Err(TextError::new(json_words::COMMENT, lines.place(at))),
            b'{' | b'[' => {
                open.push((byte, at));
                if open.len() > DEEPEST {
                    let what = format!("brackets are nested deeper than {DEEPEST}");
                    return Err(TextError::new(what, lines.place(at)));
                }
                at += 1;
            }
            b'}' | b']' => {
                closes(open.pop(), byte, at, lines)?;
                at += 1;
            }
            _ => at += 1,
        }
    }
    match open.pop() {
        Some((bracket, at)) => {
            let (bracket, close) = (char::from(bracket), char::from(partner(bracket)));
            Err(TextError::new(format!("the `{bracket}` that opens here has no `{close}`"), lines.place(at)))
        }
        None => Ok(()),
    }
}

/// Behind a comment that begins at `at`; one byte further where none does, or where it doesn't end.
fn behind_comment(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or(&[]);
    let end = match rest {
        [b'/', b'/', ..] => rest.iter().position(|byte| *byte == b'\n').or(Some(rest.len())),
        [b'/', b'*', rest @ ..] => rest.windows(2).position(|pair| pair == b"*/").map(|end| end + 4),
        _ => None,
    };
    at + end.unwrap_or(1).max(1)
}

/// Behind the text that begins with the quotation mark at `at`; none where its line ends first.
fn behind_text(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 1;
    loop {
        match bytes.get(end)? {
            b'"' => return Some(end + 1),
            b'\n' => return None,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
}

fn unclosed_quote(at: Place) -> TextError {
    TextError::new("the quotation mark that opens here is not closed on its line", at)
}

fn single_quote(bytes: &[u8], at: usize, lines: &Lines<'_>) -> TextError {
    let rest = bytes.get(at + 1..).unwrap_or(&[]);
    let end = rest.iter().position(|byte| matches!(byte, b'\'' | b'\n')).unwrap_or(rest.len());
    let inner = String::from_utf8_lossy(rest.get(..end).unwrap_or(&[]));
    let what = "text stands in double quotation marks, not in single ones";
    TextError::new(format!("{what}: \"{}\"", crate::words::short(inner.trim())), lines.place(at))
}

fn closes(opened: Option<(u8, usize)>, close: u8, at: usize, lines: &Lines<'_>) -> Result<(), TextError> {
    let closing = char::from(close);
    match opened {
        None => Err(TextError::new(format!("this `{closing}` closes nothing"), lines.place(at))),
        Some((bracket, _)) if partner(bracket) == close => Ok(()),
        Some((bracket, opened)) => {
            let opened = lines.place(opened);
            let (bracket, wanted) = (char::from(bracket), char::from(partner(bracket)));
            let what = format!("a `{wanted}` belongs before this `{closing}`, for the `{bracket}` of {opened}");
            Err(TextError::new(what, lines.place(at)))
        }
    }
}

const fn partner(bracket: u8) -> u8 {
    if bracket == b'{' { b'}' } else { b']' }
}
