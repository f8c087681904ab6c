//! Lines of bounded length from a stream.

use crate::commands::LineError;
use std::io::{self, BufRead, Read};

/// Most bytes of a line.
const MOST: usize = 1 << 20;

/// Reads lines; one that is too long is reported and skipped, and never held in memory.
#[derive(Debug)]
pub struct LineReader<R> {
    reader: R,
    most: usize,
}

impl<R: BufRead> LineReader<R> {
    /// Lines of `reader`.
    pub const fn new(reader: R) -> Self {
        Self { reader, most: MOST }
    }

    /// The next line without its end; none at the end of the stream.
    ///
    /// # Errors
    /// The stream can't be read.
    pub fn next_line(&mut self) -> io::Result<Option<Result<Vec<u8>, LineError>>> {
        let mut line = Vec::new();
        let limit = u64::try_from(self.most).unwrap_or(u64::MAX).saturating_add(1);
        self.reader.by_ref().take(limit).read_until(b'\n', &mut line)?;
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > self.most {
            self.reader.skip_until(b'\n')?;
            return Ok(Some(Err(LineError::TooLong { most: self.most })));
        } else if line.is_empty() {
            return Ok(None);
        }
        Ok(Some(Ok(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_with_and_without_a_last_end() {
        let mut lines = LineReader::new(&b"a\n\nbc"[..]);
        let all: Vec<_> = std::iter::from_fn(|| lines.next_line().unwrap()).collect();
        assert_eq!(all, [Ok(b"a".to_vec()), Ok(Vec::new()), Ok(b"bc".to_vec())]);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_is_read() {
        let mut lines = LineReader { reader: &b"1234\n12345\n1\n123456"[..], most: 4 };
        let all: Vec<_> = std::iter::from_fn(|| lines.next_line().unwrap()).collect();
        let long = Err(LineError::TooLong { most: 4 });
        assert_eq!(all, [Ok(b"1234".to_vec()), long.clone(), Ok(b"1".to_vec()), long]);
    }
    proptest::proptest! {
        #[test]
        fn no_line_is_longer_than_allowed_and_short_ones_come_whole(stream: Vec<u8>) {
            let mut lines = LineReader { reader: &*stream, most: 8 };
            let got: Vec<_> = std::iter::from_fn(|| lines.next_line().unwrap()).collect();
            let mut expected: Vec<_> = stream.split(|byte| *byte == b'\n').collect();
            expected.pop_if(|last| last.is_empty());
            proptest::prop_assert_eq!(got.len(), expected.len());
            for (got, expected) in got.iter().zip(expected) {
                proptest::prop_assert_eq!(got.as_deref().ok(), Some(expected).filter(|line| line.len() <= 8));
            }
        }
    }
}
