//! `zerocat tune`: an interface is set as a rig wants it and put back, with ethtool(8) as a witness that isn't ours.

use crate::bench_set::{Folder, Segment, demo_rig, in_op, read_json};
use crate::program::{Ended, Program, zerocat};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;
use zerocat_testkit::netns::{in_private_netns, ip};

const NIC: &str = "zc-many";

/// Runs a test in a namespace with an interface that has much to tune: three queues that receive, GRO on, deferral on.
fn with_untuned_nic(test: impl FnOnce(&Folder) + Send) {
    in_private_netns(|_| {
        ip(&format!("link add {NIC} numrxqueues 4 numtxqueues 4 type veth peer name zc-other"));
        ip(&format!("link set {NIC} up"));
        ip("link set zc-other up");
        witness(&["ethtool", "-L", NIC, "rx", "3", "tx", "2"]);
        witness(&["ethtool", "-K", NIC, "gro", "on", "rxvlan", "on"]);
        let knobs = format!("/sys/class/net/{NIC}");
        witness(&[
            "sh",
            "-c",
            &format!("echo 2 > {knobs}/napi_defer_hard_irqs; echo 20000 > {knobs}/gro_flush_timeout"),
        ]);
        test(&Folder::new());
    });
}

/// A command in a mount namespace of its own, whose /sys shows the network namespace of this thread. It is the process
/// that is started, by its PID too.
fn in_own_sysfs(words: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", "mount -t sysfs sysfs /sys && exec \"$0\" \"$@\""]).args(words);
    command
}

/// What somebody else's program says.
fn witness(words: &[&str]) -> String {
    let output = in_own_sysfs(words).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?} (packages ethtool, util-linux): {err}");
    String::from_utf8(output.stdout).unwrap()
}

/// Everything that tune may change here, as others say it.
fn settings() -> String {
    let knobs = "cd /sys/class/net/zc-many && grep . napi_defer_hard_irqs gro_flush_timeout threaded";
    [&["ethtool", "-k", NIC][..], &["ethtool", "-l", NIC], &["sh", "-c", knobs]].map(witness).concat()
}

fn start(arguments: &[&str]) -> Program {
    let words = [&[env!("CARGO_BIN_EXE_zerocat")], arguments].concat();
    Program::start_command(in_own_sysfs(&words), &format!("zerocat {}", arguments.join(" ")))
}

fn tune(state: &str, more: &[&str]) -> Ended {
    start(&[&["tune", "--interface", NIC, "--state", state], more].concat()).end()
}

/// Settings of a report that have an outcome.
#[track_caller]
fn with_outcome(report: &Value, outcome: &str) -> BTreeSet<String> {
    assert_eq!(report["schema"], "zerocat-tune/1");
    let rows = report["settings"].as_array().unwrap().iter().filter(|row| row["outcome"] == outcome);
    rows.map(|row| row["setting"].as_str().unwrap().to_owned()).collect()
}

/// Checks of doctor that aren't as wanted.
fn complaints() -> BTreeSet<String> {
    let found = start(&["doctor", "--interface", NIC, "--json"]).end().json();
    let checks = found["checks"].as_array().unwrap().iter();
    let bad = checks.filter(|check| check["level"] == "warn" || check["level"] == "error");
    bad.map(|check| check["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn after_tune_doctor_finds_nothing_that_tune_claims_and_restore_is_exact() {
    with_untuned_nic(|folder| {
        let state = folder.path("state.json");
        let (before, complained) = (settings(), complaints());
        let report = tune(&state, &["--json"]).with_code(0).saying(&["queues: rx 3 -> rx 1"]).json();
        let claimed: BTreeSet<_> = report["settings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["check"].as_str().unwrap().to_owned())
            .collect();
        let fixed = ["queues", "offloads", "napi_deferral"].map(str::to_owned);
        assert!(fixed.iter().all(|id| complained.contains(id)), "{complained:?}");
        assert!(complaints().is_disjoint(&claimed), "{:?} of {claimed:?}", complaints());
        assert!(with_outcome(&report, "refused").is_empty(), "{report:#}");
        assert!(with_outcome(&report, "unavailable").contains("pause"), "a veth has no pause frames");
        tune(&state, &["--restore"]).with_code(0).saying(&["put back"]);
        assert_eq!(settings(), before);
        assert_eq!(complaints(), complained);
        assert!(!std::path::Path::new(&state).exists());
    });
}

#[test]
fn a_dry_run_says_what_is_then_done_and_changes_nothing() {
    with_untuned_nic(|folder| {
        let state = folder.path("state.json");
        let before = settings();
        let would = with_outcome(&tune(&state, &["--dry-run", "--json"]).with_code(0).json(), "would_change");
        assert_eq!(settings(), before);
        assert!(!std::path::Path::new(&state).exists());
        let did = tune(&state, &["--json"]).with_code(0).json();
        assert_eq!(with_outcome(&did, "changed"), would);
        let tuned = settings();
        let back = tune(&state, &["--restore", "--dry-run", "--json"]).with_code(0).json();
        assert_eq!((with_outcome(&back, "would_put_back"), settings()), (would, tuned));
    });
}

#[test]
fn a_second_tune_changes_nothing_and_keeps_what_was_at_first() {
    with_untuned_nic(|folder| {
        let state = folder.path("state.json");
        let before = settings();
        tune(&state, &[]).with_code(0);
        let kept = read_json(&state);
        let again = tune(&state, &["--json"]).with_code(0).json();
        assert!(with_outcome(&again, "changed").is_empty(), "{again:#}");
        assert_eq!(read_json(&state), kept);
        tune(&state, &["--restore"]).with_code(0);
        assert_eq!(settings(), before);
        tune(&folder.path("none.json"), &["--restore"]).with_code(3);
    });
}

#[test]
fn a_tune_killed_at_any_time_can_be_taken_back() {
    with_untuned_nic(|folder| {
        let state = folder.path("state.json");
        let before = settings();
        // Said before each change; the signal comes in the midst of it, or a little later.
        for change in
            ["queues:", "offload rx-gro:", "offload tx-generic", "napi_defer_hard_irqs:", "gro_flush_timeout:"]
        {
            let mut tuning = start(&["tune", "--interface", NIC, "--state", &state]);
            tuning.await_error(change);
            tuning.stop(Signal::SIGKILL);
            assert!(std::path::Path::new(&state).exists(), "killed at {change}");
            tune(&state, &["--restore"]).with_code(0);
            assert_eq!(settings(), before, "killed at {change}");
        }
    });
}

#[test]
fn what_somebody_else_changed_since_is_left_unless_forced() {
    with_untuned_nic(|folder| {
        let state = folder.path("state.json");
        let before = settings();
        tune(&state, &[]).with_code(0);
        witness(&["ethtool", "-L", NIC, "rx", "2"]);
        let report = tune(&state, &["--restore", "--json"]).with_code(6).saying(&["1 left", "--force"]).json();
        assert_eq!(with_outcome(&report, "left"), BTreeSet::from(["queues".to_owned()]));
        tune(&state, &["--restore", "--force"]).with_code(0);
        assert_eq!(settings(), before);
    });
}

#[test]
fn an_interface_that_a_maindevice_uses_is_left_alone() {
    in_private_netns(|veth| {
        let folder = Folder::new();
        let _segment = Segment::demo(veth);
        let run = in_op(&folder, &demo_rig(&veth.master), &[]);
        let state = folder.path("state.json");
        let arguments = ["tune", "--interface", &veth.master, "--state", &state];
        zerocat(&arguments).with_code(4).saying(&["is in use", "--force"]);
        zerocat(&[&arguments[..], &["--dry-run"]].concat()).with_code(0);
        run.stop(Signal::SIGTERM).with_code(0);
    });
}

#[test]
fn what_cannot_be_is_refused_with_its_exit_code() {
    in_private_netns(|veth| {
        zerocat(&["tune", "--interface", "zc-none"]).with_code(4).saying(&["no interface zc-none"]);
        zerocat(&["tune", "--interface", &veth.master, "--irq-cpu", "4000"]).with_code(2).saying(&["no CPU 4000"]);
        let folder = Folder::new();
        let state = folder.file("state.json", "{}");
        zerocat(&["tune", "--interface", &veth.master, "--state", &state]).with_code(3).saying(&["--state"]);
    });
}

#[test]
fn the_table_says_what_from_to_and_why() {
    with_untuned_nic(|folder| {
        let ended = tune(&folder.path("state.json"), &[]).with_code(0);
        let line = ended.out.lines().find(|line| line.contains("queues")).unwrap();
        for text in ["changed", "rx 3", "rx 1", "one queue"] {
            assert!(line.contains(text), "{text} in {line}");
        }
        ended.saying(&["to put it back: zerocat tune --interface zc-many --restore", "unavailable"]);
    });
}
