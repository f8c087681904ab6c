//! Which SubDevice on the bus is which one in the configuration. Pure.
//!
//! The rules, strongest first; each expected one is settled by the first that applies to it:
//! 1. *serial*: not zero, and unique on the bus and in the configuration among the same vendor and product;
//! 2. *alias*: the station alias, not zero and unique on both sides, of the same vendor and product;
//! 3. *position*: vendor, product and revision at the configured position.
//!
//! Many SubDevices report serial 0, so the third is the usual one. A serial that is configured, not zero, and
//! contradicted by a serial at the position (not zero, other) is not settled by position: it was replaced.

use std::fmt;

use crate::subdevice::Identity;

/// One SubDevice that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// The configuration's key for it.
    pub key: String,
    /// Name for messages.
    pub name: String,
    /// Serial number; 0: unknown.
    pub serial: u32,
    /// Station alias; 0: none.
    pub alias: u16,
    /// Vendor.
    pub vendor_id: u32,
    /// Product.
    pub product_code: u32,
    /// Revision.
    pub revision: u32,
    /// Position, 0-based, where it was when the configuration was written.
    pub position: u16,
}

/// What was found at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Position, 0-based.
    pub position: u16,
    /// Identity from the SII.
    pub identity: Identity,
    /// Station alias; 0: none.
    pub alias: u16,
    /// Name from the SII.
    pub name: String,
}

/// The rule that settled a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Serial number.
    Serial,
    /// Station alias.
    Alias,
    /// Vendor, product, revision and position.
    Position,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Serial => "serial number",
            Self::Alias => "station alias",
            Self::Position => "vendor, product, revision and position",
        })
    }
}

/// An expected SubDevice that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The configuration's key.
    pub key: String,
    /// Where it is now.
    pub position: u16,
    /// Where the configuration has it.
    pub configured_position: u16,
    /// How it was recognised.
    pub rule: Rule,
}

impl Match {
    /// Whether it is at another position than the configuration says.
    #[must_use]
    pub const fn moved(&self) -> bool {
        self.position != self.configured_position
    }
}

/// An expected SubDevice that wasn't found, and what is in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The one that is missing.
    pub expected: Expected,
    /// What is at its position, unless that was recognised as another expected one.
    pub instead: Option<Found>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Expected { name, position, vendor_id, product_code, revision, serial, .. } = &self.expected;
        write!(
            f,
            "{name} (vendor {vendor_id:#010x}, product {product_code:#010x}, revision {revision:#010x}, serial {serial}) \
             is missing; configured at position {position}, where "
        )?;
        match &self.instead {
            None => f.write_str("there is no SubDevice left to be it"),
            Some(Found { identity, name, .. }) => write!(
                f,
                "{name} (vendor {:#010x}, product {:#010x}, revision {:#010x}, serial {}) was found",
                identity.vendor_id, identity.product_code, identity.revision, identity.serial
            ),
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
    let mut taken = vec![false; found.len()];
    let mut settled: Vec<Option<(usize, Rule)>> = vec![None; expected.len()];
    for rule in [Rule::Serial, Rule::Alias, Rule::Position] {
        for (index, wanted) in expected.iter().enumerate() {
            if settled[index].is_some() {
                continue;
            }
            let free = |candidate: &usize| !taken[*candidate];
            if let Some(candidate) = candidate(rule, wanted, expected, found).filter(free) {
                taken[candidate] = true;
                settled[index] = Some((candidate, rule));
            }
        }
    }
    collect(expected, found, &settled, &taken)
}

fn collect(expected: &[Expected], found: &[Found], settled: &[Option<(usize, Rule)>], taken: &[bool]) -> Matching {
    let mut matching = Matching::default();
    for (wanted, settled) in expected.iter().zip(settled) {
        match *settled {
            Some((index, rule)) => matching.matches.push(Match {
                key: wanted.key.clone(),
                position: found[index].position,
                configured_position: wanted.position,
                rule,
            }),
            None => {
                let at_place =
                    found.iter().zip(taken).find(|(found, taken)| found.position == wanted.position && !**taken);
                let instead = at_place.map(|(found, _)| found.clone());
                matching.missing.push(Missing { expected: wanted.clone(), instead });
            }
        }
    }
    let left = found.iter().zip(taken).filter(|(_, taken)| !**taken);
    matching.unexpected = left.map(|(found, _)| found.position).collect();
    matching
}

fn candidate(rule: Rule, wanted: &Expected, expected: &[Expected], found: &[Found]) -> Option<usize> {
    match rule {
        Rule::Serial => unique(
            wanted,
            expected,
            found,
            wanted.serial != 0,
            |e| e.serial == wanted.serial,
            |f| f.identity.serial == wanted.serial,
        ),
        Rule::Alias => unique(
            wanted,
            expected,
            found,
            wanted.alias != 0,
            |e| e.alias == wanted.alias,
            |f| f.alias == wanted.alias && !replaced(wanted, f),
        ),
        Rule::Position => found.iter().position(|found| {
            found.position == wanted.position
                && same_product(wanted, found)
                && found.identity.revision == wanted.revision
                && !replaced(wanted, found)
        }),
    }
}

fn unique(
    wanted: &Expected,
    expected: &[Expected],
    found: &[Found],
    given: bool,
    same_expected: impl Fn(&Expected) -> bool,
    same_found: impl Fn(&Found) -> bool,
) -> Option<usize> {
    let product = |e: &&Expected| e.vendor_id == wanted.vendor_id && e.product_code == wanted.product_code;
    if !given || expected.iter().filter(product).filter(|e| same_expected(e)).count() != 1 {
        return None;
    }
    let mut hits = found.iter().enumerate().filter(|(_, f)| same_product(wanted, f) && same_found(f));
    let (index, _) = hits.next()?;
    hits.next().is_none().then_some(index)
}

const fn same_product(wanted: &Expected, found: &Found) -> bool {
    wanted.vendor_id == found.identity.vendor_id && wanted.product_code == found.identity.product_code
}

/// Both sides know a serial, and they differ.
const fn replaced(wanted: &Expected, found: &Found) -> bool {
    wanted.serial != 0 && found.identity.serial != 0 && wanted.serial != found.identity.serial
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(key: &str, product_code: u32, serial: u32, position: u16) -> Expected {
        let (key, name) = (key.to_owned(), key.to_uppercase());
        Expected { key, name, serial, alias: 0, vendor_id: 2, product_code, revision: 0x10, position }
    }

    fn found(position: u16, product_code: u32, serial: u32) -> Found {
        let identity = Identity { vendor_id: 2, product_code, revision: 0x10, serial };
        Found { position, identity, alias: 0, name: format!("P{product_code}") }
    }

    fn short(matching: &Matching) -> Vec<(&str, u16, Rule)> {
        matching.matches.iter().map(|m| (m.key.as_str(), m.position, m.rule)).collect()
    }

    #[test]
    fn a_unique_serial_is_followed_to_another_position() {
        let matching =
            identify(&[expected("a", 7, 100, 0), expected("b", 7, 200, 1)], &[found(0, 7, 200), found(1, 7, 100)]);
        assert_eq!(short(&matching), [("a", 1, Rule::Serial), ("b", 0, Rule::Serial)]);
        assert!(matching.matches[0].moved());
    }

    #[test]
    fn serial_zero_is_never_a_serial() {
        let matching = identify(&[expected("a", 7, 0, 0), expected("b", 7, 0, 1)], &[found(0, 7, 0), found(1, 7, 0)]);
        assert_eq!(short(&matching), [("a", 0, Rule::Position), ("b", 1, Rule::Position)]);
    }

    #[test]
    fn a_serial_that_is_there_twice_falls_back_to_position() {
        let matching = identify(&[expected("a", 7, 5, 1)], &[found(0, 7, 5), found(1, 7, 5)]);
        assert_eq!(short(&matching), [("a", 1, Rule::Position)]);
        assert_eq!(matching.unexpected, [0]);
    }

    #[test]
    fn an_alias_comes_before_the_position() {
        let wanted = Expected { alias: 42, ..expected("a", 7, 0, 0) };
        let there = Found { alias: 42, ..found(1, 7, 0) };
        let matching = identify(&[wanted], &[found(0, 7, 0), there]);
        assert_eq!(short(&matching), [("a", 1, Rule::Alias)]);
    }

    #[test]
    fn a_replaced_one_is_missing_and_the_message_names_both() {
        let matching = identify(&[expected("a", 7, 100, 0)], &[found(0, 7, 300)]);
        assert_eq!(short(&matching), []);
        let message = matching.missing[0].to_string();
        assert!(message.starts_with("A (vendor 0x00000002, product 0x00000007"), "{message}");
        assert!(
            message.ends_with("P7 (vendor 0x00000002, product 0x00000007, revision 0x00000010, serial 300) was found")
        );
        assert_eq!(matching.unexpected, [0]);
    }

    #[test]
    fn another_revision_at_the_position_is_no_match() {
        let mut other = found(0, 7, 0);
        other.identity.revision = 0x11;
        assert_eq!(identify(&[expected("a", 7, 0, 0)], &[other]).missing.len(), 1);
    }

    #[test]
    fn a_short_bus_names_who_is_missing() {
        let matching = identify(&[expected("a", 7, 0, 0), expected("b", 8, 0, 1)], &[found(0, 7, 0)]);
        assert_eq!(matching.missing.len(), 1);
        assert!(matching.missing[0].to_string().contains("B (vendor"), "{}", matching.missing[0]);
        assert_eq!(matching.missing[0].instead, None);
    }
}
