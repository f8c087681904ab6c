//! Device descriptions for tests: a file around the elements of one device, and such elements at random.

#![allow(dead_code, reason = "each test uses a part of it")]

use proptest::prelude::*;

/// A file with one device, `D`, that has these elements, and one module that moves an index at the end of its area.
pub(crate) fn device(inside: &str) -> String {
    format!(
        "<EtherCATInfo>\n<Vendor><Id>1</Id></Vendor>\n<Descriptions><Devices>\n\
        <Device Physics='YY'>\n<Type ProductCode='#x2' RevisionNo='3'>D</Type>\n<Name>Device</Name>\n{inside}\n\
        </Device></Devices><Modules><Module><Type ModuleIdent='1'>M</Type><TxPdo Sm='0'><Index DependOnSlot='1'>#xffff\
        </Index></TxPdo></Module></Modules></Descriptions></EtherCATInfo>"
    )
}

/// Elements and texts that mean something, in any order and nesting.
pub(crate) fn fragment() -> impl Strategy<Value = String> {
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
