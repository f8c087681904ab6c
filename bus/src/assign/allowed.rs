//! What a SubDevice allows of an assignment, as far as its SII and what else is known of its PDOs say it. Pure.

use zerocat_pdi::Direction;
use zerocat_wire::sii::pdo::flags;

use super::{Assign, AssignProblem, AssignedPdo};
use crate::sii::{Sii, SiiPdo};

/// What is known of a PDO beyond the SII.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PdoRule {
    /// Index.
    pub index: u16,
    /// Its mapping can't be changed.
    pub fixed: bool,
    /// It can't be left out.
    pub mandatory: bool,
    /// PDOs that can't be assigned beside it. The other way round it holds too.
    pub excludes: Vec<u16>,
}

/// Checks what is asked for before anything is written.
pub(super) fn check(sii: &Sii, wanted: &Assign) -> Result<(), AssignProblem> {
    for direction in [Direction::Output, Direction::Input] {
        let Some(pdos) = wanted.of(direction) else { continue };
        let assigned = |index: u16| pdos.iter().any(|pdo| pdo.index == index);
        if let Some(missing) = mandatory(sii, wanted, direction).find(|index| !assigned(*index)) {
            return Err(AssignProblem::Mandatory(missing));
        }
        let all: Vec<u16> = pdos.iter().map(|pdo| pdo.index).collect();
        for rule in &wanted.rules {
            excluded(rule.index, &rule.excludes, &all)?;
        }
    }
    Ok(())
}

/// Checks that none of the PDOs that one excludes is assigned beside it.
pub(super) fn excluded(pdo: u16, excludes: &[u16], assigned: &[u16]) -> Result<(), AssignProblem> {
    let other = excludes.iter().copied().find(|other| *other != pdo && assigned.contains(other));
    match other.filter(|_| assigned.contains(&pdo)) {
        Some(other) => Err(AssignProblem::Excluded { pdo, other }),
        None => Ok(()),
    }
}

/// Whether the mapping of a PDO can't be changed.
pub(super) fn is_fixed(sii: &Sii, wanted: &Assign, pdo: &AssignedPdo) -> bool {
    let by_sii = of(sii, Direction::Output).iter().chain(of(sii, Direction::Input));
    let mut by_sii = by_sii.filter(|known| known.pdo.index == pdo.index);
    by_sii.any(|known| known.flags & flags::FIXED_CONTENT != 0)
        || wanted.rules.iter().any(|rule| rule.index == pdo.index && rule.fixed)
}

/// What the SII assigns to a direction by default.
pub(super) fn by_default(sii: &Sii, direction: Direction) -> Vec<u16> {
    of(sii, direction).iter().filter(|pdo| pdo.sync_manager.is_some()).map(|pdo| pdo.pdo.index).collect()
}

fn mandatory(sii: &Sii, wanted: &Assign, direction: Direction) -> impl Iterator<Item = u16> {
    let by_sii = of(sii, direction).iter().filter(|pdo| pdo.flags & flags::MANDATORY != 0).map(|pdo| pdo.pdo.index);
    let by_rule = wanted.rules.iter().filter(|rule| rule.mandatory).map(|rule| rule.index);
    by_sii.chain(by_rule.filter(move |index| is_of(*index, direction)))
}

/// The PDOs of a direction that the SII or a rule has, in the order of their numbers.
pub(super) fn known(sii: &Sii, wanted: &Assign, direction: Direction) -> Vec<u16> {
    let by_rule = wanted.rules.iter().map(|rule| rule.index).filter(|index| is_of(*index, direction));
    let mut all: Vec<u16> = of(sii, direction).iter().map(|pdo| pdo.pdo.index).chain(by_rule).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether a PDO has this direction, by its number (ETG.1000.6, 5.6.7.4).
const fn is_of(index: u16, direction: Direction) -> bool {
    match direction {
        Direction::Output => index < 0x1a00,
        Direction::Input => index >= 0x1a00,
    }
}

fn of(sii: &Sii, direction: Direction) -> &[SiiPdo] {
    match direction {
        Direction::Output => &sii.rx_pdos,
        Direction::Input => &sii.tx_pdos,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_pdi::Pdo;

    fn sii() -> Sii {
        let pdo = |index, flags| SiiPdo {
            pdo: Pdo { index, name: String::new(), entries: Vec::new() },
            sync_manager: None,
            flags,
        };
        Sii { tx_pdos: vec![pdo(0x1a00, flags::MANDATORY), pdo(0x1a01, flags::FIXED_CONTENT)], ..Sii::default() }
    }

    fn inputs(indexes: &[u16]) -> Assign {
        let pdos = indexes.iter().map(|index| AssignedPdo { index: *index, entries: None }).collect();
        Assign { inputs: Some(pdos), ..Assign::default() }
    }

    #[test]
    fn a_mandatory_pdo_is_not_left_out() {
        assert_eq!(check(&sii(), &inputs(&[0x1a01])), Err(AssignProblem::Mandatory(0x1a00)));
        assert_eq!(check(&sii(), &inputs(&[0x1a00, 0x1a01])), Ok(()));
        assert_eq!(check(&sii(), &Assign::default()), Ok(()));
        let rule = PdoRule { index: 0x1a02, mandatory: true, ..PdoRule::default() };
        let wanted = Assign { rules: vec![rule], ..inputs(&[0x1a00]) };
        assert_eq!(check(&sii(), &wanted), Err(AssignProblem::Mandatory(0x1a02)));
    }

    #[test]
    fn pdos_that_exclude_each_other_are_refused_whichever_says_so() {
        let rule = |index, other| PdoRule { index, excludes: vec![other], ..PdoRule::default() };
        for (pdo, other) in [(0x1a01, 0x1a00), (0x1a00, 0x1a01)] {
            let wanted = Assign { rules: vec![rule(pdo, other)], ..inputs(&[0x1a00, 0x1a01]) };
            assert_eq!(check(&sii(), &wanted), Err(AssignProblem::Excluded { pdo, other }));
        }
        let wanted = Assign { rules: vec![rule(0x1a00, 0x1a05)], ..inputs(&[0x1a00, 0x1a01]) };
        assert_eq!(check(&sii(), &wanted), Ok(()));
    }

    #[test]
    fn a_mapping_is_fixed_by_the_sii_or_a_rule() {
        let pdo = |index| AssignedPdo { index, entries: Some(Vec::new()) };
        let rule = PdoRule { index: 0x1a02, fixed: true, ..PdoRule::default() };
        let wanted = Assign { rules: vec![rule], ..Assign::default() };
        let fixed = [0x1a00, 0x1a01, 0x1a02].map(|index| is_fixed(&sii(), &wanted, &pdo(index)));
        assert_eq!(fixed, [false, true, true]);
    }
}
