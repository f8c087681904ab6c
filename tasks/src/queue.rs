//! What a source gave and the outputs have not been set to yet: the values of a line together, in order.
//!
//! Bounded: a line that finds no room is refused whole, so that those before it still go out in turn.

use crate::source::SourceItem;
use std::collections::VecDeque;

/// Lines that may wait.
pub(crate) const ROOM: usize = 4096;

/// A step of a source.
#[derive(Debug)]
pub(crate) enum Step {
    /// Values of one line, or generated ones of one moment.
    Values(Vec<SourceItem>),
    /// The source has ended.
    Ended,
}

/// Steps in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Queue(VecDeque<Step>);

impl Queue {
    /// Adds values. Whether there was room for them.
    pub(crate) fn push(&mut self, values: Vec<SourceItem>) -> bool {
        if values.is_empty() {
            return true;
        }
        let room = self.0.len() < ROOM;
        if room {
            self.0.push_back(Step::Values(values));
        }
        room
    }

    /// Adds the end, for which there is always room.
    pub(crate) fn end(&mut self) {
        self.0.push_back(Step::Ended);
    }

    pub(crate) fn pop(&mut self) -> Option<Step> {
        self.0.pop_front()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Drops the values of some channels, and keeps the others of their lines. Gives the number of those that it dropped.
    pub(crate) fn drop_values_of(&mut self, channels: impl Fn(u32) -> bool) -> u64 {
        let mut dropped = 0;
        for step in &mut self.0 {
            let Step::Values(values) = step else { continue };
            let before = values.len();
            values.retain(|value| !value.channel().is_some_and(&channels));
            dropped += before - values.len();
        }
        self.0.retain(|step| !matches!(step, Step::Values(values) if values.is_empty()));
        u64::try_from(dropped).unwrap_or(u64::MAX)
    }

    /// Drops all values and keeps an end. Gives the number of values.
    pub(crate) fn drop_values(&mut self) -> u64 {
        let values: usize =
            self.0.iter().map(|step| if let Step::Values(values) = step { values.len() } else { 0 }).sum();
        self.0.retain(|step| matches!(step, Step::Ended));
        u64::try_from(values).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Command;
    use zerocat_pdi::Value;

    fn value(n: u64) -> SourceItem {
        SourceItem::Command(Command::new(1, Value::Uint(n)))
    }

    #[test]
    fn a_line_that_finds_no_room_is_refused_whole_and_the_end_is_not() {
        let mut queue = Queue::default();
        assert!((0..4096).all(|n| queue.push(vec![value(n), value(n)])));
        assert!(!queue.push(vec![value(9), value(9), value(9)]));
        queue.end();
        assert!(matches!(queue.pop(), Some(Step::Values(values)) if values == [value(0), value(0)]));
        assert_eq!(queue.drop_values(), 2 * 4095);
        assert!(matches!((queue.pop(), queue.pop()), (Some(Step::Ended), None)));
    }
}
