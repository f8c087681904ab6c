//! One object of a device's dictionary with the values that it starts with (ETG.2000, ObjectType and ObjectInfoType).

use super::at::At;
use super::dictionary::{Part, Types};
use super::error::{EsiError, EsiProblem};
use super::slot::Shift;
use super::{flags, number};
use crate::describe::DataType;
use crate::describe::dictionary::{Entry, Object, ObjectCode, Store, access};

/// Longest value in bits.
const LONGEST: u32 = 65_535;

/// Reads an object.
pub(super) fn read(at: &At<'_>, types: &Types<'_>, shift: Shift) -> Result<Object, EsiError> {
    let place = at.need("Index")?;
    // PDO mappings move as PDOs do, all else as objects (ETG.5001.1).
    let is_mapping = matches!(place.number()?, 0x1600u16..=0x17ff | 0x1A00..=0x1bff);
    let index = place.shifted(if is_mapping { shift.pdo } else { shift.object })?;
    let name = at.localized("Name").to_owned();
    let general = flags::access(at).unwrap_or(access::READ);
    let info = at.child("Info");
    let Some(shape) = types.shape(at.child_text("Type"))? else {
        let (data_type, bits) = types.need(at)?;
        let part = Part { subindex: 0, name: name.clone(), data_type, bits, access: Some(general) };
        let entries = vec![entry(at, &part, info.as_ref(), general)?];
        return Ok(Object { index, code: ObjectCode::Variable, name, entries, counted: false });
    };
    let empty = info.as_ref();
    let items: Vec<At<'_>> = empty.into_iter().flat_map(|info| info.children("SubItem")).collect();
    let mut entries = Vec::with_capacity(shape.parts.len());
    for (n, part) in shape.parts.iter().enumerate() {
        let named = items.iter().find(|item| item.child_text("Name") == part.name);
        let item = named.or_else(|| items.get(n).filter(|_| items.len() == shape.parts.len()));
        let inner = item.and_then(|item| item.child("Info"));
        entries.push(entry(at, part, inner.as_ref(), general)?);
    }
    count(&mut entries);
    let code = if shape.array { ObjectCode::Array } else { ObjectCode::Record };
    Ok(Object { index, code, name, entries, counted: false })
}

/// Subindex 0 without a value counts the others.
fn count(entries: &mut [Entry]) {
    let highest = entries.last().map_or(0, |entry| entry.subindex);
    if let Some(Entry { subindex: 0, store: Store::Bytes(bytes), .. }) = entries.first_mut()
        && bytes.iter().all(|byte| *byte == 0)
        && let Some(low) = bytes.first_mut()
    {
        *low = highest;
    }
}

fn entry(at: &At<'_>, part: &Part, info: Option<&At<'_>>, general: u16) -> Result<Entry, EsiError> {
    let most = u64::from(LONGEST);
    let too_long = || at.fail(EsiProblem::Number { text: part.bits.to_string(), most });
    let bits = u16::try_from(part.bits).map_err(|_| too_long())?;
    let len = usize::from(bits).div_ceil(8);
    let value = info.map_or(Ok(None), |info| default(info, part.data_type))?;
    let mut bytes = value.unwrap_or_default();
    // A text may be shorter than its place.
    if part.data_type != DataType::Text || bytes.len() > len || bytes.is_empty() {
        bytes.resize(len, 0);
    }
    Ok(Entry {
        subindex: part.subindex,
        bits,
        data_type: part.data_type,
        access: part.access.unwrap_or(general),
        store: Store::Bytes(bytes),
        limits: None,
        name: part.name.clone(),
    })
}

/// The value that it starts with: bytes, text or a number.
fn default(info: &At<'_>, data_type: DataType) -> Result<Option<Vec<u8>>, EsiError> {
    if let Some(data) = info.child("DefaultData").filter(|data| !data.text().is_empty()) {
        return data.bytes().map(Some);
    }
    if let Some(text) = info.child("DefaultString") {
        return Ok(Some(text.text().as_bytes().to_vec()));
    }
    let Some(value) = info.child("DefaultValue").filter(|value| !value.text().is_empty()) else { return Ok(None) };
    if data_type == DataType::Text {
        return Ok(Some(value.text().as_bytes().to_vec()));
    }
    let signed = number::signed(value.text()).map_err(|problem| value.fail(problem))?;
    Ok(Some(signed.to_le_bytes().to_vec()))
}
