//! How far clocks are from the reference, as their control loops say it.
//!
//! The difference (0x092C) is a sign and a magnitude; documents say both ways what the sign means, so only the magnitude counts
//! here. Beside it stand the speed counter's start and difference (0x0930, 0x0932), which say by how much the loop makes the
//! clock faster: one read brings all, so that they belong together.

use serde::Serialize;
use zerocat_wire::register;

use super::Clock;
use crate::datagrams::{Datagrams, Target};
use crate::error::DatagramError;
use crate::executor::join_all;

/// What a clock's control loop shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Following {
    /// Mean distance from the reference's time in ns, without a sign.
    pub difference_ns: u32,
    /// By how much the loop makes the clock faster, in parts per billion: how much slower its crystal is than the reference's.
    pub correction_ppb: i64,
}

impl Following {
    /// Reads the registers 0x092C to 0x0933.
    const fn parse([a, b, c, d, s0, s1, d0, d1]: [u8; 8]) -> Self {
        let difference_ns = u32::from_le_bytes([a, b, c, d]) & 0x7fff_ffff;
        let (start, difference) = (u16::from_le_bytes([s0, s1]) as i64, i16::from_le_bytes([d0, d1]) as i64);
        // Beckhoff ESC data sheet, section II, 0x0932: d / (5 (s + d + 2) (s - d + 2)).
        let divisor = 5 * (start + difference + 2) * (start - difference + 2);
        let correction_ppb = if divisor > 0 { difference * 1_000_000_000 / divisor } else { 0 };
        Self { difference_ns, correction_ppb }
    }
}

/// Asks one clock.
///
/// # Errors
/// Those of [`Datagrams::read_one`].
pub async fn following(datagrams: &Datagrams, clock: &Clock) -> Result<Following, DatagramError> {
    let bytes = datagrams.read_array(Target::Station(clock.station), register::DC_DIFFERENCE).await?;
    Ok(Following::parse(bytes))
}

/// Asks all of them at the same time, in their order.
pub async fn all_following(datagrams: &Datagrams, clocks: &[Clock]) -> Vec<Result<Following, DatagramError>> {
    join_all(clocks.iter().map(|clock| following(datagrams, clock))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_of_the_difference_is_left_out_and_the_speed_is_in_parts_per_billion() {
        let bytes = [0x2a, 0, 0, 0x80, 0, 0x10, 0, 0];
        assert_eq!(Following::parse(bytes), Following { difference_ns: 42, correction_ppb: 0 });
        // 100 ppm of a start of 4096: d is about 5 * 4098^2 / 10^4.
        let [d0, d1] = 3_000i16.to_le_bytes();
        let fast = Following::parse([0, 0, 0, 0, 0, 0x10, d0, d1]);
        assert!((70_000..80_000).contains(&fast.correction_ppb), "{fast:?}");
    }
}
