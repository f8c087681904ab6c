//! The rig file as a person writes it: short, by reference, with names; and the same rig in the specification's form.

use serde_json::{Value, json};
use zerocat_config::{
    By, EntryAddress, EntryType, Format, Match, Order, OutputValue, Place, Reference, Rig, Rule, Source, Stdin, Target,
    Task,
};
use zerocat_pdi::{DataType, Direction};

fn read(rig: &Value) -> Rig {
    Rig::from_json(&rig.to_string()).unwrap_or_else(|error| panic!("{error}"))
}

/// A drive with one read and one write task, whose channels are these.
fn drive(inputs: Value, outputs: Value) -> Value {
    json!({
        "network": { "interface": "eth1" },
        "slaves": [{ "key": "axis", "position": 1 }],
        "tasks": [
            { "type": "ethercat_read", "name": "in", "sample_rate": 100, "channels": inputs },
            { "type": "ethercat_write", "name": "out", "channels": outputs }
        ]
    })
}

/// The same with the read task alone.
fn reader(inputs: Value) -> Value {
    let mut rig = drive(inputs, json!([]));
    if let Some(tasks) = rig["tasks"].as_array_mut() {
        tasks.truncate(1);
    }
    rig
}

fn status() -> Value {
    json!({ "entry": "axis.0x6041:00", "data_type": "uint16" })
}

fn names(rig: &Rig) -> Vec<String> {
    rig.tasks.iter().flat_map(|task| rig.channels_of(task)).map(|channel| channel.name).collect()
}

/// Path and rule of each problem, of parsing or of the rules.
fn problems(rig: &Value) -> Vec<(String, Rule)> {
    let problems = match Rig::from_json(&rig.to_string()) {
        Ok(rig) => rig.problems(),
        Err(zerocat_config::ConfigError::Problems { problems }) => problems,
        Err(other) => panic!("{other}"),
    };
    problems.into_iter().map(|problem| (problem.path, problem.rule)).collect()
}

#[test]
fn what_has_a_default_may_be_left_out() {
    let rig = read(&drive(json!([status()]), json!([{ "entry": "axis.0x6040:00", "data_type": "uint16" }])));
    assert_eq!(rig.problems(), []);
    assert_eq!((rig.network.key.as_str(), rig.network.properties.rate), ("network", 1000.0));
    let [Task::Read(read), Task::Write(write)] = rig.tasks.as_slice() else { panic!("{:?}", rig.tasks) };
    assert_eq!(
        (read.config.device.as_str(), read.config.stream_rate, write.config.state_rate),
        ("network", 10.0, 10.0)
    );
    assert!(rig.slaves[0].properties.vendor_id.is_any());
    assert_eq!(
        read.config.channels[0].target,
        Target::Manual {
            index: 0x6041,
            subindex: 0,
            place: Default::default(),
            bit_length: 16,
            data_type: DataType::Uint16
        }
    );
}

#[test]
fn both_spellings_are_the_same_rig() {
    let flat = json!({
        "network": { "key": "n", "interface": "eth1", "rate": 500 },
        "slaves": [{ "key": "axis", "position": 1, "vendor_id": 2, "pdos": {} }],
        "tasks": [{ "type": "ethercat_read", "name": "in", "device": "n", "sample_rate": 100, "stream_rate": 20,
                    "channels": [status()] }]
    });
    let nested = json!({
        "network": { "key": "n", "properties": { "interface": "eth1", "rate": 500 } },
        "slaves": [{ "key": "axis", "properties": { "position": 1, "vendor_id": 2, "pdos": {} } }],
        "tasks": [{ "type": "ethercat_read", "name": "in",
                    "config": { "device": "n", "sample_rate": 100, "stream_rate": 20, "channels": [status()] } }]
    });
    assert_eq!(read(&flat).to_json().unwrap(), read(&nested).to_json().unwrap());
    let mut both = flat;
    both["network"]["properties"] = json!({ "interface": "eth2" });
    assert_eq!(problems(&both), [("network.interface".to_owned(), Rule::Duplicate)]);
}

#[test]
fn paths_in_messages_are_those_of_the_file() {
    let mut rig = drive(json!([status()]), json!([{ "entry": "axis.0x6040:00", "data_type": "uint16" }]));
    rig["tasks"][0]["stream_rate"] = json!(30);
    assert_eq!(problems(&rig), [("tasks[0].stream_rate".to_owned(), Rule::RateNotWhole)]);
    rig["network"]["rate"] = json!(-1);
    assert_eq!(problems(&rig), [("network.rate".to_owned(), Rule::OutOfRange)], "and nothing that follows from it");
}

#[test]
fn a_channel_may_be_just_an_entry_where_the_slave_lists_it() {
    let mut rig = drive(json!(["axis.status_word", "axis.0x6041:00.3", "axis.status_word.9"]), json!([]));
    rig["slaves"][0]["pdos"] = json!({ "inputs": [
        { "name": "status_word", "index": "0x6041", "subindex": 0, "bit_length": 16, "data_type": "uint16" }
    ] });
    rig["tasks"].as_array_mut().unwrap().truncate(1);
    let rig = read(&rig);
    assert_eq!(rig.problems(), []);
    assert_eq!(names(&rig), ["axis_status_word", "axis_status_word_bit3", "axis_status_word_bit9"]);
}

#[test]
fn an_entry_without_a_type_is_left_to_the_bus() {
    let rig = read(&reader(json!(["axis.0x6041:00", "axis.0x6041:00.3"])));
    assert_eq!(rig.problems(), []);
    let entry = EntryAddress {
        slave: "axis".to_owned(),
        direction: Direction::Input,
        index: 0x6041,
        subindex: 0,
        place: Place::default(),
    };
    assert_eq!((rig.untyped(), rig.channels_of(&rig.tasks[0])), (vec![entry], vec![]));
    let typed = rig.with_types(|_| Some(EntryType { bit_length: 16, data_type: DataType::Uint16 }));
    assert_eq!(names(&typed), ["axis_0x6041_00", "axis_0x6041_00_bit3"]);
    assert_eq!((typed.untyped(), typed.problems()), (vec![], vec![]));
    assert_eq!(read(&serde_json::from_str(&rig.to_json().unwrap()).unwrap()).untyped(), rig.untyped());
}

#[test]
fn a_length_alone_is_no_type_and_a_key_that_no_slave_has_is_told() {
    let rig = reader(json!([{ "entry": "axis.0x6041:00", "bit_length": 16 }]));
    assert_eq!(problems(&rig), [("tasks[0].channels[0].data_type".to_owned(), Rule::KeyMissing)]);
    let rig = reader(json!(["axle.0x6041:00"]));
    assert_eq!(problems(&rig), [("tasks[0].channels[0].entry".to_owned(), Rule::UnknownReference)]);
}

#[test]
fn a_type_that_stands_once_is_that_of_all_channels_of_the_entry() {
    let mut rig = reader(json!(["axis.0x6041:00"]));
    let other = json!({ "type": "ethercat_read", "name": "slow", "sample_rate": 10, "channels": [status()] });
    rig["tasks"].as_array_mut().unwrap().push(other);
    let rig = read(&rig);
    assert_eq!((rig.untyped(), rig.problems()), (vec![], vec![]));
    assert_eq!(names(&rig), ["axis_0x6041_00", "axis_0x6041_00"]);
}

#[test]
fn values_are_checked_when_the_bus_has_said_the_type_in_the_words_of_a_file_that_says_it() {
    let output = |more: &Value| {
        let mut output = json!({ "entry": "axis.0x607a:00", "safe": { "from": "where" }, "initial": 70000 });
        output.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        drive(json!([{ "entry": "axis.0x6064:00", "name": "where" }]), json!([output]))
    };
    let rig = read(&output(&json!({})));
    assert_eq!(rig.problems(), [], "the bus may say that both are of the same type, and wide enough");
    let typed = rig.with_types(|entry| {
        let (bit_length, data_type) =
            if entry.index == 0x607a { (16, DataType::Uint16) } else { (32, DataType::Int32) };
        Some(EntryType { bit_length, data_type })
    });
    let written = read(&output(&json!({ "data_type": "uint16" })));
    let written = written.with_types(|_| Some(EntryType { bit_length: 32, data_type: DataType::Int32 }));
    assert_eq!(typed.problems(), written.problems());
    let paths: Vec<_> = typed.problems().into_iter().map(|problem| (problem.path, problem.rule)).collect();
    let at = |key: &str| (format!("tasks[1].channels[0].{key}"), Rule::TypeMismatch);
    assert_eq!(paths, [at("initial"), at("safe.from")]);
}

#[test]
fn what_is_followed_must_be_an_input_also_where_no_type_is_known() {
    let rig = drive(json!(["axis.0x6064:00"]), json!([{ "entry": "axis.0x607a:00", "safe": { "from": "wher" } }]));
    assert_eq!(problems(&rig), [("tasks[1].channels[0].safe.from".to_owned(), Rule::UnknownReference)]);
    let mut rig = drive(json!(["axis.0x6064:00"]), json!([{ "entry": "axis.0x607a:00", "data_type": "int32" }]));
    rig["engine"] =
        json!({ "stop": { "until": { "channel": "axis_0x6064_00", "min": -5, "max": 5, "at_most": "1s" } } });
    assert_eq!(problems(&rig), []);
}

#[test]
fn names_are_made_of_key_and_entry_and_are_stable() {
    let mut rig = drive(
        json!([status(), { "entry": "axis.0x6064:00", "data_type": "int32", "name": "where", "unit": "mm" }]),
        json!([{ "entry": "axis.0x6040:00.4", "data_type": "uint16" }]),
    );
    rig["slaves"][0]["key"] = json!("axis");
    let rig = read(&rig);
    assert_eq!(names(&rig), ["axis_0x6041_00", "where", "axis_0x6040_00_bit4"]);
    let channels = rig.channels_of(&rig.tasks[0]);
    assert_eq!((channels[1].unit.as_deref(), channels[1].numbered), (Some("mm"), false));
    assert!(channels[0].channel != channels[1].channel, "numbers are given to those without");
}

#[test]
fn a_channel_answers_to_its_name_its_number_and_its_entry() {
    let rig = read(&drive(json!([{ "entry": "axis.0x6041:00", "data_type": "uint16", "channel": 7 }]), json!([])));
    for reference in ["axis_0x6041_00", "7", "axis.0x6041:00", "axis.0x6041:0"] {
        let found = rig.read_channel(&Reference::parse(reference));
        assert_eq!(found.map(|channel| channel.channel), Some(7), "{reference}");
    }
    for reference in ["axis_status", "8", "axis.0x6041:01", "axis.0x6041:00.1"] {
        assert_eq!(rig.read_channel(&Reference::parse(reference)), None, "{reference}");
    }
}

#[test]
fn one_entry_may_be_in_several_read_tasks_and_two_may_not_share_a_name() {
    let numbered = json!({ "entry": "axis.0x6041:00", "data_type": "uint16", "channel": 7 });
    let mut rig = drive(json!([numbered]), json!([{ "entry": "axis.0x6040:00", "data_type": "uint16" }]));
    let mut second = rig["tasks"][0].clone();
    second["name"] = json!("again");
    rig["tasks"].as_array_mut().unwrap().push(second);
    assert_eq!(problems(&rig), []);
    rig["tasks"][1]["channels"][0]["name"] = json!("axis_0x6041_00");
    assert_eq!(problems(&rig).into_iter().map(|(_, rule)| rule).next(), Some(Rule::Duplicate));
    rig["tasks"][1]["channels"][0]["name"] = json!("axis status");
    assert_eq!(problems(&rig), [("tasks[1].channels[0].name".to_owned(), Rule::Name)]);
}

#[test]
fn an_output_may_follow_an_input_of_its_type() {
    let target = |initial: Value| {
        let output = json!({ "entry": "axis.0x607a:00", "data_type": "int32", "initial": initial, "safe": "hold" });
        drive(json!([{ "entry": "axis.0x6064:00", "data_type": "int32" }, status()]), json!([output]))
    };
    for from in ["axis_0x6064_00", "axis.0x6064:00", "axis.0x6065:00"] {
        let rig = read(&target(json!({ "from": from })));
        assert_eq!(rig.problems(), [], "{from}");
        let Task::Write(write) = &rig.tasks[1] else { panic!("{:?}", rig.tasks) };
        assert_eq!(write.config.channels[0].initial, Some(OutputValue::From(Reference::parse(from))));
    }
    let at = |key: &str| format!("tasks[1].channels[0].initial{key}");
    assert_eq!(problems(&target(json!({ "from": "axis_0x6041_00" }))), [(at(".from"), Rule::TypeMismatch)]);
    assert_eq!(problems(&target(json!({ "from": "nobody" }))), [(at(".from"), Rule::UnknownReference)]);
    assert_eq!(problems(&target(json!("hold"))), [(at(""), Rule::Conflict)]);
    assert_eq!(problems(&target(json!(1.5))), [(at(""), Rule::TypeMismatch)]);
}

#[test]
fn a_task_may_have_several_sinks() {
    let mut rig = drive(json!([status()]), json!([]));
    rig["tasks"].as_array_mut().unwrap().truncate(1);
    rig["tasks"][0]["sink"] = json!([{ "jsonl": "-" }, { "csv": "a.csv", "by": "name", "header": false }]);
    let sinks = read(&rig).tasks[0].sinks().to_vec();
    assert_eq!((sinks[0].is_stdout(), sinks[0].by, sinks[0].header), (true, None, true));
    assert_eq!((&sinks[1].format, sinks[1].by, sinks[1].header), (&Format::Csv("a.csv".into()), Some(By::Name), false));
    rig["tasks"][0]["sink"] = json!([{ "jsonl": "a.csv" }, { "csv": "./a.csv", "by": "number" }]);
    let found = problems(&rig);
    assert!(found.contains(&("tasks[0].sink[1].csv".to_owned(), Rule::Duplicate)), "{found:?}");
    assert!(found.contains(&("tasks[0].sink[1].by".to_owned(), Rule::KeyMissing)), "{found:?}");
}

#[test]
fn lines_of_states_by_number_need_the_number_of_each_state() {
    let by_number = |key: &str| {
        let mut output = json!({ "entry": "axis.0x6040:00", "data_type": "uint16" });
        output[key] = json!(7);
        let mut rig = drive(json!([status()]), json!([output]));
        rig["tasks"][1]["sink"] = json!({ "jsonl": "a.jsonl", "by": "number" });
        let problems = Rig::from_json(&rig.to_string()).unwrap().problems();
        problems.into_iter().find(|problem| problem.path == "tasks[1].sink.by").map(|problem| problem.to_string())
    };
    assert_eq!(by_number("state_channel"), None);
    let refusal = by_number("channel").unwrap();
    assert!(refusal.contains("has no `state_channel`"), "{refusal}");
    assert!(refusal.contains("give each enabled channel a `state_channel`, or use names"), "{refusal}");
}

#[test]
fn a_timeout_is_longer_than_a_cycle() {
    let refusal = |timeout: &str| {
        let mut rig = drive(json!([status()]), json!([{ "entry": "axis.0x6040:00", "data_type": "uint16" }]));
        rig["tasks"][1]["source"] = json!({ "type": "stdin", "timeout": timeout });
        let problems = Rig::from_json(&rig.to_string()).unwrap().problems();
        problems
            .into_iter()
            .find(|problem| problem.path == "tasks[1].source.timeout")
            .map(|problem| problem.to_string())
    };
    assert!(refusal("1us").unwrap().contains("1µs is not longer than the cycle of"));
    assert!(refusal("0s").unwrap().contains("it is 0"));
    assert_eq!(refusal("500ms"), None);
}

#[test]
fn a_source_is_a_word_or_says_more() {
    let source = |source: Value| {
        let mut rig = drive(json!([status()]), json!([{ "entry": "axis.0x6040:00", "data_type": "uint16" }]));
        rig["tasks"][1]["source"] = source;
        let rig = read(&rig);
        let Task::Write(write) = &rig.tasks[1] else { panic!("{:?}", rig.tasks) };
        write.source
    };
    assert_eq!(source(json!("stdin")), Source::Stdin(Stdin { timeout: None, commands: Order::Newest }));
    let timeout = Some(std::time::Duration::from_millis(500));
    let said = json!({ "type": "stdin", "timeout": "500ms", "commands": "in_turn" });
    assert_eq!(source(said), Source::Stdin(Stdin { timeout, commands: Order::InTurn }));
}

#[test]
fn identity_may_be_equal_at_least_any_or_a_name() {
    let mut rig = drive(json!([status()]), json!([]));
    rig["tasks"].as_array_mut().unwrap().truncate(1);
    rig["slaves"][0]["vendor_id"] = json!("Beckhoff Automation");
    rig["slaves"][0]["product_code"] = json!("EL7211");
    rig["slaves"][0]["revision"] = json!(">= 0x00100000");
    rig["slaves"][0]["serial"] = json!("any");
    let properties = read(&rig).slaves[0].properties.clone();
    assert_eq!(properties.product_code, Match::Name("EL7211".to_owned()));
    assert_eq!((properties.revision, properties.serial), (Match::AtLeast(0x0010_0000), Match::Any));
    rig["slaves"][0]["vendor_id"] = json!("Nobody Ltd");
    rig["slaves"][0]["serial"] = json!("S123");
    let expected = [("slaves[0].serial", Rule::TypeMismatch), ("slaves[0].vendor_id", Rule::UnknownReference)];
    assert_eq!(problems(&rig), expected.map(|(path, rule)| (path.to_owned(), rule)));
}

#[test]
fn commands_of_transitions_back_and_optional_slaves_are_taken() {
    let mut rig = drive(json!([status()]), json!([]));
    rig["tasks"].as_array_mut().unwrap().truncate(1);
    rig["slaves"][0]["startup"] = json!([{ "transition": "OS", "object": "0x8010:01", "value": "05" }]);
    rig["slaves"][0]["optional"] = json!(true);
    assert_eq!(problems(&rig), []);
}

#[test]
fn limits_are_times_and_counts_that_can_be_met() {
    let mut rig = drive(json!([status()]), json!([]));
    rig["tasks"].as_array_mut().unwrap().truncate(1);
    rig["limits"] =
        json!({ "lost_cycles": 0, "round_trip": { "p99": "500us", "max": "400us" }, "faults": { "lost": 2 } });
    assert_eq!(problems(&rig)[0], ("limits.round_trip.max".to_owned(), Rule::Conflict));
}

#[test]
fn a_duplicate_key_is_one_problem() {
    let mut rig = drive(json!([status(), { "entry": "axis.0x6064:00", "data_type": "int32" }]), json!([]));
    rig["tasks"].as_array_mut().unwrap().truncate(1);
    rig["slaves"].as_array_mut().unwrap().push(json!({ "key": "axis", "position": 2 }));
    assert_eq!(problems(&rig), [("slaves[1].key".to_owned(), Rule::Duplicate)]);
}

#[test]
fn paths_count_from_the_folder_of_the_file() {
    let folder = std::env::temp_dir().join(format!("zerocat-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut rig = drive(json!([status()]), json!([]));
    rig["tasks"].as_array_mut().unwrap().truncate(1);
    rig["tasks"][0]["sink"] = json!([{ "jsonl": "a.jsonl" }, { "jsonl": "-" }]);
    std::fs::write(folder.join("rig.json"), rig.to_string()).unwrap();
    let read = Rig::load(folder.join("rig.json")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let paths: Vec<_> = read.tasks[0].sinks().iter().map(|sink| sink.path().to_owned()).collect();
    assert_eq!(paths, [folder.join("a.jsonl"), "-".into()]);
}

#[test]
fn the_rig_file_is_no_sink_of_its_own_tasks() {
    let folder = std::env::temp_dir().join(format!("zerocat-config-own-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut rig = drive(json!([status()]), json!([]));
    rig["tasks"].as_array_mut().unwrap().truncate(1);
    let mut load = |sink: &str| {
        rig["tasks"][0]["sink"] = json!({ "jsonl": sink });
        std::fs::write(folder.join("rig.json"), rig.to_string()).unwrap();
        Rig::load_valid(folder.join("rig.json")).map(drop).map_err(|error| error.to_string())
    };
    let (own, other) = (load("./rig.json"), load("other.json"));
    std::fs::remove_dir_all(&folder).unwrap();
    let own = own.unwrap_err();
    assert!(own.contains("tasks[0].sink.jsonl") && own.contains("rig.json` is the rig file itself"), "{own}");
    assert_eq!(other, Ok(()));
}

#[test]
fn a_missing_key_and_a_broken_rule_are_told_together_and_nothing_that_follows_from_the_first() {
    let unreadable = json!({ "entry": "axle.0x6064:00", "name": "where" });
    let outputs = json!([
        { "entry": "axis.0x607a:00", "safe": { "from": "where" } },
        { "entry": "axis.0x6040:00", "data_type": "uint16", "name": "control word", "initial": 70000 }
    ]);
    let mut rig = drive(json!([unreadable, status()]), outputs);
    rig["tasks"][0].as_object_mut().unwrap().remove("sample_rate");
    rig["engine"] = json!({ "priority": 99 });
    let mut found = problems(&rig);
    found.sort();
    let expected = [
        ("engine.priority", Rule::OutOfRange),
        ("tasks[0].channels[0].entry", Rule::UnknownReference),
        ("tasks[0].sample_rate", Rule::KeyMissing),
        ("tasks[1].channels[1].initial", Rule::TypeMismatch),
        ("tasks[1].channels[1].name", Rule::Name),
    ];
    assert_eq!(found, expected.map(|(path, rule)| (path.to_owned(), rule)));
}

#[test]
fn a_network_without_an_interface_and_a_task_without_channels_hide_nothing_else() {
    let mut rig = drive(json!([status()]), json!([status()]));
    rig["network"] = json!({ "rate": 0 });
    rig["tasks"][0].as_object_mut().unwrap().remove("channels");
    let mut found = problems(&rig);
    found.sort();
    let expected = [
        ("network.interface", Rule::KeyMissing),
        ("network.rate", Rule::OutOfRange),
        ("tasks[0].channels", Rule::KeyMissing),
    ];
    assert_eq!(found, expected.map(|(path, rule)| (path.to_owned(), rule)));
}

#[test]
fn an_entry_of_a_slave_has_the_length_of_its_type_and_bytes_must_say_theirs() {
    let mut rig = reader(json!(["axis.status"]));
    let entry = |data_type: &str| json!({ "name": "status", "index": "0x6041", "subindex": 0, "data_type": data_type });
    rig["slaves"][0]["pdos"] = json!({ "inputs": [entry("INT")] });
    let typed = read(&rig);
    assert_eq!((typed.problems(), typed.channels_of(&typed.tasks[0])[0].bit_length), (vec![], 16));
    rig["slaves"][0]["pdos"] = json!({ "inputs": [entry("bytes")] });
    assert_eq!(problems(&rig), [("slaves[0].pdos.inputs[0].bit_length".to_owned(), Rule::TypeMismatch)]);
}
