//! What an ADS command is answered with: the bytes behind the AMS header of a response.

use super::{AdsError, AmsCommand};
use crate::{WireError, field};

/// Bytes of the name in a [`DeviceInfo`].
pub const DEVICE_NAME: usize = 16;

/// Result and data of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdsResponse<'a> {
    /// Whether it was done.
    pub result: AdsError,
    /// What was read; behind an error nothing that counts.
    pub data: &'a [u8],
}

/// Bytes of a result.
const RESULT: usize = 4;

impl<'a> AdsResponse<'a> {
    /// Whether responses to a command say how many data they have.
    const fn counts(command: AmsCommand) -> bool {
        matches!(command, AmsCommand::READ | AmsCommand::READ_WRITE)
    }

    /// Reads the bytes behind a header with this command. A failed one may end behind its result; and SSC's answer to a write is
    /// longer than it should be, which is borne.
    ///
    /// # Errors
    /// `Truncated` where bytes are missing.
    pub fn parse(command: AmsCommand, body: &'a [u8]) -> Result<Self, WireError> {
        let result = AdsError(field::u32_at(body, 0)?);
        let rest = body.get(RESULT..).unwrap_or_default();
        if !Self::counts(command) || result.is_error() {
            return Ok(Self { result, data: rest });
        }
        let len = usize::try_from(field::u32_at(rest, 0)?).unwrap_or(usize::MAX);
        let needed = RESULT.saturating_add(len);
        let data = rest.get(RESULT..needed).ok_or(WireError::Truncated { needed, got: rest.len() })?;
        Ok(Self { result, data })
    }

    /// Writes it behind a header with this command, and returns its length.
    ///
    /// # Errors
    /// `NoRoom`, `BadLength`.
    pub fn emit(&self, command: AmsCommand, body: &mut [u8]) -> Result<usize, WireError> {
        field::put(body, 0, &self.result.0.to_le_bytes())?;
        let start = if Self::counts(command) {
            let len = u32::try_from(self.data.len()).map_err(|_| WireError::BadLength)?;
            field::put(body, RESULT, &len.to_le_bytes())?;
            RESULT.saturating_add(RESULT)
        } else {
            RESULT
        };
        field::put(body, start, self.data)?;
        Ok(start.saturating_add(self.data.len()))
    }
}

/// What a device says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Major number of its version.
    pub major: u8,
    /// Minor number of its version.
    pub minor: u8,
    /// Number of its build.
    pub build: u16,
    /// Its name, ended by a zero if it is shorter.
    pub name: [u8; DEVICE_NAME],
}

impl DeviceInfo {
    const LEN: usize = 4 + DEVICE_NAME;

    /// Reads the data of a response.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn parse(data: &[u8]) -> Result<Self, WireError> {
        let [major, minor] = field::array(data, 0)?;
        Ok(Self { major, minor, build: field::u16_at(data, 2)?, name: field::array(data, 4)? })
    }

    /// The data of a response.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let [low, high] = self.build.to_le_bytes();
        let head = [self.major, self.minor, low, high];
        bytes.iter_mut().zip(head.iter().chain(&self.name)).for_each(|(to, from)| *to = *from);
        bytes
    }

    /// The bytes of its name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.name.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

/// The state of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AdsState {
    /// ADS state: 5 run, 6 stop, and others (infosys, `ADS states`).
    pub ads: u16,
    /// State of the device, which its vendor explains.
    pub device: u16,
}

impl AdsState {
    /// ADS state of a device that runs.
    pub const RUN: u16 = 5;
    /// ADS state of a device that is stopped.
    pub const STOP: u16 = 6;

    /// Reads the data of a response.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn parse(data: &[u8]) -> Result<Self, WireError> {
        Ok(Self { ads: field::u16_at(data, 0)?, device: field::u16_at(data, 2)? })
    }

    /// The data of a response.
    #[must_use]
    pub const fn emit(self) -> [u8; 4] {
        let ([a, b], [c, d]) = (self.ads.to_le_bytes(), self.device.to_le_bytes());
        [a, b, c, d]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(command: AmsCommand, response: AdsResponse<'_>, bytes: &[u8]) {
        let mut body = [0xee; 40];
        assert_eq!(response.emit(command, &mut body), Ok(bytes.len()));
        assert_eq!(&body[..bytes.len()], bytes);
        assert_eq!(AdsResponse::parse(command, bytes), Ok(response));
    }

    #[test]
    fn responses_are_literal_bytes() {
        let read = AdsResponse { result: AdsError::NONE, data: &[2, 0, 0, 0] };
        holds(AmsCommand::READ, read, &[0, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0]);
        holds(AmsCommand::READ_WRITE, AdsResponse { data: &[], ..read }, &[0; 8]);
        holds(AmsCommand::WRITE, AdsResponse { data: &[], ..read }, &[0; 4]);
        let state = AdsState { ads: AdsState::RUN, device: 8 };
        holds(AmsCommand::STATE, AdsResponse { data: &state.emit(), ..read }, &[0, 0, 0, 0, 5, 0, 8, 0]);
        assert_eq!(AdsState::parse(&[5, 0, 8, 0]), Ok(state));
    }

    #[test]
    fn a_failed_read_may_end_behind_its_result_and_a_write_may_be_longer() {
        let refused = AdsResponse::parse(AmsCommand::READ, &[2, 7, 0, 0]).unwrap();
        assert_eq!(refused.result, AdsError::INVALID_GROUP);
        let long = AdsResponse::parse(AmsCommand::WRITE, &[0, 0, 0, 0, 4, 0, 0, 0]).unwrap();
        assert!(!long.result.is_error());
        assert!(AdsResponse::parse(AmsCommand::READ, &[0, 0, 0, 0, 5, 0, 0, 0, 1]).is_err());
        assert!(AdsResponse::parse(AmsCommand::READ, &[0; 7]).is_err());
        assert!(AdsResponse::parse(AmsCommand::READ, &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]).is_err());
    }

    #[test]
    fn a_device_says_name_and_version() {
        let mut name = [0; DEVICE_NAME];
        name[..4].copy_from_slice(b"axis");
        let info = DeviceInfo { major: 3, minor: 1, build: 4024, name };
        let bytes = info.emit();
        assert_eq!(bytes[..8], [3, 1, 0xb8, 0x0f, b'a', b'x', b'i', b's']);
        assert_eq!((DeviceInfo::parse(&bytes), info.name()), (Ok(info), &b"axis"[..]));
        assert!(DeviceInfo::parse(&bytes[..19]).is_err());
    }
}
