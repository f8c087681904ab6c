//! A session is a handle: any thread may hold one, and whoever drops the last one shuts the network down. Over links within
//! the process, so without privileges.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod mailbox_gateway;

use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use zerocat::config::Rig;
use zerocat::report::LinkReport;
use zerocat::{
    CheckedRig, Ending, OpenLink, RequestError, Session, SessionError, SessionEvent, SessionOptions, Unstarted,
};
use zerocat_link::pair::pair;
use zerocat_link::{Link, Sizing};
use zerocat_sim::{Action, Segment, SegmentConfig, Server};
use zerocat_wire::AlState;
use zerocat_wire::coe::DiagnosisKind;

const SIZING: Sizing = Sizing { slots: 128, receive: 512 };
const PATIENCE: Duration = Duration::from_secs(30);

/// A segment on a thread of its own, whose SubDevices can be looked at.
struct Simulation {
    segment: Arc<Mutex<Segment>>,
    start: Instant,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Simulation {
    fn start() -> (Self, OpenLink) {
        let (near, mut far) = pair(SIZING);
        let segment = Arc::new(Mutex::new(Segment::new(&SegmentConfig::demo()).unwrap()));
        let stop = Arc::new(AtomicBool::new(false));
        let (served, stopping, start) = (Arc::clone(&segment), Arc::clone(&stop), Instant::now());
        let thread = std::thread::spawn(move || {
            let mut server = Server::new();
            // SYNC: a flag; it publishes nothing.
            while !stopping.load(Ordering::Relaxed) {
                let mut segment = served.lock().unwrap();
                let busy = server.serve_once(&mut far, &mut segment, start.elapsed()).unwrap_or(false);
                if !busy {
                    segment.step(start.elapsed());
                    drop(segment);
                    std::thread::sleep(Duration::from_micros(20));
                }
            }
        });
        let link = OpenLink::new(Box::new(near) as Box<dyn Link + Send>, LinkReport::new("in_process", "pair"));
        (Self { segment, start, stop, thread: Some(thread) }, link)
    }

    fn states(&self) -> Vec<AlState> {
        self.segment.lock().unwrap().snapshot().subdevices.iter().map(|one| one.state).collect()
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        // SYNC: as above.
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A rig of whoever is there, slow enough for a machine with other work.
fn rig() -> CheckedRig {
    rig_with("")
}

/// The same with more in its `engine`.
fn rig_with(more: &str) -> CheckedRig {
    let network = r#""key": "net", "name": "Net", "make": "EtherCAT", "model": "Network""#;
    let properties = r#""properties": { "interface": "pair", "rate": 100 }"#;
    let engine = format!(r#""engine": {{ "watchdog": "2s", "priority": 1, "wait": "sleep"{more} }}"#);
    let text = format!(r#"{{ "network": {{ {network}, {properties} }}, {engine} }}"#);
    Rig::from_json(&text).unwrap().check().unwrap()
}

fn start() -> (Simulation, Session) {
    start_with(rig)
}

fn start_with(rig: impl Fn() -> CheckedRig) -> (Simulation, Session) {
    for _ in 0..5 {
        let (simulation, link) = Simulation::start();
        match Session::start_on(rig(), link, SessionOptions::default(), || false) {
            Ok(session) => return (simulation, session),
            // The segment is an ordinary thread, which may have no CPU for a while.
            Err(Unstarted { error: SessionError::Start(error), .. }) => drop(error),
            Err(other) => panic!("{}", zerocat::chain(&other)),
        }
    }
    panic!("the network did not come up");
}

fn all_in_init(simulation: &Simulation) -> bool {
    simulation.states().iter().all(|state| *state == AlState::Init)
}

#[test]
fn a_session_may_be_cloned_and_used_from_any_thread() {
    const fn any_thread<T: Clone + Send + Sync + 'static>() {}
    any_thread::<Session>();
    let (simulation, session) = start();
    let other = session.clone();
    let states = std::thread::spawn(move || other.states()).join().unwrap().unwrap();
    assert_eq!(states.len(), 6);
    let object = session.requests().upload(5, 0x6041, 0, PATIENCE).wait().unwrap();
    assert_eq!(object.len(), 2);
    assert!(simulation.states().contains(&AlState::Op));
    let (one, two) = (session.stop().unwrap(), session.clone().stop().unwrap());
    assert_eq!((one.ending, two.ending), (Ending::Stopped, Ending::Stopped));
    assert!(one.failed.is_empty(), "{:?}", one.failed);
    assert!(all_in_init(&simulation));
    assert_eq!(session.states(), Err(RequestError::Ended));
}

#[test]
fn the_last_handle_that_is_dropped_is_a_shutdown() {
    let (simulation, session) = start();
    let other = session.clone();
    drop(session);
    assert!(other.status().alive);
    assert!(simulation.states().contains(&AlState::Op));
    drop(other);
    assert!(all_in_init(&simulation));
}

#[test]
fn a_caller_that_panics_shuts_the_network_down() {
    let (simulation, session) = start();
    let outcome = catch_unwind(AssertUnwindSafe(move || {
        let _session = session;
        panic!("the caller's own trouble");
    }));
    assert!(outcome.is_err());
    assert!(all_in_init(&simulation));
}

#[test]
fn a_program_may_hold_several_networks() {
    let (first, one) = start();
    let (second, two) = start();
    drop(one);
    assert!(all_in_init(&first));
    assert!(two.status().alive);
    assert_eq!(two.states().unwrap().len(), 6);
    drop(two);
    assert!(all_in_init(&second));
}

#[test]
fn whoever_does_not_want_to_wait_for_op_ends_the_attempt() {
    let (simulation, link) = Simulation::start();
    let unstarted = Session::start_on(rig(), link, SessionOptions::default(), || true).unwrap_err();
    assert!(matches!(unstarted.error, SessionError::Interrupted), "{}", zerocat::chain(&unstarted));
    assert!(all_in_init(&simulation));
}

#[test]
fn emergencies_and_diagnosis_messages_are_in_the_report() {
    let (simulation, session) = start();
    let events = session.events();
    let emergency = Action::Emergency { subdevice: 5, code: 0x8611, register: 0x21, data: [1, 2, 0, 0, 255] };
    let end = Instant::now() + PATIENCE;
    // The history is looked at for the first time a second after OP.
    let mut told = (false, false);
    while told != (true, true) && Instant::now() < end {
        let mut segment = simulation.segment.lock().unwrap();
        let now = simulation.start.elapsed();
        let diagnosis = Action::Diagnosis { subdevice: 5, kind: DiagnosisKind::Error, code: 0x7121, text_id: 7 };
        segment.act(diagnosis, now).unwrap();
        segment.act(emergency, now).unwrap();
        drop(segment);
        while let Ok(event) = events.recv(Duration::from_millis(300)) {
            told.0 |= matches!(event, SessionEvent::Emergency(_));
            told.1 |= matches!(event, SessionEvent::Diagnosis(_));
        }
    }
    let report = serde_json::to_value(session.stop().unwrap().report).unwrap();
    let one = &report["emergencies"]["list"][0];
    assert_eq!(
        (&one["position"], &one["code"], &one["register"]),
        (&json!(5), &json!(0x8611), &json!(0x21)),
        "{report}"
    );
    assert_eq!((&one["words"], &one["data"]), (&json!("following error (of a drive)"), &json!("01020000ff")));
    assert!(one["utc_ns"].as_u64() > Some(1_500_000_000_000_000_000), "{one}");
    let one = &report["diagnosis"]["list"][0];
    assert_eq!((&one["kind"], &one["words"]), (&json!("error"), &json!("motor blocked (of a drive)")), "{report}");
    assert!(report["emergencies"]["count"].as_u64() > Some(0) && report["diagnosis"]["count"].as_u64() > Some(0));
}
