//! What vendors' descriptions have that samples don't: each kind goes to OP and back, with a drafted rig.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::cell::Cell;
use zerocat_esi::{Catalogue, Device};
use zerocat_sweep::{Failure, Stage, try_device};

const MAILBOX: &str = "<Sm MinSize='34' MaxSize='128' DefaultSize='128' StartAddress='#x1000' ControlByte='#x26' \
    Enable='1'>MBoxOut</Sm><Sm MinSize='34' MaxSize='128' DefaultSize='128' StartAddress='#x1080' ControlByte='#x22' \
    Enable='1'>MBoxIn</Sm>";
const FMMUS: &str = "<Fmmu>Outputs</Fmmu><Fmmu>Inputs</Fmmu><Fmmu>MBoxState</Fmmu>";

fn entry(index: &str, subindex: u8, bits: u8, name: &str) -> String {
    let index = format!("<Index>{index}</Index><SubIndex>{subindex}</SubIndex>");
    format!("<Entry>{index}<BitLen>{bits}</BitLen><Name>{name}</Name><DataType>BIT{bits}</DataType></Entry>")
}

fn read(inside: &str, modules: &str) -> Device {
    let text = format!(
        "<EtherCATInfo><Vendor><Id>9</Id><Name>Works</Name></Vendor><Descriptions><Devices><Device Physics='YY'>\
         <Type ProductCode='#x1' RevisionNo='#x2'>KIND</Type><Name>Kind</Name>{inside}</Device></Devices>\
         <Modules>{modules}</Modules></Descriptions></EtherCATInfo>"
    );
    Catalogue::from_bytes(text.as_bytes()).unwrap().device(0, None).unwrap()
}

fn swept(device: &Device) -> Result<(), Failure> {
    try_device(device, &Cell::new(Stage::Read), &mut None)
}

#[test]
fn a_device_leaves_its_frames_to_the_next_also_where_it_fails() {
    let inputs = "<Fmmu>Inputs</Fmmu><Sm StartAddress='#x1000' ControlByte='#x00' Enable='1'>Inputs</Sm>";
    let channel =
        |index: &str| format!("{inputs}<TxPdo Sm='0'><Index>{index}</Index>{}</TxPdo>", entry("#x6000", 1, 8, "In"));
    let good = read(&channel("#x1a00"), "");
    // A default PDO on a sync manager that isn't there.
    let mut bad = good.clone();
    bad.tx_pdos.push(zerocat_esi::Pdo { index: 0x1a01, sync_manager: Some(7), ..bad.tx_pdos[0].clone() });
    let mut frames = None;
    for (device, reaches_op) in [(&good, true), (&bad, false), (&good, true)] {
        let tried = try_device(device, &Cell::new(Stage::Read), &mut frames);
        assert_eq!(tried.is_ok(), reaches_op, "{tried:?}");
        assert!(frames.is_some());
    }
}

#[test]
fn pdos_without_an_index_are_numbered() {
    let channel = "<TxPdo Fixed='1' Sm='0'><Name>Channel</Name><Entry><Index>0</Index><BitLen>1</BitLen><Name>Input\
        </Name><DataType>BOOL</DataType></Entry></TxPdo>";
    let inputs = "<Fmmu>Inputs</Fmmu><Sm StartAddress='#x1000' ControlByte='#x00' Enable='1'>Inputs</Sm>";
    let device = read(&format!("{inputs}{channel}{channel}<RxPdo Ref='AxisOut'/>"), "");
    assert_eq!(device.tx_pdos.iter().map(|pdo| pdo.index).collect::<Vec<_>>(), [0x1a00, 0x1a01]);
    assert_eq!(device.rx_pdos[0].index, 0x1600);
    swept(&device).unwrap();
}

#[test]
fn modules_whose_slots_dont_move_their_pdos_are_both_there() {
    let module = |number: u8, bits| {
        let entry = |index, name| entry(index, 1, bits, name);
        format!(
            "<Module><Type ModuleIdent='{number}'>M{number}</Type><RxPdo Sm='2'><Index>#x1600</Index><Name>Out</Name>{}\
             </RxPdo><TxPdo Sm='3'><Index>#x1a00</Index><Name>In</Name>{}</TxPdo></Module>",
            entry("#x7000", "Command"),
            entry("#x6000", "State")
        )
    };
    let slot = |number| {
        format!("<Slot MinInstances='1' MaxInstances='1'><ModuleIdent Default='1'>{number}</ModuleIdent></Slot>")
    };
    let inside = format!(
        "{FMMUS}{MAILBOX}<Sm StartAddress='#x1100' ControlByte='#x24' Enable='1'>Outputs</Sm><Sm StartAddress='#x1180' \
         ControlByte='#x20' Enable='1'>Inputs</Sm><Mailbox><CoE SdoInfo='1'/></Mailbox><Slots MaxSlotCount='2' \
         SlotPdoIncrement='0' SlotIndexIncrement='0'>{}{}</Slots>",
        slot(1),
        slot(2)
    );
    let device = read(&inside, &format!("{}{}", module(1, 8), module(2, 16)));
    let bits = |pdos: &[zerocat_esi::Pdo]| pdos.iter().map(|pdo| pdo.entries[0].bits).collect::<Vec<_>>();
    assert_eq!((bits(&device.rx_pdos), bits(&device.tx_pdos)), (vec![8, 16], vec![8, 16]));
    swept(&device).unwrap();
}

#[test]
fn inputs_in_one_buffer_of_a_drive_with_sercos_reach_op() {
    let inside = format!(
        "{FMMUS}{MAILBOX}<Sm StartAddress='#x1100' ControlByte='#x24' Enable='1'>Outputs</Sm><Sm StartAddress='#x1140' \
         ControlByte='#x22' Enable='1'>Inputs</Sm><RxPdo Sm='2'><Index>24</Index><Name>MDT</Name>{}</RxPdo><TxPdo Sm='3'>\
         <Index>16</Index><Name>AT</Name>{}{}</TxPdo><Mailbox><SoE/></Mailbox>",
        entry("134", 0, 16, "Master control word"),
        entry("135", 0, 16, "Drive status word"),
        entry("51", 0, 32, "Position feedback value")
    );
    swept(&read(&inside, "")).unwrap();
}

#[test]
fn an_object_that_several_pdos_map_with_other_lengths_reaches_op() {
    let inside = format!(
        "{FMMUS}{MAILBOX}<Sm StartAddress='#x1100' ControlByte='#x24' Enable='0'>Outputs</Sm><Sm StartAddress='#x1180' \
         ControlByte='#x20' Enable='1'>Inputs</Sm><TxPdo Fixed='1' Sm='3'><Index>#x1a00</Index>{}{}</TxPdo><TxPdo \
         Fixed='1' Sm='3'><Index>#x1a01</Index>{}{}</TxPdo><Mailbox><CoE SdoInfo='1'/></Mailbox>",
        entry("#x6000", 1, 1, "Underrange"),
        entry("#x6000", 2, 1, "Overrange"),
        entry("#x6000", 2, 16, "Sample 0"),
        entry("#x6000", 2, 16, "Sample 1")
    );
    swept(&read(&inside, "")).unwrap();
}

#[test]
fn process_data_that_is_off_and_mailboxes_that_overlap_reach_op() {
    for (length, inputs) in [(512, "#x1600"), (1024, "#x1400")] {
        let inside = format!(
            "{FMMUS}<Sm MinSize='64' MaxSize='1024' DefaultSize='{length}' StartAddress='#x1000' ControlByte='#x26' \
             Enable='1'>MBoxOut</Sm><Sm MinSize='64' MaxSize='1024' DefaultSize='{length}' StartAddress='#x1200' \
             ControlByte='#x22' Enable='1'>MBoxIn</Sm><Sm ControlByte='#x64' Enable='0' StartAddress='#x1A00'>Outputs</Sm>\
             <Sm ControlByte='#x20' Enable='0' StartAddress='{inputs}'>Inputs</Sm><TxPdo Sm='3'><Index>#x1a00</Index>{}</TxPdo><Mailbox DataLinkLayer='true'>\
             <AoE AdsRouter='1'/><EoE/><CoE CompleteAccess='1' PdoAssign='1' PdoUpload='1' SdoInfo='1'/></Mailbox>",
            if length == 512 { String::new() } else { entry("#xf100", 15, 8, "State") }
        );
        swept(&read(&inside, "")).unwrap();
    }
}

#[test]
fn outputs_that_count_in_op_only_reach_op() {
    let byte = |n: u8| {
        format!("<RxPdo Fixed='1' Sm='0'><Index>#x1a0{n}</Index>{}</RxPdo>", entry("#x3101", n + 1, 8, "Output"))
    };
    let inside = format!(
        "<Fmmu OpOnly='1'>Outputs</Fmmu><Sm StartAddress='#x0f00' ControlByte='#x46' Enable='1' OpOnly='1'>Outputs</Sm>{}{}",
        byte(0),
        byte(1)
    );
    swept(&read(&inside, "")).unwrap();
}

#[test]
fn registers_as_process_data_reach_op() {
    let inside = format!(
        "<Fmmu Sm='0'>Outputs</Fmmu><Fmmu Sm='1'>Outputs</Fmmu><Sm StartAddress='#x0f00' ControlByte='#x44' Enable='1'>\
         Outputs</Sm><Sm StartAddress='#x0910' Virtual='true'>Inputs</Sm><RxPdo Fixed='1' Sm='0'><Index>#x1600</Index>{}\
         </RxPdo><RxPdo Fixed='1' Sm='0'><Index>#x1600</Index><Name>Reserved</Name></RxPdo><TxPdo Fixed='1' Sm='1' \
         Virtual='true'><Index>#x1a00</Index>{}</TxPdo><Dc><OpMode><Name>DcSync</Name><AssignActivate>#x0300\
         </AssignActivate></OpMode></Dc>",
        entry("#x7000", 1, 8, "Output"),
        entry("#x1d09", 16, 64, "System time")
    );
    swept(&read(&inside, "")).unwrap();
}

#[test]
fn a_sync_manager_that_is_called_outputs_and_is_read_is_for_inputs() {
    let inside = format!(
        "<Sm StartAddress='#x0f00' ControlByte='#x46' Enable='9' DefaultSize='0'>Outputs</Sm><Sm StartAddress='#x1000' \
         ControlByte='#x0' Enable='1' DefaultSize='0'>Outputs</Sm><RxPdo Sm='0' Fixed='1'><Index>#x1600</Index>{}</RxPdo>\
         <TxPdo Sm='1' Fixed='1'><Index>#x1a00</Index>{}</TxPdo>",
        entry("#x7000", 1, 8, "Byte0"),
        entry("#x6000", 1, 8, "Byte0")
    );
    let device = read(&inside, "");
    assert_eq!(device.tx_pdos[0].sync_manager, Some(1));
    swept(&device).unwrap();
}

#[test]
fn a_sync_manager_of_any_name_takes_the_pdos_that_name_it() {
    let inside = format!(
        "<Sm StartAddress='#x1000' ControlByte='#x64' Enable='1'>DriveIn</Sm><Sm StartAddress='#x1200' ControlByte='#x22' \
         Enable='1'>DriveState</Sm><RxPdo Sm='0' Fixed='1'><Index>#x1600</Index>{}</RxPdo><TxPdo Sm='1' Fixed='1'>\
         <Index>#x1700</Index>{}</TxPdo>",
        entry("#x0x6041", 1, 8, "Target"),
        entry("#x6000", 1, 8, "State")
    );
    swept(&read(&inside, "")).unwrap();
}

#[test]
fn less_than_the_default_pdos_is_a_failure() {
    let inside = "<Fmmu>Inputs</Fmmu><Sm StartAddress='#x1000' ControlByte='#x00' Enable='1'>Inputs</Sm><TxPdo Sm='0'>\
        <Index>#x1a00</Index><Entry><Index>#x6000</Index><BitLen>8</BitLen></Entry></TxPdo>";
    let mut device = read(inside, "");
    device.tx_pdos.push(zerocat_esi::Pdo { index: 0x1a01, sync_manager: Some(7), ..device.tx_pdos[0].clone() });
    let failed = swept(&device).unwrap_err();
    assert_eq!(failed.stage, Stage::Scan);
    assert!(failed.reason.contains("8 bits of inputs are mapped, the default PDOs of the file have 16"), "{failed:?}");
}
