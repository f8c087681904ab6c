//! Vendors' mails over a mailbox: they are sent and heard, and what answers what is the vendor's affair.
//!
//! Guarantees: a mail is sent once. Those that come are kept with the others that come unasked
//! ([`Mailbox::take_unasked`](crate::Mailbox::take_unasked)).

use zerocat_wire::voe::{self, VoeHeader};

use crate::datagrams::Datagrams;
use crate::error::Label;
use crate::mailbox::{MailError, Mailbox};

/// Why a vendor's mail wasn't sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoeError {
    /// The mailbox failed.
    #[error("{who}: VoE mail: {source}")]
    Mail {
        /// To whom.
        who: Label,
        /// Why.
        source: MailError,
    },
    /// The SubDevice has no mailbox, or none with VoE.
    #[error("{who} has no VoE mailbox")]
    NoVoe {
        /// Who.
        who: Label,
    },
}

impl Mailbox {
    /// Sends a vendor's mail.
    ///
    /// # Errors
    /// `Mail`.
    pub async fn send_voe(&mut self, datagrams: &Datagrams, header: VoeHeader, data: &[u8]) -> Result<(), VoeError> {
        let sent = self.send(datagrams, |mail, counter| voe::emit(mail, counter, header, data)).await;
        sent.map_err(|source| VoeError::Mail { who: self.who().clone(), source })
    }
}
