//! One object of a device's dictionary with its initial values (ETG.2000, ObjectType and ObjectInfoType).

use zerocat_wire::coe::info::access;

use crate::data_type::DataType;
use crate::dictionary::{Part, Types};
use crate::element::Element;
use crate::error::{EsiError, EsiProblem};
use crate::slot::Shift;
use crate::{flags, number};

/// Longest value in bits.
const LONGEST: u32 = 65_535;

/// Object codes (ETG.1000.6, table 62).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ObjectCode {
    /// One value at subindex 0.
    Variable = 7,
    /// Entries of one type.
    Array = 8,
    /// Entries of several types.
    Record = 9,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Index; for an object of a module, that of its slot.
    pub index: u16,
    /// Kind of object.
    pub code: ObjectCode,
    /// Name.
    pub name: String,
    /// Entries, sorted by subindex, each subindex once.
    pub entries: Vec<ObjectEntry>,
}

/// One entry of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEntry {
    /// Subindex.
    pub subindex: u8,
    /// Length in bits.
    pub bits: u16,
    /// Data type.
    pub data_type: DataType,
    /// Access word of the SDO information service, bits of [`zerocat_wire::coe::info::access`].
    pub access: u16,
    /// Initial value, as long as the entry; a text may be shorter.
    pub value: Vec<u8>,
    /// Name.
    pub name: String,
}

/// Reads an object.
pub(crate) fn read(at: &Element<'_>, types: &Types<'_>, shift: Shift) -> Result<Object, EsiError> {
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
        return Ok(Object { index, code: ObjectCode::Variable, name, entries });
    };
    let empty = info.as_ref();
    let items: Vec<Element<'_>> = empty.into_iter().flat_map(|info| info.children("SubItem")).collect();
    let mut entries = Vec::with_capacity(shape.parts.len());
    for (n, part) in shape.parts.iter().enumerate() {
        let named = items.iter().find(|item| item.child_text("Name") == part.name);
        let item = named.or_else(|| items.get(n).filter(|_| items.len() == shape.parts.len()));
        let inner = item.and_then(|item| item.child("Info"));
        entries.push(entry(at, part, inner.as_ref(), general)?);
    }
    count(&mut entries);
    let code = if shape.array { ObjectCode::Array } else { ObjectCode::Record };
    Ok(Object { index, code, name, entries })
}

/// Subindex 0 without a value counts the others.
fn count(entries: &mut [ObjectEntry]) {
    let highest = entries.last().map_or(0, |entry| entry.subindex);
    if let Some(ObjectEntry { subindex: 0, value, .. }) = entries.first_mut()
        && value.iter().all(|byte| *byte == 0)
        && let Some(low) = value.first_mut()
    {
        *low = highest;
    }
}

fn entry(at: &Element<'_>, part: &Part, info: Option<&Element<'_>>, general: u16) -> Result<ObjectEntry, EsiError> {
    let most = u64::from(LONGEST);
    let too_long = || at.fail(EsiProblem::Number { text: part.bits.to_string(), most });
    let bits = u16::try_from(part.bits).map_err(|_| too_long())?;
    let len = usize::from(bits).div_ceil(8);
    let value = info.map_or(Ok(None), |info| default(info, part.data_type))?;
    let mut bytes = value.unwrap_or_default();
    // A text may be shorter than its entry.
    if part.data_type != DataType::Text || bytes.len() > len || bytes.is_empty() {
        bytes.resize(len, 0);
    }
    Ok(ObjectEntry {
        subindex: part.subindex,
        bits,
        data_type: part.data_type,
        access: part.access.unwrap_or(general),
        value: bytes,
        name: part.name.clone(),
    })
}

/// The initial value: bytes, text or a number.
fn default(info: &Element<'_>, data_type: DataType) -> Result<Option<Vec<u8>>, EsiError> {
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
