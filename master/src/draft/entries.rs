//! The entries that a SubDevice maps, as a rig file lists them: a name, a data type, and what tells those of one index and
//! subindex apart.

use std::collections::BTreeSet;
use zerocat_config::{Candidate, PdoEntry, Place};
use zerocat_pdi::{DataType, Entry, Pdo};

/// Names that the entries of one SubDevice have already.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeSet<String>);

/// A mapped entry and where it stands.
struct Mapped<'a> {
    pdo: &'a Pdo,
    /// Which of the PDOs of that index, 1 for the first.
    nth: u16,
    entry: &'a Entry,
}

/// The entries of the PDOs of one direction, without padding and what has no bits.
pub(crate) fn entries(pdos: &[Pdo], names: &mut Names) -> Vec<PdoEntry> {
    let all = mapped(pdos);
    let bits = all.iter().filter(|one| one.entry.bit_length > 0);
    bits.map(|one| pdo_entry(one, &all, names)).collect()
}

fn mapped(pdos: &[Pdo]) -> Vec<Mapped<'_>> {
    let nth = |n: usize, pdo: &Pdo| pdos.iter().take(n + 1).filter(|other| other.index == pdo.index).count();
    let of_pdo = |(n, pdo)| {
        let nth = u16::try_from(nth(n, pdo)).unwrap_or(u16::MAX);
        pdo.entries.iter().map(move |entry| Mapped { pdo, nth, entry })
    };
    pdos.iter().enumerate().flat_map(of_pdo).filter(|one| !one.entry.is_padding()).collect()
}

fn pdo_entry(one: &Mapped<'_>, all: &[Mapped<'_>], names: &mut Names) -> PdoEntry {
    let address = |one: &Mapped<'_>| (one.entry.index, one.entry.subindex);
    let same: Vec<&Mapped<'_>> = all.iter().filter(|other| address(other) == address(one)).collect();
    let number = same.iter().position(|other| std::ptr::eq(other.entry, one.entry)).unwrap_or(0);
    let candidates: Vec<Candidate> = same.iter().map(|one| candidate(one)).collect();
    PdoEntry {
        name: names.name(one, same.len() > 1),
        index: one.entry.index,
        subindex: one.entry.subindex,
        place: Place::of(number, &candidates),
        bit_length: one.entry.bit_length,
        data_type: data_type(one.entry),
    }
}

fn candidate(one: &Mapped<'_>) -> Candidate {
    Candidate { pdo_index: one.pdo.index, pdo_nth: one.nth, bit_length: one.entry.bit_length }
}

impl Names {
    /// A name that is free, by what the SubDevice calls entry and PDO. Where it maps the object several times, the names
    /// are counted; else a PDO's name tells entries apart.
    fn name(&mut self, one: &Mapped<'_>, several: bool) -> String {
        let address = format!("{:04x}_{:02x}", one.entry.index, one.entry.subindex);
        let plain = sanitised(&one.entry.name);
        let qualified = sanitised(&format!("{} {}", one.pdo.name, one.entry.name));
        let unnamed = format!("entry_{address}");
        let long = if qualified.is_empty() { unnamed.clone() } else { format!("{qualified}_{address}") };
        let mut candidates = [plain, qualified, long, unnamed.clone()].into_iter().filter(|name| !name.is_empty());
        let first = candidates.next().unwrap_or(unnamed);
        let others = candidates.filter(|_| !several);
        let mut free = std::iter::once(first.clone()).chain(others).filter(|name| !self.0.contains(name));
        let name = free.next().unwrap_or_else(|| self.counted(&first));
        self.0.insert(name.clone());
        name
    }

    fn counted(&self, name: &str) -> String {
        let numbers = (2..u32::MAX).map(|n| format!("{name}_{n}"));
        numbers.into_iter().find(|name| !self.0.contains(name)).unwrap_or_default()
    }
}

/// Lower case, underscores only, as the specification's rule for channel names has it.
fn sanitised(name: &str) -> String {
    let mut clean = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            clean.push(letter);
        } else if !clean.is_empty() && !clean.ends_with('_') {
            clean.push('_');
        }
    }
    clean.trim_end_matches('_').to_owned()
}

/// The data type of an entry: by the base data type (ETG.1020, table 98) where it fits the length, else the smallest unsigned
/// one, or bytes.
#[must_use]
pub fn data_type(entry: &Entry) -> DataType {
    let by_code = by_code(entry.type_code);
    by_code.filter(|data_type| data_type.fits(entry.bit_length)).unwrap_or(match entry.bit_length {
        1 => DataType::Bool,
        2..=8 => DataType::Uint8,
        9..=16 => DataType::Uint16,
        17..=32 => DataType::Uint32,
        33..=64 => DataType::Uint64,
        _ => DataType::Bytes,
    })
}

/// Whether the SubDevice says the data type of an entry, or its length leaves no choice.
pub(crate) fn is_said(entry: &Entry) -> bool {
    let fits = by_code(entry.type_code).is_none_or(|data_type| data_type.fits(entry.bit_length));
    !matches!(entry.bit_length, 2..=64) || (entry.type_code != 0 && fits)
}

/// The data type that a base data type says where it is not an unsigned number of the entry's length.
fn by_code(type_code: u16) -> Option<DataType> {
    match type_code {
        0x0001 => Some(DataType::Bool),
        0x0002 => Some(DataType::Int8),
        0x0003 => Some(DataType::Int16),
        0x0004 | 0x0010 => Some(DataType::Int32),
        0x0008 => Some(DataType::Float32),
        // VISIBLE_STRING, OCTET_STRING, UNICODE_STRING, GUID.
        0x0009..=0x000b | 0x001d => Some(DataType::Bytes),
        0x0011 => Some(DataType::Float64),
        0x0012..=0x0015 => Some(DataType::Int64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(subindex: u8, bit_length: u8, name: &str, type_code: u16) -> Entry {
        Entry { index: 0x6000, subindex, bit_length, name: name.to_owned(), type_code }
    }

    fn pdo(index: u16, name: &str, entries: Vec<Entry>) -> Pdo {
        Pdo { index, name: name.to_owned(), entries }
    }

    /// Names and keys of the entries.
    fn listed(pdos: &[Pdo]) -> Vec<(String, String)> {
        let entries = entries(pdos, &mut Names::default());
        entries.into_iter().map(|entry| (entry.name, entry.place.to_string())).collect()
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, keys)| ((*name).to_owned(), (*keys).to_owned())).collect()
    }

    #[test]
    fn an_object_in_two_pdos_and_twice_in_one_is_told_apart() {
        let status = vec![entry(1, 1, "Underrange", 1), entry(2, 1, "Overrange", 1)];
        let samples = vec![entry(2, 16, "Sample", 3), entry(2, 16, "Sample", 3)];
        let expected = pairs(&[
            ("underrange", ""),
            ("overrange", "\"pdo_index\": \"0x1a00\""),
            ("sample", "\"pdo_index\": \"0x1a01\", \"nth\": 1"),
            ("sample_2", "\"pdo_index\": \"0x1a01\", \"nth\": 2"),
        ]);
        assert_eq!(listed(&[pdo(0x1a00, "Status", status), pdo(0x1a01, "Samples", samples)]), expected);
    }

    #[test]
    fn slots_that_bring_one_pdo_index_are_told_apart() {
        let module = || pdo(0x1a00, "In", vec![entry(1, 8, "Cmd", 5)]);
        let keys = |nth| format!("\"pdo_index\": \"0x1a00\", \"pdo_nth\": {nth}");
        assert_eq!(listed(&[module(), module()]), pairs(&[("cmd", &keys(1)), ("cmd_2", &keys(2))]));
    }

    #[test]
    fn what_has_no_name_is_called_by_its_address() {
        let nameless = vec![entry(1, 8, "", 0), entry(2, 8, " -", 0), entry(2, 8, "", 0)];
        let expected =
            pairs(&[("entry_6000_01", ""), ("entry_6000_02", "\"nth\": 1"), ("entry_6000_02_2", "\"nth\": 2")]);
        assert_eq!(listed(&[pdo(0x1a00, "", nameless)]), expected);
    }

    #[test]
    fn what_is_longer_than_64_bits_or_a_text_is_bytes_and_what_has_no_bits_is_left_out() {
        let all = vec![entry(1, 80, "a", 0x0a), entry(2, 128, "b", 0), entry(3, 24, "c", 0x09), entry(4, 0, "d", 3)];
        let types: Vec<_> =
            entries(&[pdo(0x1a00, "", all)], &mut Names::default()).iter().map(|e| e.data_type).collect();
        assert_eq!(types, [DataType::Bytes; 3]);
    }

    #[test]
    fn the_type_that_the_subdevice_says_counts_where_it_fits() {
        let all =
            vec![entry(1, 24, "a", 0x10), entry(2, 16, "b", 0x08), entry(3, 48, "c", 0x13), entry(4, 4, "d", 0x1e)];
        let types: Vec<_> =
            entries(&[pdo(0x1a00, "", all)], &mut Names::default()).iter().map(|e| e.data_type).collect();
        assert_eq!(types, [DataType::Int32, DataType::Uint16, DataType::Int64, DataType::Uint8]);
    }
}
