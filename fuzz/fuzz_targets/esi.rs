//! Device descriptions: no file panics the reader, and a device that it accepts makes a segment that answers.
//!
//! The input is the content of a device element and, behind a zero byte, the content that follows the devices. An input
//! that begins with `<?xml` or `<Ether` is a whole file. Start with a whole file as a seed:
//! `esi/tests/samples/catalogue.xml`.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use zerocat_sim::{Segment, SegmentConfig, SubDeviceConfig};

mod sim;

/// Longest input: deeper files only take longer.
const LONGEST: usize = 64 * 1024;

const BEFORE: &str = "<EtherCATInfo><Vendor><Id>1</Id></Vendor><Descriptions><Devices><Device Physics='YY'>\
    <Type ProductCode='1' RevisionNo='1'>D</Type>";

fn file(input: &[u8]) -> Vec<u8> {
    if input.starts_with(b"<?xml") || input.starts_with(b"<Ether") {
        return input.to_vec();
    }
    let (device, behind) = match input.iter().position(|byte| *byte == 0) {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (input, &[][..]),
    };
    let end = "</Descriptions></EtherCATInfo>".as_bytes();
    [BEFORE.as_bytes(), device, b"</Device></Devices>", behind, end].concat()
}

fuzz_target!(|input: &[u8]| {
    if input.len() > LONGEST {
        return;
    }
    let file = file(input);
    for name in ["D", "AXD200", "AXM200"] {
        let Ok(config) = SubDeviceConfig::from_esi_bytes(&file, name) else { continue };
        let mut segment = Segment::new(&SegmentConfig::line(vec![config])).expect("a description that was accepted");
        let (_, counter) = sim::send(&mut segment, Duration::from_millis(1), 7, 0, 0x0000, &[0; 16]);
        assert_eq!(counter, 1, "it answers");
    }
});
