//! Rules for values of objects beyond access, length and limits: PDO assignment and mapping, error history, and pairs
//! of objects that belong together (ETG.1000.6, 5.6.7; CiA 301, 7.4.8 and 7.5; CiA 402-2).

use zerocat_wire::coe::AbortCode;
use zerocat_wire::coe::info::access::{RX_PDO, TX_PDO};

use crate::describe::dictionary::{self, Dictionary, Object, Store};
use crate::describe::{Purpose, diagnosis};
use crate::profile::Values;

/// Most bits that one PDO holds: what fits an Ethernet frame.
const PDO_BITS: usize = 1486 * 8;
/// Most bytes that the PDOs of one sync manager have together.
const PROCESS_DATA_BYTES: usize = 1024;

/// Checks a value that is about to be written.
pub(super) fn check(
    dictionary: &Dictionary,
    values: &Values,
    object: &Object,
    subindex: u8,
    bytes: &[u8],
) -> Result<(), AbortCode> {
    match object.index {
        dictionary::ERROR_HISTORY => clears(bytes),
        zerocat_wire::coe::diagnosis::INDEX => diagnosis::check(dictionary, subindex, bytes),
        0x1600..=0x17ff => mapping(dictionary, object, subindex, bytes, RX_PDO),
        0x1A00..=0x1bff => mapping(dictionary, object, subindex, bytes, TX_PDO),
        index if dictionary.assigns(index).is_some() => assignment(dictionary, object, subindex, bytes),
        0x6060 => supported_mode(dictionary, bytes),
        0x607D => limits_in_order(values, object, subindex, bytes),
        _ => Ok(()),
    }
}

/// The error history takes a 0 in subindex 0, which empties it.
fn clears(bytes: &[u8]) -> Result<(), AbortCode> {
    if bytes.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(AbortCode::VALUE_RANGE) }
}

fn word(bytes: &[u8]) -> u16 {
    bytes.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn double(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// The values of the first `count` places of a list. None: one of them is 0.
fn places(object: &Object, count: u8) -> Option<Vec<u32>> {
    let places = object.entries.iter().filter(|entry| (1..=count).contains(&entry.subindex));
    places
        .map(|entry| match &entry.store {
            Store::Bytes(bytes) if bytes.len() == 2 => Some(u32::from(word(bytes))),
            Store::Bytes(bytes) => Some(double(bytes)),
            Store::Value(_) => None,
        })
        .map(|value| value.filter(|value| *value != 0))
        .collect()
}

/// A count is taken when there are that many places, all filled.
fn counted(object: &Object, bytes: &[u8]) -> Result<Vec<u32>, AbortCode> {
    let count = bytes.first().copied().unwrap_or(0);
    let there = object.entries.len().saturating_sub(1);
    if usize::from(count) > there {
        return Err(AbortCode::PDO_LENGTH);
    }
    places(object, count).ok_or(AbortCode::PDO_LENGTH)
}

/// An assignment is emptied before its places are written, holds only PDOs of its direction that are there, none of
/// them twice, and no more than the SubDevice has memory for.
fn assignment(dictionary: &Dictionary, object: &Object, subindex: u8, bytes: &[u8]) -> Result<(), AbortCode> {
    if subindex == 0 {
        let pdos = counted(object, bytes)?;
        if (1..pdos.len()).any(|n| pdos[..n].contains(&pdos[n])) {
            return Err(AbortCode::PARAMETER_INCOMPATIBLE);
        }
        let index = |pdo: u32| u16::try_from(pdo).unwrap_or(0);
        let bits: usize = pdos.iter().map(|pdo| length(&dictionary.mapping(index(*pdo)))).sum();
        let fits = bits.div_ceil(8) <= PROCESS_DATA_BYTES;
        return if fits { Ok(()) } else { Err(AbortCode::INTERNAL_INCOMPATIBLE) };
    }
    if object.count() != 0 {
        return Err(AbortCode::SUBINDEX_0_NOT_ZERO);
    }
    let pdo = word(bytes);
    let is_pdo = match dictionary.assigns(object.index) {
        Some(Purpose::Outputs) => matches!(pdo, 0x1600..=0x17ff),
        _ => matches!(pdo, 0x1A00..=0x1bff),
    };
    if pdo == 0 || is_pdo && dictionary.object(pdo).is_some() { Ok(()) } else { Err(AbortCode::CANNOT_BE_MAPPED) }
}

fn length(entries: &[u32]) -> usize {
    entries.iter().map(|entry| usize::from(entry.to_le_bytes()[0])).sum()
}

/// A mapping is emptied before its places are written, and holds padding and entries that can be mapped in its
/// direction, with their own length.
fn mapping(
    dictionary: &Dictionary,
    object: &Object,
    subindex: u8,
    bytes: &[u8],
    direction: u16,
) -> Result<(), AbortCode> {
    if subindex == 0 {
        let fits = length(&counted(object, bytes)?) <= PDO_BITS;
        return if fits { Ok(()) } else { Err(AbortCode::PDO_LENGTH) };
    }
    if object.count() != 0 {
        return Err(AbortCode::SUBINDEX_0_NOT_ZERO);
    }
    let [bits, subindex, i0, i1] = double(bytes).to_le_bytes();
    let index = u16::from_le_bytes([i0, i1]);
    if index == 0 {
        return if subindex == 0 { Ok(()) } else { Err(AbortCode::CANNOT_BE_MAPPED) };
    }
    let object = dictionary.object(index).ok_or(AbortCode::NO_SUCH_OBJECT)?;
    let entry = object.entry(subindex).ok_or(AbortCode::NO_SUCH_SUBINDEX)?;
    if entry.access & direction == 0 {
        return Err(AbortCode::CANNOT_BE_MAPPED);
    }
    if entry.bits == u16::from(bits) { Ok(()) } else { Err(AbortCode::LENGTH_MISMATCH) }
}

/// A mode of operation has its bit in the supported drive modes, where there are any: bit n - 1 for mode n.
fn supported_mode(dictionary: &Dictionary, bytes: &[u8]) -> Result<(), AbortCode> {
    let Some(Store::Bytes(modes)) = dictionary.object(0x6502).and_then(|object| object.entry(0)).map(|e| &e.store)
    else {
        return Ok(());
    };
    let supported = match bytes.first() {
        // No mode, and vendors' own (negative) ones.
        Some(0 | 0x80..) | None => true,
        Some(mode) => double(modes).checked_shr(u32::from(*mode) - 1).is_some_and(|bits| bits & 1 != 0),
    };
    if supported { Ok(()) } else { Err(AbortCode::VALUE_RANGE) }
}

/// The lower software position limit (subindex 1) is not above the upper one (subindex 2).
fn limits_in_order(values: &Values, object: &Object, subindex: u8, bytes: &[u8]) -> Result<(), AbortCode> {
    let signed = |bytes: &[u8]| i32::from_le_bytes(double(bytes).to_le_bytes());
    let other = match object.entry(3u8.saturating_sub(subindex)).map(|entry| &entry.store) {
        Some(Store::Bytes(bytes)) if subindex > 0 => signed(bytes),
        Some(Store::Value(id)) if subindex > 0 => values.i32(*id),
        _ => return Ok(()),
    };
    let new = signed(bytes);
    let (low, high) = if subindex == 1 { (new, other) } else { (other, new) };
    if low <= high { Ok(()) } else { Err(AbortCode::MAXIMUM_BELOW_MINIMUM) }
}
