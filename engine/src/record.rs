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
    /// Pushes a record that `write` writes into the ring, or nothing where there is no room: `false`, and `write` isn't
    /// called. What it leaves as it was is an earlier record.
    #[inline]
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut [u8])) -> bool {
        let Ok(mut chunk) = self.ring.write_chunk(self.len) else { return false };
        // The ring holds whole records, so none is in two pieces.
        write(chunk.as_mut_slices().0);
        chunk.commit_all();
        true
    }

    /// Whether the popping end is gone.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// Pushes a record whole, or nothing of it. `false` when there is no room, or the length isn't the ring's.
    #[cfg(test)]
    fn push(&mut self, record: &[u8]) -> bool {
        record.len() == self.len && self.push_with(|bytes| bytes.copy_from_slice(record))
    }
}

impl RecordConsumer {
    /// Pops the oldest record. `false` when there is none, or the length isn't the ring's.
    pub(crate) fn pop(&mut self, record: &mut [u8]) -> bool {
        record.len() == self.len && self.ring.pop_entire_slice(record).is_ok()
    }

    /// Pops the oldest record and shows it to `read`. `false` when there is none.
    pub(crate) fn pop_with(&mut self, read: impl FnOnce(&[u8])) -> bool {
        let Ok(chunk) = self.ring.read_chunk(self.len) else { return false };
        // The ring holds whole records, so none is in two pieces.
        read(chunk.as_slices().0);
        chunk.commit_all();
        true
    }

    /// Empties the ring. `read` is called with the newest record where there is one. Returns how many there were.
    #[inline]
    pub(crate) fn pop_newest_with(&mut self, read: impl FnOnce(&[u8])) -> u64 {
        let waiting = self.ring.slots();
        if waiting < self.len || self.len == 0 {
            return 0;
        }
        let Ok(chunk) = self.ring.read_chunk(waiting) else { return 0 };
        let (first, second) = chunk.as_slices();
        // The ring holds whole records, so none is in two pieces.
        let newest = if second.is_empty() { first } else { second };
        read(newest.get(newest.len().saturating_sub(self.len)..).unwrap_or_default());
        chunk.commit_all();
        u64::try_from(waiting / self.len).unwrap_or(u64::MAX)
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
    }

    #[test]
    fn the_newest_record_wins_and_the_older_ones_are_counted() {
        let (mut producer, mut consumer) = record_ring(1, 4);
        for byte in [1, 2, 3] {
            assert!(producer.push(&[byte]));
        }
        let mut newest = Vec::new();
        assert_eq!(consumer.pop_newest_with(|record| newest.extend_from_slice(record)), 3);
        assert_eq!(newest, [3]);
        assert_eq!(consumer.pop_newest_with(|_| panic!("nothing waits")), 0);
    }

    #[test]
    fn the_newest_record_is_found_behind_the_wrap_too() {
        let (mut producer, mut consumer) = record_ring(3, 4);
        for first in 0..20u8 {
            for n in 0..=first % 4 {
                assert!(producer.push_with(|bytes| bytes.fill(first + n)));
            }
            let mut newest = Vec::new();
            let count = consumer.pop_newest_with(|record| newest.extend_from_slice(record));
            assert_eq!((count, newest.as_slice()), (u64::from(first % 4) + 1, [first + first % 4; 3].as_slice()));
        }
    }

    #[test]
    fn the_oldest_record_is_shown_whole_wherever_it_lies() {
        let (mut producer, mut consumer) = record_ring(3, 4);
        for n in 0..20u8 {
            assert!(producer.push(&[n; 3]) && producer.push(&[n + 100; 3]));
            let mut shown = Vec::new();
            while consumer.pop_with(|record| shown.extend_from_slice(record)) {}
            assert_eq!(shown, [[n; 3], [n + 100; 3]].concat());
        }
    }

    #[test]
    fn a_full_ring_does_not_call_the_writer() {
        let (mut producer, _consumer) = record_ring(2, 1);
        assert!(producer.push(b"ab"));
        assert!(!producer.push_with(|_| panic!("no room")));
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
