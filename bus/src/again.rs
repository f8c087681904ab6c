//! Transfers by mail that are done again where an answer was lost for good.
//!
//! Guarantees: what a SubDevice refused, or never answered, is not done again. Whoever calls it says by that that doing the transfer
//! twice is harmless.

use crate::mailbox::MailError;

/// Times that a transfer is tried.
const ATTEMPTS: u8 = 3;

/// Why a transfer by mail failed.
pub(crate) trait TransferError {
    /// What the mailbox said, where it is the mailbox that failed.
    fn mail(&self) -> Option<&MailError>;
}

/// Does a transfer, and again where its answer got lost.
pub(crate) async fn again_where_lost<T, E: TransferError>(
    mut transfer: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    for _ in 1..ATTEMPTS {
        match transfer().await {
            Err(error) if error.mail() == Some(&MailError::Lost) => {}
            other => return other,
        }
    }
    transfer().await
}
