//! Rules between keys: each broken rule is found, with the path of its key.

mod support;

use serde_json::json;
use support::{names, parsed, set, sound, with};
use zerocat_config::ConfigError;

const READ: &str = "/tasks/0/config";
const WRITE: &str = "/tasks/1/config";

#[test]
fn a_sound_rig_has_no_problems() {
    assert_eq!(parsed(&sound()).problems(), []);
    assert!(parsed(&sound()).validate().is_ok());
}

#[test]
fn refuses_a_sample_rate_above_the_network_rate() {
    let mut rig = with("/network/properties/rate", json!(100));
    set(&mut rig, "/tasks/0/config/sample_rate", json!(200));
    assert!(names(&rig, "tasks[0].config.sample_rate", "200 Hz is more than the network's 100 Hz"));
}

#[test]
fn refuses_a_sample_rate_that_does_not_divide_the_network_rate() {
    assert!(names(
        &with(&format!("{READ}/sample_rate"), json!(300)),
        "tasks[0].config.sample_rate",
        "1000 Hz is not a whole multiple of 300 Hz"
    ));
}

#[test]
fn refuses_a_stream_rate_that_does_not_divide_the_sample_rate() {
    assert!(names(
        &with(&format!("{READ}/stream_rate"), json!(30)),
        "tasks[0].config.stream_rate",
        "100 Hz is not a whole multiple of 30 Hz"
    ));
}

#[test]
fn refuses_a_state_rate_that_does_not_divide_the_network_rate() {
    assert!(names(
        &with(&format!("{WRITE}/state_rate"), json!(7)),
        "tasks[1].config.state_rate",
        "whole multiple of 7 Hz"
    ));
    assert!(names(
        &with(&format!("{WRITE}/state_rate"), json!(2000)),
        "tasks[1].config.state_rate",
        "whole multiple of 2000 Hz"
    ));
}

#[test]
fn a_watchdog_that_is_proposed_for_a_slow_network_is_right() {
    for rate in [0.3, 0.5, 1.0, 2.0, 7.0, 9.0] {
        let mut rig = with("/network/properties/rate", json!(rate));
        let problems = parsed(&rig).problems();
        let text = problems.iter().find(|problem| problem.path == "engine.watchdog").unwrap().to_string();
        let (_, proposed) = text.split_once("such as \"").unwrap_or_else(|| panic!("{rate} Hz: {text}"));
        let (proposed, _) = proposed.split_once('"').unwrap();
        set(&mut rig, "/engine", json!({ "watchdog": proposed }));
        let problems = parsed(&rig).problems();
        assert!(
            problems.iter().all(|problem| problem.path != "engine.watchdog"),
            "{rate} Hz, {proposed}: {problems:?}"
        );
    }
}

#[test]
fn takes_rates_that_divide_only_up_to_rounding() {
    let mut rig = with("/network/properties/rate", json!(0.3));
    set(&mut rig, "/tasks/0/config/sample_rate", json!(0.1));
    set(&mut rig, "/tasks/0/config/stream_rate", json!(0.1));
    set(&mut rig, "/tasks/1/config/state_rate", json!(0.1));
    set(&mut rig, "/engine", json!({ "watchdog": "5s" }));
    let rig = parsed(&rig);
    assert_eq!(rig.problems(), []);
    assert_eq!(rig.every(0.1), Some(3));
}

#[test]
fn refuses_rates_of_zero_and_below() {
    for rate in [json!(0), json!(-1)] {
        assert!(names(&with("/network/properties/rate", rate.clone()), "network.properties.rate", "not in 0 < rate"));
        assert!(names(
            &with(&format!("{READ}/sample_rate"), rate.clone()),
            "tasks[0].config.sample_rate",
            "not more than 0"
        ));
        assert!(names(
            &with(&format!("{READ}/stream_rate"), rate.clone()),
            "tasks[0].config.stream_rate",
            "not more than 0"
        ));
        assert!(names(&with(&format!("{WRITE}/state_rate"), rate), "tasks[1].config.state_rate", "not more than 0"));
    }
}

#[test]
fn refuses_a_network_rate_above_100_khz() {
    assert!(names(&with("/network/properties/rate", json!(100_001)), "network.properties.rate", "100001 Hz"));
}

#[test]
fn refuses_interface_names_that_linux_refuses() {
    for (name, text) in [("", "empty"), ("interface-of-16-", "has 16 bytes"), ("a/b", "slash"), ("a b", "blank")] {
        assert!(names(&with("/network/properties/interface", json!(name)), "network.properties.interface", text));
    }
}

#[test]
fn refuses_a_key_twice() {
    let mut rig = sound();
    let mut copy = rig["slaves"][0].clone();
    set(&mut copy, "/properties/position", json!(1));
    set(&mut rig, "/slaves/-", copy);
    assert!(names(&rig, "slaves[1].key", "`dev` is the key of slaves[0].key already"));
    assert!(names(&with("/slaves/0/key", json!("net")), "slaves[0].key", "network.key"));
}

#[test]
fn refuses_a_position_twice() {
    let mut rig = sound();
    let mut copy = rig["slaves"][0].clone();
    set(&mut copy, "/key", json!("other"));
    set(&mut rig, "/slaves/-", copy);
    assert!(names(&rig, "slaves[1].properties.position", "0 is already used in slaves[0].properties.position"));
}

#[test]
fn refuses_references_to_devices_that_are_not_there() {
    assert!(names(
        &with(&format!("{READ}/device"), json!("dev")),
        "tasks[0].config.device",
        "`dev` is not the network; set it to `net`"
    ));
    assert!(names(
        &with(&format!("{READ}/channels/0/device"), json!("x")),
        "tasks[0].config.channels[0].device",
        "no slave has the key `x`; use the key of a slave: `dev`"
    ));
    assert!(names(
        &with(&format!("{WRITE}/channels/0/device"), json!("x")),
        "tasks[1].config.channels[0].device",
        "no slave"
    ));
}

#[test]
fn refuses_a_pdo_name_that_the_slave_does_not_have() {
    assert!(names(
        &with(&format!("{READ}/channels/0/pdo"), json!("x")),
        "tasks[0].config.channels[0].pdo",
        "`dev` has no `x` among its inputs; use one of `status`, `volts`"
    ));
}

#[test]
fn refuses_to_read_an_output_and_to_write_an_input() {
    assert!(names(
        &with(&format!("{READ}/channels/0/pdo"), json!("relays")),
        "tasks[0].config.channels[0].pdo",
        "`relays` is an output of `dev`"
    ));
    assert!(names(
        &with(&format!("{WRITE}/channels/0/pdo"), json!("status")),
        "tasks[1].config.channels[0].pdo",
        "`status` is an input of `dev`"
    ));
}

#[test]
fn refuses_a_pdo_name_that_stands_for_two_entries() {
    let rig = with("/slaves/0/properties/pdos/inputs/1/name", json!("status"));
    assert!(names(&rig, "tasks[0].config.channels[0].pdo", "stands 2 times"));
}

#[test]
fn refuses_a_length_that_does_not_fit_the_type() {
    let inputs = "/slaves/0/properties/pdos/inputs";
    let path = "slaves[0].properties.pdos.inputs[0].bit_length";
    assert!(names(
        &with(&format!("{inputs}/0/bit_length"), json!(17)),
        path,
        "uint16 takes 1 to 16 bits, the entry has 17"
    ));
    assert!(names(&with(&format!("{inputs}/0/bit_length"), json!(0)), path, "the entry has 0"));
    assert!(names(
        &with(&format!("{inputs}/0/data_type"), json!("float64")),
        path,
        "float64 takes 64 bits, the entry has 16"
    ));
    let path = "tasks[0].config.channels[1].bit_length";
    assert!(names(
        &with(&format!("{READ}/channels/1/bit_length"), json!(31)),
        path,
        "float32 takes 32 bits, the entry has 31"
    ));
}

#[test]
fn takes_padding_of_any_length_among_the_entries() {
    let padding = json!({ "name": "", "index": 0, "subindex": 0, "bit_length": 255, "data_type": "uint8" });
    assert_eq!(parsed(&with("/slaves/0/properties/pdos/inputs/-", padding)).problems(), []);
}

#[test]
fn refuses_a_manual_channel_on_padding() {
    assert!(names(
        &with(&format!("{READ}/channels/1/index"), json!(0)),
        "tasks[0].config.channels[1].index",
        "padding"
    ));
}

#[test]
fn refuses_a_channel_number_twice_across_tasks() {
    assert!(names(
        &with(&format!("{READ}/channels/1/channel"), json!(1)),
        "tasks[0].config.channels[1].channel",
        "1 is already used in tasks[0].config.channels[0].channel"
    ));
    assert!(names(
        &with(&format!("{WRITE}/channels/0/state_channel"), json!(2)),
        "tasks[1].config.channels[0].state_channel",
        "tasks[0].config.channels[1].channel"
    ));
    assert!(names(
        &with(&format!("{WRITE}/channels/0/state_channel"), json!(10)),
        "tasks[1].config.channels[0].state_channel",
        "10 is already used"
    ));
}

#[test]
fn refuses_two_enabled_write_channels_on_one_output() {
    let manual = json!({ "device": "dev", "type": "manual", "index": "0x7000", "subindex": 1, "bit_length": 16,
                         "data_type": "uint16", "channel": 20 });
    let mut rig = with(&format!("{WRITE}/channels/-"), manual);
    assert!(names(
        &rig,
        "tasks[1].config.channels[2]",
        "output 0x7000:1 of `dev` is written by tasks[1].config.channels[0] already"
    ));
    set(&mut rig, &format!("{WRITE}/channels/2/enabled"), json!(false));
    assert_eq!(parsed(&rig).problems(), []);
}

#[test]
fn refuses_a_safe_value_that_the_entry_cannot_take() {
    let at = format!("{WRITE}/channels/0/safe");
    for (value, text) in [(json!(65536), "65536 is out of range for uint16"), (json!(-1), "-1 is out of range")] {
        assert!(names(&with(&at, value), "tasks[1].config.channels[0].safe", text));
    }
    for value in [json!(65535), json!("hold")] {
        assert_eq!(parsed(&with(&at, value)).problems(), []);
    }
    assert!(!parsed(&with(&at, json!(1.5))).problems().is_empty());
}

#[test]
fn refuses_the_wait_of_a_stop_that_cannot_end_well() {
    let until = |channel: u32, min: i32, max: i32, at_most: &str| json!({ "until": { "channel": channel, "min": min, "max": max, "at_most": at_most } });
    assert_eq!(parsed(&with("/engine", json!({ "stop": until(1, -5, 5, "2s") }))).problems(), []);
    let cases = [
        (until(10, -5, 5, "2s"), "channel", "no read task samples channel 10"),
        (until(1, 5, -5, "2s"), "max", "-5 is not at least 5"),
        (until(1, -5, 5, "0s"), "at_most", "it is 0"),
    ];
    for (stop, key, text) in cases {
        assert!(names(&with("/engine", json!({ "stop": stop })), &format!("engine.stop.until.{key}"), text));
    }
}

#[test]
fn refuses_a_task_name_twice_and_an_empty_one() {
    assert!(names(&with("/tasks/1/name", json!("in")), "tasks[1].name", "`in` is already used in tasks[0].name"));
    assert!(names(&with("/tasks/1/name", json!("")), "tasks[1].name", "empty"));
}

#[test]
fn refuses_a_task_without_channels() {
    assert!(names(&with(&format!("{READ}/channels"), json!([])), "tasks[0].config.channels", "it is empty"));
    assert!(names(&with(&format!("{WRITE}/channels"), json!([])), "tasks[1].config.channels", "it is empty"));
}

#[test]
fn warns_of_a_task_that_has_no_enabled_channel_and_takes_it() {
    let rig = parsed(&with(&format!("{WRITE}/channels/0/enabled"), json!(false)));
    assert_eq!(rig.problems(), []);
    let warnings: Vec<_> = rig.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("tasks[1].config.channels: no channel of `out` is enabled"), "{warnings:?}");
}

#[test]
fn refuses_one_file_for_two_tasks_but_shares_standard_output() {
    let mut rig = with("/tasks/0/sink", json!({ "jsonl": "a.jsonl" }));
    set(&mut rig, "/tasks/1/sink", json!({ "jsonl": "a.jsonl" }));
    assert!(names(&rig, "tasks[1].sink.jsonl", "`a.jsonl` is already used in tasks[0].sink.jsonl"));
    set(&mut rig, "/tasks/0/sink/jsonl", json!("-"));
    set(&mut rig, "/tasks/1/sink/jsonl", json!("-"));
    assert_eq!(parsed(&rig).problems(), []);
}

#[test]
fn refuses_a_csv_that_shares_standard_output_or_has_a_column_twice() {
    let mut rig = with("/tasks/0/sink", json!([{ "jsonl": "a.jsonl" }, { "csv": "-" }]));
    set(&mut rig, "/tasks/1/sink", json!({ "jsonl": "-" }));
    let why = "tasks[0].sink[1].csv writes to standard output already, and a CSV can't share it";
    assert!(names(&rig, "tasks[1].sink.jsonl", why));
    let mut rig = with("/tasks/0/sink", json!({ "csv": "a.csv" }));
    set(&mut rig, "/tasks/0/config/channels/0/name", json!("stale"));
    assert!(names(&rig, "tasks[0].sink.csv", "channel `stale` has the name of a column that every CSV has"));
}

#[test]
fn refuses_standard_input_for_two_tasks() {
    let mut rig = sound();
    let mut copy = rig["tasks"][1].clone();
    set(&mut copy, "/name", json!("other"));
    set(&mut rig, "/tasks/-", copy);
    assert!(names(&rig, "tasks[2].source", "tasks[1].source takes standard input already"));
}

#[test]
fn a_waveform_source_needs_a_waveform_and_the_other_way_round() {
    assert!(names(
        &with("/tasks/1/source", json!("waveform")),
        "tasks[1].source",
        "no enabled channel has a `waveform`"
    ));
    let sine = json!({ "shape": "sine", "amplitude": 1, "offset": 1, "frequency": 1 });
    let mut rig = with(&format!("{WRITE}/channels/0/waveform"), sine);
    assert!(names(&rig, "tasks[1].source", "would never play"));
    set(&mut rig, "/tasks/1/source", json!("waveform"));
    assert_eq!(parsed(&rig).problems(), []);
}

#[test]
fn refuses_waveform_parameters_that_make_no_wave() {
    let at = "tasks[1].config.channels[0].waveform";
    let cases = [
        (
            json!({ "shape": "sine", "amplitude": 1, "offset": 1, "frequency": 0 }),
            "frequency",
            "0 Hz is not more than 0",
        ),
        (
            json!({ "shape": "ramp", "amplitude": 9e9, "frequency": 1 }),
            "amplitude",
            "9000000000 is out of range for uint16",
        ),
        (
            json!({ "shape": "square", "amplitude": 2, "frequency": 1 }),
            "amplitude",
            "-2 is out of range for uint16 of 16 bits (0 to 65535)",
        ),
        (json!({ "shape": "steps", "values": [], "dwell": "1ms" }), "values", "there is none"),
        (
            json!({ "shape": "steps", "values": [6, 65536], "dwell": "1ms" }),
            "values[1]",
            "65536 is out of range for uint16",
        ),
        (json!({ "shape": "steps", "values": [6], "dwell": "0s" }), "dwell", "it is 0"),
    ];
    for (waveform, key, text) in cases {
        assert!(names(&with(&format!("{WRITE}/channels/0/waveform"), waveform), &format!("{at}.{key}"), text));
    }
}

#[test]
fn refuses_engine_settings_that_cannot_hold() {
    let cases = [
        (json!({ "priority": 0 }), "engine.priority", "0 is not in 1..=98"),
        (json!({ "priority": 99 }), "engine.priority", "99 is not in 1..=98"),
        (json!({ "deadline": "1ms" }), "engine.deadline", "1ms is not in 0 < deadline < 1ms"),
        (json!({ "guard": "0s" }), "engine.guard", "0ns is not in 0 < guard"),
        (json!({ "spin_margin": "1ms" }), "engine.spin_margin", "1ms is not in 0 < spin_margin < 1ms"),
        (json!({ "spin_margin": "20us", "wait": "spin" }), "engine.spin_margin", "only the wait `hybrid`"),
        (json!({ "watchdog": "1ms" }), "engine.watchdog", "not longer than the cycle"),
        (json!({ "watchdog": "7s" }), "engine.watchdog", "7s is more than 6.5535s"),
        (json!({ "link": "packet", "mode": "zero_copy" }), "engine.mode", "no XDP mode"),
        (json!({ "link": "packet", "wakeup": "always" }), "engine.wakeup", "no wake-up flag"),
        (json!({ "link": "packet", "umem_pages": "huge" }), "engine.umem_pages", "no UMEM"),
        (json!({ "link": "packet", "busy_poll": "auto" }), "engine.busy_poll", "no busy polling"),
        (json!({ "mailbox_gateway": { "udp": false, "tcp": false } }), "engine.mailbox_gateway", "neither UDP nor TCP"),
        (json!({ "busy_poll": { "budget": 0 } }), "engine.busy_poll.budget", "0 frames a look"),
        (
            json!({ "busy_poll": { "gro_flush_timeout": "1ms" } }),
            "engine.busy_poll.gro_flush_timeout",
            "1ms is not longer than the cycle",
        ),
    ];
    for (engine, path, text) in cases {
        assert!(names(&with("/engine", engine), path, text));
    }
}

#[test]
fn finds_every_problem_and_not_only_the_first() {
    let mut rig = with("/network/properties/interface", json!(""));
    set(&mut rig, "/tasks/0/config/sample_rate", json!(300));
    set(&mut rig, "/tasks/0/config/channels/0/pdo", json!("x"));
    set(&mut rig, "/engine", json!({ "priority": 99 }));
    let error = parsed(&rig).validate().unwrap_err();
    let ConfigError::Problems { problems } = &error else { panic!("{error}") };
    let paths: Vec<&str> = problems.iter().map(|p| p.path.as_str()).collect();
    let expected = [
        "network.properties.interface",
        "tasks[0].config.sample_rate",
        "tasks[0].config.stream_rate",
        "tasks[0].config.channels[0].pdo",
        "engine.priority",
    ];
    assert_eq!(paths, [expected[0], expected[1], expected[3], expected[4]]);
    assert!(
        error.to_string().starts_with("4 problems in the rig file:\n  network.properties.interface: it is empty; name")
    );
}

#[test]
fn warns_of_a_scan_task_and_takes_it() {
    let rig = parsed(&with("/tasks/-", json!({ "type": "ethercat_scan", "name": "scan" })));
    assert_eq!(rig.problems(), []);
    let warnings = rig.warnings();
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        warnings[0].to_string(),
        "tasks[2]: a run does not scan; use the scan command for it, or remove the task"
    );
}

#[test]
fn refuses_a_sync_unit_that_is_exchanged_less_often_than_the_watchdog_of_its_outputs() {
    let unit = |every: u16| json!([{ "name": "slow", "every": every, "slaves": ["dev"] }]);
    let text = "`slow` is exchanged every 100ms (100 cycles of 1ms) and has outputs, whose watchdog of 100ms";
    let rig = with("/engine", json!({ "sync_units": unit(100) }));
    assert!(names(&rig, "engine.sync_units[0].every", text));
    assert_eq!(parsed(&with("/engine", json!({ "sync_units": unit(99) }))).problems(), []);
    let mut inputs_only = with("/engine", json!({ "sync_units": unit(1000) }));
    set(&mut inputs_only, "/slaves/0/properties/pdos/outputs", json!([]));
    set(&mut inputs_only, "/tasks", json!([]));
    assert_eq!(parsed(&inputs_only).problems(), []);
}

#[test]
fn refuses_a_sync_unit_of_nobody_or_of_somebody_unknown() {
    let unit = |slaves| with("/engine", json!({ "sync_units": [{ "name": "slow", "every": 2, "slaves": slaves }] }));
    assert!(names(&unit(json!([])), "engine.sync_units[0].slaves", "it is empty"));
    assert!(names(&unit(json!(["dev", "drive"])), "engine.sync_units[0].slaves[1]", "no slave `drive`"));
}

#[test]
fn refuses_a_slave_in_two_sync_units_and_units_of_one_name() {
    let unit = json!({ "name": "slow", "every": 2, "slaves": ["dev"] });
    let rig = with("/engine", json!({ "sync_units": [unit, unit] }));
    assert!(names(&rig, "engine.sync_units[1].name", "is already used in engine.sync_units[0].name"));
    assert!(names(&rig, "engine.sync_units[1].slaves[0]", "is already used in engine.sync_units[0].slaves[0]"));
}

#[test]
fn refuses_an_interval_of_no_cycles_and_a_phase_behind_the_interval() {
    let unit = json!([{ "name": "slow", "every": 0, "phase": 3, "slaves": ["dev"] }]);
    let rig = with("/engine", json!({ "sync_units": unit }));
    assert!(names(&rig, "engine.sync_units[0].every", "0 is not in 1..=65535"));
    assert!(names(&rig, "engine.sync_units[0].phase", "3 is not below `every`"));
}

#[test]
fn refuses_a_slave_without_lrw_that_is_not_there() {
    let rig = with("/engine", json!({ "without_lrw": ["drive"] }));
    assert!(names(&rig, "engine.without_lrw[0]", "no slave `drive`"));
}

#[test]
fn refuses_a_slave_without_status_that_is_not_there() {
    let rig = with("/engine", json!({ "without_status": ["drive"] }));
    assert!(names(&rig, "engine.without_status[0]", "no slave `drive`"));
}

#[test]
fn refuses_a_slave_that_a_scan_could_not_read_and_says_why() {
    let rig = with("/slaves/0/unread", json!("asked for PRE-OP, still shows INIT"));
    assert!(names(
        &rig,
        "slaves[0].unread",
        "the scan could not read what it maps: asked for PRE-OP, still shows INIT"
    ));
}

#[test]
fn refuses_time_outs_of_nothing_and_of_hours() {
    let rig = with("/slaves/0/timeouts", json!({ "preop": "20s", "op": "0s", "mailbox": "2h" }));
    assert!(names(&rig, "slaves[0].timeouts.op", "is not in 1 ms to 10 min"));
    assert!(names(&rig, "slaves[0].timeouts.mailbox", "is not in 1 ms to 10 min"));
    let rig = with("/slaves/0/timeouts", json!({ "preop": "20s", "safeop": "1m", "op": "30s", "mailbox": "4s" }));
    assert_eq!(parsed(&rig).problems(), []);
    assert_eq!(parsed(&rig).slaves[0].timeouts.longer(), std::time::Duration::from_secs(114));
}

#[test]
fn a_stream_rate_that_follows_a_wrong_sample_rate_is_not_told_as_well() {
    let text = "network: { interface: e0, rate: 1000 }\nslaves: [{ key: axis, position: 0 }]\ntasks:\n\
                - { name: r, type: ethercat_read, sample_rate: 0, channels: [axis.0x6041:00] }";
    let problems = zerocat_config::Rig::from_yaml(text).unwrap().problems();
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["tasks[0].sample_rate"], "{problems:?}");
}

/// A rig with an input named `position` and an output that follows this, beside another channel to read.
fn following(followed: &str, other: &str) -> String {
    format!(
        "network: {{ interface: e0, rate: 1000 }}\nslaves: [{{ key: axis, position: 0 }}]\ntasks:\n\
         - {{ name: r, type: ethercat_read, sample_rate: 100, channels: [{{ entry: axis.0x6064:00, name: position }}, {other}] }}\n\
         - {{ name: w, type: ethercat_write, channels: [{{ entry: axis.0x607a:00, initial: {{ from: {followed} }} }}] }}"
    )
}

#[test]
fn a_misspelt_input_is_told_with_the_one_that_was_meant_beside_a_channel_that_cannot_be_read() {
    let told = |followed, other| match zerocat_config::Rig::from_yaml(&following(followed, other)) {
        Ok(rig) => rig.problems(),
        Err(ConfigError::Problems { problems }) => problems,
        Err(other) => panic!("{other}"),
    };
    for other in ["axis.0x6041:00", "axes.0x6041:00"] {
        let problems = told("positon", other);
        let from = problems.iter().find(|problem| problem.path == "tasks[1].channels[0].initial.from").unwrap();
        assert!(from.fix.starts_with("did you mean `position`?"), "{from}");
        assert_eq!(from.candidates[0], "position");
        assert_eq!(problems.len(), 1 + usize::from(other.starts_with("axes")), "{problems:?}");
    }
    // It may be what the other channel was meant to be.
    assert_eq!(told("axes.0x6041:00", "axes.0x6041:00").len(), 1);
}

#[test]
fn a_misspelt_vendor_is_told_with_the_one_that_was_meant() {
    let text = "network: { interface: e0, rate: 1000 }\nslaves: [{ key: axis, position: 0, vendor_id: Beckhof }]";
    let problems = zerocat_config::Rig::from_yaml(text).unwrap().problems();
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert!(problem.fix.starts_with("did you mean `Beckhoff`?"), "{problem}");
    assert_eq!(problem.candidates[0], "Beckhoff");
}

#[test]
fn hold_is_proposed_for_what_is_safe_only() {
    for (key, holds) in [("initial", false), ("safe", true)] {
        let text = format!(
            "network: {{ interface: e0, rate: 1000 }}\nslaves: [{{ key: axis, position: 0 }}]\ntasks:\n\
             - {{ name: w, type: ethercat_write, channels: [{{ entry: axis.0x6060:00, data_type: int8, {key}: 300 }}] }}"
        );
        let problems = zerocat_config::Rig::from_yaml(&text).unwrap().problems();
        let problem = problems.iter().find(|problem| problem.path.ends_with(key)).unwrap();
        assert_eq!(problem.fix.contains("hold"), holds, "{problem}");
    }
}

#[test]
fn refuses_watchdogs_of_a_slave_that_cannot_be_programmed_or_expire_between_exchanges() {
    let own = |watchdog| with("/slaves/0/watchdog", watchdog);
    assert_eq!(parsed(&own(json!({ "process_data": "20ms", "pdi": "0s" }))).problems(), []);
    let path = "slaves[0].watchdog.process_data";
    assert!(names(
        &own(json!({ "process_data": "1ms" })),
        path,
        "not longer than the 1ms from one exchange to the next"
    ));
    assert!(names(&own(json!({ "process_data": "0s" })), path, "not in 100µs to 6.5535s"));
    assert!(names(&own(json!({ "pdi": "7s" })), "slaves[0].watchdog.pdi", "7s is not in"));
    let mut slow = own(json!({ "process_data": "150ms" }));
    set(&mut slow, "/engine", json!({ "sync_units": [{ "name": "slow", "every": 100, "slaves": ["dev"] }] }));
    assert_eq!(parsed(&slow).problems(), []);
    set(&mut slow, "/slaves/0/watchdog/process_data", json!("90ms"));
    assert!(names(&slow, path, "not longer than the 100ms"));
}

#[test]
fn refuses_an_exclusion_of_everybody_and_device_ids_that_are_none_or_twice() {
    let exclude = |kind| with("/network/exclude", json!([kind]));
    assert_eq!(parsed(&exclude(json!({ "vendor_id": "Beckhoff", "product_code": "EL6695" }))).problems(), []);
    assert!(names(&exclude(json!({})), "network.exclude[0]", "would leave out every SubDevice"));
    assert!(names(&exclude(json!({ "vendor_id": "Bekhof" })), "network.exclude[0].vendor_id", "no vendor named"));
    let mut rig = with("/slaves/0/device_id", json!(0));
    assert!(names(&rig, "slaves[0].device_id", "0 is no device ID"));
    set(&mut rig, "/slaves/0/device_id", json!(7));
    assert_eq!(parsed(&rig).problems(), []);
    set(&mut rig, "/slaves/-", json!({ "key": "other", "device_id": 7 }));
    assert!(names(&rig, "slaves[1].device_id", "7 is already used"));
}

#[test]
fn a_serial_number_is_of_one_unit_of_a_kind() {
    let mut rig = sound();
    let mut other = rig["slaves"][0].clone();
    other["key"] = json!("other");
    other["properties"]["position"] = json!(1);
    set(&mut rig, "/slaves/-", other);
    assert!(names(&rig, "slaves[1].properties.serial", "1 is already used in slaves[0].properties.serial"));
    set(&mut rig, "/slaves/1/properties/product_code", json!(4));
    assert!(parsed(&rig).problems().iter().all(|problem| !problem.path.ends_with("serial")));
}

#[test]
fn a_gateway_that_others_reach_and_may_write_through_is_warned_of() {
    let warned = |gateway| {
        let rig = parsed(&with("/engine", json!({ "mailbox_gateway": gateway })));
        rig.warnings().iter().any(|warning| warning.path == "engine.mailbox_gateway.listen")
    };
    assert!(warned(json!({ "listen": "0.0.0.0" })) && warned(json!({ "listen": "::" })));
    assert!(!warned(json!({})) && !warned(json!({ "listen": "0.0.0.0", "read_only": true })));
    assert!(!warned(json!({ "listen": "::1" })));
}

#[test]
fn refuses_retries_and_pauses_of_a_mailbox_without_bound() {
    let settings = json!({"strategy": "strict", "retries": 21, "back_off": "2s"});
    let rig = with("/slaves/0/mailbox", settings);
    assert!(names(&rig, "slaves[0].mailbox.retries", "21 is more than 20"));
    assert!(names(&rig, "slaves[0].mailbox.back_off", "2s is more than 1s"));
}

#[test]
fn the_time_until_a_mail_is_taken_is_bounded_as_the_others() {
    let rig = with("/slaves/0/timeouts", json!({"mailbox_request": "11m"}));
    assert!(names(&rig, "slaves[0].timeouts.mailbox_request", "is not in 1 ms to 10 min"));
}
