//! The lock of an interface: one process has it, and any other that asks for it is told which one. These tests need
//! root, and fail without it.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use zerocat_link::lock::{InterfaceLock, LockError};
use zerocat_testkit::netns::{Veth, in_private_netns, ip, second_cable};

/// Names the interface whose lock the child process is to hold.
const HOLD: &str = "ZEROCAT_TEST_HOLD_LOCK";
const HELD: &str = "the lock is held";

/// A process that holds a lock until its standard input ends.
struct Holder(Child);

impl Holder {
    fn start(interface: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_that_has_the_lock_is_named", "--nocapture"])
            .env(HOLD, interface)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.contains(HELD)), "the child took the lock");
        Self(child)
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn refusal(interface: &str) -> LockError {
    InterfaceLock::take(interface).expect_err("the interface is locked")
}

#[test]
fn the_process_that_has_the_lock_is_named() {
    if let Ok(interface) = std::env::var(HOLD) {
        let _lock = InterfaceLock::take(&interface).unwrap();
        println!("{HELD}");
        std::io::stdout().flush().unwrap();
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    in_private_netns(|veth| {
        let holder = Holder::start(&veth.master);
        let expected = holder.0.id();
        // Processes beyond that number are refused as well.
        for _ in 0..200 {
            let LockError::InUse { interface, .. } = refusal(&veth.master) else { panic!("another error") };
            assert_eq!(interface, veth.master);
        }
        drop(InterfaceLock::take(&veth.peer).expect("the other interface is free"));
        holder.kill();
        let holder = Holder::start(&veth.master);
        let error = refusal(&veth.master);
        let LockError::InUse { pid, program, .. } = &error else { panic!("{error}") };
        assert_eq!(*pid, Some(holder.0.id()));
        assert_ne!(*pid, Some(expected));
        let name = std::fs::read_to_string(format!("/proc/{}/comm", holder.0.id())).unwrap();
        assert_eq!(program.as_deref(), Some(name.trim()));
        let expected = format!("{} (process {}) uses zc-master already; stop it first", name.trim(), holder.0.id());
        assert_eq!(error.to_string(), expected);
        holder.kill();
        drop(InterfaceLock::take(&veth.master).expect("a killed process gives its lock back"));
    });
}

#[test]
fn a_lock_is_given_back_when_it_is_dropped_and_belongs_to_one_interface() {
    in_private_netns(|veth| {
        let second = second_cable();
        let held = InterfaceLock::take(&veth.master).unwrap();
        let ours = refusal(&veth.master);
        let LockError::InUse { pid, .. } = ours else { panic!("{ours}") };
        assert_eq!(pid, Some(std::process::id()));
        let others = [&veth.peer, &second.master].map(|name| InterfaceLock::take(name).unwrap());
        drop(held);
        let _again = InterfaceLock::take(&veth.master).unwrap();
        drop(others);
    });
}

#[test]
fn an_interface_that_was_renamed_is_still_locked() {
    in_private_netns(|veth| {
        let _held = InterfaceLock::take(&veth.master).unwrap();
        ip(&format!("link set {} name zc-other", veth.master));
        assert!(matches!(refusal("zc-other"), LockError::InUse { .. }));
    });
}

#[test]
fn an_interface_of_the_same_name_in_another_namespace_is_not_locked() {
    in_private_netns(|veth| {
        let _held = InterfaceLock::take(&veth.master).unwrap();
        in_private_netns(|other: &Veth| {
            assert_eq!(other, veth);
            let _held = InterfaceLock::take(&other.master).expect("it is another interface");
            assert!(matches!(refusal(&other.master), LockError::InUse { .. }));
        });
    });
}

#[test]
fn an_interface_that_is_not_there_is_named_with_those_that_are() {
    in_private_netns(|veth| {
        let message = refusal("zc-none").to_string();
        assert!(message.starts_with("no interface zc-none here; there are: "), "{message}");
        assert!(message.contains(&veth.master), "{message}");
    });
}
