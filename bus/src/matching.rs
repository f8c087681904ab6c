//! Which SubDevice on the bus is which one in the configuration. Pure.
//!
//! What the configuration says of vendor, product, revision and serial number are rules: whoever breaks one is not the
//! SubDevice that is meant. Where it is looked for, the strongest first:
//! 1. *serial*: a serial number other than 0, wherever it is on the bus;
//! 2. *alias*: the station alias, wherever it is;
//! 3. *device ID*: the number that a switch of it shows, wherever it is;
//! 4. *position*: the configured position, and nowhere else;
//! 5. *identity*: none of these is configured; the first one in bus order that keeps the rules and that nobody else is.
//!
//! The configured position of one that is found by serial, alias or device ID says only where it was, and which of several it is.
//! Guarantees: each SubDevice on the bus is at most one of the configuration, each of the configuration is found by its
//! strongest rule or is missing, with what breaks which rule in its place.

mod apart;
mod expected;
mod missing;
#[cfg(test)]
mod tests;

pub use apart::{told_apart_by, twins};
pub use expected::{Accepts, Expected, Found, FoundBy, Product};
pub use missing::{Difference, Missing, Why};

use std::fmt;

/// An expected SubDevice that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The configuration's key.
    pub key: String,
    /// Where it is now.
    pub position: u16,
    /// Where the configuration has it.
    pub configured_position: Option<u16>,
    /// How it was recognised.
    pub by: FoundBy,
    /// Its station alias and that of the configuration, where they differ.
    pub other_alias: Option<(u16, u16)>,
    /// Its device ID (`None`: it shows none) and that of the configuration, where they differ.
    pub other_device_id: Option<(Option<u16>, u16)>,
}

impl Match {
    /// The position that the configuration says, where it is at another one.
    #[must_use]
    pub fn moved_from(&self) -> Option<u16> {
        self.configured_position.filter(|configured| *configured != self.position)
    }

    /// What is otherwise than the configuration says and no rule: where it is, its alias, its device ID.
    #[must_use]
    pub fn asides(&self) -> Vec<Aside> {
        let moved = self.moved_from().map(|from| Aside::Moved { from, to: self.position });
        let alias = self.other_alias.map(|(found, configured)| Aside::Alias { found, configured });
        let id = self.other_device_id.map(|(found, configured)| Aside::DeviceId { found, configured });
        moved.into_iter().chain(alias).chain(id).collect()
    }
}

/// Something that is otherwise than the configuration says, and no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aside {
    /// It is at another position.
    Moved {
        /// That of the configuration.
        from: u16,
        /// Where it is.
        to: u16,
    },
    /// It has another station alias.
    Alias {
        /// What it has.
        found: u16,
        /// That of the configuration.
        configured: u16,
    },
    /// It has another device ID.
    DeviceId {
        /// What it shows; `None`: nothing.
        found: Option<u16>,
        /// That of the configuration.
        configured: u16,
    },
    /// It is given a NetID, and doesn't speak AoE.
    NoAoe,
}

impl fmt::Display for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved { from, to } => write!(f, "moved from position {from} to {to}"),
            Self::Alias { found, configured } => {
                write!(f, "has the station alias {found}, the rig file says {configured}")
            }
            Self::DeviceId { found: Some(found), configured } => {
                write!(f, "has the device ID {found}, the rig file says {configured}")
            }
            Self::NoAoe => f.write_str("speaks no AoE, so the `aoe.net_id` that the rig file has for it does nothing"),
            Self::DeviceId { found: None, configured } => {
                write!(f, "shows no device ID, the rig file says {configured}")
            }
        }
    }
}

/// The result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matching {
    /// Expected and found, in the order of the expected.
    pub matches: Vec<Match>,
    /// Expected and not found.
    pub missing: Vec<Missing>,
    /// Positions that nobody expected.
    pub unexpected: Vec<u16>,
}

/// Recognises the expected SubDevices among the found ones.
#[must_use]
pub fn identify(expected: &[Expected], found: &[Found]) -> Matching {
    let mut search = Search { expected, found, owners: vec![None; found.len()] };
    let mut settled: Vec<Option<usize>> = vec![None; expected.len()];
    for by in FoundBy::ALL {
        for (n, wanted) in expected.iter().enumerate().filter(|(_, wanted)| wanted.found_by() == by) {
            settled[n] = search.take(n, wanted);
        }
    }
    let mut matching = Matching::default();
    for (wanted, settled) in expected.iter().zip(settled) {
        match settled {
            Some(index) => matching.matches.push(matched(wanted, &found[index])),
            None => matching.missing.push(Missing { expected: wanted.clone(), why: search.why(wanted) }),
        }
    }
    matching.unexpected = search.free().map(|found| found.position).collect();
    matching
}

fn matched(wanted: &Expected, found: &Found) -> Match {
    let other = wanted.alias.filter(|alias| *alias != found.alias);
    let other_id = wanted.device_id.filter(|id| Some(*id) != found.device_id);
    Match {
        key: wanted.key.clone(),
        position: found.position,
        configured_position: wanted.position,
        by: wanted.found_by(),
        other_alias: other.map(|configured| (found.alias, configured)),
        other_device_id: other_id.map(|configured| (found.device_id, configured)),
    }
}

struct Search<'a> {
    expected: &'a [Expected],
    found: &'a [Found],
    /// For each one on the bus, whom of the expected it is.
    owners: Vec<Option<usize>>,
}

impl<'a> Search<'a> {
    /// The one on the bus that is the `n`th expected: of several that keep its rules the one at its position, else the first.
    fn take(&mut self, n: usize, wanted: &Expected) -> Option<usize> {
        let candidates = self.found.iter().enumerate().filter(|(index, _)| self.owners[*index].is_none());
        let fitting = candidates.filter(|(_, found)| wanted.accepts(found));
        let (index, _) = fitting.min_by_key(|(index, found)| (wanted.position != Some(found.position), *index))?;
        self.owners[index] = Some(n);
        Some(index)
    }

    /// Those on the bus that are nobody of the configuration.
    fn free(&self) -> impl Iterator<Item = &'a Found> + '_ {
        self.found.iter().zip(&self.owners).filter(|(_, owner)| owner.is_none()).map(|(found, _)| found)
    }

    /// Why an expected one wasn't found.
    fn why(&self, wanted: &Expected) -> Why {
        let kin = || self.free().find(|found| wanted.says_kind() && wanted.same_kind(found)).cloned();
        if let Some(found) = self.meant(wanted) {
            let differences = Difference::between(wanted, found, kin);
            return Why::Differs { found: found.clone(), differences };
        }
        // Where only the position finds it, one of its kind may be at another.
        let elsewhere = if wanted.found_by() == FoundBy::Position { kin() } else { None };
        match self.owner_at(wanted.position).filter(|_| wanted.found_by() == FoundBy::Position) {
            Some(by) => Why::Taken { by, elsewhere },
            None => Why::Nowhere { count: self.found.len(), elsewhere },
        }
    }

    /// The one on the bus that is most likely meant by an expected one, though it breaks a rule.
    fn meant(&self, wanted: &Expected) -> Option<&'a Found> {
        let first = |is: &dyn Fn(&Found) -> bool| self.free().find(|found| is(found));
        let kin = |found: &Found| wanted.says_kind() && wanted.same_kind(found);
        let at_position = |found: &Found| wanted.position == Some(found.position);
        if wanted.found_by() == FoundBy::Position {
            return first(&at_position);
        }
        let serial =
            |found: &Found| found.identity.serial != 0 && wanted.serial == Accepts::Exactly(found.identity.serial);
        let alias = |found: &Found| wanted.alias == Some(found.alias);
        let device_id = |found: &Found| wanted.device_id.is_some() && wanted.device_id == found.device_id;
        first(&|found| serial(found) && wanted.same_kind(found))
            .or_else(|| first(&alias))
            .or_else(|| first(&device_id))
            .or_else(|| first(&|found| at_position(found) && kin(found)))
            .or_else(|| first(&kin))
            .or_else(|| first(&at_position))
    }

    fn owner_at(&self, position: Option<u16>) -> Option<String> {
        let index = self.found.iter().position(|found| Some(found.position) == position)?;
        self.owners[index].map(|owner| self.expected[owner].key.clone())
    }
}
