//! Ethernet of SubDevices with EoE through interfaces of the host, from outside: what `check` and `run` say of it, ARP and ping of this
//! host's kernel answered by a SubDevice, and what the report counts.

use crate::bench_set::{Folder, Segment, in_op, read_json};
use crate::program::zerocat;
use nix::sys::signal::Signal;
use nix::sys::socket::{self, AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, sockopt};
use nix::sys::time::TimeVal;
use serde_json::{Value, json};
use std::os::fd::AsRawFd;
use zerocat_sim::{MailboxConfig, MailboxProtocol, ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::netns::{in_private_netns, ip};

fn drives(count: usize) -> SegmentConfig {
    let protocols = vec![MailboxProtocol::Coe, MailboxProtocol::Eoe];
    let mailbox = Some(MailboxConfig { protocols, ..MailboxConfig::default() });
    SegmentConfig::line(vec![SubDeviceConfig { mailbox, ..SubDeviceConfig::new(ProfileKind::Servo) }; count])
}

fn rig(interface: &str, slaves: Value) -> Value {
    json!({ "network": { "interface": interface, "rate": 500 }, "engine": { "watchdog": "1s" }, "slaves": slaves })
}

/// Sends echo requests by this host's kernel until one is answered.
fn is_answered(address: [u8; 4]) -> bool {
    let (family, kind) = (AddressFamily::Inet, SockType::Raw);
    let socket = socket::socket(family, kind, SockFlag::SOCK_CLOEXEC, SockProtocol::Icmp).unwrap();
    socket::setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(1, 0)).unwrap();
    let [a, b, c, d] = address;
    let to = SockaddrIn::new(a, b, c, d, 0);
    // Type 8, its checksum, an identifier, a sequence number.
    let request = [8, 0, 0xe8, 0x9c, 0x0f, 0x62, 0, 1];
    (0..30).any(|_| {
        let _ = socket::sendto(socket.as_raw_fd(), &request, &to, MsgFlags::empty());
        let mut packet = [0; 128];
        let mut got = || socket::recv(socket.as_raw_fd(), &mut packet, MsgFlags::empty()).ok();
        let answer = got();
        answer == Some(28) && packet[12..16] == address && packet[20] == 0 && packet[24..28] == request[4..]
    })
}

#[test]
fn the_host_reaches_a_subdevice_through_its_interface() {
    in_private_netns(|veth| {
        let _segment = Segment::of(veth, &drives(1));
        let folder = Folder::new();
        let eoe = json!({ "interface": "zc-eoe0", "ip": "192.168.77.9", "mask": "255.255.255.0" });
        let rig = rig(&veth.master, json!([{ "key": "axis", "position": 0, "eoe": eoe }]));
        let file = folder.json("checked.json", &rig);
        let line = "Ethernet of `axis`: interface zc-eoe0, address 192.168.77.9";
        assert!(zerocat(&["check", &file]).with_code(0).out.contains(line));
        let report = folder.path("report.json");
        let mut program = in_op(&folder, &rig, &["--report", &report]);
        program.await_error(line);
        ip("addr add 192.168.77.1/24 dev zc-eoe0");
        assert!(is_answered([192, 168, 77, 9]), "{}", program.errors());
        program.stop(Signal::SIGINT).with_code(0);
        assert!(!is_there("zc-eoe0"));
        let counted = &read_json(&report)["ethernet"][0];
        assert_eq!((&counted["position"], &counted["broken"]), (&json!(0), &json!(0)), "{counted}");
        assert_eq!(counted["key"], "axis");
        let mailbox = &read_json(&report)["mailboxes"][0]["counters"];
        assert_eq!(mailbox["unasked"], 0, "they were asked for: {mailbox}");
        assert!(counted["frames_received"].as_u64() >= Some(2), "an ARP reply and an echo reply: {counted}");
        assert!(counted["fragments_sent"].as_u64() >= counted["frames_sent"].as_u64(), "{counted}");
    });
}

#[test]
fn the_host_reaches_all_subdevices_through_the_switch() {
    in_private_netns(|veth| {
        let _segment = Segment::of(veth, &drives(2));
        let folder = Folder::new();
        let slave = |position: u8| {
            let eoe = json!({ "ip": format!("192.168.77.{}", position + 10), "mask": "255.255.255.0" });
            json!({ "key": format!("axis{position}"), "position": position, "eoe": eoe })
        };
        let mut rig = rig(&veth.master, json!([slave(0), slave(1)]));
        rig["network"]["eoe_switch"] = json!({ "interface": "zc-eoe" });
        let program = in_op(&folder, &rig, &[]);
        ip("addr add 192.168.77.1/24 dev zc-eoe");
        assert!(is_answered([192, 168, 77, 10]) && is_answered([192, 168, 77, 11]), "{}", program.errors());
        program.stop(Signal::SIGINT).with_code(0);
    });
}

#[test]
fn an_interface_that_cannot_be_made_ends_the_start_in_words() {
    in_private_netns(|veth| {
        let _segment = Segment::of(veth, &drives(1));
        let folder = Folder::new();
        let eoe = json!({ "interface": veth.peer });
        let file = folder.json("rig.json", &rig(&veth.master, json!([{ "key": "axis", "position": 0, "eoe": eoe }])));
        let ended = zerocat(&["run", &file, "--seconds", "0.3"]).with_code(4);
        assert!(ended.err.contains("no TAP: choose another name"), "{}", ended.err);
    });
}

#[test]
fn an_interface_that_cannot_be_made_is_told_before_anything_is_sent() {
    in_private_netns(|veth| {
        let folder = Folder::new();
        let eoe = json!({ "interface": veth.peer });
        let file = folder.json("rig.json", &rig(&veth.master, json!([{ "key": "axis", "position": 0, "eoe": eoe }])));
        // Nobody is there, which nobody finds out.
        let ended = zerocat(&["run", &file, "--json"]).with_code(4);
        let report: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(report["error"]["name"], "ethernet_interface_failed", "{report}");
        assert_eq!((&report["phase"], &report["frames"]["acyclic_sent"]), (&json!("link"), &json!(0)));
    });
}

#[test]
fn of_a_subdevice_without_eoe_no_ethernet_is_said() {
    in_private_netns(|veth| {
        let _segment = Segment::of(veth, &SegmentConfig::line(vec![SubDeviceConfig::new(ProfileKind::Servo)]));
        let folder = Folder::new();
        let eoe = json!({ "ip": "192.168.77.9" });
        let aoe = json!({ "net_id": "1.2.3.4.5.6" });
        let rig = rig(&veth.master, json!([{ "key": "axis", "position": 0, "eoe": eoe, "aoe": aoe }]));
        let mut program = in_op(&folder, &rig, &[]);
        program.await_error("has no EoE mailbox; it goes on without");
        program.await_error("`axis` speaks no AoE, so the `aoe.net_id` that the rig file has for it does nothing");
        let ended = program.stop(Signal::SIGINT).with_code(0);
        assert!(!ended.err.contains("Ethernet of `axis`"), "{}", ended.err);
    });
}

fn is_there(interface: &str) -> bool {
    let shown = std::process::Command::new("ip").args(["link", "show", "dev", interface]).output().unwrap();
    shown.status.success()
}
