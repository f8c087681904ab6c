//! Who of a rig file is where on a bus, by all rules that a rig file may say, with bring-up to OP under virtual time.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::time::Duration;
use zerocat::StartError;
use zerocat::config::Rig;
use zerocat_bus::{FoundBy, Match};
use zerocat_sim::{ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::VirtualNetwork;

const PERIOD: Duration = Duration::from_millis(1);

/// A rig of these slaves, each with its key and further keys as JSON.
fn rig(unknown: &str, slaves: &[(&str, &str)]) -> Rig {
    let slave = |(key, more): &(&str, &str)| format!(r#"{{ "key": "{key}"{more} }}"#);
    let slaves: Vec<_> = slaves.iter().map(slave).collect();
    let rate = 1.0 / PERIOD.as_secs_f64();
    let network = format!(r#"{{ "interface": "virtual", "rate": {rate}, "unknown": "{unknown}" }}"#);
    let text = format!(r#"{{ "network": {network}, "slaves": [{}] }}"#, slaves.join(", "));
    let rig = Rig::from_json(&text).unwrap();
    assert_eq!(rig.problems(), []);
    rig
}

/// A coupler, two twins, and two with serial number and alias.
fn segment() -> SegmentConfig {
    let input = |name: &str| SubDeviceConfig::new(ProfileKind::DigitalIn).named(name);
    SegmentConfig::line(vec![
        SubDeviceConfig::new(ProfileKind::Coupler).named("coupler"),
        input("first"),
        input("second"),
        SubDeviceConfig { serial: 4711, ..input("third") },
        SubDeviceConfig { alias: 1001, ..input("fourth") },
    ])
}

fn up(rig: Rig) -> Result<Vec<Match>, StartError> {
    let network = VirtualNetwork::bring_up_rig(Segment::new(&segment()).unwrap(), rig)?;
    Ok(network.planned().matching.matches.clone())
}

fn who(matches: &[Match]) -> Vec<(&str, u16, FoundBy)> {
    matches.iter().map(|one| (one.key.as_str(), one.position, one.by)).collect()
}

#[test]
fn each_slave_is_found_by_the_strongest_that_it_says() {
    let slaves = [
        ("any", r#", "product_code": "first""#),
        ("here", r#", "position": 2"#),
        ("serial", r#", "serial": 4711, "position": 1"#),
        ("alias", r#", "alias": 1001"#),
    ];
    let matches = up(rig("tell", &slaves)).unwrap();
    let found = [
        ("any", 1, FoundBy::Identity),
        ("here", 2, FoundBy::Position),
        ("serial", 3, FoundBy::Serial),
        ("alias", 4, FoundBy::Alias),
    ];
    assert_eq!(who(&matches), found);
    assert_eq!(matches[2].moved_from(), Some(1));
}

#[test]
fn rules_of_revision_are_equal_at_least_and_any() {
    let network = VirtualNetwork::bring_up(Segment::new(&segment()).unwrap(), PERIOD).unwrap();
    let revision = network.planned().network.subdevices()[1].identity.revision;
    let older = revision - 1;
    for (rule, runs) in [
        (format!("{revision}"), true),
        (format!("{older}"), false),
        (format!("\">= {older:#x}\""), true),
        (format!("{{ \"at_least\": {} }}", revision + 1), false),
        ("\"any\"".to_owned(), true),
    ] {
        let slaves = [("one", format!(r#", "position": 1, "revision": {rule}"#))];
        let started = up(rig("tell", &slaves.each_ref().map(|(key, more)| (*key, more.as_str()))));
        assert_eq!(started.is_ok(), runs, "{rule}: {started:?}");
    }
}

#[test]
fn a_network_with_one_that_is_not_named_is_refused_where_the_rig_file_says_so() {
    let all = [("coupler", r#", "position": 0"#), ("a", r#", "position": 1"#), ("b", r#", "position": 2"#)];
    let all = [&all[..], &[("c", r#", "serial": 4711"#), ("d", r#", "alias": 1001"#)]].concat();
    assert_eq!(up(rig("refuse", &all)).unwrap().len(), 5);
    let error = up(rig("refuse", &all[1..])).unwrap_err();
    let StartError::Unnamed(unnamed) = &error else { panic!("{error:?}") };
    assert_eq!(unnamed.iter().map(|one| one.who.position).collect::<Vec<_>>(), [0]);
    assert_eq!(up(rig("ignore", &all[1..])).unwrap().len(), 4);
}

#[test]
fn an_unknown_bus_is_refused_with_a_line_for_each_that_is_missing() {
    let slaves = [("axis", r#", "position": 1, "serial": 5"#), ("last", r#", "position": 9"#)];
    let message = up(rig("tell", &slaves)).unwrap_err().to_string();
    assert!(
        message.starts_with("2 of 2 SubDevices of the rig file are not on the bus as it wants them:\n"),
        "{message}"
    );
    assert!(message.contains("`axis`: EL1004 at position 1 has no serial number (0)"), "{message}");
    assert!(message.contains("`last`: nothing is at position 9; the last SubDevice is at position 4"), "{message}");
}
