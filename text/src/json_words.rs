//! What is wrong with a text that isn't JSON, in a user's words.

use crate::error::TextError;
use crate::lines::Lines;
use crate::words::short;
use jsonc_parser::ParseStringErrorKind;
use jsonc_parser::errors::{ParseError, ParseErrorKind};

/// The error for a text that doesn't even begin as JSON.
pub(crate) fn not_json(text: &str, lines: &Lines<'_>) -> Option<TextError> {
    let at = text.find(|c: char| !c.is_whitespace())?;
    let first = text.get(at..)?.chars().next()?;
    if matches!(first, '{' | '[' | '/' | '}' | ']' | '"' | '\'') {
        return None;
    }
    let what = "it doesn't begin as JSON does, with `{`; a file in YAML must end in .yaml or .yml";
    Some(TextError::new(what, lines.place(at)))
}

/// The error of the parser.
pub(crate) fn syntax(error: &ParseError, text: &str, lines: &Lines<'_>) -> TextError {
    let range = error.range();
    let there = there(text, range.start);
    TextError::new(what(error.kind(), there), lines.place(range.start))
}

/// The word, number or character at a byte.
fn there(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or("");
    let end = rest.find(|c: char| c.is_whitespace() || ",:{}[]\"".contains(c)).unwrap_or(rest.len());
    let first = rest.chars().next().map_or(0, char::len_utf8);
    rest.get(..end.max(first)).unwrap_or("")
}

fn what(kind: &ParseErrorKind, there: &str) -> String {
    use ParseErrorKind as Kind;
    let here = short(there);
    match kind {
        Kind::ExpectedComma => "a comma is missing here".to_owned(),
        Kind::ExpectedColonAfterObjectKey => "a `:` belongs between a key and its value".to_owned(),
        Kind::ExpectedStringObjectProperty => format!("a key stands in quotation marks: \"{here}\""),
        Kind::HexadecimalNumbersNotAllowed => format!("a hexadecimal number stands in quotation marks: \"{here}\""),
        Kind::UnaryPlusNumbersNotAllowed => "a number has no `+` before it; leave it out".to_owned(),
        Kind::UnexpectedWord => word(there),
        Kind::UnexpectedComma => "this comma is one too many".to_owned(),
        Kind::ExpectedObjectValue | Kind::UnexpectedCloseBrace | Kind::UnexpectedCloseBracket => {
            format!("a value is missing before `{here}`")
        }
        Kind::MultipleRootJsonValues => {
            format!("`{here}` stands behind the end of the file's object; remove it, or a bracket closes too early")
        }
        Kind::UnterminatedCommentBlock => "the comment that opens here has no `*/`".to_owned(),
        Kind::String(ParseStringErrorKind::UnterminatedStringLiteral) => {
            "this text has no closing quotation mark".to_owned()
        }
        Kind::String(_) => "this is no escape of JSON; a backslash is written `\\\\`".to_owned(),
        Kind::ExpectedDigit
        | Kind::ExpectedDigitFollowingNegativeSign
        | Kind::ExpectedPlusMinusOrDigitInNumberLiteral
        | Kind::BareDecimalPointNumbersNotAllowed
        | Kind::NonFiniteNumbersNotAllowed => format!("`{here}` is no number; numbers are written as 10, 0.5 or 1e-3"),
        _ => format!("`{here}` does not belong here"),
    }
}

/// How a comment is written.
pub(crate) const COMMENT: &str = "a comment begins with `//`";

fn word(word: &str) -> String {
    let here = short(word);
    match word.to_lowercase().as_str() {
        lower @ ("true" | "false" | "null") => format!("write `{lower}` in place of `{here}`"),
        "yes" | "on" => format!("write `true` in place of `{here}`"),
        "no" => format!("write `false` in place of `{here}`"),
        "none" | "nil" | "undefined" => format!("write `null` in place of `{here}`"),
        "nan" | "infinity" => format!("`{here}` is no number that belongs into a file"),
        _ => format!("text stands in quotation marks: \"{here}\""),
    }
}
