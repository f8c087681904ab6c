//! SDO abort codes (ETG.1000.6, table 41; CiA 301, table 22).

use crate::codes::named_codes;

/// Why an SDO transfer was aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AbortCode(pub u32);

named_codes! {
    AbortCode, 8, _ => "unknown abort code";
    TOGGLE = 0x0503_0000, "Toggle bit not changed";
    TIMEOUT = 0x0504_0000, "SDO protocol timeout";
    COMMAND = 0x0504_0001, "Client/server command specifier not valid or unknown";
    BLOCK_SIZE = 0x0504_0002, "Invalid block size";
    SEQUENCE = 0x0504_0003, "Invalid sequence number";
    CRC = 0x0504_0004, "CRC error";
    OUT_OF_MEMORY = 0x0504_0005, "Out of memory";
    UNSUPPORTED_ACCESS = 0x0601_0000, "Unsupported access to an object";
    WRITE_ONLY = 0x0601_0001, "Attempt to read a write-only object";
    READ_ONLY = 0x0601_0002, "Attempt to write a read-only object";
    SUBINDEX_0_NOT_ZERO = 0x0601_0003, "Subindex can't be written, subindex 0 must be 0 for write access";
    COMPLETE_ACCESS = 0x0601_0004, "Complete access is not supported for objects of variable length";
    EXCEEDS_MAILBOX = 0x0601_0005, "Object length exceeds mailbox size";
    MAPPED = 0x0601_0006, "Object is mapped to an RxPDO, SDO download is blocked";
    NO_SUCH_OBJECT = 0x0602_0000, "Object doesn't exist in the object dictionary";
    CANNOT_BE_MAPPED = 0x0604_0041, "Object can't be mapped into the PDO";
    PDO_LENGTH = 0x0604_0042, "Number and length of the objects to be mapped would exceed the PDO length";
    PARAMETER_INCOMPATIBLE = 0x0604_0043, "General parameter incompatibility";
    INTERNAL_INCOMPATIBLE = 0x0604_0047, "General internal incompatibility in the device";
    HARDWARE = 0x0606_0000, "Access failed due to a hardware error";
    LENGTH_MISMATCH = 0x0607_0010, "Data type doesn't match, length of service parameter doesn't match";
    LENGTH_TOO_HIGH = 0x0607_0012, "Data type doesn't match, length of service parameter too high";
    LENGTH_TOO_LOW = 0x0607_0013, "Data type doesn't match, length of service parameter too low";
    NO_SUCH_SUBINDEX = 0x0609_0011, "Subindex doesn't exist";
    VALUE_RANGE = 0x0609_0030, "Value range of parameter exceeded";
    VALUE_TOO_HIGH = 0x0609_0031, "Value of parameter written too high";
    VALUE_TOO_LOW = 0x0609_0032, "Value of parameter written too low";
    MODULES_MISMATCH = 0x0609_0033, "Detected module list (0xF030) and configured module list (0xF050) don't match";
    MAXIMUM_BELOW_MINIMUM = 0x0609_0036, "Maximum value is less than minimum value";
    RESOURCE = 0x060A_0023, "Resource not available: SDO connection";
    GENERAL = 0x0800_0000, "General error";
    NOT_STORED = 0x0800_0020, "Data can't be transferred or stored to the application";
    LOCAL_CONTROL = 0x0800_0021, "Data can't be transferred or stored to the application because of local control";
    DEVICE_STATE = 0x0800_0022, "Data can't be transferred or stored in the present device state";
    NO_DICTIONARY = 0x0800_0023, "Object dictionary dynamic generation failed or no object dictionary is present";
    NO_DATA = 0x0800_0024, "No data available";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_code_is_said_in_words() {
        assert_eq!(AbortCode(0x0602_0000).to_string(), "0x06020000: Object doesn't exist in the object dictionary");
        assert_eq!(AbortCode(1).to_string(), "0x00000001: unknown abort code");
    }

    #[test]
    fn no_code_is_listed_twice() {
        for (n, code) in AbortCode::KNOWN.iter().enumerate() {
            assert!(!AbortCode::KNOWN[..n].contains(code), "{code}");
            assert_ne!(code.text(), "unknown abort code");
        }
    }
}
