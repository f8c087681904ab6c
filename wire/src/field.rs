//! Little-endian fields at fixed offsets, without panics: a field outside the buffer reads as an error.

use crate::WireError;

/// The `N` bytes at `offset`.
#[inline]
pub(crate) fn array<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], WireError> {
    let needed = offset.saturating_add(N);
    bytes
        .get(offset..needed)
        .and_then(|field| field.try_into().ok())
        .ok_or(WireError::Truncated { needed, got: bytes.len() })
}

/// Writes `field` at `offset`.
#[inline]
pub(crate) fn put(bytes: &mut [u8], offset: usize, field: &[u8]) -> Result<(), WireError> {
    let end = offset.saturating_add(field.len());
    bytes.get_mut(offset..end).ok_or(WireError::NoRoom)?.copy_from_slice(field);
    Ok(())
}

#[inline]
pub(crate) fn u8_at(bytes: &[u8], offset: usize) -> Result<u8, WireError> {
    array::<1>(bytes, offset).map(|[byte]| byte)
}

#[inline]
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Result<u16, WireError> {
    array(bytes, offset).map(u16::from_le_bytes)
}

#[inline]
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Result<u32, WireError> {
    array(bytes, offset).map(u32::from_le_bytes)
}

/// Writes 16-bit words one after the other from `offset` on.
pub(crate) fn put_words<const N: usize>(bytes: &mut [u8], offset: usize, words: [u16; N]) -> Result<(), WireError> {
    let mut at = offset;
    for word in words {
        put(bytes, at, &word.to_le_bytes())?;
        at = at.saturating_add(2);
    }
    Ok(())
}
