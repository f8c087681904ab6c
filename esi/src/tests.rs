use crate::tree;
use crate::{Catalogue, Device, DeviceQuery, EsiError, read_bytes};

fn device(inside: &str) -> String {
    format!(
        "<EtherCATInfo>\n<Vendor><Id>1</Id></Vendor>\n<Descriptions><Devices>\n\
        <Device Physics='YY'>\n<Type ProductCode='#x2' RevisionNo='3'>D</Type>\n<Name>Device</Name>\n{inside}\n\
        </Device></Devices><Modules><Module><Type ModuleIdent='1'>M</Type><TxPdo Sm='0'><Index DependOnSlot='1'>#xffff\
        </Index></TxPdo></Module></Modules></Descriptions></EtherCATInfo>"
    )
}

fn find(bytes: &[u8], device: &str) -> Result<Device, EsiError> {
    read_bytes(bytes, DeviceQuery { device, revision: None, product: None, modules: None })
}

fn refused(inside: &str) -> String {
    find(device(inside).as_bytes(), "D").unwrap_err().to_string()
}

#[test]
fn errors_name_the_element_and_the_line() {
    let inputs = "<Sm StartAddress='#x1000' DefaultSize='1'>Inputs</Sm>\n";
    assert_eq!(
        refused(&format!("{inputs}{inputs}<Sm StartAddress='here'>Inputs</Sm>")),
        "Descriptions/Devices/Device[D]/Sm[2], line 9: `here` is not a number from 0 to 0xffff, written as 26, #x1A or 0x1A"
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
    assert!(refused(long).ends_with("BitLen, line 7: 256 bits, a PDO entry has at most 255"));
}

#[test]
fn what_is_no_description_is_said_to_be_none() {
    let said = |text: &str| find(text.as_bytes(), "D").unwrap_err().to_string();
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
    let outside = find(deep.as_bytes(), "D").unwrap_err().to_string();
    assert!(outside.contains("nested more than 64 deep"));
    assert!(refused(&"<a/>".repeat(500_001)).contains("more than 500000 elements"));
}

#[test]
fn a_mistake_in_another_device_does_no_harm() {
    let good = device("<Sm StartAddress='#x1000' DefaultSize='1'>Inputs</Sm>");
    let bad = "<Device><Type>X</Type></Device><Device><Type ProductCode='?'>Y</Type></Device><Device>";
    let both = good.replacen("<Device ", &format!("{bad}<Sm StartAddress='?'/></Device><Device "), 1);
    assert!(find(both.as_bytes(), "D").is_ok());
}

#[test]
fn sync_managers_without_a_use_follow_their_control_byte() {
    let text = "<Sm ControlByte='#x26' DefaultSize='64' StartAddress='#x1000'/><Sm ControlByte='34' DefaultSize='64' \
        StartAddress='#x1040'/><Sm ControlByte='#x24' StartAddress='#x1100'/><Sm ControlByte='0x20' \
        StartAddress='#x1200'/><Mailbox><CoE/></Mailbox>";
    let found = find(device(text).as_bytes(), "D").unwrap();
    let uses: Vec<u8> = found.sync_managers.iter().map(|one| one.usage.code()).collect();
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
    assert!(find(device(&slots(1, 1)).as_bytes(), "D").is_ok());
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
    let found = find(device(text).as_bytes(), "D").unwrap();
    let assigned: Vec<bool> = found.tx_pdos.iter().map(|pdo| pdo.sync_manager.is_some()).collect();
    assert_eq!(assigned, [true, false, true]);
}

#[test]
fn text_in_pieces_is_one_text() {
    let mut texts = Vec::new();
    let text = "<EtherCATInfo><Vendor>a&amp;<![CDATA[<b>]]><!-- no -->&#x63;&none;</Vendor></EtherCATInfo>";
    let mut root = String::new();
    tree::walk(text, &mut root, |node, span| texts.push((node.text, text[span.bytes].starts_with("<Vendor>"))))
        .unwrap();
    assert_eq!(texts, [("a&<b>c".to_owned(), true)]);
    assert_eq!(root, "EtherCATInfo");
}

#[test]
fn a_device_that_cant_be_used_is_named_and_the_others_are_there() {
    let bad = "<Device>\n<Type ProductCode='-2'>X</Type></Device>\n<Device><Type>Y</Type></Device>";
    let text = device("").replacen("<Device ", &format!("{bad}<Device "), 1);
    let found = Catalogue::from_bytes(text.as_bytes()).unwrap();
    assert_eq!(found.devices().len(), 1);
    assert_eq!(found.device(0, None).unwrap().order, "D");
    let said: Vec<String> = found.left_out().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "Descriptions/Devices/Device[X]/Type, line 5: `-2` is not a number from 0 to 0xffffffff, written as 26, #x1A or 0x1A",
            "Descriptions/Devices/Device[Y]/Type, line 6: `ProductCode` is missing",
        ]
    );
    assert_eq!(find(text.as_bytes(), "X").unwrap_err().to_string(), said[0]);
    let alone = "<EtherCATInfo><Descriptions><Devices><Device>\n<Type ProductCode='#xZZ'>X</Type></Device></Devices>\
        </Descriptions></EtherCATInfo>";
    assert!(
        find(alone.as_bytes(), "D").unwrap_err().to_string().contains("Device[X]/Type, line 2: `#xZZ` is not a number")
    );
}

#[test]
fn devices_before_the_end_of_a_file_that_breaks_off_are_there() {
    let text = device("").replacen("</Devices>", "<Device><Type", 1);
    let found = Catalogue::from_bytes(text.as_bytes()).unwrap();
    assert_eq!((found.devices().len(), found.left_out().len()), (1, 1));
    assert!(found.left_out()[0].to_string().starts_with("line "));
}

#[test]
fn other_files_of_ethercat_are_named() {
    let said = find(b"<EtherCATConfig><Config/></EtherCATConfig>", "D").unwrap_err().to_string();
    assert_eq!(
        said,
        "the outermost element is `EtherCATConfig`: this is a network description (ENI), not a device description (ESI)"
    );
}

#[test]
fn lines_of_a_device_are_those_of_the_file() {
    let text = device("<Sm StartAddress='here'>Inputs</Sm>");
    let found = Catalogue::from_bytes(text.as_bytes()).unwrap();
    assert!(found.device(0, None).unwrap_err().to_string().contains("Device[D]/Sm, line 7: `here`"));
}
