//! A ring of byte records of one fixed length, each popped whole. One that is pushed in parts is there for the popping end when its
//! last part is.
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

    /// Pushes a record that the parts are, one behind the other, or nothing where there is no room: `false`. What they are longer than
    /// a record is left out, what they are shorter is 0. Unlike [`push_with`](Self::push_with) it writes each byte once.
    #[inline]
    pub(crate) fn push_parts<'p>(&mut self, parts: impl Iterator<Item = &'p [u8]>) -> bool {
        if self.ring.write_chunk_uninit(self.len).is_err() {
            return false;
        }
        let mut left = self.len;
        for part in parts {
            let part = part.get(..left).unwrap_or(part);
            // There is room for all of them.
            let _pushed = self.ring.push_entire_slice(part);
            left -= part.len();
        }
        if left > 0
            && let Ok(rest) = self.ring.write_chunk(left)
        {
            rest.commit_all();
        }
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
        let records = self.ring.slots().checked_div(self.len).unwrap_or(0);
        if records == 0 {
            return 0;
        }
        // A part of a record may be behind them.
        let Ok(chunk) = self.ring.read_chunk(records * self.len) else { return 0 };
        let (first, second) = chunk.as_slices();
        // The ring holds whole records, so none is in two pieces.
        let newest = if second.is_empty() { first } else { second };
        read(newest.get(newest.len().saturating_sub(self.len)..).unwrap_or_default());
        chunk.commit_all();
        u64::try_from(records).unwrap_or(u64::MAX)
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
    fn a_record_in_parts_is_the_parts_cut_or_filled_up_to_its_length() {
        let (mut producer, mut consumer) = record_ring(5, 2);
        let mut record = [0; 5];
        for (parts, whole) in [
            (vec![&b"ab"[..], b"", b"cde"], b"abcde"),
            (vec![&b"abcd"[..], b"efg", b"h"], b"abcde"),
            (vec![&b"ab"[..], b"c"], b"abc\0\0"),
            (vec![], b"\0\0\0\0\0"),
        ] {
            assert!(producer.push_parts(parts.into_iter()) && consumer.pop(&mut record));
            assert_eq!(&record, whole);
        }
        assert!([(); 2].iter().all(|()| producer.push_parts([&b"vwxyz"[..]].into_iter())));
        assert!(!producer.push_parts([&b"a"[..]].into_iter()), "no room");
        assert!(consumer.pop(&mut record) && consumer.pop(&mut record) && !consumer.pop(&mut record));
        assert_eq!(&record, b"vwxyz");
    }

    #[test]
    fn a_part_of_a_record_is_no_record() {
        let (mut producer, mut consumer) = record_ring(3, 4);
        let mut newest = Vec::new();
        assert!(producer.push(b"abc") && producer.push(b"def"));
        producer.ring.push_entire_slice(b"gh").unwrap();
        assert_eq!(consumer.pop_newest_with(|record| newest.extend_from_slice(record)), 2);
        assert_eq!((newest.as_slice(), consumer.pop_with(|_| panic!("half of one"))), (&b"def"[..], false));
        assert!(!consumer.pop(&mut [0; 3]));
        producer.ring.push_entire_slice(b"i").unwrap();
        let mut record = [0; 3];
        assert!(consumer.pop(&mut record));
        assert_eq!(&record, b"ghi");
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
