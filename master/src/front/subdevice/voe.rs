//! Vendors' mails by VoE: sent, and received.

use super::SubDeviceHandle;
use std::time::Duration;
use zerocat_bus::{NoMail, Pending, ReceivedMails, UnaskedMail};
use zerocat_wire::mailbox::MailboxType;
use zerocat_wire::voe::VoeHeader;

/// A vendor's mail that a SubDevice sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VoeMail {
    /// When it was read, on the clock of the session's cycles.
    pub at: Duration,
    /// Vendor ID, as given by the ETG.
    pub vendor_id: u32,
    /// What the vendor makes of it.
    pub vendor_type: u16,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// Vendors' mails of a SubDevice, from when they were listened to: [`SubDeviceHandle::voe_receive`].
#[derive(Debug)]
pub struct VoeMails(ReceivedMails);

impl VoeMails {
    /// Waits for the next mail. One that is too short for its header is passed over.
    ///
    /// # Errors
    /// None came in time, or the session is over.
    pub fn recv(&self, timeout: Duration) -> Result<VoeMail, NoMail> {
        loop {
            if let Some(mail) = opened(&self.0.recv(timeout)?) {
                return Ok(mail);
            }
        }
    }

    /// The next mail, or none where the session is over.
    pub async fn next(&mut self) -> Option<VoeMail> {
        loop {
            if let Some(mail) = opened(&self.0.next().await?) {
                return Some(mail);
            }
        }
    }

    /// Mails that were lost because too many waited.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost()
    }
}

fn opened(mail: &UnaskedMail) -> Option<VoeMail> {
    let (VoeHeader { vendor_id, vendor_type }, data) = VoeHeader::parse(&mail.body).ok()?;
    Some(VoeMail { at: mail.at, vendor_id, vendor_type, data: data.to_vec() })
}

impl SubDeviceHandle {
    /// Sends a vendor's mail. What it is answered with comes as others do that nobody asked for: listen before
    /// ([`voe_receive`](Self::voe_receive)).
    pub fn voe_send(&self, vendor_id: u32, vendor_type: u16, bytes: Vec<u8>) -> Pending<()> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_voe()?;
            Ok(mailbox.send_voe(datagrams, VoeHeader { vendor_id, vendor_type }, &bytes).await?)
        })
    }

    /// Vendors' mails that the SubDevice sends from now on. Up to 64 wait; the oldest are lost for newer ones, and counted.
    #[must_use]
    pub fn voe_receive(&self) -> VoeMails {
        VoeMails(self.requests.listen(self.position, MailboxType::Voe))
    }
}
