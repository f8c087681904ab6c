//! A terminal at standard error that the live lines are drawn on, through the queue of words: a terminal that is stopped
//! holds nobody up.

use super::words;
use crossterm::Command;
use crossterm::cursor::{MoveDown, MoveLeft, MoveRight, MoveToColumn, MoveUp};
use crossterm::terminal::{Clear, ClearType, size};
use indicatif::{ProgressDrawTarget, TermLike};
use std::io;
use std::sync::{Mutex, PoisonError};

/// Drawings a second.
const HZ: u8 = 10;

/// A target for live lines.
pub(crate) fn target() -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::new(Terminal::default()), HZ)
}

/// Collects a drawing, and says it as a whole.
#[derive(Debug, Default)]
struct Terminal(Mutex<String>);

impl Terminal {
    fn add(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }

    fn control(&self, command: impl Command) -> io::Result<()> {
        let mut text = String::new();
        // Writing into a string can't fail.
        let _ = command.write_ansi(&mut text);
        self.add(&text)
    }

    /// A movement by `n`; none where that is nothing: 0 would be taken for 1.
    fn moved<C: Command>(&self, n: usize, by: impl FnOnce(u16) -> C) -> io::Result<()> {
        match u16::try_from(n) {
            Ok(n @ 1..) => self.control(by(n)),
            _ => Ok(()),
        }
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        size().map_or(80, |(width, _)| width)
    }

    fn height(&self) -> u16 {
        size().map_or(24, |(_, height)| height)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.moved(n, MoveUp)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.moved(n, MoveDown)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.moved(n, MoveRight)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.moved(n, MoveLeft)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.add(text)?;
        self.add("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.add(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.control(MoveToColumn(0))?;
        self.control(Clear(ClearType::CurrentLine))
    }

    fn flush(&self) -> io::Result<()> {
        let text = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if !text.is_empty() {
            words::say(text.into_bytes());
        }
        Ok(())
    }
}
