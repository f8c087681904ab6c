//! No device description makes the simulator panic, whether it takes it or refuses it.

#[path = "../../esi/tests/support/mod.rs"]
mod support;

use proptest::prelude::*;
use support::{device, fragment};
use zerocat_sim::SubDeviceConfig;

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        drop(SubDeviceConfig::from_esi_bytes(&bytes, "D"));
    }

    #[test]
    fn no_elements_panic(inside in prop::collection::vec(fragment(), 0..12)) {
        drop(SubDeviceConfig::from_esi_bytes(device(&inside.concat()).as_bytes(), "D"));
    }

    #[test]
    fn no_cut_and_no_changed_byte_panics(cut in 0usize..20_000, at in 0usize..20_000, byte in any::<u8>()) {
        let mut bytes = include_bytes!("../../esi/tests/samples/analogue.xml").to_vec();
        let place = at % bytes.len();
        bytes[place] = byte;
        drop(SubDeviceConfig::from_esi_bytes(&bytes, "AX3102"));
        bytes.truncate(cut.min(bytes.len()));
        drop(SubDeviceConfig::from_esi_bytes(&bytes, "AX3102"));
    }
}
