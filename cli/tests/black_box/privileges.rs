//! A run that is not root's: five capabilities are enough for OP over AF_XDP, a lost network and an orderly end, and
//! most of them are gone once the link is open.

use crate::bench_set::{Folder, Segment, demo_rig, interface, read_json};
use crate::program::Program;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use zerocat_testkit::netns::{in_private_netns, ip};

/// The user `nobody` of most systems; it owns nothing here.
const USER: &str = "65534";
/// Bits of `include/uapi/linux/capability.h`.
const CAPABILITIES: [(&str, u32); 5] =
    [("net_admin", 12), ("net_raw", 13), ("ipc_lock", 14), ("sys_nice", 23), ("bpf", 39)];

/// The set with these of [`CAPABILITIES`].
fn set(names: &[&str]) -> u64 {
    CAPABILITIES.iter().filter(|(name, _)| names.contains(name)).map(|(_, bit)| 1 << bit).sum()
}

/// A command as a user with the five capabilities, none that it could get back, and limits by which it may neither lock
/// memory nor have a realtime priority without them.
fn as_user(program: &str) -> Command {
    let listed: String = CAPABILITIES.iter().map(|(name, _)| format!(",+{name}")).collect();
    let mut command = Command::new("prlimit");
    command.args(["--memlock=65536:65536", "--rtprio=0:0", "setpriv", "--reuid", USER, "--regid", USER]);
    command.args(["--clear-groups", "--no-new-privs"]);
    for kind in ["inh-caps", "ambient-caps", "bounding-set"] {
        command.arg(format!("--{kind}=-all{listed}"));
    }
    command.arg(program);
    command
}

/// A folder that the user may write to, with a copy of the binary that it may run.
pub(crate) fn folder_of_the_user() -> (Folder, String) {
    let folder = Folder::new();
    let binary = folder.path("zerocat");
    std::fs::copy(env!("CARGO_BIN_EXE_zerocat"), &binary).unwrap();
    std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(Path::new(&binary).parent().unwrap(), PermissionsExt::from_mode(0o777)).unwrap();
    (folder, binary)
}

/// A line of a `status` file of `/proc`.
fn line(status: &str, name: &str) -> String {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name} in {status}")).trim().to_owned()
}

/// The capability sets that a thread has or could give itself.
fn sets(status: &str) -> [u64; 4] {
    ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"].map(|name| u64::from_str_radix(&line(status, name), 16).unwrap())
}

/// The status of each thread of a process, by its name.
fn threads(process: u32) -> BTreeMap<String, String> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let status = |task: std::io::Result<std::fs::DirEntry>| {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        (line(&status, "Name:"), status)
    };
    tasks.map(status).collect()
}

fn rig(interface: &str) -> Value {
    let mut rig = demo_rig(interface);
    rig["engine"]["mode"] = json!("native_copy");
    rig
}

#[test]
fn five_capabilities_are_enough_and_in_op_one_is_left_with_which_a_lost_network_comes_back() {
    in_private_netns(|veth| {
        let begins_with = as_user("cat").arg("/proc/self/status").output().unwrap();
        let status = String::from_utf8(begins_with.stdout).unwrap();
        let five = set(&["net_admin", "net_raw", "ipc_lock", "sys_nice", "bpf"]);
        assert_eq!(sets(&status), [five; 4]);

        let segment = Segment::demo(veth);
        let (folder, binary) = folder_of_the_user();
        let report = folder.path("report.json");
        let mut command = as_user(&binary);
        command.args(["run", &folder.json("rig.json", &rig(&veth.master)), "--report", &report]);
        command.args(["--capture", &folder.path("run.pcapng")]);
        let mut program = Program::start_command(command, "zerocat run as a user");
        program.await_error("SubDevices in OP after");

        let threads = threads(program.id());
        for (name, status) in &threads {
            let left = set(&["ipc_lock"]);
            assert_eq!(sets(status), [left; 4], "{name}");
            assert!(line(status, "Uid:").starts_with(USER), "{status}");
        }
        for name in ["zerocat", "zc-rt", "zc-faults", "zc-capture"] {
            assert!(threads.contains_key(name), "{name} in {:?}", threads.keys());
        }

        ip("link set zc-peer down");
        program.await_error("the network is lost");
        ip("link set zc-peer up");
        program.await_error("s and is in OP again");
        program.stop(Signal::SIGINT).with_code(0);
        assert!(interface(&veth.master)["xdp"].is_null());
        assert_eq!(segment.end().states(), ["INIT"; 6]);
        let report = read_json(&report);
        assert_eq!(report["link"]["mode_got"], "native_copy");
        assert!(report["rt"]["locked_kib"].as_u64().unwrap() > 65536 / 1024, "{}", report["rt"]);
        // The device for idle states is root's, and the one thing that a capability doesn't give.
        let missing: Vec<_> = report["missing"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        assert!(missing.iter().all(|one| one.contains("/dev/cpu_dma_latency")), "{missing:?}");
    });
}

#[test]
fn root_keeps_its_rights_to_files_and_none_to_interfaces() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let folder = Folder::new();
        let mut program = crate::bench_set::in_op(&folder, &rig(&veth.master), &[]);
        for (name, status) in threads(program.id()) {
            let [effective, permitted, ..] = sets(&status);
            let needs_none = ["zc-words", "zc-insist"].contains(&name.as_str());
            let gone = set(&["net_admin", "net_raw", "sys_nice", "bpf"]) | 1 << 21;
            assert_eq!((effective & gone, permitted & gone), (0, 0), "{name}");
            assert!(needs_none || effective & 1 << 1 != 0, "CAP_DAC_OVERRIDE of {name}");
        }
        assert!(program.is_running());
        program.stop(Signal::SIGINT).with_code(0);
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}
