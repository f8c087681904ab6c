//! SDO accesses that are aborted on command, to test what a MainDevice does then.
//!
//! A SubDevice keeps at most [`REFUSALS`] of them.

use zerocat_wire::coe::{AbortCode, SdoTarget};

use crate::action::SdoRefusal;

/// Most objects and subindices that a SubDevice refuses.
pub(crate) const REFUSALS: usize = 64;

/// What is refused, each index and subindex once.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    rules: Vec<(u16, Option<u8>, AbortCode)>,
}

impl Refusals {
    /// Takes a rule in the place of the one before for the same accesses. Returns whether there was room.
    pub(super) fn set(&mut self, refusal: SdoRefusal) -> bool {
        let SdoRefusal { index, subindex, code } = refusal;
        self.rules.retain(|rule| rule.0 != index || subindex.is_some() && rule.1 != subindex);
        let Some(code) = code else { return true };
        let room = self.rules.len() < REFUSALS;
        if room {
            self.rules.push((index, subindex, code));
        }
        room
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The code that an access is aborted with.
    pub(super) fn code(&self, target: SdoTarget) -> Option<AbortCode> {
        let hit = |rule: &&(u16, Option<u8>, AbortCode)| {
            let subindex = rule.1.is_none_or(|subindex| target.complete || subindex == target.subindex);
            rule.0 == target.index && subindex
        };
        // A rule for the subindex counts before one for the whole object.
        self.rules.iter().rev().find(hit).map(|rule| rule.2)
    }
}
