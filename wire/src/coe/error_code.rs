//! Error codes of emergencies and diagnosis messages in words: their classes (CiA 301, table 26), and what they mean in drives
//! (IEC 61800-7-201 / CiA 402, error codes; from headers of several vendors that cite it).
//!
//! Not here: codes of vendors, which their manuals explain.

use core::fmt;

/// An error code. Its display is the code and [its words](Self::words): `0x2310: current, device output side; in a drive:
/// continuous over-current`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub u16);

/// An error code in words, as its display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words(ErrorCode);

impl ErrorCode {
    /// Whether it says that errors are over: `00xx` (CiA 301, table 26, from memory).
    #[must_use]
    pub const fn is_reset(self) -> bool {
        self.0 < 0x0100
    }

    /// Its class in words (CiA 301, table 26); `None` where there is none with such codes.
    #[must_use]
    pub const fn class(self) -> Option<&'static str> {
        Some(match self.0 {
            0x0000..=0x00ff => "error reset or no error",
            0x1000..=0x10ff => "generic error",
            0x2000..=0x20ff => "current",
            0x2100..=0x21ff => "current, device input side",
            0x2200..=0x22ff => "current inside the device",
            0x2300..=0x23ff => "current, device output side",
            0x3000..=0x30ff => "voltage",
            0x3100..=0x31ff => "mains voltage",
            0x3200..=0x32ff => "voltage inside the device",
            0x3300..=0x33ff => "output voltage",
            0x4000..=0x40ff => "temperature",
            0x4100..=0x41ff => "ambient temperature",
            0x4200..=0x42ff => "device temperature",
            0x5000..=0x50ff => "device hardware",
            0x6000..=0x60ff => "device software",
            0x6100..=0x61ff => "internal software",
            0x6200..=0x62ff => "user software",
            0x6300..=0x63ff => "data set",
            0x7000..=0x70ff => "additional modules",
            0x8000..=0x80ff => "monitoring",
            0x8100..=0x81ff => "communication",
            0x8200..=0x82ff => "protocol error",
            0x9000..=0x90ff => "external error",
            0xa000..=0xa0ff => "EtherCAT state machine transition error",
            0xf000..=0xf0ff => "additional functions",
            0xff00..=0xffff => "device specific",
            _ => return None,
        })
    }

    /// What it means in a drive (CiA 402): the code itself, else the group that it is in; `None` where that isn't said.
    #[must_use]
    pub fn in_a_drive(self) -> Option<&'static str> {
        let groups = [self.0, self.0 & 0xfff0, self.0 & 0xff00];
        groups.into_iter().find_map(|code| {
            let at = DRIVES.binary_search_by_key(&code, |row| row.0).ok()?;
            DRIVES.get(at).map(|row| row.1)
        })
    }

    /// Its class, and what it means in a drive.
    #[must_use]
    pub const fn words(self) -> Words {
        Words(self)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}: {}", self.0, self.words())
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.class(), self.0.in_a_drive()) {
            (Some(class), Some(drive)) => write!(f, "{class}; in a drive: {drive}"),
            (Some(class), None) => f.write_str(class),
            (None, Some(drive)) => write!(f, "{drive} (of a drive)"),
            (None, None) => f.write_str("unknown error code"),
        }
    }
}

/// Error codes of drives, rising. Groups end in 0, and name what is in them without a row of its own. Those that say no more than
/// the class of CiA 301 are left out.
const DRIVES: &[(u16, &str)] = &[
    (0x2110, "short circuit or earth leakage at the input"),
    (0x2120, "earth leakage at the input"),
    (0x2121, "earth leakage at the input, phase L1"),
    (0x2122, "earth leakage at the input, phase L2"),
    (0x2123, "earth leakage at the input, phase L3"),
    (0x2130, "short circuit at the input"),
    (0x2131, "short circuit at the input, phases L1-L2"),
    (0x2132, "short circuit at the input, phases L2-L3"),
    (0x2133, "short circuit at the input, phases L3-L1"),
    (0x2211, "internal current 1"),
    (0x2212, "internal current 2"),
    (0x2213, "over-current in the ramp function"),
    (0x2214, "over-current in the sequence"),
    (0x2220, "continuous over-current inside the device"),
    (0x2221, "continuous over-current 1 inside the device"),
    (0x2222, "continuous over-current 2 inside the device"),
    (0x2230, "short circuit or earth leakage inside the device"),
    (0x2240, "earth leakage inside the device"),
    (0x2250, "short circuit inside the device"),
    (0x2310, "continuous over-current"),
    (0x2311, "continuous over-current 1"),
    (0x2312, "continuous over-current 2"),
    (0x2320, "short circuit or earth leakage at the motor"),
    (0x2330, "earth leakage at the motor"),
    (0x2331, "earth leakage at the motor, phase U"),
    (0x2332, "earth leakage at the motor, phase V"),
    (0x2333, "earth leakage at the motor, phase W"),
    (0x2340, "short circuit at the motor"),
    (0x2341, "short circuit at the motor, phases U-V"),
    (0x2342, "short circuit at the motor, phases V-W"),
    (0x2343, "short circuit at the motor, phases W-U"),
    (0x2350, "load too high (I2t, thermal state)"),
    (0x2351, "load nearly too high (I2t, thermal state)"),
    (0x3110, "mains over-voltage"),
    (0x3111, "mains over-voltage, phase L1"),
    (0x3112, "mains over-voltage, phase L2"),
    (0x3113, "mains over-voltage, phase L3"),
    (0x3120, "mains under-voltage"),
    (0x3121, "mains under-voltage, phase L1"),
    (0x3122, "mains under-voltage, phase L2"),
    (0x3123, "mains under-voltage, phase L3"),
    (0x3130, "mains phase failure"),
    (0x3131, "mains phase failure, L1"),
    (0x3132, "mains phase failure, L2"),
    (0x3133, "mains phase failure, L3"),
    (0x3134, "sequence of the mains phases"),
    (0x3140, "mains frequency"),
    (0x3141, "mains frequency too high"),
    (0x3142, "mains frequency too low"),
    (0x3210, "DC link over-voltage"),
    (0x3211, "DC link over-voltage 1"),
    (0x3212, "DC link over-voltage 2"),
    (0x3220, "DC link under-voltage"),
    (0x3221, "DC link under-voltage 1"),
    (0x3222, "DC link under-voltage 2"),
    (0x3230, "load error"),
    (0x3310, "output over-voltage"),
    (0x3311, "output over-voltage, phase U"),
    (0x3312, "output over-voltage, phase V"),
    (0x3313, "output over-voltage, phase W"),
    (0x3320, "armature circuit"),
    (0x3321, "armature circuit interrupted"),
    (0x3330, "field circuit"),
    (0x3331, "field circuit interrupted"),
    (0x4110, "ambient temperature too high"),
    (0x4120, "ambient temperature too low"),
    (0x4130, "temperature of the supply air"),
    (0x4140, "temperature of the air outlet"),
    (0x4210, "device temperature too high"),
    (0x4220, "device temperature too low"),
    (0x4300, "drive temperature"),
    (0x4310, "drive temperature too high"),
    (0x4320, "drive temperature too low"),
    (0x4400, "supply temperature"),
    (0x4410, "supply temperature too high"),
    (0x4420, "supply temperature too low"),
    (0x5100, "supply"),
    (0x5110, "low voltage supply"),
    (0x5111, "supply of +/-15 V"),
    (0x5112, "supply of 24 V"),
    (0x5113, "supply of 5 V"),
    (0x5120, "supply of the intermediate circuit"),
    (0x5200, "control hardware"),
    (0x5210, "measurement circuit"),
    (0x5220, "computing circuit"),
    (0x5300, "operating unit"),
    (0x5400, "power section"),
    (0x5410, "output stages"),
    (0x5420, "chopper"),
    (0x5430, "input stages"),
    (0x5440, "contacts"),
    (0x5450, "fuses"),
    (0x5451, "fuse of L1"),
    (0x5452, "fuse of L2"),
    (0x5453, "fuse of L3"),
    (0x5500, "memory"),
    (0x5510, "RAM"),
    (0x5520, "ROM"),
    (0x5530, "EEPROM"),
    (0x6010, "reset by the software's watchdog"),
    (0x6310, "parameters were lost"),
    (0x6320, "parameter error"),
    (0x7100, "power"),
    (0x7110, "brake chopper"),
    (0x7111, "brake chopper failed"),
    (0x7112, "over-current of the brake chopper"),
    (0x7113, "protective circuit of the brake chopper"),
    (0x7120, "motor"),
    (0x7121, "motor blocked"),
    (0x7122, "motor error or commutation malfunction"),
    (0x7123, "motor tilted"),
    (0x7200, "measurement circuit"),
    (0x7300, "sensor"),
    (0x7301, "tachometer fault"),
    (0x7302, "tachometer with wrong polarity"),
    (0x7303, "resolver 1 fault"),
    (0x7304, "resolver 2 fault"),
    (0x7305, "incremental encoder 1 fault"),
    (0x7306, "incremental encoder 2 fault"),
    (0x7307, "incremental encoder 3 fault"),
    (0x7310, "velocity sensor"),
    (0x7320, "position sensor"),
    (0x7400, "computation circuit"),
    (0x7500, "communication"),
    (0x7510, "serial interface 1"),
    (0x7520, "serial interface 2"),
    (0x7600, "data storage"),
    (0x8300, "torque controller"),
    (0x8311, "torque too high"),
    (0x8312, "hard to start up"),
    (0x8313, "torque at standstill"),
    (0x8321, "torque too low"),
    (0x8331, "torque fault"),
    (0x8400, "velocity controller"),
    (0x8500, "position controller"),
    (0x8600, "positioning controller"),
    (0x8611, "following error"),
    (0x8612, "reference limit"),
    (0x8700, "synchronization controller"),
    (0x8800, "winding controller"),
    (0x8900, "monitoring of process data"),
    (0x8a00, "monitoring of control"),
    (0xf001, "deceleration"),
    (0xf002, "sub-synchronous run"),
    (0xf003, "stroke operation"),
    (0xf004, "control"),
];

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn codes_of_drives_have_words() {
        let told = [0x2310, 0x3210, 0x4210, 0x7121, 0x7305, 0x8400, 0x8500, 0x8611, 0x1000, 0xb000];
        let expected = [
            "0x2310: current, device output side; in a drive: continuous over-current",
            "0x3210: voltage inside the device; in a drive: DC link over-voltage",
            "0x4210: device temperature; in a drive: device temperature too high",
            "0x7121: motor blocked (of a drive)",
            "0x7305: incremental encoder 1 fault (of a drive)",
            "0x8400: velocity controller (of a drive)",
            "0x8500: position controller (of a drive)",
            "0x8611: following error (of a drive)",
            "0x1000: generic error",
            "0xb000: unknown error code",
        ];
        assert_eq!(told.map(|code| ErrorCode(code).to_string()), expected);
    }

    #[test]
    fn a_code_without_words_of_its_own_has_those_of_its_group() {
        assert_eq!(ErrorCode(0x7308).in_a_drive(), Some("sensor"));
        assert_eq!(ErrorCode(0x2345).in_a_drive(), Some("short circuit at the motor"));
        assert_eq!(ErrorCode(0x1234).in_a_drive(), None);
    }

    #[test]
    fn the_table_rises() {
        assert!(DRIVES.is_sorted_by(|one, next| one.0 < next.0));
    }
}
