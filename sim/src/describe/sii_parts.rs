//! Parts of an SII that don't follow from a description: a vendor's file gives them as they are.

use std::collections::HashMap;

use zerocat_esi::OpMode;
use zerocat_wire::sii::{FmmuUsage, fixed};

/// The units of the clock for SYNC and for latch signals are switched on, in the word of PDI control (ET1100 data sheet,
/// section II, 0x0140 bits 10 and 11). An ET1100 or ET1200 without both has no system time.
pub(crate) const CLOCK_UNITS: u16 = 0x0c00;

/// Parts of an SII. What is empty or `None` follows from the description.
#[derive(Debug, Clone, Default)]
pub(crate) struct SiiParts {
    /// The whole image.
    pub(crate) image: Option<Vec<u8>>,
    /// The image was never programmed: there is an ESC, and no application.
    pub(crate) blank: bool,
    /// What is wrong with the image.
    pub(crate) notes: Vec<String>,
    /// The image's first bytes: PDI control and configuration, sync impulse.
    pub(crate) config: Vec<u8>,
    /// Explicit device ID, which a switch sets; 0 is none.
    pub(crate) device_id: u16,
    /// CoE details.
    pub(crate) coe: Option<u8>,
    /// The repeat service of the mailbox.
    pub(crate) data_link: bool,
    /// What the FMMUs are for.
    pub(crate) fmmus: Vec<FmmuUsage>,
    /// Enable bytes of the sync managers, number 0 first.
    pub(crate) enables: Vec<u8>,
    /// Modes of operation with distributed clocks, the default first.
    pub(crate) clocks: Vec<OpMode>,
    /// Flags of PDOs by index.
    pub(crate) pdo_flags: HashMap<u16, u16>,
    /// Size of the memory in bytes.
    pub(crate) size: Option<u32>,
}

impl SiiParts {
    /// Whether there is a clock: a mode of operation uses it, or its units are switched on.
    pub(crate) fn has_clock(&self) -> bool {
        let image = self.image.as_ref().and_then(|image| image.first_chunk());
        let control = image.map_or(self.config_word(fixed::word::PDI_CONTROL), |word| Some(u16::from_le_bytes(*word)));
        !self.clocks.is_empty() || control.is_some_and(|control| control & CLOCK_UNITS != 0 && control != 0xffff)
    }

    /// A word of the image's first bytes.
    pub(crate) fn config_word(&self, word: u32) -> Option<u16> {
        let at = fixed::at(word);
        match self.config.get(at..at + 2) {
            Some([low, high]) => Some(u16::from_le_bytes([*low, *high])),
            _ => None,
        }
    }
}
