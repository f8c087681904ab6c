//! A terminal that a program's standard error is, and what a user sees on it.

use crate::program::{PATIENCE, Program};
use nix::pty::{Winsize, openpty};
use rustix::termios::tcsetwinsize;
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;
use vt100::Parser;

/// What `zerocat` ends a drawing of its figures with: lines are broken again.
const DRAWN: &[u8] = b"\x1b[?7h";
/// Lines that have left the top of the screen and are kept.
const KEPT: usize = 10_000;

/// A terminal, and all that was seen on it.
pub(crate) struct Terminal {
    seen: Arc<Mutex<Seen>>,
    end: File,
    reader: JoinHandle<()>,
}

struct Seen {
    screen: Parser,
    /// What the screen showed after each drawing.
    drawings: Vec<Vec<String>>,
}

impl Terminal {
    /// Starts `zerocat` with its standard error on a terminal of so many columns and 24 lines.
    pub(crate) fn start(columns: u16, arguments: &[&str]) -> (Self, Program) {
        let pty = openpty(Some(&Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }), None).unwrap();
        let end = File::from(pty.master);
        let seen = Seen { screen: Parser::new(large(24), large(columns), KEPT), drawings: Vec::new() };
        let seen = Arc::new(Mutex::new(seen));
        let (into, from) = (Arc::clone(&seen), end.try_clone().unwrap());
        let reader = std::thread::spawn(move || collect(from, &into));
        let mut command = Command::new(env!("CARGO_BIN_EXE_zerocat"));
        command.args(arguments).env("TERM", "xterm-256color");
        let said = format!("zerocat {}", arguments.join(" "));
        let program = Program::start_with_errors(command, Stdio::from(pty.slave), &said);
        (Self { seen, end, reader }, program)
    }

    /// Gives it another size, as a user does who drags its corner.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let mut seen = self.seen.lock().unwrap();
        let size = rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.end, size).unwrap();
        seen.screen.set_size(large(rows), large(columns));
        // What was drawn for the old size may still come.
        seen.drawings.clear();
    }

    /// Stops it, as Ctrl-S does: it takes no more of what is written than it has room for.
    pub(crate) fn stop(&self) {
        (&self.end).write_all(&[0x13]).unwrap();
    }

    /// Waits until a drawing is as wanted, and gives it.
    pub(crate) fn await_drawing(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut looked = 0;
        loop {
            let seen = self.seen.lock().unwrap();
            looked = looked.min(seen.drawings.len());
            if let Some(drawing) = seen.drawings[looked..].iter().find(|drawing| wanted(drawing)) {
                return drawing.clone();
            }
            looked = seen.drawings.len();
            let shown = seen.screen.screen().contents();
            drop(seen);
            assert!(Instant::now() < deadline, "no {what} on the terminal:\n{shown}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Waits for so many more drawings.
    pub(crate) fn await_drawings(&self, count: usize) {
        let so_far = self.seen.lock().unwrap().drawings.len();
        let deadline = Instant::now() + PATIENCE;
        while self.seen.lock().unwrap().drawings.len() < so_far + count {
            assert!(Instant::now() < deadline, "nothing is drawn");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// All drawings since the last change of its size, and all lines that are on it now, those included that have left its
    /// top. The program must have ended.
    pub(crate) fn end(self) -> (Vec<Vec<String>>, Vec<String>) {
        self.reader.join().unwrap();
        let mut seen = self.seen.lock().unwrap();
        let screen = seen.screen.screen_mut();
        let (mut lines, columns) = (Vec::new(), screen.size().1.get());
        for above in (1..=screen.scrollback_len()).rev() {
            screen.set_scrollback(above);
            lines.extend(screen.rows(0, columns).next());
        }
        screen.set_scrollback(0);
        lines.extend(screen.rows(0, columns));
        (std::mem::take(&mut seen.drawings), lines)
    }
}

fn large(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

/// Shows what comes, and notes the screen after each drawing. It ends with the program: then the terminal can't be read.
fn collect(mut from: File, into: &Mutex<Seen>) {
    let mut waiting = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        waiting.extend_from_slice(&piece[..count]);
        let mut seen = into.lock().unwrap();
        while let Some(end) = waiting.windows(DRAWN.len()).position(|bytes| bytes == DRAWN) {
            let drawn: Vec<u8> = waiting.drain(..end + DRAWN.len()).collect();
            seen.screen.process(&drawn);
            let columns = seen.screen.screen().size().1.get();
            let rows = seen.screen.screen().rows(0, columns).collect();
            seen.drawings.push(rows);
        }
    }
    into.lock().unwrap().screen.process(&waiting);
}
