//! Distributed clocks (ETG.1000.4, 6.8; ET1100 data sheet, section I, 9, and section II, 0x0900 to 0x09CF).

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use support::{Rig, station};
use zerocat_sim::{Action, ActionError, ClockConfig, Millis, ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_wire::{Address, Command};

const FORWARDING: u64 = 300;

/// A SubDevice with a clock that is wrong in its own way, on a cable of its own length.
fn clocked(n: usize, on: Option<(u16, u8)>) -> SubDeviceConfig {
    let n = u64::try_from(n).unwrap();
    SubDeviceConfig {
        parent: on.map(|(parent, _)| parent),
        port: on.map(|(_, port)| port),
        cable_delay: Millis(Duration::from_nanos(100 + 37 * n)),
        clock: ClockConfig { offset: Millis(Duration::from_nanos(n * 7_000_000_123)), ..ClockConfig::default() },
        ..SubDeviceConfig::new(ProfileKind::Coupler)
    }
}

fn tree(parents: &[Option<(u16, u8)>]) -> SegmentConfig {
    SegmentConfig::line(parents.iter().enumerate().map(|(n, on)| clocked(n, *on)).collect())
}

fn u32_of(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[..4].try_into().unwrap())
}

fn u64_of(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

/// Gives station addresses and latches receive times.
fn latch(rig: &mut Rig) {
    let count = u16::try_from(rig.segment.len()).unwrap();
    for n in 0..count {
        rig.write(n, 0x0010, &station(n).to_le_bytes());
    }
    rig.send(Command::Bwr, Address::broadcast(0x0900), &[0; 4]);
}

/// What a MainDevice knows of a SubDevice when it works out delays.
#[derive(Debug, Default, Clone)]
struct Seen {
    times: [u32; 4],
    open: [bool; 4],
    parent: Option<(usize, usize)>,
}

const ORDER: [usize; 4] = [0, 3, 1, 2];

/// The open port before `port` in the order of passage.
fn before(seen: &Seen, port: usize) -> usize {
    let at = ORDER.iter().position(|p| *p == port).unwrap();
    (1..4).map(|back| ORDER[(at + 4 - back) % 4]).find(|port| seen.open[*port]).unwrap_or(port)
}

/// Reads times and ports and works out who hangs on whom, in the order of passage.
fn look(rig: &mut Rig) -> Vec<Seen> {
    let mut all: Vec<Seen> = Vec::new();
    let mut free: Vec<(usize, usize)> = Vec::new();
    for n in 0..u16::try_from(rig.segment.len()).unwrap() {
        let status = rig.read_u16(n, 0x0110);
        let bytes = rig.read(n, 0x0900, 16);
        let mut seen = Seen { parent: free.pop(), ..Seen::default() };
        for port in 0..4 {
            seen.open[port] = status >> (8 + 2 * port) & 1 == 0;
            seen.times[port] = u32_of(&bytes[4 * port..]);
        }
        free.extend([2, 1, 3].iter().filter(|port| seen.open[**port]).map(|port| (usize::from(n), *port)));
        all.push(seen);
    }
    all
}

/// The delays as MainDevices work them out: half of what a branch took beyond what the SubDevices in it say.
fn standard_delays(all: &[Seen]) -> Vec<u64> {
    let mut delays = vec![0u64; all.len()];
    for (n, seen) in all.iter().enumerate() {
        let Some((parent, port)) = seen.parent else { continue };
        let above = &all[parent];
        let prior = before(above, port);
        let branch = above.times[port].wrapping_sub(above.times[prior]);
        let inside = seen.times[before(seen, 0)].wrapping_sub(seen.times[0]);
        let earlier = above.times[prior].wrapping_sub(above.times[0]);
        delays[n] = delays[parent] + u64::from((branch - inside) / 2 + earlier);
    }
    delays
}

/// The delays by the file: walks the tree as a frame does. In the order of passage.
fn delays_of_the_file(config: &SegmentConfig) -> Vec<u64> {
    fn visit(config: &SegmentConfig, n: usize, at: u64, delays: &mut Vec<u64>) -> u64 {
        delays.push(at);
        let mut at = at;
        for port in [3, 1, 2] {
            let on = |s: &SubDeviceConfig| s.parent.map(usize::from) == Some(n) && s.port == Some(port);
            if let Some(child) = config.subdevices.iter().position(on) {
                let cable = u64::try_from(config.subdevices[child].cable_delay.0.as_nanos()).unwrap();
                at = visit(config, child, at + FORWARDING + cable, delays) + cable;
            }
        }
        at + FORWARDING
    }
    let mut delays = Vec::new();
    visit(config, 0, 0, &mut delays);
    delays
}

#[test]
fn the_standard_algorithm_finds_the_delays_of_the_file() {
    let line: &[Option<(u16, u8)>] = &[None, Some((0, 1)), Some((1, 1)), Some((2, 1))];
    let star = &[None, Some((0, 1)), Some((0, 2)), Some((0, 3)), Some((3, 1))];
    let nested = &[
        None,
        Some((0, 1)),
        Some((1, 2)),
        Some((1, 3)),
        Some((3, 2)),
        Some((3, 1)),
        Some((3, 3)),
        Some((4, 1)),
        Some((0, 2)),
        Some((0, 3)),
    ];
    for parents in [line, star, nested] {
        let config = tree(parents);
        let mut rig = Rig::new(&config);
        rig.now = Duration::from_millis(3);
        latch(&mut rig);
        let delays = standard_delays(&look(&mut rig));
        assert_eq!(delays, delays_of_the_file(&config), "{parents:?}");
    }
}

#[test]
fn the_unit_latches_the_local_time_of_the_frame() {
    let mut rig = Rig::new(&tree(&[None, Some((0, 1))]));
    rig.now = Duration::from_secs(2);
    latch(&mut rig);
    assert_eq!(u64_of(&rig.read(0, 0x0918, 8)), 2_000_000_100);
    assert_eq!(u64_of(&rig.read(1, 0x0918, 8)), 2_000_000_100 + 300 + 137 + 7_000_000_123);
    assert_eq!(u32_of(&rig.read(1, 0x0900, 4)), u32_of(&rig.read(1, 0x0918, 4)));
    rig.now += Duration::from_secs(1);
    assert_eq!(u64_of(&rig.read(0, 0x0918, 8)), 2_000_000_100, "kept until the next write");
}

#[test]
fn without_a_system_time_there_are_receive_times_and_nothing_else() {
    let kinds = [ProfileKind::Coupler, ProfileKind::DigitalOut, ProfileKind::Servo];
    let mut rig = Rig::of(&kinds);
    assert_eq!([0, 1, 2].map(|n| rig.read_u16(n, 0x0008) & 0x000c), [0x0c; 3], "it says that there is a clock");
    assert_eq!(rig.read(1, 0x0900, 8), *b"Beckhoff", "before the first");
    rig.now += Duration::from_secs(1);
    assert_eq!(rig.send(Command::Bwr, Address::broadcast(0x0900), &[0; 4]).1, 3);
    assert_eq!(u32_of(&rig.read(1, 0x0900, 4)), 1_000_000_500);
    assert_eq!(rig.send(Command::Brd, Address::broadcast(0x0910), &[0; 8]).1, 2);
    for register in [0x0910, 0x0918, 0x0920, 0x092c, 0x0981, 0x0990] {
        assert_eq!(rig.send(Command::Aprd, Address::position(1, register), &[0; 4]).1, 0, "{register:#06x}");
    }
    rig.write(0, 0x0010, &[1, 0x10]);
    assert_eq!(rig.send(Command::Frmw, Address::station(0x1001, 0x0910), &[0; 8]).1, 2, "read once, written once");
    assert_eq!(rig.send(Command::Armw, Address::position(0, 0x0910), &[0; 8]).1, 2);
    assert_eq!(rig.send(Command::Armw, Address::position(1, 0x0910), &[0; 8]).1, 2, "written twice");
    assert_eq!(rig.send(Command::Apwr, Address::position(1, 0x0920), &[0; 8]).1, 0);
}

#[test]
fn an_esc_without_receive_times_says_so_and_counts_no_write() {
    let clock = ClockConfig { receive_times: false, ..ClockConfig::default() };
    let bare = SubDeviceConfig { clock, ..SubDeviceConfig::new(ProfileKind::DigitalIn) };
    let mut rig = Rig::new(&SegmentConfig::line(vec![SubDeviceConfig::new(ProfileKind::Coupler), bare]));
    assert_eq!([0, 1].map(|n| rig.read_u16(n, 0x0008) & 0x000c), [0x0c, 0]);
    assert_eq!(rig.send(Command::Bwr, Address::broadcast(0x0900), &[0; 4]).1, 1);
    assert_eq!(rig.send(Command::Aprd, Address::position(1, 0x0900), &[0; 4]).1, 0);
}

#[test]
fn a_clock_of_32_bits_shows_no_more() {
    let clock = ClockConfig { bits: Some(32), offset: Millis(Duration::from_secs(10)), ..ClockConfig::default() };
    let mut rig =
        Rig::new(&SegmentConfig::line(vec![SubDeviceConfig { clock, ..SubDeviceConfig::new(ProfileKind::DigitalIn) }]));
    assert_eq!(rig.read_u16(0, 0x0008) & 0x000c, 0x04);
    assert_eq!(u64_of(&rig.read(0, 0x0910, 8)), (10_000_000_100u64) & 0xffff_ffff);
}

/// Offsets and delays as a MainDevice sets them: the first SubDevice is the reference clock.
fn set_up(rig: &mut Rig) {
    latch(rig);
    let delays = standard_delays(&look(rig));
    let reference = u64_of(&rig.read(0, 0x0918, 8));
    for (n, delay) in (0u16..).zip(delays) {
        let local = u64_of(&rig.read(n, 0x0918, 8));
        let offset = (reference + delay).wrapping_sub(local);
        rig.write(n, 0x0920, &offset.to_le_bytes());
        rig.write(n, 0x0928, &u32::try_from(delay).unwrap().to_le_bytes());
    }
}

fn follow(rig: &mut Rig, cycles: u32) {
    for _ in 0..cycles {
        rig.now += Duration::from_millis(1);
        rig.send(Command::Frmw, Address::station(station(0), 0x0910), &[0; 8]);
    }
}

/// How far apart the system times of all clocks are at one moment, in ns.
fn spread(rig: &Rig) -> u64 {
    let times: Vec<u64> = (0..rig.segment.len()).map(|n| rig.segment.clock(n, rig.now).unwrap().system).collect();
    times.iter().max().unwrap() - times.iter().min().unwrap()
}

fn drifting() -> Rig {
    let mut config = tree(&[None, Some((0, 1)), Some((0, 3)), Some((1, 1)), Some((1, 2))]);
    for (subdevice, ppm) in config.subdevices.iter_mut().zip([12.5, -40.0, 90.0, 0.0, -150.0]) {
        subdevice.clock.drift_ppm = ppm;
    }
    Rig::new(&config)
}

#[test]
fn drifting_clocks_follow_the_reference_clock() {
    let mut rig = drifting();
    set_up(&mut rig);
    follow(&mut rig, 3000);
    assert!(spread(&rig) <= 5, "{}", spread(&rig));
    let (data, counter) = rig.send(Command::Brd, Address::broadcast(0x092c), &[0; 4]);
    assert_eq!(counter, 5);
    assert!(u32_of(&data) & 0x7fff_ffff <= 7, "{data:?}");
    assert_eq!(u32_of(&rig.read(0, 0x092c, 4)), 0, "the reference clock compares with nobody");
    let times: Vec<u64> = (0..5).map(|n| u64_of(&rig.read(n, 0x0910, 8))).collect();
    assert!(times.iter().all(|time| time.abs_diff(times[0]) <= 5), "each without its delay: {times:?}");
}

#[test]
fn without_frames_synchronized_clocks_keep_the_speed_they_learned() {
    let mut rig = drifting();
    set_up(&mut rig);
    follow(&mut rig, 3000);
    rig.now += Duration::from_secs(1);
    assert!(spread(&rig) < 2000, "240 us apart without correction, {} ns with it", spread(&rig));
}

#[test]
fn a_shifted_drift_is_learned_again() {
    let mut rig = drifting();
    set_up(&mut rig);
    follow(&mut rig, 3000);
    rig.segment.act(Action::ClockDrift { subdevice: 3, ppm: 60.0 }, rig.now).unwrap();
    follow(&mut rig, 20);
    assert!(spread(&rig) > 50, "{}", spread(&rig));
    follow(&mut rig, 2000);
    assert!(spread(&rig) <= 5, "{}", spread(&rig));
}

#[test]
fn a_write_of_the_speed_counter_start_forgets_what_was_learned() {
    let mut rig = drifting();
    set_up(&mut rig);
    follow(&mut rig, 3000);
    assert_ne!(rig.read_u16(4, 0x0932), 0);
    rig.write(4, 0x0930, &0x1000u16.to_le_bytes());
    assert_eq!(rig.read(4, 0x092c, 8), [0, 0, 0, 0, 0x00, 0x10, 0, 0]);
    rig.write(4, 0x0930, &[0, 0]);
    assert_eq!(rig.read_u16(4, 0x0930), 0x0080, "the least there is");
}

#[test]
fn drifts_of_what_has_no_clock_or_of_too_much_are_refused() {
    let mut rig = Rig::of(&[ProfileKind::Coupler, ProfileKind::DigitalIn]);
    let mut shift = |subdevice, ppm| rig.segment.act(Action::ClockDrift { subdevice, ppm }, rig.now);
    assert_eq!(shift(1, 1.0), Err(ActionError::NoClock(1)));
    assert_eq!(shift(0, 1000.1), Err(ActionError::Drift));
    assert_eq!(shift(0, f64::NAN), Err(ActionError::Drift));
}

#[test]
fn sync0_starts_at_its_time_and_says_what_comes_next() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.write(0, 0x09a0, &1_000_000u32.to_le_bytes());
    rig.write(0, 0x0990, &10_000_000u64.to_le_bytes());
    rig.write(0, 0x0981, &[0x03]);
    assert_eq!((rig.read(0, 0x0984, 1), u64_of(&rig.read(0, 0x0990, 8))), (vec![0x01], 10_000_000));
    rig.now = Duration::from_micros(12_500);
    assert_eq!((rig.read(0, 0x0984, 1), u64_of(&rig.read(0, 0x0990, 8))), (vec![0], 13_000_000));
    assert_eq!(rig.segment.clock(0, rig.now).unwrap().pulses, Some((3, 0)));
    rig.write(0, 0x0981, &[0]);
    assert_eq!(rig.segment.clock(0, rig.now).unwrap().pulses, None);
}

#[test]
fn a_start_time_that_has_passed_is_shown_and_never_comes() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.now = Duration::from_secs(1);
    rig.write(0, 0x09a0, &1_000_000u32.to_le_bytes());
    rig.write(0, 0x0990, &10_000_000u64.to_le_bytes());
    rig.write(0, 0x0981, &[0x03]);
    rig.now = Duration::from_secs(100);
    assert_eq!(rig.read(0, 0x0984, 1), [0x05]);
    rig.write(0, 0x0981, &[0]);
    rig.write(0, 0x0981, &[0x23]);
    assert_eq!(rig.read(0, 0x0984, 1), [0x04], "checked, so at once");
}

#[test]
fn the_start_time_can_switch_the_unit_on() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.write(0, 0x0981, &[0x0a]);
    assert_eq!(rig.segment.clock(0, rig.now).unwrap().pulses, None);
    rig.write(0, 0x0990, &10_000_000u64.to_le_bytes());
    assert_eq!((rig.read(0, 0x0981, 1), rig.read(0, 0x0984, 1)), (vec![0x0b], vec![1]));
}

#[test]
fn a_cyclic_unit_that_was_given_to_the_application_takes_no_write() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.write(0, 0x0980, &[0x01]);
    for register in [0x0981, 0x0990, 0x09a0, 0x09a4] {
        assert_eq!(rig.send(Command::Apwr, Address::position(0, register), &[1]).1, 0, "{register:#x}");
    }
    rig.write(0, 0x0980, &[0x00]);
    rig.write(0, 0x0981, &[0x01]);
}

#[test]
fn a_loss_of_power_stops_the_clock_and_starts_it_anew() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.write(0, 0x0981, &[0x03]);
    rig.write(0, 0x0920, &[1; 8]);
    rig.now = Duration::from_secs(5);
    for action in [Action::PowerOff { subdevice: 0 }, Action::PowerOn { subdevice: 0 }] {
        rig.segment.act(action, rig.now).unwrap();
    }
    let clock = rig.segment.clock(0, rig.now).unwrap();
    assert_eq!((clock.local, clock.system, clock.pulses), (0, 0, None));
}

#[test]
fn clocks_that_cannot_be_are_refused() {
    let error = |clock: &str| {
        let text = format!(r#"{{"subdevices": [{{"profile": "servo", "clock": {clock}}}]}}"#);
        SegmentConfig::from_json(&text).unwrap_err().to_string()
    };
    let bits = error(r#"{"bits": 48}"#);
    assert_eq!(bits, "subdevices[0].clock.bits: 48 bits, a clock has 64 or 32, or 0 where there is none");
    let stamps = error(r#"{"receive_times": false}"#);
    assert_eq!(stamps, "subdevices[0].clock.receive_times: a SubDevice with a clock has receive times");
    let drift = error(r#"{"drift_ppm": -1001}"#);
    assert_eq!(drift, "subdevices[0].clock.drift_ppm: a drift is from -1000 to 1000 ppm");
}

#[test]
fn escs_of_their_own_delays_pass_the_frame_on_in_their_own_time() {
    let nanos = |ns| Some(Millis(Duration::from_nanos(ns)));
    let mut config = tree(&[None, Some((0, 1)), Some((1, 1)), Some((2, 1))]);
    config.subdevices[1].forwarding_delay = nanos(500);
    config.subdevices[2].processing_delay = nanos(340);
    let rig = Rig::new(&config);
    let passages: Vec<u32> = (0..4).map(|n| rig.segment.passage(n).unwrap()).collect();
    let hops: Vec<u32> = passages.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(hops, [300 + 137, 500 + 174, 340 + 211]);
}

#[test]
fn receive_times_have_the_steps_of_the_clock() {
    let mut config = tree(&[None, Some((0, 1)), Some((1, 1))]);
    config.subdevices[1].clock.step_ns = 10;
    let mut rig = Rig::new(&config);
    rig.now = Duration::from_nanos(3_000_007);
    latch(&mut rig);
    let between = |times: Vec<u8>| u32_of(&times[4..]).wrapping_sub(u32_of(&times));
    assert!(between(rig.read(1, 0x0900, 8)).is_multiple_of(10));
    // There and back: 300 ns through each of four ESCs on the way, cables of 137 ns and of 174 ns.
    assert_eq!(between(rig.read(0, 0x0900, 8)), 4 * 300 + 2 * (137 + 174));
}

#[test]
fn a_clock_that_does_not_follow_never_comes_to_the_reference() {
    let mut rig = drifting();
    set_up(&mut rig);
    rig.segment.act(Action::FollowReference { subdevice: 4, follows: false }, rig.now).unwrap();
    follow(&mut rig, 3000);
    // 162.5 ppm of 3 s.
    assert!(spread(&rig) > 400_000, "{}", spread(&rig));
    let difference = u32_of(&rig.read(4, 0x092c, 4)) & 0x7fff_ffff;
    assert!(difference > 400_000, "{difference}");
    assert_eq!(rig.read_u16(4, 0x0932), 0);
    rig.segment.act(Action::FollowReference { subdevice: 4, follows: true }, rig.now).unwrap();
    follow(&mut rig, 10_000);
    assert!(spread(&rig) <= 5, "{}", spread(&rig));
}

#[test]
fn one_that_is_entered_by_another_port_has_its_earliest_time_there_and_its_unit_on_the_way_back() {
    let mut config = tree(&[None, Some((0, 1)), Some((1, 0))]);
    config.subdevices[1].entry = 2;
    let mut rig = Rig::new(&config);
    rig.now = Duration::from_millis(3);
    rig.send(Command::Bwr, Address::broadcast(0x0900), &[0; 4]);
    // The one behind its port 0 is passed before it.
    let times = rig.read(2, 0x0900, 16);
    let (entry, back) = (u32_of(&times[8..]), u32_of(&times));
    assert_eq!(back.wrapping_sub(entry), 2 * 300 + 2 * 174, "out by port 0, through the one behind, and back");
    assert_eq!(u32_of(&rig.read(2, 0x0918, 4)), back, "the unit is passed from port 0 on");
    assert_eq!(rig.segment.passage(1).unwrap() - rig.segment.passage(2).unwrap(), 300 + 174);
}
