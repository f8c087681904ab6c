//! Text in lines that fit a terminal.
//!
//! Guarantees: a [`hanging`] text is the same text but for line breaks in place of blanks; a word is never cut, so that a
//! path or a command can be copied. Sequences that set colours take no room.

use super::panel::Size;
use std::io::IsTerminal;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns by which the rest of a long line is further to the right.
const HANGING: usize = 2;
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

/// A text whose lines are broken at blanks where they are longer than so many columns; what goes on stands a little to the
/// right of where its line begins.
pub(crate) fn hanging(text: &str, columns: usize) -> String {
    let mut fitted = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let start = line.chars().take_while(|character| *character == ' ').count();
        let indent = " ".repeat(start.saturating_add(HANGING).min(columns / 2));
        let (mut used, mut begun) = (0, false);
        // Each word with the blanks before it.
        for word in words(line) {
            let width = width_of(word.trim_end_matches('\n'));
            if begun && used + width > columns {
                let word = word.trim_start_matches(' ');
                fitted.push('\n');
                fitted.push_str(&indent);
                fitted.push_str(word);
                used = indent.len() + width_of(word);
            } else {
                fitted.push_str(word);
                used += width;
            }
            begun |= !word.trim().is_empty();
        }
    }
    fitted
}

/// The words of a line, each with the blanks before it.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        let end = rest.get(blanks..)?.find(' ').map_or(rest.len(), |at| at + blanks);
        let (word, left) = rest.split_at(end);
        rest = left;
        (!word.is_empty()).then_some(word)
    })
}

/// Columns of a text, without the sequences that set colours.
fn width_of(text: &str) -> usize {
    let mut parts = text.split("\x1b[");
    let first = parts.next().map_or(0, UnicodeWidthStr::width);
    let behind = |part: &str| part.split_once('m').map_or(0, |(_, text)| text.width());
    first + parts.map(behind).sum::<usize>()
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
    fn a_long_line_goes_on_further_to_the_right_and_no_word_is_cut() {
        assert_eq!(hanging("one two three\n", 9), "one two\n  three\n");
        assert_eq!(hanging("a\n  one two  three\nb", 9), "a\n  one two\n    three\nb");
        assert_eq!(hanging("see /sys/class/net/eth0 there\n", 10), "see\n  /sys/class/net/eth0\n  there\n");
        assert_eq!(hanging("name  vendor\n", 12), "name  vendor\n");
        assert_eq!(hanging("", 9), "");
    }

    #[test]
    fn colours_take_no_room() {
        assert_eq!(hanging("\x1b[33m WARN\x1b[0m one two", 13), "\x1b[33m WARN\x1b[0m one two");
        assert_eq!(hanging("\x1b[33m WARN\x1b[0m one two", 12), "\x1b[33m WARN\x1b[0m one\n  two");
    }

    #[test]
    fn a_word_that_is_longer_than_a_line_is_cut() {
        assert_eq!(wrapped("  ", "/sys/class/net a", 8), "  /sys/c\n  lass/n\n  et a");
    }
}
