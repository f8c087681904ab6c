//! A bus where nobody answers, for a reason that this host can tell.

use crate::bench_set::{Folder, Segment, demo_rig, read_draft, run};
use crate::program::{Program, zerocat};
use nix::sys::signal::Signal;
use zerocat_sim::SegmentConfig;
use zerocat_testkit::mounts::own_sysfs;
use zerocat_testkit::netns::{in_private_netns, ip, second_cable};

const NOBODY: &str = "no SubDevice answered";

#[test]
fn a_port_of_a_bridge_is_told_with_the_command_that_undoes_it() {
    in_private_netns(|veth| {
        own_sysfs();
        let _segment = Segment::demo(veth);
        let interface = &veth.master;
        ip("link add zc-br type bridge");
        ip("link set zc-br up");
        ip(&format!("link set {interface} master zc-br"));
        let why = format!("{interface} is part of the bridge zc-br, which takes the frames that come back");
        let undo = format!("ip link set dev {interface} nomaster");
        zerocat(&["scan", "--interface", interface]).with_code(5).saying(&[NOBODY, &why, &undo]);
        run(&demo_rig(interface), &["--link", "packet", "--seconds", "1"]).with_code(5).saying(&[NOBODY, &why, &undo]);
        ip(&undo["ip ".len()..]);
        zerocat(&["scan", "--interface", interface]).with_code(0);
    });
}

#[test]
fn a_ring_is_told_with_both_of_its_ends() {
    in_private_netns(|veth| {
        let second = second_cable();
        let folder = Folder::new();
        let config = folder.file("segment.json", &SegmentConfig::demo().to_json());
        let ends = ["--interface", &veth.peer, "--second-interface", &second.peer];
        let mut sim = Program::start(&[&["sim"][..], &ends, &["--config", &config, "--json"]].concat());
        sim.await_error("serving");
        let (here, there) = (&veth.master, &second.master);
        let why = format!("frames sent at {here} arrive at {there}, 6 SubDevices on their way: a ring");
        zerocat(&["scan", "--interface", here]).with_code(5).saying(&[NOBODY, &why, "unplug one end"]);
        for link in ["packet", "xdp"] {
            let ended = run(&demo_rig(here), &["--link", link, "--seconds", "1"]);
            ended.with_code(5).saying(&[NOBODY, &why, "unplug one end"]);
        }
        let draft = folder.path("rig.yaml");
        zerocat(&["init", "--interface", here, &draft]).with_code(5).saying(&[NOBODY, &why, "unplug one end"]);
        sim.stop(Signal::SIGTERM).with_code(0);
    });
}

#[test]
fn a_bus_of_nameless_drives_is_drafted_with_the_names_of_their_dictionaries() {
    in_private_netns(|veth| {
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../bus/tests/samples/nameless-drives.json");
        let mut sim = Program::start(&["sim", "--interface", &veth.peer, "--config", config, "--json"]);
        sim.await_error("serving");
        let folder = Folder::new();
        let (cache, draft) = (folder.path("cache"), folder.path("draft.json"));
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_zerocat"));
        command.args(["scan", "--interface", &veth.master, "--draft", &draft]).env("XDG_CACHE_HOME", &cache);
        let scanned = command.output().unwrap();
        assert!(scanned.status.success(), "{scanned:?}");
        let rig = read_draft(&draft);
        let key = format!("{}_", rig["slaves"][1]["key"].as_str().unwrap());
        let names = |task: usize| -> Vec<String> {
            let channels = rig["tasks"][task]["channels"].as_array().unwrap().iter();
            let named = channels.filter_map(|channel| Some((channel["name"].as_str()?.strip_prefix(&key)?, channel)));
            named.map(|(name, channel)| format!("{name} {}", channel["data_type"].as_str().unwrap())).collect()
        };
        assert_eq!(names(1), ["control_word uint16"]);
        let inputs = ["status_word uint16", "position_actual_value int32", "torque_1 uint16", "peak uint16"];
        assert_eq!(names(0), inputs);
        let kept = std::path::Path::new(&cache).join("zerocat/names/00000abc-00000100-00000001.json");
        assert!(std::fs::read_to_string(kept).unwrap().contains("Status word"));
        zerocat(&["check", &draft]).with_code(0);
        sim.stop(Signal::SIGTERM).with_code(0);
    });
}
