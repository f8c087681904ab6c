//! Why a device description was refused.

use crate::select::DeviceSummary;

/// Candidates that an error lists at most.
const LISTED: usize = 20;

/// Why a device description was refused.
#[derive(Debug, thiserror::Error)]
pub enum EsiError {
    /// The file could not be read.
    #[error("read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is too large.
    #[error("{bytes} bytes, at most {most} are read")]
    TooLarge {
        /// Bytes of the file.
        bytes: u64,
        /// Most that are read.
        most: u64,
    },
    /// It is not well-formed XML.
    #[error("line {line}: {reason}")]
    Xml {
        /// Where, from 1.
        line: u32,
        /// What the XML reader says.
        reason: String,
    },
    /// Elements are nested too deep.
    #[error("line {line}: elements are nested more than {most} deep")]
    Deep {
        /// Where, from 1.
        line: u32,
        /// Most that are read.
        most: usize,
    },
    /// A device has too many elements.
    #[error("line {line}: the device has more than {most} elements")]
    Crowded {
        /// Where, from 1.
        line: u32,
        /// Most that are read.
        most: usize,
    },
    /// The file is not a device description.
    #[error("{}", no_description(.root))]
    NoDescription {
        /// Name of its outermost element; empty where it has none.
        root: String,
    },
    /// The file was changed since it was gone through.
    #[error("{path} was changed meanwhile")]
    Changed {
        /// The file.
        path: String,
    },
    /// The file has other devices.
    #[error("no device `{wanted}`; the file has {}", listed(.has))]
    NoDevice {
        /// What was asked for, with the revision if one was given.
        wanted: String,
        /// The devices of the file, those with a similar name first.
        has: Vec<DeviceSummary>,
    },
    /// Several devices have the name, and differ in more than their revision.
    #[error("`{wanted}` is the name of several devices, give the type of one: {}", listed(.has))]
    Ambiguous {
        /// What was asked for, with the revision if one was given.
        wanted: String,
        /// The devices of that name.
        has: Vec<DeviceSummary>,
    },
    /// An element of the device breaks a rule of ETG.2000.
    #[error("{path}, line {line}: {problem}")]
    Invalid {
        /// The element, `Descriptions/Devices/Device[EL3102]/Sm[2]`. Numbers count from 0.
        path: String,
        /// Its line, from 1.
        line: u32,
        /// What is wrong.
        problem: EsiProblem,
    },
}

/// What is wrong in one place of a device description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EsiProblem {
    /// An element or attribute is not there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// Not a number, or one that doesn't fit.
    #[error("`{text}` is not a number from 0 to {most:#x}, written as 26, #x1A or 0x1A")]
    Number {
        /// What is there, cut after 40 characters.
        text: String,
        /// Largest that fits.
        most: u64,
    },
    /// Not a string of hexadecimal digits, two for each byte.
    #[error("`{0}` is not a sequence of bytes in hexadecimal digits")]
    Hex(String),
    /// Too few or too many bytes.
    #[error("{got} bytes, there must be {least} to {most}")]
    Length {
        /// How many there are.
        got: usize,
        /// Fewest.
        least: usize,
        /// Most.
        most: usize,
    },
    /// The entry is too long for a mapping.
    #[error("{0} bits, a PDO entry has at most 255")]
    EntryBits(u32),
    /// The PDO names a sync manager that doesn't take it.
    #[error("the PDO is on sync manager {named}, {direction} are on {}", shown(.there))]
    SyncManager {
        /// The one that the PDO names.
        named: u8,
        /// `outputs` or `inputs`.
        direction: &'static str,
        /// The sync managers for that direction.
        there: Vec<u8>,
    },
    /// There are no sync managers for the mailbox.
    #[error("a mailbox needs one sync manager as MBoxOut and one as MBoxIn")]
    MailboxSyncManagers,
    /// More sync managers, FMMUs, PDOs or entries than there can be.
    #[error("{got} {what}, at most {most} are possible")]
    TooMany {
        /// How many there are.
        got: usize,
        /// Of what.
        what: &'static str,
        /// Most.
        most: usize,
    },
    /// The dictionary has too many entries or values, with all arrays expanded.
    #[error("the dictionary has more than {0} entries or bytes of values")]
    DictionaryTooLarge(usize),
    /// Two objects have one index.
    #[error("index {0:#06x} is used twice")]
    ObjectTwice(u16),
    /// The data type is neither a base type nor described.
    #[error("data type `{0}` is neither a base type nor described under DataTypes")]
    DataType(String),
    /// An index that moves with the slot leaves its area.
    #[error("index {index:#06x} moved by {shift:#x} with its slot is above 0xffff")]
    Shifted {
        /// The index in slot 0.
        index: u16,
        /// How far it moves.
        shift: u16,
    },
    /// The file has no such module.
    #[error("no module `{wanted}` for slot {slot}; {}", candidates(.has))]
    NoModule {
        /// What is wanted: type, name or ident.
        wanted: String,
        /// In which slot, from 0.
        slot: usize,
        /// Type and ident of the modules that fit.
        has: Vec<String>,
    },
    /// More modules than slots.
    #[error("{got} modules, the device has {slots} slots")]
    Slots {
        /// Modules that are asked for.
        got: usize,
        /// Slots that there are.
        slots: usize,
    },
}

/// What a file is instead, as its outermost element tells.
fn no_description(root: &str) -> String {
    let is = match root {
        "EtherCATConfig" | "EncryptedEtherCATConfig" => "a network description (ENI)",
        "EtherCATModule" => "a description of modules that a device description refers to",
        "EtherCATDict" => "an object dictionary that a device description refers to",
        "EtherCATDiag" => "a list of diagnosis messages that a device description refers to",
        _ => return "no `EtherCATInfo/Descriptions/Devices/Device` in it: this is not a device description".to_owned(),
    };
    format!("the outermost element is `{root}`: this is {is}, not a device description (ESI)")
}

fn shown(there: &[u8]) -> String {
    if there.is_empty() {
        return "none".to_owned();
    }
    let numbers: Vec<String> = there.iter().map(u8::to_string).collect();
    numbers.join(" and ")
}

fn listed(devices: &[DeviceSummary]) -> String {
    candidates(&devices.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// The first of a list, and how many more it has.
fn candidates(all: &[String]) -> String {
    let shown = all.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().checked_sub(LISTED) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ if all.is_empty() => "there is none".to_owned(),
        _ => shown,
    }
}
