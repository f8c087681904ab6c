//! Commands that were refused: which fault each is, how many there are of each kind, and why the first of a kind was.

use crate::commands::LineError;
use crate::outputs::Rejected;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zerocat_faults::Fault;
use zerocat_pdi::ValueError;

impl LineError {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NotAnObject(_) => Fault::CommandMalformed,
            Self::TooLong { .. } => Fault::CommandTooLong,
            Self::NotAValue { .. } => Fault::CommandValueWrong,
            _ => Fault::CommandChannelUnknown,
        }
    }
}

impl LineError {
    /// Whether it is of a value of a line whose others are taken.
    pub(crate) const fn is_of_a_value(&self) -> bool {
        matches!(self, Self::UnknownKey(_) | Self::NotAValue { .. })
    }
}

impl Rejected {
    /// Which fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Value { error: ValueError::OutOfRange { .. } | ValueError::Fraction { .. }, .. } => {
                Fault::CommandOutOfRange
            }
            Self::Value { .. } | Self::BitAlone { .. } => Fault::CommandValueWrong,
            Self::UnknownChannel(_) => Fault::CommandChannelUnknown,
        }
    }
}

/// Commands of a kind that were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// Why the first of them was.
    pub first: String,
}

/// All kinds of a task. Ordinary threads share it.
#[derive(Debug, Default)]
pub(crate) struct RefusedByKind(Mutex<BTreeMap<Fault, Refused>>);

impl RefusedByKind {
    fn kinds(&self) -> MutexGuard<'_, BTreeMap<Fault, Refused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts some. Returns how many of the kind there are now.
    pub(crate) fn add(&self, fault: Fault, count: u64, why: impl FnOnce() -> String) -> u64 {
        let mut kinds = self.kinds();
        let kind = kinds.entry(fault).or_insert_with(|| Refused { count: 0, first: why() });
        kind.count = kind.count.saturating_add(count);
        kind.count
    }

    /// What there is now.
    pub(crate) fn read(&self) -> BTreeMap<Fault, Refused> {
        self.kinds().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_counted_with_the_reason_of_its_first() {
        let refused = RefusedByKind::default();
        let mut counts = Vec::new();
        for why in ["one", "two"] {
            counts.push(refused.add(Fault::CommandOutOfRange, 1, || why.to_owned()));
        }
        counts.push(refused.add(Fault::CommandMalformed, 1, || "three".to_owned()));
        assert_eq!(counts, [1, 2, 1]);
        let kind = |count, first: &str| Refused { count, first: first.to_owned() };
        assert_eq!(
            refused.read(),
            BTreeMap::from([(Fault::CommandOutOfRange, kind(2, "one")), (Fault::CommandMalformed, kind(1, "three"))])
        );
    }

    #[test]
    fn what_is_refused_goes_by_the_name_of_its_kind() {
        assert_eq!(LineError::NotAnObject(String::new()).fault().name(), "command_malformed");
        assert_eq!(Rejected::UnknownChannel(5).fault().name(), "command_channel_unknown");
    }
}
