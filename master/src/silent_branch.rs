//! Whether one cable, or the power of one SubDevice, explains that several don't answer: they hang behind one port, and all
//! behind it are silent. Pure.

use std::collections::BTreeSet;
use std::fmt;
use zerocat_bus::Parent;

/// SubDevices that don't answer and hang behind one port, two at the least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilentBranch {
    /// How many there are.
    pub subdevices: usize,
    /// Who has the port, in words.
    pub at: String,
    /// The port, 0 to 3.
    pub port: u8,
    /// The first behind it, in words.
    pub first: String,
}

impl fmt::Display for SilentBranch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subdevices, at, port, first } = self;
        write!(
            f,
            "the {subdevices} SubDevices behind port {port} of {at} don't answer: look at the cable between it and {first}, \
             and at the power of {first}"
        )
    }
}

/// The port that a branch hangs on, its first SubDevice and how many there are.
pub(crate) type Branch = (Parent, u16, usize);

/// The branches of which nobody answers, by whom each hangs on and who is silent.
pub(crate) fn silent_branches(parents: &[Option<Parent>], silent: &BTreeSet<u16>) -> Vec<Branch> {
    let parent = |position: u16| parents.get(usize::from(position)).copied().flatten();
    let is_first = |position: &u16| parent(*position).is_some_and(|parent| !silent.contains(&parent.position));
    let branch = |first: u16| {
        let behind: Vec<u16> = (0..).take(parents.len()).filter(|one| hangs_on(parents, *one, first)).collect();
        let all = behind.len() > 1 && behind.iter().all(|one| silent.contains(one));
        all.then_some((parent(first)?, first, behind.len()))
    };
    silent.iter().copied().filter(is_first).filter_map(branch).collect()
}

/// Whether a SubDevice is the first of a branch, or hangs behind it. Each hangs on one before it.
fn hangs_on(parents: &[Option<Parent>], mut position: u16, first: u16) -> bool {
    while position > first {
        let Some(parent) = parents.get(usize::from(position)).copied().flatten() else { return false };
        position = parent.position;
    }
    position == first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(position: u16, port: u8) -> Option<Parent> {
        Some(Parent { position, port })
    }

    /// A coupler with two terminals, and another with two on its port 2.
    fn parents() -> Vec<Option<Parent>> {
        vec![None, on(0, 1), on(1, 1), on(0, 2), on(3, 1), on(4, 1)]
    }

    fn of(silent: &[u16]) -> Vec<Branch> {
        silent_branches(&parents(), &silent.iter().copied().collect())
    }

    #[test]
    fn all_behind_one_port_are_one_branch() {
        assert_eq!(of(&[3, 4, 5]), [(Parent { position: 0, port: 2 }, 3, 3)]);
        assert_eq!(of(&[4, 5]), [(Parent { position: 3, port: 1 }, 4, 2)]);
        assert_eq!(
            of(&[1, 2, 4, 5]),
            [(Parent { position: 0, port: 1 }, 1, 2), (Parent { position: 3, port: 1 }, 4, 2)]
        );
    }

    #[test]
    fn a_single_one_and_one_behind_which_somebody_answers_are_none() {
        assert_eq!(of(&[]), []);
        assert_eq!(of(&[2]), []);
        assert_eq!(of(&[3, 5]), []);
    }

    #[test]
    fn a_branch_is_told_with_its_cable_and_its_power() {
        let first = "SubDevice 3 (EK1100)".to_owned();
        let branch = SilentBranch { subdevices: 3, at: "SubDevice 0 (EK1100)".to_owned(), port: 2, first };
        assert_eq!(
            branch.to_string(),
            "the 3 SubDevices behind port 2 of SubDevice 0 (EK1100) don't answer: look at the cable between it and SubDevice 3 \
             (EK1100), and at the power of SubDevice 3 (EK1100)"
        );
    }
}
