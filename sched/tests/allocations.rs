//! The counting allocator as a program's global one.

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use zerocat_sched::alloc::{AbortOnAlloc, is_counting};
use zerocat_sched::{
    Clock, CountingAllocator, Grid, MonotonicClock, PollWait, ThreadUsage, Time, WaitPolicy, forbid_allocations,
    thread_allocations,
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn counts_each_kind_on_this_thread() {
    let before = thread_allocations();
    let mut bytes: Vec<u8> = Vec::with_capacity(10);
    bytes.reserve_exact(1000);
    drop(black_box(bytes));
    let counted = thread_allocations().since(&before);
    assert_eq!((counted.allocations, counted.reallocations, counted.frees), (1, 1, 1));
    assert_eq!(counted.total(), 3);
    assert!(is_counting());
}

#[test]
fn does_not_count_other_threads() {
    let (done, wait) = std::sync::mpsc::channel();
    let (go, gone) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || {
        gone.recv().unwrap();
        drop(black_box(vec![0u8; 100]));
        done.send(()).unwrap();
    });
    go.send(()).unwrap();
    wait.recv().unwrap();
    let before = thread_allocations();
    drop(black_box(Box::new(1u8)));
    assert_eq!(thread_allocations().since(&before).total(), 2);
    other.join().unwrap();
}

#[test]
fn waiting_and_the_grid_allocate_nothing() {
    let clock = MonotonicClock;
    let grid = Grid::from_rate(clock.now(), 3_000.0).unwrap();
    for policy in [WaitPolicy::Sleep, WaitPolicy::default(), WaitPolicy::Spin] {
        forbid_allocations(|| {
            let mut last = None;
            let mut poll = PollWait::new(policy);
            for _ in 0..5 {
                let tick = grid.next(clock.now(), last);
                let woke = policy.wait_until(&clock, tick.at);
                poll.pause(&clock, woke, woke.after(Duration::from_micros(20)));
                last = Some(tick.number);
            }
            black_box(ThreadUsage::now());
            black_box(Time(0));
        });
    }
}

#[test]
fn whatever_touches_the_allocator_while_it_is_forbidden_ends_the_process() {
    let program = std::env::current_exe().unwrap();
    let run = |which: &str| {
        let output = Command::new(&program)
            .args([
                "--exact",
                "work_within_its_buffers_may_run_while_allocations_are_forbidden",
                "--nocapture",
                "--test-threads=1",
            ])
            .env("ZEROCAT_TEST_SUBJECT", which)
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for which in ["allocate", "free", "grow", "nested"] {
        let (success, stderr) = run(which);
        assert!(!success && stderr.contains("where allocations are forbidden"), "{which}: {stderr}");
    }
    let (success, stderr) = run("nothing");
    assert!(success, "{stderr}");
}

/// What the test above runs in a process of its own. Without its variable it is the case of a cycle that keeps to the
/// rule.
#[test]
fn work_within_its_buffers_may_run_while_allocations_are_forbidden() {
    let mut bytes: Vec<u8> = Vec::with_capacity(16);
    let which = std::env::var("ZEROCAT_TEST_SUBJECT").unwrap_or_default();
    let before = thread_allocations();
    match which.as_str() {
        "allocate" => forbid_allocations(|| drop(black_box(Box::new(1u64)))),
        "free" => forbid_allocations(|| drop(black_box(bytes))),
        "grow" => forbid_allocations(|| bytes.reserve_exact(black_box(1 << 20))),
        "nested" => {
            // A guard inside a guard leaves the outer one armed.
            let _outer = AbortOnAlloc::arm();
            drop(AbortOnAlloc::arm());
            drop(black_box(Box::new(1u64)));
        }
        _ => {
            forbid_allocations(|| bytes.push(black_box(1)));
            assert_eq!(thread_allocations(), before);
        }
    }
}
