//! What an import takes, and what it leaves out.

use super::*;
use zerocat_config::{ReadChannel, Rig, Task, WriteChannel};

const DRIVES: &str = include_str!("../../../esi/tests/samples/network.xml");

/// How many files are changed at random.
const CHANGES: usize = 60;

/// The same of another tool, with every trap.
const ENGINEER: &str = include_str!("../../../esi/tests/samples/ec-engineer.xml");

fn import(xml: &str) -> Import {
    Import::from_bytes(xml.as_bytes(), Some("eth7")).unwrap()
}

/// Both texts are the same rig, and it has no problems.
#[track_caller]
fn rig(import: &Import) -> Rig {
    let [yaml, json] = [DraftFormat::Yaml, DraftFormat::Json].map(|format| import.text(format));
    let rig = Rig::from_yaml(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    assert_eq!(Rig::from_json(&json).unwrap_or_else(|error| panic!("{error}\n{json}")), rig, "{json}");
    assert_eq!(rig.problems(), [], "{yaml}");
    rig
}

fn reads(rig: &Rig) -> &[ReadChannel] {
    let Some(Task::Read(read)) = rig.tasks.first() else { panic!("{rig:?}") };
    &read.config.channels
}

fn writes(rig: &Rig) -> &[WriteChannel] {
    let Some(Task::Write(write)) = rig.tasks.last() else { panic!("{rig:?}") };
    &write.config.channels
}

#[test]
fn subdevices_have_their_identity_and_position() {
    let rig = rig(&import(DRIVES));
    let keys: Vec<&str> = rig.slaves.iter().map(|slave| slave.key.as_str()).collect();
    assert_eq!(keys, ["term_1_ax1004", "drive_2"]);
    let terminal = &rig.slaves[0].properties;
    assert_eq!((terminal.position, terminal.vendor_id.equal()), (Some(0), Some(7)));
    assert_eq!(terminal.revision.to_string(), ">= 0xffff0000");
    assert_eq!((rig.network.properties.interface.as_str(), rig.network.properties.rate), ("eth7", 1000.0));
}

#[test]
fn channels_have_the_names_of_the_process_image() {
    let import = import(DRIVES);
    let rig = rig(&import);
    let names: Vec<&str> = reads(&rig).iter().map(|channel| channel.name.as_str()).collect();
    let expected = [
        "term_1_ax1004_channel_1_input",
        "term_1_ax1004_channel_2_input",
        "drive_2_inputs_status_word",
        "drive_2_inputs_position",
    ];
    assert_eq!(names, expected);
    let [output] = writes(&rig) else { panic!("{rig:?}") };
    assert_eq!((output.name.as_str(), output.enabled), ("drive_2_outputs_control_word", false));
    let told = &import.report().subdevices[1].inputs[1];
    assert_eq!((told.entry.as_str(), told.variable.as_deref()), ("drive_2.0x6064:00", Some("Drive 2.Inputs.Position")));
}

#[test]
fn commands_that_assign_pdos_are_the_assignment_and_others_startup_commands_in_their_order() {
    let rig = rig(&import(DRIVES));
    let objects: Vec<&str> = rig.slaves[1].startup.iter().map(|command| command.object.as_str()).collect();
    assert_eq!(objects, ["0x6060:00"]);
    let assigned = serde_json::to_value(&rig.slaves[1].assign).unwrap();
    assert_eq!(assigned, serde_json::json!({ "inputs": ["0x1a04"], "outputs": ["0x1600"] }));
}

#[test]
fn what_an_assignment_of_a_rig_file_cannot_say_stays_as_it_is() {
    let in_ip = DRIVES.replacen("<InitCmd Fixed=\"true\"><Transition>PS", "<InitCmd Fixed=\"true\"><Transition>IP", 1);
    let rig = rig(&import(&in_ip));
    assert_eq!(rig.slaves[1].assign, zerocat_config::Assignment::default());
    let objects: Vec<&str> = rig.slaves[1].startup.iter().map(|command| command.object.as_str()).collect();
    let assignment = ["0x1c12:00", "0x1c13:00", "0x1c12:01", "0x1c12:00", "0x1c13:01", "0x1c13:00"];
    assert_eq!((&objects[..6], &objects[6..]), (&assignment[..], &["0x6060:00"][..]));
    assert_eq!(rig.slaves[1].startup[4].write().unwrap().data, [0x04, 0x1a]);
}

#[test]
fn a_clock_is_what_the_tool_writes_and_one_that_cannot_be_is_told() {
    let dc = rig(&import(DRIVES)).slaves[1].dc.clone().unwrap();
    let sync0 = dc.sync0.unwrap();
    assert_eq!((dc.assign_activate, sync0.cycle), (Some(0x0300), Some(std::time::Duration::from_millis(1))));
    assert_eq!((sync0.shift_ns, dc.sync1), (Some(-20_000), None));
    let both = DRIVES.replace("<Data>0003</Data>", "<Data>0007</Data>");
    let delay = both.replace("<CycleTime1>0<", "<CycleTime1>250000<");
    let sync1 = rig(&import(&delay)).slaves[1].dc.clone().unwrap().sync1.unwrap();
    assert_eq!(sync1.delay, Some(std::time::Duration::from_micros(250)));
    for (name, odd) in [
        ("before", both.replace("<CycleTime1>0<", "<CycleTime1>-5<")),
        ("multiple", DRIVES.replace("<CycleTime0>1000000<", "<CycleTime0>700000<")),
    ] {
        let import = import(&odd);
        assert_eq!(rig(&import).slaves[1].dc, None);
        let told = NotImported::lines(&import.report().subdevices[1].left_out, 9);
        assert!(told.iter().any(|line| line.contains("AssignActivate") && line.contains(name)), "{told:?}");
    }
}

#[test]
fn what_is_left_out_is_told_with_its_subdevice_and_the_reason() {
    let report = import(DRIVES).report();
    assert_eq!(report.subdevices[0].left_out, []);
    let drive = NotImported::lines(&report.subdevices[1].left_out, 9);
    assert_eq!(drive, ["the command of 0x2000:01: it is disabled in the file"]);
    assert_eq!(report.left_out, []);
}

#[test]
fn names_that_are_missing_or_there_twice_are_made_unique() {
    let anonymous =
        DRIVES.replace("<Name>Drive 2</Name>", "<Name/>").replace("<Name>Drive 2.", "<Name>Term 1 (AX1004).");
    let same = anonymous.replace("Channel 2.Input", "Channel 1.Input");
    let rig = rig(&import(&same));
    assert_eq!(rig.slaves[1].key, "subdevice_1");
    assert_eq!(reads(&rig)[1].name, "term_1_ax1004_channel_1_input_2");
}

#[test]
fn a_variable_that_is_no_entry_is_told_and_an_entry_without_one_is_called_by_its_pdo() {
    let moved = DRIVES.replace("<BitOffs>344</BitOffs>", "<BitOffs>12000</BitOffs>");
    let import = import(&moved);
    assert_eq!(reads(&rig(&import))[3].name, "drive_2_position");
    assert_eq!(import.report().left_out[0].what, "the variable `Drive 2.Inputs.Position`");
}

#[test]
fn a_type_that_the_entry_lacks_is_the_variables_and_else_the_buss() {
    let untyped = DRIVES.replace("<Name>Position</Name><DataType>DINT</DataType>", "<Name>Position</Name>");
    let kind = |text: &str| format!("{:?}", reads(&rig(&import(text)))[3].target);
    assert!(kind(&untyped).contains("Int32"), "{}", kind(&untyped));
    let neither = untyped.replace("<DataType>DINT</DataType>", "<DataType>T_Position</DataType>");
    assert!(kind(&neither).contains("Untyped"), "{}", kind(&neither));
}

#[test]
fn time_outs_that_are_longer_than_ours_are_taken_over() {
    let timed = DRIVES.replace(
        "<InitCmds><InitCmd><Transition>PS</Transition><Comment>set DC",
        "<InitCmds><InitCmd><Transition>IP</Transition><Cmd>4</Cmd><Adp>1002</Adp><Ado>304</Ado><DataLength>6</DataLength>\
         <Validate><Data>020000000000</Data><DataMask>1f0000000000</DataMask><Timeout>5000</Timeout></Validate></InitCmd>\
         <InitCmd><Transition>PS</Transition><Comment>set DC",
    );
    assert_ne!(timed, DRIVES);
    let timeouts = rig(&import(&timed)).slaves[1].timeouts;
    assert_eq!((timeouts.preop, timeouts.safeop), (Some(std::time::Duration::from_secs(5)), None));
}

#[test]
fn no_cut_of_a_file_makes_a_rig_file_with_problems() {
    for (at, _) in DRIVES.match_indices('>') {
        for end in ["", "</Slave></Config></EtherCATConfig>", "</Config></EtherCATConfig>", "</EtherCATConfig>"] {
            let cut = format!("{}{end}", &DRIVES[..=at]);
            if let Ok(import) = Import::from_bytes(cut.as_bytes(), Some("eth7")) {
                rig(&import);
            }
        }
    }
}

#[test]
fn copies_of_a_subdevice_have_keys_and_names_of_their_own_and_each_its_own_pdos() {
    let import = import(ENGINEER);
    let rig = rig(&import);
    let keys: Vec<&str> = rig.slaves.iter().map(|slave| slave.key.as_str()).collect();
    assert_eq!(keys, ["slave_1014_safety_i_o", "drive_a", "drive_a_2", "subdevice_3"]);
    let names: Vec<&str> = reads(&rig).iter().map(|channel| channel.name.as_str()).collect();
    let statuses = ["drive_a_inputs_status_word", "drive_a_inputs_position", "drive_a_inputs_status_word_2"];
    assert_eq!((names[0], &names[1..]), ("slave_1014_safety_i_o_inputs_frame", &statuses[..]));
    let assigned = |n: usize| serde_json::to_value(&rig.slaves[n].assign).unwrap();
    let entries = |all: &[(&str, u8)]| -> serde_json::Value {
        let one = |(object, bits): &(&str, u8)| match *object {
            "" => serde_json::json!({ "bit_length": bits }),
            object => serde_json::json!({ "object": object, "bit_length": bits }),
        };
        all.iter().map(one).collect()
    };
    let outputs = entries(&[("0x6040:00", 16), ("0x607a:00", 32), ("", 8)]);
    let first = serde_json::json!({ "inputs": ["0x1a00"], "outputs": [{ "index": "0x1600", "entries": outputs }] });
    let second = entries(&[("0x6041:00", 16)]);
    let second = serde_json::json!({ "inputs": [{ "index": "0x1a02", "entries": second }] });
    assert_eq!((assigned(1), assigned(2)), (first, second));
}

#[test]
fn a_target_position_follows_the_actual_one_and_bytes_stay_bytes() {
    let rig = rig(&import(ENGINEER));
    let [frame, _, target] = writes(&rig) else { panic!("{rig:?}") };
    let initial = format!("{:?}", target.initial);
    assert!(initial.contains("drive_a.0x6064:00"), "{initial}");
    assert!(format!("{:?}", frame.target).contains("Bytes"), "{frame:?}");
}

#[test]
fn all_that_a_rig_file_has_no_place_for_is_told_of_its_subdevice() {
    let import = import(ENGINEER);
    let rig = rig(&import);
    let report = import.report();
    let told: Vec<_> = report.subdevices.iter().map(|one| NotImported::lines(&one.left_out, 9).join("; ")).collect();
    for (position, part) in [
        (0, "ab01 to register 0x0f00 in SO"),
        (0, "its serial number 77"),
        (2, "the mapping of 0x1a03: the PDO isn't assigned"),
        (2, "commands by EoE (1)"),
        (3, "its hot-connect group"),
        (3, "commands by SoE (1)"),
    ] {
        assert!(told[position].contains(part), "{part} is not in {}", told[position]);
    }
    let network = NotImported::lines(&report.left_out, 9).join("; ");
    for part in ["further cyclic tasks (1)", "1 in CopyInfos", "Inputs.DevState"] {
        assert!(network.contains(part), "{network}");
    }
    let timeouts = &rig.slaves[1].timeouts;
    assert_eq!(timeouts.mailbox, Some(std::time::Duration::from_secs(8)));
    assert_eq!(rig.slaves[0].watchdog.process_data, Some(std::time::Duration::from_millis(200)));
    assert_eq!(rig.engine.dc.reference.as_deref(), Some("drive_a"));
    let transitions: Vec<String> =
        rig.slaves[1].startup.iter().map(|command| format!("{:?}", command.transition)).collect();
    assert_eq!(transitions, ["OpToSafeOp", "InitToPreOp", "SafeOpToOp"]);
}

#[test]
fn a_watchdog_that_no_rig_file_can_have_is_told() {
    let at = |ticks: &str| {
        ENGINEER.replace("<Ado>1056</Ado><Data>d007</Data>", &format!("<Ado>1056</Ado><Data>{ticks}</Data>"))
    };
    for (ticks, is) in [("0000", None), ("0200", None), ("0300", Some(std::time::Duration::from_micros(300)))] {
        let import = import(&at(ticks));
        assert_eq!(rig(&import).slaves[0].watchdog.process_data, is, "{ticks}");
        let told = NotImported::lines(&import.report().subdevices[0].left_out, 9).join("; ");
        assert_eq!(told.contains("over its outputs"), is.is_none(), "{told}");
    }
}

/// A file with some pieces put in place of others, so that often it is still one.
fn changed(random: &mut fastrand::Rng) -> String {
    const PIECES: [&str; 14] = [
        "0",
        "1",
        "-1",
        "65535",
        "4294967295",
        "#x1a00",
        "0x1600",
        "7186",
        "PS",
        "<Pdo>#x1600</Pdo>",
        "<BitLen>255</BitLen>",
        "<Slave><Info/></Slave>",
        "\u{e4} \"'",
        "Name",
    ];
    let mut text = if random.bool() { DRIVES } else { ENGINEER }.to_owned();
    for _ in 0..random.usize(1..4) {
        // The content of an element without children.
        let at = |found: &str, text: &str| text.match_indices(found).map(|(at, _)| at).collect::<Vec<_>>();
        let ends = at("</", &text);
        let end = ends[random.usize(..ends.len())];
        let begin = text[..end].rfind('>').map_or(0, |at| at + 1);
        let other = ends[random.usize(..ends.len())];
        let piece = match random.bool() {
            true => PIECES[random.usize(..PIECES.len())].to_owned(),
            false => text[text[..other].rfind('>').map_or(0, |at| at + 1)..other].to_owned(),
        };
        text.replace_range(begin..end, &piece);
    }
    text
}

#[test]
fn no_change_to_a_file_makes_a_rig_file_with_problems() {
    let (mut random, mut read) = (fastrand::Rng::with_seed(7), 0);
    for _ in 0..CHANGES {
        let text = changed(&mut random);
        if let Ok(import) = Import::from_bytes(text.as_bytes(), Some("eth7")) {
            read += 1;
            rig(&import);
        }
    }
    assert!(read > CHANGES / 10, "{read} of {CHANGES} could be read");
}
