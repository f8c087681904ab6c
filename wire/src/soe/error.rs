//! Why elements were not read or written. The first digit says which element it is about, those of the drive begin with 8.

use crate::codes::named_codes;
use crate::{WireError, field};

/// Code of an error response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SoeError(pub u16);

impl SoeError {
    /// Bytes of the code.
    pub const LEN: usize = 2;

    /// The code in an error response, from the bytes behind its header: the last two of the mail.
    ///
    /// # Errors
    /// `Truncated` when there are none.
    pub fn of(data: &[u8]) -> Result<Self, WireError> {
        let last = data.len().checked_sub(Self::LEN).and_then(|at| data.get(at..)).unwrap_or(data);
        field::u16_at(last, 0).map(Self)
    }
}

named_codes! {
    SoeError, 4, _ => "unknown SoE error";
    NO_IDN = 0x1001, "There is no such IDN";
    ELEMENT_ONE = 0x1009, "Element 1 can't be accessed so";
    NO_NAME = 0x2001, "There is no name";
    NAME_TOO_SHORT = 0x2002, "Name is too short";
    NAME_TOO_LONG = 0x2003, "Name is too long";
    NAME_READ_ONLY = 0x2004, "Name can't be changed";
    NAME_PROTECTED = 0x2005, "Name is write-protected at present";
    ATTRIBUTE_TOO_SHORT = 0x3002, "Attribute is too short";
    ATTRIBUTE_TOO_LONG = 0x3003, "Attribute is too long";
    ATTRIBUTE_READ_ONLY = 0x3004, "Attribute can't be changed";
    ATTRIBUTE_PROTECTED = 0x3005, "Attribute is write-protected at present";
    NO_UNIT = 0x4001, "There is no unit";
    UNIT_TOO_SHORT = 0x4002, "Unit is too short";
    UNIT_TOO_LONG = 0x4003, "Unit is too long";
    UNIT_READ_ONLY = 0x4004, "Unit can't be changed";
    UNIT_PROTECTED = 0x4005, "Unit is write-protected at present";
    NO_MIN = 0x5001, "There is no minimum";
    MIN_TOO_SHORT = 0x5002, "Minimum is too short";
    MIN_TOO_LONG = 0x5003, "Minimum is too long";
    MIN_READ_ONLY = 0x5004, "Minimum can't be changed";
    MIN_PROTECTED = 0x5005, "Minimum is write-protected at present";
    NO_MAX = 0x6001, "There is no maximum";
    MAX_TOO_SHORT = 0x6002, "Maximum is too short";
    MAX_TOO_LONG = 0x6003, "Maximum is too long";
    MAX_READ_ONLY = 0x6004, "Maximum can't be changed";
    MAX_PROTECTED = 0x6005, "Maximum is write-protected at present";
    VALUE_TOO_SHORT = 0x7002, "Value is too short";
    VALUE_TOO_LONG = 0x7003, "Value is too long";
    VALUE_READ_ONLY = 0x7004, "Value can't be changed";
    VALUE_PROTECTED = 0x7005, "Value is write-protected at present";
    VALUE_BELOW_MIN = 0x7006, "Value is below the minimum";
    VALUE_ABOVE_MAX = 0x7007, "Value is above the maximum";
    VALUE_INVALID = 0x7008, "Value is invalid";
    VALUE_NEEDS_PASSWORD = 0x7009, "Value is write-protected by a password";
    VALUE_WRITE_PROTECTED = 0x700A, "Value is write-protected";
    INDIRECT_ADDRESSING = 0x700B, "Indirect addressing is invalid";
    OTHER_SETTINGS = 0x700C, "Value is write-protected by other settings";
    COMMAND_ACTIVE = 0x7010, "Procedure command is active already";
    COMMAND_NOT_INTERRUPTIBLE = 0x7011, "Procedure command can't be interrupted";
    COMMAND_NOT_NOW = 0x7012, "Procedure command can't be executed at present";
    COMMAND_NOT_EXECUTABLE = 0x7013, "Procedure command can't be executed";
    NO_DATA_STATE = 0x7014, "There is no data state";
    NO_DEFAULT = 0x8001, "There is no default";
    DEFAULT_TOO_LONG = 0x8002, "Default is too long";
    DEFAULT_READ_ONLY = 0x8004, "Default can't be changed";
    NO_DRIVE = 0x800A, "There is no drive of this number";
    GENERAL = 0x800B, "General error";
    NO_ELEMENT = 0x800C, "No element is addressed";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_last_word_whatever_stands_before() {
        assert_eq!(SoeError::of(&[0x01, 0x10]), Ok(SoeError::NO_IDN));
        assert_eq!(SoeError::of(&[9, 9, 9, 0x04, 0x70]), Ok(SoeError::VALUE_READ_ONLY));
        assert!(SoeError::of(&[1]).is_err());
        assert!(SoeError::of(&[]).is_err());
    }

    #[test]
    fn a_code_is_said_in_words() {
        assert_eq!(std::format!("{}", SoeError::VALUE_ABOVE_MAX), "0x7007: Value is above the maximum");
        assert_eq!(SoeError(0x7fff).text(), "unknown SoE error");
    }
}
