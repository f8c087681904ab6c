//! How the mailbox of a SubDevice is used.

use super::Found;
use crate::error::Rule;
use crate::rig::Slave;
use std::time::Duration;

/// Most retries.
const MOST_RETRIES: u8 = 20;
/// Longest pause before the first retry.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(1);

/// Checks the numbers of the `i`th slave.
pub(super) fn settings(slave: &Slave, i: usize, found: &mut Found) {
    let settings = slave.mailbox;
    let at = |key: &str| format!("slaves[{i}].mailbox.{key}");
    if settings.retries > MOST_RETRIES {
        let what = format!("{} is more than {MOST_RETRIES}", settings.retries);
        found.add(Rule::OutOfRange, at("retries"), what, "give a few, such as 3");
    }
    if settings.back_off > LONGEST_BACK_OFF {
        let what = format!("{:?} is more than {LONGEST_BACK_OFF:?}", settings.back_off);
        found.add(Rule::OutOfRange, at("back_off"), what, "give a time such as \"10ms\"");
    }
}
