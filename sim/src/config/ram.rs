//! What the RAM of an ESC holds at power-on. In reality that is chance; it shows behind mails, which rarely fill their
//! mailbox.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zerocat_wire::register;

use super::check::invalid;
use super::{ConfigProblem, SegmentConfigError, SubDeviceConfig};

/// Bytes of the RAM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RamConfig {
    /// Address of the first one, from 4096 (0x1000) on.
    pub address: u16,
    /// The bytes in hexadecimal: `"00a1ff"`.
    pub bytes: String,
}

/// Bytes that are written in hexadecimal. `None` if they aren't pairs of digits.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
    let digits = digits?;
    let pairs = digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]));
    pairs.map(Iterator::collect)
}

/// Checks the RAM of a SubDevice, and what it ends its mails with.
pub(super) fn check(n: usize, subdevice: &SubDeviceConfig) -> Result<(), SegmentConfigError> {
    for (at, ram) in subdevice.ram.iter().enumerate() {
        let path = |key: &str| format!("subdevices[{n}].ram[{at}].{key}");
        if ram.address < register::RAM {
            return Err(invalid(path("address"), ConfigProblem::RamAddress(ram.address)));
        }
        if bytes(&ram.bytes).is_none() {
            return Err(invalid(path("bytes"), ConfigProblem::Hexadecimal));
        }
    }
    if bytes(&subdevice.mail_ends).is_none() {
        return Err(invalid(format!("subdevices[{n}].mail_ends"), ConfigProblem::Hexadecimal));
    }
    Ok(())
}
