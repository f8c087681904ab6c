//! SubDevices that the simulated segment builds from vendors' device descriptions and SII images, brought to OP.

mod support;

use std::path::PathBuf;

use support::simulated::{prepare, segment, to_op_and_back};
use zerocat_bus::{Options, PdoSource};
use zerocat_sim::SegmentConfig;

fn described() -> SegmentConfig {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sim/tests/esi/segment.json");
    SegmentConfig::load(&file).expect("a good segment")
}

#[test]
fn devices_of_files_reach_op_and_exchange_what_their_files_say() {
    let (datagrams, mut pump) = segment(&described());
    let (mut network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    let sizes: Vec<_> =
        plan.subdevices.iter().map(|subdevice| (subdevice.outputs.len(), subdevice.inputs.len())).collect();
    assert_eq!(sizes, [(0, 0), (1, 0), (0, 1), (0, 8), (0, 2), (6, 6), (6, 10)]);
    to_op_and_back(&mut pump, &datagrams, &mut network, &plan);
}

#[test]
fn a_device_with_coe_and_without_assignment_objects_is_mapped_by_its_sii() {
    let (datagrams, mut pump) = segment(&described());
    let (network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    let (coe, sii) = (Some(PdoSource::Coe), Some(PdoSource::Sii));
    let sources: Vec<_> = network.subdevices().iter().map(|subdevice| subdevice.pdo_source).collect();
    assert_eq!(sources, [None, sii, sii, coe, sii, sii, coe]);
}

#[test]
fn identities_and_names_are_those_of_the_files_or_of_the_configuration() {
    let (datagrams, mut pump) = segment(&described());
    let (network, _) = pump.run(prepare(&datagrams, Options::default())).unwrap();
    let sensors = &network.subdevices()[3];
    let id = sensors.identity;
    assert_eq!((id.vendor_id, id.product_code, id.revision, id.serial), (0xabc, 0x0c1e_3052, 0x0012_0000, 77));
    assert_eq!((sensors.name.as_str(), sensors.sii.name.as_str()), ("AX3102", "sensors"));
    assert_eq!(network.subdevices()[4].identity.revision, 0x0010_0000);
    assert!(network.subdevices().iter().all(|subdevice| subdevice.sii.problems.is_empty()));
}
