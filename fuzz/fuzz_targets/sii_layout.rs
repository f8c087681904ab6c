//! SII memories from their bytes to a layout: whatever they hold, reading ends, the simulated segment serves them as they
//! are, and what the MainDevice makes of them is a plan in which no entry lies outside its SubDevice's part of the image.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use zerocat_bus::pdo::from_sii;
use zerocat_bus::sii::Sii;
use zerocat_pdi::{Access, Direction, SubDeviceLayout, lay_out};
use zerocat_sim::{Segment, SegmentConfig, SubDeviceConfig};

mod sim;

/// Longest input: longer memories only take longer.
const LONGEST: usize = 16 * 1024;

fuzz_target!(|image: &[u8]| {
    if image.len() > LONGEST {
        return;
    }
    let config = SegmentConfig::line(vec![SubDeviceConfig::from_sii_bytes(image)]);
    let mut segment = Segment::new(&config).expect("any memory is served");
    let (_, counter) = sim::send(&mut segment, Duration::from_millis(1), 7, 0, 0x0000, &[0; 16]);
    assert_eq!(counter, 1, "it answers");
    let Ok(sii) = Sii::parse(image) else { return };
    let map = from_sii(&sii);
    for access in [Access::Lrw, Access::LrwOverlapping, Access::LwrLrd] {
        let sync_managers = map.sync_managers.clone();
        let layout = SubDeviceLayout { position: 0, sync_managers, fmmus: 16, status: Some(0x080d), access, unit: 0 };
        let Ok(plan) = lay_out(&[layout], &[], 1452) else { continue };
        let planned = &plan.subdevices[0];
        for entry in &planned.entries {
            let part = if entry.direction == Direction::Output { &planned.outputs } else { &planned.inputs };
            let bytes = entry.span.offset / 8..entry.span.end().div_ceil(8);
            assert!(part.start <= bytes.start && bytes.end <= part.end, "{entry:?} in {part:?}");
        }
        for datagram in plan.frames.iter().flat_map(|frame| &frame.datagrams) {
            assert!(datagram.len <= 1452 && datagram.expected_before_op <= datagram.expected_working_counter);
        }
    }
});
