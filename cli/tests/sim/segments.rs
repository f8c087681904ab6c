//! Segments that the command line describes, as a scan finds them.

use crate::program::zerocat;
use crate::running::Running;
use serde_json::{Value, json};
use zerocat_testkit::netns::{Veth, in_private_netns};

/// Who is on the bus. On a busy machine a long line may be silent for longer than a scan waits, so it may try again.
fn scan(veth: &Veth, options: &[&str]) -> Vec<Value> {
    let options = [&["scan", "--interface", &veth.master, "--json"], options].concat();
    let mut ended = zerocat(&options);
    for _ in 0..10 {
        if ended.code == Some(0) {
            break;
        }
        ended = zerocat(&options);
    }
    let found = ended.with_code(0).json();
    found["subdevices"].as_array().unwrap().clone()
}

#[test]
fn a_line_of_256_is_scanned_from_end_to_end() {
    in_private_netns(|veth| {
        let sim = Running::at(veth, &["--mixed", "256"]);
        let found = scan(veth, &["--basic"]);
        assert_eq!(found.len(), 256);
        for (n, subdevice) in (0u64..).zip(&found) {
            assert_eq!((&subdevice["position"], &subdevice["serial"]), (&json!(n), &json!(n + 1)));
            let parent = n.checked_sub(1).map_or(Value::Null, Value::from);
            assert_eq!(subdevice["parent"], parent, "{subdevice}");
        }
        let served = sim.served();
        assert_eq!(served["subdevices"].as_array().unwrap().len(), 256);
        assert_eq!((&served["lost"], &served["unsent"]), (&json!(0), &json!(0)));
    });
}

#[test]
fn a_device_of_a_vendor_is_found_with_its_identity_and_process_data() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../esi/tests/samples/analogue.xml");
    in_private_netns(|veth| {
        let _sim = Running::at(veth, &["--esi", file, "--device", "AX3102", "--count", "2"]);
        let found = scan(veth, &[]);
        assert_eq!(found.len(), 2);
        for subdevice in &found {
            let identity = ["vendor_id", "product_code", "revision"].map(|key| subdevice[key].as_u64().unwrap());
            assert_eq!(identity, [0xabc, 0x0c1e_3052, 0x0012_0000], "the newest revision");
            assert!(subdevice["input_bits"].as_u64() > Some(0), "{subdevice}");
            assert_eq!((&subdevice["error"], &subdevice["pdo_source"]), (&Value::Null, &json!("coe")));
        }
    });
    let ended = zerocat(&["sim", "--interface", "lo", "--esi", file, "--device", "AX9999"]).with_code(3);
    ended.saying(&["AX9999", "AX3102"]);
}
