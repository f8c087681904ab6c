//! What a program asks of one SubDevice while the bus runs, under virtual time.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::sync::mpsc::channel;
use std::time::Duration;
use support::answer;
use zerocat::testing::{Action, Bench, ProfileKind, SegmentConfig, line};
use zerocat::{FileProgress, SessionEvent};

fn segment() -> SegmentConfig {
    let mut config = line(&[ProfileKind::Coupler, ProfileKind::Servo]);
    let mailbox = serde_json::json!({
        "protocols": ["coe", "foe"], "foe": { "busy": 2, "files": { "hello.txt": "hello" } },
    });
    config.subdevices[1].mailbox = Some(serde_json::from_value(mailbox).unwrap());
    config
}

fn bench() -> Bench {
    Bench::start(Bench::bus(), &segment()).unwrap().0
}

#[test]
fn objects_are_read_and_written_as_the_type_that_they_are() {
    let mut bench = bench();
    let servo = bench.subdevice(1).unwrap();
    answer(&mut bench, servo.sdo_write(0x6083, 0, 12_345u32)).unwrap();
    assert_eq!(answer(&mut bench, servo.sdo_read::<u32>(0x6083, 0)), Ok(12_345));
    assert_eq!(answer(&mut bench, servo.sdo_read_bytes(0x6083, 0)), Ok(12_345u32.to_le_bytes().to_vec()));
    let wrong = answer(&mut bench, servo.sdo_read::<u16>(0x6083, 0)).unwrap_err().to_string();
    assert!(wrong.ends_with("4 bytes, and a u16 was asked for") && wrong.contains("0x6083:00"), "{wrong}");
    let absent = answer(&mut bench, servo.sdo_read::<u16>(0x7777, 1)).unwrap_err().to_string();
    assert!(absent.contains("abort 0x06020000"), "{absent}");
}

#[test]
fn the_dictionary_says_what_is_in_it() {
    let mut bench = bench();
    let servo = bench.subdevice("zc_servo_1").unwrap();
    let objects = answer(&mut bench, servo.objects()).unwrap();
    assert!(objects.contains(&0x1018) && objects.contains(&0x6041), "{objects:x?}");
    let entry = answer(&mut bench, servo.describe_entry(0x6041, 0)).unwrap();
    assert_eq!(entry.bit_length, 16);
    assert_eq!(answer(&mut bench, servo.describe_object(0x1018)).unwrap().max_subindex, 4);
}

#[test]
fn files_are_written_and_read_while_the_bus_is_in_op_and_their_progress_is_told() {
    let mut bench = bench();
    let servo = bench.subdevice(1).unwrap();
    assert_eq!(answer(&mut bench, servo.foe_read("hello.txt", 0, 100, |_| {})), Ok(b"hello".to_vec()));
    let file: Vec<u8> = (0..5000u16).map(|n| n.to_le_bytes()[0]).collect();
    let (sender, told) = channel();
    let written = servo.foe_write("new", 0, file.clone(), move |progress| sender.send(progress).unwrap());
    answer(&mut bench, written).unwrap();
    let told: Vec<_> = told.iter().collect();
    assert_eq!(told.last(), Some(&FileProgress::Bytes(5000)));
    assert!(told.iter().any(|progress| matches!(progress, FileProgress::Busy { .. })));
    assert_eq!(answer(&mut bench, servo.foe_read("new", 0, 1 << 20, |_| {})), Ok(file));
    let none = answer(&mut bench, servo.foe_read("none", 0, 9, |_| {})).unwrap_err().to_string();
    assert!(none.contains("FoE read of \"none\": refused with 0x8001: File not found"), "{none}");
    assert_eq!(bench.counters().lost_cycles, 0);
}

#[test]
fn registers_sii_and_state_are_read() {
    let mut bench = bench();
    let coupler = bench.subdevice(0).unwrap();
    assert!(answer(&mut bench, coupler.state()).unwrap().in_op());
    assert_ne!(answer(&mut bench, coupler.register_read(0, 1)), Ok(vec![0]));
    let identity = answer(&mut bench, coupler.sii_read(8, 4)).unwrap();
    let vendor = u32::from_le_bytes(*identity.first_chunk().unwrap());
    assert_eq!((identity.len(), vendor), (8, 2), "Beckhoff's");
    let no_mailbox = answer(&mut bench, coupler.sdo_read::<u8>(0x1000, 0)).unwrap_err().to_string();
    assert!(no_mailbox.contains("has no CoE mailbox"), "{no_mailbox}");
    let no_files = answer(&mut bench, coupler.foe_read("a", 0, 1, |_| {})).unwrap_err().to_string();
    assert!(no_files.contains("has no FoE mailbox"), "{no_files}");
}

#[test]
fn a_subdevice_without_power_answers_nothing_by_the_deadline_and_costs_no_other() {
    let mut bench = Bench::start(Bench::bus(), &line(&[ProfileKind::Servo, ProfileKind::Servo])).unwrap().0;
    let (dead, alive) = (bench.subdevice(1).unwrap(), bench.subdevice(0).unwrap());
    let asked = dead.within(Duration::from_millis(100)).sdo_read::<u16>(0x6041, 0);
    bench.act(Action::PowerOff { subdevice: 1 }).unwrap();
    let other = alive.within(Duration::from_millis(100)).sdo_read::<u16>(0x6041, 0);
    bench.run(Duration::from_millis(120));
    assert!(matches!(asked.try_take(), Some(Err(_))));
    assert!(matches!(other.try_take(), Some(Ok(_))), "{other:?}");
}

#[test]
fn a_subdevice_that_is_not_there_is_named_with_those_that_are() {
    let bench = bench();
    let error = bench.subdevice("drive").unwrap_err().to_string();
    assert!(error.starts_with("`drive` is not on the bus; there are ") && error.contains("zc_servo_1"), "{error}");
    let error = bench.subdevice(9).unwrap_err().to_string();
    assert!(error.starts_with("the SubDevice at position 9 is not on the bus"), "{error}");
}

#[test]
fn an_emergency_is_told_within_some_cycles_by_name_with_its_code_in_words() {
    let mut bench = bench();
    let events = bench.events();
    bench.act(Action::Emergency { subdevice: 1, code: 0x4210, register: 0x09, data: [1, 2, 3, 4, 5] }).unwrap();
    bench.run(Duration::from_millis(30));
    let told = std::iter::from_fn(|| events.recv(Duration::ZERO).ok());
    let emergency = told.filter_map(|event| match event {
        SessionEvent::Emergency(emergency) => Some(emergency),
        _ => None,
    });
    let emergency: Vec<_> = emergency.collect();
    assert_eq!(emergency.len(), 1, "{emergency:?}");
    let told = emergency[0].to_string();
    assert!(told.starts_with("SubDevice 1 ") && told.contains("0x4210"), "{told}");
    assert!(told.contains("temperature") && told.contains("data 01 02 03 04 05"), "{told}");
    // The mailbox is read empty, so the next request has its answer.
    let servo = bench.subdevice(1).unwrap();
    assert!(answer(&mut bench, servo.sdo_read::<u16>(0x6041, 0)).is_ok());
}

#[test]
fn idns_of_a_drive_are_read_and_written_and_a_refusal_is_said_in_words() {
    let mut bench = Bench::start(Bench::bus(), &line(&[ProfileKind::SoeServo])).unwrap().0;
    let drive = bench.subdevice(0).unwrap();
    let telegram = answer(&mut bench, drive.soe_read("S-0-0015".parse().unwrap(), 0)).unwrap();
    assert_eq!(telegram, [7, 0]);
    let refused =
        answer(&mut bench, drive.soe_write("S-0-0015".parse().unwrap(), 0, vec![7, 0])).unwrap_err().to_string();
    assert!(refused.contains("SoE write of S-0-0015: error 0x7"), "{refused}");
    let absent = answer(&mut bench, drive.soe_read("P-7-4000".parse().unwrap(), 0)).unwrap_err().to_string();
    assert!(absent.contains("P-7-4000") && absent.contains("0x1001"), "{absent}");
}
