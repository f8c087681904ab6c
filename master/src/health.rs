//! Who is not in OP while the network is in operation.

use std::collections::BTreeMap;
use std::fmt;
use zerocat_bus::{AlShown, Label, StateReport};

/// A SubDevice that isn't in OP, and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfOp {
    /// Who.
    pub who: Label,
    /// Its key in the rig file; `None` where it isn't named there.
    pub key: Option<String>,
    /// What it shows; `None` where it doesn't answer.
    pub shown: Option<AlShown>,
    /// Whether it had stopped answering and answers again.
    pub came_back: bool,
}

impl fmt::Display for OutOfOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.who)?;
        if let Some(key) = self.key.as_ref().filter(|key| **key != self.who.name) {
            write!(f, " `{key}`")?;
        }
        match self.shown {
            None => f.write_str(" doesn't answer"),
            Some(AlShown { status, code }) if self.came_back => {
                write!(f, " answers again, in {status}")?;
                if status.error() {
                    write!(f, ", {code}")?;
                }
                f.write_str(": this version doesn't bring it to OP again")
            }
            Some(AlShown { status, code }) if status.error() => write!(f, " left OP: it is in {status}, {code}"),
            Some(AlShown { status, .. }) => write!(f, " left OP: it is in {status}"),
        }
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
    /// Takes a look at all SubDevices in, and returns what changed since the last one.
    pub(crate) fn update(&mut self, states: Vec<StateReport>, key: impl Fn(u16) -> Option<String>) -> Vec<Change> {
        let mut changes = Vec::new();
        for StateReport { who, expected, shown } in states {
            let shown = shown.ok();
            let well = shown.is_some_and(|AlShown { status, .. }| status.state() == Some(expected) && !status.error());
            let position = who.position;
            if well {
                if self.out.remove(&position).is_some() {
                    changes.push(Change::Back(who));
                }
                continue;
            }
            let before = self.out.get(&position);
            let came_back = before.is_some_and(|before| before.came_back || before.shown.is_none());
            let out = OutOfOp { key: key(position), who, shown, came_back: came_back && shown.is_some() };
            self.left += u64::from(before.is_none());
            if before != Some(&out) {
                changes.push(Change::Out(out.clone()));
            }
            self.out.insert(position, out);
        }
        changes
    }

    /// Forgets who was out, for a network that is brought up anew.
    pub(crate) fn clear(&mut self) {
        self.out.clear();
    }

    /// Who is out now, in bus order.
    pub(crate) fn out(&self) -> impl Iterator<Item = &OutOfOp> {
        self.out.values()
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
    use zerocat_wire::AlState;
    use zerocat_wire::al::{AlStatus, AlStatusCode};

    fn report(position: u16, status: u16, code: u16) -> StateReport {
        let shown = AlShown { status: AlStatus(status), code: AlStatusCode(code) };
        StateReport { who: Label { position, name: "SERVO".into() }, expected: AlState::Op, shown: Ok(shown) }
    }

    fn key(position: u16) -> Option<String> {
        (position == 2).then(|| "axis".to_owned())
    }

    #[test]
    fn who_leaves_op_is_told_once_with_key_state_and_code_in_words() {
        let mut health = Health::default();
        assert_eq!(health.update(vec![report(1, 8, 0), report(2, 8, 0)], key), []);
        let changes = health.update(vec![report(1, 8, 0), report(2, 0x14, 0x1b)], key);
        let [Change::Out(out)] = changes.as_slice() else { panic!("{changes:?}") };
        assert_eq!(
            out.to_string(),
            "SubDevice 2 (SERVO) `axis` left OP: it is in SAFE-OP + ERROR, 0x001b: Sync manager watchdog"
        );
        assert_eq!(health.update(vec![report(2, 0x14, 0x1b)], key), []);
        assert_eq!((health.out().count(), health.left()), (1, 1));
    }

    #[test]
    fn who_shows_something_else_or_comes_back_is_told() {
        let mut health = Health::default();
        let silent = StateReport { shown: Err(DatagramError::TooLong { len: 0 }), ..report(2, 0, 0) };
        let changes = health.update(vec![silent], key);
        assert!(matches!(&changes[..], [Change::Out(out)] if out.to_string().ends_with("doesn't answer")));
        let changes = health.update(vec![report(2, 1, 0)], key);
        let [Change::Out(out)] = changes.as_slice() else { panic!("{changes:?}") };
        assert_eq!(
            out.to_string(),
            "SubDevice 2 (SERVO) `axis` answers again, in INIT: this version doesn't bring it to OP again"
        );
        assert_eq!(health.update(vec![report(2, 1, 0)], key), []);
        assert!(matches!(&health.update(vec![report(2, 8, 0)], key)[..], [Change::Back(_)]));
        assert_eq!((health.out().count(), health.left()), (0, 1));
    }
}
