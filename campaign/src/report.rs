//! The result of a campaign.

use crate::invariant::{Invariant, Violation};
use crate::life::Lived;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Name and version of the schema.
pub const CAMPAIGN_SCHEMA: &str = "zerocat-campaign/1";

/// What a campaign found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CampaignReport {
    /// Always `zerocat-campaign/1`.
    pub schema: &'static str,
    /// Seeds that were lived.
    pub seeds: u64,
    /// Cycles of all lives.
    pub cycles: u64,
    /// Lives that reached OP.
    pub reached_op: u64,
    /// Outages that were noticed, and of them those that ended in OP.
    pub outages: u64,
    /// Outages that ended in OP.
    pub recovered: u64,
    /// Faults by kind.
    pub faults_by_kind: BTreeMap<&'static str, u64>,
    /// What must not happen and did.
    pub violations: Vec<Violation>,
}

impl Default for CampaignReport {
    fn default() -> Self {
        Self {
            schema: CAMPAIGN_SCHEMA,
            seeds: 0,
            cycles: 0,
            reached_op: 0,
            outages: 0,
            recovered: 0,
            faults_by_kind: BTreeMap::new(),
            violations: Vec::new(),
        }
    }
}

impl CampaignReport {
    pub(crate) fn add(&mut self, lived: Lived) {
        self.seeds += 1;
        self.cycles += lived.cycles;
        self.reached_op += u64::from(lived.reached_op);
        self.outages += lived.outages;
        self.recovered += lived.recovered;
        for kind in lived.faults {
            *self.faults_by_kind.entry(kind.name()).or_default() += 1;
        }
        self.violations.extend(lived.violations);
    }

    /// The same seed must give the same life.
    pub(crate) fn compare(&mut self, one: &Lived, other: &Lived) {
        if one.digest != other.digest {
            let what = format!("two lives of the seed differ: {:016x} and {:016x}", one.digest, other.digest);
            let invariant = Invariant::SameSeedSameLife;
            self.violations.push(Violation { seed: one.seed, cycle: one.cycles.min(other.cycles), invariant, what });
        }
    }
}
