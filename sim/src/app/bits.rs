//! Bit fields of up to 64 bits at any bit offset, least significant bit first.
//!
//! Nearly all fields of process data lie within a byte or are whole 16-bit words; these go without a loop, as a frame
//! may move thousands of them.

/// Reads `bits` bits at bit offset `at`. Bits behind the end read as 0.
#[inline]
pub(crate) fn get(bytes: &[u8], at: usize, bits: usize) -> u64 {
    let (byte, shift) = (at / 8, at % 8);
    if shift + bits <= 8 {
        return u64::from(bytes.get(byte).copied().unwrap_or(0) >> shift) & mask(bits);
    }
    match bytes.get(byte..byte + 2) {
        Some(&[low, high]) if (shift, bits) == (0, 16) => u16::from_le_bytes([low, high]).into(),
        _ => gather(bytes, at, bits),
    }
}

#[inline(never)]
fn gather(bytes: &[u8], at: usize, bits: usize) -> u64 {
    let mut value = 0u64;
    let mut done = 0;
    while done < bits.min(64) {
        let (byte, shift) = ((at + done) / 8, (at + done) % 8);
        let take = (8 - shift).min(bits - done);
        let part = u64::from(bytes.get(byte).copied().unwrap_or(0) >> shift) & mask(take);
        value |= part << done;
        done += take;
    }
    value
}

/// Writes the low `bits` bits of `value` at bit offset `at`. Bits behind the end are left out.
#[inline]
pub(crate) fn put(bytes: &mut [u8], at: usize, bits: usize, value: u64) {
    let (byte, shift) = (at / 8, at % 8);
    let [low, high, ..] = value.to_le_bytes();
    if shift + bits <= 8 {
        let [field, ..] = (mask(bits) << shift).to_le_bytes();
        if let Some(byte) = bytes.get_mut(byte) {
            *byte = *byte & !field | low << shift & field;
        }
        return;
    }
    match bytes.get_mut(byte..byte + 2) {
        Some(word) if (shift, bits) == (0, 16) => word.copy_from_slice(&[low, high]),
        _ => scatter(bytes, at, bits, value),
    }
}

#[inline(never)]
fn scatter(bytes: &mut [u8], at: usize, bits: usize, value: u64) {
    let mut done = 0;
    while done < bits.min(64) {
        let (byte, shift) = ((at + done) / 8, (at + done) % 8);
        let take = (8 - shift).min(bits - done);
        if let Some(byte) = bytes.get_mut(byte) {
            let [part, ..] = (value >> done & mask(take)).to_le_bytes();
            let [field, ..] = (mask(take) << shift).to_le_bytes();
            *byte = *byte & !field | part << shift;
        }
        done += take;
    }
}

/// The low `bits` bits set.
#[inline]
pub(crate) fn mask(bits: usize) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_across_bytes_leaves_its_neighbours() {
        let mut bytes = [0xff, 0x00, 0xff];
        put(&mut bytes, 6, 12, 0x5a5);
        assert_eq!(bytes, [0x7f, 0x69, 0xfd]);
        assert_eq!(get(&bytes, 6, 12), 0x5a5);
    }

    #[test]
    fn the_short_ways_and_the_loops_agree() {
        let ground = [0xa5u8, 0x3c, 0x96, 0x0f, 0xf0];
        for (at, bits) in (0..40).flat_map(|at| (0..=24).map(move |bits| (at, bits))) {
            assert_eq!(get(&ground, at, bits), gather(&ground, at, bits), "{bits} bits at {at}");
            let (mut short, mut looped) = (ground, ground);
            put(&mut short, at, bits, 0x00c3_5a96);
            scatter(&mut looped, at, bits, 0x00c3_5a96);
            assert_eq!(short, looped, "{bits} bits at {at}");
        }
    }

    #[test]
    fn bits_behind_the_end_are_nothing() {
        let mut bytes = [0u8; 2];
        put(&mut bytes, 8, 32, 0x1234_5678);
        assert_eq!(bytes, [0, 0x78]);
        assert_eq!(get(&bytes, 8, 32), 0x78);
    }
}
