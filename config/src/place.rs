//! Which of several entries of one index and subindex is meant: they are told apart by their PDO and their place in it.
//!
//! A SubDevice may map one object in two PDOs, several times within one (oversampling terminals), or bring one PDO index
//! in two slots. Guarantees: [`Place::of`] names one entry and no other, with as few keys as that takes.

#[cfg(feature = "schema")]
use crate::number;
use serde::Serialize;
use std::fmt;

/// Which of the entries of its index, subindex and direction is meant; without keys the only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Place {
    /// Index of the PDO that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "number::schema_u16"))]
    pub pdo_index: Option<u16>,
    /// Which PDO of that index, where several slots bring it: 1 is the first in the process image.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub pdo_nth: Option<u16>,
    /// Which of the entries that are left, in the order of the process image: 1 is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub nth: Option<u16>,
}

/// One of the entries of an index and subindex that a SubDevice maps in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Index of its PDO.
    pub pdo_index: u16,
    /// Which PDO of that index, 1 for the first.
    pub pdo_nth: u16,
    /// Its length in bits.
    pub bit_length: u8,
}

impl Place {
    /// The keys that name entry `n` of those in the order of the process image; none where it is the only one.
    #[must_use]
    pub fn of(n: usize, among: &[Candidate]) -> Self {
        let Some(own) = among.get(n).filter(|_| among.len() > 1) else { return Self::default() };
        let pdo = Self { pdo_index: Some(own.pdo_index), ..Self::default() };
        let one_pdo = |left: &[usize]| {
            let mut nths = left.iter().filter_map(|n| among.get(*n)).map(|one| (one.pdo_index, one.pdo_nth));
            nths.all(|nth| nth == (own.pdo_index, own.pdo_nth))
        };
        let all: Vec<usize> = (0..among.len()).collect();
        let place = if one_pdo(&all) {
            Self::default()
        } else if one_pdo(&pdo.select(among)) {
            pdo
        } else {
            Self { pdo_nth: Some(own.pdo_nth), ..pdo }
        };
        let left = place.select(among);
        let nth = left.iter().position(|left| *left == n).filter(|_| left.len() > 1);
        Self { nth: nth.and_then(|nth| u16::try_from(nth + 1).ok()), ..place }
    }

    /// The entry that is meant, as its place among all of its index and subindex. Where the keys leave several, those of
    /// another length are not meant.
    ///
    /// # Errors
    /// Those that the keys leave: none, or several.
    pub fn find(&self, bit_length: u8, among: &[Candidate]) -> Result<usize, Vec<usize>> {
        let left = self.select(among);
        let as_long = |n: &&usize| among.get(**n).is_some_and(|one| one.bit_length == bit_length);
        match *left {
            [one] => Ok(one),
            _ => match *left.iter().filter(as_long).collect::<Vec<_>>() {
                [one] => Ok(*one),
                _ => Err(left),
            },
        }
    }

    fn select(&self, among: &[Candidate]) -> Vec<usize> {
        let wanted = |key: Option<u16>, has: u16| key.is_none_or(|key| key == has);
        let here = |one: &Candidate| wanted(self.pdo_index, one.pdo_index) && wanted(self.pdo_nth, one.pdo_nth);
        let left = among.iter().enumerate().filter(|(_, one)| here(one)).map(|(n, _)| n);
        match self.nth {
            None => left.collect(),
            Some(nth) => left.skip(usize::from(nth).saturating_sub(1)).take(1).collect(),
        }
    }

    /// Whether the two may mean the same entry: no key that both give differs.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        let agree = |one: Option<u16>, other: Option<u16>| one.zip(other).is_none_or(|(one, other)| one == other);
        agree(self.pdo_index, other.pdo_index) && agree(self.pdo_nth, other.pdo_nth) && agree(self.nth, other.nth)
    }
}

impl fmt::Display for Place {
    /// As the keys of a rig file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pdo_index = self.pdo_index.map(|index| format!("\"pdo_index\": \"{index:#06x}\""));
        let pdo_nth = self.pdo_nth.map(|nth| format!("\"pdo_nth\": {nth}"));
        let nth = self.nth.map(|nth| format!("\"nth\": {nth}"));
        let keys: Vec<String> = [pdo_index, pdo_nth, nth].into_iter().flatten().collect();
        f.write_str(&keys.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidates(all: &[(u16, u16, u8)]) -> Vec<Candidate> {
        let one = |(pdo_index, pdo_nth, bit_length): &(u16, u16, u8)| Candidate {
            pdo_index: *pdo_index,
            pdo_nth: *pdo_nth,
            bit_length: *bit_length,
        };
        all.iter().map(one).collect()
    }

    fn keys(all: &[(u16, u16, u8)]) -> Vec<String> {
        let all = candidates(all);
        (0..all.len()).map(|n| Place::of(n, &all).to_string()).collect()
    }

    #[test]
    fn an_entry_that_stands_once_needs_no_key() {
        assert_eq!(keys(&[(0x1a00, 1, 16)]), [""]);
    }

    #[test]
    fn two_pdos_are_told_apart_by_index_and_entries_of_one_by_their_order() {
        let expected = [
            "\"pdo_index\": \"0x1a00\"",
            "\"pdo_index\": \"0x1a01\", \"nth\": 1",
            "\"pdo_index\": \"0x1a01\", \"nth\": 2",
        ];
        assert_eq!(keys(&[(0x1a00, 1, 1), (0x1a01, 1, 16), (0x1a01, 1, 16)]), expected);
        assert_eq!(keys(&[(0x1a01, 1, 16), (0x1a01, 1, 16)]), ["\"nth\": 1", "\"nth\": 2"]);
    }

    #[test]
    fn slots_with_one_pdo_index_are_told_apart_by_their_order() {
        let expected = ["\"pdo_index\": \"0x1a00\", \"pdo_nth\": 1", "\"pdo_index\": \"0x1a00\", \"pdo_nth\": 2"];
        assert_eq!(keys(&[(0x1a00, 1, 8), (0x1a00, 2, 8)]), expected);
    }

    #[test]
    fn without_keys_the_length_decides_where_only_one_has_it() {
        let all = candidates(&[(0x1a00, 1, 1), (0x1a01, 1, 16), (0x1a01, 1, 16)]);
        assert_eq!(Place::default().find(1, &all), Ok(0));
        assert_eq!(Place::default().find(16, &all), Err(vec![0, 1, 2]));
        let other = Place { pdo_index: Some(0x1a02), ..Place::default() };
        assert_eq!(other.find(1, &all), Err(vec![]));
    }

    proptest! {
        #[test]
        fn every_entry_is_named_by_its_keys(
            mut all in prop::collection::vec((0x1a00u16..0x1a03, 1u16..4, prop::sample::select(vec![1u8, 16])), 1..9)
        ) {
            all.sort_unstable();
            let all = candidates(&all);
            for (n, one) in all.iter().enumerate() {
                let place = Place::of(n, &all);
                prop_assert_eq!(place.find(one.bit_length, &all), Ok(n));
                prop_assert_eq!(place.select(&all), vec![n]);
            }
        }
    }
}
