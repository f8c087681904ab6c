//! Claims about the loop, under a clock that is the test's.

use crate::support::Memory;
use crate::timed::{Call, PERIOD, Scene, play, play_with};
use ethercrab::{Command, MainDevice, MainDeviceConfig, PduLoop, RetryBehaviour, Timeouts};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use zerocat_engine::{AcyclicSettings, EndReason, Engine, Pool, Settings, Timing, run};
use zerocat_link::Slot;
use zerocat_sched::{Clock, Period, Time, VirtualClock, WaitPolicy, link_idle_timer};

/// A clock on which something happens whenever the loop sleeps.
struct Scripted<F> {
    clock: VirtualClock,
    script: RefCell<F>,
}

impl<F: FnMut(Time)> Clock for Scripted<F> {
    fn now(&self) -> Time {
        self.clock.now()
    }
    fn sleep_until(&self, deadline: Time) {
        self.clock.sleep_until(deadline);
        (self.script.borrow_mut())(self.clock.now());
    }
    fn relax(&self) {
        self.clock.relax();
    }
}

fn main_device(pdu_loop: PduLoop<'static>) -> &'static MainDevice<'static> {
    link_idle_timer();
    let config = MainDeviceConfig { dc_static_sync_iterations: 0, retry_behaviour: RetryBehaviour::None };
    let timeouts = Timeouts { pdu: Duration::from_secs(3600), ..Timeouts::default() };
    Box::leak(Box::new(MainDevice::new(pdu_loop, timeouts, config)))
}

/// A request that is under way.
type Request<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Asks for the AL status one time after the other. Returns when each was answered or given back, in cycles since it was
/// asked.
fn cycles_to_answer(scene: Scene) -> Vec<u128> {
    let (pool, pdu_loop) = Pool::new();
    let main_device = main_device(pdu_loop);
    let mut request: Option<(Time, Request<'_>)> = None;
    let mut took = Vec::new();
    play_with(scene, pool, |clock| {
        let (since, asked) = request.get_or_insert_with(|| {
            let ask = async {
                let _ = Command::brd(0x0130).ignore_wkc().receive_slice(main_device, 2).await;
            };
            (clock.now(), Box::pin(ask) as Request<'_>)
        });
        if asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            took.push(clock.now().since(*since).as_micros().div_ceil(PERIOD.as_micros()));
            request = None;
        }
    });
    took
}

#[test]
fn requests_are_answered_also_when_every_cyclic_frame_is_lost() {
    for wait in [WaitPolicy::Sleep, WaitPolicy::default(), WaitPolicy::Spin] {
        let took = cycles_to_answer(Scene { deaf: true, ..Scene::new(wait, Duration::from_millis(200)) });
        assert!(took.len() >= 90, "{wait}: {} answers", took.len());
        assert!(took.iter().all(|cycles| *cycles <= 3), "{wait}: {took:?}");
    }
}

#[test]
fn requests_are_answered_or_given_back_also_when_the_round_trip_is_longer_than_the_period() {
    // Most cycles, and fewest answers in 300 ms. Those that are given back come less and less often.
    for (micros, most, fewest) in [(950, 3, 100), (1_200, 4, 80), (25_000, 62, 5)] {
        let delay = Duration::from_micros(micros);
        let took = cycles_to_answer(Scene { delay, ..Scene::new(WaitPolicy::default(), Duration::from_millis(300)) });
        assert!(took.len() >= fewest, "{delay:?}: {} answers", took.len());
        assert!(took.iter().all(|cycles| *cycles <= most), "{delay:?}: {took:?}");
    }
}

#[test]
fn a_turn_of_the_acyclic_lane_moves_no_tick() {
    let scene = Scene { deaf: true, ..Scene::new(WaitPolicy::Spin, Duration::from_millis(100)) };
    let (pool, pdu_loop) = Pool::new();
    let main_device = main_device(pdu_loop);
    let request = || Box::pin(Command::brd(0x0130).ignore_wkc().receive_slice(main_device, 2));
    let mut requests: Vec<_> = (0..30).map(|_| request()).collect();
    let played = play_with(scene, pool, |_| {
        requests.retain_mut(|asked| asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    assert_eq!(played.outcome.counters.skipped, 0);
    let ticks = played.log.iter().filter(|(at, call)| *call == Call::Post && at.0 % 1_000_000 == 0);
    assert!(ticks.count() >= 2 * 95, "two frames on each tick");
}

#[test]
fn a_thread_that_is_stopped_sends_safe_outputs_first_when_it_goes_on() {
    for wait in [WaitPolicy::Sleep, WaitPolicy::default(), WaitPolicy::Spin] {
        // Stopped at times all over the cycle.
        for micros in (0..1_000).step_by(100) {
            let mut stopped = false;
            let limit = Some(Duration::from_millis(100));
            let scene = Scene { stall_limit: limit, ..Scene::new(wait, Duration::from_millis(200)) };
            let counters = play(scene, |clock| {
                if !stopped && clock.now() >= Time(20_000_000 + micros * 1_000) {
                    stopped = true;
                    clock.advance(Duration::from_millis(150));
                }
            });
            let counters = counters.outcome.counters;
            assert_eq!((counters.stalls, counters.live, counters.epoch), (1, 0, 2), "{wait}, {micros} us");
            assert!(counters.stall_longest >= 149_000_000, "{counters:?}");
            assert!(counters.safe_cycles >= 25, "every cycle after it: {counters:?}");
        }
    }
}

#[test]
fn a_loop_ends_by_itself_when_its_controls_are_dropped() {
    let (pool, _pdu_loop) = Pool::new();
    let acyclic = AcyclicSettings { first_slot: Slot(0), in_flight: 2, timeout: Duration::from_millis(10) };
    let (engine, parts) = Engine::new(Memory::new(2), Timing::for_period(PERIOD), pool, acyclic);
    drop(parts);
    let settings = Settings { period: Period::from_duration(PERIOD).unwrap(), wait: WaitPolicy::Sleep };
    let outcome = run(engine, &VirtualClock::default(), settings);
    assert_eq!(outcome.reason, EndReason::Abandoned);
}

#[test]
fn an_acyclic_request_does_not_wait_for_the_tick_of_a_slow_grid() {
    let (pool, pdu_loop) = Pool::new();
    let main_device = main_device(pdu_loop);
    let mut request = pin!(Command::brd(0x0130).ignore_wkc().receive_slice(main_device, 2));
    let acyclic = AcyclicSettings { first_slot: Slot(0), in_flight: 2, timeout: Duration::from_millis(10) };
    let period = Duration::from_secs(1);
    let (engine, mut parts) = Engine::new(Memory::new(2), Timing::for_period(period), pool, acyclic);

    let answered = Cell::new(None);
    let stopped = Cell::new(false);
    let script = |now: Time| {
        let asked = now >= Time(1_300_000_000);
        if asked
            && answered.get().is_none()
            && let Poll::Ready(answer) = request.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            assert_eq!(answer.unwrap().len(), 2);
            answered.set(Some(now));
        }
        let over = answered.get().is_some() || now > Time(10_000_000_000);
        if over && !stopped.replace(true) {
            parts.controls.stop().unwrap();
        }
    };
    let clock = Scripted {
        clock: VirtualClock::new(Time(0)).with_relax(Duration::from_micros(1)),
        script: RefCell::new(script),
    };
    let period = Period::from_duration(period).unwrap();
    run(engine, &clock, Settings { period, wait: WaitPolicy::Sleep });
    let answered = answered.get().expect("an answer");
    assert!(answered < Time(1_320_000_000), "asked at 1.3 s, answered at {answered:?}");
}
