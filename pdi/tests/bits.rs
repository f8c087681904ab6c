//! Bit fields compared with a slow oracle that handles one bit at a time.
#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use zerocat_pdi::{BitSpan, Windows, gather, scatter};

fn bit(image: &[u8], at: usize) -> bool {
    image[at / 8] >> (at % 8) & 1 == 1
}

fn slow_extract(image: &[u8], span: BitSpan) -> u64 {
    (0..usize::from(span.len)).map(|n| u64::from(bit(image, span.offset + n)) << n).sum()
}

fn slow_insert(image: &mut [u8], span: BitSpan, raw: u64) {
    for n in 0..usize::from(span.len) {
        let at = span.offset + n;
        image[at / 8] = image[at / 8] & !(1 << (at % 8)) | u8::from(raw >> n & 1 == 1) << (at % 8);
    }
}

/// An image and a field of 1 to 64 bits that lies in it.
fn image_and_span() -> impl Strategy<Value = (Vec<u8>, BitSpan)> {
    (prop::collection::vec(any::<u8>(), 1..40), 1u8..=64).prop_flat_map(|(image, len)| {
        let bits = image.len() * 8;
        let len = len.min(u8::try_from(bits.min(64)).unwrap());
        let offset = 0..=bits - usize::from(len);
        (Just(image), offset.prop_map(move |offset| BitSpan::new(offset, len)))
    })
}

proptest! {
    #[test]
    fn extracts_what_the_oracle_extracts((image, span) in image_and_span()) {
        prop_assert_eq!(span.extract(&image), Some(slow_extract(&image, span)));
    }

    #[test]
    fn inserts_what_the_oracle_inserts_and_nothing_beside_it((image, span) in image_and_span(), raw: u64) {
        let mut fast = image.clone();
        let mut slow = image;
        prop_assert!(span.insert(&mut fast, raw));
        slow_insert(&mut slow, span, raw);
        prop_assert_eq!(&fast, &slow);
        prop_assert_eq!(span.extract(&fast), Some(raw & (u64::MAX >> (64 - span.len))));
    }

    #[test]
    fn any_span_is_wholly_inside_or_refused(
        mut image in prop::collection::vec(any::<u8>(), 0..20),
        offset in prop_oneof![0usize..200, any::<usize>()],
        len: u8,
    ) {
        let span = BitSpan::new(offset, len);
        let inside = (1..=64).contains(&len) && offset.checked_add(usize::from(len)).is_some_and(|end| end <= image.len() * 8);
        prop_assert_eq!(span.extract(&image).is_some(), inside);
        let before = image.clone();
        prop_assert_eq!(span.insert(&mut image, u64::MAX), inside);
        prop_assert!(inside || image == before);
    }
}

fn points() -> impl Strategy<Value = Vec<BitSpan>> {
    prop::collection::vec((0usize..3000, 1u8..=64).prop_map(|(offset, len)| BitSpan::new(offset, len)), 0..60)
}

proptest! {
    #[test]
    fn a_record_holds_every_point_as_the_image_does(points in points(), seed: u8) {
        let image: Vec<u8> = (0..400u32).map(|n| n.wrapping_mul(167).to_le_bytes()[0] ^ seed).collect();
        let windows = Windows::cover(&points);
        let mut record = vec![0; windows.record_len];
        gather(&windows.ranges, &image, &mut record);
        for (point, span) in points.iter().zip(&windows.spans) {
            prop_assert_eq!(span.extract(&record), point.extract(&image));
        }
    }

    #[test]
    fn ranges_are_ascending_with_gaps_and_hold_no_byte_too_many(points in points()) {
        let windows = Windows::cover(&points);
        prop_assert!(windows.ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        let covered: usize = windows.ranges.iter().map(ExactSizeIterator::len).sum();
        prop_assert_eq!(covered, windows.record_len);
        prop_assert_eq!(windows.mask.len(), windows.record_len);
        prop_assert!(windows.mask.iter().all(|mask| *mask != 0), "a byte without a point's bit in it");
        prop_assert_eq!(windows.spans.len(), points.len());
    }

    #[test]
    fn scattering_writes_the_points_and_no_other_bit(points in points(), fill: u8, value: u8) {
        let windows = Windows::cover(&points);
        let mut image = vec![fill; 400];
        scatter(&windows.ranges, &windows.mask, &vec![value; windows.record_len], &mut image);
        for at in 0..image.len() * 8 {
            let held = points.iter().any(|point| (point.offset..point.end()).contains(&at));
            let source = if held { value } else { fill };
            prop_assert_eq!(bit(&image, at), source >> (at % 8) & 1 == 1, "bit {}", at);
        }
    }
}
