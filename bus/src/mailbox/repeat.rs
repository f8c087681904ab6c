//! The repeat request: a mail whose frame was lost on its way back is had again (ETG.1000.4, 6.7.2).
//!
//! Guarantees: every wait is bounded. Not guaranteed: that a SubDevice can repeat; some acknowledge and give nothing, some don't
//! acknowledge where they have nothing.

use zerocat_wire::sync_manager::{self, activate};

use super::wait::Doubt;
use super::{ACTIVATE, Mail, MailError, Mailbox, PDI_CONTROL, Repeat, Strategy};
use crate::datagrams::Datagrams;

/// Times that one mail is asked for again.
const REPEATS: u8 = 3;

impl Mailbox {
    /// Reads a mailbox that is full.
    pub(super) async fn fetch(&mut self, datagrams: &Datagrams, doubt: &mut Doubt) -> Result<Mail, MailError> {
        let start = datagrams.now();
        let mut repeats = 0;
        loop {
            if let Some(data) = self.read_mailbox(datagrams).await? {
                let repeat = if repeats > 0 { Repeat::Lost } else { doubt.repeat() };
                let mail = self.accept(datagrams.now(), &data, repeat);
                doubt.note(&mail);
                return if repeats > 0 && matches!(mail, Mail::Duplicate) { Err(MailError::Older) } else { Ok(mail) };
            }
            if datagrams.now().saturating_sub(start) > self.times.response {
                return Err(MailError::Lost);
            }
            if self.full(datagrams, self.info.read_channel).await? {
                datagrams.pause(self.times.poll).await;
                continue;
            }
            // The SubDevice's mailbox is empty, so the mail was on the frame that got lost.
            if repeats == REPEATS {
                return Err(MailError::Lost);
            }
            self.repeat(datagrams).await?;
            repeats += 1;
        }
    }

    /// Reads the whole mailbox once; `None` where it gives nothing.
    pub(super) async fn read_mailbox(&mut self, datagrams: &Datagrams) -> Result<Option<Vec<u8>>, MailError> {
        let (start, len) = (datagrams.now(), usize::from(self.info.read_len));
        let answer = datagrams.read_once(self.target, self.info.read_start, len).await?;
        if answer.working_counter == 0 {
            return Ok(None);
        }
        self.quickest = self.quickest.min(datagrams.now().saturating_sub(start));
        Ok(Some(answer.data))
    }

    /// Has the last mail again: toggles the repeat bit and waits for its acknowledgement and the mail.
    pub(super) async fn repeat(&mut self, datagrams: &Datagrams) -> Result<(), MailError> {
        self.counters.repeats += 1;
        let channel = sync_manager::register(self.info.read_channel);
        let toggled = datagrams.read_u8(self.target, channel + ACTIVATE).await? ^ activate::REPEAT;
        datagrams.write_one(self.target, channel + ACTIVATE, &[toggled]).await?;
        let start = datagrams.now();
        for look in 0.. {
            let acknowledged = datagrams.read_u8(self.target, channel + PDI_CONTROL).await?;
            let acknowledged = (acknowledged ^ toggled) & activate::REPEAT == 0;
            // Without reading its status, the mailbox itself says whether there is something.
            if acknowledged
                && (self.policy.strategy == Strategy::Poll || self.full(datagrams, self.info.read_channel).await?)
            {
                return Ok(());
            }
            if datagrams.now().saturating_sub(start) > self.times.repeat {
                break;
            }
            datagrams.pause(self.times.pause(look)).await;
        }
        Err(MailError::Lost)
    }
}
