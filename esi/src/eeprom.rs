//! What a file says about the SII itself (ETG.2000, Eeprom).

use crate::element::Element;
use crate::error::{EsiError, EsiProblem};

/// Words 0 to 6 of an SII, or 0 to 7 with the checksum; some files give words up to 15.
const CONFIG: (usize, usize) = (2, 32);
/// Two mailboxes, each with address and length.
const BOOT: (usize, usize) = (8, 8);
/// An image from its fixed area to the largest memory.
const IMAGE: (usize, usize) = (128, 4 * 1024 * 1024);

/// Parts of the SII, or all of it. What the file leaves out is `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Eeprom {
    /// Size of the memory in bytes.
    pub size: Option<u32>,
    /// The SII from word 0 on: PDI control and configuration, sync impulse.
    pub config: Vec<u8>,
    /// The SII from word 0x14 on, 8 bytes: start and length of the mailboxes in BOOT, the one that is written first.
    pub boot: Vec<u8>,
    /// The whole image.
    pub image: Option<Vec<u8>>,
}

impl Eeprom {
    pub(crate) fn read(device: &Element<'_>) -> Result<Self, EsiError> {
        let Some(at) = device.child("Eeprom") else { return Ok(Self::default()) };
        Ok(Self {
            size: at.child_number("ByteSize")?,
            config: part(&at, "ConfigData", CONFIG)?.unwrap_or_default(),
            boot: part(&at, "BootStrap", BOOT)?.unwrap_or_default(),
            image: part(&at, "Data", IMAGE)?,
        })
    }
}

fn part(at: &Element<'_>, name: &str, (least, most): (usize, usize)) -> Result<Option<Vec<u8>>, EsiError> {
    let Some(child) = at.child(name).filter(|child| !child.text().is_empty()) else { return Ok(None) };
    let bytes = child.bytes()?;
    let got = bytes.len();
    if (least..=most).contains(&got) {
        Ok(Some(bytes))
    } else {
        Err(child.fail(EsiProblem::Length { got, least, most }))
    }
}
