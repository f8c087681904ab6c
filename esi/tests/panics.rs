//! No file makes the reader panic.

mod support;

use proptest::prelude::*;
use support::{device, fragment};
use zerocat_esi::{DeviceQuery, read_bytes};

fn read(bytes: &[u8], device: &str) {
    drop(read_bytes(bytes, DeviceQuery { device, revision: None, product: None, modules: None }));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        read(&bytes, "D");
    }

    #[test]
    fn no_elements_panic(inside in prop::collection::vec(fragment(), 0..12)) {
        read(device(&inside.concat()).as_bytes(), "D");
    }

    #[test]
    fn no_cut_and_no_changed_byte_panics(cut in 0usize..20_000, at in 0usize..20_000, byte in any::<u8>()) {
        let mut bytes = include_bytes!("samples/analogue.xml").to_vec();
        let place = at % bytes.len();
        bytes[place] = byte;
        read(&bytes, "AX3102");
        bytes.truncate(cut.min(bytes.len()));
        read(&bytes, "AX3102");
    }
}
