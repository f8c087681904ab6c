//! The object dictionary by AoE: groups 0xF302 (SDO) and 0xF3FC to 0xF3FE (SDO information).
//!
//! Results are those of SSC's sample: what isn't there is 0x70C, an offset with other bits 0x703, less room than the data take
//! 0x705, and any other failure 0x700. Descriptions come without their names where there is no room for these.

use zerocat_wire::WireError;
use zerocat_wire::aoe::{AdsError, group};
use zerocat_wire::coe::{AbortCode, EntryQuery, InfoHeader, InfoOp, ListQuery, ListType, ObjectQuery, SdoTarget};

use super::{LONGEST, Served};
use crate::app::object_access::Objects;
use crate::app::sdo_info;

/// Bytes of the description of an object, and of an entry, without name.
const OBJECT: usize = 6;
const ENTRY: usize = 10;

pub(super) fn read(group: u32, offset: u32, len: u32, objects: &Objects<'_>) -> Served {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    match group {
        group::SDO => {
            let target = target(offset)?;
            if let Some(code) = objects.refusals.code(target) {
                return Err(result(code));
            }
            let data = objects.read(target).map_err(result)?;
            if len < data.len() { Err(AdsError::INVALID_SIZE) } else { Ok(data) }
        }
        group::SDO_LIST => list(offset, len, objects),
        group::SDO_OBJECT => {
            let query = ObjectQuery { index: upper(offset) };
            let data = described(|bytes| query.emit(bytes), objects)?;
            fit(data, len, OBJECT)
        }
        group::SDO_ENTRY => {
            let [subindex, value_info, ..] = offset.to_le_bytes();
            let query = EntryQuery { index: upper(offset), subindex, value_info };
            let data = described(|bytes| query.emit(bytes), objects)?;
            fit(data, len, ENTRY)
        }
        _ => Err(AdsError::INVALID_GROUP),
    }
}

pub(super) fn write(group: u32, offset: u32, data: &[u8], objects: &mut Objects<'_>) -> Served {
    match group {
        group::SDO => {
            let target = target(offset)?;
            if let Some(code) = objects.refusals.code(target) {
                return Err(result(code));
            }
            objects.admits(target, data.len()).and_then(|()| objects.write(target, data)).map_err(result)?;
            Ok(Vec::new())
        }
        group::SDO_LIST | group::SDO_OBJECT | group::SDO_ENTRY => Err(AdsError::INVALID_ACCESS),
        _ => Err(AdsError::INVALID_GROUP),
    }
}

fn upper(offset: u32) -> u16 {
    let [_, _, low, high] = offset.to_le_bytes();
    u16::from_le_bytes([low, high])
}

fn target(offset: u32) -> Result<SdoTarget, AdsError> {
    if offset & group::SDO_RESERVED != 0 {
        return Err(AdsError::INVALID_OFFSET);
    }
    let (index, [subindex, ..]) = (upper(offset), offset.to_le_bytes());
    Ok(SdoTarget { complete: offset & group::COMPLETE_ACCESS != 0, ..SdoTarget::entry(index, subindex) })
}

fn result(code: AbortCode) -> AdsError {
    match code {
        AbortCode::NO_SUCH_OBJECT | AbortCode::NO_SUCH_SUBINDEX => AdsError::NOT_FOUND,
        AbortCode::LENGTH_TOO_HIGH | AbortCode::LENGTH_TOO_LOW | AbortCode::LENGTH_MISMATCH => AdsError::INVALID_SIZE,
        _ => AdsError::DEVICE,
    }
}

/// A list with its type; the room needn't count the type.
fn list(offset: u32, len: usize, objects: &Objects<'_>) -> Served {
    let kind = ListType::from_code(upper(offset)).map_err(|_| AdsError::INVALID_OFFSET)?;
    let data = described(|bytes| ListQuery(kind).emit(bytes), objects)?;
    if len.saturating_add(2) < data.len() { Err(AdsError::INVALID_SIZE) } else { Ok(data) }
}

/// The data of the answer to a query of SDO information.
fn described(query: impl FnOnce(&mut [u8]) -> Result<usize, WireError>, objects: &Objects<'_>) -> Served {
    let mut asked = [0; 32];
    let len = query(&mut asked).map_err(|_| AdsError::DEVICE)?;
    let answers = sdo_info::answer(asked.get(..len).unwrap_or_default(), LONGEST, objects.dictionary);
    let (header, data) = answers.first().and_then(|answer| InfoHeader::parse(answer).ok()).ok_or(AdsError::DEVICE)?;
    if header.op == InfoOp::Error { Err(AdsError::NOT_FOUND) } else { Ok(data.to_vec()) }
}

/// A description, without its name where there is no room for that.
fn fit(mut data: Vec<u8>, len: usize, least: usize) -> Served {
    if len < least {
        return Err(AdsError::INVALID_SIZE);
    }
    if len < data.len() {
        data.truncate(least);
    }
    Ok(data)
}
