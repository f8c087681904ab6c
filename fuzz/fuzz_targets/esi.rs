//! Device descriptions: no file panics the reader, and a device that it accepts makes a segment that answers.
//!
//! The input is the content of a device element and, behind a zero byte, the content that follows the devices. An input
//! that begins with `<?xml` or `<Ether` is a whole file. Start with a whole file as a seed:
//! `esi/tests/samples/catalogue.xml`.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use zerocat_sim::{Segment, SegmentConfig, SubDeviceConfig};

mod description;
mod sim;

fuzz_target!(|input: &[u8]| {
    if input.len() > description::LONGEST {
        return;
    }
    let file = description::file(input);
    for name in ["D", "AXD200", "AXM200"] {
        let Ok(config) = SubDeviceConfig::from_esi_bytes(&file, name) else { continue };
        let mut segment = Segment::new(&SegmentConfig::line(vec![config])).expect("a description that was accepted");
        let (_, counter) = sim::send(&mut segment, Duration::from_millis(1), 7, 0, 0x0000, &[0; 16]);
        assert_eq!(counter, 1, "it answers");
    }
});
