//! Whether a source is still heard. Its end, and its silence where that is limited, make the outputs safe.
//!
//! Silence counts while outputs are commanded and live, from the last line on, or from when the last one that waited for its
//! turn was handed over: a source that has commanded nothing yet can't fall silent. Each change is told once.

use std::fmt;
use std::time::Duration;

/// What became of the source of a write task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceEvent {
    /// Its commands are obeyed from now on: at the start, and after an outage.
    Live,
    /// No line came for so long, which is its limit: its outputs are safe until it commands again.
    Silent {
        /// The time without a line.
        after: Duration,
    },
    /// It is heard again; the outputs that it doesn't command are safe.
    HeardAgain {
        /// The time without a line.
        after: Duration,
    },
    /// It has ended: its outputs are safe.
    Ended,
}

impl SourceEvent {
    /// Its name in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Silent { .. } => "silent",
            Self::HeardAgain { .. } => "heard_again",
            Self::Ended => "ended",
        }
    }
}

impl fmt::Display for SourceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("commands are obeyed from now on"),
            Self::Silent { after } => {
                write!(
                    f,
                    "the source has said nothing for {}: its outputs are safe until it commands again",
                    short_time(*after)
                )
            }
            Self::HeardAgain { after } => {
                write!(
                    f,
                    "the source is heard again after {}; outputs that it doesn't command are safe",
                    short_time(*after)
                )
            }
            Self::Ended => f.write_str("the source has ended: its outputs are safe"),
        }
    }
}

/// A time with as many digits as matter: `350 us`, `500.5 ms`, `2.0 s`.
#[must_use]
pub fn short_time(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1_000 => format!("{micros} us"),
        1_000..1_000_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// Is told of each event, on the task's thread; it must not wait.
pub struct Listener(Box<dyn FnMut(SourceEvent) + Send>);

impl Listener {
    /// Tells a function.
    pub fn new(listener: impl FnMut(SourceEvent) + Send + 'static) -> Self {
        Self(Box::new(listener))
    }

    pub(crate) fn tell(&mut self, event: SourceEvent) {
        (self.0)(event);
    }
}

impl Default for Listener {
    /// Tells nobody.
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// Listens to a source.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    limit: Option<Duration>,
    /// When the last line came.
    last: Duration,
    silent: bool,
    ended: bool,
}

impl Hearing {
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self { limit, ..Self::default() }
    }

    /// A line came.
    pub(crate) fn line(&mut self, now: Duration) -> Option<SourceEvent> {
        let after = now.saturating_sub(std::mem::replace(&mut self.last, now));
        std::mem::take(&mut self.silent).then_some(SourceEvent::HeardAgain { after })
    }

    /// Lines of it still wait for their turn, so it isn't silent: silence counts from the last of them.
    pub(crate) fn waits(&mut self, now: Duration) {
        if !self.silent {
            self.last = self.last.max(now);
        }
    }

    /// The source has ended.
    pub(crate) fn end(&mut self) -> Option<SourceEvent> {
        self.silent = false;
        (!std::mem::replace(&mut self.ended, true)).then_some(SourceEvent::Ended)
    }

    /// Looks whether the source has fallen silent. `since` is when its commands went live.
    pub(crate) fn look(&mut self, now: Duration, since: Duration) -> Option<SourceEvent> {
        let after = now.saturating_sub(self.last.max(since));
        let falls_silent = !self.silent && !self.ended && self.limit.is_some_and(|limit| after > limit);
        self.silent |= falls_silent;
        falls_silent.then_some(SourceEvent::Silent { after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn silence_counts_from_the_last_line_or_from_when_commands_went_live_and_is_told_once() {
        let mut hearing = Hearing::new(Some(MS * 10));
        assert_eq!(hearing.line(MS), None);
        assert_eq!([hearing.look(MS * 40, MS * 30), hearing.look(MS * 41, MS * 35)], [None, None]);
        assert_eq!(hearing.look(MS * 46, MS * 35), Some(SourceEvent::Silent { after: MS * 11 }));
        assert_eq!(hearing.look(MS * 99, MS * 35), None);
        assert_eq!(hearing.line(MS * 101), Some(SourceEvent::HeardAgain { after: MS * 100 }));
        assert_eq!(hearing.line(MS * 102), None);
        assert_eq!(hearing.look(MS * 112, MS * 35), None);
        assert!(hearing.look(MS * 113, MS * 35).is_some());
    }

    #[test]
    fn times_are_told_with_as_many_digits_as_matter() {
        let told = |nanos| SourceEvent::Silent { after: Duration::from_nanos(nanos) }.to_string();
        let times = [350_000, 500_548_851, 1_504_187_841].map(told);
        for (told, time) in times.iter().zip(["350 us", "500.5 ms", "1.5 s"]) {
            assert!(told.starts_with(&format!("the source has said nothing for {time}: ")), "{told}");
        }
    }

    #[test]
    fn a_source_without_a_limit_is_never_silent_and_ends_once() {
        let mut hearing = Hearing::new(None);
        assert_eq!(hearing.look(MS * 1_000_000, MS), None);
        assert_eq!([hearing.end(), hearing.end()], [Some(SourceEvent::Ended), None]);
        let mut hearing = Hearing::new(Some(MS));
        hearing.end();
        assert_eq!(hearing.look(MS * 1_000_000, MS), None, "an end is no silence");
    }
}
