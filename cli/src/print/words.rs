//! What is said on standard error. A thread of its own writes it, so that nobody waits for a reader.
//!
//! Guarantees: [`say`] never blocks, never fails and never panics, whatever standard error is: a closed pipe, a full disk, a
//! pipe that nobody reads, a terminal that is stopped. Lines that could not be written, or that found the queue full, are
//! counted. Not guaranteed: that all of it is written when the process ends; [`drain`] waits for so long and no longer.
//!
//! Lines that are [pinned](pin) stay below all that is said. Of those that a slow terminal hasn't drawn, the newest count.

use super::panel::{Panel, Size};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};
use zerocat::Job;
use zerocat::outfile::write_all;
use zerocat_sched::capabilities::{for_locked_memory, keep_only};

/// Bytes that may wait to be written.
const ROOM: usize = 256 << 10;
/// Stack of the thread: it only writes, and all memory of a run is locked.
const STACK: usize = 128 << 10;

static WORDS: Words = Words { queue: Mutex::new(Queue::new()), changed: Condvar::new() };

struct Words {
    queue: Mutex<Queue>,
    changed: Condvar,
}

struct Queue {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Lines that the thread is writing now, if it is.
    writing: Option<u64>,
    unsaid: u64,
    pinned: Vec<String>,
    /// Whether the pinned lines are other ones than those that were drawn.
    redraw: bool,
    writer: Writer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    NotStarted,
    Runs,
    /// It couldn't be started: whoever says something writes it, as far as that can be done without waiting.
    Missing,
}

impl Queue {
    const fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            writing: None,
            unsaid: 0,
            pinned: Vec::new(),
            redraw: false,
            writer: Writer::NotStarted,
        }
    }

    fn push(&mut self, text: Vec<u8>) {
        if self.bytes + text.len() > ROOM && !self.waiting.is_empty() {
            self.unsaid += lines(&text);
            return;
        }
        self.bytes += text.len();
        self.waiting.push_back(text);
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.writing.is_none() && !self.redraw
    }

    /// What is to be written next, if anything is: one text, or all that wait where each would have the panel drawn again.
    /// On a terminal that is somebody else's now (`background`) no panel is drawn, and what was drawn there is left.
    fn take(&mut self, panel: &mut Panel, background: bool) -> Option<Vec<u8>> {
        if background {
            panel.leave();
            self.redraw = false;
        }
        if self.waiting.is_empty() && !self.redraw {
            return None;
        }
        let pinned = if background { &[] } else { self.pinned.as_slice() };
        let texts = if pinned.is_empty() { 1.min(self.waiting.len()) } else { self.waiting.len() };
        self.writing = Some(self.waiting.iter().take(texts).map(|text| lines(text)).sum());
        let said: Vec<u8> = self.waiting.drain(..texts).flatten().collect();
        self.bytes -= said.len();
        self.redraw = false;
        // Without a panel before or after, the size doesn't matter.
        Some(panel.compose(&said, pinned, Size::of(std::io::stderr())))
    }
}

impl Words {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queue, and whether somebody writes what is put in there.
    fn started(&'static self) -> (MutexGuard<'static, Queue>, bool) {
        let mut queue = self.lock();
        if queue.writer == Writer::NotStarted {
            let started = Builder::new().name("zc-words".to_owned()).stack_size(STACK).spawn(|| self.write());
            queue.writer = if started.is_ok() { Writer::Runs } else { Writer::Missing };
        }
        let runs = queue.writer == Writer::Runs;
        (queue, runs)
    }

    fn say(&'static self, text: Vec<u8>) {
        let (mut queue, written) = self.started();
        if written {
            queue.push(text);
            self.changed.notify_all();
        } else if write_all(std::io::stderr(), &text, Duration::ZERO).is_err() {
            queue.unsaid += lines(&text);
        }
    }

    fn pin(&'static self, lines: Vec<String>) {
        let (mut queue, written) = self.started();
        if written && queue.pinned != lines {
            queue.pinned = lines;
            queue.redraw = true;
            self.changed.notify_all();
        }
    }

    fn write(&self) -> ! {
        // Standard error is open: nothing else is needed. A thread that keeps more can do no harm with it.
        let _ = keep_only(for_locked_memory());
        let mut panel = Panel::default();
        let mut queue = self.lock();
        loop {
            let Some(text) = queue.take(&mut panel, in_background()) else {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(queue);
            let written = write_all(std::io::stderr(), &text, Duration::MAX);
            queue = self.lock();
            let said = queue.writing.take().unwrap_or(0);
            queue.unsaid += if written.is_err() { said } else { 0 };
            self.changed.notify_all();
        }
    }

    fn drain(&self, at_most: Duration) {
        let end = Instant::now() + at_most;
        let mut queue = self.lock();
        while !queue.is_idle() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            queue = self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Says a text, which ends with a newline, or a control sequence for a terminal.
pub(crate) fn say(text: Vec<u8>) {
    WORDS.say(text);
}

/// Keeps lines below all that is said, on a terminal, until others or none are pinned.
pub(crate) fn pin(lines: Vec<String>) {
    WORDS.pin(lines);
}

/// Whether this process is in the background of the terminal that standard error is.
pub(crate) fn in_background() -> bool {
    Job::on(std::io::stderr()) == Job::Background
}

/// Waits until all is written, at most so long.
pub(crate) fn drain(at_most: Duration) {
    WORDS.drain(at_most);
}

/// Lines that were not written: refused, or still waiting.
pub(crate) fn unsaid() -> u64 {
    let queue = WORDS.lock();
    queue.unsaid + queue.writing.unwrap_or(0) + queue.waiting.iter().map(|text| lines(text)).sum::<u64>()
}

fn lines(text: &[u8]) -> u64 {
    text.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_counts_lines_and_keeps_what_it_has() {
        let mut queue = Queue::new();
        queue.push(b"first\n".to_vec());
        queue.push(vec![b'x'; ROOM]);
        queue.push(b"three\nmore\nlines\n".repeat(ROOM / 16));
        queue.push(b"short\n".to_vec());
        assert_eq!((queue.waiting.len(), queue.unsaid), (2, 1 + 3 * (ROOM as u64 / 16)));
    }

    #[test]
    fn pinned_lines_are_written_with_all_that_waits_and_only_when_they_changed() {
        let (mut queue, mut panel) = (Queue::new(), Panel::default());
        assert_eq!(queue.take(&mut panel, false), None);
        queue.push(b"first\n".to_vec());
        queue.push(b"second\n".to_vec());
        assert_eq!(queue.take(&mut panel, false).unwrap(), b"first\n");
        queue.push(b"third\n".to_vec());
        (queue.pinned, queue.redraw) = (vec!["figures".to_owned()], true);
        let written = String::from_utf8(queue.take(&mut panel, false).unwrap()).unwrap();
        assert!(written.starts_with("second\nthird\n") && written.contains("figures"), "{written:?}");
        assert_eq!((queue.writing, queue.bytes, queue.take(&mut panel, false)), (Some(2), 0, None));
    }

    #[test]
    fn a_text_without_a_newline_counts_as_one_line() {
        assert_eq!([&b""[..], b"a", b"a\n", b"a\nb\n"].map(lines), [1, 1, 1, 2]);
    }
}
