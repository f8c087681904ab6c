use proptest::prelude::*;

use super::plan;
use super::tree;
use super::{EsiError, Wanted};
use crate::describe::Description;

fn device(inside: &str) -> String {
    format!(
        "<EtherCATInfo>\n<Vendor><Id>1</Id></Vendor>\n<Descriptions><Devices>\n\
        <Device Physics='YY'>\n<Type ProductCode='#x2' RevisionNo='3'>D</Type>\n<Name>Device</Name>\n{inside}\n\
        </Device></Devices><Modules><Module><Type ModuleIdent='1'>M</Type><TxPdo Sm='0'><Index DependOnSlot='1'>#xffff\
        </Index></TxPdo></Module></Modules></Descriptions></EtherCATInfo>"
    )
}

fn describe_bytes(bytes: &[u8], device: &str, revision: Option<u32>) -> Result<Description, EsiError> {
    plan::describe_bytes(bytes, Wanted { device, revision, modules: None })
}

fn refused(inside: &str) -> String {
    describe_bytes(device(inside).as_bytes(), "D", None).unwrap_err().to_string()
}

#[test]
fn errors_name_the_element_and_the_line() {
    let inputs = "<Sm StartAddress='#x1000' DefaultSize='1'>Inputs</Sm>\n";
    assert_eq!(
        refused(&format!("{inputs}{inputs}<Sm StartAddress='here'>Inputs</Sm>")),
        "Descriptions/Devices/Device[D]/Sm[2], line 9: `here` is no number from 0 to 0xffff, written as 26, #x1A or 0x1A"
    );
    assert_eq!(
        refused(&format!("{inputs}<TxPdo Sm='0'><Index>#x1a00</Index>\n<Entry><Index>#x6000</Index></Entry></TxPdo>")),
        "Descriptions/Devices/Device[D]/TxPdo[#x1a00]/Entry[#x6000], line 9: `BitLen` is missing"
    );
    assert_eq!(
        refused("<TxPdo Sm='3'><Index>#x1a00</Index></TxPdo>"),
        "Descriptions/Devices/Device[D]/TxPdo[#x1a00], line 7: the PDO is on sync manager 3, inputs are on none"
    );
    assert_eq!(
        refused("<Mailbox><CoE/></Mailbox>"),
        "Descriptions/Devices/Device[D], line 4: a mailbox needs one sync manager as MBoxOut and one as MBoxIn"
    );
    let dictionary = "<Profile><Dictionary><Objects><Object><Index>#x2000</Index><Type>DT9</Type></Object></Objects>";
    assert_eq!(
        refused(&format!("{dictionary}</Dictionary></Profile>")),
        "Descriptions/Devices/Device[D]/Profile/Dictionary/Objects/Object[#x2000], line 7: data type `DT9` is neither a \
        base type nor described under DataTypes"
    );
}

#[test]
fn an_entry_too_long_for_a_mapping_is_refused() {
    let long =
        "<Sm StartAddress='1'>Inputs</Sm><TxPdo Sm='0'><Index>1</Index><Entry><BitLen>256</BitLen></Entry></TxPdo>";
    assert!(refused(long).ends_with("BitLen, line 7: 256 bits, a PDO entry has 255 at most"));
}

#[test]
fn what_is_no_description_is_said_to_be_none() {
    let said = |text: &str| describe_bytes(text.as_bytes(), "D", None).unwrap_err().to_string();
    assert!(said("<a/>").starts_with("no `EtherCATInfo/"));
    assert!(said("").starts_with("no `EtherCATInfo/"));
    assert!(
        said("<EtherCATInfo>\n<Descriptions>\n").starts_with("line 3: the file ends inside"),
        "{}",
        said("<EtherCATInfo>\n<Descriptions>\n")
    );
    assert!(said("<EtherCATInfo>\n</Descriptions>").starts_with("line 2: "));
}

#[test]
fn nesting_and_number_of_elements_are_bounded() {
    let deep = "<a>".repeat(1000);
    assert!(refused(&deep).contains("nested more than 64 deep"));
    let outside = describe_bytes(deep.as_bytes(), "D", None).unwrap_err().to_string();
    assert!(outside.contains("nested more than 64 deep"));
    assert!(refused(&"<a/>".repeat(500_001)).contains("more than 500000 elements"));
}

#[test]
fn a_mistake_in_another_device_does_no_harm() {
    let good = device("<Sm StartAddress='#x1000' DefaultSize='1'>Inputs</Sm>");
    let bad = "<Device><Type>X</Type></Device><Device><Type ProductCode='?'>Y</Type></Device><Device>";
    let both = good.replacen("<Device ", &format!("{bad}<Sm StartAddress='?'/></Device><Device "), 1);
    assert!(describe_bytes(both.as_bytes(), "D", None).is_ok());
}

#[test]
fn sync_managers_without_a_use_follow_their_control_byte() {
    let text = "<Sm ControlByte='#x26' DefaultSize='64' StartAddress='#x1000'/><Sm ControlByte='34' DefaultSize='64' \
        StartAddress='#x1040'/><Sm ControlByte='#x24' StartAddress='#x1100'/><Sm ControlByte='0x20' \
        StartAddress='#x1200'/><Mailbox><CoE/></Mailbox>";
    let description = describe_bytes(device(text).as_bytes(), "D", None).unwrap();
    let uses: Vec<u8> = description.sync_managers.iter().map(|plan| plan.purpose as u8).collect();
    assert_eq!(uses, [1, 2, 3, 4]);
}

#[test]
fn an_index_that_leaves_its_area_with_the_slot_is_refused() {
    let slots = |increment, count| {
        format!(
            "<Sm>Inputs</Sm><Slots SlotPdoIncrement='{increment}'><Slot MinInstances='{count}' MaxInstances='{count}'>\
            <ModuleIdent>1</ModuleIdent></Slot></Slots>"
        )
    };
    assert!(describe_bytes(device(&slots(1, 1)).as_bytes(), "D", None).is_ok());
    let said = refused(&slots(1, 2));
    let expected = "Descriptions/Modules/Module[M]/TxPdo[#xffff]/Index, line 8: index 0xffff moved by 0x1 with its slot is \
        above 0xffff";
    assert_eq!(said, expected);
    assert!(refused(&slots(0, 256)).contains("256 slots, at most 255"));
}

#[test]
fn of_pdos_that_exclude_each_other_the_first_is_assigned() {
    let text = "<Sm>Inputs</Sm><TxPdo Sm='0'><Index>1</Index><Exclude>2</Exclude></TxPdo><TxPdo Sm='0'><Index>2</Index>\
        </TxPdo><TxPdo Sm='0'><Index>3</Index></TxPdo>";
    let description = describe_bytes(device(text).as_bytes(), "D", None).unwrap();
    let assigned: Vec<bool> = description.tx_pdos.iter().map(|pdo| pdo.assigned).collect();
    assert_eq!(assigned, [true, false, true]);
}

#[test]
fn text_in_pieces_is_one_text() {
    let mut texts = Vec::new();
    tree::walk("<EtherCATInfo><Vendor>a&amp;<![CDATA[<b>]]><!-- no -->&#x63;&none;</Vendor></EtherCATInfo>", |node| {
        texts.push(node.text);
    })
    .unwrap();
    assert_eq!(texts, ["a&<b>c"]);
}

/// Elements and texts that mean something, in any order and nesting.
fn fragment() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "Sm",
        "Fmmu",
        "RxPdo",
        "TxPdo",
        "Entry",
        "Index",
        "SubIndex",
        "BitLen",
        "Mailbox",
        "CoE",
        "Profile",
        "Dictionary",
        "DataTypes",
        "DataType",
        "SubItem",
        "Objects",
        "Object",
        "Type",
        "BitSize",
        "ArrayInfo",
        "Elements",
        "LBound",
        "Info",
        "DefaultData",
        "DefaultValue",
        "Dc",
        "OpMode",
        "AssignActivate",
        "Eeprom",
        "ConfigData",
        "BootStrap",
        "Data",
        "Name",
        "BaseType",
        "SubIdx",
        "Flags",
        "Access",
        "Exclude",
        "Slots",
        "Slot",
        "ModuleIdent",
        "InitCmd",
    ]);
    let text = prop::sample::select(vec![
        "",
        "0",
        "1",
        "#x1600",
        "#x1a00",
        "255",
        "256",
        "65536",
        "#xffffffff",
        "-1",
        "Inputs",
        "Outputs",
        "MBoxOut",
        "MBoxIn",
        "UINT",
        "DT1",
        "STRING(65535)",
        "STRING(1)",
        "0011223344556677",
        "rw",
        "&lt;",
        "<![CDATA[x]]>",
    ]);
    let attribute = prop::sample::select(vec![
        "",
        " Sm='0'",
        " Sm='3'",
        " StartAddress='#x1000'",
        " DefaultSize='128'",
        " ControlByte='#x26'",
        " MaxInstances='300'",
        " MinInstances='2' SlotPdoIncrement='1'",
        " Default='1'",
    ]);
    let leaf = (name.clone(), attribute.clone(), text)
        .prop_map(|(name, attribute, text)| format!("<{name}{attribute}>{text}</{name}>"));
    leaf.prop_recursive(5, 200, 8, move |inner| {
        (name.clone(), attribute.clone(), prop::collection::vec(inner, 0..8))
            .prop_map(|(name, attribute, inside)| format!("<{name}{attribute}>{}</{name}>", inside.concat()))
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        drop(describe_bytes(&bytes, "D", None));
    }

    #[test]
    fn no_elements_panic(inside in prop::collection::vec(fragment(), 0..12)) {
        drop(describe_bytes(device(&inside.concat()).as_bytes(), "D", None));
    }

    #[test]
    fn no_cut_and_no_changed_byte_panics(cut in 0usize..20_000, at in 0usize..20_000, byte in any::<u8>()) {
        let mut bytes = include_bytes!("../../../tests/esi/analogue.xml").to_vec();
        let place = at % bytes.len();
        bytes[place] = byte;
        drop(describe_bytes(&bytes, "AX3102", None));
        bytes.truncate(cut.min(bytes.len()));
        drop(describe_bytes(&bytes, "AX3102", None));
    }

    #[test]
    fn no_sii_image_panics(mut bytes in prop::collection::vec(any::<u8>(), 128..600), kinds in any::<[u8; 4]>()) {
        for (n, kind) in kinds.iter().enumerate() {
            let at = 128 + 40 * n;
            if let Some(header) = bytes.get_mut(at..at + 4) {
                header.copy_from_slice(&[[10, 30, 41, 50, 51, 60][usize::from(kind % 6)], 0, 18, 0]);
            }
        }
        drop(crate::describe::image::describe_bytes(&bytes));
    }
}
