//! What is counted while SubDevices are asked.

use super::reason::Reason;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;
use zerocat_engine::Distribution;

/// What was asked again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Repeats {
    /// Requests that were asked again.
    pub requests: u64,
    /// By why the one before failed.
    pub by_reason: BTreeMap<Reason, u64>,
}

/// Counts of a run.
#[derive(Debug)]
pub(super) struct Tally {
    /// Transactions that have begun; each has its number.
    pub(super) begun: u64,
    pub(super) succeeded: u64,
    pub(super) failed_by_reason: BTreeMap<Reason, u64>,
    pub(super) failed_of_able: u64,
    pub(super) of_frozen: u64,
    pub(super) wrong_errors: u64,
    pub(super) repeated: Repeats,
    pub(super) cancelled: u64,
    pub(super) wrong_data: u64,
    pub(super) duplicates: u64,
    pub(super) leaked: u64,
    pub(super) emergencies: u64,
    /// Cyclic frames that didn't come back.
    pub(super) lost_frames: u64,
    pub(super) latency: Distribution,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            begun: 0,
            succeeded: 0,
            failed_by_reason: BTreeMap::new(),
            failed_of_able: 0,
            of_frozen: 0,
            wrong_errors: 0,
            repeated: Repeats::default(),
            cancelled: 0,
            wrong_data: 0,
            duplicates: 0,
            leaked: 0,
            emergencies: 0,
            lost_frames: 0,
            latency: Distribution::new(),
        }
    }

    /// A transaction begins: its number, from 1.
    pub(super) const fn begin(&mut self) -> u64 {
        self.begun += 1;
        self.begun
    }

    /// Transactions that have ended.
    pub(super) fn ended(&self) -> u64 {
        self.succeeded + self.failed_by_reason.values().sum::<u64>()
    }

    /// A transaction succeeded after a time.
    pub(super) fn succeed(&mut self, took: Duration) {
        self.succeeded += 1;
        self.latency.record(took);
    }

    /// A transaction failed, with a SubDevice that never answers or with another one.
    pub(super) fn fail(&mut self, reason: Reason, frozen: bool) {
        *self.failed_by_reason.entry(reason).or_default() += 1;
        let right = if frozen { reason.is_of_frozen() } else { reason.is_of_able() };
        self.wrong_errors += u64::from(!right);
        if frozen { self.of_frozen += 1 } else { self.failed_of_able += 1 }
    }

    /// A request is asked again.
    pub(super) fn repeat(&mut self, reason: Reason) {
        self.repeated.requests += 1;
        *self.repeated.by_reason.entry(reason).or_default() += 1;
    }
}
