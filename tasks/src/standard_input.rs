//! Standard input, read by a job that may be in the background of its terminal.
//!
//! The kernel stops a whole process with SIGTTIN when a background job reads from its terminal. Guarantees: that never
//! happens here. While the job is in the background nothing is read, and reading goes on when it is in the foreground again
//! (`fg`); whoever reads is told of both. Not here: terminals that aren't this process's own, as after `setsid`. They know
//! no background, and are read as any other file.

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{getpgrp, tcgetpgrp};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::Duration;

/// Time between two looks whether the job is in the foreground again.
const LOOK: Duration = Duration::from_millis(100);

/// Where a job is on its terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// It may read from it.
    Foreground,
    /// The terminal belongs to somebody else, such as the shell.
    Background,
}

impl Job {
    /// Where this process is on a terminal; in the foreground of what is no terminal, or not this process's own.
    #[must_use]
    pub fn on(terminal: impl AsFd) -> Self {
        match tcgetpgrp(terminal) {
            Ok(group) if group != getpgrp() => Self::Background,
            _ => Self::Foreground,
        }
    }
}

/// Standard input, for the thread that opened it.
#[derive(Debug)]
pub struct StandardInput<T> {
    tell: T,
}

impl<T: FnMut(Job)> StandardInput<T> {
    /// For the calling thread, which alone reads. `tell` hears of each change: that the job went to the background, and that it
    /// is in the foreground again.
    #[must_use]
    pub fn open(tell: T) -> Self {
        // With SIGTTIN blocked a read in the background is an error (`EIO`) and stops nothing. Where it can't be blocked, the
        // process may be stopped, as any other one.
        let _ = SigSet::from(Signal::SIGTTIN).thread_block();
        Self { tell }
    }

    fn await_foreground(&mut self) {
        (self.tell)(Job::Background);
        while Job::on(io::stdin()) == Job::Background {
            sleep(LOOK);
        }
        (self.tell)(Job::Foreground);
    }
}

impl<T: FnMut(Job)> Read for StandardInput<T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match io::stdin().lock().read(into) {
                Err(error) if error.raw_os_error() == Some(Errno::EIO as i32) => {}
                done => return done,
            }
            if Job::on(io::stdin()) == Job::Foreground {
                // The terminal is gone.
                return Ok(0);
            }
            self.await_foreground();
        }
    }
}
