//! The front door for programs under virtual time: what is asked for is checked, what is given is the newest, what is commanded
//! goes out in its time or not at all.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::time::Duration;
use zerocat::testing::{Action, Bench, BenchError, End, ProfileKind, SegmentConfig, line};
use zerocat::{Bus, Entry, LifeError, NoCycle, NoEvent, Refused, SessionEvent};

const MS: Duration = Duration::from_millis(1);

fn servo() -> SegmentConfig {
    line(&[ProfileKind::Servo])
}

fn bus() -> Bus {
    Bench::bus().silent_after(MS * 20)
}

/// What a start is refused with.
fn refused(bus: Bus, segment: &SegmentConfig) -> String {
    match Bench::start(bus, segment) {
        Err(BenchError::Life(LifeError::Entries(errors))) => errors.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_reads_and_commands_an_axis() {
    let mut bus = bus();
    let (status, position) = (bus.input::<u16>(0, 0x6041), bus.input::<i32>("zc_servo_0", 0x6064));
    let ready = bus.input::<bool>(0, Entry::at(0x6041, 0).bit(0));
    let (control, target) = (bus.output::<u16>(0, 0x6040), bus.output::<i32>(0, Entry::at(0x607a, 0).in_pdo(0x1600)));
    let (mut bench, mut io) = Bench::start(bus, &servo()).unwrap();
    let mut word = 0x0006;
    for _ in 0..200 {
        let cycle = bench.step(&mut io).unwrap();
        assert!(io.is_good(position) && io.all_good());
        word = match io.get(status) & 0x006f {
            0x0021 => 0x0007,
            0x0023 | 0x0027 => 0x000f,
            _ => word,
        };
        io.set(control, word);
        io.set(target, io.get(position) + 10);
        io.commit(&cycle).unwrap();
    }
    assert_eq!(io.get(status) & 0x006f, 0x0027, "operation enabled");
    assert!(io.get(ready));
    assert!(io.get(position) > 100, "it moved to {}", io.get(position));
    assert_eq!(bench.stop().unwrap(), Vec::<String>::new());
    while io.wait(MS).is_ok() {}
    assert_eq!(io.wait(MS), Err(NoCycle::Ended));
}

#[test]
fn what_the_bus_does_not_map_is_refused_with_what_it_maps() {
    let mut bus = bus();
    let _ = bus.input::<i32>(0, 0x6065);
    let _ = bus.input::<i16>(0, 0x6064);
    let _ = bus.output::<i32>("axis", 0x607a);
    let _ = bus.input::<i32>(0, Entry::at(0x6041, 0).bit(3));
    let _ = bus.output::<u16>(0, 0x6041);
    let text = refused(bus, &servo());
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    assert_eq!(lines[0], "5 of what the program asked for:");
    let says = |line: &str, what: &str| assert!(line.contains(what), "{line}");
    says(
        lines[1],
        "input 0x6065:00 of the SubDevice at position 0 as i32: the SubDevice does not map it; it maps PDO 0x1a00:",
    );
    says(lines[2], "as i16: the SubDevice maps it with 32 bits, i16 has 16");
    says(lines[3], "with 16 bits; a bit of it is a bool");
    says(lines[4], "output 0x607a:00 of `axis` as i32: there is no such SubDevice; on the bus are `zc_servo_0`");
    says(
        lines[5],
        "output 0x6041:00 of the SubDevice at position 0 as u16: the SubDevice does not map it; it maps PDO 0x1600",
    );
}

#[test]
fn whoever_commands_says_how_long_it_may_be_silent() {
    let mut bus = Bench::bus();
    let _ = bus.output::<u16>(0, 0x6040);
    assert!(refused(bus, &servo()).contains("`Bus::silent_after`"));
}

#[test]
fn wait_gives_the_newest_cycle_and_says_what_was_passed_over() {
    let mut bus = Bench::bus();
    let position = bus.input::<i32>(0, 0x6064);
    let (mut bench, mut io) = Bench::start(bus, &servo()).unwrap();
    let first = bench.step(&mut io).unwrap();
    assert!(first.begins_anew() && first.elapsed().is_none());
    (0..1000).for_each(|_| bench.cycle());
    let newest = io.wait(MS).unwrap();
    assert_eq!((newest.number(), newest.overruns(), newest.skipped()), (first.number() + 1000, 999, 0));
    assert_eq!(newest.elapsed(), Some(MS * 1000));
    assert!(!newest.begins_anew() && io.is_good(position));
    assert_eq!(io.wait(MS), Err(NoCycle::TimedOut));
    assert_eq!(io.commit(&newest), Err(Refused::NoOutputs));
}

#[test]
fn history_has_every_cycle_the_oldest_first() {
    let mut bus = Bench::bus().history(8);
    let position = bus.input::<i32>(0, 0x6064);
    let (mut bench, mut io) = Bench::start(bus, &servo()).unwrap();
    while io.next_of_history().is_some() {}
    (0..10).for_each(|_| bench.cycle());
    let newest = io.wait(MS).unwrap().number();
    let mut numbers = Vec::new();
    while let Some(past) = io.next_of_history() {
        assert!(past.all_good() && past.get(position) == 0);
        numbers.push(past.number());
    }
    assert_eq!(numbers, (newest - 9..newest - 1).collect::<Vec<_>>());
    assert!(io.history_lost() >= 2);
}

#[test]
fn a_handle_of_another_bus_reads_zero_and_is_refused_at_the_commit() {
    let mut other = bus();
    let (their_input, their_output) = (other.input::<i32>(0, 0x6064), other.output::<u16>(0, 0x6040));
    let mut bus = bus();
    let control = bus.output::<u16>(0, 0x6040);
    let (mut bench, mut io) = Bench::start(bus, &servo()).unwrap();
    let cycle = bench.step(&mut io).unwrap();
    assert_eq!((io.get(their_input), io.is_good(their_input)), (0, false));
    io.set(control, 6);
    io.set(their_output, 7);
    assert_eq!(io.commit(&cycle), Err(Refused::OtherBus));
    assert_eq!((io.commanded(control), io.commit(&cycle)), (6, Ok(())));
}

#[test]
fn a_command_that_was_computed_too_long_ago_is_refused() {
    let mut bus = bus().commands_at_most(MS * 3);
    let control = bus.output::<u16>(0, 0x6040);
    let (mut bench, mut io) = Bench::start(bus, &servo()).unwrap();
    let old = bench.step(&mut io).unwrap();
    bench.run(MS * 5);
    io.set(control, 6);
    assert!(matches!(io.commit(&old), Err(Refused::TooLate { at_most, .. }) if at_most == MS * 3));
    let new = io.wait(MS).unwrap();
    assert_eq!(io.commit(&new), Ok(()));
}

#[test]
fn the_outputs_of_a_silent_program_are_safe_until_it_commands_again() {
    let mut bus = bus();
    let (control, target) = (bus.output::<u16>(0, 0x6040), bus.output::<i32>(0, 0x607a));
    let (mut bench, mut io) = Bench::start(bus, &servo()).unwrap();
    let events = bench.events();
    let cycle = bench.step(&mut io).unwrap();
    io.set(control, 0x0f);
    io.set(target, 5);
    io.commit(&cycle).unwrap();
    bench.run(MS * 10);
    let before = io.wait(MS).unwrap();
    assert_eq!(bench.segment().outputs(0).unwrap()[..6], [0x0f, 0, 5, 0, 0, 0]);
    bench.run(MS * 40);
    assert_eq!(bench.segment().outputs(0).unwrap()[..6], [0; 6]);
    let told = events.recv(Duration::ZERO).unwrap().to_string();
    assert!(told.contains("`program`") && told.contains("20.0 ms"), "{told}");
    assert!(matches!(io.commit(&before), Err(Refused::WasSilent)));
    let after = io.wait(MS).unwrap();
    assert!(after.begins_anew());
    io.set(control, 6);
    io.commit(&after).unwrap();
    bench.cycle();
    assert_eq!(bench.segment().outputs(0).unwrap()[..6], [6, 0, 0, 0, 0, 0], "what was set before isn't commanded");
}

#[test]
fn nothing_of_before_an_outage_is_commanded_after_it() {
    let mut bus = bus();
    let control = bus.output::<u16>(0, 0x6040);
    let (mut bench, mut io) = Bench::start(bus, &servo()).unwrap();
    let events = bench.events();
    let before = bench.step(&mut io).unwrap();
    io.set(control, 0x0f);
    io.commit(&before).unwrap();
    bench.act(Action::PullEnd(End::First)).unwrap();
    bench.run(MS * 1000);
    let _ = io.wait(Duration::ZERO);
    assert_eq!(io.wait(Duration::ZERO), Err(NoCycle::TimedOut));
    assert_eq!(io.commit(&before), Err(Refused::Outage));
    bench.act(Action::PlugEnd(End::First)).unwrap();
    bench.run(MS * 3000);
    let after = io.wait(Duration::ZERO).unwrap();
    assert!(after.begins_anew() && after.epoch() > before.epoch());
    assert_eq!(io.commit(&before), Err(Refused::Outage));
    assert_eq!(bench.segment().outputs(0).unwrap()[..2], [0, 0]);
    let told: Vec<SessionEvent> = std::iter::from_fn(|| events.recv(Duration::ZERO).ok()).collect();
    assert!(told.iter().any(|event| matches!(event, SessionEvent::Recovered { .. })), "{told:?}");
    assert_eq!(events.recv(Duration::ZERO), Err(NoEvent::TimedOut));
}

#[test]
fn dropping_the_process_data_makes_the_outputs_safe_and_the_session_goes_on() {
    let mut bus = bus();
    let control = bus.output::<u16>(0, 0x6040);
    let (mut bench, mut io) = Bench::start(bus, &servo()).unwrap();
    let cycle = bench.step(&mut io).unwrap();
    io.set(control, 0x0f);
    io.commit(&cycle).unwrap();
    bench.cycle();
    assert_eq!(bench.segment().outputs(0).unwrap()[0], 0x0f);
    drop(io);
    bench.cycle();
    assert_eq!(bench.segment().outputs(0).unwrap()[0], 0);
    bench.run(MS * 100);
    assert!(bench.is_alive());
}

#[test]
fn an_array_is_the_samples_of_one_channel() {
    let mut bus = Bench::bus();
    let samples = bus.input::<[i16; 20]>(0, 0x6000);
    let error = refused(bus, &line(&[ProfileKind::OversamplingIn]));
    assert!(error.contains("as [i16; 20]"), "{error}");
    let _ = samples;
}

#[test]
fn one_axis_that_drops_out_leaves_the_inputs_of_the_other_good() {
    let mut bus = bus().history(4);
    let (one, two) = (bus.input::<i32>(0, 0x6064), bus.input::<i32>(1, 0x6064));
    let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo, ProfileKind::Servo])).unwrap();
    let _ = bench.step(&mut io).unwrap();
    assert!(io.is_good(one) && io.is_good(two));
    bench.act(Action::PowerOff { subdevice: 1 }).unwrap();
    bench.run(MS * 200);
    while io.next_of_history().is_some() {}
    let _ = bench.step(&mut io).unwrap();
    assert!(io.is_good(one) && !io.is_good(two) && !io.all_good());
    let past = io.next_of_history().unwrap();
    assert!(past.is_good(one) && !past.is_good(two) && !past.all_good());
}

#[test]
fn a_loop_of_ones_own_refuses_a_rig_file_whose_tasks_need_threads() {
    let rig = r#"{
        "network": { "interface": "eth0", "rate": 1000 },
        "slaves": [{ "key": "axis", "position": 0, "pdos": { "inputs": [{ "name": "status", "index": "0x6041", "subindex": 0, "bit_length": 16, "data_type": "uint16" }] } }],
        "tasks": [{ "type": "ethercat_read", "name": "log", "sample_rate": 100, "stream_rate": 10, "channels": ["axis.0x6041:00"] }]
    }"#;
    let rig = zerocat::config::Rig::from_json(rig).unwrap().check().unwrap();
    let error = Bench::start(Bus::from_rig(rig), &servo()).unwrap_err();
    assert!(
        error.to_string().contains("tasks of the rig file run on threads of their own")
            && error.to_string().contains("`log`"),
        "{error}"
    );
}

#[test]
fn times_in_which_no_command_could_be_sent_are_refused_at_the_start() {
    let start = |bus: Bus| {
        let mut bus = bus;
        let _ = bus.output::<i32>(0, 0x607a);
        refused(bus, &servo())
    };
    let text = start(Bench::bus().silent_after(MS));
    assert!(text.contains("`Bus::silent_after` says 1ms") && text.contains("give 2ms at least"), "{text}");
    let text = start(bus().commands_at_most(Duration::ZERO));
    assert!(text.contains("`Bus::commands_at_most` says 0ns") && text.contains("give 1ms at least"), "{text}");
}

#[test]
fn a_pdo_that_does_not_map_the_entry_is_named_beside_the_one_that_does() {
    let mut bus = bus();
    let _ = bus.input::<i32>(0, Entry::at(0x6064, 0).in_pdo(0x1a07));
    let text = refused(bus, &servo());
    assert!(text.contains("the SubDevice maps it in PDO 0x1a00, not where it was asked for"), "{text}");
}

#[test]
fn a_start_that_failed_says_why_also_where_a_main_returns_it() {
    let error = Bus::on("zc-nowhere").start().map(drop).unwrap_err();
    let text = format!("{error:?}");
    assert!(text.starts_with("the session did not start: ") && text.contains("zc-nowhere"), "{text}");
    assert_eq!(text, zerocat::chain(&error));
}
