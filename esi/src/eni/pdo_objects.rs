//! What the CoE commands leave in the objects that assign and map PDOs: 0x1C1x, 0x16xx, 0x1Axx (ETG.1000.6, 5.6.7.4).
//!
//! Commands are taken in the order of the file, entry by entry or by complete access, as a SubDevice would take them.

use std::collections::BTreeMap;

use super::CoeCommand;

/// The objects, each with its entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PdoObjects {
    objects: BTreeMap<u16, Vec<u32>>,
    /// A command had another shape than those of such an object.
    odd: bool,
}

impl PdoObjects {
    pub(super) fn of(coe: &[CoeCommand]) -> Self {
        let mut all = Self::default();
        for command in coe.iter().filter(|command| width(command.index).is_some()) {
            all.take(command);
        }
        all
    }

    /// Whether every command was understood.
    #[must_use]
    pub const fn are_understood(&self) -> bool {
        !self.odd
    }

    /// PDOs that an assignment object names; `None` where no command writes it.
    #[must_use]
    pub fn assigned(&self, object: u16) -> Option<Vec<u16>> {
        let entries = self.objects.get(&object)?;
        Some(entries.iter().filter_map(|entry| u16::try_from(*entry).ok()).collect())
    }

    /// What a PDO maps, as index, subindex and length in bits; `None` where no command writes it.
    #[must_use]
    pub fn mapped(&self, pdo: u16) -> Option<Vec<(u16, u8, u8)>> {
        let entry = |entry: &u32| {
            let [bits, subindex, low, high] = entry.to_le_bytes();
            (u16::from_le_bytes([low, high]), subindex, bits)
        };
        Some(self.objects.get(&pdo)?.iter().map(entry).collect())
    }

    /// Indexes of the objects that are written.
    pub fn indexes(&self) -> impl Iterator<Item = u16> {
        self.objects.keys().copied()
    }

    fn take(&mut self, command: &CoeCommand) {
        let Some(width) = width(command.index) else { return };
        let entries = self.objects.entry(command.index).or_default();
        let data = command.data.as_slice();
        let fits = match (command.complete, command.subindex) {
            (true, 0) => data.split_at_checked(2).is_some_and(|(count, rest)| {
                *entries = numbers(rest, width);
                rest.len().is_multiple_of(width) && counts(entries, count)
            }),
            (true, 1) => {
                *entries = numbers(data, width);
                data.len().is_multiple_of(width)
            }
            (false, 0) => counts(entries, data),
            (false, subindex) => put(entries, subindex, data, width),
            (true, _) => false,
        };
        self.odd |= !fits;
    }
}

/// Bytes of an entry; `None` for other objects.
const fn width(index: u16) -> Option<usize> {
    match index {
        0x1c10..=0x1c2f => Some(2),
        0x1600..=0x17ff | 0x1a00..=0x1bff => Some(4),
        _ => None,
    }
}

fn numbers(bytes: &[u8], width: usize) -> Vec<u32> {
    bytes.chunks_exact(width).map(number).collect()
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Entries behind the count are dropped. Whether there are as many.
fn counts(entries: &mut Vec<u32>, count: &[u8]) -> bool {
    let Some((count, rest)) = count.split_first() else { return false };
    let there = entries.len() >= usize::from(*count);
    entries.truncate((*count).into());
    there && rest.iter().all(|byte| *byte == 0)
}

/// Entries are written in their order, or over one that is there.
fn put(entries: &mut Vec<u32>, subindex: u8, data: &[u8], width: usize) -> bool {
    let place = usize::from(subindex).saturating_sub(1);
    let value = number(data.get(..width).unwrap_or(data));
    let (there, next) = (place < entries.len(), place == entries.len());
    if next {
        entries.push(value);
    } else if let Some(entry) = entries.get_mut(place) {
        *entry = value;
    }
    (there || next) && data.len() == width
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(all: &[(u16, u8, bool, &[u8])]) -> PdoObjects {
        let one = |(index, subindex, complete, data): &(u16, u8, bool, &[u8])| CoeCommand {
            transitions: vec!["PS".to_owned()],
            index: *index,
            subindex: *subindex,
            complete: *complete,
            data: data.to_vec(),
            comment: String::new(),
            fixed: true,
            timeout: None,
        };
        PdoObjects::of(&all.iter().map(one).collect::<Vec<_>>())
    }

    #[test]
    fn entries_one_by_one_and_by_complete_access_are_the_same() {
        let one_by_one = commands(&[
            (0x1c12, 0, false, &[0]),
            (0x1600, 0, false, &[0]),
            (0x1600, 1, false, &[0x10, 0, 0x40, 0x60]),
            (0x1600, 2, false, &[8, 0, 0, 0]),
            (0x1600, 0, false, &[2]),
            (0x1c12, 1, false, &[0, 0x16]),
            (0x1c12, 0, false, &[1]),
        ]);
        let at_once = commands(&[
            (0x1600, 0, true, &[2, 0, 0x10, 0, 0x40, 0x60, 8, 0, 0, 0]),
            (0x1c12, 0, true, &[1, 0, 0, 0x16]),
        ]);
        assert_eq!((&one_by_one, one_by_one.are_understood()), (&at_once, true));
        assert_eq!(at_once.assigned(0x1c12), Some(vec![0x1600]));
        assert_eq!(at_once.mapped(0x1600), Some(vec![(0x6040, 0, 16), (0, 0, 8)]));
        assert_eq!((at_once.assigned(0x1c13), at_once.mapped(0x1601)), (None, None));
    }

    #[test]
    fn an_assignment_that_is_cleared_names_none() {
        let cleared = commands(&[(0x1c13, 1, false, &[0, 0x1a]), (0x1c13, 0, false, &[0])]);
        assert_eq!((cleared.assigned(0x1c13), cleared.are_understood()), (Some(vec![]), true));
    }

    #[test]
    fn commands_of_another_shape_are_not_understood() {
        let odd: [(u16, u8, bool, &[u8]); 7] = [
            (0x1c12, 0, false, &[1]),
            (0x1c12, 2, false, &[0, 0x16]),
            (0x1c12, 1, false, &[0]),
            (0x1600, 1, false, &[0, 0x16]),
            (0x1c12, 0, true, &[2, 0, 0, 0x16]),
            (0x1c12, 0, true, &[1]),
            (0x1c12, 2, true, &[0, 0x16]),
        ];
        for one in odd {
            assert!(!commands(&[one]).are_understood(), "{one:?}");
        }
    }
}
