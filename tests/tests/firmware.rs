//! The firmware of one SubDevice is written in BOOT, over AF_XDP on a veth pair, beside a cycle in which the others take part.
//!
//! These tests need root, and fail without it. None asserts a time.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use zerocat::config::Rig;
use zerocat::{
    BootDone, BootProgress, BootStep, Bus, CheckedRig, FileProgress, In, Io, Pending, RequestError, Session,
    SessionError, SessionEvent, SubDeviceHandle, Unstarted,
};
use zerocat_benches::audit::Simulation;
use zerocat_sim::SegmentConfig;
use zerocat_testkit::netns::{Veth, in_private_netns};

/// Attempts to bring the bus up: its segment is an ordinary thread.
const ATTEMPTS: usize = 5;
/// Longest wait for what takes no time on a machine without other work.
const PATIENCE: Duration = Duration::from_secs(30);
/// Cycles that are remembered.
const HISTORY: usize = 4096;
const PASSWORD: u32 = 7;
/// Set by a startup command of the axis.
const PROFILE_ACCELERATION: u16 = 0x6083;
const BY_STARTUP: u32 = 4321;

/// A coupler, an axis with BOOT, an axis behind it.
const SEGMENT: &str = r#"{ "subdevices": [
    { "profile": "coupler" },
    { "profile": "servo", "mailbox": {
        "protocols": ["coe", "foe"], "boot": true, "boot_length": 1024, "foe": { "password": 7, "busy": 2 }
    } },
    { "profile": "servo" }
] }"#;

fn rig(veth: &Veth) -> CheckedRig {
    let text = format!(
        r#"{{ "network": {{ "interface": "{}", "rate": 500 }},
            "engine": {{ "watchdog": "5s" }},
            "slaves": [
                {{ "key": "axis", "position": 1, "startup": [
                    {{ "transition": "PS", "object": "0x6083", "data_type": "udint", "value": {BY_STARTUP} }}
                ] }},
                {{ "key": "other", "position": 2 }}
            ] }}"#,
        veth.master
    );
    Rig::from_json(&text).unwrap().check().unwrap()
}

/// A session in OP, and what comes of the two axes in each cycle.
struct Network {
    session: Session,
    io: Io,
    status: [In<u16>; 2],
    /// Cycles in which the inputs of the axis, and of the other one, were stale.
    stale: [u64; 2],
    _simulation: Simulation,
}

impl Network {
    fn start(veth: &Veth) -> Self {
        let segment = SegmentConfig::from_json(SEGMENT).unwrap();
        for _ in 0..ATTEMPTS {
            let _simulation = Simulation::of(&veth.peer, &segment).unwrap();
            let mut bus = Bus::from_rig(rig(veth)).history(HISTORY);
            let status = ["axis", "other"].map(|key| bus.input::<u16>(key, 0x6041));
            match bus.start() {
                Ok((session, io)) => return Self { session, io, status, stale: [0; 2], _simulation },
                Err(Unstarted { error: SessionError::Start(_), .. }) => {}
                Err(other) => panic!("{}", zerocat::chain(&other)),
            }
        }
        panic!("the network did not come up");
    }

    fn axis(&self) -> SubDeviceHandle {
        self.session.subdevice("axis").unwrap().within(PATIENCE)
    }

    /// The answer, while each cycle is looked at.
    fn answer(&mut self, asked: &Pending<BootDone>) -> Result<BootDone, RequestError> {
        loop {
            while let Some(past) = self.io.next_of_history() {
                for (stale, status) in self.stale.iter_mut().zip(self.status) {
                    *stale += u64::from(!past.is_good(status));
                }
            }
            if let Some(answer) = asked.try_take() {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What is to hold at the end of each test: the axis is in OP, and the other one missed no cycle whose frame came back.
    fn ends_well(self) {
        let (axis, deadline) = (self.axis(), Instant::now() + PATIENCE);
        while !axis.state().wait().unwrap().in_op() {
            assert!(Instant::now() < deadline, "{:?}", axis.state().wait());
        }
        let lost = self.session.status().counters.lost_cycles;
        let [axis, other] = self.stale;
        assert!(axis > lost && other <= lost, "stale in {axis} and {other} cycles, {lost} were lost");
        assert_eq!(self.io.history_lost(), 0);
        let ended = self.session.stop().unwrap();
        assert!(ended.failed.is_empty(), "{:?}", ended.failed);
    }
}

fn file() -> Vec<u8> {
    (0..10_000u16).map(|n| n.to_le_bytes()[0]).collect()
}

#[test]
fn firmware_is_written_while_the_others_go_on_and_the_axis_has_its_startup_commands_again() {
    in_private_netns(|veth| {
        let mut network = Network::start(veth);
        let events = network.session.events();
        let axis = network.axis();
        axis.sdo_write(PROFILE_ACCELERATION, 0, 99u32).wait().unwrap();
        let (sender, told) = channel();
        let asked = axis.firmware_write("new.bin", PASSWORD, file(), move |progress| sender.send(progress).unwrap());
        let done = network.answer(&asked).unwrap();
        assert!(!done.is_another_revision(), "{done}");
        assert_eq!(axis.sdo_read::<u32>(PROFILE_ACCELERATION, 0).wait(), Ok(BY_STARTUP));
        let (mut steps, mut bytes, mut busy) = (Vec::new(), Vec::new(), 0);
        for progress in told.try_iter() {
            match progress {
                BootProgress::Step(step) => steps.push(step),
                BootProgress::File(FileProgress::Bytes(sum)) => bytes.push(sum),
                BootProgress::File(FileProgress::Busy { .. }) => busy += 1,
            }
        }
        let all = [BootStep::Leaves, BootStep::EntersBoot, BootStep::Transfer, BootStep::LeavesBoot, BootStep::Returns];
        assert_eq!(steps, all);
        assert!(bytes.is_sorted() && bytes.len() > 9 && bytes.last() == Some(&file().len()), "{bytes:?}");
        assert!(busy >= 2, "told to be busy {busy} times");
        let asked = axis.firmware_read("new.bin", PASSWORD, 1 << 20, |_| {});
        assert_eq!(network.answer(&asked).unwrap().content, file());
        let told: Vec<_> = std::iter::from_fn(|| events.recv(Duration::ZERO).ok()).collect();
        let brought = told.iter().filter(|event| matches!(event, SessionEvent::BroughtBack { .. })).count();
        assert_eq!(brought, 2, "{told:?}");
        network.ends_well();
    });
}

#[test]
fn a_file_that_is_refused_leaves_the_axis_in_op_again_with_the_error_by_name() {
    in_private_netns(|veth| {
        let mut network = Network::start(veth);
        let axis = network.axis();
        let asked = axis.firmware_write("new.bin", PASSWORD + 1, file(), |_| {});
        let RequestError::Boot(error) = network.answer(&asked).unwrap_err() else { panic!("another error") };
        assert!(error.in_op && error.step == BootStep::Transfer, "{error}");
        let words = error.to_string();
        assert!(words.starts_with("SubDevice 1 (ZC-SERVO) in BOOT: "), "{words}");
        assert!(words.contains("FoE write of \"new.bin\": refused with 0x8002"), "{words}");
        assert!(words.ends_with("it is in OP again"), "{words}");
        assert_eq!(axis.sdo_read::<u32>(PROFILE_ACCELERATION, 0).wait(), Ok(BY_STARTUP));
        network.ends_well();
    });
}
