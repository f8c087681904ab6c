//! What is wrong with a text that isn't YAML, in a user's words.

use crate::error::TextError;
use crate::node::Place;
use granit_parser::ErrorKind;

/// The error of the parser, at a place of a text.
pub(crate) fn syntax(kind: &ErrorKind, at: Place, text: &str) -> TextError {
    let before = || text.lines().take(at.line).enumerate();
    if let Some((index, line)) = before().find(|(_, line)| line.trim_start().starts_with("//")) {
        let column = line.chars().take_while(|c| c.is_whitespace()).count() + 1;
        return TextError::new("a comment begins with `#` in YAML", Place { line: index + 1, column });
    }
    let line: String = before().last().map_or("", |(_, line)| line).chars().take(at.column.saturating_sub(1)).collect();
    let colon = matches!(kind, ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement);
    if colon && line.contains(": ") {
        return TextError::new("this `:` is the second of its line; text with `: ` in it needs quotation marks", at);
    }
    TextError::new(what(kind), at)
}

fn what(kind: &ErrorKind) -> String {
    use ErrorKind as Kind;
    let words = match kind {
        Kind::TabNotAllowed
        | Kind::TabInBlockIndentation
        | Kind::TabInIndentation
        | Kind::TabAtBlockScalarStart
        | Kind::TabInPlainScalar => "a tab stands where YAML takes blanks only; replace tabs by blanks",
        Kind::UnclosedQuotedScalar | Kind::DocumentIndicatorInQuotedScalar => {
            "the quotation mark that opens here is not closed"
        }
        Kind::InvalidTrailingDoubleQuotedScalar | Kind::InvalidTrailingSingleQuotedScalar => {
            "something stands behind the closing quotation mark; a quotation mark too many, or one that is missing?"
        }
        Kind::UnclosedFlowCollection { open: '{' } | Kind::UnexpectedEofFlowMapping => "a `{` has no `}`",
        Kind::UnclosedFlowCollection { .. } | Kind::UnexpectedEofFlowSequence => "a `[` has no `]`",
        Kind::MismatchedFlowCollectionEnd { open, close } => return format!("a `{open}` can't be closed by `{close}`"),
        Kind::MisplacedFlowCollectionEnd => "this bracket closes nothing",
        Kind::ExpectedFlowMappingSeparator => "a `,` or `}` is missing here",
        Kind::ExpectedFlowSequenceSeparator => "a `,` or `]` is missing here",
        Kind::UnknownAnchor => "no anchor (`&name`) of this alias stands before it",
        Kind::UnknownQuotedScalarEscape | Kind::InvalidQuotedScalarHexEscape => {
            "this is no escape of YAML; a backslash in double quotation marks is written `\\\\`"
        }
        Kind::RecursionLimitExceeded => "values are nested too deep",
        Kind::ExpectedBlockMappingKey
        | Kind::ExpectedBlockSequenceEntry
        | Kind::InvalidIndentation
        | Kind::SimpleKeyExpected
        | Kind::InvalidSimpleKey
        | Kind::BlockSequenceEntryNotAllowed
        | Kind::MappingKeyNotAllowed
        | Kind::MappingValueNotAllowed
        | Kind::InvalidColonPlacement => {
            "this line does not fit the ones before it: is it indented as they are, is every bracket before it closed, and \
             does a key end in `: `?"
        }
        Kind::InvalidQuotedScalarIndent => "a quotation mark before this line is not closed",
        Kind::UnexpectedCharacter { character } => {
            return format!("text can't begin with `{}`; put it in quotation marks", character.escape_default());
        }
        other => return format!("this is no YAML: {other}"),
    };
    words.to_owned()
}
