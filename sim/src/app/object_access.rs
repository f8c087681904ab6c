//! Reading and writing objects as an SDO does, with the abort codes of ETG.1000.6, table 41.

use zerocat_wire::AlState;
use zerocat_wire::coe::{AbortCode, SdoTarget};

use crate::describe::dictionary::{Dictionary, Entry, Object, Store};
use crate::profile::Values;

/// Bit of an access word that stands for a state: 0 PRE-OP, 1 SAFE-OP, 2 OP.
fn state_bit(state: AlState) -> u16 {
    match state {
        AlState::SafeOp => 2,
        AlState::Op => 4,
        _ => 1,
    }
}

/// Reads an entry or a whole object.
pub(super) fn read(
    dictionary: &Dictionary,
    values: &Values,
    target: SdoTarget,
    state: AlState,
) -> Result<Vec<u8>, AbortCode> {
    let object = dictionary.object(target.index).ok_or(AbortCode::NO_SUCH_OBJECT)?;
    if !target.complete {
        return read_entry(object, target.subindex, values, state);
    }
    if target.subindex > 1 {
        return Err(AbortCode::UNSUPPORTED_ACCESS);
    }
    let mut bytes = Vec::new();
    if target.subindex == 0 {
        bytes.extend_from_slice(&read_entry(object, 0, values, state)?);
        bytes.resize(bytes.len().max(2), 0);
    }
    for subindex in 1..=object.highest() {
        // Subindices that are not there take no room.
        if object.entry(subindex).is_some() {
            bytes.extend_from_slice(&read_entry(object, subindex, values, state)?);
        }
    }
    Ok(bytes)
}

fn read_entry(object: &Object, subindex: u8, values: &Values, state: AlState) -> Result<Vec<u8>, AbortCode> {
    let entry = object.entry(subindex).ok_or(AbortCode::NO_SUCH_SUBINDEX)?;
    if object.counted && subindex > object.count() {
        return Err(AbortCode::NO_SUCH_SUBINDEX);
    }
    if entry.access & state_bit(state) == 0 {
        return Err(AbortCode::WRITE_ONLY);
    }
    Ok(match &entry.store {
        Store::Bytes(bytes) => bytes.clone(),
        Store::Value(id) => {
            let len = usize::from(entry.bits).div_ceil(8);
            let value = values.raw(*id) & super::bits::mask(usize::from(entry.bits));
            value.to_le_bytes()[..len.min(8)].to_vec()
        }
    })
}

/// Writes an entry or a whole object.
pub(super) fn write(
    dictionary: &mut Dictionary,
    values: &mut Values,
    target: SdoTarget,
    bytes: &[u8],
    state: AlState,
) -> Result<(), AbortCode> {
    if dictionary.object(target.index).is_none() {
        return Err(AbortCode::NO_SUCH_OBJECT);
    }
    if !target.complete {
        return write_entry(dictionary, values, target.index, target.subindex, bytes, state);
    }
    if target.subindex > 1 {
        return Err(AbortCode::UNSUPPORTED_ACCESS);
    }
    write_complete(dictionary, values, target, bytes, state)
}

/// Complete access: a counted object is emptied first, filled, and its count is written last.
fn write_complete(
    dictionary: &mut Dictionary,
    values: &mut Values,
    target: SdoTarget,
    bytes: &[u8],
    state: AlState,
) -> Result<(), AbortCode> {
    let (count, mut rest) = match target.subindex {
        0 => (bytes.first().copied(), bytes.get(2..).ok_or(AbortCode::LENGTH_TOO_LOW)?),
        _ => (None, bytes),
    };
    let object = dictionary.object(target.index).ok_or(AbortCode::NO_SUCH_OBJECT)?;
    let counted = object.counted;
    let entries: Vec<(u8, usize)> = object
        .entries
        .iter()
        .filter(|entry| entry.subindex > 0)
        .map(|entry| (entry.subindex, usize::from(entry.bits).div_ceil(8)))
        .collect();
    if counted {
        write_entry(dictionary, values, target.index, 0, &[0], state)?;
    }
    for (subindex, len) in entries {
        if rest.is_empty() || counted && count.is_some_and(|count| subindex > count) {
            break;
        }
        let (value, behind) = rest.split_at_checked(len).ok_or(AbortCode::LENGTH_TOO_LOW)?;
        write_entry(dictionary, values, target.index, subindex, value, state)?;
        rest = behind;
    }
    match count {
        Some(count) if counted => write_entry(dictionary, values, target.index, 0, &[count], state),
        _ => Ok(()),
    }
}

fn write_entry(
    dictionary: &mut Dictionary,
    values: &mut Values,
    index: u16,
    subindex: u8,
    bytes: &[u8],
    state: AlState,
) -> Result<(), AbortCode> {
    let object = dictionary.object(index).ok_or(AbortCode::NO_SUCH_OBJECT)?;
    let entry = object.entry(subindex).ok_or(AbortCode::NO_SUCH_SUBINDEX)?;
    check_access(entry, state)?;
    check_length(entry, bytes)?;
    if object.counted {
        check_counted(dictionary, object, subindex, bytes)?;
    }
    let Some(object) = dictionary.object_mut(index) else { return Err(AbortCode::NO_SUCH_OBJECT) };
    let Some(entry) = object.entries.iter_mut().find(|entry| entry.subindex == subindex) else {
        return Err(AbortCode::NO_SUCH_SUBINDEX);
    };
    match &mut entry.store {
        Store::Bytes(stored) => *stored = bytes.to_vec(),
        Store::Value(id) => values.set_raw(*id, super::bits::get(bytes, 0, usize::from(entry.bits))),
    }
    Ok(())
}

fn check_access(entry: &Entry, state: AlState) -> Result<(), AbortCode> {
    let writable = entry.access >> 3 & 0x07;
    if writable == 0 {
        return Err(AbortCode::READ_ONLY);
    }
    if writable & state_bit(state) == 0 {
        return Err(AbortCode::DEVICE_STATE);
    }
    Ok(())
}

fn check_length(entry: &Entry, bytes: &[u8]) -> Result<(), AbortCode> {
    match bytes.len().cmp(&usize::from(entry.bits).div_ceil(8)) {
        std::cmp::Ordering::Greater => Err(AbortCode::LENGTH_TOO_HIGH),
        std::cmp::Ordering::Less => Err(AbortCode::LENGTH_TOO_LOW),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

/// An assignment is emptied before its places are written, holds only PDOs that are there, and no more than fit.
fn check_counted(dictionary: &Dictionary, object: &Object, subindex: u8, bytes: &[u8]) -> Result<(), AbortCode> {
    if subindex == 0 {
        let count = bytes.first().copied().unwrap_or(0);
        let filled = object.entries.iter().skip(1).take(usize::from(count));
        let empty =
            filled.clone().any(|entry| matches!(&entry.store, Store::Bytes(bytes) if bytes.iter().all(|b| *b == 0)));
        let fits = usize::from(count) < object.entries.len();
        return if fits && !empty { Ok(()) } else { Err(AbortCode::PDO_LENGTH) };
    }
    if object.count() != 0 {
        return Err(AbortCode::SUBINDEX_0_NOT_ZERO);
    }
    let pdo = u16::from_le_bytes([bytes.first().copied().unwrap_or(0), bytes.get(1).copied().unwrap_or(0)]);
    let is_pdo = matches!(pdo, 0x1600..=0x17ff if object.index == 0x1C12)
        || matches!(pdo, 0x1A00..=0x1bff if object.index == 0x1C13);
    if pdo == 0 || is_pdo && dictionary.object(pdo).is_some() { Ok(()) } else { Err(AbortCode::CANNOT_BE_MAPPED) }
}
