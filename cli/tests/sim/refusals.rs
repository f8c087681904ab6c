//! What `zerocat sim` says when it can't begin.

use crate::program::zerocat;
use crate::running::{Place, Running};
use std::process::Command;
use zerocat_testkit::netns::{in_private_netns, ip};

#[test]
fn an_interface_that_is_missing_or_down_is_refused_with_what_to_do() {
    in_private_netns(|veth| {
        let ended = zerocat(&["sim", "--interface", "nowhere0"]).with_code(4);
        ended.saying(&["no interface nowhere0", &veth.master, &veth.peer]);
        let ended = zerocat(&["sim", "--interface", &veth.peer, "--second-interface", "nowhere1"]).with_code(4);
        ended.saying(&["no interface nowhere1"]);
        ip(&format!("link set {} down", veth.peer));
        let ended = zerocat(&["sim", "--interface", &veth.peer]).with_code(4);
        ended.saying(&[&format!("ip link set {} up", veth.peer)]);
    });
}

#[test]
fn without_privileges_it_says_which_one_is_missing() {
    in_private_netns(|veth| {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", "-net_raw", env!("CARGO_BIN_EXE_zerocat"), "sim", "--interface", &veth.peer]);
        let ended = command.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(4), "{said}");
        assert!(said.contains("CAP_NET_RAW") && said.contains("root"), "{said}");
    });
}

#[test]
fn an_interface_is_served_by_one_segment() {
    in_private_netns(|veth| {
        let sim = Running::at(veth, &[]);
        let ended = zerocat(&["sim", "--interface", &veth.peer]).with_code(4);
        ended.saying(&[&veth.peer, "another `zerocat sim`"]);
        let ended = zerocat(&["sim", "--interface", &veth.master, "--second-interface", &veth.peer]).with_code(4);
        ended.saying(&[&veth.peer, "another `zerocat sim`"]);
        sim.quit();
        Running::at(veth, &[]).quit();
        let ended = zerocat(&["sim", "--interface", &veth.peer, "--second-interface", &veth.peer]).with_code(2);
        ended.saying(&["both ends", &veth.peer]);
    });
}

#[test]
fn a_file_that_is_wrong_is_refused_with_its_key_and_the_reason_once() {
    let name = "segment.json";
    let refused = |text: &str| {
        let place = Place::with(name, text);
        zerocat(&["sim", "--interface", "nowhere0", "--config", place.text()]).with_code(3).err
    };
    let said = refused(r#"{"subdevices": [{"profile": "servo", "mailbox": {"protocols": ["xoe"]}}]}"#);
    assert!(said.contains("segment.json: subdevices[0].mailbox.protocols[0]: `xoe` is none of "), "{said}");
    assert_eq!(said.matches("is none of").count(), 1, "{said}");
    let said = refused(r#"{"subdevices": [{"profile": "sii", "file": "/nowhere.bin"}]}"#);
    assert!(said.contains("segment.json: subdevices[0].file: /nowhere.bin: read: "), "{said}");
    assert_eq!(said.matches("nowhere.bin").count(), 1, "{said}");
    let place = Place::with("no.xml", "no XML");
    let ended = zerocat(&["sim", "--esi", place.text()]).with_code(3);
    ended.saying(&["no.xml", "this is not a device description"]);
}

#[test]
fn more_subdevices_than_a_segment_has_are_refused_however_many_they_are() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../esi/tests/samples/analogue.xml");
    for count in ["0", "4097", "99999999999"] {
        let what = format!("subdevices: {count} SubDevices, a segment has 1 to 4096");
        zerocat(&["sim", "--print-config", "--mixed", count]).with_code(3).saying(&[&what]);
        let of_vendor = ["sim", "--print-config", "--esi", file, "--device", "AX3102", "--count", count];
        zerocat(&of_vendor).with_code(3).saying(&[&what]);
    }
}
