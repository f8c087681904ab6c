//! How long before SYNC0 frames pass the reference clock, where the rig doesn't say.

use super::DcSection;
use std::time::Duration;

/// At least as long as this where the cycle allows: a frame of 1,500 bytes takes 123 us at 100 Mbit/s, a line of 100 SubDevices some 10 us
/// beside it, and SYNC0 must come when it is through the last one.
const FRAME: Duration = Duration::from_micros(150);
/// At most as long as this: wake-ups of an ordinary machine are late by milliseconds at the worst, also where the cycle is slow,
/// and a longer lead makes outputs older.
const MOST: Duration = Duration::from_millis(2);

/// From the frame's passage of the reference clock to the next SYNC0 without a shift: three tenths of the cycle.
///
/// Outputs must be in, and copied, before SYNC0; inputs are latched by SYNC0 and must be ready before the next frame. So the lead divides
/// the cycle between both, and what a frame is late by is taken from its outputs. Three tenths are in the middle of what other
/// MainDevices use as a shift (20 to 30 percent) and of half a cycle. Of a short cycle it is half, since the frame itself takes
/// as long.
///
/// ```
/// use std::time::Duration;
/// use zerocat_config::dc::usual_lead;
/// let lead = |cycle| usual_lead(Duration::from_micros(cycle)).as_micros();
/// assert_eq!([10_000, 1_000, 500, 250, 125].map(lead), [2_000, 300, 150, 125, 62]);
/// ```
#[must_use]
pub fn usual_lead(cycle: Duration) -> Duration {
    (cycle * 3 / 10).clamp(FRAME.min(cycle / 2), MOST)
}

impl DcSection {
    /// From the frame's passage of the reference clock to the next SYNC0 without a shift, at a cycle.
    #[must_use]
    pub fn lead_at(&self, cycle: Duration) -> Duration {
        self.lead.unwrap_or_else(|| usual_lead(cycle))
    }

    /// From the frame's passage of the reference clock to the next whole multiple of the cycle in its time: the lead, less the
    /// phase that the network has to such multiples.
    #[must_use]
    pub fn lead_to_multiple(&self, cycle: Duration) -> Duration {
        let whole = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let (lead, phase) = (self.lead_at(cycle), self.phase.unwrap_or_default());
        let ns = whole((lead + cycle).saturating_sub(phase)).checked_rem(whole(cycle));
        Duration::from_nanos(ns.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_is_within_the_cycle_whatever_that_is() {
        for micros in [10, 50, 100, 125, 250, 400, 500, 1_000, 2_000, 10_000, 1_000_000] {
            let cycle = Duration::from_micros(micros);
            let lead = usual_lead(cycle);
            assert!(!lead.is_zero() && lead <= cycle / 2, "{cycle:?}: {lead:?}");
        }
    }

    #[test]
    fn a_lead_grows_with_the_cycle() {
        let leads: Vec<_> = (1..20_000).step_by(7).map(|micros| usual_lead(Duration::from_micros(micros))).collect();
        assert!(leads.is_sorted());
    }

    #[test]
    fn a_phase_is_taken_from_the_lead() {
        let cycle = Duration::from_millis(1);
        let lead = |phase_us| {
            let section = DcSection { phase: Some(Duration::from_micros(phase_us)), ..DcSection::default() };
            section.lead_to_multiple(cycle).as_micros()
        };
        assert_eq!([0, 100, 300, 500].map(lead), [300, 200, 0, 800]);
        assert_eq!(DcSection::default().lead_to_multiple(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn what_the_rig_says_counts() {
        let said = DcSection { lead: Some(Duration::from_micros(450)), ..DcSection::default() };
        assert_eq!(said.lead_at(Duration::from_millis(1)), Duration::from_micros(450));
        assert_eq!(DcSection::default().lead_at(Duration::from_millis(1)), Duration::from_micros(300));
    }
}
