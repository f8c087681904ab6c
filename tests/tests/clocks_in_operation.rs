//! Distributed clocks while a network is in operation: who goes astray is told, and after an outage SYNC is where it was. Under
//! virtual time, with the life that a run has.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;
use zerocat::config::Rig;
use zerocat::{Fault, Life, LifeError, Observer, SessionEvent, SubDeviceDc};
use zerocat_engine::ClockState;
use zerocat_sim::{Action, ClockConfig, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::{self, Drive, Ends, machine};

const MS: Duration = Duration::from_millis(1);
const SHIFT: i64 = 20_000;
/// Index and position of the drive.
const DRIVE: usize = 1;

/// A coupler, whose clock is the reference, and a drive that insists on SYNC0.
fn segment() -> Segment {
    let coupler = SubDeviceConfig::new(ProfileKind::Coupler);
    let clock = ClockConfig { drift_ppm: 30.0, needs_sync: true, ..ClockConfig::default() };
    let drive = SubDeviceConfig { clock, ..SubDeviceConfig::new(ProfileKind::Servo) };
    Segment::new(&SegmentConfig::line(vec![coupler, drive])).unwrap()
}

fn rig() -> Rig {
    let text = r#"{
        "network": { "interface": "in-process", "rate": 1000, "unknown": "ignore" },
        "slaves": [{ "key": "drive", "properties": { "position": 1 } }]
    }"#;
    let mut rig = Rig::from_json(text).unwrap();
    rig.slaves[0].dc = Some(SubDeviceDc::activate(0x0300).shift_ns(SHIFT));
    rig
}

struct Running<'l> {
    drive: Drive,
    life: Pin<&'l mut dyn Future<Output = Result<Life, LifeError>>>,
    told: Arc<Mutex<Vec<SessionEvent>>>,
}

impl Running<'_> {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.drive.now().0)
    }

    fn act(&mut self, action: Action) {
        let now = self.now();
        self.drive.engine_mut().link_mut().segment_mut().act(action, now).unwrap();
    }

    fn run(&mut self, time: Duration) {
        let end = self.now() + time;
        let mut context = Context::from_waker(Waker::noop());
        while self.now() < end {
            let life = self.life.as_mut().poll(&mut context);
            assert!(life.is_pending(), "it ended: {life:?}");
            self.drive.turn();
        }
    }

    /// Runs until something was told, a minute at most.
    fn until(&mut self, told: impl Fn(&SessionEvent) -> bool) {
        let end = self.now() + Duration::from_secs(60);
        while !self.told.lock().unwrap().iter().any(&told) {
            assert!(self.now() < end, "{:?}", self.told.lock().unwrap());
            self.run(5 * MS);
        }
    }

    /// How much later than the grid of whole cycles the next SYNC0 of the drive is.
    fn shift(&self) -> u64 {
        let clock = self.drive.engine().link().segment().clock(DRIVE, self.now()).unwrap();
        clock.next.unwrap().0 % 1_000_000
    }
}

fn in_operation(test: impl FnOnce(&mut Running<'_>)) {
    let rig = rig();
    let (drive, ends) = Drive::new(segment(), MS, |link| link);
    let Ends { controls, counters, events: _events, datagrams } = ends;
    let told = Arc::<Mutex<Vec<SessionEvent>>>::default();
    let events = Arc::clone(&told);
    let observer = Observer::new(move |event| events.lock().unwrap().push(event.clone()));
    let mut machine = machine(&rig, &datagrams, controls, counters, &observer);
    let life = machine.live(|planned| Ok(virtual_network::tasks(&planned.plan).0), |_| {});
    let mut running = Running { drive, life: pin!(life), told };
    while running.drive.engine().counters().live == 0 {
        running.run(MS);
    }
    running.run(200 * MS);
    assert_eq!(running.shift(), SHIFT.unsigned_abs());
    test(&mut running);
}

#[test]
fn a_clock_that_goes_astray_is_told_by_name_and_so_is_its_return() {
    in_operation(|running| {
        running.act(Action::FollowReference { subdevice: DRIVE, follows: false });
        running.act(Action::ClockDrift { subdevice: DRIVE, ppm: 130.0 });
        running.until(|event| event.fault() == Some(Fault::ClockAstray) && event.to_string().contains("`drive`"));
        running.act(Action::FollowReference { subdevice: DRIVE, follows: true });
        running.until(|event| event.to_string().contains("near the reference clock again"));
    });
}

#[test]
fn after_an_outage_frames_are_at_their_phase_and_sync0_is_at_its_shift_again() {
    in_operation(|running| {
        running.act(Action::PullCable { child: 0 });
        running.run(600 * MS);
        running.act(Action::PlugCable { child: 0 });
        running.until(|event| matches!(event, SessionEvent::Recovered { .. }));
        running.run(100 * MS);
        assert_eq!(running.shift(), SHIFT.unsigned_abs());
        let clock = running.drive.engine().counters().clock();
        assert_eq!((clock.state, running.drive.engine().counters().live), (ClockState::Locked, 1));
    });
}

#[test]
fn after_all_were_without_power_clocks_and_sync_are_set_anew() {
    in_operation(|running| {
        running.act(Action::PowerOff { subdevice: 0 });
        running.act(Action::PowerOff { subdevice: DRIVE });
        running.run(3_000 * MS);
        running.act(Action::PowerOn { subdevice: 0 });
        running.act(Action::PowerOn { subdevice: DRIVE });
        running.until(|event| matches!(event, SessionEvent::Recovered { .. }));
        running.run(100 * MS);
        assert_eq!(running.shift(), SHIFT.unsigned_abs());
    });
}
