//! Who is not in OP while the network is in operation.

use std::collections::BTreeMap;
use std::fmt;
use zerocat_bus::named;
use zerocat_bus::{Address, AlShown, Label, StateReport};
use zerocat_engine::Presence;
use zerocat_wire::AlState;

/// A SubDevice that isn't in OP, and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutOfOp {
    /// Who.
    pub who: Label,
    /// Its key in the rig file; `None` where it isn't named there.
    pub key: Option<String>,
    /// What it shows; `None` where it doesn't answer.
    pub shown: Option<AlShown>,
    /// Whether it had stopped answering and answers again.
    pub came_back: bool,
    /// Whether it has lost its station address: it was switched off and on, or restarted.
    pub restarted: bool,
    /// It was taken out of the exchange, to BOOT or to be brought to OP anew: this is no fault. Whether it takes part in cyclic frames.
    pub(crate) taken_out: Option<bool>,
}

impl OutOfOp {
    /// Whether it has stayed in OP and shows an error there.
    #[must_use]
    pub fn has_error_in_op(&self) -> bool {
        self.shown.is_some_and(|shown| shown.status.state() == Some(AlState::Op) && shown.status.error())
    }

    /// Whether it was taken out of the exchange, to BOOT or to be brought to OP anew.
    #[must_use]
    pub const fn is_taken_out(&self) -> bool {
        self.taken_out.is_some()
    }

    /// Whether it takes part in the exchange all the same: it is in SAFE-OP, and so gives its inputs.
    pub(crate) fn contributes(&self) -> bool {
        if let Some(exchanges) = self.taken_out {
            return exchanges;
        }
        self.shown.and_then(|shown| shown.status.state()).is_some_and(|state| state >= AlState::SafeOp)
    }
}

impl fmt::Display for OutOfOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&named(&self.who, self.key.as_deref()))?;
        if self.is_taken_out() {
            f.write_str(" is taken out of the exchange, as was asked")?;
            let shown = self.shown.and_then(|shown| shown.status.state());
            return match shown {
                Some(state) => write!(f, ": it is in {state} now"),
                None => f.write_str(": it doesn't answer now"),
            };
        }
        let Some(AlShown { status, code }) = self.shown else { return f.write_str(" doesn't answer") };
        if self.has_error_in_op() {
            return write!(f, " is in OP with an error: {code}");
        }
        f.write_str(match (self.restarted, self.came_back) {
            (true, _) => " was restarted, it has lost its station address: it is in ",
            (false, true) => " answers again, in ",
            (false, false) => " left OP: it is in ",
        })?;
        write!(f, "{status}")?;
        if status.error() {
            write!(f, ", {code}")?;
        }
        if self.restarted || self.came_back {
            f.write_str(": this version doesn't bring it to OP again")?;
        }
        Ok(())
    }
}

/// What changed between two looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Out(OutOfOp),
    Back(Label),
}

/// All SubDevices that are out of OP now, and how often one left it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    out: BTreeMap<u16, OutOfOp>,
    left: u64,
}

impl Health {
    /// Takes in what one shows, with its key in the rig file, and returns what changed since the last time.
    pub(crate) fn take(
        &mut self,
        StateReport { who, expected, shown, address }: StateReport,
        key: Option<String>,
        taken_out: Option<bool>,
    ) -> Option<Change> {
        let shown = shown.ok();
        let position = who.position;
        let well = |AlShown { status, .. }: AlShown| {
            expected.is_none_or(|expected| status.state() == Some(expected) && !status.error())
        };
        if shown.is_some_and(well) && taken_out.is_none_or(|exchanges| exchanges) {
            return self.out.remove(&position).map(|_| Change::Back(who));
        }
        let before = self.out.get(&position);
        let came_back = before.is_some_and(|before| before.came_back || before.shown.is_none());
        let came_back = came_back && shown.is_some();
        let restarted = address == Address::Lost;
        let out = OutOfOp { key, who, shown, came_back, restarted, taken_out };
        self.left += u64::from(before.is_none() && taken_out.is_none());
        let changed = before != Some(&out);
        self.out.insert(position, out.clone());
        changed.then_some(Change::Out(out))
    }

    /// Forgets who was out, for a network that is brought up anew.
    pub(crate) fn clear(&mut self) {
        self.out.clear();
    }

    /// Who is out now, in bus order.
    pub(crate) fn out(&self) -> impl Iterator<Item = &OutOfOp> {
        self.out.values()
    }

    /// Who gives inputs, as far as is known: all but those that don't answer, or show a state below SAFE-OP.
    pub(crate) fn presence(&self) -> Presence {
        self.out().filter(|out| !out.contributes()).map(|out| out.who.position).collect()
    }

    /// How often a SubDevice left OP by itself.
    pub(crate) const fn left(&self) -> u64 {
        self.left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_bus::DatagramError;
    use zerocat_wire::al::{AlStatus, AlStatusCode};

    fn report(position: u16, status: u16, code: u16) -> StateReport {
        let shown = AlShown { status: AlStatus(status), code: AlStatusCode(code) };
        let who = Label { position, name: "SERVO".into() };
        StateReport { who, expected: Some(AlState::Op), shown: Ok(shown), address: Address::Kept }
    }

    /// What changes when one shows a state and a code, at a position that has the key `axis`.
    fn take(health: &mut Health, status: u16, code: u16) -> Option<Change> {
        health.take(report(2, status, code), Some("axis".to_owned()), None)
    }

    fn words(change: Option<Change>) -> String {
        let Some(Change::Out(out)) = change else { panic!("{change:?}") };
        out.to_string()
    }

    #[test]
    fn who_leaves_op_is_told_once_with_key_state_and_code_in_words() {
        let mut health = Health::default();
        assert_eq!(health.take(report(1, 8, 0), None, None), None);
        assert_eq!(take(&mut health, 8, 0), None);
        assert_eq!(
            words(take(&mut health, 0x14, 0x1b)),
            "SubDevice 2 (SERVO) `axis` left OP: it is in SAFE-OP + ERROR, 0x001b: Sync manager watchdog"
        );
        assert_eq!(take(&mut health, 0x14, 0x1b), None);
        assert_eq!((health.out().count(), health.left()), (1, 1));
    }

    #[test]
    fn who_is_in_safe_op_still_gives_inputs_and_who_is_below_or_silent_gives_none() {
        let mut health = Health::default();
        let silent = StateReport { shown: Err(DatagramError::TooLong { len: 0 }), ..report(1, 0, 0) };
        health.take(silent, None, None);
        for (position, status) in [(3, 0x14), (4, 0x12), (5, 0x01), (6, 0x03)] {
            health.take(report(position, status, 0x1b), None, None);
        }
        let missing: Vec<_> = (0..9).filter(|position| health.presence().is_missing(*position)).collect();
        assert_eq!(missing, [1, 4, 5, 6]);
    }

    #[test]
    fn who_shows_something_else_or_comes_back_is_told() {
        let mut health = Health::default();
        let silent = StateReport { shown: Err(DatagramError::TooLong { len: 0 }), ..report(2, 0, 0) };
        assert!(words(health.take(silent, None, None)).ends_with("doesn't answer"));
        assert_eq!(
            words(take(&mut health, 0x14, 0x1b)),
            "SubDevice 2 (SERVO) `axis` answers again, in SAFE-OP + ERROR, 0x001b: Sync manager watchdog: this version doesn't \
             bring it to OP again"
        );
        assert_eq!(take(&mut health, 0x14, 0x1b), None);
        assert!(matches!(take(&mut health, 8, 0), Some(Change::Back(_))));
        assert_eq!((health.out().count(), health.left()), (0, 1));
    }

    #[test]
    fn who_has_lost_its_station_address_was_restarted() {
        let mut health = Health::default();
        let restarted = StateReport { address: Address::Lost, ..report(2, 1, 0) };
        assert_eq!(
            words(health.take(restarted, None, None)),
            "SubDevice 2 (SERVO) was restarted, it has lost its station address: it is in INIT: this version doesn't bring it \
             to OP again"
        );
    }

    #[test]
    fn who_stays_in_op_with_an_error_has_not_left_it() {
        let mut health = Health::default();
        assert_eq!(
            words(take(&mut health, 0x18, 0x1b)),
            "SubDevice 2 (SERVO) `axis` is in OP with an error: 0x001b: Sync manager watchdog"
        );
    }
}
