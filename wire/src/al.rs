//! AL control, status and status codes (ETG.1000.6, 5.3, tables 9 to 11).

use core::fmt;

use crate::codes::named_codes;

/// State of a SubDevice's application layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum AlState {
    /// No communication but the data link layer.
    Init = 1,
    /// Mailbox communication.
    PreOp = 2,
    /// Firmware update by mailbox.
    Boot = 3,
    /// Inputs are valid, outputs are safe.
    SafeOp = 4,
    /// Inputs and outputs are valid.
    Op = 8,
}

impl AlState {
    /// The state in the low four bits, if it is one.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits & 0x0f {
            1 => Self::Init,
            2 => Self::PreOp,
            3 => Self::Boot,
            4 => Self::SafeOp,
            8 => Self::Op,
            _ => return None,
        })
    }

    /// The field's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::PreOp => "PRE-OP",
            Self::Boot => "BOOT",
            Self::SafeOp => "SAFE-OP",
            Self::Op => "OP",
        }
    }
}

impl fmt::Display for AlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// AL control: the state that the MainDevice asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlControl {
    /// Requested state.
    pub state: AlState,
    /// Acknowledges an error that the SubDevice shows.
    pub acknowledge: bool,
}

impl AlControl {
    /// Asks for a state.
    #[must_use]
    pub const fn request(state: AlState) -> Self {
        Self { state, acknowledge: false }
    }

    /// The register's bytes.
    #[must_use]
    pub const fn emit(self) -> [u8; 2] {
        [self.state as u8 | if self.acknowledge { 0x10 } else { 0 }, 0]
    }
}

/// AL status as the SubDevice shows it. A broadcast read ORs those of all SubDevices, so the state bits may be of
/// no single state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlStatus(pub u16);

impl AlStatus {
    /// The error indication bit.
    pub const ERROR: u16 = 0x10;

    /// The state, if the bits are those of one state.
    #[must_use]
    pub const fn state(self) -> Option<AlState> {
        let [low, _] = self.0.to_le_bytes();
        AlState::from_bits(low)
    }

    /// Whether an error is shown.
    #[must_use]
    pub const fn error(self) -> bool {
        self.0 & Self::ERROR != 0
    }
}

impl fmt::Display for AlStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state() {
            Some(state) => f.write_str(state.name())?,
            None => write!(f, "state bits {:#x}", self.0 & 0x0f)?,
        }
        if self.error() { f.write_str(" + ERROR") } else { Ok(()) }
    }
}

/// AL status code: why a transition failed or a state was left (ETG.1000.6, table 11; ETG.1020, 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AlStatusCode(pub u16);

named_codes! {
    AlStatusCode, 4, 0x8000.. => "vendor specific", _ => "unknown code";
    NO_ERROR = 0x0000, "No error";
    UNSPECIFIED = 0x0001, "Unspecified error";
    NO_MEMORY = 0x0002, "No memory";
    INVALID_DEVICE_SETUP = 0x0003, "Invalid device setup";
    INVALID_REVISION = 0x0004, "Output/input mapping is not valid for this hardware or software revision";
    SII_MISMATCH = 0x0006, "SII/EEPROM information does not match firmware";
    FIRMWARE_UPDATE_FAILED = 0x0007, "Firmware update not successful";
    LICENSE_ERROR = 0x000E, "License error";
    INVALID_STATE_CHANGE = 0x0011, "Invalid requested state change";
    UNKNOWN_STATE = 0x0012, "Unknown requested state";
    BOOT_NOT_SUPPORTED = 0x0013, "Bootstrap not supported";
    NO_VALID_FIRMWARE = 0x0014, "No valid firmware";
    INVALID_BOOT_MAILBOX = 0x0015, "Invalid mailbox configuration (BOOT)";
    INVALID_MAILBOX = 0x0016, "Invalid mailbox configuration (PRE-OP)";
    INVALID_SYNC_MANAGER = 0x0017, "Invalid sync manager configuration";
    NO_VALID_INPUTS = 0x0018, "No valid inputs available";
    NO_VALID_OUTPUTS = 0x0019, "No valid outputs";
    SYNCHRONIZATION_ERROR = 0x001A, "Synchronization error";
    SYNC_MANAGER_WATCHDOG = 0x001B, "Sync manager watchdog";
    INVALID_SYNC_MANAGER_TYPES = 0x001C, "Invalid sync manager types";
    INVALID_OUTPUT_CONFIGURATION = 0x001D, "Invalid output configuration";
    INVALID_INPUT_CONFIGURATION = 0x001E, "Invalid input configuration";
    INVALID_WATCHDOG = 0x001F, "Invalid watchdog configuration";
    NEEDS_COLD_START = 0x0020, "SubDevice needs cold start";
    NEEDS_INIT = 0x0021, "SubDevice needs INIT";
    NEEDS_PREOP = 0x0022, "SubDevice needs PRE-OP";
    NEEDS_SAFEOP = 0x0023, "SubDevice needs SAFE-OP";
    INVALID_INPUT_MAPPING = 0x0024, "Invalid input mapping";
    INVALID_OUTPUT_MAPPING = 0x0025, "Invalid output mapping";
    INCONSISTENT_SETTINGS = 0x0026, "Inconsistent settings";
    FREE_RUN_NOT_SUPPORTED = 0x0027, "Free run not supported";
    SYNCHRONIZATION_NOT_SUPPORTED = 0x0028, "Synchronization not supported";
    FREE_RUN_NEEDS_THREE_BUFFERS = 0x0029, "Free run needs three-buffer mode";
    BACKGROUND_WATCHDOG = 0x002A, "Background watchdog";
    NO_VALID_INPUTS_AND_OUTPUTS = 0x002B, "No valid inputs and outputs";
    FATAL_SYNC = 0x002C, "Fatal SYNC error";
    NO_SYNC = 0x002D, "No SYNC error";
    CYCLE_TIME_TOO_SMALL = 0x002E, "Cycle time too small";
    INVALID_DC_SYNC = 0x0030, "Invalid DC SYNC configuration";
    INVALID_DC_LATCH = 0x0031, "Invalid DC latch configuration";
    PLL_ERROR = 0x0032, "PLL error";
    DC_SYNC_IO_ERROR = 0x0033, "DC SYNC IO error";
    DC_SYNC_TIMEOUT = 0x0034, "DC SYNC timeout error";
    INVALID_DC_SYNC_CYCLE = 0x0035, "DC invalid SYNC cycle time";
    DC_SYNC0_CYCLE = 0x0036, "DC SYNC0 cycle time";
    DC_SYNC1_CYCLE = 0x0037, "DC SYNC1 cycle time";
    MAILBOX_AOE = 0x0041, "AoE mailbox error";
    MAILBOX_EOE = 0x0042, "EoE mailbox error";
    MAILBOX_COE = 0x0043, "CoE mailbox error";
    MAILBOX_FOE = 0x0044, "FoE mailbox error";
    MAILBOX_SOE = 0x0045, "SoE mailbox error";
    MAILBOX_VOE = 0x004F, "VoE mailbox error";
    SII_NO_ACCESS = 0x0050, "EEPROM no access";
    SII_ERROR = 0x0051, "EEPROM error";
    EXTERNAL_HARDWARE_NOT_READY = 0x0052, "External hardware not ready";
    RESTARTED_LOCALLY = 0x0060, "SubDevice restarted locally";
    DEVICE_IDENTIFICATION_UPDATED = 0x0061, "Device identification value updated";
    MODULES_MISMATCH = 0x0070, "Detected module ident list does not match";
    SUPPLY_VOLTAGE_TOO_LOW = 0x0080, "Supply voltage too low";
    SUPPLY_VOLTAGE_TOO_HIGH = 0x0081, "Supply voltage too high";
    TEMPERATURE_TOO_LOW = 0x0082, "Temperature too low";
    TEMPERATURE_TOO_HIGH = 0x0083, "Temperature too high";
    APPLICATION_CONTROLLER = 0x00F0, "Application controller available";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn control_bytes_are_those_of_the_table() {
        assert_eq!(AlControl::request(AlState::SafeOp).emit(), [0x04, 0]);
        assert_eq!(AlControl { state: AlState::Init, acknowledge: true }.emit(), [0x11, 0]);
    }

    #[test]
    fn an_ored_broadcast_is_no_state() {
        assert_eq!(AlStatus(0x0006).state(), None);
        assert_eq!(AlStatus(0x0014).to_string(), "SAFE-OP + ERROR");
    }

    #[test]
    fn a_code_is_said_in_words() {
        assert_eq!(AlStatusCode(0x001b).to_string(), "0x001b: Sync manager watchdog");
        assert_eq!(AlStatusCode(0x9000).text(), "vendor specific");
    }
}
