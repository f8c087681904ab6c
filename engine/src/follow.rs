//! Outputs that follow inputs: before every send the bits of an input are copied into an output that nobody commands, so
//! that an axis which is moved by hand finds its target where it stands.
//!
//! What is copied is what the image holds: an input whose working counter was wrong keeps its last value there, and so
//! does the output. Guarantees: an output that is commanded follows nothing; nothing here allocates. Not guaranteed: a
//! value before the input has come for the first time; until then it is 0, which no SubDevice acts upon before OP.

use std::ops::Range;
use zerocat_pdi::BitSpan;

/// An output of a writer that follows an input while nobody commands it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follow {
    /// The output's bits in the writer's record.
    pub record: BitSpan,
    /// The same in the image.
    pub output: BitSpan,
    /// Bits in the image of the input that it follows until it is commanded for the first time, of the same length.
    pub initial: Option<BitSpan>,
    /// Bits in the image of the input that it follows while it is safe, of the same length.
    pub safe: Option<BitSpan>,
}

/// What the outputs are that a set doesn't command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Others {
    /// They stay as they are: as the epoch began, or as they were commanded before.
    #[default]
    Stay,
    /// They are safe.
    Safe,
}

/// The outputs of a writer that may follow, each with the input that it follows now.
#[derive(Debug)]
pub(crate) struct Following(Box<[(Follow, Option<BitSpan>)]>);

impl Following {
    pub(crate) fn new(follows: Vec<Follow>) -> Self {
        Self(follows.into_iter().map(|follow| (follow, None)).collect())
    }

    /// Outputs become safe, or are the initial ones.
    pub(crate) fn begin(&mut self, initial: bool) {
        self.0.iter_mut().for_each(|(follow, now)| *now = if initial { follow.initial } else { follow.safe });
    }

    /// Outputs in some bytes of the record become safe.
    #[cold]
    pub(crate) fn make_safe(&mut self, bytes: &Range<usize>) {
        let its = self.0.iter_mut().filter(|(follow, _)| bytes.contains(&(follow.record.offset / 8)));
        its.for_each(|(follow, now)| *now = follow.safe);
    }

    /// A set was taken that commands some bits of the record.
    #[inline]
    pub(crate) fn command(&mut self, commanded: &[u8], others: Others) {
        for (follow, now) in &mut self.0 {
            let bit = follow.record.offset;
            if commanded.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 != 0) {
                *now = None;
            } else if others == Others::Safe {
                *now = follow.safe;
            }
        }
    }

    /// Copies the inputs that are followed now.
    #[inline]
    pub(crate) fn copy(&self, image: &mut [u8]) {
        for (follow, now) in &self.0 {
            if let Some(input) = *now {
                copy(input, follow.output, image);
            }
        }
    }
}

fn copy(from: BitSpan, to: BitSpan, image: &mut [u8]) {
    if let Some(raw) = from.extract(image) {
        let _ = to.insert(image, raw);
    } else if let Some(octets) = from.extract_octets(image) {
        let _ = to.insert_octets(image, octets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(record: usize, output: usize, len: u8, initial: Option<usize>, safe: Option<usize>) -> Follow {
        let span = |offset| BitSpan::new(offset, len);
        Follow { record: span(record), output: span(output), initial: initial.map(span), safe: safe.map(span) }
    }

    #[test]
    fn an_output_follows_until_it_is_commanded_and_again_when_it_is_safe() {
        let mut following = Following::new(vec![follow(0, 0, 16, Some(16), Some(32))]);
        let mut image = [0, 0, 1, 2, 3, 4];
        following.copy(&mut image);
        assert_eq!(image[..2], [0, 0], "not begun");
        following.begin(true);
        following.copy(&mut image);
        assert_eq!(image[..2], [1, 2]);
        following.command(&[0xff, 0xff], Others::Stay);
        image[..2].fill(9);
        following.copy(&mut image);
        assert_eq!(image[..2], [9, 9]);
        following.command(&[0, 0], Others::Stay);
        following.copy(&mut image);
        assert_eq!(image[..2], [9, 9], "what is commanded stays");
        following.command(&[0, 0], Others::Safe);
        following.copy(&mut image);
        assert_eq!(image[..2], [3, 4]);
    }

    #[test]
    fn one_that_follows_only_at_first_keeps_its_value_when_it_is_safe() {
        let mut following = Following::new(vec![follow(0, 0, 8, Some(8), None)]);
        let mut image = [7, 1];
        following.begin(true);
        following.begin(false);
        following.copy(&mut image);
        assert_eq!(image, [7, 1]);
    }

    #[test]
    fn bits_and_long_entries_follow_without_a_bit_beside_them() {
        let mut following = Following::new(vec![follow(0, 3, 1, Some(8), None), follow(8, 20, 80, Some(100), None)]);
        following.begin(true);
        let mut image = [0; 24];
        (image[1], image[12]) = (1, 0xf0);
        image[13..22].fill(0xff);
        image[22] = 0x0f;
        following.copy(&mut image);
        assert_eq!(image[..3], [0b1000, 1, 0xf0]);
        assert_eq!(image[3..13], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    }
}
