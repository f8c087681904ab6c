use super::*;
use crate::data_type::DataType;

const DRIVES: &[u8] = include_bytes!("../../tests/samples/network.xml");

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
    for at in (0..DRIVES.len()).step_by(97) {
        drop(Network::from_bytes(&DRIVES[..at]));
        let mut bytes = DRIVES.to_vec();
        for byte in [b'<', b'-', b'9', 0xff] {
            bytes[at] = byte;
            drop(Network::from_bytes(&bytes));
        }
    }
}
