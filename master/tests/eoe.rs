//! Ethernet of SubDevices with EoE as a rig file has it: a switch among them, a program's port, one that is off, and what a
//! SubDevice answers at the address that it was given.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::time::Duration;
use zerocat::config::Rig;
use zerocat::testing::{Bench, BenchError, SegmentConfig};
use zerocat::{Bus, EthernetCounters, FramePort, IpSettings, PortError, SessionEvent};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x77];
const ME: [u8; 4] = [192, 168, 5, 1];
const SECOND: Duration = Duration::from_secs(1);

/// Three drives: two with EoE, of which the first pings 192.168.5.11, and one without.
fn segment() -> SegmentConfig {
    let drive = |mailbox: Value| json!({ "profile": "servo", "mailbox": mailbox });
    let segment = json!({ "subdevices": [
        drive(json!({ "protocols": ["coe", "eoe"], "announces": true, "pings": "192.168.5.11" })),
        drive(json!({ "protocols": ["coe", "eoe"], "announces": true })),
        drive(json!({ "protocols": ["coe"] })),
    ] });
    SegmentConfig::from_json(&segment.to_string()).unwrap()
}

fn start(eoe: [Value; 3], switch: Option<Value>) -> Result<Bench, BenchError> {
    let slave =
        |(position, eoe): (usize, Value)| json!({ "key": format!("axis{position}"), "position": position, "eoe": eoe });
    let slaves: Vec<_> = eoe.into_iter().enumerate().map(slave).collect();
    let mut rig = json!({ "network": { "interface": "eth0", "rate": 1000 }, "slaves": slaves });
    if let Some(switch) = switch {
        rig["network"]["eoe_switch"] = switch;
    }
    let bus = Bus::from_rig(Rig::from_json(&rig.to_string()).unwrap().check().unwrap());
    Bench::start(bus, &segment()).map(|(bench, _)| bench)
}

fn address(last: u8) -> Value {
    json!({ "ip": format!("192.168.5.{last}"), "mask": "255.255.255.0" })
}

fn counters(bench: &Bench, position: u16) -> EthernetCounters {
    bench.subdevice(position).unwrap().eoe_counters().unwrap()
}

fn received(port: &FramePort) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| port.try_receive()).collect()
}

#[test]
fn two_subdevices_ping_each_other_through_the_switch_and_objects_are_read_meanwhile() {
    let mut bench = start([address(10), address(11), json!(true)], Some(json!({}))).unwrap();
    let taken = bench.subdevice("axis0").unwrap().eoe_port();
    assert!(matches!(taken, Err(PortError::Taken { by, .. }) if by == "the switch of the rig file"));
    for _ in 0..20 {
        let asked: Vec<_> = (0..2).map(|n| bench.subdevice(n).unwrap().sdo_read::<u16>(0x6041, 0)).collect();
        bench.run(SECOND / 20);
        assert!(asked.iter().all(|asked| matches!(asked.try_take(), Some(Ok(_)))));
    }
    let counters = [0, 1].map(|n| counters(&bench, n));
    let [first, second] = counters;
    // An announcement and a question each way, then requests and replies without end.
    assert!(first.frames_received > 50 && second.frames_received > 50, "{counters:?}");
    assert!(first.frames_sent + 2 >= second.frames_received, "what one sends the other gets: {counters:?}");
    assert_eq!(counters.iter().map(|one| one.send_dropped + one.receive_dropped + one.broken).sum::<u64>(), 0);
}

#[test]
fn a_program_s_port_reaches_the_stack_behind_it() {
    let mut bench = start([json!(true), address(11), json!(true)], None).unwrap();
    let port = bench.subdevice("axis1").unwrap().eoe_port().unwrap();
    let question = arp_request([192, 168, 5, 11]);
    port.send(question).unwrap();
    bench.run(SECOND / 10);
    // Before it comes what it announced.
    let reply = received(&port).into_iter().find(|frame| frame[..6] == MAC).unwrap();
    assert_eq!((&reply[12..14], reply[21]), (&[8, 6][..], 2));
    let request = echo_request(reply[6..12].try_into().unwrap(), [192, 168, 5, 11], 1000);
    port.send(request.clone()).unwrap();
    bench.run(SECOND / 5);
    let [reply] = &received(&port)[..] else { panic!("one reply") };
    assert_eq!((reply[34], &reply[38..]), (0, &request[38..]), "an echo reply with the same data");
    let handle = bench.subdevice("axis1").unwrap();
    let ip = handle.ip();
    bench.run(SECOND / 10);
    let ip = ip.wait().unwrap();
    assert_eq!((ip.address, ip.mac), (Some(Ipv4Addr::new(192, 168, 5, 11)), Some([2, b'z', b'c', 0, 0, 1])));
    let set = handle.set_ip(IpSettings { address: Some([192, 168, 5, 12].into()), ..ip });
    bench.run(SECOND / 10);
    set.wait().unwrap();
    port.send(arp_request([192, 168, 5, 12])).unwrap();
    bench.run(SECOND / 10);
    assert!(received(&port).iter().any(|frame| frame[28..32] == [192, 168, 5, 12] && frame[21] == 2));
}

#[test]
fn one_that_is_off_takes_no_part_and_one_without_eoe_refuses_its_address() {
    let mut bench = start([address(10), json!(false), address(12)], Some(json!({}))).unwrap();
    assert!(matches!(bench.subdevice("axis1").unwrap().eoe_port(), Err(PortError::SwitchedOff { position: 1 })));
    assert!(matches!(bench.subdevice("axis2").unwrap().eoe_port(), Err(PortError::NoEoe { position: 2 })));
    bench.run(SECOND / 10);
    let off = counters(&bench, 1);
    assert_eq!((off.frames_sent, off.frames_received), (0, 0));
    let set = bench.subdevice("axis1").unwrap().set_ip(IpSettings {
        mac: Some(MAC),
        address: Some(ME.into()),
        ..IpSettings::default()
    });
    bench.run(SECOND);
    assert!(set.wait().is_ok(), "its parameter may be set all the same");
    let off = counters(&bench, 1);
    assert_eq!((off.frames_received, off.receive_dropped), (1, 1), "what it announces is dropped");
}

#[test]
fn an_address_that_is_refused_is_told_and_the_run_goes_on() {
    let without = json!({ "profile": "servo", "mailbox": { "protocols": ["coe"] } });
    let segment = SegmentConfig::from_json(&json!({ "subdevices": [without] }).to_string()).unwrap();
    let slave = json!({ "key": "axis", "position": 0, "eoe": address(9) });
    let rig = json!({ "network": { "interface": "eth0", "rate": 1000 }, "slaves": [slave] });
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let tell = std::sync::Arc::clone(&told);
    let options = zerocat::SessionOptions {
        observer: zerocat::Observer::new(move |event: &SessionEvent| tell.lock().unwrap().push(event.to_string())),
        ..zerocat::SessionOptions::default()
    };
    let bus = Bus::from_rig(Rig::from_json(&rig.to_string()).unwrap().check().unwrap()).options(options);
    Bench::start(bus, &segment).unwrap();
    let told = told.lock().unwrap();
    assert!(told.iter().any(|said| said.ends_with("has no EoE mailbox; it goes on without")), "{told:?}");
}

fn arp_request(target: [u8; 4]) -> Vec<u8> {
    [&[0xff; 6][..], &MAC, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &MAC, &ME, &[0; 6], &target].concat()
}

fn echo_request(mac: [u8; 6], to: [u8; 4], len: usize) -> Vec<u8> {
    let icmp = [&[8, 0, 0, 0, 0, 1, 0, 1][..], &vec![0x5a; len]].concat();
    let total = u16::try_from(20 + icmp.len()).unwrap().to_be_bytes();
    let header = [&[0x45, 0][..], &total, &[0, 0, 0, 0, 64, 1, 0, 0], &ME, &to].concat();
    [&mac[..], &MAC, &[8, 0], &header, &icmp].concat()
}
