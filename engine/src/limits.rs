//! A writer's limits: how old a set may be when it is sent, and how long the writer may be silent.
//!
//! A set that says from which cycle it was computed is dropped where it would be sent later than the writer allows. A writer
//! that commanded and then gives nothing for longer than it may is silent: its outputs are safe, and what it made before it
//! knew of that is void, like what is of another epoch.

use crate::command::Made;

/// The number of silences begins anew behind this one.
pub(crate) const MOST_SILENCES: u64 = 0xffff;

/// What becomes of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// It goes into the image.
    Applied,
    /// It is of another epoch, or of before a silence.
    Stale,
    /// It was computed from too old a cycle.
    Late,
}

/// A writer's limits, and where it is in them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    max_age: Option<u64>,
    silence: Option<u64>,
    /// The cycle that a set was taken for last in this epoch, if one was since the last silence.
    heard_at: Option<u64>,
    silent: bool,
    silences: u64,
}

impl Limits {
    /// Limits in cycles.
    pub(crate) fn of(max_age: Option<u64>, silence: Option<u64>) -> Self {
        Self { max_age, silence, ..Self::default() }
    }

    /// How often the writer was silent.
    pub(crate) const fn silences(&self) -> u64 {
        self.silences
    }

    /// A set was taken. Whether the writer had been silent.
    pub(crate) fn hear(&mut self, cycle: u64) -> bool {
        self.heard_at = Some(cycle);
        std::mem::take(&mut self.silent)
    }

    /// Whether the writer is silent from this cycle on.
    #[inline]
    pub(crate) fn fall_silent(&mut self, cycle: u64) -> bool {
        let limit = self.silence.zip(self.heard_at);
        let silent = limit.is_some_and(|(limit, heard)| cycle.saturating_sub(heard) > limit);
        if silent {
            self.heard_at = None;
            self.silent = true;
            self.silences = self.silences.wrapping_add(1) & MOST_SILENCES;
        }
        silent
    }

    /// Whether a set of an epoch that counts may be sent in a cycle.
    #[inline]
    pub(crate) fn admit(&self, made: Made, cycle: u64) -> Admitted {
        let too_old = |(from, most): (u64, u64)| cycle.saturating_sub(from) > most;
        if made.silences != self.silences {
            Admitted::Stale
        } else if made.from.zip(self.max_age).is_some_and(too_old) {
            Admitted::Late
        } else {
            Admitted::Applied
        }
    }

    /// An epoch begins.
    pub(crate) fn begin(&mut self) {
        (self.heard_at, self.silent) = (None, false);
    }
}
