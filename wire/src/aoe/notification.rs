//! Notifications: samples that a device sends unasked, once they were ordered.
//!
//! The body is a length, a number of stamps, and for each a time, a number of samples, and the samples: handle, length, bytes.

use crate::{WireError, field};

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample<'a> {
    /// When it was taken, in 100 ns since 1601 (a FILETIME).
    pub time: u64,
    /// The handle that its order was answered with.
    pub handle: u32,
    /// Its bytes.
    pub data: &'a [u8],
}

/// Bytes before the samples of a notification with one stamp: length, number of stamps, time, number of samples.
pub const STAMP_HEADER: usize = 20;
/// Bytes before those of a sample: handle and length.
pub const SAMPLE_HEADER: usize = 8;

/// Writes the body of a notification: samples of one time, each a handle and its bytes. Returns its length.
///
/// # Errors
/// `NoRoom`, `BadLength` where there is more than a length can say.
pub fn emit_samples(time: u64, samples: &[(u32, &[u8])], body: &mut [u8]) -> Result<usize, WireError> {
    let number = |number: usize| u32::try_from(number).map(u32::to_le_bytes).map_err(|_| WireError::BadLength);
    field::put(body, 4, &1u32.to_le_bytes())?;
    field::put(body, 8, &time.to_le_bytes())?;
    field::put(body, 16, &number(samples.len())?)?;
    let mut at = STAMP_HEADER;
    for (handle, data) in samples {
        field::put(body, at, &handle.to_le_bytes())?;
        field::put(body, at.saturating_add(4), &number(data.len())?)?;
        at = at.saturating_add(SAMPLE_HEADER);
        field::put(body, at, data)?;
        at = at.saturating_add(data.len());
    }
    field::put(body, 0, &number(at.saturating_sub(4))?)?;
    Ok(at)
}

/// The samples in the body of a notification, in their order; an error ends them.
pub fn samples(body: &[u8]) -> impl Iterator<Item = Result<Sample<'_>, WireError>> {
    let start = field::u32_at(body, 4).map(|stamps| Walk { body, at: 8, stamps, time: 0, left: 0 });
    let mut walk = Some(start);
    core::iter::from_fn(move || match walk.take()? {
        Err(error) => Some(Err(error)),
        Ok(mut at) => {
            let next = at.next().transpose()?;
            if next.is_ok() {
                walk = Some(Ok(at));
            }
            Some(next)
        }
    })
}

/// A walk over the samples.
struct Walk<'a> {
    body: &'a [u8],
    at: usize,
    /// Stamps behind the present one.
    stamps: u32,
    time: u64,
    /// Samples that the present stamp still has.
    left: u32,
}

impl<'a> Walk<'a> {
    fn next(&mut self) -> Result<Option<Sample<'a>>, WireError> {
        while self.left == 0 {
            let Some(stamps) = self.stamps.checked_sub(1) else { return Ok(None) };
            self.stamps = stamps;
            self.time = field::array(self.body, self.at).map(u64::from_le_bytes)?;
            self.left = self.number(8)?;
            self.at = self.at.saturating_add(12);
        }
        self.left = self.left.saturating_sub(1);
        let handle = self.number(0)?;
        let len = usize::try_from(self.number(4)?).unwrap_or(usize::MAX);
        let start = self.at.saturating_add(8);
        let end = start.saturating_add(len);
        let data = self.body.get(start..end);
        let data = data.ok_or(WireError::Truncated { needed: end, got: self.body.len() })?;
        self.at = end;
        Ok(Some(Sample { time: self.time, handle, data }))
    }

    fn number(&self, behind: usize) -> Result<u32, WireError> {
        field::u32_at(self.body, self.at.saturating_add(behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[rustfmt::skip]
    const TWO: [u8; 42] = [
        38, 0, 0, 0, 1, 0, 0, 0,
        1, 2, 3, 4, 5, 6, 7, 8, 2, 0, 0, 0,
        9, 0, 0, 0, 2, 0, 0, 0, 0xaa, 0xbb,
        10, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4,
    ];

    #[test]
    fn samples_are_read_one_after_the_other() {
        let read: Vec<_> = samples(&TWO).collect();
        let time = 0x0807_0605_0403_0201;
        let first = Sample { time, handle: 9, data: &[0xaa, 0xbb] };
        assert_eq!(read, [Ok(first), Ok(Sample { time, handle: 10, data: &[1, 2, 3, 4] })]);
    }

    #[test]
    fn samples_of_one_time_are_written_as_they_are_read() {
        let mut body = [0xee; 44];
        let written = emit_samples(0x0807_0605_0403_0201, &[(9, &[0xaa, 0xbb]), (10, &[1, 2, 3, 4])], &mut body);
        assert_eq!((written, &body[..42], body[42]), (Ok(42), &TWO[..], 0xee));
        assert_eq!(emit_samples(0, &[(9, &[0; 4])], &mut body[..31]), Err(WireError::NoRoom));
        assert_eq!(emit_samples(0, &[], &mut body), Ok(STAMP_HEADER));
    }

    #[test]
    fn what_is_cut_ends_in_an_error() {
        for len in 0..TWO.len() {
            let read: Vec<_> = samples(&TWO[..len]).collect();
            assert!(matches!(read.last(), Some(Err(WireError::Truncated { .. }))), "{len}");
        }
        let mut endless = TWO;
        endless[4..8].fill(0xff);
        assert_eq!(samples(&endless).filter(Result::is_err).count(), 1);
        assert_eq!(samples(&[0; 8]).count(), 0);
    }
}
