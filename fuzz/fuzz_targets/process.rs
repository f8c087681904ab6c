//! Frames into a segment whose SubDevices are in OP or on their way there: no input panics.
//!
//! The input is cut into frames of random datagrams (command, address, register, data); its rest is a raw frame.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use zerocat_sim::{Segment, SegmentConfig};

mod sim;

fuzz_target!(|input: &[u8]| {
    let mut segment = Segment::new(&SegmentConfig::example()).expect("the example is a segment");
    sim::bring_up(&mut segment);
    let mut now = Duration::from_secs(1);
    let mut rest = input;
    while let [command, position, a, b, wait, len, behind @ ..] = rest {
        let (data, behind) = behind.split_at(usize::from(*len).min(behind.len()));
        // Most frames address what exists, the others anything.
        let station = if position & 0x80 == 0 { 0x1000 + u16::from(position & 7) } else { u16::from(*position) << 8 };
        let adp = if matches!(command & 15, 1..=3 | 13) { 0u16.wrapping_sub(u16::from(position & 7)) } else { station };
        now += Duration::from_millis(u64::from(*wait));
        sim::send(&mut segment, now, command & 15, adp, u16::from_le_bytes([*a, *b]), data);
        rest = behind;
    }
    let mut raw = input.to_vec();
    let _ = segment.process(&mut raw, now);
});
