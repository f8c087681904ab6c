//! Lines of JSON on standard output, from the thread that serves the segment: it never waits for their reader.
//!
//! What the reader doesn't take waits in memory, up to a bound; what comes then is lost, and that is said once. At the end
//! the reader has some seconds to take what waits. A pipe that is closed reads nothing; serving goes on.

use crate::print;
use serde::Serialize;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::time::Duration;
use zerocat::outfile::write_all;

/// Bytes that may wait for the reader.
const ROOM: usize = 4 << 20;
/// How long the reader has at the end.
const LAST: Duration = Duration::from_secs(5);

/// Lines that wait.
#[derive(Debug, Default)]
pub(super) struct Lines {
    waiting: VecDeque<String>,
    bytes: usize,
    lost: u64,
}

impl Lines {
    /// Writes a line as soon as the reader takes it.
    pub(super) fn tell(&mut self, event: &impl Serialize) {
        let Ok(mut line) = serde_json::to_string(event) else { return };
        line.push('\n');
        if self.bytes + line.len() > ROOM {
            if self.lost == 0 {
                print::say("nobody reads standard output: events are lost");
            }
            self.lost += 1;
            return;
        }
        self.bytes += line.len();
        self.waiting.push_back(line);
        self.flush(Duration::ZERO);
    }

    /// Writes what waits, for at most so long a line. A line is written at once where it fits into a page of a pipe, as all
    /// of ours do.
    pub(super) fn flush(&mut self, at_most: Duration) {
        while let Some(line) = self.waiting.pop_front() {
            match write_all(std::io::stdout(), line.as_bytes(), at_most) {
                Err(error) if error.kind() == ErrorKind::TimedOut => return self.waiting.push_front(line),
                Ok(()) | Err(_) => self.bytes -= line.len(),
            }
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.flush(LAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_bound_is_lost_and_nothing_waits() {
        let mut lines = Lines { waiting: VecDeque::new(), bytes: ROOM, lost: 0 };
        lines.tell(&"event");
        assert_eq!((lines.lost, lines.waiting.len()), (1, 0));
    }
}
