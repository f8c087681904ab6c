//! SubDevices with SII memories as real devices have them come up, and none keeps the others from it.
//!
//! The production code brings the simulated segment up; what it programs and expects is what the segment's ESCs ask for.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;
use zerocat_sim::{ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::VirtualNetwork;
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::sii::sync_manager::enable;
use zerocat_wire::sii::{
    CategoryType, Composer, Fixed, Identity, Mailboxes, Pdo, PdoEntry, SyncManagerEntry, SyncManagerUse, fixed, general,
};
use zerocat_wire::{Address, AlState, Command, Datagram, FrameBuilder};

use SyncManagerUse::{Inputs, MailboxIn, MailboxOut, Outputs, Unused};

const PERIOD: Duration = Duration::from_millis(1);
const MAILBOXES: Mailboxes =
    Mailboxes { receive_offset: 0x1000, receive_size: 128, send_offset: 0x1080, send_size: 128 };

const fn channel(start: u16, length: u16, control: u8, enable: u8, usage: SyncManagerUse) -> SyncManagerEntry {
    SyncManagerEntry { start, length, control, status: 0, enable, usage }
}

/// A PDO of `entries` entries of `bits` bits on a sync manager.
fn pdo(index: u16, sync_manager: u8, entries: u8, bits: u8) -> (Pdo, Vec<PdoEntry>) {
    let header = Pdo { index, entries: 0, sync_manager, dc_sync: 0, name: 0, flags: 0 };
    let entry = |subindex| PdoEntry { index: 0x7000, subindex, name: 0, data_type: 0, bit_length: bits, flags: 0 };
    (header, (1..=entries).map(entry).collect())
}

/// What an image is made of.
#[derive(Default)]
struct Image {
    mailbox: Mailboxes,
    protocols: u16,
    /// No application: AL status follows AL control.
    emulation: bool,
    channels: Vec<SyncManagerEntry>,
    outputs: Vec<(Pdo, Vec<PdoEntry>)>,
    inputs: Vec<(Pdo, Vec<PdoEntry>)>,
}

impl Image {
    fn bytes(&self) -> Vec<u8> {
        let fixed = Fixed {
            pdi_control: if self.emulation { 0x0104 } else { 0x0005 },
            identity: Identity { vendor: 0x7a63, product: 1, revision: 1, serial: 0 },
            mailbox: self.mailbox,
            protocols: self.protocols,
            ..Fixed::default()
        };
        let mut bytes = vec![0; 64 * 1024];
        let mut composer = Composer::new(&mut bytes, &fixed).unwrap();
        composer.strings(&["BOX"]).unwrap();
        composer.general(&general::General { order: 1, name: 1, ..general::General::default() }).unwrap();
        composer.sync_managers(&self.channels).unwrap();
        for (kind, pdos) in [(CategoryType::RX_PDO, &self.outputs), (CategoryType::TX_PDO, &self.inputs)] {
            composer.pdos(kind, pdos.iter().map(|(header, entries)| (*header, entries.as_slice()))).unwrap();
        }
        let len = composer.finish().unwrap();
        bytes.truncate(len);
        bytes
    }

    fn device(&self) -> SubDeviceConfig {
        SubDeviceConfig::from_sii_bytes(&self.bytes())
    }
}

fn segment(subdevices: Vec<SubDeviceConfig>) -> Segment {
    Segment::new(&SegmentConfig::line(subdevices)).unwrap()
}

fn up(subdevices: Vec<SubDeviceConfig>) -> VirtualNetwork {
    VirtualNetwork::bring_up(segment(subdevices), PERIOD).unwrap()
}

/// A network in OP after some complete cycles.
fn exchanging(subdevices: Vec<SubDeviceConfig>) -> VirtualNetwork {
    let mut network = up(subdevices);
    exchange(&mut network);
    network
}

fn states(network: &VirtualNetwork) -> Vec<AlState> {
    let snapshot = network.engine().link().segment().snapshot();
    snapshot.subdevices.iter().map(|subdevice| subdevice.state).collect()
}

fn notes(network: &VirtualNetwork) -> String {
    network.planned().network.subdevices().iter().flat_map(|one| one.notes.clone()).collect::<Vec<_>>().join("; ")
}

/// Cycles in which every working counter is right.
fn exchange(network: &mut VirtualNetwork) {
    let before = *network.engine().counters();
    for _ in 0..20 {
        network.cycle();
    }
    let after = network.engine().counters();
    assert_eq!(after.working_counter, after.expected_working_counter);
    assert_eq!(after.working_counter_faults, before.working_counter_faults);
}

/// The inputs as they came last; they aren't stale.
fn inputs(network: &mut VirtualNetwork) -> Vec<u8> {
    let mut sample = vec![0; network.tasks_mut().samples.record_len()];
    let mut stale = true;
    while let Some(header) = network.tasks_mut().samples.pop(&mut sample) {
        stale = header.stale;
    }
    assert!(!stale);
    sample
}

#[test]
fn the_rest_of_a_bus_comes_up_beside_memories_that_were_never_programmed() {
    let blank = |byte| SubDeviceConfig::from_sii_bytes(&[byte; 2048]);
    let kinds = [ProfileKind::Coupler, ProfileKind::DigitalOut, ProfileKind::Servo];
    let [coupler, output, servo] = kinds.map(SubDeviceConfig::new);
    let network = exchanging(vec![coupler, blank(0xff), output, blank(0), servo]);
    let names: Vec<_> = network.planned().network.subdevices().iter().map(|one| one.name.clone()).collect();
    assert_eq!((names[1].as_str(), names[3].as_str()), ("SII empty", "SII empty"));
    let (op, init) = (AlState::Op, AlState::Init);
    assert_eq!(states(&network), [op, init, op, init, op]);
    assert!(network.take_down().is_empty());
}

#[test]
fn a_drive_whose_memory_ends_with_its_fixed_area_runs_by_its_object_dictionary() {
    let mut segment = segment(vec![SubDeviceConfig::new(ProfileKind::Servo)]);
    // Its categories are wiped over the wire: word 0x0040 becomes the end mark.
    for (register, data) in [(0x0500, &[0, 0][..]), (0x0508, &[0xff, 0xff]), (0x0502, &[1, 2, 0x40, 0, 0, 0])] {
        let mut frame = vec![0; 128];
        let mut builder = FrameBuilder::new(&mut frame, MacAddress::ACYCLIC).unwrap();
        let header = Datagram::new(Command::Apwr, Address::position(0, register), 0, data.len());
        let at = builder.push(header).unwrap();
        let len = builder.finish().unwrap();
        frame.truncate(len);
        frame[at..at + data.len()].copy_from_slice(data);
        let _ = segment.process(&mut frame, Duration::ZERO);
    }
    let mut network = VirtualNetwork::bring_up(segment, PERIOD).unwrap();
    exchange(&mut network);
    assert_eq!(states(&network), [AlState::Op]);
    let notes = notes(&network);
    assert!(notes.contains("sync manager 2, which the SII doesn't have: put at 0x"), "{notes}");
}

#[test]
fn a_wrong_checksum_is_told_and_the_subdevice_comes_up() {
    let mut image = Image { channels: vec![channel(0x1000, 1, 0, 1, Inputs)], ..Image::default() };
    image.inputs = vec![pdo(0x1a00, 0, 1, 8)];
    let mut bytes = image.bytes();
    bytes[fixed::at(fixed::word::CHECKSUM)] ^= 0x55;
    let network = up(vec![SubDeviceConfig::from_sii_bytes(&bytes)]);
    assert_eq!(states(&network), [AlState::Op]);
    assert!(notes(&network).contains("word 0x0007: the checksum"), "{}", notes(&network));
}

#[test]
fn what_stands_before_a_category_that_ends_behind_the_memory_is_used() {
    let mut image = Image { channels: vec![channel(0x1000, 1, 0, 1, Inputs)], ..Image::default() };
    image.inputs = vec![pdo(0x1a00, 0, 1, 8)];
    let mut bytes = image.bytes();
    bytes.truncate(bytes.len() - 2);
    bytes.extend([51, 0, 0xa0, 0x0f]);
    bytes.extend([1; 40]);
    let mut network = exchanging(vec![SubDeviceConfig::from_sii_bytes(&bytes)]);
    assert_eq!((states(&network), inputs(&mut network).len()), (vec![AlState::Op], 1));
    let notes = notes(&network);
    assert!(notes.contains("category 51 (RxPDO)") && notes.contains("claims 4000 words"), "{notes}");
}

#[test]
fn outputs_that_count_in_op_only_are_waited_for_in_op_only() {
    // One buffer in mailbox mode, which nobody empties before OP, and three buffers.
    for control in [0x46, 0x44] {
        let only = enable::ON | enable::OP_ONLY;
        let image = Image {
            emulation: true,
            channels: vec![channel(0x0f00, 4, control, only, Outputs)],
            outputs: vec![pdo(0x1a00, 0, 4, 8)],
            ..Image::default()
        };
        let network = exchanging(vec![image.device(), SubDeviceConfig::new(ProfileKind::DigitalIn)]);
        assert_eq!(states(&network), [AlState::Op, AlState::Op], "control byte {control:#04x}");
        let before = *network.engine().counters();
        assert_eq!(before.expected_working_counter, 3);
        let counters = network.counters().clone();
        assert!(network.take_down().is_empty());
        assert_eq!(
            counters.read().working_counter_faults,
            before.working_counter_faults,
            "none on the way to INIT either"
        );
    }
}

#[test]
fn registers_are_process_data_by_an_fmmu_without_a_sync_manager() {
    // As an EL2262 has it: outputs for OP only, and a virtual sync manager over a register of the DC unit; besides, the
    // system time is an input.
    let channels = vec![
        channel(0x1000, 1, 0x24, enable::ON | enable::OP_ONLY, Outputs),
        channel(0x0998, 4, 0, enable::VIRTUAL, Inputs),
        channel(0x0910, 8, 0, enable::VIRTUAL, Inputs),
    ];
    let image = Image {
        channels,
        outputs: vec![pdo(0x1600, 0, 1, 8)],
        inputs: vec![pdo(0x1a00, 1, 1, 32), pdo(0x1a01, 2, 1, 64)],
        ..Image::default()
    };
    let device = SubDeviceConfig { clock: clock(), ..image.device() };
    let mut network = exchanging(vec![device]);
    let first = inputs(&mut network);
    exchange(&mut network);
    let second = inputs(&mut network);
    let time = |record: &[u8]| u64::from_le_bytes(record[4..12].try_into().unwrap());
    assert!(time(&second) > time(&first), "the system time runs");
    assert_eq!(states(&network), [AlState::Op]);
    let programmed: Vec<_> = network.planned().plan.subdevices[0].sync_managers.iter().map(|(n, _)| *n).collect();
    assert_eq!(programmed, [0]);
}

fn clock() -> zerocat_sim::ClockConfig {
    zerocat_sim::ClockConfig { bits: Some(64), ..zerocat_sim::ClockConfig::default() }
}

#[test]
fn inputs_in_one_buffer_in_mailbox_mode_are_read_in_every_cycle() {
    let image = Image {
        mailbox: MAILBOXES,
        protocols: fixed::protocol::SOE,
        channels: vec![
            channel(0x1000, 128, 0x26, 1, MailboxOut),
            channel(0x1080, 128, 0x22, 1, MailboxIn),
            channel(0x1100, 6, 0x24, 1, Outputs),
            channel(0x1140, 6, 0x22, 1, Inputs),
        ],
        outputs: vec![pdo(24, 2, 3, 16)],
        inputs: vec![pdo(16, 3, 3, 16)],
        ..Image::default()
    };
    let mut network = exchanging(vec![image.device()]);
    assert_eq!((states(&network), inputs(&mut network).len()), (vec![AlState::Op], 6));
}

#[test]
fn mailboxes_are_where_the_memory_says_also_behind_process_data() {
    let image = Image {
        mailbox: MAILBOXES,
        protocols: fixed::protocol::COE,
        channels: vec![
            channel(0x1100, 2, 0x24, 1, Outputs),
            channel(0x1140, 2, 0x20, 1, Inputs),
            channel(0x1000, 128, 0x26, 1, MailboxOut),
            channel(0x1080, 128, 0x22, 1, MailboxIn),
        ],
        outputs: vec![pdo(0x1600, 0, 1, 16)],
        inputs: vec![pdo(0x1a00, 1, 1, 16)],
        ..Image::default()
    };
    let mut network = exchanging(vec![image.device()]);
    assert_eq!(states(&network), [AlState::Op]);
    assert_eq!(network.upload(0, 0x1c00, 3).unwrap(), [1], "a mail goes through: SM2 is the mailbox out");
}

#[test]
fn sync_managers_without_a_use_are_read_by_their_control_bytes() {
    let image = Image {
        channels: vec![channel(0x1100, 2, 0x24, 1, Unused), channel(0x1140, 2, 0x20, 1, Unused)],
        outputs: vec![pdo(0x1600, 0, 1, 16)],
        inputs: vec![pdo(0x1a00, 1, 1, 16)],
        ..Image::default()
    };
    let network = exchanging(vec![image.device()]);
    assert_eq!(states(&network), [AlState::Op]);
}

#[test]
fn inputs_and_outputs_that_the_memory_has_swapped_are_told_apart_by_the_rest_of_it() {
    let image = Image {
        channels: vec![channel(0x1100, 2, 0x24, 1, Outputs), channel(0x1140, 2, 0x20, 1, Inputs)],
        // The kinds of PDOs are the wrong way round; use, control byte and indices aren't.
        outputs: vec![pdo(0x1a00, 1, 1, 16)],
        inputs: vec![pdo(0x1600, 0, 1, 16)],
        ..Image::default()
    };
    let network = exchanging(vec![image.device()]);
    assert_eq!(states(&network), [AlState::Op]);
    let planned = &network.planned().plan.subdevices[0];
    let fmmus: Vec<_> = planned.fmmus.iter().map(|(_, fmmu)| (fmmu.physical_start, fmmu.write)).collect();
    assert_eq!(fmmus, [(0x1100, true), (0x1140, false)]);
    assert!(
        notes(&network).contains("sync manager 0: the kind of its PDOs in the SII says inputs"),
        "{}",
        notes(&network)
    );
}

#[test]
fn more_process_data_than_a_frame_carries_comes_and_goes_in_several() {
    let many = |index, sync_manager, count: u16| -> Vec<_> {
        (0..count).map(|n| pdo(index + n, sync_manager, 250, 8)).collect()
    };
    let image = Image {
        channels: vec![channel(0x1000, 2000, 0x24, 1, Outputs), channel(0x4000, 3000, 0x20, 1, Inputs)],
        outputs: many(0x1600, 0, 8),
        inputs: many(0x1a00, 1, 12),
        ..Image::default()
    };
    let small = || SubDeviceConfig::new(ProfileKind::DigitalOut);
    let mut network = exchanging(vec![small(), image.device(), small()]);
    assert_eq!(states(&network), [AlState::Op; 3]);
    let commands: Vec<_> = network
        .planned()
        .plan
        .frames
        .iter()
        .map(|frame| (frame.datagrams[0].command, frame.datagrams[0].len))
        .collect();
    let (write, read) = (Command::Lwr, Command::Lrd);
    assert_eq!(commands[1..], [(write, 1452), (write, 548), (read, 1452), (read, 1452), (read, 96)]);
    let record: Vec<u8> = (0..=250u8).cycle().take(network.tasks_mut().commands.record_len()).collect();
    network.tasks_mut().command(&record).unwrap();
    exchange(&mut network);
    assert_eq!(inputs(&mut network).len(), 3000);
}
