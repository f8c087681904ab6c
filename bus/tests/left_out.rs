//! SubDevices that nobody can work with: one that doesn't answer at its SII interface, one that refuses INIT. They are told,
//! and the rest of the bus goes its way.

mod support;

use std::time::Duration;

use support::simulated::{operate, prepare, segment};
use support::{Segment, rig};
use zerocat_bus::sii::Content;
use zerocat_bus::{Network, Options};
use zerocat_sim::{AlErrorConfig, Outcome, ProfileKind, SegmentConfig, SubDeviceConfig, TargetState};
use zerocat_wire::{AlState, FrameView};

fn of(kind: ProfileKind) -> SubDeviceConfig {
    SubDeviceConfig::new(kind)
}

fn silent() -> SubDeviceConfig {
    SubDeviceConfig { sii_silent: true, ..of(ProfileKind::AnalogueIn) }
}

fn refusing() -> SubDeviceConfig {
    let al_error = Some(AlErrorConfig { on: TargetState::Init, code: 0x0014, times: u32::MAX });
    SubDeviceConfig { al_error, ..of(ProfileKind::Servo) }
}

/// A line with one of these in its middle.
fn around(middle: SubDeviceConfig) -> SegmentConfig {
    SegmentConfig::line(vec![
        of(ProfileKind::Coupler),
        of(ProfileKind::DigitalOut),
        middle,
        of(ProfileKind::AnalogueOut),
    ])
}

#[test]
fn an_esc_that_does_not_answer_at_its_sii_interface_is_told_by_position_and_cause() {
    let (datagrams, mut pump) = segment(&around(silent()));
    let network = pump.run(Network::discover(&datagrams, Options::default())).unwrap();
    let one = &network.subdevices()[2];
    assert_eq!((one.sii.content, one.name.as_str(), one.goes_up()), (Content::Unreadable, "SII unreadable", false));
    assert!(one.notes[0].starts_with("the SII interface doesn't answer: FPRD station 0x1003, register 0x0500"));
    assert_ne!(one.esc.kind, 0, "the ESC answers elsewhere");
    assert!(network.subdevices().iter().all(|other| other.position == 2 || other.goes_up()));
}

/// A segment that loses the first frames to the SII interface at a position.
struct HeldUp {
    segment: zerocat_sim::Segment,
    station: u16,
    frames: u32,
}

impl Segment for HeldUp {
    fn process(&mut self, frame: &mut [u8], now: Duration) -> bool {
        let view = FrameView::new_checked(&*frame).expect("a frame");
        let first = view.datagrams().next().expect("a datagram").expect("a datagram").address();
        if first.adp() == self.station && (0x0500..0x0510).contains(&first.ado()) && self.frames > 0 {
            self.frames -= 1;
            return false;
        }
        self.segment.process(frame, now) == Outcome::Returned
    }

    fn advance(&mut self, now: Duration) {
        self.segment.step(now);
    }
}

#[test]
fn one_that_was_held_up_is_asked_again() {
    let segment = zerocat_sim::Segment::new(&around(of(ProfileKind::Servo))).expect("a good segment");
    let (datagrams, mut pump) = rig::<16, _>(HeldUp { segment, station: 0x1003, frames: 12 });
    let network = pump.run(Network::discover(&datagrams, Options::default())).unwrap();
    assert!(network.subdevices().iter().all(|one| one.goes_up() && one.sii.content == Content::Programmed));
}

#[test]
fn one_that_refuses_init_is_told_with_its_name_and_the_code_in_words() {
    let (datagrams, mut pump) = segment(&around(refusing()));
    let mut network = pump.run(Network::discover(&datagrams, Options::default())).unwrap();
    let one = &network.subdevices()[2];
    assert_eq!((one.name.as_str(), one.goes_up(), one.expected(AlState::Op)), ("ZC-SERVO", false, None));
    let said = one.refused.as_ref().unwrap().to_string();
    assert!(
        said.starts_with("SubDevice 2 (ZC-SERVO): asked for INIT, shows INIT + ERROR, AL status code 0x0014"),
        "{said}"
    );
    let explored = pump.run(network.explore());
    assert_eq!(explored.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false, true]);
}

#[test]
fn the_others_reach_op_and_go_back_to_init_beside_one_that_cannot() {
    for middle in [silent(), refusing()] {
        let (datagrams, mut pump) = segment(&around(middle));
        let (mut network, plan) = pump.run(prepare(&datagrams, Options::default())).unwrap();
        pump.run(network.to_safe_op()).unwrap();
        let mut image = vec![0; plan.image_len];
        pump.run(operate(&datagrams, &mut network, &plan, &mut image)).unwrap();
        let states = pump.states();
        assert_eq!(states, [AlState::Op, AlState::Op, AlState::Init, AlState::Op]);
        assert_eq!(pump.run(network.shut_down()), []);
    }
}
