//! Sessions under overload, over AF_XDP on a veth pair. The loop keeps its grid, every tick is done or counted, losses
//! are counted where they happen, and the session shuts down cleanly.
//!
//! These tests need root, and fail without it. None asserts a time.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use nix::sys::signal::{Signal, kill};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zerocat::config::{Rig, Sink, Task};
use zerocat::{Counters, Report, Session, SessionError, SessionOptions, Unstarted};
use zerocat_benches::audit::{DEMO_RIG, Simulation};
use zerocat_link::packet::PacketLink;
use zerocat_link::{Link, Sizing, Slot};
use zerocat_testkit::Folder;
use zerocat_testkit::mounts::small_disk;
use zerocat_testkit::netns::{Veth, in_private_netns};

#[global_allocator]
static ALLOCATOR: zerocat_sched::CountingAllocator = zerocat_sched::CountingAllocator;

/// Cycles of each test, at 1 kHz.
const CYCLES: u64 = 4_000;
/// Longest wait for them.
const PATIENCE: Duration = Duration::from_secs(120);
/// Attempts to bring the bus up: its segment is an ordinary thread.
const ATTEMPTS: usize = 5;

/// A session in OP, and the machine, which no two tests here load at the same time.
struct Network {
    session: Session,
    _simulation: Simulation,
    _machine: MutexGuard<'static, ()>,
}

static MACHINE: Mutex<()> = Mutex::new(());

impl Network {
    fn start(veth: &Veth, change: impl Fn(&mut Rig)) -> Self {
        let _machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
        let simulation = Simulation::start(&veth.peer).unwrap();
        let mut rig = Rig::from_json(DEMO_RIG).unwrap();
        rig.network.properties.interface.clone_from(&veth.master);
        rig.engine.watchdog = Duration::from_secs(2);
        change(&mut rig);
        let rig = rig.check().unwrap();
        for _ in 1..ATTEMPTS {
            match Session::start(rig.clone(), SessionOptions::default(), || false) {
                Err(Unstarted { error: SessionError::Start(_), .. }) => {}
                done => return Self { session: done.unwrap(), _simulation: simulation, _machine },
            }
        }
        let session = Session::start(rig, SessionOptions::default(), || false).unwrap();
        Self { session, _simulation: simulation, _machine }
    }

    fn counters(&self) -> Counters {
        let status = self.session.status();
        assert!(status.alive, "{status:?}");
        status.counters
    }

    /// Waits for the cycles and checks that each tick meanwhile was done or counted as skipped.
    fn keeps_its_grid(&self) {
        let (before, deadline) = (self.counters(), Instant::now() + PATIENCE);
        while self.counters().cycle - before.cycle < CYCLES {
            assert!(Instant::now() < deadline, "{:?}", self.counters());
            std::thread::sleep(Duration::from_millis(20));
        }
        let after = self.counters();
        let ticks = after.cycle - before.cycle;
        assert_eq!(after.cycles - before.cycles + after.skipped - before.skipped, ticks, "{before:?} {after:?}");
        assert_eq!(after.installed, 1);
    }

    /// Ends it, and checks that the shutdown succeeded.
    fn end(self) -> Report {
        let ended = self.session.stop().unwrap();
        assert!(ended.failed.is_empty(), "{:?}", ended.failed);
        let Report { rt, working_counter_faults, .. } = &ended.report;
        assert_eq!((rt.allocations, *working_counter_faults), (Some(0), 0));
        ended.report
    }
}

#[test]
fn a_full_disk_loses_the_batches_of_its_task_only() {
    let folder = Folder::new();
    in_private_netns(|veth| {
        // Four pages.
        small_disk(folder.root(), "16k");
        let path = folder.path("samples.jsonl");
        let network = Network::start(veth, |rig| {
            let [Task::Read(read), Task::Write(_)] = rig.tasks.as_mut_slice() else { panic!("{:?}", rig.tasks) };
            read.sinks = vec![Sink::jsonl(&path)];
            (read.config.sample_rate, read.config.stream_rate) = (1_000.0, 100.0);
        });
        network.keeps_its_grid();
        let report = network.end();
        let [read, write] = report.tasks.as_slice() else { panic!("{:?}", report.tasks) };
        assert!(read.batches_lost > 0 && read.batches_lost < read.batches, "{read:?}");
        assert_eq!(write.batches_lost, 0, "{write:?}");
        assert!(write.batches > 0 && write.commands > 0, "{write:?}");
        assert!(std::fs::metadata(&path).unwrap().len() > 0, "what came before is there");
    });
}

/// stress-ng on all CPUs; it ends when this is dropped.
struct Stress(Child);

impl Stress {
    fn start() -> Self {
        let everything = ["--cpu", "0", "--vm", "1", "--vm-bytes", "64M", "--timeout", "300s"];
        let child = Command::new("stress-ng").args(everything).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|error| panic!("run stress-ng (package stress-ng): {error}")))
    }
}

impl Drop for Stress {
    fn drop(&mut self) {
        // It ends its workers on SIGINT, and not when it is killed.
        let _ = kill(nix::unistd::Pid::from_raw(self.0.id().cast_signed()), Signal::SIGINT);
        let _ = self.0.wait();
    }
}

#[test]
fn a_machine_at_full_load_keeps_the_grid_and_ends_in_order() {
    in_private_netns(|veth| {
        let network = Network::start(veth, |_| ());
        let stress = Stress::start();
        network.keeps_its_grid();
        let report = network.end();
        drop(stress);
        assert!(report.cycles.done + report.cycles.skipped >= CYCLES, "{:?}", report.cycles);
    });
}

#[test]
fn a_storm_from_the_wire_is_counted_and_dropped() {
    in_private_netns(|veth| {
        let network = Network::start(veth, |_| ());
        let before = network.counters();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let storm = scope.spawn(|| storm(&veth.peer, &stop));
            network.keeps_its_grid();
            // SYNC: a flag; it publishes nothing.
            stop.store(true, Ordering::Relaxed);
            assert!(storm.join().unwrap() > 1_000);
        });
        let after = network.counters();
        let grown = [
            after.foreign_frames - before.foreign_frames,
            after.malformed_frames - before.malformed_frames,
            after.acyclic_stray - before.acyclic_stray,
        ];
        assert!(grown.iter().all(|count| *count > 100), "{grown:?}");
        assert!(network.end().frames.foreign > 100);
    });
}

/// Sends EtherCAT frames with foreign source addresses and with those of both lanes, thousands in a second. Returns how
/// many.
fn storm(interface: &str, stop: &AtomicBool) -> u64 {
    const FRAMES: u16 = 30;
    let mut link = PacketLink::open(interface, Sizing { slots: FRAMES, receive: 8 }).unwrap();
    // Bit 1 of the source's first byte is set, as in returned frames.
    let sources = [[0x0a; 6], [0x12, 0x7a, 0x63, 0x00, 0x00, 0x00], [0x12, 0x10, 0x10, 0x01, 0x02, 0x03]];
    let mut sent = 0;
    // SYNC: as above.
    while !stop.load(Ordering::Relaxed) {
        for (number, source) in (0..FRAMES).zip(sources.iter().cycle()) {
            let frame = link.slot_mut(Slot(number)).unwrap();
            frame[..60].fill(0);
            frame[..6].fill(0xff);
            frame[6..12].copy_from_slice(source);
            frame[12..14].copy_from_slice(&[0x88, 0xa4]);
            link.post(Slot(number), 60).unwrap();
        }
        sent += u64::from(FRAMES);
        link.kick().unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    sent
}
