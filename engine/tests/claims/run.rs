//! Claims about the loop, under a clock that is the test's.

use crate::support::Memory;
use ethercrab::{Command, MainDevice, MainDeviceConfig, RetryBehaviour, Timeouts};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use zerocat_engine::{AcyclicSettings, Engine, Pool, Settings, Timing, run};
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

#[test]
fn an_acyclic_request_does_not_wait_for_the_tick_of_a_slow_grid() {
    link_idle_timer();
    let (pool, pdu_loop) = Pool::new();
    let config = MainDeviceConfig { dc_static_sync_iterations: 0, retry_behaviour: RetryBehaviour::None };
    let timeouts = Timeouts { pdu: Duration::from_secs(3600), ..Timeouts::default() };
    let main_device = Box::leak(Box::new(MainDevice::new(pdu_loop, timeouts, config)));
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
