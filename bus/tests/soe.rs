//! SoE from the MainDevice's side: elements, fragments both ways, errors in words, slow answers and unasked mail between, against
//! the simulated drive and against drives without manners.

mod support;

use std::cell::RefCell;
use std::rc::Rc;

use support::mailman::{Mailman, mailbox};
use support::rig;
use support::simulated::{segment, to_op_and_back};
use zerocat_bus::sii::Sii;
use zerocat_bus::subdevice::{MailboxInfo, PdoSource};
use zerocat_bus::{IdnError, Label, MailError, Mailbox, Network, Options, Startup, StartupProblem, StartupWrite};
use zerocat_pdi::{Entry, IdnValue, SyncManagerLayout, Value};
use zerocat_sim::{Millis, ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_wire::soe::{self, Elements, Idn, Part, SoeError, SoeHeader, SoeOp};

const NOTE: Idn = Idn::product(0, 1);

fn drives(axes: u16) -> SubDeviceConfig {
    SubDeviceConfig::new(ProfileKind::SoeServo).with_channels(axes)
}

/// Does something with the mailbox of a simulated drive in PRE-OP.
fn with_drive<T>(config: SubDeviceConfig, work: impl AsyncFn(&mut Network<'_>) -> T) -> T {
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![config]));
    let mut network = pump.run(Network::discover(&datagrams, Options::default())).expect("found");
    pump.run(network.to_pre_op()).expect("PRE-OP");
    pump.run(work(&mut network))
}

fn mail(header: SoeHeader, data: &[u8]) -> Vec<u8> {
    let mut mail = vec![0; 128];
    let len = soe::emit(&mut mail, 5, header, data).expect("fits");
    mail.truncate(len);
    mail
}

#[test]
fn elements_are_read_and_values_written() {
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![drives(2)]));
    let mut network = pump.run(Network::discover(&datagrams, Options::default())).expect("found");
    pump.run(network.to_pre_op()).expect("PRE-OP");
    pump.run(async {
        let mailbox = network.mailbox(0).expect("a mailbox");
        assert!(mailbox.info().soe() && !mailbox.info().coe());
        assert_eq!(mailbox.read_idn(&datagrams, 0, Idn::TELEGRAM_TYPE, Elements::VALUE).await, Ok(vec![7, 0]));
        assert_eq!(mailbox.read_idn_list(&datagrams, 1, Idn::AT_LIST).await, Ok(vec![Idn(51)]));
        mailbox.write_idn(&datagrams, 1, Idn(91), &[1, 2, 0, 0]).await.expect("written");
        assert_eq!(mailbox.read_idn(&datagrams, 1, Idn(91), Elements::VALUE).await, Ok(vec![1, 2, 0, 0]));
        assert_ne!(mailbox.read_idn(&datagrams, 0, Idn(91), Elements::VALUE).await, Ok(vec![1, 2, 0, 0]));
        let refused = mailbox.write_idn(&datagrams, 0, Idn(17), &[0; 4]).await.expect_err("refused");
        assert_eq!(refused.code(), Some(SoeError::VALUE_READ_ONLY));
        assert!(
            refused.to_string().ends_with("SoE write of S-0-0017: error 0x7004: Value can't be changed"),
            "{refused}"
        );
    });
}

#[test]
fn a_value_longer_than_the_mailbox_goes_in_fragments_both_ways() {
    // 118 bytes fit into a mail: one less, exactly so many, and one more than one and two mails.
    for len in [113, 114, 115, 231, 232, 233, 300] {
        let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![drives(1)]));
        let mut network = pump.run(Network::discover(&datagrams, Options::default())).expect("found");
        pump.run(network.to_pre_op()).expect("PRE-OP");
        let text: String = ('a'..='z').cycle().take(len).collect();
        let write = StartupWrite::Idn { drive: 0, idn: NOTE, value: IdnValue::Text(text.clone()) };
        let command = Startup { write, verify: true, may_fail: false, named: None };
        let done = pump.run(command.send(&datagrams, network.mailbox(0).expect("a mailbox")));
        assert_eq!(done, Ok(()), "{len} bytes");
    }
}

#[test]
fn mails_that_take_their_time_are_waited_for() {
    let slow = SubDeviceConfig { mail_delays: vec![Millis(std::time::Duration::from_millis(300)); 4], ..drives(1) };
    let value = with_drive(slow, async |network| {
        let read = network.read_pdos().await;
        (read, network.subdevices()[0].sync_managers.len())
    });
    assert_eq!(value, (Ok(()), 2));
}

#[test]
fn emergencies_notifications_and_answers_to_something_else_disturb_nothing() {
    let mut drive = Mailman::new(|_, body| {
        let (header, _) = SoeHeader::parse(body).expect("SoE");
        let answer = SoeHeader { op: SoeOp::ReadResponse, ..header };
        vec![
            mail(SoeHeader::new(SoeOp::Emergency, 0, Elements::default(), Idn(0)), &[0x11, 0x86, 1, 0, 0, 0, 0, 0]),
            mail(SoeHeader { drive: 3, ..answer }, &[9, 9]),
            mail(SoeHeader { part: Part::Last(Idn(16)), ..answer }, &[9, 9]),
            mail(SoeHeader::new(SoeOp::Notification, 1, Elements::DATA_STATE, Idn(99)), &[3, 0]),
            mail(answer, &[7, 0]),
        ]
    });
    drive.post(mail(SoeHeader::new(SoeOp::ReadResponse, 0, Elements::VALUE, Idn::TELEGRAM_TYPE), &[9, 9]));
    let (datagrams, mut pump) = rig::<4, _>(drive);
    let mut mailbox = mailbox();
    let read = pump.run(mailbox.read_idn(&datagrams, 0, Idn::TELEGRAM_TYPE, Elements::VALUE));
    assert_eq!(read, Ok(vec![7, 0]));
    assert_eq!(mailbox.take_emergencies()[0].emergency.code, 0x8611);
    let [told] = mailbox.take_notifications()[..] else { panic!("one notification") };
    assert_eq!((told.drive, told.idn, told.state), (1, Idn(99), 3));
    assert_eq!(mailbox.counters().stale, 3, "one from before, two to something else");
}

#[test]
fn a_drive_that_says_nothing_ends_the_transfer() {
    let (datagrams, mut pump) = rig::<4, _>(Mailman::new(|_, _| Vec::new()));
    let mut mailbox = mailbox();
    let error = pump.run(mailbox.read_idn(&datagrams, 0, Idn(15), Elements::NAME)).expect_err("no answer");
    assert!(matches!(error, IdnError::Mail { source: MailError::NoAnswer { .. }, .. }), "{error}");
    assert!(error.to_string().contains("SoE read of S-0-0015 (name): no answer in"), "{error}");
}

#[test]
fn a_refusal_before_the_last_fragment_is_heard() {
    let seen = Rc::new(RefCell::new(0));
    let count = Rc::clone(&seen);
    let (datagrams, mut pump) = rig::<4, _>(Mailman::new(move |_, body| {
        let (header, _) = SoeHeader::parse(body).expect("SoE");
        *count.borrow_mut() += 1;
        let answer = SoeHeader { op: SoeOp::WriteResponse, error: true, part: Part::Last(NOTE), ..header };
        vec![mail(answer, &SoeError::VALUE_PROTECTED.0.to_le_bytes())]
    }));
    let error = pump.run(mailbox().write_idn(&datagrams, 0, NOTE, &[0; 500])).expect_err("refused");
    assert_eq!((error.code(), *seen.borrow()), (Some(SoeError::VALUE_PROTECTED), 1));
}

#[test]
fn fragments_without_end_are_refused() {
    let (datagrams, mut pump) = rig::<4, _>(Mailman::new(|_, body| {
        let (header, _) = SoeHeader::parse(body).expect("SoE");
        let answer = SoeHeader { op: SoeOp::ReadResponse, part: Part::More { left: 1 }, ..header };
        vec![mail(answer, &[1; 118]); 600]
    }));
    let error = pump.run(mailbox().read_idn(&datagrams, 0, Idn(17), Elements::VALUE)).expect_err("too long");
    assert!(error.to_string().contains("more than 65539 bytes"), "{error}");
    let (datagrams, mut pump) = rig::<4, _>(Mailman::new(|_, body| {
        let (header, _) = SoeHeader::parse(body).expect("SoE");
        vec![mail(SoeHeader { op: SoeOp::ReadResponse, part: Part::More { left: 1 }, ..header }, &[])]
    }));
    let error = pump.run(mailbox().read_idn(&datagrams, 0, Idn(17), Elements::VALUE)).expect_err("nothing in it");
    assert!(error.to_string().contains("a fragment without data"), "{error}");
}

#[test]
fn startup_commands_have_the_bytes_that_the_attribute_says() {
    let send = |drive: u8, idn: Idn, value: IdnValue| {
        let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![drives(2)]));
        let mut network = pump.run(Network::discover(&datagrams, Options::default())).expect("found");
        pump.run(network.to_pre_op()).expect("PRE-OP");
        let write = StartupWrite::Idn { drive, idn, value };
        let command = Startup { write, verify: true, may_fail: false, named: None };
        pump.run(command.send(&datagrams, network.mailbox(0).expect("a mailbox")))
    };
    let number = |number| IdnValue::Number(Value::Int(number));
    let list = |idns: &[&str]| IdnValue::List(idns.iter().map(|idn| IdnValue::Text((*idn).into())).collect());
    assert_eq!(send(0, Idn::TELEGRAM_TYPE, number(7)), Ok(()));
    assert_eq!(send(1, Idn(52), number(-5)), Ok(()));
    assert_eq!(send(1, Idn::AT_LIST, list(&["S-0-0051", "S-0-0040"])), Ok(()));
    assert_eq!(send(0, Idn::MDT_LIST, IdnValue::Bytes(vec![2, 0, 48, 0, 36, 0])), Ok(()));
    assert!(matches!(send(0, Idn::AT_LIST, number(51)), Err(StartupProblem::Value(_))));
    let error = send(2, Idn(52), number(1)).expect_err("no such drive").to_string();
    assert!(error.contains("error 0x800a: There is no drive"), "{error}");
}

#[test]
fn a_drive_with_soe_reaches_op() {
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![drives(2)]));
    let (mut network, plan) = pump.run(support::simulated::prepare(&datagrams, Options::default())).expect("prepared");
    assert_eq!(plan.image_len, 24);
    to_op_and_back(&mut pump, &datagrams, &mut network, &plan);
}

fn idn_list(drive: u8, idn: Idn, idns: &[&str]) -> Startup {
    let value = IdnValue::List(idns.iter().map(|idn| IdnValue::Text((*idn).into())).collect());
    Startup { write: StartupWrite::Idn { drive, idn, value }, verify: true, may_fail: false, named: None }
}

#[test]
fn the_process_data_follow_the_lists_that_startup_commands_wrote() {
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![drives(2)]));
    let mut network = pump.run(Network::discover(&datagrams, Options::default())).expect("found");
    pump.run(network.to_pre_op()).expect("PRE-OP");
    let commands = vec![
        idn_list(0, Idn::MDT_LIST, &["S-0-0036", "S-0-0080"]),
        idn_list(1, Idn::AT_LIST, &["S-0-0051", "S-0-0189"]),
    ];
    assert_eq!(pump.run(network.send_startup(&[(0, commands)])), []);
    pump.run(network.read_pdos()).expect("read");
    let subdevice = &network.subdevices()[0];
    assert_eq!((subdevice.pdo_source, subdevice.notes.len()), (Some(PdoSource::Soe), 0));
    let short = |n: usize| {
        let entries = subdevice.sync_managers[n].pdos.iter().flat_map(|pdo| &pdo.entries);
        entries.map(|entry| (entry.index, entry.subindex, entry.bit_length)).collect::<Vec<_>>()
    };
    assert_eq!(short(0), [(134, 0, 16), (36, 0, 32), (80, 0, 16), (134, 1, 16), (47, 1, 32)]);
    assert_eq!(short(1), [(135, 0, 16), (51, 0, 32), (135, 1, 16), (51, 1, 32), (189, 1, 32)]);
    let plan = zerocat_pdi::lay_out(&network.layouts(), &[], 1400).expect("fits");
    pump.run(network.program(&plan)).expect("programmed");
    to_op_and_back(&mut pump, &datagrams, &mut network, &plan);
}

/// A drive of two axes that says what `axes` has in the AT and MDT, with numbers of 32 bits.
fn speaker(axes: &'static [(&'static [u16], &'static [u16])], telegram: u8) -> Mailman {
    Mailman::new(move |_, body| {
        let (header, _) = SoeHeader::parse(body).expect("SoE");
        let answer = SoeHeader { op: SoeOp::ReadResponse, ..header };
        let list = |items: &[u8]| {
            let len = u16::try_from(items.len()).expect("short").to_le_bytes();
            [&len[..], &len, items].concat()
        };
        let words = |idns: &[u16]| list(&idns.iter().flat_map(|idn| idn.to_le_bytes()).collect::<Vec<_>>());
        let axis = axes.get(usize::from(header.drive));
        let data = match (header.idn(), header.elements, axis) {
            (Some(Idn::TELEGRAM_TYPE), ..) => Ok(vec![telegram, 0]),
            (Some(Idn::AT_LIST), _, Some((at, _))) => Ok(words(at)),
            (Some(Idn::MDT_LIST), _, Some((_, mdt))) => Ok(words(mdt)),
            (_, Elements::ATTRIBUTE, Some(_)) => Ok(0x0022_0001u32.to_le_bytes().to_vec()),
            (_, Elements::NAME, Some(_)) => Ok(list(b"A value")),
            _ => Err(SoeError::NO_DRIVE),
        };
        vec![match data {
            Ok(data) => mail(answer, &data),
            Err(code) => mail(SoeHeader { error: true, ..answer }, &code.0.to_le_bytes()),
        }]
    })
}

fn read_map(drive: Mailman) -> zerocat_bus::pdo::PdoMap {
    let (datagrams, mut pump) = rig::<4, _>(drive);
    let info = MailboxInfo { protocols: 0x10, ..*mailbox().info() };
    let mut mailbox = Mailbox::new(Label { position: 3, name: "AX".into() }, support::mailman::STATION, info);
    pump.run(zerocat_bus::pdo::read(&datagrams, &Sii::default(), Some(&mut mailbox))).expect("a map")
}

#[test]
fn a_drive_whose_memory_leaves_the_telegrams_open_says_them() {
    // Lists with and without the word that stands in front in any case.
    let map = read_map(speaker(&[(&[135, 51], &[36]), (&[], &[36])], 7));
    assert_eq!(map.source, Some(PdoSource::Soe));
    let [mdt, at] = &map.sync_managers[..] else { panic!("{map:?}") };
    let entries = |sm: &SyncManagerLayout| {
        let entry = |entry: &Entry| (entry.index, entry.subindex, entry.bit_length, entry.type_code);
        sm.pdos[0].entries.iter().map(entry).collect::<Vec<_>>()
    };
    assert_eq!((mdt.number, at.number), (2, 3));
    assert_eq!(entries(mdt), [(134, 0, 16, 6), (36, 0, 32, 4), (134, 1, 16, 6), (36, 1, 32, 4)]);
    assert_eq!(entries(at), [(135, 0, 16, 6), (51, 0, 32, 4), (135, 1, 16, 6)]);
    assert_eq!(mdt.pdos[0].entries[1].name, "A value");
}

#[test]
fn another_telegram_type_and_a_drive_that_refuses_leave_it_to_the_memory() {
    assert_eq!(read_map(speaker(&[(&[51], &[36])], 4)).sync_managers.len(), 0);
    let map = read_map(speaker(&[], 7));
    let said = "SoE read of S-0-0024: error 0x800a: There is no drive of this number; process data as in the SII";
    assert_eq!((map.sync_managers.len(), map.notes), (0, vec![said.to_owned()]));
}

const RESET: Idn = Idn(99);

#[test]
fn a_procedure_command_is_run_to_its_end_and_cleared() {
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![drives(2)]));
    let mut network = pump.run(Network::discover(&datagrams, Options::default())).expect("found");
    pump.run(network.to_pre_op()).expect("PRE-OP");
    let mailbox = network.mailbox(0).expect("a mailbox");
    pump.run(async {
        assert_eq!(mailbox.run_command(&datagrams, 1, RESET).await, Ok(()));
        assert_eq!(mailbox.read_idn(&datagrams, 1, RESET, Elements::DATA_STATE).await, Ok(vec![0, 0]), "cleared");
        let [told] = mailbox.take_notifications()[..] else { panic!("one notification") };
        assert_eq!((told.drive, told.idn, told.state), (1, RESET, 3), "it is told all the same");
    });
}

/// A drive whose procedure commands have these data states one after the other, and whose writes are noted.
fn commanded(states: &'static [u16], told: Option<u16>) -> (Mailman, Rc<RefCell<Vec<Vec<u8>>>>) {
    let writes = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&writes);
    let mut looks = states.iter();
    let drive = Mailman::new(move |_, body| {
        let (header, data) = SoeHeader::parse(body).expect("SoE");
        if header.op == SoeOp::WriteRequest {
            noted.borrow_mut().push(data.to_vec());
            return vec![mail(SoeHeader { op: SoeOp::WriteResponse, ..header }, &[])];
        }
        let answer = SoeHeader { op: SoeOp::ReadResponse, ..header };
        let notification = |drive, state: u16| {
            mail(SoeHeader::new(SoeOp::Notification, drive, Elements::DATA_STATE, RESET), &state.to_le_bytes())
        };
        let looked = match looks.next() {
            Some(state) => mail(answer, &state.to_le_bytes()),
            None => mail(SoeHeader { error: true, ..answer }, &SoeError::NO_DATA_STATE.0.to_le_bytes()),
        };
        // Another drive's command ends nothing.
        let mut mails = vec![notification(5, 3), looked];
        mails.extend(told.map(|state| notification(0, state)));
        mails
    });
    (drive, writes)
}

#[test]
fn a_procedure_command_that_takes_its_time_is_looked_at_until_it_has_ended() {
    let (drive, writes) = commanded(&[7, 7, 7, 3], None);
    let (datagrams, mut pump) = rig::<4, _>(drive);
    assert_eq!(pump.run(mailbox().run_command(&datagrams, 0, RESET)), Ok(()));
    assert_eq!(*writes.borrow(), [[3, 0], [0, 0]]);
}

#[test]
fn a_procedure_command_that_fails_is_cleared_and_its_state_told() {
    let (drive, writes) = commanded(&[7, 0x0f], None);
    let (datagrams, mut pump) = rig::<4, _>(drive);
    let error = pump.run(mailbox().run_command(&datagrams, 0, RESET)).expect_err("failed");
    assert!(error.to_string().ends_with("S-0-0099: the procedure command failed (data state 0x000f)"), "{error}");
    assert_eq!(*writes.borrow(), [[3, 0], [0, 0]]);
}

#[test]
fn a_drive_without_data_states_ends_its_procedure_command_by_a_notification() {
    let (mut drive, writes) = commanded(&[], Some(3));
    drive.post(mail(SoeHeader::new(SoeOp::Notification, 0, Elements::DATA_STATE, RESET), &[0x0f, 0]));
    let (datagrams, mut pump) = rig::<4, _>(drive);
    assert_eq!(pump.run(mailbox().run_command(&datagrams, 0, RESET)), Ok(()), "the one from before ends nothing");
    assert_eq!(*writes.borrow(), [[3, 0], [0, 0]]);
}
