//! What an ADS command asks for: the bytes behind the AMS header of a request.

use super::AmsCommand;
use crate::{WireError, field};

/// An order of notifications of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationRequest {
    /// Index group.
    pub group: u32,
    /// Index offset.
    pub offset: u32,
    /// Bytes of a sample.
    pub len: u32,
    /// When one is sent: 3 in each cycle, 4 on a change.
    pub mode: u32,
    /// Longest time that samples are gathered for, in 100 ns.
    pub delay: u32,
    /// Time from one look to the next, in 100 ns.
    pub cycle: u32,
}

/// A request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdsRequest<'a> {
    /// Name and version.
    DeviceInfo,
    /// Bytes are read.
    Read {
        /// Index group.
        group: u32,
        /// Index offset.
        offset: u32,
        /// How many at most.
        len: u32,
    },
    /// Bytes are written.
    Write {
        /// Index group.
        group: u32,
        /// Index offset.
        offset: u32,
        /// Which.
        data: &'a [u8],
    },
    /// The state is read.
    State,
    /// The state is written.
    WriteControl {
        /// ADS state.
        ads: u16,
        /// State of the device.
        device: u16,
        /// More of it.
        data: &'a [u8],
    },
    /// Notifications are ordered.
    AddNotification(NotificationRequest),
    /// They are to end.
    DeleteNotification {
        /// The handle of the order.
        handle: u32,
    },
    /// Bytes are written, and others read as their answer.
    ReadWrite {
        /// Index group.
        group: u32,
        /// Index offset.
        offset: u32,
        /// How many are read at most.
        len: u32,
        /// What is written.
        data: &'a [u8],
    },
}

/// Bytes of an order of notifications: six numbers and 16 reserved bytes.
const ADD_NOTIFICATION: usize = 40;

impl<'a> AdsRequest<'a> {
    /// The command of its header.
    #[must_use]
    pub const fn command(&self) -> AmsCommand {
        match self {
            Self::DeviceInfo => AmsCommand::DEVICE_INFO,
            Self::Read { .. } => AmsCommand::READ,
            Self::Write { .. } => AmsCommand::WRITE,
            Self::State => AmsCommand::STATE,
            Self::WriteControl { .. } => AmsCommand::WRITE_CONTROL,
            Self::AddNotification(_) => AmsCommand::ADD_NOTIFICATION,
            Self::DeleteNotification { .. } => AmsCommand::DELETE_NOTIFICATION,
            Self::ReadWrite { .. } => AmsCommand::READ_WRITE,
        }
    }

    /// Whether doing it twice may do something else than doing it once.
    #[must_use]
    pub const fn writes(&self) -> bool {
        !matches!(self, Self::DeviceInfo | Self::Read { .. } | Self::State)
    }

    /// Reads the bytes behind a header with this command.
    ///
    /// # Errors
    /// `BadValue` for a command that is no request, `Truncated` where bytes are missing.
    pub fn parse(command: AmsCommand, body: &'a [u8]) -> Result<Self, WireError> {
        let number = |at| field::u32_at(body, at);
        Ok(match command {
            AmsCommand::DEVICE_INFO => Self::DeviceInfo,
            AmsCommand::READ => Self::Read { group: number(0)?, offset: number(4)?, len: number(8)? },
            AmsCommand::WRITE => Self::Write { group: number(0)?, offset: number(4)?, data: counted(body, 8, 12)? },
            AmsCommand::STATE => Self::State,
            AmsCommand::WRITE_CONTROL => {
                let (ads, device) = (field::u16_at(body, 0)?, field::u16_at(body, 2)?);
                Self::WriteControl { ads, device, data: counted(body, 4, 8)? }
            }
            AmsCommand::ADD_NOTIFICATION => Self::AddNotification(NotificationRequest {
                group: number(0)?,
                offset: number(4)?,
                len: number(8)?,
                mode: number(12)?,
                delay: number(16)?,
                cycle: number(20)?,
            }),
            AmsCommand::DELETE_NOTIFICATION => Self::DeleteNotification { handle: number(0)? },
            AmsCommand::READ_WRITE => {
                let (group, offset, len) = (number(0)?, number(4)?, number(8)?);
                Self::ReadWrite { group, offset, len, data: counted(body, 12, 16)? }
            }
            AmsCommand(other) => return Err(WireError::BadValue(u32::from(other))),
        })
    }

    /// Bytes that it takes.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::DeviceInfo | Self::State => 0,
            Self::Read { .. } => 12,
            Self::Write { data, .. } => data.len().saturating_add(12),
            Self::WriteControl { data, .. } => data.len().saturating_add(8),
            Self::AddNotification(_) => ADD_NOTIFICATION,
            Self::DeleteNotification { .. } => 4,
            Self::ReadWrite { data, .. } => data.len().saturating_add(16),
        }
    }

    /// Whether it takes none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes it and returns its length.
    ///
    /// # Errors
    /// `NoRoom`, `BadLength` where more is written than a length can say.
    pub fn emit(&self, body: &mut [u8]) -> Result<usize, WireError> {
        let len = self.len();
        let body = body.get_mut(..len).ok_or(WireError::NoRoom)?;
        match *self {
            Self::DeviceInfo | Self::State => {}
            Self::Read { group, offset, len } => put(body, [group, offset, len])?,
            Self::Write { group, offset, data } => {
                put(body, [group, offset, length(data)?])?;
                field::put(body, 12, data)?;
            }
            Self::WriteControl { ads, device, data } => {
                field::put_words(body, 0, [ads, device])?;
                field::put(body, 4, &length(data)?.to_le_bytes())?;
                field::put(body, 8, data)?;
            }
            Self::AddNotification(NotificationRequest { group, offset, len, mode, delay, cycle }) => {
                body.fill(0);
                put(body, [group, offset, len, mode, delay, cycle])?;
            }
            Self::DeleteNotification { handle } => put(body, [handle])?,
            Self::ReadWrite { group, offset, len, data } => {
                put(body, [group, offset, len, length(data)?])?;
                field::put(body, 16, data)?;
            }
        }
        Ok(len)
    }
}

/// Bytes whose number is at one place, from another place on.
fn counted(body: &[u8], count: usize, start: usize) -> Result<&[u8], WireError> {
    let len = usize::try_from(field::u32_at(body, count)?).unwrap_or(usize::MAX);
    let needed = start.saturating_add(len);
    body.get(start..needed).ok_or(WireError::Truncated { needed, got: body.len() })
}

fn length(data: &[u8]) -> Result<u32, WireError> {
    u32::try_from(data.len()).map_err(|_| WireError::BadLength)
}

fn put<const N: usize>(body: &mut [u8], numbers: [u32; N]) -> Result<(), WireError> {
    let mut at = 0usize;
    for number in numbers {
        field::put(body, at, &number.to_le_bytes())?;
        at = at.saturating_add(4);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn holds(request: AdsRequest<'_>, bytes: &[u8]) {
        let mut body = vec![0xee; bytes.len() + 2];
        assert_eq!(request.emit(&mut body), Ok(bytes.len()));
        assert_eq!(&body[..bytes.len()], bytes);
        assert_eq!(AdsRequest::parse(request.command(), bytes), Ok(request));
        if !bytes.is_empty() {
            assert_eq!(request.emit(&mut body[..bytes.len() - 1]), Err(WireError::NoRoom));
        }
    }

    #[test]
    fn requests_are_literal_bytes() {
        holds(AdsRequest::DeviceInfo, &[]);
        holds(AdsRequest::State, &[]);
        let (group, offset) = (super::super::group::SDO, super::super::group::entry(0x1018, 1));
        holds(AdsRequest::Read { group, offset, len: 4 }, &[2, 0xf3, 0, 0, 1, 0, 0x18, 0x10, 4, 0, 0, 0]);
        // The NetID as SSC takes it: group 1, offset 3, six bytes.
        let data = [172, 16, 17, 10, 2, 1];
        let write = AdsRequest::Write { group: 1, offset: 3, data: &data };
        holds(write, &[1, 0, 0, 0, 3, 0, 0, 0, 6, 0, 0, 0, 172, 16, 17, 10, 2, 1]);
        holds(AdsRequest::WriteControl { ads: 5, device: 0, data: &[7] }, &[5, 0, 0, 0, 1, 0, 0, 0, 7]);
        holds(AdsRequest::DeleteNotification { handle: 0x0102 }, &[2, 1, 0, 0]);
        let both = AdsRequest::ReadWrite { group: 0xf401, offset: 0, len: 4, data: b"a.bin" };
        holds(both, b"\x01\xf4\0\0\0\0\0\0\x04\0\0\0\x05\0\0\0a.bin");
        let order = NotificationRequest { group: 1, offset: 2, len: 3, mode: 4, delay: 5, cycle: 6 };
        let mut bytes = [0; 40];
        (1..=6).for_each(|n| bytes[4 * (n - 1)] = u8::try_from(n).unwrap());
        holds(AdsRequest::AddNotification(order), &bytes);
    }

    #[test]
    fn a_request_that_says_more_than_it_has_is_refused() {
        let cut = AdsRequest::parse(AmsCommand::WRITE, &[1, 0, 0, 0, 3, 0, 0, 0, 6, 0, 0, 0, 172]);
        assert_eq!(cut, Err(WireError::Truncated { needed: 18, got: 13 }));
        assert!(AdsRequest::parse(AmsCommand::READ_WRITE, &[0xff; 20]).is_err());
        assert!(AdsRequest::parse(AmsCommand::READ, &[0; 11]).is_err());
        assert_eq!(AdsRequest::parse(AmsCommand(0x77), &[]), Err(WireError::BadValue(0x77)));
    }

    #[test]
    fn only_what_reads_may_be_done_twice() {
        assert!(!AdsRequest::Read { group: 0, offset: 0, len: 0 }.writes() && !AdsRequest::State.writes());
        assert!(AdsRequest::ReadWrite { group: 0, offset: 0, len: 0, data: &[] }.writes());
        assert!(AdsRequest::Write { group: 0, offset: 0, data: &[] }.writes());
    }
}
