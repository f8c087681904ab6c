use super::*;
use crate::data_type::DataType;

const DRIVES: &[u8] = include_bytes!("../../tests/samples/network.xml");

/// The same of another tool, with every trap.
const ENGINEER: &[u8] = include_bytes!("../../tests/samples/ec-engineer.xml");

fn refused(text: &str) -> String {
    Network::from_bytes(text.as_bytes()).unwrap_err().to_string()
}

fn changed(from: &str, to: &str) -> String {
    let text = std::str::from_utf8(DRIVES).unwrap();
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

#[test]
fn a_network_has_its_subdevices_variables_and_cycle() {
    let network = Network::from_bytes(DRIVES).unwrap();
    let [terminal, drive] = network.subdevices.as_slice() else { panic!("{:?}", network.subdevices) };
    assert_eq!((terminal.name.as_str(), terminal.identity.revision), ("Term 1 (AX1004)", 0xffff_0000));
    assert_eq!(terminal.input_area, Some(Area { at: 320, bits: 4 }));
    assert_eq!(terminal.inputs.iter().map(|pdo| pdo.index).collect::<Vec<_>>(), [0x1a00, 0x1a01]);
    assert_eq!(drive.inputs[0].entries[1].data_type, DataType::I32);
    let clock = Clock { assign_activate: 0x0300, cycle_0: 1_000_000, cycle_1: 0, shift: -20_000 };
    assert_eq!((terminal.clock, drive.clock), (None, Some(clock)));
    assert_eq!(network.cycle, Some(Duration::from_millis(1)));
    assert_eq!(network.inputs[0].name, "Term 1 (AX1004).Channel 1.Input");
}

#[test]
fn commands_of_pdos_are_told_from_those_of_the_user() {
    let network = Network::from_bytes(DRIVES).unwrap();
    let (pdos, users): (Vec<_>, Vec<_>) = network.subdevices[1].coe.iter().partition(|one| one.is_of_pdos());
    assert_eq!(pdos.len(), 6);
    let [user] = users.as_slice() else { panic!("{users:?}") };
    assert_eq!((user.index, user.subindex, user.data.as_slice()), (0x6060, 0, &[8][..]));
    assert_eq!((user.transitions.as_slice(), user.comment.as_str()), (&["PS".to_owned()][..], "Op mode"));
}

#[test]
fn what_is_no_value_is_said() {
    let network = Network::from_bytes(DRIVES).unwrap();
    let disabled = LeftOut::of(1, "the command of 0x2000:01", "it is disabled in the file");
    assert_eq!(network.left_out, [disabled]);
}

#[test]
fn numbers_names_and_commands_of_another_tool_are_read() {
    let network = Network::from_bytes(ENGINEER).unwrap();
    let [safety, drive, copy, nameless] = network.subdevices.as_slice() else { panic!("{:?}", network.subdevices) };
    assert_eq!((safety.name.as_str(), drive.name.as_str()), ("Slave_1014 [Safety & I/O]", "Drive A"));
    assert_eq!((safety.identity.vendor, safety.identity.revision), (0x7a63, 0x8000_0001));
    assert_eq!((nameless.name.as_str(), nameless.identity.revision), ("", u32::MAX));
    assert_eq!(safety.timeouts.safeop, Some(Duration::from_secs(15)));
    assert_eq!((safety.output_area, safety.input_area.map(|area| area.at)), (Some(Area { at: 0, bits: 64 }), Some(0)));
    assert_eq!(safety.outputs[0].name, "Outputs");
    assert_eq!(drive.pdo_objects.mapped(0x1600).unwrap(), [(0x6040, 0, 16), (0x607a, 0, 32), (0, 0, 8)]);
    assert_eq!(drive.coe[3].comment, "restore defaults");
    assert_eq!(copy.inputs.iter().map(|pdo| (pdo.index, pdo.entries.len())).collect::<Vec<_>>(), [(0x1a02, 1)]);
    assert_eq!(network.cycle, Some(Duration::from_micros(250)));
}

#[test]
fn a_potential_reference_clock_alone_is_no_clock() {
    let network = Network::from_bytes(ENGINEER).unwrap();
    let clock = Clock { assign_activate: 0x0700, cycle_0: 250_000, cycle_1: 125, shift: 0 };
    let clocks: Vec<_> = network.subdevices.iter().map(|subdevice| (subdevice.clock, subdevice.reference)).collect();
    assert_eq!(clocks, [(None, false), (Some(clock), true), (None, false), (None, false)]);
}

#[test]
fn a_data_type_that_is_mapped_is_padding() {
    let dummy = std::str::from_utf8(ENGINEER)
        .unwrap()
        .replace("<Entry><Index>0</Index><BitLen>8", "<Entry><Index>#x5</Index><BitLen>8");
    let network = Network::from_bytes(dummy.as_bytes()).unwrap();
    assert_eq!(network, Network::from_bytes(ENGINEER).unwrap());
}

#[test]
fn a_mapping_that_is_another_one_than_the_pdo_lists_is_refused() {
    let text = std::str::from_utf8(ENGINEER).unwrap();
    let other = refused(&text.replace("0300100040602000 7a60", "0300100041602000 7a60"));
    assert!(other.contains("PDO 0x1600 lists other entries than CoE maps"), "{other}");
}

#[test]
fn what_is_no_network_is_refused_in_words() {
    assert!(refused("<EtherCATInfo/>").contains("device description (ESI)"));
    assert!(refused("<EncryptedEtherCATConfig/>").contains("encrypted"));
    assert!(refused("<EtherCATConfig/>").contains("Config"));
    assert!(refused("<EtherCATConfig><Config/></EtherCATConfig>").contains("no SubDevices"));
    assert!(refused("").contains("no element"));
}

#[test]
fn a_file_that_contradicts_itself_is_refused() {
    let other = refused(&changed("<Pdo>#x1a04</Pdo>", "<Pdo>#x1a05</Pdo>"));
    assert!(other.contains("its sync managers list 0x1a05") && other.contains("CoE assigns 0x1a04"), "{other}");
    let longer = refused(&changed("<BitLength>48</BitLength>", "<BitLength>64</BitLength>"));
    assert!(longer.contains("48 bits") && longer.contains("64"), "{longer}");
    let reads = refused(&changed("<Ccs>1</Ccs><Index>24672</Index>", "<Ccs>2</Ccs><Index>24672</Index>"));
    assert!(reads.contains("0x6060:00 has data and Ccs 2"), "{reads}");
}

#[test]
fn no_cut_and_no_changed_byte_panics() {
    for (file, at) in
        [DRIVES, ENGINEER].into_iter().flat_map(|file| (0..file.len()).step_by(97).map(move |at| (file, at)))
    {
        drop(Network::from_bytes(&file[..at]));
        let mut bytes = file.to_vec();
        for byte in [b'<', b'-', b'9', 0xff] {
            bytes[at] = byte;
            drop(Network::from_bytes(&bytes));
        }
    }
}
