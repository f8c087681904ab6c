//! Every kind of simulated SubDevice reaches OP with its default PDOs, by our own bring-up.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use support::simulated::{Simulated, cycle, operate, prepare, segment};
use zerocat_bus::{AlReached, BringUpError, Datagrams, Network, Options, PdoSource};
use zerocat_pdi::Plan;
use zerocat_sim::{ModuleKind, ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_wire::{AlState, AlStatusCode};

/// The zoo in OP: positions by name, and the image.
struct Zoo {
    datagrams: Datagrams,
    pump: Simulated,
    plan: Plan,
    image: Vec<u8>,
    positions: BTreeMap<String, usize>,
}

fn zoo() -> Zoo {
    let (datagrams, mut pump) = segment(&SegmentConfig::zoo());
    let mut image;
    let plan;
    {
        let (mut network, laid) = pump.run(prepare(&datagrams, Options::default())).unwrap();
        plan = laid;
        image = vec![0; plan.image_len];
        pump.run(network.to_safe_op()).unwrap();
        pump.run(operate(&datagrams, &mut network, &plan, &mut image)).unwrap();
    }
    let snapshot = pump.segment.snapshot();
    let place = |s: &zerocat_sim::SubDeviceSnapshot| Some((s.name.clone(), usize::from(s.position?)));
    let positions = snapshot.subdevices.iter().filter_map(place).collect();
    Zoo { datagrams, pump, plan, image, positions }
}

impl Zoo {
    /// Runs cycles of a millisecond.
    fn cycles(&mut self, count: usize) {
        for _ in 0..count {
            let counters = self.pump.run(async {
                let counters = cycle(&self.datagrams, &self.plan, &mut self.image).await;
                self.datagrams.pause(Duration::from_millis(1)).await;
                counters
            });
            assert!(counters.iter().all(|(got, expected)| got == expected), "{counters:?}");
        }
    }

    fn set(&mut self, name: &str, at: usize, bytes: &[u8]) {
        let outputs = self.plan.subdevices[self.positions[name]].outputs.clone();
        self.image[outputs][at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn inputs(&self, name: &str) -> &[u8] {
        &self.image[self.plan.subdevices[self.positions[name]].inputs.clone()]
    }

    fn i32(&self, name: &str, at: usize) -> i32 {
        i32::from_le_bytes(self.inputs(name)[at..at + 4].try_into().unwrap())
    }
}

#[test]
fn one_of_each_kind_reaches_op_with_default_pdos() {
    let mut zoo = zoo();
    assert!(zoo.pump.states().iter().all(|state| *state == AlState::Op), "{:?}", zoo.pump.states());
    zoo.cycles(10);
}

#[test]
fn maps_by_coe_and_by_sii_are_the_same_for_every_kind() {
    let (datagrams, mut pump) = segment(&SegmentConfig::zoo());
    let (network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    for subdevice in network.subdevices().iter().filter(|subdevice| subdevice.mailbox.is_some()) {
        let by_sii = zerocat_bus::pdo::from_sii(&subdevice.sii);
        assert_eq!(subdevice.pdo_source, Some(PdoSource::Coe));
        assert_eq!(subdevice.sync_managers, by_sii.sync_managers, "{}", subdevice.name);
    }
}

#[test]
fn what_moves_carries_its_position_to_encoders() {
    let mut zoo = zoo();
    // Servo: CSP, 0x06, 0x07, 0x0f; target 12,345. Stepper: enabled, half speed.
    zoo.set("axis", 2, &12_345i32.to_le_bytes());
    zoo.set("axis", 6, &[8]);
    zoo.set("feeder", 6, &[1]);
    zoo.set("feeder", 8, &16_384i16.to_le_bytes());
    for control in [0x06, 0x07, 0x0f, 0x0f] {
        zoo.set("axis", 0, &[control]);
        zoo.cycles(50);
    }
    assert_eq!((zoo.i32("axis", 2), zoo.i32("scale", 2)), (12_345, 12_345));
    let (feeder, wheel) = (zoo.i32("feeder", 2), zoo.i32("wheel", 2));
    // The wire is a step behind at most: 64 microsteps in a millisecond.
    assert!(feeder > 5_000 && (feeder - wheel).abs() <= 128, "{feeder} {wheel}");
    assert!(zoo.i32("spindle", 2) > 2_000, "turns by itself");
}

#[test]
fn analogue_wires_reach_plain_and_oversampled_inputs() {
    let mut zoo = zoo();
    zoo.set("setpoints", 0, &[0x34, 0x12, 0x78, 0x56]);
    zoo.cycles(3);
    assert_eq!(zoo.inputs("sensors")[2..4], [0x34, 0x12]);
    // Cycle counter, 20 samples, then the next channel.
    let scope = zoo.inputs("scope").to_vec();
    assert!(scope[2..42].chunks(2).all(|sample| sample == [0x78, 0x56]), "{scope:02x?}");
    let count = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
    zoo.cycles(1);
    assert!(count(zoo.inputs("scope")) > count(&scope));
}

/// Writes a list of expected modules to a modular device and asks for SAFE-OP.
fn expecting(idents: [u32; 2]) -> Result<Vec<AlReached>, BringUpError> {
    let modules = vec![ModuleKind::Di8, ModuleKind::Ao2];
    let modular = SubDeviceConfig { modules, ..SubDeviceConfig::new(ProfileKind::Modular) };
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![modular]));
    let (mut network, _): (Network<'_>, Plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    for (subindex, ident) in (1..).zip(idents) {
        pump.run(network.download(0, 0xF030, subindex, &ident.to_le_bytes())).unwrap();
    }
    pump.run(network.to_safe_op())
}

#[test]
fn a_modular_device_refuses_modules_that_are_not_plugged_in() {
    // ETG.5001.1, 0xF030 and 0xF050; ETG.1020, AL status code 0x0070.
    const DI8: u32 = 0x0001_0801;
    const AO2: u32 = 0x0010_0202;
    assert!(expecting([DI8, AO2]).is_ok());
    let error = expecting([AO2, DI8]).unwrap_err().to_string();
    assert!(error.contains(&AlStatusCode::MODULES_MISMATCH.to_string()), "{error}");
}
