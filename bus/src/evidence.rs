//! Which way the data of a sync manager goes, where several sources say it and don't agree.
//!
//! The object dictionary (0x1C00), or the kind of the PDOs in the SII, says it first; use and control byte in the SII and the
//! indices of the PDOs say it as well (ETG.1000.6: 0x1600 to 0x17FF are outputs, 0x1A00 to 0x1BFF inputs). More of them
//! outweigh fewer; where as many stand on both sides, the first source holds. A choice against the first source is told.

use zerocat_pdi::{Direction, Pdo};
use zerocat_wire::sii::SyncManagerEntry;
use zerocat_wire::sii::sync_manager::enable;

use crate::pdo::{direction_of_control, direction_of_use};

/// What one source says, and how it is called.
type Voice = (Direction, &'static str);

/// The direction that the sources come to, and what is to be told of it.
pub(crate) fn weigh(
    number: u8,
    first: Voice,
    entry: Option<&SyncManagerEntry>,
    pdos: &[Pdo],
) -> (Direction, Option<String>) {
    let voices = [Some(first), entry.and_then(by_use), entry.and_then(by_control), by_indices(pdos)];
    let side = |direction| -> Vec<&str> {
        voices.iter().flatten().filter(|(said, _)| *said == direction).map(|(_, who)| *who).collect()
    };
    let other = if first.0 == Direction::Output { Direction::Input } else { Direction::Output };
    let (for_it, against) = (side(first.0), side(other));
    if against.len() <= for_it.len() {
        return (first.0, None);
    }
    let told = format!(
        "sync manager {number}: {} says {}, {} say {}: taken as {}",
        for_it.join(" and "),
        words(first.0),
        against.join(" and "),
        words(other),
        words(other)
    );
    (other, Some(told))
}

fn by_use(entry: &SyncManagerEntry) -> Option<Voice> {
    Some((direction_of_use(entry.usage)?, "its use in the SII"))
}

/// A virtual sync manager has no control byte that means anything, nor has one that is all zeros.
fn by_control(entry: &SyncManagerEntry) -> Option<Voice> {
    let says_nothing = entry.enable & enable::VIRTUAL != 0 || (entry.control == 0 && entry.length == 0);
    (!says_nothing).then_some((direction_of_control(entry.control), "its control byte"))
}

fn by_indices(pdos: &[Pdo]) -> Option<Voice> {
    let all =
        |range: std::ops::RangeInclusive<u16>| !pdos.is_empty() && pdos.iter().all(|pdo| range.contains(&pdo.index));
    let direction = match (all(0x1600..=0x17ff), all(0x1a00..=0x1bff)) {
        (true, _) => Direction::Output,
        (_, true) => Direction::Input,
        _ => return None,
    };
    Some((direction, "the indices of its PDOs"))
}

const fn words(direction: Direction) -> &'static str {
    match direction {
        Direction::Output => "outputs",
        Direction::Input => "inputs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_wire::sii::SyncManagerUse;

    fn entry(control: u8, enable: u8, usage: SyncManagerUse) -> SyncManagerEntry {
        SyncManagerEntry { start: 0x1100, length: 4, control, status: 0, enable, usage }
    }

    fn pdo(index: u16) -> Pdo {
        Pdo { index, name: String::new(), entries: Vec::new() }
    }

    #[test]
    fn three_sources_outweigh_the_one_that_comes_first() {
        let outputs = entry(0x24, 1, SyncManagerUse::Outputs);
        let (direction, told) = weigh(2, (Direction::Input, "0x1C00"), Some(&outputs), &[pdo(0x1600)]);
        assert_eq!(direction, Direction::Output);
        let expected = "sync manager 2: 0x1C00 says inputs, its use in the SII and its control byte and the indices of \
                        its PDOs say outputs: taken as outputs";
        assert_eq!(told.as_deref(), Some(expected));
    }

    #[test]
    fn the_first_source_holds_where_as_many_stand_on_both_sides() {
        let inputs = entry(0x20, 1, SyncManagerUse::Inputs);
        let (direction, told) = weigh(2, (Direction::Output, "0x1C00"), Some(&inputs), &[pdo(0x1600)]);
        assert_eq!((direction, told), (Direction::Output, None));
        assert_eq!(weigh(2, (Direction::Output, "0x1C00"), None, &[pdo(0x2000)]), (Direction::Output, None));
    }

    #[test]
    fn a_virtual_sync_manager_has_no_say_by_its_control_byte() {
        let stamped = entry(0, enable::VIRTUAL, SyncManagerUse::Outputs);
        let (direction, told) = weigh(2, (Direction::Output, "the SII"), Some(&stamped), &[pdo(0x1a02)]);
        assert_eq!((direction, told), (Direction::Output, None));
    }
}
