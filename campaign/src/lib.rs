//! A campaign: many short lives of a whole network under virtual time, each with faults drawn from a seed, and invariants
//! that are checked in every cycle against the segment's truth.
//!
//! A life is production's ([`zerocat::Machine`]) over the engine's steps and a simulated segment, in one thread. Everything
//! that happens to it follows from its seed: the segment, the period, the faults and when they come, the moment of the stop.
//! So a violation can be looked at again, as often as one likes, by its seed.
//!
//! What isn't tried here: the loop around the steps, threads, the kernel, a NIC. Tests over veth try these.
#![forbid(unsafe_code)]

mod app;
mod fault;
mod follower;
mod invariant;
mod life;
mod parted;
mod place;
mod report;
mod wire;
mod world;

pub use fault::FaultKind;
pub use invariant::{Invariant, Violation};
pub use life::{Lived, faults_of, live};
pub use report::{CAMPAIGN_SCHEMA, CampaignReport};

use std::time::{Duration, Instant};

/// How long a campaign goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The first seed.
    pub first: u64,
    /// How many seeds.
    pub seeds: u64,
    /// Longest real time; the campaign ends after the seed that passes it.
    pub most: Option<Duration>,
}

/// Every so many seeds a life is lived twice, and must be the same.
const TWICE: u64 = 8;

/// Runs a campaign. `told` hears of each seed that is done, and ends the campaign by returning `false`.
pub fn run(settings: Settings, mut told: impl FnMut(u64, &CampaignReport) -> bool) -> CampaignReport {
    let begun = Instant::now();
    let mut report = CampaignReport::default();
    for seed in settings.first..settings.first.saturating_add(settings.seeds) {
        let lived = live(seed);
        if seed.is_multiple_of(TWICE) {
            report.compare(&lived, &live(seed));
        }
        report.add(lived);
        let over = settings.most.is_some_and(|most| begun.elapsed() >= most);
        if !told(seed, &report) || over {
            break;
        }
    }
    report
}
