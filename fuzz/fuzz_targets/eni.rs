//! Network descriptions: no file panics the reader, and one that it accepts makes a rig file without problems, the same in YAML
//! and in JSON.
//!
//! The input is a whole file. Start with files as seeds: `esi/tests/samples/network.xml`, `esi/tests/samples/ec-engineer.xml`,
//! `examples/demo-network.xml`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat::DraftFormat;
use zerocat::import::Import;
use zerocat_config::Rig;

fuzz_target!(|input: &[u8]| {
    let Ok(import) = Import::from_bytes(input, Some("eth0")) else { return };
    let yaml = import.text(DraftFormat::Yaml);
    let rig = Rig::from_yaml(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    let json = import.text(DraftFormat::Json);
    assert_eq!(Rig::from_json(&json).expect("as JSON"), rig, "{yaml}");
    assert_eq!(rig.problems(), [], "{yaml}");
    let report = import.report();
    assert_eq!(report.subdevices.len(), rig.slaves.len());
});
