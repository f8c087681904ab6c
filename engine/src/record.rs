//! A ring of byte records of one fixed length, each pushed and popped whole.
//!
//! Built on rtrb's byte ring. Construction touches every byte, so that no page of it faults later.

use rtrb::{Consumer, Producer, RingBuffer};

/// The pushing end.
#[derive(Debug)]
pub(crate) struct RecordProducer {
    ring: Producer<u8>,
    len: usize,
}

/// The popping end.
#[derive(Debug)]
pub(crate) struct RecordConsumer {
    ring: Consumer<u8>,
    len: usize,
}

/// A ring for `depth` records of `len` bytes.
pub(crate) fn record_ring(len: usize, depth: usize) -> (RecordProducer, RecordConsumer) {
    let capacity = len.saturating_mul(depth.max(1));
    let (mut producer, mut consumer) = RingBuffer::new(capacity);
    if let Ok(mut chunk) = producer.write_chunk(capacity) {
        let (first, second) = chunk.as_mut_slices();
        first.fill(1);
        second.fill(1);
        chunk.commit_all();
    }
    if let Ok(chunk) = consumer.read_chunk(capacity) {
        chunk.commit_all();
    }
    (RecordProducer { ring: producer, len }, RecordConsumer { ring: consumer, len })
}

impl RecordProducer {
    /// Pushes a record whole, or nothing of it. `false` when there is no room, or the length isn't the ring's.
    #[inline]
    pub(crate) fn push(&mut self, record: &[u8]) -> bool {
        record.len() == self.len && self.ring.push_entire_slice(record).is_ok()
    }
}

impl RecordConsumer {
    /// Pops the oldest record. `false` when there is none, or the length isn't the ring's.
    pub(crate) fn pop(&mut self, record: &mut [u8]) -> bool {
        record.len() == self.len && self.ring.pop_entire_slice(record).is_ok()
    }

    /// Pops the newest record and drops the older ones. Returns how many there were.
    pub(crate) fn pop_newest(&mut self, record: &mut [u8]) -> u64 {
        let waiting = self.waiting();
        if let Some(older) = waiting.checked_sub(1)
            && let Ok(chunk) = self.ring.read_chunk(older.saturating_mul(self.len))
        {
            chunk.commit_all();
        }
        if waiting > 0 && self.pop(record) { u64::try_from(waiting).unwrap_or(u64::MAX) } else { 0 }
    }

    /// Records waiting.
    pub(crate) fn waiting(&self) -> usize {
        self.ring.slots().checked_div(self.len).unwrap_or(0)
    }

    /// Whether the pushing end is gone.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_goes_in_whole_or_not_at_all() {
        let (mut producer, mut consumer) = record_ring(3, 2);
        assert!(producer.push(b"abc"));
        assert!(producer.push(b"def"));
        assert!(!producer.push(b"ghi"));
        assert!(!producer.push(b"xy"));
        let mut record = [0; 3];
        assert!(consumer.pop(&mut record));
        assert_eq!(&record, b"abc");
        assert_eq!(consumer.waiting(), 1);
    }

    #[test]
    fn the_newest_record_wins_and_the_older_ones_are_counted() {
        let (mut producer, mut consumer) = record_ring(1, 4);
        for byte in [1, 2, 3] {
            assert!(producer.push(&[byte]));
        }
        let mut record = [0];
        assert_eq!(consumer.pop_newest(&mut record), 3);
        assert_eq!(record, [3]);
        assert_eq!(consumer.pop_newest(&mut record), 0);
    }

    #[test]
    fn records_survive_the_wrap() {
        let (mut producer, mut consumer) = record_ring(5, 3);
        let mut record = [0; 5];
        for n in 0..100u8 {
            assert!(producer.push(&[n; 5]));
            assert!(consumer.pop(&mut record));
            assert_eq!(record, [n; 5]);
        }
    }
}
