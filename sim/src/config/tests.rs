use super::*;

fn error(text: &str) -> String {
    SegmentConfig::from_json(text).unwrap_err().to_string()
}

#[test]
fn ready_segments_pass_their_own_checks() {
    for config in [SegmentConfig::example(), SegmentConfig::demo(), SegmentConfig::mixed(100), SegmentConfig::zoo()] {
        let again = SegmentConfig::from_json(&config.to_json()).unwrap();
        assert_eq!(again, config);
    }
}

#[test]
fn the_file_of_the_zoo_is_the_zoo() {
    let file = include_str!("../../../examples/zoo-segment.json");
    assert_eq!(SegmentConfig::from_json(file).unwrap(), SegmentConfig::zoo());
}

#[test]
fn the_servo_of_its_own_file_insists_on_sync0_and_has_a_clock_of_its_own() {
    let file = include_str!("../../../examples/servo-segment.json");
    let config = SegmentConfig::from_json(file).unwrap();
    let axis = config.subdevices.last().unwrap();
    assert!(axis.clock.needs_sync && axis.clock.drift_ppm < config.subdevices[0].clock.drift_ppm, "{axis:?}");
}

#[test]
fn what_only_other_profiles_have_is_refused() {
    let servo = |more: &str| error(&format!(r#"{{"subdevices": [{{"profile": "servo", {more}}}]}}"#));
    assert_eq!(servo(r#""speed": 1"#), "subdevices[0].speed: this profile has no speed, leave the key out");
    assert_eq!(servo(r#""samples": 1"#), "subdevices[0].samples: this profile has no samples, leave the key out");
    assert_eq!(servo(r#""modules": ["di8"]"#), "subdevices[0].modules: this profile has no modules, leave the key out");
}

#[test]
fn a_mailbox_is_for_profiles_that_have_one_and_its_files_fit() {
    let of = |profile: &str, mailbox: &str| {
        error(&format!(r#"{{"subdevices": [{{"profile": "{profile}", "mailbox": {mailbox}}}]}}"#))
    };
    assert_eq!(of("coupler", "{}"), "subdevices[0].mailbox: this profile has no mailbox, leave the key out");
    let said = of("servo", r#"{"foe": {"capacity": 16777217}}"#);
    assert_eq!(said, "subdevices[0].mailbox.foe.capacity: 16777217 bytes for files, at most 16777216 are possible");
    let said = of("servo", r#"{"foe": {"capacity": 3, "files": {"a": "four"}}}"#);
    assert!(said.starts_with("subdevices[0].mailbox.foe.files: the files have 4 bytes together with the capacity 3"));
    for ports in ["[1, 1]", "[65535]", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]"] {
        let mailbox = format!(r#"{{"protocols": ["aoe"], "aoe": {{"ports": {ports}}}}}"#);
        let said = of("servo", &mailbox);
        assert!(said.starts_with("subdevices[0].mailbox.aoe.ports: each port once, at most 16"), "{said}");
    }
    let said = of("servo", r#"{"protocols": ["coe", "soe"]}"#);
    assert_eq!(said, "subdevices[0].mailbox.protocols: `soe` is for the profiles `soe_servo`, `esi` and `sii`");
    assert!(
        of("servo", r#"{"protocols": ["doe"]}"#).starts_with("subdevices[0].mailbox.protocols[0]: `doe` is none of")
    );
}

#[test]
fn modules_and_samples_are_counted() {
    let said = error(r#"{"subdevices": [{"profile": "modular"}]}"#);
    assert_eq!(said, "subdevices[0].modules: 0 modules, this profile has 1 to 32");
    let said = error(r#"{"subdevices": [{"profile": "oversampling_in", "samples": 101}]}"#);
    assert_eq!(said, "subdevices[0].samples: 101 samples, this profile has 1 to 100");
    assert!(
        error(r#"{"subdevices": [{"profile": "modular", "modules": ["di9"]}]}"#).contains("subdevices[0].modules[0]")
    );
}

#[test]
fn an_unknown_key_is_refused_with_its_path() {
    let text = r#"{"subdevices": [{"profile": "servo"}, {"profile": "coupler", "chanels": 4}]}"#;
    let said = error(text);
    assert!(
        said.starts_with("subdevices[1]") && said.contains("chanels: there is no such key; did you mean `channels`?"),
        "{said}"
    );
}

#[test]
fn a_wrong_type_is_refused_with_its_path() {
    let said = error(r#"{"subdevices": [{"profile": "digital_in", "channels": "four"}]}"#);
    assert!(said.starts_with("subdevices[0].channels: \"four\" is text, a whole number from 0 to 65535"), "{said}");
}

#[test]
fn too_many_channels_are_refused_with_the_numbers() {
    let said = error(r#"{"subdevices": [{"profile": "analogue_in", "channels": 17}]}"#);
    assert_eq!(said, "subdevices[0].channels: 17 channels, this profile has 1 to 16");
}

#[test]
fn a_port_used_twice_is_refused() {
    let text = r#"{"subdevices": [{"profile": "coupler"}, {"profile": "servo"},
        {"profile": "servo", "parent": 0, "port": 1}]}"#;
    assert_eq!(error(text), "subdevices[2].port: port 1 of SubDevice 0 is taken already");
}

#[test]
fn a_parent_behind_its_child_is_refused() {
    let text = r#"{"subdevices": [{"profile": "coupler"}, {"profile": "servo", "parent": 1}]}"#;
    assert_eq!(error(text), "subdevices[1].parent: parent 1 must come before its child");
}

#[test]
fn wires_that_join_nothing_are_refused() {
    let with = |from: &str, to: &str| {
        let mut config = SegmentConfig::example();
        config.wires = vec![WireConfig { from: from.into(), to: to.into() }];
        config.check().unwrap_err().to_string()
    };
    assert_eq!(with("valves.out.5", "2.in.1"), "wires[0].from: SubDevice 1 has 4 out channels, not 5");
    assert_eq!(with("nobody.out.1", "2.in.1"), "wires[0].from: `nobody` names 0 SubDevices, it must name one");
    assert_eq!(with("valves.out.1", "sensors.in.1"), "wires[0]: joins a digital with an analogue channel");
    assert_eq!(with("axis.out.1", "sensors.in.1"), "wires[0]: joins a position with an analogue channel");
    assert!(with("valves", "2.in.1").starts_with("wires[0].from: `valves` doesn't name a channel"));
}

#[test]
fn the_schema_names_every_profile() {
    let schema = SegmentConfig::json_schema().to_string();
    let first = ["coupler", "digital_in", "digital_out", "analogue_in", "analogue_out", "servo"];
    let later = ["encoder", "stepper", "oversampling_in", "modular"];
    for profile in first.into_iter().chain(later) {
        assert!(schema.contains(&format!("\"{profile}\"")), "{profile}");
    }
}

/// The names of all keys below a schema.
fn keys(schema: &serde_json::Value, all: &mut std::collections::BTreeSet<String>) {
    if let Some(properties) = schema.get("properties").and_then(|properties| properties.as_object()) {
        all.extend(properties.keys().cloned());
    }
    match schema {
        serde_json::Value::Object(map) => map.values().for_each(|inner| keys(inner, all)),
        serde_json::Value::Array(list) => list.iter().for_each(|inner| keys(inner, all)),
        _ => {}
    }
}

#[test]
fn the_manual_names_every_key() {
    let manual = include_str!("../../../docs/sim.md");
    let mut all = std::collections::BTreeSet::new();
    keys(&SegmentConfig::json_schema(), &mut all);
    let missing: Vec<_> = all.iter().filter(|key| !manual.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/sim.md lacks {missing:?}");
}

#[test]
fn a_segment_may_be_yaml_and_json_may_have_comments() {
    let json = r#"{ // two of them
        "subdevices": [{ "profile": "coupler" }, { "profile": "servo", "name": "axis", }, ] }"#;
    let yaml = "subdevices:\n  - profile: coupler\n  - { profile: servo, name: axis } # the axis\n";
    let yaml = SegmentConfig::parse(yaml.as_bytes(), zerocat_text::Format::Yaml).unwrap();
    assert_eq!(SegmentConfig::from_json(json).unwrap(), yaml);
}
