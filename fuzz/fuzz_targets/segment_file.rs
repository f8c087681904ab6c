//! Segment files and scripts: no text panics their readers, an accepted file makes a segment that answers, and writing
//! it out again gives the same file.
//!
//! The input is the JSON of a segment and, behind a zero byte, a script for it. Start with files as seeds:
//! `examples/*-segment.json`.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use zerocat_sim::{CommandParser, Script, Segment, SegmentConfig};

mod sim;

/// Longest input: longer files only take longer.
const LONGEST: usize = 16 * 1024;

fuzz_target!(|input: &[u8]| {
    if input.len() > LONGEST {
        return;
    }
    let mut parts = input.splitn(2, |byte| *byte == 0).map(String::from_utf8_lossy);
    let (json, script) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let _ = Script::parse(&script, &CommandParser::new(&SegmentConfig::example()));
    let Ok(config) = SegmentConfig::from_json(&json) else { return };
    let _ = Script::parse(&script, &CommandParser::new(&config));
    assert_eq!(
        SegmentConfig::from_json(&config.to_json()).expect("what is written is read").to_json(),
        config.to_json()
    );
    // One that names other files was not read whole.
    let Ok(mut segment) = Segment::new(&config) else { return };
    let (_, counter) = sim::send(&mut segment, Duration::from_millis(1), 7, 0, 0x0000, &[0; 16]);
    assert!(counter > 0, "it answers");
});
