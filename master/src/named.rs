//! A SubDevice as messages name it: position and name, and its key in the rig file where that is another word.

use zerocat_bus::Label;

/// In words, such as ``SubDevice 5 (ZC-SERVO) `axis` ``.
pub(crate) fn named(who: &Label, key: Option<&String>) -> String {
    zerocat_bus::named(who, key.map(String::as_str))
}
