//! Commands on standard input and from a script, and what a MainDevice notices of them.

use crate::program::{Program, zerocat};
use crate::raw::Bus;
use crate::running::{Place, Running, parse};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::path::Path;
use zerocat_link::Sizing;
use zerocat_link::datagram::DatagramLink;
use zerocat_sim::SegmentConfig;
use zerocat_testkit::netns::{Veth, in_private_netns};

/// Serial numbers of who is on the bus; those of the demo's segment are 1001 to 1006.
fn scan(veth: &Veth) -> Vec<u64> {
    let found = zerocat(&["scan", "--interface", &veth.master, "--json", "--basic"]).with_code(0).json();
    let all = found["subdevices"].as_array().unwrap();
    all.iter().map(|one| one["serial"].as_u64().unwrap()).collect()
}

#[test]
fn a_cable_is_pulled_by_a_script_and_put_back_from_standard_input() {
    in_private_netns(|veth| {
        let script = Place::with("pull", "# before anybody looks\npull sensors\n");
        let mut sim = Running::at(veth, &["--script", script.text()]);
        assert_eq!(scan(veth), [1001, 1002, 1003]);
        sim.command("plug sensors");
        assert_eq!(scan(veth).len(), 6);
        sim.command("power off 2");
        assert_eq!(scan(veth), [1001, 1002]);
        sim.command("power on switches");
        assert_eq!(scan(veth).len(), 6);
        let ended = sim.quit();
        let first = parse(ended.out.lines().nth(1).unwrap());
        assert_eq!(
            (&first["event"], &first["script_line"], &first["command"]),
            (&json!("command"), &json!(2), &json!("pull sensors"))
        );
    });
}

#[test]
fn frames_are_dropped_until_the_faults_are_off() {
    in_private_netns(|veth| {
        let mut sim = Running::at(veth, &["--seed", "7"]);
        sim.command("drop every 1");
        zerocat(&["scan", "--interface", &veth.master]).with_code(5);
        sim.command("faults off");
        assert_eq!(scan(veth).len(), 6);
        let served = sim.served();
        assert!(served["faults"]["dropped"].as_u64() > Some(0), "{served}");
    });
}

#[test]
fn events_tell_commands_and_states_and_the_summary_is_last() {
    in_private_netns(|veth| {
        let mut sim = Running::at(veth, &[]);
        sim.command("al-error axis 0x001b");
        sim.command("pull axiz");
        sim.command("input switches 99 on");
        let ended = sim.quit();
        let lines: Vec<Value> = ended.out.lines().map(parse).collect();
        assert_eq!((&lines[0]["event"], &lines[0]["seed"]), (&json!("serving"), &json!(1)));
        let about = |text: &str| lines.iter().find(|line| line["command"] == text).unwrap();
        assert_eq!(about("al-error axis 0x001b")["done"], true);
        let problem = about("pull axiz")["problem"].as_str().unwrap();
        assert!(problem.starts_with("column 6: `axiz` is not allowed here") && problem.contains("axis"), "{problem}");
        let problem = about("input switches 99 on")["problem"].as_str().unwrap();
        assert!(problem.contains("99"), "{problem}");
        let state = lines.iter().find(|line| line["event"] == "state").unwrap();
        assert_eq!((&state["name"], &state["error"], &state["code"]), (&json!("axis"), &json!(true), &json!(27)));
        assert_eq!(lines.last().unwrap()["schema"], "zerocat-served/1");
    });
}

#[test]
fn a_wrong_script_is_refused_before_anything_is_opened() {
    let script = Place::with("wrong", "show\n+1s pul axis\n");
    let ended = zerocat(&["sim", "--interface", "nowhere0", "--script", script.text()]).with_code(3);
    ended.saying(&[script.text(), "line 2, column 5: `pul` is not allowed here, give one of pull, plug"]);
    zerocat(&["sim", "--interface", "nowhere0", "--script", "/nonexistent"]).with_code(3).saying(&["/nonexistent"]);
}

#[test]
fn a_printed_segment_file_is_the_segment() {
    let printed = zerocat(&["sim", "--mixed", "8", "--print-config"]).with_code(0);
    assert_eq!(SegmentConfig::from_json(&printed.out).unwrap(), SegmentConfig::mixed(8));
    let printed = zerocat(&["sim", "--print-config"]).with_code(0);
    assert_eq!(SegmentConfig::from_json(&printed.out).unwrap(), SegmentConfig::demo());
}

#[test]
fn a_segment_answers_over_unix_datagrams_and_takes_its_socket_away() {
    let (ours, theirs) = (Place::new("segment.sock"), Place::new("master.sock"));
    let paths = format!("{}:{}", ours.text(), theirs.text());
    let mut program = Program::start(&["sim", "--unix", &paths, "--mixed", "8"]);
    program.await_error("serving");
    let sizing = Sizing { slots: 16, receive: 16 };
    for _ in 0..2 {
        // The other end comes and goes as it likes.
        let link = DatagramLink::open(&theirs.path, &ours.path, sizing).unwrap();
        assert_eq!(Bus::on(link).count(), 8);
    }
    zerocat(&["sim", "--unix", &paths]).with_code(4).saying(&[ours.text(), "in use"]);
    program.stop(Signal::SIGTERM).with_code(0);
    assert!(!Path::new(ours.text()).exists());
    zerocat(&["sim", "--unix", "only-one"]).with_code(2).saying(&["colon"]);
}

#[test]
fn a_device_description_alone_is_listed() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../esi/tests/samples/catalogue.xml");
    let printed = zerocat(&["sim", "--esi", file]).with_code(0);
    let line = printed.out.lines().find(|line| line.contains("AXD200")).unwrap();
    for part in ["Servo and stepper drives", "0x00d20001", "0x00000003"] {
        assert!(line.contains(part), "{line}");
    }
    let printed = zerocat(&["sim", "--esi", file, "--json"]).with_code(0);
    let listed = parse(&printed.out);
    assert_eq!(listed["schema"], "zerocat-devices/1");
    assert_eq!(listed["devices"][5]["startup"][0]["index"], 0x60c2);
}
