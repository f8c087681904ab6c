//! Device descriptions to a process image: a device that the reader accepts is simulated, scanned, drafted and checked, and its
//! process data laid out, by what production does it with. No file panics anything, a draft passes its own check, and what
//! is laid out lies within the image.
//!
//! Inputs are those of the target `esi`.
#![no_main]

use std::cell::RefCell;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use zerocat::{Depth, DrivenBus, ScanOptions, draft_rig, scan_by};
use zerocat_bus::{Datagrams, Network, Options, block_on};
use zerocat_esi::{Catalogue, Device};
use zerocat_pdi::{SyncUnit, lay_out};
use zerocat_sim::{Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::{Drive, Ends};

mod description;

/// Devices of a file that are tried.
const DEVICES: usize = 4;
/// Room for process data in a frame.
const ROOM: usize = 1400;

thread_local! {
    /// One engine for all inputs: its frame pool lives as long as the process.
    static BUS: RefCell<Option<(Drive, Datagrams)>> = const { RefCell::new(None) };
}

fn tried(device: &Device, drive: &mut Drive, datagrams: &Datagrams) {
    let Ok(config) = SubDeviceConfig::from_device(device) else { return };
    let segment = Segment::new(&SegmentConfig::line(vec![config])).expect("a description that was accepted");
    *drive.engine_mut().link_mut().segment_mut() = segment;
    let scan = block_on(scan_by(datagrams, ScanOptions::new(Depth::Deep, DrivenBus::Refuse)), || drive.turn())
        .expect("it answers");
    if scan.subdevices[0].error.is_none() {
        let rig = draft_rig(&scan, "in-process");
        assert_eq!(rig.problems(), [], "a draft passes its own check");
    }
    let layouts = block_on(
        async {
            let mut network = Network::discover(datagrams, Options::default()).await.ok()?;
            network.to_pre_op().await.ok()?;
            network.read_pdos().await.ok()?;
            let layouts = network.layouts();
            network.shut_down().await;
            Some(layouts)
        },
        || drive.turn(),
    );
    let every = SyncUnit { every: 1, phase: Some(0) };
    let Some(Ok(plan)) = layouts.map(|layouts| lay_out(&layouts, &[every], ROOM)) else { return };
    for subdevice in &plan.subdevices {
        assert!(subdevice.inputs.end <= plan.image_len && subdevice.outputs.end <= plan.image_len);
    }
}

fuzz_target!(|input: &[u8]| {
    if input.len() > description::LONGEST {
        return;
    }
    let Ok(catalogue) = Catalogue::from_bytes(&description::file(input)) else { return };
    BUS.with_borrow_mut(|bus| {
        let (drive, datagrams) = bus.get_or_insert_with(|| {
            let first = Segment::new(&SegmentConfig::mixed(1)).expect("a segment");
            let (drive, Ends { datagrams, .. }) = Drive::new(first, Duration::from_millis(1), |link| link);
            (drive, datagrams)
        });
        for place in 0..catalogue.devices().len().min(DEVICES) {
            if let Ok(device) = catalogue.device(place, None) {
                tried(&device, drive, datagrams);
            }
        }
    });
});
