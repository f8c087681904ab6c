//! Limits of threads, files and memory: a run that reaches one says which, and ends with a code of its own.

use crate::bench_set::{Folder, demo_rig};
use crate::privileges::folder_of_the_user;
use crate::program::{Ended, Program};
use std::process::Command;
use zerocat_testkit::netns::in_private_netns;

/// A user of this suite's own: processes of others count against a limit of threads.
const USER: &str = "65521";

/// Runs a binary as a user without any capability, for whom limits hold.
pub(crate) fn as_user(limit: &str, binary: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs", "--bounding-set=-all"]);
    command.args(["prlimit", limit, binary]).args(arguments);
    Program::start_command(command, &format!("{limit} zerocat {}", arguments.join(" "))).end()
}

#[test]
fn a_limit_of_threads_is_named_and_never_a_panic() {
    let (_folder, binary) = folder_of_the_user();
    let mut refused = 0;
    for threads in 0..12 {
        let limit = format!("--nproc={threads}:{threads}");
        let ended = as_user(&limit, &binary, &["demo", "--in-process", "--seconds", "0.2", "--quiet"]);
        assert!(!ended.err.contains("panicked"), "{limit}: {}", ended.err);
        if ended.code == Some(9) {
            refused += 1;
            ended.saying(&["no more threads: RLIMIT_NPROC is ", &threads.to_string(), "ulimit -u"]);
        } else {
            ended.with_code(0);
        }
    }
    assert!(refused > 2, "{refused} refused");
    assert!(refused < 12, "all refused");
}

#[test]
fn a_limit_of_files_is_named() {
    in_private_netns(|veth| {
        let folder = Folder::new();
        let rig = folder.json("rig.json", &demo_rig(&veth.master));
        for (files, arguments) in [
            (12, &["run", &rig][..]),
            (7, &["run", &rig, "--link", "packet"]),
            (12, &["scan", "--interface", &veth.master, "--link", "xdp"]),
            (7, &["scan", "--interface", &veth.master]),
        ] {
            let mut command = Command::new("prlimit");
            command.args([&format!("--nofile={files}:{files}"), env!("CARGO_BIN_EXE_zerocat")]).args(arguments);
            let ended = Program::start_command(command, &format!("{arguments:?} with {files} files")).end();
            ended.with_code(9).saying(&["too many open files", "RLIMIT_NOFILE", "ulimit -n"]);
        }
    });
}

#[test]
fn a_limit_of_locked_memory_is_named() {
    in_private_netns(|veth| {
        let folder = Folder::new();
        let rig = folder.json("rig.json", &demo_rig(&veth.master));
        for arguments in [&["run", &rig][..], &["scan", "--interface", &veth.master, "--link", "xdp"]] {
            // CAP_IPC_LOCK lifts the limit.
            let mut command = Command::new("setpriv");
            command.args(["--bounding-set=-ipc_lock", "prlimit", "--memlock=65536:65536"]);
            command.arg(env!("CARGO_BIN_EXE_zerocat")).args(arguments);
            let ended = Program::start_command(command, &format!("{arguments:?} with 64 KiB of locked memory")).end();
            ended.with_code(9).saying(&["pinned memory", "the limit is 65536", "ulimit -l"]);
        }
    });
}

#[test]
fn a_bench_that_gets_no_thread_says_which_limit_and_does_not_panic() {
    let (_folder, binary) = folder_of_the_user();
    for arguments in [&["bench", "segment", "--cycles", "10"][..], &["bench", "wakeup", "--seconds", "0.1"]] {
        let ended = as_user("--nproc=1:1", &binary, arguments);
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
        ended.with_code(9).saying(&["start ", " thread", "RLIMIT_NPROC is 1"]);
    }
}
