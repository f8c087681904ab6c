//! Which IDNs the drives of a SubDevice have: what its PDOs map, by IDN, and what every drive has beside it.
//!
//! In the PDOs an entry's index is the IDN and its subindex the number of the drive. S-0-0187 and S-0-0188 name all that
//! some PDO has; S-0-0016 and S-0-0024 begin with what is mapped at power-on. Numbers and names of the standard IDNs are those
//! of IEC 61800-7-202 as the manual of Beckhoff's AX5000 has them.

use zerocat_wire::soe::{Attribute, Display, Idn, Size};

use super::drive::{AT_CHOICE, CONTROL_WORD, Drive, MDT_CHOICE, Parameter, Rule, STATUS_WORD, Store};
use crate::describe::{DataType, Description, PdoEntry, Purpose};

/// Most drives of a SubDevice.
const DRIVES: u8 = zerocat_wire::soe::DRIVES;
/// Most bytes of a list that configures a telegram: 24 IDNs.
const TELEGRAM: u16 = 48;

/// The drives of a SubDevice, one at least.
pub(super) fn drives(description: &Description) -> Vec<Drive> {
    let pdos = description.rx_pdos.iter().chain(&description.tx_pdos);
    let numbers = pdos.flat_map(|pdo| &pdo.entries).filter(|entry| entry.index != 0).map(|entry| entry.subindex);
    let last = numbers.filter(|number| *number < DRIVES).max().unwrap_or(0);
    (0..=last).map(|number| drive(description, number)).collect()
}

fn drive(description: &Description, number: u8) -> Drive {
    let mut all = standard(description);
    for (purpose, list, choice) in
        [(Purpose::Outputs, Idn::MDT_LIST, MDT_CHOICE), (Purpose::Inputs, Idn::AT_LIST, AT_CHOICE)]
    {
        let name = if purpose == Purpose::Outputs { "MDT" } else { "AT" };
        let (mut mapped, mut possible) = (Vec::new(), Vec::new());
        for pdo in description.pdos(purpose) {
            for entry in pdo.entries.iter().filter(|entry| entry.index != 0 && entry.subindex == number) {
                let idn = Idn(entry.index);
                if !matches!(idn, CONTROL_WORD | STATUS_WORD) {
                    push(&mut possible, idn);
                    if pdo.assigned {
                        push(&mut mapped, idn);
                    }
                }
                if all.iter().all(|known| known.idn != idn) {
                    all.push(cyclic(entry));
                }
            }
        }
        let idns = |name, idns: &[Idn], rule| idn_list(name, idns, rule);
        let own = format!("Configuration list of {name}");
        all.push(Parameter { idn: list, most: TELEGRAM, ..idns(own, &mapped, Rule::Telegram(purpose)) });
        all.push(Parameter {
            idn: choice,
            ..idns(format!("List of configurable data in the {name}"), &possible, Rule::ReadOnly)
        });
    }
    let mut idns: Vec<_> = all.iter().map(|parameter| parameter.idn).chain([Idn::ALL]).collect();
    idns.sort_unstable();
    all.push(Parameter { idn: Idn::ALL, ..idn_list("IDN-list of all operation data".into(), &idns, Rule::ReadOnly) });
    Drive::new(all)
}

fn push(idns: &mut Vec<Idn>, idn: Idn) {
    if !idns.contains(&idn) {
        idns.push(idn);
    }
}

/// What a PDO maps.
fn cyclic(entry: &PdoEntry) -> Parameter {
    let size = match entry.bits {
        0..=8 => Size::One,
        9..=16 => Size::Two,
        17..=32 => Size::Four,
        _ => Size::Eight,
    };
    let display = match entry.data_type {
        _ if matches!(Idn(entry.index), CONTROL_WORD | STATUS_WORD) => Display::Binary,
        DataType::I8 | DataType::I16 | DataType::I24 | DataType::I32 | DataType::I64 => Display::Signed,
        DataType::F32 | DataType::F64 => Display::Float,
        _ => Display::Unsigned,
    };
    let attribute = Attribute::value(size, display).protected(true, true, true);
    let store = entry.value.map_or_else(|| Store::Bytes(vec![0; size.bytes()]), Store::Value);
    Parameter { bits: entry.bits, store, ..value(Idn(entry.index), &entry.name, attribute, 0, Rule::ReadOnly) }
}

/// What every drive has.
fn standard(description: &Description) -> Vec<Parameter> {
    let number = |size| Attribute::value(size, Display::Unsigned);
    let pre_op = |size| number(size).protected(false, true, true);
    let cycle = |idn, name| Parameter {
        unit: "us",
        limits: Some((62, 65_000)),
        ..value(idn, name, pre_op(Size::Two), 2000, Rule::Free)
    };
    let gain = number(Size::Two);
    let note = "A note of the owner, kept as long as the power is on. ".repeat(6);
    vec![
        cycle(Idn(1), "Control unit cycle time (TNcyc)"),
        cycle(Idn(2), "Communication cycle time (tScyc)"),
        value(Idn::TELEGRAM_TYPE, "Telegram type", pre_op(Size::Two), 7, Rule::TelegramType),
        Parameter {
            idn: Idn(21),
            ..idn_list("IDN-list of invalid operation data for phase 2".into(), &[], Rule::ReadOnly)
        },
        writing(Idn(30), "Manufacturer version", &description.order, Rule::ReadOnly),
        Parameter {
            limits: Some((1, 11)),
            ..value(Idn(32), "Primary operation mode", pre_op(Size::Two), 11, Rule::Free)
        },
        Parameter {
            limits: Some((-1_000_000, 1_000_000)),
            ..value(Idn(52), "Reference distance 1", Attribute::value(Size::Four, Display::Signed), 0, Rule::Free)
        },
        Parameter {
            unit: "1/min",
            limits: Some((0, 6000)),
            ..value(Idn(91), "Bipolar velocity limit", number(Size::Four), 3000, Rule::Free)
        },
        writing(Idn(95), "Diagnostic message", "", Rule::ReadOnly),
        value(Idn(99), "Reset class 1 diagnostic", Attribute::command(), 0, Rule::Command),
        Parameter { unit: "A/(rad/s)", ..value(Idn(100), "Velocity loop proportional gain", gain, 10, Rule::Free) },
        writing(Idn(140), "Controller type", &description.name, Rule::ReadOnly),
        writing(Idn::product(0, 1), "Note", &note, Rule::Free),
    ]
}

/// One number.
fn value(idn: Idn, name: &str, attribute: Attribute, number: u64, rule: Rule) -> Parameter {
    let bytes = number.to_le_bytes().into_iter().take(attribute.size().bytes()).collect();
    let bits = u8::try_from(8 * attribute.size().bytes()).unwrap_or(0);
    let name = name.to_owned();
    Parameter { idn, name, attribute, unit: "", limits: None, store: Store::Bytes(bytes), rule, bits, most: 0 }
}

/// A text; one that may be written may be as long as this one.
fn writing(idn: Idn, name: &str, text: &str, rule: Rule) -> Parameter {
    let attribute = Attribute::list(Size::One, Display::Text);
    let most = u16::try_from(text.len()).unwrap_or(u16::MAX);
    Parameter { store: Store::Bytes(text.as_bytes().to_vec()), most, ..value(idn, name, attribute, 0, rule) }
}

/// A list of IDNs that is changed in PRE-OP only, if at all; its own IDN is still to be given.
fn idn_list(name: String, idns: &[Idn], rule: Rule) -> Parameter {
    let attribute = Attribute::list(Size::Two, Display::Idn).protected(false, true, true);
    let items: Vec<u8> = idns.iter().flat_map(|idn| idn.0.to_le_bytes()).collect();
    let most = u16::try_from(items.len()).unwrap_or(u16::MAX);
    Parameter { store: Store::Bytes(items), most, ..value(Idn::default(), &name, attribute, 0, rule) }
}
