//! Whether SubDevices' watchdogs tell that frames stood still, where neither clocks nor counters do.
//!
//! A virtual machine that was paused sees no time missing and no frame lost. But every SubDevice with outputs has left OP
//! meanwhile, and shows why: its watchdog expired. A single one that shows it while another goes on in OP has a trouble
//! of its own; where all show it that could, frames stood still, and it is an outage.
//!
//! Witnesses are the SubDevices whose outputs a watchdog guards and whose application shows it when it expires. One that
//! was out of OP before, or doesn't answer, can't tell and isn't waited for. Answers are compared by the look that they
//! came in: one from the same look may be from just before the pause. Pure: what was seen is passed in.

use std::collections::BTreeMap;
use zerocat_bus::AlShown;
use zerocat_wire::al::AlStatusCode;

/// What is known of a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saw {
    /// In OP, in this look.
    InOp(u64),
    /// Its watchdog expired while it was in OP; first seen in this look.
    Expired(u64),
    /// Out of OP for a reason of its own, or silent.
    Out,
}

/// What the witnesses tell together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// No watchdog expired, or only some did.
    Nothing,
    /// Some expired, and of others it isn't known yet: look again soon.
    Unclear,
    /// All that could tell expired.
    StoodStill,
}

/// The SubDevices that can tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Witnesses {
    saw: BTreeMap<u16, Saw>,
    /// Number of the present look.
    look: u64,
}

impl Witnesses {
    /// Of an exchange that has just reached OP, by position.
    pub(crate) fn new(positions: impl Iterator<Item = u16>) -> Self {
        Self { saw: positions.map(|position| (position, Saw::InOp(0))).collect(), look: 0 }
    }

    /// A look at all SubDevices begins.
    pub(crate) const fn begin(&mut self) {
        self.look += 1;
    }

    /// Takes in what one shows; `None` where it is known by now that it doesn't answer. Returns whether it may be one of
    /// many whose watchdogs expired, so that [`told`](Self::told) is to be asked before anybody hears of it.
    pub(crate) fn see(&mut self, position: u16, shown: Option<AlShown>) -> bool {
        let look = self.look;
        let Some(saw) = self.saw.get_mut(&position) else { return false };
        let expired = |shown: AlShown| shown.code == AlStatusCode::SYNC_MANAGER_WATCHDOG;
        let (now, suspect) = match (*saw, shown) {
            (_, Some(shown)) if shown.in_op() => (Saw::InOp(look), false),
            (Saw::InOp(_), Some(shown)) if expired(shown) => (Saw::Expired(look), true),
            (Saw::Expired(first), Some(shown)) if expired(shown) => (Saw::Expired(first), first == look),
            _ => (Saw::Out, false),
        };
        *saw = now;
        suspect
    }

    /// What all together tell, at the end of a look.
    pub(crate) fn told(&mut self) -> Told {
        let expired = |saw: &Saw| if let Saw::Expired(look) = saw { Some(*look) } else { None };
        let Some(first) = self.saw.values().filter_map(expired).min() else { return Told::Nothing };
        let in_op: Vec<u64> =
            self.saw.values().filter_map(|saw| if let Saw::InOp(n) = saw { Some(*n) } else { None }).collect();
        if in_op.is_empty() {
            return Told::StoodStill;
        }
        if in_op.iter().all(|look| *look <= first) {
            return Told::Unclear;
        }
        // Somebody had frames all the time: the others have troubles of their own.
        self.saw.values_mut().filter(|saw| expired(saw).is_some()).for_each(|saw| *saw = Saw::Out);
        Told::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_wire::al::AlStatus;

    const OP: Option<AlShown> = Some(AlShown { status: AlStatus(0x08), code: AlStatusCode::NO_ERROR });
    const EXPIRED: Option<AlShown> =
        Some(AlShown { status: AlStatus(0x14), code: AlStatusCode::SYNC_MANAGER_WATCHDOG });
    const REFUSES: Option<AlShown> = Some(AlShown { status: AlStatus(0x14), code: AlStatusCode(0x23) });

    /// A look, with what some witnesses show in it.
    fn look(witnesses: &mut Witnesses, seen: &[(u16, Option<AlShown>)]) -> Told {
        witnesses.begin();
        for (position, shown) in seen {
            witnesses.see(*position, *shown);
        }
        witnesses.told()
    }

    fn three() -> Witnesses {
        Witnesses::new([4, 5, 9].into_iter())
    }

    #[test]
    fn all_that_expired_in_one_look_stood_still() {
        let mut all = three();
        assert_eq!(look(&mut all, &[(4, EXPIRED), (5, EXPIRED), (9, EXPIRED)]), Told::StoodStill);
    }

    #[test]
    fn one_that_is_in_op_in_a_later_look_contradicts_and_one_of_the_same_look_does_not() {
        let mut all = three();
        assert_eq!(look(&mut all, &[(4, EXPIRED), (5, OP), (9, OP)]), Told::Unclear);
        assert_eq!(look(&mut all, &[(4, EXPIRED), (5, EXPIRED), (9, EXPIRED)]), Told::StoodStill);
        let mut all = three();
        assert_eq!(look(&mut all, &[(4, EXPIRED), (5, OP), (9, OP)]), Told::Unclear);
        assert_eq!(look(&mut all, &[(4, EXPIRED), (5, OP), (9, OP)]), Told::Nothing);
        // It has a trouble of its own, also when the others stand still later.
        assert_eq!(look(&mut all, &[(4, EXPIRED), (5, EXPIRED), (9, EXPIRED)]), Told::StoodStill);
    }

    #[test]
    fn who_is_silent_or_was_out_before_is_not_waited_for() {
        let mut all = three();
        assert_eq!(look(&mut all, &[(9, REFUSES), (4, OP), (5, OP)]), Told::Nothing);
        // Frames are lost: 5 isn't known to be silent before its last miss.
        assert_eq!(look(&mut all, &[(4, EXPIRED), (9, EXPIRED)]), Told::Unclear);
        assert_eq!(look(&mut all, &[(4, EXPIRED), (5, None)]), Told::StoodStill);
    }

    #[test]
    fn a_witness_that_is_alone_is_believed_and_one_that_came_back_is_a_witness_again() {
        let mut one = Witnesses::new([4].into_iter());
        assert_eq!(look(&mut one, &[(4, None)]), Told::Nothing);
        assert_eq!(look(&mut one, &[(4, EXPIRED)]), Told::Nothing);
        assert_eq!(look(&mut one, &[(4, OP)]), Told::Nothing);
        assert_eq!(look(&mut one, &[(4, EXPIRED)]), Told::StoodStill);
    }

    #[test]
    fn only_what_is_new_in_a_look_is_held_back() {
        let mut all = three();
        all.begin();
        assert!(all.see(4, EXPIRED) && !all.see(5, OP) && !all.see(1, EXPIRED));
        all.begin();
        assert!(!all.see(4, EXPIRED) && all.see(5, EXPIRED));
    }
}
