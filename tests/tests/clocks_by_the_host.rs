//! A network that runs by the host's clock comes to OP with SYNC at its stated phase to that clock, against simulated clocks under
//! virtual time.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::time::Duration;
use zerocat::SubDeviceDc;
use zerocat::config::Rig;
use zerocat_engine::ClockState;
use zerocat_sim::{ClockConfig, Millis, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::VirtualNetwork;

/// A coupler with the reference clock, and a drive that insists on SYNC0.
fn segment() -> Segment {
    let clock = |drift_ppm, seconds, needs_sync| ClockConfig {
        drift_ppm,
        offset: Millis(Duration::from_secs(seconds)),
        needs_sync,
        ..ClockConfig::default()
    };
    let coupler = SubDeviceConfig { clock: clock(70.0, 3, false), ..SubDeviceConfig::new(ProfileKind::Coupler) };
    let drive = SubDeviceConfig { clock: clock(-60.0, 7, true), ..SubDeviceConfig::new(ProfileKind::Servo) };
    Segment::new(&SegmentConfig::line(vec![coupler, drive])).unwrap()
}

fn rig(dc: &str) -> Rig {
    let text = format!(
        "network: {{ interface: in-process, rate: 1000, unknown: ignore }}\n\
         slaves: [{{ key: drive, position: 1 }}]\nengine: {{ dc: {dc} }}"
    );
    let mut rig = Rig::from_yaml(&text).unwrap();
    rig.slaves[0].dc = Some(SubDeviceDc::activate(0x0300).shift_ns(20_000));
    rig.check().unwrap().into_rig()
}

/// When the drive's next SYNC0 is, and when the last frame passed the reference, in ns behind a whole millisecond of the
/// clocks' time.
fn phases(dc: &str) -> (u64, u64) {
    let mut network = VirtualNetwork::bring_up_over(segment(), rig(dc), |link| link).unwrap();
    for _ in 0..1_000 {
        network.cycle();
    }
    let clock = network.counters().read().clock();
    assert_eq!((clock.state, clock.times_lost), (ClockState::Locked, 0));
    assert!(clock.difference < 1_000 && clock.largest_move <= 20_000, "{clock:?}");
    let now = Duration::from_nanos(network.now().0);
    let (next, _) = network.engine().link().segment().clock(1, now).unwrap().next.unwrap();
    assert!(network.take_down().is_empty());
    (next % 1_000_000, clock.time % 1_000_000)
}

#[test]
fn sync_is_at_its_phase_to_the_hosts_clock_and_frames_are_at_their_lead_before_it() {
    for (dc, phase) in [("{ follow: host }", 0), ("{ follow: host, phase: 250us }", 250_000)] {
        let (sync0, frame) = phases(dc);
        assert_eq!(sync0, phase + 20_000, "{dc}");
        assert!(frame.abs_diff(700_000 + phase) < 1_000, "{dc}: {frame}");
    }
}
