//! Bit fields of 1 to 64 bits at any alignment in a byte image, least significant bit first (ETG.1000.6, 5.6.7.3).

/// A bit field in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BitSpan {
    /// First bit, counted from bit 0 of byte 0.
    pub offset: usize,
    /// Number of bits, 1 to 64.
    pub len: u8,
}
