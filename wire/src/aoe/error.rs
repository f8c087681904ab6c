//! Error codes of AMS and ADS: below 0x700 those of the router, from there on those of the device.

use crate::codes::named_codes;

/// Why an ADS command wasn't done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AdsError(pub u32);

impl AdsError {
    /// No error.
    pub const NONE: Self = Self(0);

    /// Whether it is an error.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 != Self::NONE.0
    }
}

// Beckhoff infosys, `ADS return codes`; names as in SSC's `ecataoe.h`.
named_codes! {
    AdsError, 4, 0 => "no error", _ => "unknown ADS error";
    INTERNAL = 0x01, "Internal error";
    TARGET_PORT_NOT_FOUND = 0x06, "Target port not found";
    TARGET_NOT_FOUND = 0x07, "Target machine not found";
    UNKNOWN_COMMAND = 0x08, "Unknown command ID";
    PORT_NOT_CONNECTED = 0x0d, "Port is not connected";
    INVALID_LENGTH = 0x0e, "Invalid AMS length";
    INVALID_NET_ID = 0x0f, "Invalid AMS NetID";
    PORT_DISABLED = 0x12, "Port is disabled";
    INVALID_PORT = 0x18, "Invalid AMS port";
    NO_ROUTER_MEMORY = 0x19, "No memory for AMS";
    DEVICE = 0x700, "General device error";
    SERVICE_NOT_SUPPORTED = 0x701, "Service is not supported by the server";
    INVALID_GROUP = 0x702, "Invalid index group";
    INVALID_OFFSET = 0x703, "Invalid index offset";
    INVALID_ACCESS = 0x704, "Reading or writing is not permitted";
    INVALID_SIZE = 0x705, "Parameter size is not correct";
    INVALID_DATA = 0x706, "Invalid parameter value";
    NOT_READY = 0x707, "Device is not ready";
    BUSY = 0x708, "Device is busy";
    INVALID_CONTEXT = 0x709, "Invalid context";
    NO_MEMORY = 0x70a, "Out of memory";
    INVALID_PARAMETER = 0x70b, "Invalid parameter";
    NOT_FOUND = 0x70c, "Not found";
    SYNTAX = 0x70d, "Syntax error in command or file";
    INCOMPATIBLE = 0x70e, "Objects do not match";
    EXISTS = 0x70f, "Object exists already";
    SYMBOL_NOT_FOUND = 0x710, "Symbol not found";
    SYMBOL_VERSION = 0x711, "Symbol version is invalid";
    INVALID_STATE = 0x712, "Server is in an invalid state";
    TRANSMISSION_MODE = 0x713, "Transmission mode is not supported";
    INVALID_NOTIFICATION = 0x714, "Notification handle is invalid";
    NOTIFICATION_CLIENT = 0x715, "Notification client is not registered";
    NO_NOTIFICATIONS = 0x716, "No more notification handles";
    NOTIFICATION_SIZE = 0x717, "Size of the notification is too large";
    NOT_INITIALISED = 0x718, "Device is not initialised";
    TIMEOUT = 0x719, "Device has a timeout";
    NO_INTERFACE = 0x71a, "Query of an interface failed";
    INVALID_INTERFACE = 0x71b, "Wrong interface was asked for";
    CLASS_ID = 0x71c, "Class ID is invalid";
    OBJECT_ID = 0x71d, "Object ID is invalid";
    PENDING = 0x71e, "Request is pending";
    ABORTED = 0x71f, "Request is aborted";
    SIGNAL = 0x720, "Signal warning";
    INVALID_ARRAY_INDEX = 0x721, "Invalid array index";
    CLIENT = 0x740, "General client error";
    CLIENT_TIMEOUT = 0x745, "Timeout at the client";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_said_in_words() {
        assert_eq!(std::format!("{}", AdsError::INVALID_GROUP), "0x0702: Invalid index group");
        assert_eq!(std::format!("{}", AdsError(0x9811_0003)), "0x98110003: unknown ADS error");
        assert!(!AdsError::NONE.is_error() && AdsError::DEVICE.is_error());
        assert_eq!(AdsError::NONE.text(), "no error");
    }
}
