//! Text in lines that fit a terminal.

use super::panel::Size;
use std::io::IsTerminal;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns where standard output is no terminal and COLUMNS isn't set.
const COLUMNS: usize = 80;

/// Columns of standard output.
pub(crate) fn columns() -> usize {
    let set = || std::env::var("COLUMNS").ok()?.parse().ok();
    let terminal = std::io::stdout().is_terminal().then(|| Size::of(std::io::stdout()).columns);
    terminal.or_else(set).filter(|columns| *columns > 0).unwrap_or(COLUMNS)
}

/// A text in lines of at most so many columns, broken at blanks where there are some. The first line begins with `head`, and
/// the others as far to the right.
pub(crate) fn wrapped(head: &str, text: &str, columns: usize) -> String {
    let indent = head.width().min(columns.saturating_sub(1));
    let room = columns.saturating_sub(indent).max(1);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace().flat_map(|word| pieces(word, room)) {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) if line.width() + 1 + word.width() <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    let pad = " ".repeat(indent);
    format!("{head}{}", lines.join(&format!("\n{pad}")))
}

/// A word, in pieces where it is too long for a line.
fn pieces(word: &str, room: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for character in word.chars() {
        let width = character.width().unwrap_or(0);
        if used + width > room && used > 0 {
            pieces.push(String::new());
            used = 0;
        }
        used += width;
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks_and_stand_below_each_other() {
        assert_eq!(wrapped("> ", "one two three", 9), "> one two\n  three");
        assert_eq!(wrapped("", "one", 80), "one");
        assert_eq!(wrapped("- ", "", 80), "- ");
    }

    #[test]
    fn a_word_that_is_longer_than_a_line_is_cut() {
        assert_eq!(wrapped("  ", "/sys/class/net a", 8), "  /sys/c\n  lass/n\n  et a");
    }
}
