//! What an import takes, and what it leaves out.

use super::*;
use zerocat_config::{ReadChannel, Rig, Task, WriteChannel};

const DRIVES: &str = include_str!("../../../esi/tests/samples/network.xml");

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
fn commands_of_the_tool_are_startup_commands_in_its_order() {
    let rig = rig(&import(DRIVES));
    let objects: Vec<&str> = rig.slaves[1].startup.iter().map(|command| command.object.as_str()).collect();
    let assignment = ["0x1c12:00", "0x1c13:00", "0x1c12:01", "0x1c12:00", "0x1c13:01", "0x1c13:00"];
    assert_eq!(objects[..6], assignment);
    assert_eq!(objects[6..], ["0x6060:00"]);
    assert_eq!(rig.slaves[1].startup[4].write().unwrap().data, [0x04, 0x1a]);
}

#[test]
fn what_is_left_out_is_told_with_its_subdevice_and_the_reason() {
    let report = import(DRIVES).report();
    assert_eq!(report.subdevices[0].left_out, []);
    let drive = NotImported::lines(&report.subdevices[1].left_out, 9);
    assert_eq!(drive[0], "the command of 0x2000:01: it is disabled in the file");
    assert!(drive[1].contains("AssignActivate 0x0300"), "{drive:?}");
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
