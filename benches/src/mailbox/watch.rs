//! Whoever waits for a run: is told how far it is, and may end it at any time.

use super::MailboxBenchError;
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};
use zerocat::{Pending, RequestError};

/// Time between two lines about the same part.
const OFTEN: Duration = Duration::from_millis(200);
/// Pause between two looks whether an answer has come.
const LOOK: Duration = Duration::from_millis(1);

/// The one who waits.
pub(super) struct Watch<'a> {
    say: RefCell<&'a mut dyn FnMut(&str)>,
    stop: &'a dyn Fn() -> bool,
    said: Cell<Option<Instant>>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(say: &'a mut dyn FnMut(&str), stop: &'a dyn Fn() -> bool) -> Self {
        Self { say: RefCell::new(say), stop, said: Cell::new(None) }
    }

    /// Says what begins.
    pub(super) fn say(&self, line: &str) {
        self.said.set(Some(Instant::now()));
        (self.say.borrow_mut())(line);
    }

    /// Says how far it is, if nothing was said for a while.
    pub(super) fn now_and_then(&self, line: impl FnOnce() -> String) {
        if self.said.get().is_none_or(|said| said.elapsed() >= OFTEN) {
            self.say(&line());
        }
    }

    /// Whether the end was asked for.
    pub(super) fn wants_end(&self) -> bool {
        (self.stop)()
    }

    /// Goes on, unless the end was asked for.
    ///
    /// # Errors
    /// `Stopped`.
    pub(super) fn goes_on(&self) -> Result<(), MailboxBenchError> {
        if self.wants_end() { Err(MailboxBenchError::Stopped) } else { Ok(()) }
    }

    /// Looks again after a pause.
    ///
    /// # Errors
    /// `Stopped`.
    pub(super) fn pause(&self) -> Result<(), MailboxBenchError> {
        std::thread::sleep(LOOK);
        self.goes_on()
    }

    /// Waits for an answer; every request has one by its deadline.
    ///
    /// # Errors
    /// `Stopped`.
    pub(super) fn answer<T>(&self, pending: &Pending<T>) -> Result<Result<T, RequestError>, MailboxBenchError> {
        loop {
            match pending.try_take() {
                Some(answer) => return Ok(answer),
                None => self.pause()?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_waited_for_until_the_end_is_asked_for() {
        let (requests, _inbox) = zerocat_bus::requests();
        let pending = requests.states(Duration::from_secs(3600));
        let looks = Cell::new(0);
        let stop = || {
            looks.set(looks.get() + 1);
            looks.get() > 3
        };
        let mut say = |_: &str| {};
        let answer = Watch::new(&mut say, &stop).answer(&pending);
        assert!(matches!(answer, Err(MailboxBenchError::Stopped)));
    }

    #[test]
    fn what_is_said_at_every_look_is_told_now_and_then() {
        let mut told = Vec::new();
        let mut say = |line: &str| told.push(line.to_owned());
        let watch = Watch::new(&mut say, &|| false);
        watch.say("begins");
        for n in 0..1_000 {
            watch.now_and_then(|| n.to_string());
        }
        assert!(told.len() < 1_000 && told[0] == "begins", "{told:?}");
    }
}
