//! `zerocat bench`: measurements that a user can repeat.

use crate::Done;
use clap::Args;

/// Measure.
#[derive(Debug, Args)]
pub(crate) struct Bench {}

impl Bench {
    pub(crate) fn run(&self) -> Done {
        Ok(())
    }
}
