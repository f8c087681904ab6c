//! One SubDevice goes to BOOT and back while the bus runs, under virtual time.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use serde_json::json;
use std::sync::mpsc::channel;
use std::time::Duration;
use zerocat::config::Rig;
use zerocat::testing::{Action, Bench, ProfileKind, SegmentConfig, line};
use zerocat::{
    BootDone, BootProblem, BootProgress, BootStep, Bus, FileProgress, Io, Out, Pending, RequestError, SessionEvent,
};
use zerocat_wire::AlState;

const PASSWORD: u32 = 7;

/// A coupler, a servo with BOOT, a servo behind it.
fn segment(mailbox: serde_json::Value) -> SegmentConfig {
    let mut config = line(&[ProfileKind::Coupler, ProfileKind::Servo, ProfileKind::Servo]);
    config.subdevices[1].mailbox = Some(serde_json::from_value(mailbox).unwrap());
    config
}

fn with_boot() -> SegmentConfig {
    segment(serde_json::json!({
        "protocols": ["coe", "foe"], "boot": true, "boot_length": 256,
        "foe": { "password": PASSWORD, "busy": 2, "files": { "old.bin": "what it runs" } },
    }))
}

fn file() -> Vec<u8> {
    (0..4_000u16).map(|n| n.to_le_bytes()[0]).collect()
}

fn answer(bench: &mut Bench, asked: &Pending<BootDone>, most: Duration) -> Result<BootDone, RequestError> {
    let end = bench.now() + most;
    while bench.now() < end {
        bench.run(Duration::from_millis(5));
        if let Some(answer) = asked.try_take() {
            return answer;
        }
    }
    panic!("no answer in {most:?}");
}

fn until_boot(bench: &mut Bench, subdevice: usize) {
    for _ in 0..2_000 {
        if state(bench, subdevice) == "BOOT" {
            return;
        }
        bench.run(Duration::from_millis(1));
    }
    panic!("not in BOOT, but in {}", state(bench, subdevice));
}

fn boot_error(answer: Result<BootDone, RequestError>) -> zerocat::BootError {
    match answer {
        Err(RequestError::Boot(error)) => *error,
        other => panic!("{other:?}"),
    }
}

fn state(bench: &Bench, subdevice: usize) -> String {
    bench.segment().snapshot().subdevices[subdevice].state.to_string()
}

/// A bench whose servos have a commanded target velocity.
fn commanded(config: &SegmentConfig) -> (Bench, Io, [Out<u16>; 2]) {
    let mut bus = Bench::bus().silent_after(Duration::from_secs(3600));
    let words = [1, 2].map(|position| bus.output::<u16>(position, 0x6040));
    let (mut bench, mut io) = Bench::start(bus, config).unwrap();
    let cycle = bench.step(&mut io).unwrap();
    for word in words {
        io.set(word, 6);
    }
    io.commit(&cycle).unwrap();
    bench.run(Duration::from_millis(50));
    (bench, io, words)
}

#[test]
fn a_file_is_written_in_boot_and_the_subdevice_is_in_op_again_while_the_others_never_left_it() {
    let (mut bench, _io, _) = commanded(&with_boot());
    let events = bench.events();
    let (sender, told) = channel();
    let servo = bench.subdevice(1).unwrap();
    let asked = servo.firmware_write("new.bin", PASSWORD, file(), move |progress| sender.send(progress).unwrap());
    let mut others = Vec::new();
    let done = loop {
        bench.run(Duration::from_millis(1));
        others.push(state(&bench, 2));
        if let Some(answer) = asked.try_take() {
            break answer.unwrap();
        }
    };
    assert!(!done.is_another_revision() && done.to_string().starts_with("is in OP again after "), "{done}");
    assert!(others.iter().all(|state| state == "OP"), "the other one left OP");
    let told: Vec<_> = told.iter().collect();
    let steps: Vec<_> =
        told.iter().filter_map(|one| if let BootProgress::Step(step) = one { Some(*step) } else { None }).collect();
    let all = [BootStep::Leaves, BootStep::EntersBoot, BootStep::Transfer, BootStep::LeavesBoot, BootStep::Returns];
    assert_eq!(steps, all);
    assert!(told.contains(&BootProgress::File(FileProgress::Bytes(4_000))));
    bench.run(Duration::from_millis(300));
    assert_eq!(state(&bench, 1), "OP");
    let told: Vec<_> = std::iter::from_fn(|| events.recv(Duration::ZERO).ok()).collect();
    assert!(
        matches!(&told[0], SessionEvent::TakenOut { who, to_boot: true } if who == "SubDevice 1 (ZC-SERVO)"),
        "{told:?}"
    );
    assert!(told.iter().any(|event| matches!(event, SessionEvent::BroughtBack { .. })), "{told:?}");
    let faults: Vec<_> = told.iter().filter_map(SessionEvent::fault).collect();
    assert_eq!(faults, [zerocat::Fault::CommandsVoid], "{told:?}");
    assert_eq!(bench.counters().lost_cycles, 0);
    let asked = servo.firmware_read("new.bin", PASSWORD, 1 << 20, |_| {});
    assert_eq!(answer(&mut bench, &asked, Duration::from_secs(5)).unwrap().content, file());
}

#[test]
fn what_was_commanded_before_is_void_and_the_inputs_of_the_others_stay_good() {
    let mut bus = Bench::bus().silent_after(Duration::from_secs(3600));
    let words = [1, 2].map(|position| bus.output::<u16>(position, 0x6040));
    let inputs = [1, 2].map(|position| bus.input::<u16>(position, 0x6041));
    let (mut bench, mut io) = Bench::start(bus, &with_boot()).unwrap();
    let cycle = bench.step(&mut io).unwrap();
    for word in words {
        io.set(word, 6);
    }
    io.commit(&cycle).unwrap();
    bench.run(Duration::from_millis(50));
    let asked = bench.subdevice(1).unwrap().firmware_write("new.bin", PASSWORD, file(), |_| {});
    let (mut own_stale, mut other_stale) = (0, 0);
    loop {
        let _ = bench.step(&mut io).unwrap();
        own_stale += u32::from(!io.is_good(inputs[0]));
        other_stale += u32::from(!io.is_good(inputs[1]));
        if let Some(answer) = asked.try_take() {
            answer.unwrap();
            break;
        }
    }
    assert_eq!(other_stale, 0, "the other's inputs were stale in some cycles");
    assert!(own_stale > 20, "its own were stale in {own_stale} cycles only");
}

#[test]
fn mail_is_refused_by_name_while_it_is_in_boot_and_its_state_is_told() {
    let (mut bench, ..) = commanded(&with_boot());
    let servo = bench.subdevice(1).unwrap();
    let asked = servo.firmware_write("new.bin", PASSWORD, file(), |_| {});
    until_boot(&mut bench, 1);
    let mail = servo.sdo_read::<u16>(0x6041, 0);
    let again = servo.bring_to_op();
    let shown = servo.state();
    bench.run(Duration::from_millis(20));
    let refused = mail.try_take().unwrap().unwrap_err().to_string();
    assert!(refused.contains("takes no mail now: it is in BOOT"), "{refused}");
    assert!(matches!(again.try_take(), Some(Err(RequestError::InBoot(_)))));
    assert_eq!(shown.try_take().unwrap().unwrap().status.to_string(), "BOOT");
    answer(&mut bench, &asked, Duration::from_secs(10)).unwrap();
    let mail = servo.sdo_read::<u16>(0x6041, 0);
    bench.run(Duration::from_millis(50));
    assert!(mail.try_take().unwrap().is_ok());
}

#[test]
fn a_file_that_is_refused_leaves_the_subdevice_in_op_again_with_the_reason() {
    let (mut bench, ..) = commanded(&with_boot());
    let asked = bench.subdevice(1).unwrap().firmware_write("new.bin", PASSWORD + 1, file(), |_| {});
    let error = boot_error(answer(&mut bench, &asked, Duration::from_secs(10)));
    assert!(error.in_op && error.step == BootStep::Transfer, "{error}");
    let words = error.to_string();
    assert!(
        words.contains("in BOOT: ") && words.contains("refused with 0x8002") && words.ends_with("it is in OP again"),
        "{words}"
    );
    assert_eq!(state(&bench, 1), "OP");
}

#[test]
fn who_has_no_boot_is_not_even_taken_out_and_who_refuses_it_is_brought_back() {
    let (mut bench, ..) = commanded(&with_boot());
    let asked = bench.subdevice(2).unwrap().firmware_write("new.bin", 0, file(), |_| {});
    let error = boot_error(answer(&mut bench, &asked, Duration::from_secs(1)));
    assert!(error.why == BootProblem::NoBoot && error.in_op, "{error}");
    let refuses = Action::RefuseState { subdevice: 1, state: AlState::Boot, code: 0x15, times: 9 };
    bench.act(refuses).unwrap();
    let asked = bench.subdevice(1).unwrap().firmware_write("new.bin", PASSWORD, file(), |_| {});
    let error = boot_error(answer(&mut bench, &asked, Duration::from_secs(30)));
    assert!(error.in_op && error.step == BootStep::EntersBoot, "{error}");
    assert!(error.to_string().contains("0x0015"), "{error}");
}

#[test]
fn one_that_answers_nothing_in_boot_is_brought_back() {
    let mut bench = Bench::start(Bench::bus().rate_hz(100.0), &with_boot()).unwrap().0;
    let asked = bench.subdevice(1).unwrap().firmware_write("new.bin", PASSWORD, file(), |_| {});
    until_boot(&mut bench, 1);
    bench.act(Action::FreezeMailbox { subdevice: 1, frozen: true }).unwrap();
    bench.run(Duration::from_secs(15));
    bench.act(Action::FreezeMailbox { subdevice: 1, frozen: false }).unwrap();
    let error = boot_error(answer(&mut bench, &asked, Duration::from_secs(60)));
    assert!(error.step == BootStep::Transfer, "{error}");
}

#[test]
fn one_that_loses_its_power_in_boot_is_told_and_brought_to_op_once_it_has_power() {
    // The last one: nobody behind it loses its frames.
    let mut config = with_boot();
    config.subdevices.swap(1, 2);
    for (position, subdevice) in config.subdevices.iter_mut().enumerate() {
        assert!(position < 3 && subdevice.mailbox.is_none() == (position != 2));
    }
    let (mut bench, ..) = commanded(&config);
    let servo = bench.subdevice(2).unwrap();
    let asked = servo.firmware_write("new.bin", PASSWORD, file(), |_| {});
    until_boot(&mut bench, 2);
    bench.act(Action::PowerOff { subdevice: 2 }).unwrap();
    let error = boot_error(answer(&mut bench, &asked, Duration::from_secs(60)));
    assert!(!error.in_op && error.now.is_none(), "{error}");
    assert!(error.to_string().contains("it doesn't answer now: look at its power"), "{error}");
    assert_eq!(state(&bench, 1), "OP");
    bench.act(Action::PowerOn { subdevice: 2 }).unwrap();
    bench.run(Duration::from_millis(500));
    let asked = servo.bring_to_op();
    answer(&mut bench, &asked, Duration::from_secs(30)).unwrap();
    bench.run(Duration::from_millis(300));
    assert_eq!([state(&bench, 1), state(&bench, 2)], ["OP", "OP"]);
    assert!(bench.counters().complete_streak > 100, "{:?}", bench.counters());
}

#[test]
fn a_request_that_is_dropped_breaks_the_file_off_and_the_subdevice_goes_back_to_op() {
    let (mut bench, ..) = commanded(&with_boot());
    let asked = bench.subdevice(1).unwrap().firmware_write("new.bin", PASSWORD, vec![1; 500_000], |_| {});
    until_boot(&mut bench, 1);
    bench.run(Duration::from_millis(20));
    drop(asked);
    bench.run(Duration::from_secs(2));
    assert_eq!(state(&bench, 1), "OP");
}

/// Two servos with clocks; the second has SYNC0, a startup command and BOOT.
fn synchronized() -> Bench {
    let mut segment = serde_json::to_value(line(&[ProfileKind::Servo, ProfileKind::Servo])).unwrap();
    for subdevice in [0, 1] {
        segment["subdevices"][subdevice]["clock"] = json!({ "shortest_cycle": "100us" });
    }
    segment["subdevices"][1]["mailbox"] = json!({ "protocols": ["coe", "foe"], "boot": true });
    let rig = json!({
        "network": { "interface": "eth0", "rate": 1000 },
        "slaves": [
            { "key": "first", "position": 0 },
            {
                "key": "axis", "position": 1, "dc": { "assign_activate": "0x0300" },
                "startup": [{ "transition": "PS", "object": "0x6083", "data_type": "udint", "value": 4321 }],
            },
        ],
    });
    let bus = Bus::from_rig(Rig::from_json(&rig.to_string()).unwrap().check().unwrap());
    Bench::start(bus, &serde_json::from_value(segment).unwrap()).unwrap().0
}

#[test]
fn one_that_lost_its_settings_has_its_clock_its_sync0_and_its_startup_commands_again() {
    let mut bench = synchronized();
    let axis = bench.subdevice("axis").unwrap();
    for power_is_lost in [false, true] {
        let asked = if power_is_lost {
            bench.act(Action::PowerOff { subdevice: 1 }).unwrap();
            bench.run(Duration::from_millis(500));
            bench.act(Action::PowerOn { subdevice: 1 }).unwrap();
            bench.run(Duration::from_millis(500));
            axis.bring_to_op()
        } else {
            axis.firmware_write("new.bin", 0, file(), |_| {})
        };
        answer(&mut bench, &asked, Duration::from_secs(30)).unwrap();
        bench.run(Duration::from_millis(300));
        assert_eq!(state(&bench, 1), "OP");
        let clocks = [0, 1].map(|subdevice| bench.segment().clock(subdevice, bench.now()).unwrap());
        assert!(clocks[1].difference(&clocks[0]).abs() < 1_000, "{clocks:?}");
        assert!(clocks[1].pulses.is_some_and(|(sync0, _)| sync0 > 100), "{clocks:?}");
        let read = axis.sdo_read::<u32>(0x6083, 0);
        bench.run(Duration::from_millis(50));
        assert_eq!(read.try_take().unwrap(), Ok(4321));
    }
}
