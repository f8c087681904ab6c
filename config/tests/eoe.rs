//! What a rig file may say of EoE: interfaces, addresses, a switch.

mod support;

use serde_json::json;
use support::{names, parsed, set, sound, with};
use zerocat_config::{Eoe, Mac, Rig};

const EOE: &str = "/slaves/0/eoe";

fn eoe(value: serde_json::Value) -> serde_json::Value {
    with(EOE, value)
}

#[test]
fn eoe_is_allowed_switched_off_or_set() {
    assert_eq!(parsed(&sound()).slaves[0].eoe, Eoe::Allowed);
    assert_eq!(parsed(&eoe(json!(true))).slaves[0].eoe, Eoe::Allowed);
    assert_eq!(parsed(&eoe(json!(false))).slaves[0].eoe, Eoe::Off);
    let set = json!({ "interface": "eoe0", "ip": "192.168.5.10", "mask": "255.255.255.0", "mac": "02:00:00:00:00:0A" });
    let rig = parsed(&eoe(set));
    assert_eq!(rig.problems(), []);
    let section = rig.slaves[0].eoe.section().unwrap();
    assert_eq!((section.mac, section.has_parameter()), (Some(Mac([2, 0, 0, 0, 0, 10])), true));
    assert_eq!(Rig::from_json(&rig.to_json().unwrap()).unwrap(), rig);
    let off = parsed(&eoe(json!(false)));
    assert_eq!(Rig::from_json(&off.to_json().unwrap()).unwrap(), off);
}

#[test]
fn a_wrong_value_is_named_with_its_path() {
    let refused = |value| Rig::from_json(&eoe(value).to_string()).unwrap_err().to_string();
    assert!(refused(json!("on")).contains("true, false, or an object"), "{}", refused(json!("on")));
    let mac = refused(json!({ "mac": "ff:ff:ff:ff:ff:ff", "ip": "10.0.0.1" }));
    assert!(mac.contains("slaves[0].eoe.mac") && mac.contains("MAC address of a station"), "{mac}");
    let ip = refused(json!({ "ip": "192.168.5" }));
    let words = r#""192.168.5" does not fit; give an IPv4 address, four numbers from 0 to 255 such as "192.168.5.10""#;
    assert!(ip.contains("slaves[0].eoe.ip") && ip.contains(words), "{ip}");
    let key = refused(json!({ "adress": "192.168.5.1" }));
    assert!(key.contains("adress"), "{key}");
}

#[test]
fn interfaces_have_names_that_the_kernel_takes_each_once() {
    assert!(names(&eoe(json!({ "interface": "a/b" })), "slaves[0].eoe.interface", "can't be the name of an interface"));
    let mut rig = eoe(json!({ "interface": "eoe0" }));
    set(&mut rig, "/network/eoe_switch", json!({ "interface": "eoe0" }));
    assert!(names(&rig, "slaves[0].eoe.interface", "already used in network.eoe_switch.interface"));
    set(&mut rig, "/network/eoe_switch", json!({ "age": "10ms" }));
    assert!(names(&rig, "network.eoe_switch.age", "less than 1s"));
}

#[test]
fn an_address_is_given_once_on_the_switch() {
    let rig = |switch: &str, first: &str| {
        let slaves = format!(
            r#"[{{ "key": "a", "position": 0, "eoe": {{ "ip": "10.0.0.1"{first} }} }},
                {{ "key": "b", "position": 1, "eoe": {{ "ip": "10.0.0.1" }} }}]"#
        );
        let text = format!(r#"{{ "network": {{ "interface": "eth0", "rate": 100{switch} }}, "slaves": {slaves} }}"#);
        Rig::from_json(&text).unwrap().problems()
    };
    let twice = rig(r#", "eoe_switch": {}"#, "");
    assert_eq!(twice.len(), 1, "{twice:?}");
    let what = "10.0.0.1 is already the address of slaves[0].eoe.ip, on the same switch";
    assert!(twice[0].path == "slaves[1].eoe.ip" && twice[0].to_string().contains(what), "{twice:?}");
    assert_eq!(rig("", ""), [], "networks of their own");
    assert_eq!(rig(r#", "eoe_switch": {}"#, r#", "interface": "eoe0""#), [], "one has an interface of its own");
}

#[test]
fn an_address_to_listen_at_is_named_with_an_example() {
    let rig = with("/engine", json!({ "mailbox_gateway": { "listen": "localhost" } }));
    let refused = Rig::from_json(&rig.to_string()).unwrap_err().to_string();
    let words = r#""localhost" does not fit; give an IP address such as "127.0.0.1" or "::1""#;
    assert!(refused.contains("engine.mailbox_gateway.listen") && refused.contains(words), "{refused}");
}

#[test]
fn addresses_are_those_of_a_station() {
    let refuses = |value, key: &str, what: &str| names(&eoe(value), &format!("slaves[0].eoe.{key}"), what);
    assert!(refuses(json!({ "mask": "255.255.255.0" }), "ip", "it is missing"));
    assert!(refuses(json!({ "ip": "224.0.0.1" }), "ip", "no station's address"));
    assert!(refuses(json!({ "ip": "10.0.0.1", "mask": "255.0.255.0" }), "mask", "no subnet mask"));
    let elsewhere = json!({ "ip": "10.0.0.1", "mask": "255.255.255.0", "gateway": "10.0.1.1" });
    assert!(refuses(elsewhere, "gateway", "not in the subnet"));
    assert!(refuses(json!({ "ip": "10.0.0.1", "name": "x".repeat(33) }), "name", "32 letters"));
}
