//! The types that an entry of a PDO may have in a program: how many bits each has, and how it stands in a record.
//!
//! Guarantees: reading and writing change no bit beside the entry's, and neither allocate nor panic; what isn't wholly in the
//! record reads as zero and is not written. That it is in the record is what a start checks.

use std::fmt;
use zerocat_pdi::{BitSpan, DataType};

/// A type that an entry may be read or written as: the integers from `i8` to `u64`, `f32`, `f64`, `bool` for one bit,
/// [`Bits`] for other lengths, and arrays of these: bytes of one long entry, or entries that follow one another
/// (oversampling).
///
/// ```
/// fn any_of_them<T: zerocat::Field>() {}
/// any_of_them::<i32>();
/// any_of_them::<bool>();
/// any_of_them::<[i16; 10]>();
/// any_of_them::<zerocat::Bits<4>>();
/// ```
///
/// ```compile_fail
/// fn any_of_them<T: zerocat::Field>() {}
/// any_of_them::<String>();
/// ```
pub trait Field: Coded + Copy + fmt::Debug + Send + Sync + 'static {}

impl<T: Coded + Copy + fmt::Debug + Send + Sync + 'static> Field for T {}

/// What is known of a type: its bits, and what a rig file calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Name of the element's type.
    name: &'static str,
    /// Bits of an element.
    pub(super) bits: u8,
    /// Elements of an array.
    pub(super) elements: Option<u16>,
    /// The data type of the element in a rig file, where it has one.
    pub(super) data_type: Option<DataType>,
}

impl Shape {
    /// Elements.
    pub(super) fn count(self) -> u16 {
        self.elements.unwrap_or(1)
    }

    /// Bits in all.
    pub(super) fn all_bits(self) -> usize {
        usize::from(self.bits).saturating_mul(self.count().into())
    }

    /// Whether a rig file's data type is this one, as far as that is to be told.
    pub(super) fn is(self, data_type: DataType) -> bool {
        match self.data_type {
            _ if data_type == DataType::Bytes || self.elements.is_some() => true,
            Some(own) => own == data_type,
            None => true,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.elements, self.data_type) {
            (Some(count), _) => write!(f, "[{}; {count}]", self.name),
            (None, Some(_)) => f.write_str(self.name),
            (None, None) => write!(f, "{}<{}>", self.name, self.bits),
        }
    }
}

/// How a type stands in a record. Nobody outside implements it.
pub trait Coded: Sized {
    /// What is known of it.
    const SHAPE: Shape;
    /// Its value where all bits are 0.
    const ZERO: Self;
    /// Reads it from bit `bit` of a record on.
    fn load(record: &[u8], bit: usize) -> Self;
    /// Writes it.
    fn store(self, record: &mut [u8], bit: usize);
    /// Sets all of its bits.
    fn mark(record: &mut [u8], bit: usize);
}

macro_rules! numbers {
    ($($type:ty, $data_type:ident, $bits:literal;)+) => {$(
        impl Coded for $type {
            const SHAPE: Shape =
                Shape { name: stringify!($type), bits: $bits, elements: None, data_type: Some(DataType::$data_type) };
            const ZERO: Self = 0 as Self;

            #[inline]
            fn load(record: &[u8], bit: usize) -> Self {
                if bit.is_multiple_of(8) {
                    let bytes = record.get(bit / 8..).and_then(|bytes| bytes.first_chunk());
                    return bytes.map_or(Self::ZERO, |bytes| Self::from_le_bytes(*bytes));
                }
                let raw = BitSpan::new(bit, $bits).extract(record).unwrap_or(0).to_le_bytes();
                raw.first_chunk().map_or(Self::ZERO, |bytes| Self::from_le_bytes(*bytes))
            }

            #[inline]
            fn store(self, record: &mut [u8], bit: usize) {
                put(record, bit, &self.to_le_bytes());
            }

            #[inline]
            fn mark(record: &mut [u8], bit: usize) {
                put(record, bit, &[0xff; $bits / 8]);
            }
        }
    )+};
}

numbers! {
    i8, Int8, 8;
    u8, Uint8, 8;
    i16, Int16, 16;
    u16, Uint16, 16;
    i32, Int32, 32;
    u32, Uint32, 32;
    i64, Int64, 64;
    u64, Uint64, 64;
    f32, Float32, 32;
    f64, Float64, 64;
}

/// Writes whole bytes from bit `bit` on.
#[inline]
fn put<const N: usize>(record: &mut [u8], bit: usize, bytes: &[u8; N]) {
    if bit.is_multiple_of(8) {
        if let Some(to) = record.get_mut(bit / 8..).and_then(|to| to.first_chunk_mut()) {
            *to = *bytes;
        }
        return;
    }
    for (n, byte) in bytes.iter().enumerate() {
        // What isn't in the record isn't written.
        let _ = BitSpan::new(bit.saturating_add(8 * n), 8).insert(record, (*byte).into());
    }
}

impl Coded for bool {
    const SHAPE: Shape = Shape { name: "bool", bits: 1, elements: None, data_type: Some(DataType::Bool) };
    const ZERO: Self = false;

    #[inline]
    fn load(record: &[u8], bit: usize) -> Self {
        record.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 != 0)
    }

    #[inline]
    fn store(self, record: &mut [u8], bit: usize) {
        if let Some(byte) = record.get_mut(bit / 8) {
            *byte = *byte & !(1 << (bit % 8)) | u8::from(self) << (bit % 8);
        }
    }

    #[inline]
    fn mark(record: &mut [u8], bit: usize) {
        true.store(record, bit);
    }
}

/// A number of `N` bits, 1 to 64, for entries of 2, 4 or 12 bits and the like.
///
/// ```
/// use zerocat::Bits;
/// assert_eq!(Bits::<4>::new(9).map(Bits::get), Some(9));
/// assert_eq!(Bits::<4>::new(16), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Bits<const N: u8>(u64);

impl<const N: u8> Bits<N> {
    const LARGEST: u64 = {
        assert!(N >= 1 && N <= 64, "an entry that is a number has 1 to 64 bits");
        u64::MAX >> (64 - N)
    };

    /// The number, if it has no more than `N` bits.
    #[must_use]
    pub const fn new(value: u64) -> Option<Self> {
        if value <= Self::LARGEST { Some(Self(value)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const N: u8> Coded for Bits<N> {
    const SHAPE: Shape = Shape { name: "Bits", bits: N, elements: None, data_type: None };
    const ZERO: Self = Self(0);

    #[inline]
    fn load(record: &[u8], bit: usize) -> Self {
        Self(BitSpan::new(bit, N).extract(record).unwrap_or(0) & Self::LARGEST)
    }

    #[inline]
    fn store(self, record: &mut [u8], bit: usize) {
        // What isn't in the record isn't written.
        let _ = BitSpan::new(bit, N).insert(record, self.0);
    }

    #[inline]
    fn mark(record: &mut [u8], bit: usize) {
        let _ = BitSpan::new(bit, N).fill(record, true);
    }
}

impl<T: Coded + Copy, const N: usize> Coded for [T; N] {
    const SHAPE: Shape = {
        assert!(N >= 1 && N <= 65_535, "an array has 1 to 65535 elements");
        assert!(T::SHAPE.elements.is_none(), "an array of arrays is no entry");
        #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
        let elements = Some(N as u16);
        Shape { elements, ..T::SHAPE }
    };
    const ZERO: Self = [T::ZERO; N];

    #[inline]
    fn load(record: &[u8], bit: usize) -> Self {
        std::array::from_fn(|n| T::load(record, nth::<T>(bit, n)))
    }

    #[inline]
    fn store(self, record: &mut [u8], bit: usize) {
        self.into_iter().enumerate().for_each(|(n, value)| value.store(record, nth::<T>(bit, n)));
    }

    #[inline]
    fn mark(record: &mut [u8], bit: usize) {
        (0..N).for_each(|n| T::mark(record, nth::<T>(bit, n)));
    }
}

fn nth<T: Coded>(bit: usize, n: usize) -> usize {
    bit.saturating_add(usize::from(T::SHAPE.bits).saturating_mul(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Debug;

    fn round_trip<T: Field + PartialEq + Debug>(value: T, bit: usize) {
        let (mut record, mut ones) = ([0u8; 24], [0xffu8; 24]);
        value.store(&mut record, bit);
        value.store(&mut ones, bit);
        assert_eq!((T::load(&record, bit), T::load(&ones, bit)), (value, value), "at bit {bit}");
        let mut mask = [0u8; 24];
        T::mark(&mut mask, bit);
        let set: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
        assert_eq!(usize::try_from(set).unwrap(), T::SHAPE.all_bits());
        let beside =
            record.iter().zip(&ones).zip(&mask).all(|((zero, one), mask)| zero & !mask == 0 && one | mask == 0xff);
        assert!(beside, "bits beside it were changed, at bit {bit}");
    }

    #[test]
    fn every_type_reads_what_it_wrote_at_any_bit_and_leaves_those_beside_it() {
        for bit in 0..20 {
            round_trip(-2i8, bit);
            round_trip(0x1234_5678u32, bit);
            round_trip(i64::MIN + 3, bit);
            round_trip(1.5f32, bit);
            round_trip(-0.25f64, bit);
            round_trip(true, bit);
            round_trip(false, bit);
            round_trip(Bits::<12>::new(0xabc).unwrap(), bit);
            round_trip([1i16, -2, 3], bit);
            round_trip([true, false, true], bit);
        }
    }

    #[test]
    fn what_is_not_in_the_record_is_zero_and_not_written() {
        let mut record = [0xffu8; 3];
        assert_eq!((u32::load(&record, 0), u16::load(&record, 12), bool::load(&record, 24)), (0, 0, false));
        0u32.store(&mut record, 0);
        assert_eq!(record, [0xff; 3]);
    }

    #[test]
    fn a_shape_is_called_as_in_the_program() {
        let names = [u8::SHAPE, <[i16; 4]>::SHAPE, Bits::<3>::SHAPE, bool::SHAPE].map(|shape| shape.to_string());
        assert_eq!(names, ["u8", "[i16; 4]", "Bits<3>", "bool"]);
    }
}
