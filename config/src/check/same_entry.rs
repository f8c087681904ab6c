//! Entries that share index and subindex must be told apart, where a channel refers to one of them.
//!
//! The file need not list what a SubDevice maps, so what it doesn't list is found by a run only, which names what the
//! SubDevice maps in the same words.

use super::Found;
use crate::error::Rule;
use crate::place::Place;
use crate::resolve::{entries, entry};
use crate::rig::{PdoEntry, Slave};
use crate::task::Target;
use zerocat_pdi::Direction;

/// Checks the keys that tell entries apart.
pub(super) fn keys(place: &Place, at: &str, found: &mut Found) {
    let alone = place.pdo_nth.is_none() || place.pdo_index.is_some();
    let fix = "give `pdo_index`, the index of the PDOs that it counts";
    found.demand(Rule::KeyMissing, alone, &format!("{at}.pdo_nth"), "it stands alone", fix);
    for (key, value) in [("pdo_nth", place.pdo_nth), ("nth", place.nth)] {
        found.demand(Rule::OutOfRange, value != Some(0), &format!("{at}.{key}"), "it is 0", "count from 1");
    }
}

/// Checks that a channel's entry is told apart from the others that the slave lists.
pub(super) fn ambiguous(slave: &Slave, direction: Direction, target: &Target, at: &str, found: &mut Found) {
    let listed = entries(slave, direction);
    let Some(meant) = entry(slave, direction, target) else { return };
    let same: Vec<&PdoEntry> = listed.iter().filter(|other| may_be(&meant, other)).collect();
    if same.len() < 2 {
        return;
    }
    let key = match target {
        Target::Automatic { .. } => "pdo",
        Target::Manual { .. } | Target::Untyped { .. } => "index",
    };
    let what = format!(
        "{:#06x}:{:02x} of {} bits stands {} times in the `pdos` of `{}`, and nothing says which one is meant",
        meant.index,
        meant.subindex,
        meant.bit_length,
        same.len(),
        slave.key
    );
    found.add(
        Rule::Ambiguous,
        format!("{at}.{key}"),
        what,
        format!("write beside its `index` one of: {}", lines(&same)),
    );
}

fn may_be(one: &PdoEntry, other: &PdoEntry) -> bool {
    let address = |entry: &PdoEntry| (entry.index, entry.subindex, entry.bit_length);
    one.index != 0 && address(one) == address(other) && one.place.agrees(&other.place)
}

/// The keys of each: its own, or else its number in the list, which is right where the list is in the SubDevice's order.
fn lines(same: &[&PdoEntry]) -> String {
    let line = |(n, entry): (u16, &&PdoEntry)| {
        let place =
            if entry.place == Place::default() { Place { nth: Some(n), ..Place::default() } } else { entry.place };
        format!("{place} (`{}`)", entry.name)
    };
    (1..).zip(same).map(line).collect::<Vec<_>>().join("; ")
}
