//! What a file says about the SII itself (ETG.2000, Eeprom).

use super::at::At;
use super::error::{EsiError, EsiProblem};

/// Words 0 to 6 of an SII, or 0 to 7 with the checksum; some files give words up to 15.
const CONFIG: (usize, usize) = (2, 32);
/// Two mailboxes, each with address and length.
const BOOT: (usize, usize) = (8, 8);
/// An image from its fixed area to the largest memory.
const IMAGE: (usize, usize) = (128, 4 * 1024 * 1024);

/// Parts of the SII, or all of it.
#[derive(Debug, Default)]
pub(super) struct Eeprom {
    /// Size of the memory.
    pub(super) size: Option<u32>,
    /// From word 0 on.
    pub(super) config: Vec<u8>,
    /// From word 0x14 on.
    pub(super) boot: Vec<u8>,
    /// The whole image.
    pub(super) image: Option<Vec<u8>>,
}

impl Eeprom {
    pub(super) fn read(device: &At<'_>) -> Result<Self, EsiError> {
        let Some(at) = device.child("Eeprom") else { return Ok(Self::default()) };
        Ok(Self {
            size: at.child_number("ByteSize")?,
            config: part(&at, "ConfigData", CONFIG)?.unwrap_or_default(),
            boot: part(&at, "BootStrap", BOOT)?.unwrap_or_default(),
            image: part(&at, "Data", IMAGE)?,
        })
    }
}

fn part(at: &At<'_>, name: &str, (least, most): (usize, usize)) -> Result<Option<Vec<u8>>, EsiError> {
    let Some(child) = at.child(name).filter(|child| !child.text().is_empty()) else { return Ok(None) };
    let bytes = child.bytes()?;
    let got = bytes.len();
    if (least..=most).contains(&got) {
        Ok(Some(bytes))
    } else {
        Err(child.fail(EsiProblem::Length { got, least, most }))
    }
}
