//! A draft runs, whatever is on the bus: scan, draft, check, and a run of it to OP, under virtual time, on segments of
//! made-up SubDevices and of those that the simulation knows.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;
use zerocat::config::{Rig, Target, Task};
use zerocat::{Depth, DraftFormat, DrivenBus, Scan, ScanOptions, draft_rig, draft_text, scan_by};
use zerocat_bus::block_on;
use zerocat_pdi::BitSpan;
use zerocat_sim::{Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::{Drive, VirtualNetwork};

/// An entry of a made-up device: object (0 for a gap), subindex, bits and name.
#[derive(Debug, Clone)]
struct MadeEntry {
    object: u16,
    subindex: u8,
    bits: u8,
    name: &'static str,
}

/// A made-up device: the entries of its PDOs, whether these have one index in each direction, as slots may bring them, and
/// whether it has a mailbox with CoE.
#[derive(Debug, Clone)]
struct Made {
    outputs: Vec<Vec<MadeEntry>>,
    inputs: Vec<Vec<MadeEntry>>,
    one_index: bool,
    coe: bool,
}

/// Few objects, so that many share an address; names that are empty, odd or the same.
fn made_entry() -> impl Strategy<Value = MadeEntry> {
    let bits = prop_oneof![Just(1u8), 1u8..=64, prop::sample::select(vec![8u8, 16, 32, 64, 80, 128]), 65u8..=255];
    let name = prop::sample::select(vec!["", "Value", "Value", "Status word", "Über-/Lauf", "-", "sample 2", "sample"]);
    (0u16..4, 1u8..4, bits, name).prop_map(|(object, subindex, bits, name)| MadeEntry { object, subindex, bits, name })
}

fn made() -> impl Strategy<Value = Made> {
    let pdos = || prop::collection::vec(prop::collection::vec(made_entry(), 0..6), 0..4);
    (pdos(), pdos(), any::<(bool, bool)>()).prop_map(|(mut outputs, inputs, (one_index, coe))| {
        if coe {
            once_each(&mut outputs);
        }
        // An object dictionary has one object for an index.
        Made { outputs, inputs, one_index: one_index && !coe, coe }
    })
}

/// A SubDevice whose objects hold its outputs refuses to take one from two places.
fn once_each(pdos: &mut [Vec<MadeEntry>]) {
    let mut seen = BTreeSet::new();
    for pdo in pdos {
        pdo.retain(|entry| entry.object == 0 || seen.insert((entry.object, entry.subindex)));
    }
}

/// Type of an entry in a device description, if there is one of that length.
fn data_type(bits: u8) -> Option<String> {
    match bits {
        1 => Some("BOOL".to_owned()),
        2..=7 => Some(format!("BIT{bits}")),
        8 => Some("USINT".to_owned()),
        16 => Some("INT".to_owned()),
        32 => Some("REAL".to_owned()),
        64 => Some("LINT".to_owned()),
        _ if bits.is_multiple_of(16) => Some(format!("STRING({})", bits / 8)),
        _ if bits.is_multiple_of(8) => Some(format!("ARRAY [0..{}] OF BYTE", bits / 8 - 1)),
        _ => None,
    }
}

fn write_pdos(
    xml: &mut String,
    (tag, sync_manager): (&str, u8),
    indexes: impl Iterator<Item = u16>,
    objects: u16,
    pdos: &[Vec<MadeEntry>],
) {
    for (index, entries) in indexes.zip(pdos) {
        write!(xml, "<{tag} Fixed=\"1\" Sm=\"{sync_manager}\"><Index>#x{index:04x}</Index><Name>Pdo</Name>").unwrap();
        for entry in entries {
            let length = format!("<BitLen>{}</BitLen>", entry.bits);
            if entry.object == 0 {
                write!(xml, "<Entry><Index>0</Index>{length}</Entry>").unwrap();
                continue;
            }
            let (index, subindex, name) = (objects + entry.object, entry.subindex, entry.name);
            let data_type =
                data_type(entry.bits).map_or_else(String::new, |name| format!("<DataType>{name}</DataType>"));
            write!(xml, "<Entry><Index>#x{index:04x}</Index><SubIndex>{subindex}</SubIndex>{length}").unwrap();
            write!(xml, "<Name>{name}</Name>{data_type}</Entry>").unwrap();
        }
        write!(xml, "</{tag}>").unwrap();
    }
}

impl Made {
    fn esi(&self, product: usize) -> String {
        let first = if self.coe { 2 } else { 0 };
        let mut xml = format!(
            "<?xml version=\"1.0\"?><EtherCATInfo><Vendor><Id>#x7a63</Id><Name>V</Name></Vendor><Descriptions><Devices>\
             <Device Physics=\"YY\"><Type ProductCode=\"{product}\" RevisionNo=\"1\">MADE</Type><Name>Made</Name>"
        );
        if self.coe {
            let sm = |start, control, usage| {
                format!(
                    "<Sm DefaultSize=\"128\" StartAddress=\"#x{start}\" ControlByte=\"#x{control}\" Enable=\"1\">{usage}</Sm>"
                )
            };
            xml += &(sm("1000", "26", "MBoxOut") + &sm("1080", "22", "MBoxIn"));
        }
        xml += "<Sm StartAddress=\"#x1100\" ControlByte=\"#x64\" Enable=\"1\">Outputs</Sm>\
                <Sm StartAddress=\"#x1800\" ControlByte=\"#x20\" Enable=\"1\">Inputs</Sm>";
        let step = u16::from(!self.one_index);
        let indexes = |first: u16| (0u16..).map(move |n| first + n * step);
        write_pdos(&mut xml, ("RxPdo", first), indexes(0x1600), 0x7000, &self.outputs);
        write_pdos(&mut xml, ("TxPdo", first + 1), indexes(0x1a00), 0x6000, &self.inputs);
        if self.coe {
            xml += "<Mailbox><CoE SdoInfo=\"1\"/></Mailbox>";
        }
        xml + "</Device></Devices></Descriptions></EtherCATInfo>"
    }
}

fn segment_of(devices: &[Made]) -> SegmentConfig {
    let subdevice = |(n, device): (usize, &Made)| {
        let esi = device.esi(n + 1);
        SubDeviceConfig::from_esi_bytes(esi.as_bytes(), "MADE").unwrap_or_else(|error| panic!("{error}\n{esi}"))
    };
    SegmentConfig::line(devices.iter().enumerate().map(subdevice).collect())
}

/// All outputs enabled, as a user may have them.
fn with_outputs(rig: &Rig) -> Rig {
    let mut rig = rig.clone();
    let writes = rig.tasks.iter_mut().filter_map(|task| if let Task::Write(task) = task { Some(task) } else { None });
    writes.flat_map(|task| &mut task.config.channels).for_each(|channel| channel.enabled = true);
    rig
}

/// Entries that are no padding.
fn mapped(scan: &Scan) -> usize {
    let pdos = scan.subdevices.iter().flat_map(|found| found.inputs.iter().chain(&found.outputs));
    pdos.flat_map(|pdo| &pdo.entries).filter(|entry| !entry.is_padding()).count()
}

fn scan(segment: Segment) -> Scan {
    let (mut drive, ends) = Drive::new(segment, Duration::from_millis(1), |link| link);
    block_on(scan_by(&ends.datagrams, ScanOptions::new(Depth::Deep, DrivenBus::Refuse)), || drive.turn()).unwrap()
}

/// Scan, draft, check, run; every entry is a channel with bits of its own.
fn the_draft_runs(config: &SegmentConfig) {
    let scan = scan(Segment::new(config).unwrap());
    let draft = draft_rig(&scan, "eth0");
    assert_eq!(draft.problems(), []);
    let text = draft_text(&scan, "eth0", DraftFormat::Yaml);
    assert_eq!(Rig::from_yaml(&text).unwrap_or_else(|error| panic!("{error}\n{text}")), draft, "{text}");
    let json = draft_text(&scan, "eth0", DraftFormat::Json);
    assert_eq!(Rig::from_json(&json).unwrap_or_else(|error| panic!("{error}\n{json}")), draft, "{json}");
    let rig = with_outputs(&draft);
    assert_eq!(rig.problems(), []);
    let network =
        VirtualNetwork::bring_up_rig(Segment::new(config).unwrap(), rig).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let placed = network.planned().bindings.iter().flatten();
    let mut spans: Vec<BitSpan> = placed.map(|placed| placed.span).collect();
    assert_eq!(spans.len(), mapped(&scan), "{text}");
    spans.sort_unstable();
    assert!(spans.windows(2).all(|pair| !pair[0].overlaps(pair[1])), "two channels share a place\n{text}");
    assert_eq!(network.take_down().len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_draft_of_made_up_subdevices_passes_its_check_and_runs(devices in prop::collection::vec(made(), 1..4)) {
        the_draft_runs(&segment_of(&devices));
    }
}

#[test]
fn drafts_of_the_known_subdevices_run() {
    the_draft_runs(&SegmentConfig::mixed(12));
    let zoo = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/zoo-segment.json"));
    the_draft_runs(&SegmentConfig::load(zoo).unwrap());
}

#[test]
fn an_object_in_two_pdos_and_twice_in_one_is_drafted_and_runs() {
    let entry = |subindex, bits, name| MadeEntry { object: 1, subindex, bits, name };
    let status = vec![entry(1, 1, "Underrange"), entry(2, 1, "Overrange"), MadeEntry { object: 0, ..entry(0, 14, "") }];
    let samples = vec![entry(2, 16, "Sample 0"), entry(2, 16, "Sample 1")];
    for coe in [false, true] {
        let inputs = vec![status.clone(), samples.clone()];
        the_draft_runs(&segment_of(&[Made { outputs: Vec::new(), inputs, one_index: false, coe }]));
    }
}

#[test]
fn slots_that_bring_one_pdo_index_are_drafted_and_run() {
    let module = || vec![MadeEntry { object: 1, subindex: 1, bits: 8, name: "Cmd" }];
    let (outputs, inputs) = (vec![module(), module()], vec![module(), module()]);
    let config = segment_of(&[Made { outputs, inputs, one_index: true, coe: false }]);
    let draft = draft_rig(&scan(Segment::new(&config).unwrap()), "eth0");
    let Task::Read(read) = &draft.tasks[0] else { panic!("{draft:?}") };
    let place = |target: &Target| match target {
        Target::Manual { place, .. } | Target::Untyped { place, .. } => place.to_string(),
        Target::Automatic { pdo } => panic!("{pdo}"),
    };
    let named: Vec<_> = read.config.channels.iter().map(|channel| place(&channel.target)).collect();
    let keys = |nth| format!("\"pdo_index\": \"0x1a00\", \"pdo_nth\": {nth}");
    assert_eq!(named, [keys(1), keys(2)]);
    the_draft_runs(&config);
}
