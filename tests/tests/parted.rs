//! A cable within the network is out while the SubDevices before it go on: nothing that was commanded before of those behind
//! it is applied once they are back. Under virtual time, with the life that a run has.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;
use zerocat::{Life, LifeError, Observer, SessionEvent, StopWish};
use zerocat_sim::{Action, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::{self, Drive, Ends, Tasks, machine};

const MS: Duration = Duration::from_millis(1);
const WATCHDOG: Duration = Duration::from_millis(100);
/// A terminal before the cable, and the one behind it; neither has an AL state of its own.
const NEAR: usize = 1;
const FAR: usize = 3;
/// What is commanded of all outputs.
const ON: u8 = 0x0f;

/// A coupler, a terminal, a drive and a terminal.
fn segment() -> Segment {
    let kinds = [ProfileKind::Coupler, ProfileKind::DigitalOut, ProfileKind::AnalogueOut, ProfileKind::DigitalOut];
    Segment::new(&SegmentConfig::line(kinds.map(SubDeviceConfig::new).to_vec())).unwrap()
}

/// A network in OP, whose application goes on commanding in every cycle what it commanded first.
struct Rig<'l> {
    drive: Drive,
    life: Pin<&'l mut dyn Future<Output = Result<Life, LifeError>>>,
    tasks: Rc<RefCell<Option<Tasks>>>,
    /// The epoch that the application knows.
    knows: Cell<u64>,
    told: Arc<Mutex<Vec<SessionEvent>>>,
}

impl Rig<'_> {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.drive.now().0)
    }

    fn act(&mut self, action: Action) {
        let now = self.now();
        self.drive.engine_mut().link_mut().segment_mut().act(action, now).unwrap();
    }

    /// Lets time pass, with a command in every cycle. What the outputs of a SubDevice were, each once, in order.
    fn run(&mut self, time: Duration, whose: usize) -> Vec<u8> {
        let end = self.now() + time;
        let mut context = Context::from_waker(Waker::noop());
        let (mut seen, mut cycle) = (Vec::new(), 0);
        while self.now() < end {
            assert!(self.life.as_mut().poll(&mut context).is_pending(), "it ended");
            self.drive.turn();
            let link = self.drive.engine().link();
            let output = link.segment().outputs(whose).unwrap()[0];
            if seen.last() != Some(&output) {
                seen.push(output);
            }
            let cycles = self.drive.engine().counters().cycle;
            if std::mem::replace(&mut cycle, cycles) != cycles {
                self.command();
            }
        }
        seen
    }

    fn command(&self) {
        if let Some(Tasks { commands, states, samples }) = &mut *self.tasks.borrow_mut() {
            let mut record = vec![0; states.record_len().max(samples.record_len())];
            while states.pop(&mut record[..states.record_len()]).is_some() {}
            while samples.pop(&mut record[..samples.record_len()]).is_some() {}
            let _ = commands.push(&vec![ON; commands.record_len()], self.knows.get());
        }
    }

    /// The application learns what has happened, and commands anew.
    fn acknowledge(&self) {
        self.knows.set(self.tasks.borrow().as_ref().unwrap().commands.epoch());
    }

    fn said(&self, text: &str) -> bool {
        self.told.lock().unwrap().iter().any(|event| event.to_string().contains(text))
    }
}

/// Brings the network up, commands all outputs and runs a test on it.
fn in_operation(test: impl FnOnce(&mut Rig<'_>)) {
    let mut rig = virtual_network::rig(MS);
    rig.engine.watchdog = WATCHDOG;
    let (drive, ends) = Drive::new(segment(), MS, |link| link);
    let Ends { controls, counters, events: _events, datagrams } = ends;
    let told = Arc::<Mutex<Vec<SessionEvent>>>::default();
    let events = Arc::clone(&told);
    let observer = Observer::new(move |event| events.lock().unwrap().push(event.clone()));
    let mut machine = machine(&rig, &datagrams, controls, counters, &observer);
    machine.stop = StopWish::default();
    let tasks = Rc::new(RefCell::new(None));
    let made = Rc::clone(&tasks);
    let life = machine.live(
        move |planned| {
            let (ports, ends) = virtual_network::tasks(&planned.plan);
            *made.borrow_mut() = Some(ends);
            Ok(ports)
        },
        |_| {},
    );
    let life = pin!(life);
    let mut rig = Rig { drive, life, tasks, knows: Cell::new(0), told };
    while rig.drive.engine().counters().live == 0 {
        rig.run(MS, NEAR);
    }
    rig.acknowledge();
    rig.run(MS * 50, NEAR);
    assert_eq!([rig.run(MS * 50, NEAR), rig.run(MS * 50, FAR)], [[ON], [ON]]);
    test(&mut rig);
}

/// The cable to the far terminal is out for some time. What its outputs are meanwhile, and for half a second after.
fn outage(rig: &mut Rig<'_>, time: Duration) -> [Vec<u8>; 2] {
    rig.act(Action::PullCable { child: FAR });
    let out = rig.run(time, FAR);
    rig.act(Action::PlugCable { child: FAR });
    [out, rig.run(MS * 500, FAR)]
}

#[test]
fn a_terminal_behind_a_cable_that_was_out_has_safe_outputs_until_it_is_commanded() {
    in_operation(|rig| {
        assert_eq!(outage(rig, MS * 1000), [vec![ON, 0], vec![0]]);
        assert_eq!(rig.run(MS * 100, NEAR), [ON]);
        assert!(rig.said("SubDevice 3 (EL2004) was out: what was commanded of it before is void"));
        assert!(!rig.said("(EL2004) is commanded again"));
        rig.acknowledge();
        assert_eq!(rig.run(MS * 300, FAR), [0, ON]);
        assert!(rig.said("SubDevice 3 (EL2004) is commanded again"));
    });
}

#[test]
fn the_others_keep_their_outputs_all_the_time() {
    in_operation(|rig| {
        rig.act(Action::PullCable { child: FAR });
        assert_eq!(rig.run(MS * 1000, NEAR), [ON]);
        rig.act(Action::PlugCable { child: FAR });
        assert_eq!(rig.run(MS * 1000, NEAR), [ON]);
        rig.acknowledge();
        assert_eq!(rig.run(MS * 100, NEAR), [ON]);
    });
}

#[test]
fn an_outage_that_is_shorter_than_it_takes_to_be_silent_is_known_by_the_watchdogs_counter() {
    for time in [105, 115, 130, 190] {
        in_operation(|rig| {
            rig.act(Action::PullCable { child: FAR });
            rig.run(MS * time, FAR);
            rig.act(Action::PlugCable { child: FAR });
            let sees_old = (0..50).map(|_| rig.run(MS, FAR).contains(&ON));
            let exposed = sees_old.enumerate().filter(|(_, old)| *old).map(|(at, _)| at + 1).max();
            assert!(exposed.unwrap_or(0) <= 10, "after {time} ms it saw old commands for {exposed:?} ms");
            assert_eq!(rig.run(MS * 500, FAR), [0]);
            assert!(rig.said("what was commanded of it before is void"));
            // Eight answers that didn't come make one silent.
            assert!(time > 130 || rig.said("SubDevice 3 (EL2004) got no outputs for longer than its watchdog"));
            rig.acknowledge();
            assert_eq!(rig.run(MS * 100, FAR), [0, ON]);
        });
    }
}

#[test]
fn an_outage_that_is_shorter_than_the_watchdog_changes_nothing() {
    in_operation(|rig| {
        assert_eq!(outage(rig, MS * 80), [vec![ON], vec![ON]]);
        assert!(!rig.said("is void"));
    });
}

#[test]
fn a_subdevice_that_is_left_out_of_op_is_not_told_to_wait_for_a_command() {
    in_operation(|rig| {
        rig.act(Action::PullCable { child: 2 });
        rig.run(MS * 1000, NEAR);
        rig.act(Action::PlugCable { child: 2 });
        assert_eq!(rig.run(MS * 1000, FAR), [0]);
        assert!(rig.said("SubDevice 3 (EL2004) was out: what was commanded of it before is void"));
        assert!(!rig.said("SubDevice 2 (EL4102) was out: what"));
    });
}
