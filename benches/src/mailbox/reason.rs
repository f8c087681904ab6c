//! What a request ended with, in one word.

use serde::Serialize;
use zerocat_bus::{BringUpError, MailError, RequestError, SdoError};

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its deadline passed.
    Expired,
    /// The SubDevice didn't answer for as long as a mailbox is waited for.
    NoAnswer,
    /// The SubDevice didn't take its mail.
    Full,
    /// An answer was lost with its frame, and wasn't repeated.
    Lost,
    /// The SubDevice answered with a mailbox error.
    Refused,
    /// The SubDevice answered with an abort.
    Abort,
    /// The answer made no sense.
    Senseless,
    /// Datagrams were not answered.
    Datagram,
    /// The bus took no requests.
    Unavailable,
    /// Something else.
    Other,
}

impl Reason {
    /// That of an error.
    pub(super) const fn of(error: &RequestError) -> Self {
        match error {
            RequestError::Expired { .. } => Self::Expired,
            RequestError::Full | RequestError::Unavailable(_) => Self::Unavailable,
            RequestError::Failed(BringUpError::Sdo(error)) => Self::of_sdo(error),
            RequestError::Failed(BringUpError::Datagram(_) | BringUpError::SubDevice { .. }) => Self::Datagram,
            _ => Self::Other,
        }
    }

    const fn of_sdo(error: &SdoError) -> Self {
        match error {
            SdoError::Abort { .. } => Self::Abort,
            SdoError::Answer { .. } => Self::Senseless,
            SdoError::Mail { source, .. } => match source {
                MailError::NoAnswer { .. } => Self::NoAnswer,
                MailError::Full { .. } => Self::Full,
                MailError::Lost | MailError::Older => Self::Lost,
                MailError::Refused(_) => Self::Refused,
                MailError::Datagram(_) => Self::Datagram,
                MailError::TooLong { .. } => Self::Other,
            },
            _ => Self::Other,
        }
    }

    /// Whether it says what a SubDevice that never answers does.
    pub(super) const fn is_of_frozen(self) -> bool {
        matches!(self, Self::Expired | Self::NoAnswer | Self::Full)
    }

    /// Whether it says what may happen to a request to a SubDevice that answers, on a bus that works.
    pub(super) const fn is_of_able(self) -> bool {
        !matches!(self, Self::Unavailable | Self::Other)
    }
}
