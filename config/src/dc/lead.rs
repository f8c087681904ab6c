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
    fn what_the_rig_says_counts() {
        let said = DcSection { lead: Some(Duration::from_micros(450)), ..DcSection::default() };
        assert_eq!(said.lead_at(Duration::from_millis(1)), Duration::from_micros(450));
        assert_eq!(DcSection::default().lead_at(Duration::from_millis(1)), Duration::from_micros(300));
    }
}
