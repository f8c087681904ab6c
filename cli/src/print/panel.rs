//! A few lines that stay in their place at the bottom of what a terminal shows, below all that is said meanwhile.
//!
//! The cursor rests on an empty line above them. When its window is resized, a terminal may break long lines anew or cut
//! them; whatever it does, all that was drawn is below the cursor, and is drawn over from there. So no row is counted.
//! What is typed meanwhile is shown on the empty line.
//!
//! Guarantees: a line is never longer than the terminal is wide, and there are never more of them than there is room for.

use std::os::fd::AsFd;
use unicode_width::UnicodeWidthChar;

/// Lines that are not cut for a terminal that doesn't say how large it is.
const UNKNOWN: Size = Size { columns: 80, rows: 24 };
/// Erases all from the beginning of the cursor's line.
const ERASE: &str = "\r\x1b[J";
/// Lines that are too long are not broken, where the terminal became narrower just now.
const NO_BREAKS: &str = "\x1b[?7l";
const BREAKS: &str = "\x1b[?7h";

/// How large a terminal is, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Size {
    /// The size of the terminal at this end now.
    pub(super) fn of(terminal: impl AsFd) -> Self {
        match rustix::termios::tcgetwinsize(terminal) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
                Self { columns: size.ws_col.into(), rows: size.ws_row.into() }
            }
            _ => UNKNOWN,
        }
    }
}

/// What is on the terminal now.
#[derive(Debug, Default)]
pub(super) struct Panel {
    drawn: bool,
}

impl Panel {
    /// Forgets that there is one on the terminal: somebody else writes there now.
    pub(super) const fn leave(&mut self) {
        self.drawn = false;
    }

    /// What to write so that `said`, which ends with a newline, stands above `lines`; without lines the panel goes.
    pub(super) fn compose(&mut self, said: &[u8], lines: &[String], size: Size) -> Vec<u8> {
        let mut text = Vec::new();
        if self.drawn && (!said.is_empty() || lines.is_empty()) {
            text.extend_from_slice(ERASE.as_bytes());
        }
        text.extend_from_slice(said);
        self.drawn = !lines.is_empty();
        if self.drawn {
            text.extend_from_slice(drawing(lines, size).as_bytes());
        }
        text
    }
}

/// An empty line, the lines below it, and the cursor back on the empty one.
fn drawing(lines: &[String], size: Size) -> String {
    let lines = fitting(lines, size);
    let drawn: String = lines.iter().map(|line| format!("\r\n\x1b[2K{line}")).collect();
    // A movement by 0 would be taken for one by 1.
    let back = if lines.is_empty() { String::new() } else { format!("\x1b[{}A", lines.len()) };
    format!("{NO_BREAKS}\r\x1b[2K{drawn}\x1b[J{back}\r{BREAKS}")
}

/// The lines that there is room for below an empty one, each cut. The last one says how many were left out.
fn fitting(lines: &[String], size: Size) -> Vec<String> {
    // A line that ends in the last column would leave the cursor where terminals differ.
    let columns = size.columns.saturating_sub(1);
    let room = size.rows.saturating_sub(1);
    if lines.len() <= room {
        return lines.iter().map(|line| cut(line, columns)).collect();
    }
    let shown = lines.iter().take(room.saturating_sub(1)).map(|line| cut(line, columns));
    let more = (room > 0).then(|| cut(&format!("and {} more lines", lines.len() - (room - 1)), columns));
    shown.chain(more).collect()
}

/// A text in so many columns. Characters that would move the cursor are replaced.
fn cut(text: &str, columns: usize) -> String {
    let printable = |character: char| if character.width().is_some() { character } else { '?' };
    let (mut all, mut begun, mut used) = (String::new(), String::new(), 0);
    for character in text.chars().map(printable) {
        used += character.width().unwrap_or(0);
        if used < columns {
            begun.push(character);
        }
        all.push(character);
        if used > columns {
            return if columns == 0 { String::new() } else { begun + "…" };
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_text_is_cut_by_the_columns_that_its_characters_take() {
        let cases = [
            ("figures", 7, "figures"),
            ("figures", 6, "figur…"),
            ("figures", 1, "…"),
            ("figures", 0, ""),
            ("Größe 12", 7, "Größe …"),
            ("電圧計 12", 6, "電圧…"),
            ("two\nlines\x1b[2J", 20, "two?lines?[2J"),
            ("", 3, ""),
        ];
        for (text, columns, cutted) in cases {
            assert_eq!(cut(text, columns), cutted, "{text:?} in {columns}");
        }
    }

    #[test]
    fn lines_without_room_are_counted() {
        let texts = lines(&["a", "b", "c", "d"]);
        let at = |rows| fitting(&texts, Size { columns: 80, rows });
        assert_eq!(at(5), texts);
        assert_eq!(at(4), ["a", "b", "and 2 more lines"]);
        assert_eq!(at(2), ["and 4 more lines"]);
        assert_eq!((at(1), at(0)), (vec![], vec![]));
    }

    #[test]
    fn what_is_said_without_a_panel_is_written_as_it_is() {
        let mut panel = Panel::default();
        assert_eq!(panel.compose(b"said\n", &[], UNKNOWN), b"said\n");
        panel.compose(b"", &lines(&["a"]), UNKNOWN);
        assert_eq!(panel.compose(b"", &[], UNKNOWN), ERASE.as_bytes());
        assert_eq!(panel.compose(b"said\n", &[], UNKNOWN), b"said\n");
    }
}
