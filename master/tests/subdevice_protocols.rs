//! AoE, VoE and SoE of one SubDevice while the bus runs, under virtual time.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;
use support::answer;
use zerocat::aoe::{AmsAddress, NetId, NotificationRequest, group};
use zerocat::testing::{Action, Bench, ProfileKind, SegmentConfig, line};
use zerocat::{AoeTarget, Elements, Events, Idn, NoMail, SessionEvent};

const AREA: u32 = 0x4020;
const RESET: Idn = Idn(99);

fn segment() -> SegmentConfig {
    let mut config = line(&[ProfileKind::Coupler, ProfileKind::Servo, ProfileKind::SoeServo]);
    let mailbox = serde_json::json!({ "protocols": ["coe", "aoe", "voe"], "aoe": { "ports": [4097, 4098] } });
    config.subdevices[1].mailbox = Some(serde_json::from_value(mailbox).unwrap());
    config
}

fn bench() -> Bench {
    Bench::start(Bench::bus(), &segment()).unwrap().0
}

fn told(events: &Events) -> Vec<SessionEvent> {
    std::iter::from_fn(|| events.recv(Duration::ZERO).ok()).collect()
}

#[test]
fn ads_commands_reach_the_subdevice_and_devices_behind_it() {
    let mut bench = bench();
    let gate = bench.subdevice(1).unwrap();
    let own = AoeTarget::SUBDEVICE;
    let vendor = answer(&mut bench, gate.aoe_read(own, group::SDO, group::entry(0x1018, 1), 4)).unwrap();
    assert_eq!(Ok(vendor), answer(&mut bench, gate.sdo_read_bytes(0x1018, 1)));
    answer(&mut bench, gate.aoe_write(0x1001, AREA, 0, b"left".to_vec())).unwrap();
    answer(&mut bench, gate.aoe_write(0x1002, AREA, 0, vec![7; 200])).unwrap();
    assert_eq!(answer(&mut bench, gate.aoe_read(0x1001, AREA, 0, 4)), Ok(b"left".to_vec()));
    assert_eq!(answer(&mut bench, gate.aoe_read(0x1002, AREA, 0, 200)), Ok(vec![7; 200]));
    let both = gate.aoe_read_write(0x1001, AREA, 0, 4, b"both".to_vec());
    assert_eq!(answer(&mut bench, both), Ok(b"both".to_vec()));
    assert_eq!(answer(&mut bench, gate.aoe_device_info(0x1002)).unwrap().name(), b"port 0x1002");
    assert_eq!(answer(&mut bench, gate.aoe_state(own)).unwrap().ads, 5, "in OP it runs");
    assert_eq!(bench.counters().lost_cycles, 0);
}

#[test]
fn the_net_id_is_given_in_bring_up() {
    let mut bench = bench();
    let gate = bench.subdevice(1).unwrap();
    let given = AmsAddress::new(NetId::of_station(0x1002), 0x1001);
    assert!(answer(&mut bench, gate.aoe_state(given)).is_ok());
    let other = AmsAddress::new(NetId([5, 4, 3, 2, 1, 1]), 0x1001);
    let refused = answer(&mut bench, gate.aoe_state(other)).unwrap_err().to_string();
    assert!(refused.ends_with("at 5.4.3.2.1.1:0x1001: error 0x0007: Target machine not found"), "{refused}");
    let without = bench.subdevice(2).unwrap();
    let none = answer(&mut bench, without.aoe_state(AoeTarget::SUBDEVICE)).unwrap_err().to_string();
    assert!(none.contains("has no AoE mailbox"), "{none}");
}

#[test]
fn what_was_ordered_is_notified_while_the_bus_runs_until_it_ends() {
    let mut bench = bench();
    let gate = bench.subdevice(1).unwrap();
    let mut samples = gate.aoe_samples();
    let order = NotificationRequest { group: AREA, offset: 0, len: 2, mode: 4, delay: 0, cycle: 50_000 };
    let handle = answer(&mut bench, gate.aoe_notify(0x1001, order)).unwrap();
    let other = answer(&mut bench, gate.aoe_notify(0x1002, NotificationRequest { mode: 3, ..order })).unwrap();
    answer(&mut bench, gate.aoe_write(0x1001, AREA, 0, vec![1, 2])).unwrap();
    bench.run(Duration::from_millis(100));
    let mut all = Vec::new();
    while let Ok(sample) = samples.recv(Duration::ZERO) {
        all.push(sample);
    }
    let of = |wanted| all.iter().filter(move |one| one.handle == wanted);
    let changes: Vec<_> = of(handle).map(|one| one.data.clone()).collect();
    assert_eq!(changes, [vec![0, 0], vec![1, 2]], "on a change, and once at the start");
    assert!(of(other).count() >= 10 && of(other).all(|one| one.data == [0, 0]), "{}", of(other).count());
    assert!(all.is_sorted_by_key(|one| one.at) && all.is_sorted_by_key(|one| one.time));
    assert_eq!(samples.lost(), 0);
    for (port, handle) in [(0x1001, handle), (0x1002, other)] {
        answer(&mut bench, gate.aoe_end_notify(port, handle)).unwrap();
    }
    while samples.recv(Duration::ZERO).is_ok() {}
    bench.run(Duration::from_millis(100));
    assert_eq!(samples.recv(Duration::ZERO), Err(NoMail::TimedOut));
    let twice = answer(&mut bench, gate.aoe_end_notify(0x1001, handle)).unwrap_err().to_string();
    assert!(twice.ends_with("error 0x0714: Notification handle is invalid"), "{twice}");
    assert_eq!(bench.counters().lost_cycles, 0);
}

#[test]
fn vendors_mails_are_sent_and_those_that_come_unasked_are_received() {
    let mut bench = bench();
    let gate = bench.subdevice(1).unwrap();
    let mails = gate.voe_receive();
    let samples = gate.aoe_samples();
    bench.act(Action::VendorMail { subdevice: 1, vendor_type: 9, data: *b"unasked!" }).unwrap();
    bench.run(Duration::from_millis(50));
    let mail = mails.recv(Duration::ZERO).unwrap();
    assert_eq!((mail.vendor_type, &mail.data[..]), (9, &b"unasked!"[..]));
    answer(&mut bench, gate.voe_send(2, 0x55, b"tool".to_vec())).unwrap();
    bench.run(Duration::from_millis(50));
    let mail = mails.recv(Duration::ZERO).unwrap();
    assert_eq!((mail.vendor_id, mail.vendor_type, &mail.data[..]), (2, 0x55, &b"tool"[..]));
    assert_eq!(mails.recv(Duration::ZERO), Err(NoMail::TimedOut));
    let _ = samples;
    let drive = bench.subdevice(2).unwrap();
    let none = answer(&mut bench, drive.voe_send(2, 1, Vec::new())).unwrap_err().to_string();
    assert!(none.contains("has no VoE mailbox"), "{none}");
    bench.stop().unwrap();
    drop(bench);
    assert_eq!(mails.recv(Duration::ZERO), Err(NoMail::Ended));
}

#[test]
fn elements_of_idns_are_read_and_written_and_lists_listed() {
    let mut bench = bench();
    let drive = bench.subdevice(2).unwrap();
    let all = answer(&mut bench, drive.soe_list(Idn::ALL, 0)).unwrap();
    assert!(all.contains(&RESET) && all.contains(&Idn(91)), "{all:?}");
    let name = answer(&mut bench, drive.soe_read_element(RESET, 0, Elements::NAME)).unwrap();
    assert!(name.len() > 4);
    let attribute = answer(&mut bench, drive.soe_attribute(Idn(91), 0)).unwrap();
    assert_eq!(attribute.size().bytes(), 4);
    answer(&mut bench, drive.soe_write(Idn(91), 0, vec![9, 0, 0, 0])).unwrap();
    assert_eq!(answer(&mut bench, drive.soe_read(Idn(91), 0)), Ok(vec![9, 0, 0, 0]));
    let refused = answer(&mut bench, drive.soe_write_element(Idn(91), 0, Elements::NAME, vec![1, 0, 1, 0, 65]));
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("SoE write of S-0-0091 (name): error 0x2004"), "{refused}");
}

#[test]
fn a_drives_errors_are_reset_and_its_notification_is_an_event() {
    let mut bench = bench();
    let drive = bench.subdevice(2).unwrap();
    let events = bench.events();
    answer(&mut bench, drive.soe_reset(0)).unwrap();
    let told = told(&events);
    let notified = told.iter().find_map(|event| match event {
        SessionEvent::CommandNotified(notified) => Some(notified),
        _ => None,
    });
    let notified = notified.expect("a notification");
    assert_eq!((notified.idn, notified.drive, notified.text()), (RESET, 0, "done"));
    let said = notified.to_string();
    assert!(said.ends_with("procedure command S-0-0099 of drive 0 is done (data state 0x0003)"), "{said}");
    let failed = answer(&mut bench, drive.soe_command(Idn(91), 0)).unwrap_err().to_string();
    assert!(failed.contains("error 0x7"), "no procedure command: {failed}");
}

#[test]
fn an_emergency_of_soe_is_told_and_counted_like_one_of_coe() {
    let mut bench = bench();
    let events = bench.events();
    bench.act(Action::Emergency { subdevice: 2, code: 0x8611, register: 1, data: [0; 5] }).unwrap();
    bench.run(Duration::from_millis(50));
    let emergencies: Vec<_> = told(&events)
        .into_iter()
        .filter_map(|event| match event {
            SessionEvent::Emergency(emergency) => Some((emergency.who.position, emergency.code)),
            _ => None,
        })
        .collect();
    assert_eq!(emergencies, [(2, 0x8611)]);
}
