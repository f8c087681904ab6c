//! Indexes that were probably meant in hexadecimal: `6041` without `0x` is 0x1799, where nothing is that can be mapped.

use crate::error::{Problem, Rule};
use crate::rig::Rig;
use crate::task::Target;

/// The part of an object dictionary that describes communication: no entry of a PDO is in it (ETG.1000.6, object
/// dictionary structure; from memory).
const COMMUNICATION: std::ops::Range<u16> = 0x1000..0x2000;
/// Where entries of PDOs are.
const APPLICATION: u16 = 0x2000;

/// A warning for each channel whose index, written in decimal, is that of another area in hexadecimal.
pub(super) fn indexes(rig: &Rig) -> Vec<Problem> {
    let mut found = Vec::new();
    for (i, task) in rig.tasks.iter().enumerate() {
        for (n, channel) in task.channels().into_iter().enumerate() {
            let (Target::Manual { index, .. } | Target::Untyped { index, .. }) = *channel.target else { continue };
            let Some(meant) = meant(index) else { continue };
            let path = format!("{}.channels[{n}].index", task.level(i));
            let what = format!("{index} is {index:#06x}, which describes communication and is in no PDO");
            found.push(Problem::new(Rule::OutOfRange, path, what, format!("write {meant:#06x} if that is meant")));
        }
    }
    found
}

/// The index with the decimal digits of this one as hexadecimal ones, where it is in the area of the application.
fn meant(index: u16) -> Option<u16> {
    let meant = u16::from_str_radix(&index.to_string(), 16).ok()?;
    (COMMUNICATION.contains(&index) && meant >= APPLICATION).then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn decimal_digits_of_an_application_object_are_seen() {
        assert_eq!((meant(6041), meant(7000)), (Some(0x6041), Some(0x7000)));
        assert_eq!((meant(0x6041), meant(0x1018), meant(0), meant(4096)), (None, Some(0x4120), None, Some(0x4096)));
    }
}
