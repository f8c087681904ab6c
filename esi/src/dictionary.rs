//! The object dictionary of a device (ETG.2000, DictionaryType): its data types, and all objects.

use std::collections::{HashMap, HashSet};

use crate::data_type::{self, DataType};
use crate::element::Element;
use crate::error::{EsiError, EsiProblem};
use crate::object::{self, Object};
use crate::slot::{Plugged, Shift};

/// Most entries of a dictionary, and most bytes of their values, with all arrays expanded.
const ENTRIES: usize = 65_536;
const BYTES: usize = 4 * 1024 * 1024;

/// The objects of a device, `None` where the file has no dictionary for it. Those of the modules in its slots are
/// added; where both have an index, the device's object counts.
pub(crate) fn read(device: &Element<'_>, plugged: &[Plugged<'_>]) -> Result<Option<Vec<Object>>, EsiError> {
    let Some(mut all) = read_one(device, Shift::default())? else { return Ok(None) };
    let mut known: HashSet<u16> = all.iter().map(|object| object.index).collect();
    for Plugged { module, shift, .. } in plugged {
        let objects = read_one(module, *shift)?.unwrap_or_default();
        all.extend(objects.into_iter().filter(|object| known.insert(object.index)));
        let size = all.iter().map(|object| object.entries.len()).sum::<usize>();
        if size > ENTRIES {
            return Err(module.fail(EsiProblem::DictionaryTooLarge(ENTRIES)));
        }
    }
    Ok(Some(all))
}

fn read_one(device: &Element<'_>, shift: Shift) -> Result<Option<Vec<Object>>, EsiError> {
    let Some(profile) = device.child("Profile") else { return Ok(None) };
    let Some(dictionary) = profile.child("Dictionary") else { return Ok(None) };
    let listed = dictionary.child("Objects");
    let Some(objects) = listed.filter(|objects| objects.child("Object").is_some()) else { return Ok(None) };
    let empty = dictionary.child("DataTypes");
    let all: Vec<Element<'_>> = empty.iter().flat_map(|types| types.children("DataType")).collect();
    let types = Types { by_name: all.iter().map(|at| (at.child_text("Name"), at)).collect() };
    let mut read: Vec<Object> = Vec::new();
    let (mut entries, mut bytes) = (0, 0);
    let mut known = HashSet::new();
    for at in objects.children("Object") {
        let object = object::read(&at, &types, shift)?;
        if !known.insert(object.index) {
            return Err(at.fail(EsiProblem::ObjectTwice(object.index)));
        }
        entries += object.entries.len();
        bytes += object.entries.iter().map(|entry| usize::from(entry.bits).div_ceil(8)).sum::<usize>();
        if entries > ENTRIES || bytes > BYTES {
            return Err(at.fail(EsiProblem::DictionaryTooLarge(if entries > ENTRIES { ENTRIES } else { BYTES })));
        }
        read.push(object);
    }
    Ok(Some(read))
}

/// The data types that the file describes.
#[derive(Debug)]
pub(crate) struct Types<'a> {
    by_name: HashMap<&'a str, &'a Element<'a>>,
}

/// A part of an object's type, at one subindex.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) subindex: u8,
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) bits: u32,
    pub(crate) access: Option<u16>,
}

/// What an object of a type consists of.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) parts: Vec<Part>,
    pub(crate) array: bool,
}

impl<'a> Types<'a> {
    /// Base type and length of a simple type. A type that the file describes has the length given there.
    fn simple(&self, name: &str, bits: Option<u32>) -> Option<(DataType, u32)> {
        if let Some(base) = data_type::base(name) {
            return Some((base.code, bits.unwrap_or(base.bits)));
        }
        let described = self.by_name.get(name)?;
        let own = described.child_number("BitSize").ok().flatten();
        let base = data_type::base(described.child_text("BaseType"));
        Some((base.map_or(DataType::None, |base| base.code), bits.or(own)?))
    }

    /// The same, or an error at the element that names it.
    pub(crate) fn need(&self, at: &Element<'_>) -> Result<(DataType, u32), EsiError> {
        let name = at.child_text("Type");
        let bits = at.child_number("BitSize")?;
        self.simple(name, bits).ok_or_else(|| at.fail(EsiProblem::DataType(name.chars().take(40).collect())))
    }

    /// The parts of a type with subindices; `None` for a simple type.
    pub(crate) fn shape(&self, name: &str) -> Result<Option<Shape>, EsiError> {
        let Some(described) = self.by_name.get(name) else { return Ok(None) };
        let mut shape = Shape { parts: Vec::new(), array: false };
        let mut next = 0u8;
        for item in described.children("SubItem") {
            let number = item.child_number("SubIdx")?;
            match (number, self.by_name.get(item.child_text("Type"))) {
                (None, Some(array)) if array.child("ArrayInfo").is_some() => {
                    shape.array = true;
                    next = self.unfold(&item, array, &mut shape.parts)?;
                }
                (number, _) => {
                    let (data_type, bits) = self.need(&item)?;
                    let subindex = number.unwrap_or(next);
                    let name = item.localized("Name").to_owned();
                    shape.parts.push(Part { subindex, name, data_type, bits, access: crate::flags::access(&item) });
                    next = subindex.saturating_add(1);
                }
            }
        }
        shape.parts.sort_by_key(|part| part.subindex);
        shape.parts.dedup_by_key(|part| part.subindex);
        Ok((!shape.parts.is_empty()).then_some(shape))
    }

    /// Adds the elements of an array. Returns the subindex after them.
    fn unfold(&self, item: &Element<'_>, array: &Element<'_>, parts: &mut Vec<Part>) -> Result<u8, EsiError> {
        let info = array.need("ArrayInfo")?;
        let first: u8 = info.child_number("LBound")?.unwrap_or(1);
        let count: u8 = info.need("Elements")?.number()?;
        let name = array.child_text("BaseType");
        let all: Option<u32> = array.child_number("BitSize")?;
        let bits = all.filter(|_| count > 0).map(|all| all / u32::from(count));
        let simple = self.simple(name, None).or_else(|| Some((DataType::None, bits?)));
        let (data_type, bits) =
            simple.ok_or_else(|| array.fail(EsiProblem::DataType(name.chars().take(40).collect())))?;
        let access = crate::flags::access(item);
        for subindex in (first..=u8::MAX).take(usize::from(count)) {
            parts.push(Part { subindex, name: format!("SubIndex {subindex:03}"), data_type, bits, access });
        }
        Ok(first.saturating_add(count))
    }
}
