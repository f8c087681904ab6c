//! From text to a rig: types, aliases, paths and lines of errors, round trips.

mod support;

use serde_json::{Value, json};
use std::time::Duration;
use support::{names, parsed, refused, set, sound, with, without};
use zerocat_config::dc::{DcSection, Follow, SubDeviceDc, Use};
use zerocat_config::{
    AfterOutage, BusyPoll, BusyPollSettings, ConfigError, EngineSection, LinkKind, Place, ReadTask, Rig, SafeOutputs,
    Source, Target, Task, TextError, TextPlace, Wait, XdpMode,
};
use zerocat_pdi::{DataType, Direction};

const READ: &str = "/tasks/0/config";
const WRITE: &str = "/tasks/1/config";
const INPUT: &str = "/slaves/0/properties/pdos/inputs/0";

fn read_of(rig: &Rig) -> &ReadTask {
    let Task::Read(read) = &rig.tasks[0] else { panic!("{rig:?}") };
    read
}

#[test]
fn leaves_out_what_the_file_leaves_out() {
    let rig = parsed(&sound());
    assert_eq!(rig.engine, EngineSection::default());
    assert!(read_of(&rig).config.data_saving && read_of(&rig).config.channels[0].enabled);
    assert_eq!(read_of(&rig).sinks, []);
    let Task::Write(write) = &rig.tasks[1] else { panic!("{rig:?}") };
    assert_eq!((write.source, write.config.data_saving), (Source::default(), true));
    assert_eq!(write.after_outage, AfterOutage::Acknowledge);
    assert_eq!(rig.period(), Duration::from_millis(1));
    assert_eq!(rig.every(100.0), Some(10));
    assert_eq!(read_of(&rig).config.samples_per_batch(), Some(5));
}

#[test]
fn the_defaults_of_the_engine_are_these() {
    let engine = parsed(&with("/engine", json!({}))).engine;
    assert_eq!((engine.link, engine.mode, engine.queue, engine.cpu), (LinkKind::Xdp, XdpMode::Auto, 0, None));
    assert_eq!((engine.priority, engine.wait, engine.safe_outputs), (80, Wait::Hybrid, SafeOutputs::Zero));
    assert_eq!((engine.deadline, engine.guard, engine.watchdog), (None, None, Duration::from_millis(100)));
}

#[test]
fn reads_every_engine_key() {
    let keys = json!({ "link": "packet", "mode": "native_copy", "queue": 3, "wakeup": "always", "umem_pages": "huge",
        "busy_poll": { "budget": 8, "napi_defer_hard_irqs": 100, "gro_flush_timeout": "3ms" }, "cpu": 1, "priority": 70, "wait": "hybrid",
        "spin_margin": "60us", "dc": "off", "deadline": "800us", "guard": "100us", "watchdog": "20ms", "safe_outputs": "hold",
        "wait_for_subdevices": "10m", "stop": { "time": "2s", "until": null },
        "mailbox_gateway": { "listen": "10.0.0.7", "port": 5000, "udp": true, "tcp": false, "read_only": true },
        "overlap": "auto", "without_lrw": ["dev"], "without_status": ["dev"],
        "sync_units": [{ "name": "slow", "every": 4, "phase": 1, "slaves": ["dev"] }] });
    let engine = parsed(&with("/engine", keys.clone())).engine;
    assert_eq!(
        (engine.link, engine.mode, engine.queue, engine.cpu),
        (LinkKind::Packet, XdpMode::NativeCopy, 3, Some(1))
    );
    assert_eq!((engine.deadline, engine.guard), (Some(Duration::from_micros(800)), Some(Duration::from_micros(100))));
    assert_eq!(engine.spin_margin, Some(Duration::from_micros(60)));
    assert_eq!(serde_json::to_value(&engine).unwrap(), keys);
}

#[test]
fn busy_polling_is_a_word_or_its_settings() {
    let read = |value: Value| parsed(&with("/engine", json!({ "busy_poll": value }))).engine.busy_poll;
    let usual = BusyPollSettings { budget: 64, napi_defer_hard_irqs: 2, gro_flush_timeout: None };
    assert_eq!(read(json!("off")), BusyPoll::Off);
    assert_eq!(read(json!("auto")), BusyPoll::Auto);
    assert_eq!((read(json!("on")), read(json!({}))), (BusyPoll::On(usual), BusyPoll::On(usual)));
    assert_eq!(read(json!({ "budget": 8 })), BusyPoll::On(BusyPollSettings { budget: 8, ..usual }));
    assert_eq!(BusyPoll::Auto.settings(), Some(usual));
    for word in ["off", "auto", "on"] {
        assert_eq!(serde_json::to_value(read(json!(word))).unwrap(), json!(word));
    }
}

#[test]
fn what_is_no_busy_polling_is_refused_with_the_path_of_its_key() {
    for (value, path) in [
        (
            json!("yes"),
            "engine.busy_poll: \"yes\" does not fit; give \"off\", \"auto\", \"on\", or an object with settings",
        ),
        (json!(true), "engine.busy_poll: true stands here; give "),
        (json!({ "budget": 65_536 }), "engine.busy_poll.budget: 65536 is too large, a whole number from 0 to 65535"),
        (json!({ "timeout": "1ms" }), "engine.busy_poll.timeout: there is no such key"),
    ] {
        let error =
            Rig::from_json(&with("/engine", json!({ "busy_poll": value })).to_string()).unwrap_err().to_string();
        assert!(error.contains(path), "{error}");
    }
}

#[test]
fn survives_being_written_and_read_again() {
    let mut rig = with("/tasks/0/sink", json!({ "jsonl": "a.jsonl" }));
    set(&mut rig, "/tasks/-", json!({ "type": "ethercat_scan", "name": "scan" }));
    set(&mut rig, "/engine", json!({ "cpu": 2, "deadline": "250us" }));
    set(&mut rig, "/tasks/1/source", json!("waveform"));
    set(&mut rig, "/tasks/1/after_outage", json!("resume"));
    for (n, waveform) in [
        json!({ "shape": "sine", "amplitude": 1.5, "offset": 2, "frequency": 0.1 }),
        json!({ "shape": "steps", "values": [6, 7, 15], "dwell": "1s 500ms" }),
    ]
    .into_iter()
    .enumerate()
    {
        set(&mut rig, &format!("{WRITE}/channels/{n}/waveform"), waveform);
    }
    let rig = parsed(&rig);
    assert_eq!(Rig::from_json(&rig.to_json().unwrap()).unwrap(), rig);
    assert_eq!(Rig::from_yaml(&rig.to_json().unwrap()).unwrap(), rig);
}

#[test]
fn takes_the_cycle_time_in_place_of_the_rate() {
    let properties = |value: Value| with("/network/properties", value);
    assert_eq!(
        parsed(&properties(json!({ "interface": "eth0", "cycle_time_us": 2000 }))).network.properties.rate,
        500.0
    );
    assert_eq!(parsed(&properties(json!({ "interface": "eth0" }))).network.properties.rate, 1000.0);
    let key = "network.properties.cycle_time_us";
    let both = properties(json!({ "interface": "eth0", "rate": 1000, "cycle_time_us": 1000 }));
    assert!(names(&both, key, "`rate` is given as well; keep `rate`"));
    assert!(names(&properties(json!({ "interface": "eth0", "cycle_time_us": 0 })), key, "it is not more than 0"));
}

#[test]
fn takes_numbers_as_hex_and_decimal_strings() {
    let mut rig = with("/slaves/0/properties/vendor_id", json!("0xdebc0a77"));
    for (key, value) in [("serial", "0x10"), ("product_code", "252"), ("revision", "0XFFFFFFFF"), ("position", "0x2")] {
        set(&mut rig, &format!("/slaves/0/properties/{key}"), json!(value));
    }
    set(&mut rig, &format!("{INPUT}/index"), json!("0x6041"));
    set(&mut rig, &format!("{INPUT}/subindex"), json!("0x0A"));
    set(&mut rig, &format!("{READ}/channels/1/index"), json!("0x6000"));
    set(&mut rig, &format!("{READ}/channels/1/channel"), json!("7"));
    let rig = parsed(&rig);
    let properties = &rig.slaves[0].properties;
    assert_eq!(
        (&properties.serial, &properties.vendor_id, &properties.product_code),
        (&16.into(), &0xdebc_0a77.into(), &252.into())
    );
    assert_eq!((&properties.revision, properties.position), (&u32::MAX.into(), Some(2)));
    assert_eq!((properties.pdos.inputs[0].index, properties.pdos.inputs[0].subindex), (0x6041, 10));
    let place = Place::default();
    let manual = Target::Manual { index: 0x6000, subindex: 2, place, bit_length: 32, data_type: DataType::Float32 };
    assert_eq!((&read_of(&rig).config.channels[1].target, read_of(&rig).config.channels[1].channel), (&manual, 7));
}

#[test]
fn refuses_numbers_that_do_not_fit_with_their_path() {
    let cases = [
        (json!(65536), "65536 is too large, a whole number from 0 to 65535 belongs here, such as 16 or \"0x10\""),
        (json!(-1), "-1 is too small"),
        (json!("0x10000"), "\"0x10000\" does not fit"),
        (json!("0x"), "\"0x\" does not fit"),
        (json!("+5"), "\"+5\" does not fit"),
        (json!("twelve"), "\"twelve\" does not fit"),
        (json!(1.5), "1.5 is no whole number"),
        (json!(null), "nothing (null) stands here"),
    ];
    for (value, text) in cases {
        let error = refused(&with(&format!("{INPUT}/index"), value));
        assert!(error.starts_with(&format!("slaves[0].properties.pdos.inputs[0].index: {text}")), "{error}");
    }
}

#[test]
fn takes_the_aliases_of_subindex() {
    for alias in ["sub_index", "subIndex"] {
        let mut rig = without(&format!("{INPUT}/subindex"));
        set(&mut rig, &format!("{INPUT}/{alias}"), json!(9));
        assert_eq!(parsed(&rig).slaves[0].properties.pdos.inputs[0].subindex, 9);
        let mut rig = without(&format!("{READ}/channels/1/subindex"));
        set(&mut rig, &format!("{READ}/channels/1/{alias}"), json!(9));
        assert!(matches!(read_of(&parsed(&rig)).config.channels[1].target, Target::Manual { subindex: 9, .. }));
        let both = refused(&with(&format!("{INPUT}/{alias}"), json!(9)));
        assert!(both.contains("subindex: it is given twice"), "{both}");
    }
}

#[test]
fn takes_the_aliases_of_channel() {
    let mut rig = without(&format!("{WRITE}/channels/0/channel"));
    set(&mut rig, &format!("{WRITE}/channels/0/cmd_channel"), json!(77));
    set(
        &mut rig,
        &format!("{READ}/channels"),
        json!([{ "device": "dev", "type": "automatic", "pdo": "status", "synnax_channel": 78 }]),
    );
    let rig = parsed(&rig);
    let Task::Write(write) = &rig.tasks[1] else { panic!("{rig:?}") };
    assert_eq!((write.config.channels[0].channel, read_of(&rig).config.channels[0].channel), (77, 78));
    let both = with(&format!("{WRITE}/channels/0/cmd_channel"), json!(10));
    assert!(names(&both, "tasks[1].config.channels[0].cmd_channel", "both `channel` and its alias"));
    let foreign = with(&format!("{READ}/channels/0/cmd_channel"), json!(10));
    assert!(names(&foreign, "tasks[0].config.channels[0].cmd_channel", "does not take this key"));
}

#[test]
fn names_the_path_of_a_wrong_type() {
    let cases = [
        (
            format!("{INPUT}/bit_length"),
            json!("wide"),
            "slaves[0].properties.pdos.inputs[0].bit_length: \"wide\" does not fit",
        ),
        (
            format!("{INPUT}/data_type"),
            json!("float16"),
            "slaves[0].properties.pdos.inputs[0].data_type: `float16` is no data type; one of bool, int8, uint8",
        ),
        (
            format!("{READ}/sample_rate"),
            json!("fast"),
            "tasks[0].config.sample_rate: \"fast\" is text, a number of Hz belongs here, such as 100 (line 1",
        ),
        (
            format!("{READ}/channels/1/enabled"),
            json!(1),
            "tasks[0].config.channels[1].enabled: 1 is a number; give true or false",
        ),
        (
            "/tasks/0/sink".to_owned(),
            json!({ "cvs": "x" }),
            "tasks[0].sink.cvs: there is no such key; did you mean `csv`?",
        ),
        (
            "/engine".to_owned(),
            json!({ "watchdog": "fast" }),
            "engine.watchdog: \"fast\" does not fit, a duration with a unit belongs here",
        ),
        (
            "/engine".to_owned(),
            json!({ "deadline": 5 }),
            "engine.deadline: 5 has no unit; write it as \"5ms\" or \"5us\", in quotation marks",
        ),
        ("/engine".to_owned(), json!({ "wait": "poll" }), "engine.wait: `poll` is none of hybrid, sleep, spin"),
        (
            format!("{WRITE}/channels/0/waveform"),
            json!({ "shape": "steps", "values": [1, "x"], "dwell": "1ms" }),
            "tasks[1].config.channels[0].waveform.values[1]: \"x\" does not fit; give a number, or bytes as",
        ),
    ];
    for (pointer, value, text) in cases {
        let error = refused(&with(&pointer, value));
        assert!(error.starts_with(text), "{error}\nshould start with\n{text}");
    }
}

#[test]
fn names_line_and_column() {
    let text = "{\n  \"network\": 5\n}";
    let error = Rig::from_json(text).unwrap_err();
    let ConfigError::Parse(TextError { path, at: Some(TextPlace { line: 2, column: 14 }), .. }) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(path, "network");
    assert!(error.to_string().ends_with("(line 2, column 14)"), "{error}");
}

#[test]
fn refuses_unknown_keys_everywhere() {
    let places = [
        "",
        "/network",
        "/network/properties",
        "/slaves/0",
        "/slaves/0/properties",
        "/slaves/0/properties/pdos",
        INPUT,
        "/tasks/0",
        READ,
        "/tasks/0/config/channels/0",
        WRITE,
        "/tasks/1/config/channels/0",
    ];
    for place in places {
        let error = refused(&with(&format!("{place}/typo"), json!(1)));
        assert!(error.contains("typo: there is no such key; "), "{place}: {error}");
    }
    let error = refused(&with("/engine", json!({ "typo": 1 })));
    assert!(error.starts_with("engine.typo: there is no such key"), "{error}");
}

#[test]
fn names_the_known_types_for_an_unknown_task() {
    let error = refused(&with("/tasks/1/type", json!("ethercat_play")));
    let text = "tasks[1].type: `ethercat_play` is none of ethercat_read, ethercat_write, ethercat_scan";
    assert!(error.starts_with(text), "{error}");
}

#[test]
fn distributed_clocks_are_a_word_or_an_object() {
    let dc = |value: Value| parsed(&with("/engine", json!({ "dc": value }))).engine.dc;
    assert_eq!(parsed(&sound()).engine.dc, DcSection::from(Use::Auto));
    for (word, usage) in [("off", Use::Off), ("auto", Use::Auto), ("on", Use::On)] {
        assert_eq!((dc(json!(word)), dc(json!({ "use": word }))), (usage.into(), usage.into()));
        assert_eq!(serde_json::to_value(DcSection::from(usage)).unwrap(), json!(word));
    }
    let all = json!({ "use": "on", "reference": "dev", "follow": "host", "lead": "300us", "phase": "250us", "settled_below": "2us",
        "settle_timeout": "10s", "difference_limit": "20us", "difference_time": "200ms" });
    let read = dc(all.clone());
    assert_eq!((read.reference.as_deref(), read.follow), (Some("dev"), Follow::Host));
    assert_eq!((read.lead, read.phase), (Some(Duration::from_micros(300)), Some(Duration::from_micros(250))));
    assert_eq!(serde_json::to_value(read).unwrap(), all);
    let error = refused(&with("/engine", json!({ "dc": "sync0" })));
    assert!(error.starts_with("engine.dc: ") && error.contains("\"auto\""), "{error}");
    let error = refused(&with("/engine", json!({ "dc": { "follow": "ptp" } })));
    assert!(error.starts_with("engine.dc.follow: "), "{error}");
}

#[test]
fn a_subdevice_asks_for_sync_by_name_or_by_number() {
    let dc = |value: Value| parsed(&with("/slaves/0/dc", value)).slaves[0].dc.clone().unwrap();
    assert_eq!(dc(json!({ "mode": "DC" })), SubDeviceDc::mode("DC"));
    let written = json!({ "assign_activate": "0x0700", "sync0": { "cycle": "2ms", "shift_ns": -100_000 },
        "sync1": { "delay": "25us" } });
    let expected = SubDeviceDc::activate(0x0700).cycle(Duration::from_millis(2)).shift_ns(-100_000);
    assert_eq!(dc(written), expected.sync1_after(Duration::from_micros(25)));
}

#[test]
fn names_every_key_that_is_missing_for_its_type() {
    let mut rig = without(&format!("{READ}/sample_rate"));
    rig["tasks"][0]["config"]["channels"][0].as_object_mut().unwrap().remove("pdo");
    rig["tasks"][0]["config"]["channels"][1].as_object_mut().unwrap().remove("subindex");
    assert!(names(&rig, "tasks[0].config.sample_rate", "it is missing; an ethercat_read task needs it"));
    assert!(names(&rig, "tasks[0].config.channels[0].pdo", "an automatic channel needs it"));
    assert!(names(&rig, "tasks[0].config.channels[1].subindex", "a manual channel needs it"));
    assert!(names(&without("/tasks/0/config"), "tasks[0].channels", "it is missing"));
}

#[test]
fn refuses_keys_of_another_type() {
    assert!(names(
        &with(&format!("{READ}/state_rate"), json!(1)),
        "tasks[0].config.state_rate",
        "does not take this key"
    ));
    assert!(names(&with("/tasks/0/source", json!("stdin")), "tasks[0].source", "does not take this key"));
    let resume = json!("resume");
    assert!(names(&with("/tasks/0/after_outage", resume), "tasks[0].after_outage", "does not take this key"));
    assert!(names(
        &with(&format!("{WRITE}/sample_rate"), json!(1)),
        "tasks[1].config.sample_rate",
        "does not take this key"
    ));
    assert!(names(
        &with(&format!("{READ}/channels/0/index"), json!(1)),
        "tasks[0].config.channels[0].index",
        "an automatic channel does not"
    ));
    assert!(names(
        &with(&format!("{READ}/channels/1/pdo"), json!("x")),
        "tasks[0].config.channels[1].pdo",
        "a manual channel does not"
    ));
    assert!(names(
        &with(&format!("{READ}/channels/0/state_channel"), json!(5)),
        "tasks[0].config.channels[0].state_channel",
        "does not take"
    ));
    let scan = json!({ "type": "ethercat_scan", "name": "scan", "sink": { "jsonl": "-" } });
    assert!(names(&with("/tasks/-", scan), "tasks[2].sink", "an ethercat_scan task does not take this key"));
}

#[test]
fn says_what_a_shape_needs() {
    let cases = [
        (json!({ "shape": "sine", "amplitude": 1 }), "missing field `frequency`"),
        (json!({ "shape": "steps", "values": [1] }), "missing field `dwell`"),
        (
            json!({ "shape": "steps", "values": [1], "dwell": "1ms", "offset": 1 }),
            "remove `amplitude`, `offset` and `frequency`",
        ),
        (json!({ "shape": "ramp", "amplitude": 1, "frequency": 1, "dwell": "1ms" }), "belong to shape `steps`"),
    ];
    for (waveform, text) in cases {
        let error = refused(&with(&format!("{WRITE}/channels/0/waveform"), waveform));
        assert!(error.starts_with("tasks[1].config.channels[0].waveform: ") && error.contains(text), "{error}");
    }
}

#[test]
fn resolves_automatic_and_manual_channels_of_enabled_ones_only() {
    let rig = parsed(&sound());
    let read = rig.channels_of(&rig.tasks[0]);
    assert_eq!(read.len(), 2);
    assert_eq!((read[0].slave.as_str(), read[0].pdo.as_str(), read[0].channel), ("dev", "status", 1));
    assert_eq!(
        (read[0].index, read[0].subindex, read[0].bit_length, read[0].data_type),
        (0x6000, 1, 16, DataType::Uint16)
    );
    assert_eq!((read[1].index, read[1].subindex, read[1].data_type), (0x6000, 2, DataType::Float32));
    assert!(read.iter().all(|channel| channel.direction == Direction::Input && channel.state_channel.is_none()));
    let write = rig.channels_of(&rig.tasks[1]);
    assert_eq!(write.len(), 1);
    assert_eq!((write[0].channel, write[0].state_channel, write[0].direction), (10, Some(11), Direction::Output));
}

#[test]
fn reads_yaml_with_paths_and_lines() {
    let text = "network:\n  key: net\n  name: n\n  make: m\n  model: m\n  properties: { interface: eth0, rate: 1000 }\n\
                engine:\n  dc: off\n  watchdog: 50ms\nslaves:\n  - key: dev\n    name: d\n    make: m\n    model: m\n    \
                properties:\n      { serial: 0, vendor_id: 0x2, product_code: 1, revision: 1, name: d, position: 0, pdos: {} }\n";
    let rig = Rig::from_yaml(text).unwrap();
    assert_eq!((rig.engine.watchdog, &rig.slaves[0].properties.vendor_id), (Duration::from_millis(50), &2.into()));
    let error = Rig::from_yaml(&text.replace("watchdog: 50ms", "watchdog: soon")).unwrap_err();
    let said = "engine.watchdog: \"soon\" does not fit, a duration with a unit belongs here, such as \"1ms\" or \"250us\" \
                (line 9, column 13)";
    assert_eq!(error.to_string(), said);
    assert!(Rig::from_yaml(": :\n\t- [").is_err());
}

#[test]
fn takes_comments_trailing_commas_and_a_byte_order_mark() {
    let json = sound().to_string();
    let written =
        json.replacen('{', "\u{feff}{ // the rig\n", 1).replacen("\"slaves\":[", "/* all */ \"slaves\": [", 1);
    let written = written.strip_suffix('}').unwrap().to_owned() + ",\n}\n";
    assert_eq!(Rig::from_json(&written).unwrap(), parsed(&sound()));
}

#[test]
fn refuses_text_after_the_rig_and_broken_json() {
    assert!(Rig::from_json(&format!("{} x", sound())).is_err());
    assert!(Rig::from_json(&format!("{} // done", sound())).is_ok());
    assert!(Rig::from_json("").is_err());
    assert!(Rig::from_json("{").is_err());
}

#[test]
fn a_missing_file_is_named() {
    let error = Rig::load("no/such/rig.json").unwrap_err();
    assert_eq!(error.to_string(), "read no/such/rig.json");
}

#[test]
fn the_schema_takes_what_the_parser_takes_in_canonical_keys() {
    let schema = jsonschema::validator_for(&Rig::schema()).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/demo-rig.json");
    let example: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut all = sound();
    set(&mut all, "/tasks/-", json!({ "type": "ethercat_scan", "name": "scan" }));
    set(&mut all, "/engine", json!({ "cpu": 2, "deadline": "250us", "guard": null, "busy_poll": { "budget": 8 } }));
    for rig in [sound(), example, serde_json::to_value(parsed(&all)).unwrap()] {
        let errors: Vec<String> = schema.iter_errors(&rig).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_the_parser_refuses() {
    let schema = jsonschema::validator_for(&Rig::schema()).unwrap();
    let refused = [
        with("/typo", json!(1)),
        with("/engine", json!({ "typo": 1 })),
        with("/engine", json!({ "dc": "yes" })),
        with("/engine", json!({ "dc": { "typo": 1 } })),
        with("/slaves/0/dc", json!({ "sync0": { "typo": 1 } })),
        with("/engine", json!({ "busy_poll": "yes" })),
        with("/engine", json!({ "busy_poll": { "typo": 1 } })),
        with("/engine", json!({ "umem_pages": "large" })),
        with("/network/properties/typo", json!(1)),
        with("/slaves/0/properties/vendor_id", json!(-1)),
        with(&format!("{INPUT}/index"), json!("0xzz")),
        with("/tasks/0/type", json!("ethercat_play")),
        with("/tasks/1/after_outage", json!("wait")),
        with(&format!("{READ}/typo"), json!(1)),
        with(&format!("{READ}/channels/0/typo"), json!(1)),
        with(&format!("{WRITE}/channels/0/waveform"), json!({ "shape": "sine" })),
    ];
    for rig in refused {
        assert!(Rig::from_json(&rig.to_string()).is_err(), "{rig}");
        assert!(!schema.is_valid(&rig), "{rig}");
    }
}

#[test]
fn the_example_rig_has_no_problems_and_moves_its_servo_only_when_told_to() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/demo-rig.json");
    let rig = Rig::load_valid(path).unwrap();
    assert_eq!(Rig::from_json(&rig.to_json().unwrap()).unwrap(), rig);
    let Some(Task::Write(write)) = rig.tasks.iter().find(|task| matches!(task, Task::Write(_))) else {
        panic!("{rig:?}")
    };
    let channel = |name: &str| {
        let is = |target: &Target| matches!(target, Target::Automatic { pdo } if pdo == name);
        write.config.channels.iter().find(|channel| is(&channel.target)).unwrap()
    };
    assert_eq!(channel("control_word").waveform, None);
    let target = channel("target_position");
    assert!(target.initial.is_some() && target.initial == target.safe && target.waveform.is_none(), "{target:?}");
}

#[test]
fn the_rig_of_the_servo_asks_for_sync0_at_the_cycle_of_the_network() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/servo-rig.json");
    let rig = Rig::load_valid(path).unwrap();
    let asking: Vec<_> = rig.slaves.iter().filter(|slave| slave.dc.is_some()).map(|s| s.key.as_str()).collect();
    assert_eq!(asking, ["axis"]);
}
