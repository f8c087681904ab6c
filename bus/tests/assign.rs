//! PDO assignment and mapping: the order of what is written, what isn't written at all, what the SubDevice doesn't allow, and
//! SubDevices that behave badly.

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use support::mailman::{Mailman, mailbox, response};
use support::rig;
use support::simulated::{segment, to_op_and_back};
use zerocat_bus::sii::{Sii, SiiPdo};
use zerocat_bus::{Assign, AssignProblem, AssignedPdo, BringUpError, MappedEntry, Network, Options};
use zerocat_pdi::{Direction, Entry, Pdo};
use zerocat_sim::{ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_wire::coe::{AbortCode, SdoAbort, SdoInitiate, SdoRequest, SdoResponse};
use zerocat_wire::sii::pdo::flags;
use zerocat_wire::sii::{SyncManagerEntry, SyncManagerUse};

/// Objects by index and subindex.
type Objects = BTreeMap<(u16, u8), Vec<u8>>;

/// What was written, in order, shown as `1c12:00=00`.
type Written = Rc<RefCell<Vec<String>>>;

/// How a SubDevice behaves.
#[derive(Clone, Copy)]
enum Manner {
    Good,
    /// It aborts a write to this object.
    Aborts(u16),
    /// It takes what is written to this object and keeps what it had.
    Keeps(u16),
    /// It says nothing to a write to this object.
    Silent(u16),
}

/// Assigns 0x1600 and 0x1A00, which map one entry each.
fn objects() -> Objects {
    let lists: [(u16, &[&[u8]]); 6] = [
        (0x1c12, &[&[0x00, 0x16]]),
        (0x1c13, &[&[0x00, 0x1a]]),
        (0x1600, &[&[16, 0, 0x40, 0x60]]),
        (0x1601, &[&[32, 0, 0x7a, 0x60]]),
        (0x1a00, &[&[16, 0, 0x41, 0x60]]),
        (0x1a01, &[&[32, 0, 0x64, 0x60]]),
    ];
    let mut objects = Objects::new();
    for (index, values) in lists {
        objects.insert((index, 0), vec![u8::try_from(values.len()).expect("few")]);
        objects.extend((1..).zip(values).map(|(subindex, value)| ((index, subindex), value.to_vec())));
    }
    objects
}

fn device(mut objects: Objects, manner: Manner, written: &Written) -> Mailman {
    let written = Rc::clone(written);
    Mailman::sdo(move |request| {
        let abort = |target, code| vec![response(&SdoResponse::Abort(SdoAbort { target, code }))];
        match request {
            SdoRequest::Upload { target } => {
                let count = objects.get(&(target.index, 0)).and_then(|count| count.first()).copied().unwrap_or(0);
                match objects.get(&(target.index, target.subindex)) {
                    Some(data) if target.subindex <= count || target.index < 0x1600 => {
                        vec![response(&SdoResponse::Upload(SdoInitiate::Expedited { target, data }))]
                    }
                    _ => abort(target, AbortCode::NO_SUCH_OBJECT),
                }
            }
            SdoRequest::Download(SdoInitiate::Expedited { target, data }) => {
                let digits: String = data.iter().rev().map(|byte| format!("{byte:02x}")).collect();
                written.borrow_mut().push(format!("{:04x}:{:02x}={digits}", target.index, target.subindex));
                match manner {
                    Manner::Aborts(index) if index == target.index => return abort(target, AbortCode::READ_ONLY),
                    Manner::Silent(index) if index == target.index => return vec![],
                    Manner::Keeps(index) if index == target.index => {}
                    _ => {
                        objects.insert((target.index, target.subindex), data.to_vec());
                    }
                }
                vec![response(&SdoResponse::Download { target })]
            }
            _ => vec![],
        }
    })
}

fn sii() -> Sii {
    let channel = |start, control, usage| SyncManagerEntry { start, length: 4, control, status: 0, enable: 1, usage };
    let pdo = |index, sync_manager, flags| SiiPdo {
        pdo: Pdo { index, name: String::new(), entries: vec![Entry { index: 0x6000, ..entry16() }] },
        sync_manager,
        flags,
    };
    Sii {
        sync_managers: vec![
            channel(0x1000, 0x26, SyncManagerUse::MailboxOut),
            channel(0x1080, 0x22, SyncManagerUse::MailboxIn),
            channel(0x1100, 0x64, SyncManagerUse::Outputs),
            channel(0x1180, 0x20, SyncManagerUse::Inputs),
        ],
        rx_pdos: vec![pdo(0x1600, Some(2), flags::FIXED_CONTENT), pdo(0x1601, None, 0)],
        tx_pdos: vec![pdo(0x1a00, Some(3), flags::MANDATORY), pdo(0x1a01, None, 0)],
        ..Sii::default()
    }
}

fn entry16() -> Entry {
    Entry { index: 0, subindex: 0, bit_length: 16, name: String::new(), type_code: 0 }
}

fn pdos(indexes: &[u16]) -> Option<Vec<AssignedPdo>> {
    Some(indexes.iter().map(|index| AssignedPdo { index: *index, entries: None }).collect())
}

fn outputs(indexes: &[u16]) -> Assign {
    Assign { outputs: pdos(indexes), ..Assign::default() }
}

fn mapped(index: u16) -> Assign {
    let entry = |index, bit_length| MappedEntry { index, subindex: 0, bit_length };
    let entries = Some(vec![entry(0x6040, 16), entry(0, 8), entry(0x6060, 8)]);
    Assign { outputs: Some(vec![AssignedPdo { index, entries }]), ..Assign::default() }
}

/// What came of it, and what was written.
fn assign(objects: Objects, manner: Manner, wanted: &Assign) -> (Result<(), AssignProblem>, Vec<String>) {
    let written = Written::default();
    let (datagrams, mut pump) = rig::<4, _>(device(objects, manner, &written));
    let result = pump.run(wanted.write(&datagrams, &sii(), Some(&mut mailbox())));
    (result, written.take())
}

fn refused(objects: Objects, manner: Manner, wanted: &Assign) -> String {
    assign(objects, manner, wanted).0.expect_err("refused").to_string()
}

#[test]
fn an_assignment_is_cleared_written_and_counted() {
    let (result, written) = assign(objects(), Manner::Good, &outputs(&[0x1601, 0x1600]));
    assert_eq!(result, Ok(()));
    assert_eq!(written, ["1c12:00=00", "1c12:01=1601", "1c12:02=1600", "1c12:00=02"]);
}

#[test]
fn a_mapping_is_written_while_nothing_is_assigned() {
    let (result, written) = assign(objects(), Manner::Good, &mapped(0x1601));
    assert_eq!(result, Ok(()));
    let mapping = ["1601:00=00", "1601:01=60400010", "1601:02=00000008", "1601:03=60600008", "1601:00=03"];
    let expected: Vec<&str> = ["1c12:00=00"].into_iter().chain(mapping).chain(["1c12:01=1601", "1c12:00=01"]).collect();
    assert_eq!(written, expected);
}

#[test]
fn both_directions_are_cleared_before_either_is_written() {
    let wanted = Assign { inputs: pdos(&[0x1a00, 0x1a01]), ..outputs(&[]) };
    let (result, written) = assign(objects(), Manner::Good, &wanted);
    assert_eq!(result, Ok(()));
    assert_eq!(written, ["1c12:00=00", "1c13:00=00", "1c13:01=1a00", "1c13:02=1a01", "1c13:00=02"]);
}

#[test]
fn what_is_there_already_is_not_written() {
    let entry = MappedEntry { index: 0x6040, subindex: 0, bit_length: 16 };
    let pdo = AssignedPdo { index: 0x1600, entries: Some(vec![entry]) };
    let wanted = Assign { outputs: Some(vec![pdo]), inputs: pdos(&[0x1a00]), ..Assign::default() };
    assert_eq!(assign(objects(), Manner::Aborts(0x1c12), &wanted), (Ok(()), vec![]));
}

#[test]
fn what_the_sii_forbids_is_refused_before_anything_is_written() {
    assert_eq!(assign(objects(), Manner::Good, &mapped(0x1600)), (Err(AssignProblem::Fixed(0x1600)), vec![]));
    let without = Assign { inputs: pdos(&[0x1a01]), ..Assign::default() };
    assert_eq!(assign(objects(), Manner::Good, &without), (Err(AssignProblem::Mandatory(0x1a00)), vec![]));
}

#[test]
fn pdos_that_the_dictionary_says_exclude_each_other_are_refused() {
    let mut objects = objects();
    objects.insert((0x1401, 6), vec![0x05, 0x16, 0x00, 0x16]);
    let excluded = AssignProblem::Excluded { pdo: 0x1601, other: 0x1600 };
    assert_eq!(assign(objects, Manner::Good, &outputs(&[0x1600, 0x1601])), (Err(excluded), vec![]));
}

#[test]
fn without_an_assignment_object_only_what_the_sii_has_can_be_asked_for() {
    let mut objects = objects();
    objects.retain(|(index, _), _| *index != 0x1c12);
    assert_eq!(assign(objects.clone(), Manner::Good, &outputs(&[0x1600])), (Ok(()), vec![]));
    let text = refused(objects, Manner::Good, &outputs(&[0x1601]));
    assert_eq!(text, "it can't be changed: it has no object 0x1c12; it is 0x1600");
}

#[test]
fn without_a_mailbox_only_what_the_sii_has_can_be_asked_for() {
    let (datagrams, mut pump) = rig::<4, _>(device(objects(), Manner::Good, &Written::default()));
    let mut assign = |wanted: &Assign| pump.run(wanted.write(&datagrams, &sii(), None));
    assert_eq!(assign(&outputs(&[0x1600])), Ok(()));
    assert!(matches!(assign(&outputs(&[0x1601])), Err(AssignProblem::Unchangeable { has, .. }) if has == [0x1600]));
}

#[test]
fn an_abort_names_what_was_done_the_object_and_the_reason() {
    let text = refused(objects(), Manner::Aborts(0x1c12), &outputs(&[0x1601]));
    assert_eq!(text, "clear the assignment: 0x1c12:00: abort 0x06010002: Attempt to write a read-only object");
    let text = refused(objects(), Manner::Aborts(0x1601), &mapped(0x1601));
    assert!(text.starts_with("map PDO 0x1601: 0x1601:00: abort 0x06010002"), "{text}");
}

#[test]
fn a_subdevice_that_keeps_what_it_had_is_told() {
    let text = refused(objects(), Manner::Keeps(0x1c12), &outputs(&[0x1601]));
    assert_eq!(text, "0x1c12 reads back as 0x1600, was written as 0x1601");
}

#[test]
fn a_subdevice_that_says_nothing_ends_it() {
    let text = refused(objects(), Manner::Silent(0x1c12), &outputs(&[0x1601]));
    assert!(text.starts_with("clear the assignment: 0x1c12:00: "), "{text}");
}

/// To PRE-OP with this assigned to the servo, laid out and programmed.
async fn prepare<'d>(
    datagrams: &'d zerocat_bus::Datagrams,
    wanted: Assign,
) -> Result<(Network<'d>, zerocat_pdi::Plan), BringUpError> {
    let mut network = Network::discover(datagrams, Options::default()).await?;
    network.to_pre_op().await?;
    network.assign(&[(1, wanted)]).await?;
    network.read_pdos().await?;
    let plan = zerocat_pdi::lay_out(&network.layouts(), &[], 1400).expect("fits");
    network.program(&plan).await?;
    Ok((network, plan))
}

fn two() -> SegmentConfig {
    SegmentConfig::line([ProfileKind::AnalogueIn, ProfileKind::Servo].map(SubDeviceConfig::new).to_vec())
}

#[test]
fn the_layout_follows_what_was_written_and_goes_to_op() {
    let (datagrams, mut pump) = segment(&two());
    let wanted = Assign { inputs: pdos(&[0x1a03]), ..mapped(0x1602) };
    let (mut network, plan) = pump.run(prepare(&datagrams, wanted)).expect("PRE-OP");
    let servo = &plan.subdevices[1];
    let outputs = servo.entries.iter().filter(|entry| entry.direction == Direction::Output);
    let outputs: Vec<_> = outputs.map(|entry| (entry.pdo, entry.index, entry.span.len)).collect();
    assert_eq!(outputs, [(0x1602, 0x6040, 16), (0x1602, 0x6060, 8)]);
    assert!(servo.entries.iter().filter(|entry| entry.direction == Direction::Input).all(|entry| entry.pdo == 0x1a03));
    to_op_and_back(&mut pump, &datagrams, &mut network, &plan);
}

#[test]
fn a_simulated_subdevice_that_refuses_is_named() {
    let (datagrams, mut pump) = segment(&two());
    let error = pump.run(prepare(&datagrams, outputs(&[0x1610]))).expect_err("no such PDO");
    let text = error.to_string();
    assert!(
        text.starts_with("SubDevice 1 (")
            && text.contains("): PDO assignment: there is no PDO 0x1610; there are 0x1600"),
        "{text}"
    );
    assert_eq!(error.fault(), zerocat_faults::Fault::PdoAssignmentRefused);
}
