//! Frames stay at their phase to the reference clock of a simulated segment, and the clocks behind it stay with it; or the reference is
//! slewed to the host's clock, and two networks stay at a phase to each other. Under virtual time, with an exchange for the clocks
//! alone.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::time::Duration;
use zerocat::config::dc::DcSection;
use zerocat_engine::{ClockState, CyclicLane, Exchange, HostClock, LaneOptions, ReferenceClock, SteerSettings};
use zerocat_link::Slot;
use zerocat_pdi::Plan;
use zerocat_sim::{ClockConfig, Millis, Outcome, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::{Drive, Ends};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, Command, Datagram, FrameBuilder, FrameView};

const PERIOD: Duration = Duration::from_millis(1);
const LEAD: Duration = Duration::from_micros(300);
const REFERENCE: u16 = 0x1000;
/// Of the crystals, the reference's first.
const DRIFTS: [f64; 4] = [-80.0, 100.0, 15.0, -100.0];

fn line(bits: u8, drifts: [f64; 4]) -> Segment {
    let subdevice = |drift_ppm| SubDeviceConfig {
        clock: ClockConfig {
            bits: Some(bits),
            drift_ppm,
            offset: Millis(Duration::from_secs(4)),
            ..ClockConfig::default()
        },
        ..SubDeviceConfig::new(ProfileKind::Coupler)
    };
    let mut segment = Segment::new(&SegmentConfig::line(drifts.map(subdevice).to_vec())).unwrap();
    write(&mut segment, Command::Apwr, Address::position(0, 0x0010), &REFERENCE.to_le_bytes());
    segment
}

fn write(segment: &mut Segment, command: Command, address: Address, data: &[u8]) {
    let mut buffer = vec![0u8; 1514];
    let mut builder = FrameBuilder::new(&mut buffer, MacAddress::ACYCLIC).unwrap();
    let at = builder.push(Datagram::new(command, address, 0, data.len())).unwrap();
    let len = builder.finish().unwrap();
    buffer.truncate(len);
    buffer[at..at + data.len()].copy_from_slice(data);
    assert_eq!(segment.process(&mut buffer, Duration::ZERO), Outcome::Returned);
    let datagram = FrameView::new_checked(&buffer).unwrap().datagrams().next().unwrap().unwrap();
    assert_eq!(datagram.working_counter(), 1);
}

fn following(bits: u8) -> (Drive, Ends) {
    driven(line(bits, DRIFTS), bits == 64, LEAD, None)
}

fn driven(segment: Segment, wide: bool, lead: Duration, host: Option<HostClock>) -> (Drive, Ends) {
    let (drive, mut ends) = Drive::new(segment, PERIOD, |link| link);
    let clocks = u16::try_from(DRIFTS.len()).unwrap();
    let steer = Some(SteerSettings::usual(PERIOD, lead));
    let clock = ReferenceClock { station: REFERENCE, wide, expected: clocks, watched: clocks, steer, host };
    let nothing = Plan { image_len: 0, frames: Vec::new(), subdevices: Vec::new() };
    let options = LaneOptions { first_slot: Slot(0), al_status: None };
    let lane = CyclicLane::with_clock(&nothing, options, clock).unwrap();
    ends.controls.install(Exchange::new(lane)).unwrap();
    (drive, ends)
}

/// From the passage of the last frame to the next multiple of the period in the reference's time, in ns.
fn lead(ends: &Ends) -> u64 {
    1_000_000 - ends.counters.read().clock().time % 1_000_000
}

fn stays_at_its_phase(bits: u8) {
    let (mut drive, ends) = following(bits);
    for _ in 0..2_000 {
        drive.exchange();
    }
    for cycle in 0..8_000 {
        drive.exchange();
        let clock = ends.counters.read().clock();
        assert_eq!((clock.state, clock.times_lost), (ClockState::Locked, 0), "{cycle}");
        assert!(lead(&ends).abs_diff(300_000) < 1_000, "{cycle}: {} ns", lead(&ends));
        assert!(clock.difference < 128, "{cycle}: {} ns", clock.difference);
    }
    let counters = ends.counters.read();
    let clock = counters.clock();
    assert!(clock.lock_took.unwrap() < Duration::from_secs(1), "{clock:?}");
    assert!((clock.frequency_ppb + 80_000).abs() < 1_000, "{clock:?}");
    assert_eq!((counters.lost_frames, counters.skipped, clock.difference_unknown), (0, 0, 0));
    assert!(clock.largest_move <= 20_000 && clock.without_reading == 0, "{clock:?}");
}

#[test]
fn frames_stay_at_their_phase_and_clocks_with_the_reference() {
    stays_at_its_phase(64);
}

#[test]
fn a_reference_of_32_bits_wraps_and_nothing_happens() {
    stays_at_its_phase(32);
}

/// The host's clock, which the references are 50 us behind when they begin.
const HOST: HostClock = HostClock { at_zero: 4_000_050_000, bound: Duration::from_micros(20) };

#[test]
fn two_networks_that_run_by_the_host_keep_their_phase_to_each_other() {
    let phases = [Duration::ZERO, Duration::from_micros(250)];
    let drifts = [DRIFTS, [100.0, -60.0, 0.0, 40.0]];
    let networks = phases.into_iter().zip(drifts).map(|(phase, drifts)| {
        let section = DcSection { lead: Some(LEAD), phase: Some(phase), ..DcSection::default() };
        driven(line(64, drifts), true, section.lead_to_multiple(PERIOD), Some(HOST))
    });
    let mut networks: Vec<_> = networks.collect();
    for cycle in 0..8_000 {
        for ((drive, ends), phase) in networks.iter_mut().zip([0, 250_000]) {
            drive.exchange();
            let clock = ends.counters.read().clock();
            if cycle < 4_000 {
                continue;
            }
            assert_eq!((clock.state, clock.times_lost), (ClockState::Locked, 0), "{cycle}");
            // The reference shows the host's time, and its SYNC grid is as long behind whole milliseconds of that as is stated.
            let off = clock.time.abs_diff(HOST.at(drive.now()));
            assert!(off < 1_000, "{cycle}: {off} ns from the host's clock");
            let to_grid = (2_000_000 + phase - clock.time % 1_000_000) % 1_000_000;
            assert!(to_grid.abs_diff(300_000) < 1_000, "{cycle}: {to_grid} ns");
            assert!(clock.difference < 256, "{cycle}: {} ns", clock.difference);
        }
    }
    for (_, ends) in &networks {
        let clock = ends.counters.read().clock();
        assert!(clock.largest_move <= 20_000 && clock.frequency_ppb == 0, "{clock:?}");
    }
}
