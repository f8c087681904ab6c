//! Why a device description was refused.

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
    /// There is no device description in it.
    #[error("no `EtherCATInfo/Descriptions/Devices/Device` in it: this is no device description")]
    NoDescription,
    /// It has other devices.
    #[error("no device `{wanted}`; the file has {}", .has.join(", "))]
    NoDevice {
        /// What was asked for, with the revision if one was given.
        wanted: String,
        /// Type and revision of the devices that there are.
        has: Vec<String>,
    },
    /// A place in the device is not as ETG.2000 wants it.
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
    #[error("`{text}` is no number from 0 to {most:#x}, written as 26, #x1A or 0x1A")]
    Number {
        /// What is there, cut after 40 characters.
        text: String,
        /// Largest that fits.
        most: u64,
    },
    /// Not a string of hexadecimal digits, two for each byte.
    #[error("`{0}` is no sequence of bytes in hexadecimal digits")]
    Hex(String),
    /// Too few or too many bytes.
    #[error("{got} bytes, {least} to {most} are right")]
    Length {
        /// How many there are.
        got: usize,
        /// Fewest.
        least: usize,
        /// Most.
        most: usize,
    },
    /// The entry is too long for a mapping.
    #[error("{0} bits, a PDO entry has 255 at most")]
    EntryBits(u32),
    /// A PDO without an index of its area.
    #[error("index {0:#06x} is taken by another PDO")]
    PdoTwice(u16),
    /// The PDO names a sync manager that doesn't take it.
    #[error("the PDO is on sync manager {named}, {direction} are on {}", shown(*.there))]
    SyncManager {
        /// The one that the PDO names.
        named: u8,
        /// `outputs` or `inputs`.
        direction: &'static str,
        /// The one that is there for them.
        there: Option<u8>,
    },
    /// The sync managers of the mailbox are not the first two.
    #[error("a mailbox needs sync manager 0 as MBoxOut and 1 as MBoxIn")]
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
    /// The dictionary unfolds to too much.
    #[error("the dictionary has more than {0} entries or bytes of values")]
    DictionaryTooLarge(usize),
    /// Two objects have one index.
    #[error("index {0:#06x} is there twice")]
    ObjectTwice(u16),
    /// The data type is neither a base type nor described.
    #[error("data type `{0}` is neither a base type nor described under DataTypes")]
    DataType(String),
    /// The parts don't fit into an SII.
    #[error("the SII can't be composed: {0}")]
    Sii(zerocat_wire::WireError),
}

fn shown(there: Option<u8>) -> String {
    there.map_or_else(|| "none".to_owned(), |number| number.to_string())
}
