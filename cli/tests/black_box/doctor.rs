//! `zerocat doctor`: reads this machine and an interface, changes nothing, and says by its exit code how bad it is.

use crate::bench_set::{Folder, demo_rig};
use crate::limits::as_user;
use crate::privileges::folder_of_the_user;
use crate::program::{Ended, Program, zerocat};
use serde_json::{Value, json};
use std::process::Command;
use zerocat_testkit::netns::{in_private_netns, ip};

/// The findings of a run whose exit code fits the worst of them.
#[track_caller]
fn findings(ended: &Ended) -> Value {
    let found = ended.json();
    assert_eq!(found["schema"], "zerocat-doctor/1");
    let code = match found["worst"].as_str().unwrap() {
        "ok" | "info" => 0,
        "warn" => 6,
        "error" => 7,
        other => panic!("level {other}"),
    };
    assert_eq!(ended.code, Some(code), "{}", ended.err);
    found
}

#[track_caller]
fn check<'a>(found: &'a Value, id: &str) -> &'a Value {
    let mut checks = found["checks"].as_array().unwrap().iter();
    checks.find(|check| check["id"] == id).unwrap_or_else(|| panic!("{id} in {found:#}"))
}

#[test]
fn a_veth_is_examined_and_what_it_does_not_say_is_a_note() {
    in_private_netns(|veth| {
        let found = findings(&zerocat(&["doctor", "--interface", &veth.master, "--json"]));
        for id in [
            "interface",
            "carrier",
            "mtu",
            "xdp_program",
            "other_sockets",
            "addresses",
            "nic_errors",
            "ipv6",
            "lldp_dhcp",
        ] {
            assert_eq!(check(&found, id)["level"], "ok", "{id} in {found:#}");
        }
        for id in ["coalescing", "eee", "pause", "link_speed", "nic_bus", "napi_deferral"] {
            assert_eq!(check(&found, id)["level"], "info", "{id} in {found:#}");
        }
        assert_eq!(check(&found, "xdp_features")["level"], "warn", "a veth copies");
    });
}

#[test]
fn what_is_wrong_with_an_interface_is_found() {
    in_private_netns(|veth| {
        ip(&format!("address add 192.0.2.1/24 dev {}", veth.master));
        ip(&format!("link set dev {} mtu 9000", veth.master));
        ip(&format!("link set dev {} down", veth.master));
        let found = findings(&zerocat(&["doctor", "--interface", &veth.master, "--json"]));
        let levels = ["interface", "mtu", "addresses"].map(|id| check(&found, id)["level"].as_str().unwrap());
        assert_eq!(levels, ["error", "error", "warn"]);
        assert!(check(&found, "addresses")["found"].as_str().unwrap().contains("192.0.2.1"), "{found:#}");
    });
}

#[test]
fn an_interface_that_is_not_there_is_an_error() {
    let ended = zerocat(&["doctor", "--interface", "zc-none", "--json"]).with_code(7);
    assert_eq!(check(&findings(&ended), "interface")["level"], "error");
    ended.saying(&["error"]);
}

#[test]
fn a_rig_says_what_is_wanted_and_options_go_before_it() {
    in_private_netns(|veth| {
        let folder = Folder::new();
        let path = folder.json("rig.json", &demo_rig(&veth.master));
        let found = findings(&zerocat(&["doctor", &path, "--json"]));
        assert_eq!(found["interface"], veth.master.as_str());
        let found = findings(&zerocat(&["doctor", &path, "--interface", &veth.peer, "--cpu", "0", "--json"]));
        assert_eq!(found["interface"], veth.peer.as_str());
        assert!(!check(&found, "isolation")["found"].as_str().unwrap().contains("no CPU was named"), "{found:#}");
    });
}

#[test]
fn a_rig_that_is_wrong_is_a_wrong_file() {
    let folder = Folder::new();
    let path = folder.json("rig.json", &serde_json::json!({}));
    zerocat(&["doctor", &path]).with_code(3);
}

#[test]
fn each_check_is_shown_with_a_way_out() {
    in_private_netns(|veth| {
        let ended = zerocat(&["doctor", "--interface", &veth.master]);
        for text in ["PREEMPT_RT", "XDP in the driver", "wanted: ", "why: ", "> "] {
            assert!(ended.out.contains(text), "{text} in\n{}", ended.out);
        }
        ended.saying(&["as wanted"]);
    });
}

#[test]
fn nothing_is_changed() {
    in_private_netns(|veth| {
        let shown = || {
            let shown = Command::new("ip").args(["-d", "link", "show"]).output().unwrap();
            String::from_utf8(shown.stdout).unwrap()
        };
        let before = shown();
        let _ = zerocat(&["doctor", "--interface", &veth.master]);
        assert_eq!(shown(), before);
    });
}

#[test]
fn ipv6_that_is_on_is_found_without_an_address() {
    in_private_netns(|veth| {
        std::fs::write(format!("/proc/sys/net/ipv6/conf/{}/disable_ipv6", veth.master), "0").unwrap();
        let found = findings(&zerocat(&["doctor", "--interface", &veth.master, "--seconds", "0", "--json"]));
        assert_eq!(check(&found, "ipv6")["level"], "warn", "{found:#}");
    });
}

#[test]
fn the_timer_is_measured_when_asked_for() {
    let measured = findings(&zerocat(&["doctor", "--timer", "--seconds", "0.3", "--json"]));
    let timer = check(&measured, "timer");
    assert!(timer["found"].as_str().unwrap().contains("ticks, wait hybrid"), "{timer:#}");
    let not = findings(&zerocat(&["doctor", "--seconds", "0", "--json"]));
    assert_eq!(check(&not, "timer")["level"], "info");
    zerocat(&["doctor", "--timer", "--seconds", "0"]).with_code(2);
    zerocat(&["doctor", "--seconds=-1"]).with_code(2);
}

#[test]
fn a_rig_that_spins_on_the_only_cpu_is_an_error() {
    let folder = Folder::new();
    let mut rig = demo_rig("zc-none");
    rig["engine"]["wait"] = "spin".into();
    rig["engine"]["cpu"] = 0.into();
    let path = folder.json("rig.json", &rig);
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0", env!("CARGO_BIN_EXE_zerocat"), "doctor", &path, "--seconds", "0", "--json"]);
    let ended = Program::start_command(command, "taskset zerocat doctor").end();
    assert_eq!(check(&findings(&ended), "ordinary_threads")["level"], "error");
}

#[test]
fn no_line_is_wider_than_the_terminal_and_problems_come_alone_if_they_are_wanted() {
    for columns in ["80", "120", "200"] {
        for more in [&[][..], &["--problems"]] {
            let mut doctor = Command::new(env!("CARGO_BIN_EXE_zerocat"));
            doctor.args(["doctor", "--interface", "lo", "--seconds", "0"]).args(more).env("COLUMNS", columns);
            let ended = Program::start_command(doctor, "doctor").end();
            let most: usize = columns.parse().unwrap();
            let wide: Vec<_> = ended.out.lines().filter(|line| line.chars().count() > most).collect();
            assert!(wide.is_empty(), "{columns}: {wide:#?}");
            let levels = ["error", "warn", "info", "ok"]
                .map(|level| ended.out.lines().filter(|line| line.starts_with(&format!("{level:<6} "))).count());
            assert!(levels[0] + levels[1] > 0, "{}", ended.out);
            assert_eq!(levels[2] + levels[3] == 0, more.contains(&"--problems"), "{}", ended.out);
        }
    }
}

#[test]
fn a_sink_that_this_user_cannot_write_is_an_error_and_one_that_it_can_is_none() {
    let (folder, binary) = folder_of_the_user();
    std::fs::create_dir(folder.path("closed")).unwrap();
    let mut rig = demo_rig("lo");
    for (sink, wrong) in [
        ("there.jsonl", None),
        ("missing/samples.jsonl", Some("no folder ")),
        ("closed/samples.jsonl", Some("may not be written")),
    ] {
        rig["tasks"][0]["sink"] = json!({ "jsonl": sink });
        let file = folder.json("rig.json", &rig);
        let ended = as_user("--nofile=1000", &binary, &["doctor", &file, "--seconds", "0", "--json"]);
        let found = findings(&ended);
        let check = check(&found, "sink_files");
        assert_eq!(check["level"], if wrong.is_some() { "error" } else { "ok" }, "{check}");
        assert!(check["found"].as_str().unwrap().contains(wrong.unwrap_or("may be written")), "{check}");
    }
}
