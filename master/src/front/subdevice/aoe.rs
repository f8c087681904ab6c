//! ADS commands by AoE: to a SubDevice, and by way of it to the devices behind.

use super::SubDeviceHandle;
use std::time::Duration;
use zerocat_bus::{AoeTarget, NoMail, Pending, ReceivedMails, UnaskedMail};
use zerocat_wire::aoe::{AdsState, AmsCommand, AmsHeader, DeviceInfo, NotificationRequest, samples};
use zerocat_wire::mailbox::MailboxType;

/// A sample that a device sent because it was ordered by [`SubDeviceHandle::aoe_notify`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AoeSample {
    /// When it was read, on the clock of the session's cycles.
    pub at: Duration,
    /// When the device took it, in 100 ns since 1601.
    pub time: u64,
    /// The handle of the order.
    pub handle: u32,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// Samples of devices at and behind a SubDevice, from when they were listened to: [`SubDeviceHandle::aoe_samples`].
#[derive(Debug)]
pub struct AoeSamples {
    mails: ReceivedMails,
    /// Of the mail that was read last, in turn.
    left: std::collections::VecDeque<AoeSample>,
}

impl AoeSamples {
    /// Waits for the next sample. What isn't a notification is passed over.
    ///
    /// # Errors
    /// None came in time, or the session is over.
    pub fn recv(&mut self, timeout: Duration) -> Result<AoeSample, NoMail> {
        loop {
            if let Some(sample) = self.left.pop_front() {
                return Ok(sample);
            }
            let mail = self.mails.recv(timeout)?;
            self.left.extend(in_mail(&mail));
        }
    }

    /// The next sample, or none where the session is over.
    pub async fn next(&mut self) -> Option<AoeSample> {
        loop {
            if let Some(sample) = self.left.pop_front() {
                return Some(sample);
            }
            let mail = self.mails.next().await?;
            self.left.extend(in_mail(&mail));
        }
    }

    /// Mails with samples that were lost because too many waited.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.mails.lost()
    }
}

/// The samples in a mail.
fn in_mail(mail: &UnaskedMail) -> Vec<AoeSample> {
    let at = mail.at;
    match AmsHeader::parse(&mail.body) {
        Ok((header, data)) if header.command == AmsCommand::NOTIFICATION => samples(data)
            .filter_map(Result::ok)
            .map(|sample| AoeSample { at, time: sample.time, handle: sample.handle, data: sample.data.to_vec() })
            .collect(),
        _ => Vec::new(),
    }
}

impl SubDeviceHandle {
    /// Reads up to `len` bytes of an index group at an offset, by an ADS command: of the SubDevice itself
    /// ([`AoeTarget::SUBDEVICE`]), of a device behind one of its ports (the number of the port), or of one with a NetID of its own
    /// ([`AmsAddress`](zerocat_wire::aoe::AmsAddress)).
    ///
    /// ```no_run
    /// # fn read(gate: &zerocat::SubDeviceHandle) -> Result<(), Box<dyn std::error::Error>> {
    /// use zerocat::AoeTarget;
    /// use zerocat::aoe::group;
    /// let vendor = gate.aoe_read(AoeTarget::SUBDEVICE, group::SDO, group::entry(0x1018, 1), 4).wait()?;
    /// let name = gate.aoe_read(0x1001, group::SDO, group::entry(0x12, 0), 64).wait()?;
    /// # let _ = (vendor, name);
    /// # Ok(())
    /// # }
    /// ```
    pub fn aoe_read(&self, of: impl Into<AoeTarget>, group: u32, offset: u32, len: u32) -> Pending<Vec<u8>> {
        let of = of.into();
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_aoe()?;
            Ok(mailbox.ads_read(datagrams, of, (group, offset), len).await?)
        })
    }

    /// Writes bytes to an index group at an offset, of whom [`aoe_read`](Self::aoe_read) reads. It is sent once.
    pub fn aoe_write(&self, of: impl Into<AoeTarget>, group: u32, offset: u32, bytes: Vec<u8>) -> Pending<()> {
        let of = of.into();
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_aoe()?;
            Ok(mailbox.ads_write(datagrams, of, (group, offset), &bytes).await?)
        })
    }

    /// Writes bytes and reads up to `len` as their answer, in one ADS command. It is sent once.
    pub fn aoe_read_write(
        &self,
        of: impl Into<AoeTarget>,
        group: u32,
        offset: u32,
        len: u32,
        bytes: Vec<u8>,
    ) -> Pending<Vec<u8>> {
        let of = of.into();
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_aoe()?;
            Ok(mailbox.ads_read_write(datagrams, of, (group, offset), len, &bytes).await?)
        })
    }

    /// Reads name and version of a device.
    pub fn aoe_device_info(&self, of: impl Into<AoeTarget>) -> Pending<DeviceInfo> {
        let of = of.into();
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_aoe()?;
            Ok(mailbox.ads_device_info(datagrams, of).await?)
        })
    }

    /// Reads the ADS state of a device.
    pub fn aoe_state(&self, of: impl Into<AoeTarget>) -> Pending<AdsState> {
        let of = of.into();
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_aoe()?;
            Ok(mailbox.ads_state(datagrams, of).await?)
        })
    }

    /// Writes the ADS state of a device, with more that it is to know.
    pub fn aoe_write_control(&self, of: impl Into<AoeTarget>, state: AdsState, bytes: Vec<u8>) -> Pending<()> {
        let of = of.into();
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_aoe()?;
            Ok(mailbox.ads_write_control(datagrams, of, state, &bytes).await?)
        })
    }

    /// Orders notifications, and gives the handle that their samples have. Listen before ([`aoe_samples`](Self::aoe_samples)).
    pub fn aoe_notify(&self, of: impl Into<AoeTarget>, order: NotificationRequest) -> Pending<u32> {
        let of = of.into();
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_aoe()?;
            Ok(mailbox.ads_notify(datagrams, of, order).await?)
        })
    }

    /// Ends notifications.
    pub fn aoe_end_notify(&self, of: impl Into<AoeTarget>, handle: u32) -> Pending<()> {
        let of = of.into();
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_aoe()?;
            Ok(mailbox.ads_end_notify(datagrams, of, handle).await?)
        })
    }

    /// Samples that devices at and behind the SubDevice send from now on. Mails with up to 64 of them wait; the oldest are lost for
    /// newer ones, and counted.
    #[must_use]
    pub fn aoe_samples(&self) -> AoeSamples {
        AoeSamples {
            mails: self.requests.listen(self.position, MailboxType::Aoe),
            left: std::collections::VecDeque::new(),
        }
    }
}
