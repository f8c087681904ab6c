//! A program on the front door, with the threads of production, over a link within the process: it reads, commands, is told what
//! happens, and ends as a session does.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};
use zerocat::config::Wait;
use zerocat::report::LinkReport;
use zerocat::{
    Bus, Events, Io, NoCycle, OpenLink, Refused, Session, SessionError, SessionEvent, SessionState, StopWish,
    Unstarted, Waiting,
};
use zerocat_link::Sizing;
use zerocat_sim::{ProfileKind, Segment, SegmentConfig, SegmentLink, SubDeviceConfig};

const SIZING: Sizing = Sizing { slots: 128, receive: 128 };
const PATIENCE: Duration = Duration::from_secs(30);

/// A link with a servo behind it, in whatever thread has the link.
fn servo() -> OpenLink {
    let config = SegmentConfig::line(vec![SubDeviceConfig::new(ProfileKind::Servo)]);
    let began = Instant::now();
    let link = SegmentLink::new(Segment::new(&config).unwrap(), SIZING, move || began.elapsed());
    OpenLink::new(Box::new(link), LinkReport::new("in_process", "servo"))
}

/// A bus for a machine with other work.
fn bus() -> Bus {
    Bus::on("servo").rate_hz(100.0).silent_after(Duration::from_secs(20)).over(servo()).engine(|engine| {
        (engine.watchdog, engine.priority, engine.wait) = (Duration::from_secs(5), 1, Wait::Sleep);
    })
}

fn enables_the_axis(waiting: Waiting) -> (Session, Io, Events) {
    let mut bus = bus().waiting(waiting);
    let status = bus.input::<u16>(0, 0x6041);
    let control = bus.output::<u16>(0, 0x6040);
    let (session, mut io) = bus.start().unwrap();
    let events = session.events();
    let deadline = Instant::now() + PATIENCE;
    let (mut number, mut utc) = (0, Duration::ZERO);
    loop {
        let cycle = io.wait(PATIENCE).unwrap();
        assert!(cycle.number() > number && cycle.received() >= cycle.tick());
        assert!(cycle.utc().unwrap() > utc && cycle.time_base().is_some(), "{cycle:?}");
        (number, utc) = (cycle.number(), cycle.utc().unwrap());
        assert_eq!(io.utc_of_samples::<4>(&cycle).unwrap()[3], utc);
        if io.get(status) & 0x6f == 0x27 {
            return (session, io, events);
        }
        assert!(Instant::now() < deadline, "status word {:#06x}", io.get(status));
        let next = [(0x21, 0x07), (0x23, 0x0f)].into_iter().find(|(is, _)| io.get(status) & 0x6f == *is);
        io.set(control, next.map_or(0x06, |(_, word)| word));
        // Where this machine was too slow for a commit, there is a next cycle.
        let _ = io.commit(&cycle);
    }
}

#[test]
fn a_program_enables_an_axis_however_it_waits() {
    for waiting in [Waiting::Nap, Waiting::Woken, Waiting::Spin] {
        let (session, mut io, events) = enables_the_axis(waiting);
        assert_eq!(session.state(), SessionState::Running);
        let cycle = io.wait(PATIENCE).unwrap();
        let ended = session.stop_within(PATIENCE).unwrap();
        assert!(ended.failed.is_empty(), "{:?}", ended.failed);
        assert_eq!((session.state(), io.commit(&cycle)), (SessionState::Ended, Err(Refused::Stopped)));
        while io.wait(PATIENCE).is_ok() {}
        assert_eq!(io.wait(PATIENCE), Err(NoCycle::Ended));
        let mut told = Vec::new();
        while let Ok(event) = events.recv(PATIENCE) {
            told.push(event);
        }
        assert!(matches!(told.last(), Some(SessionEvent::Phase(_) | SessionEvent::Source { .. })), "{told:?}");
    }
}

#[test]
fn process_data_outlives_no_session() {
    let (session, mut io, _) = enables_the_axis(Waiting::Woken);
    let thread = std::thread::spawn(move || {
        while io.wait(PATIENCE).is_ok() {}
        io.wait(PATIENCE)
    });
    drop(session);
    assert_eq!(thread.join().unwrap(), Err(NoCycle::Ended));
}

/// Wakes a thread that polls.
#[derive(Default)]
struct Alarm(Mutex<bool>, Condvar);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let alarm = Arc::<Alarm>::default();
    let waker = Waker::from(Arc::clone(&alarm));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let rung = alarm.0.lock().unwrap();
        let (mut rung, waited) = alarm.1.wait_timeout_while(rung, PATIENCE, |rung| !*rung).unwrap();
        assert!(!waited.timed_out(), "nobody woke it");
        *rung = false;
    }
}

#[test]
fn an_executor_of_ten_lines_waits_for_cycles() {
    let (session, mut io, _) = enables_the_axis(Waiting::Woken);
    let numbers: Vec<u64> = (0..5).map(|_| block_on(io.next_cycle()).unwrap().number()).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    drop(session);
    while block_on(io.next_cycle()).is_ok() {}
}

#[test]
fn a_wish_ends_a_start_and_what_is_wrong_with_a_bus_is_said_before_a_link_is_looked_at() {
    let wish = StopWish::default();
    wish.ask();
    let unstarted = bus().cancelled_by(&wish).start().unwrap_err();
    assert!(matches!(unstarted.error, SessionError::Interrupted), "{}", zerocat::chain(&unstarted));
    let Err(Unstarted { error, .. }) = Bus::on("no/interface").rate_hz(0.0).start() else { panic!("it started") };
    let SessionError::Rig(error) = error else { panic!("{error}") };
    let said = error.to_string();
    assert!(said.starts_with("2 problems in the bus that the program describes:\n  network.interface: "), "{said}");
}
