//! How the application runs its mailbox: when it is open, and what it requires of the sync managers.

use zerocat_wire::sync_manager::SyncManager;
use zerocat_wire::voe::VoeHeader;
use zerocat_wire::{AlState, AlStatusCode};

use super::object_access::Objects;
use super::{Application, mailbox};
use crate::action::SdoRefusal;
use crate::esc::Esc;

impl Application {
    /// Mails taken from the MainDevice.
    pub(crate) fn mailbox_requests(&self) -> u64 {
        self.mailbox.as_ref().map_or(0, mailbox::Mailbox::requests)
    }

    /// Mails of its own that were dropped, because nobody read those before.
    pub(crate) fn mails_dropped(&self) -> u64 {
        self.mailbox.as_ref().map_or(0, mailbox::Mailbox::dropped)
    }

    /// From now on requests are taken and never answered, and no mail is sent; or no longer.
    pub(crate) fn freeze_mailbox(&mut self, esc: &mut Esc, frozen: bool) {
        if let Some(mailbox) = &mut self.mailbox {
            mailbox.freeze(frozen);
        }
        self.serve_mailbox(esc);
    }

    /// Sends a vendor's mail, if the mailbox is open.
    pub(crate) fn vendor_mail(&mut self, esc: &mut Esc, header: VoeHeader, data: &[u8]) {
        if let Some(mailbox) = &mut self.mailbox
            && self.al.state() != AlState::Init
        {
            mailbox.vendor_mail(esc, header, data);
        }
    }

    /// From now on some SDO accesses are aborted; `None`: none is. Returns whether there was room for one more.
    pub(crate) fn refuse_sdo(&mut self, refusal: Option<SdoRefusal>) -> bool {
        match refusal {
            Some(refusal) => self.refusals.set(refusal),
            None => {
                self.refusals.clear();
                true
            }
        }
    }

    /// As after power-on: an application that has not left INIT keeps its mailbox closed. An ESC without application
    /// can't.
    pub(crate) fn power_on(&mut self, esc: &mut Esc) {
        self.reset_mailbox(esc, self.description.device_emulation);
    }

    /// Takes requests and sends mails, as far as that is possible now.
    pub(super) fn serve_mailbox(&mut self, esc: &mut Esc) {
        let state = self.state();
        if state != AlState::Init {
            self.show_sync(esc);
        }
        if let Some(mailbox) = &mut self.mailbox
            && state != AlState::Init
        {
            let time = esc.stamp();
            let mut objects = Objects {
                dictionary: &mut self.dictionary,
                values: &mut self.values,
                refusals: &self.refusals,
                state,
                time,
                station: esc.station(),
            };
            mailbox.run(esc, &mut objects);
        }
    }

    /// Forgets all mails. A mailbox that is not open takes no mail: its sync managers are deactivated.
    pub(super) fn reset_mailbox(&mut self, esc: &mut Esc, open: bool) {
        if let Some(mailbox) = &mut self.mailbox {
            mailbox.reset(esc, open);
        }
    }

    /// Whether the sync managers of the mailboxes are as `target` needs them.
    pub(super) fn check_mailbox(&self, esc: &Esc, target: AlState) -> Result<(), AlStatusCode> {
        let Some(plan) = &self.description.mailbox else { return Ok(()) };
        let [out, input] = plan.channels.map(|n| esc.sync_manager(n));
        let fits = |sm: &SyncManager| {
            let (start, end) = (usize::from(sm.start), usize::from(sm.start) + usize::from(sm.length));
            sm.enabled() && sm.is_mailbox() && sm.length >= mailbox::SHORTEST && start >= 0x1000 && end <= esc.ram_end()
        };
        let apart = out.start.saturating_add(out.length) <= input.start
            || input.start.saturating_add(input.length) <= out.start;
        let right = fits(&out) && fits(&input) && out.is_written() && !input.is_written() && apart;
        match target {
            _ if right => Ok(()),
            AlState::Boot => Err(AlStatusCode::INVALID_BOOT_MAILBOX),
            _ => Err(AlStatusCode::INVALID_MAILBOX),
        }
    }
}
