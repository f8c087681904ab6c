//! A SubDevice from a binary SII image, which is then served as it is (ETG.2010; ETG.1000.6, 5.4).
//!
//! Any bytes make a SubDevice, as any bytes may be in a memory: what is damaged is left out of the description and said in
//! its notes. An image that was never programmed makes an ESC without an application: it answers to frames, and nobody
//! answers to AL control.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use zerocat_esi::OpMode;
use zerocat_wire::sii::{ClockMode, Fixed, SyncManagerEntry, SyncManagerUse, pdo};
use zerocat_wire::sync_manager::control;

use super::image_content::Content;
use super::sii_parts::SiiParts;
use super::value_ids::ValueIds;
use super::{DataType, Description, MailboxPlan, Pdo, PdoEntry, Purpose, SyncManagerPlan};
use crate::esc::EscKind;

/// Most bytes of an image. The size field of an SII could say 8 MiB; no real memory is near that.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Why an SII image can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file could not be read.
    #[error("read")]
    Read(#[source] std::io::Error),
}

/// Reads an image and describes the SubDevice that it belongs to.
///
/// # Errors
/// All of [`ImageError`].
pub(crate) fn describe(path: &Path) -> Result<Description, ImageError> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(ImageError::Read)?;
    let largest = usize::try_from(LARGEST).unwrap_or(usize::MAX);
    let cut = bytes.len() > largest;
    bytes.truncate(largest);
    let mut description = describe_bytes(&bytes);
    if cut {
        description.sii.notes.push(format!("only its first {LARGEST} bytes are served"));
    }
    Ok(description)
}

/// The same from the image's bytes.
pub(crate) fn describe_bytes(image: &[u8]) -> Description {
    let mut content = Content::read(image);
    let fixed = content.fixed;
    let mut sync_managers: Vec<SyncManagerPlan> = content.sync_managers.iter().map(plan).collect();
    purposes_from_pdos(&content, &mut sync_managers);
    let mailbox = mailbox(&fixed, &sync_managers, &mut content.notes);
    let mut values = ValueIds::default();
    let (rx_pdos, tx_pdos) = pdos(&mut content, &sync_managers, &mut values);
    let [pdi, emulation] = fixed.pdi_control.to_le_bytes();
    Description {
        identity: fixed.identity,
        alias: fixed.alias,
        order: content.text(content.general.order),
        name: content.text(content.general.name),
        group: content.text(content.general.group),
        esc: EscKind { lrw: content.general.lrw(), ram_kib: 60, ..crate::profile::esc_on_ebus() },
        device_emulation: emulation & 1 != 0 && mailbox.is_none() && !content.blank,
        pdi,
        mailbox,
        sync_managers,
        channels_out: super::channels(&rx_pdos),
        channels_in: super::channels(&tx_pdos),
        rx_pdos,
        tx_pdos,
        objects: Vec::new(),
        listed: None,
        values: values.count(),
        current: content.general.ebus_current,
        device_type: 0,
        modules: None,
        sii: SiiParts {
            image: Some(image.to_vec()),
            blank: content.blank,
            coe: Some(content.general.coe).filter(|details| *details != 0),
            enables: content.sync_managers.iter().map(|entry| entry.enable).collect(),
            pdo_flags: pdo_flags(&content),
            clocks: content.clocks.iter().copied().map(nameless).collect(),
            notes: content.notes,
            ..SiiParts::default()
        },
    }
}

/// The image is served as a whole with its names, so they aren't needed here.
fn nameless(mode: ClockMode) -> OpMode {
    OpMode { name: String::new(), description: String::new(), mode }
}

fn pdo_flags(content: &Content<'_>) -> HashMap<u16, u16> {
    let headers = content.rx_pdos.iter().chain(&content.tx_pdos).map(pdo::PdoView::header);
    headers.map(|header| (header.index, header.flags)).collect()
}

/// Old images don't say what a sync manager is for; its control byte does.
fn plan(entry: &SyncManagerEntry) -> SyncManagerPlan {
    let written = entry.control & control::DIRECTION == control::WRITE;
    let purpose = match entry.usage {
        SyncManagerUse::MailboxOut => Purpose::MailboxOut,
        SyncManagerUse::MailboxIn => Purpose::MailboxIn,
        SyncManagerUse::Outputs => Purpose::Outputs,
        SyncManagerUse::Inputs => Purpose::Inputs,
        SyncManagerUse::Unused if entry.length > 0 => {
            match (entry.control & control::MODE == control::MAILBOX, written) {
                (true, true) => Purpose::MailboxOut,
                (true, false) => Purpose::MailboxIn,
                (false, true) => Purpose::Outputs,
                (false, false) => Purpose::Inputs,
            }
        }
        SyncManagerUse::Unused | SyncManagerUse::Other(_) => Purpose::Unused,
    };
    SyncManagerPlan { purpose, start: entry.start, length: entry.length, control: entry.control }
}

/// A sync manager that says nothing at all is for the PDOs that are on it.
fn purposes_from_pdos(content: &Content<'_>, plans: &mut [SyncManagerPlan]) {
    for (views, purpose) in [(&content.rx_pdos, Purpose::Outputs), (&content.tx_pdos, Purpose::Inputs)] {
        for named in views.iter().map(|view| usize::from(view.header().sync_manager)) {
            if let Some(plan) = plans.get_mut(named).filter(|plan| plan.purpose == Purpose::Unused) {
                plan.purpose = purpose;
            }
        }
    }
}

/// Mailboxes of the fixed area, on the sync managers for them; on 0 and 1 where no sync manager says that it is for one.
fn mailbox(fixed: &Fixed, plans: &[SyncManagerPlan], notes: &mut Vec<String>) -> Option<MailboxPlan> {
    let mailbox = fixed.mailbox;
    if !mailbox.are_there() || fixed.protocols == 0 {
        return None;
    }
    let number = |purpose| (0..).zip(plans).find(|(_, plan)| plan.purpose == purpose).map(|(n, _)| n);
    let channels = match (number(Purpose::MailboxOut), number(Purpose::MailboxIn)) {
        (Some(out), Some(input)) => [out, input],
        _ => {
            notes.push("no sync managers for its mailboxes: taken for 0 and 1".to_owned());
            [0, 1]
        }
    };
    let boot = fixed.boot_mailbox;
    let areas = [boot.receive_offset, boot.receive_size, boot.send_offset, boot.send_size];
    let (out, input) = (mailbox.receive_offset, mailbox.send_offset);
    Some(MailboxPlan {
        channels,
        protocols: fixed.protocols,
        boot: boot.are_there().then_some(areas),
        ..MailboxPlan::coe(out, mailbox.receive_size, input, mailbox.send_size)
    })
}

/// Outputs and inputs. A PDO that is on a sync manager of the other direction goes that way; one on a sync manager for
/// something else, or on none that there is, isn't exchanged.
fn pdos(content: &mut Content<'_>, plans: &[SyncManagerPlan], values: &mut ValueIds) -> (Vec<Pdo>, Vec<Pdo>) {
    let (mut outputs, mut inputs, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for (views, purpose) in [(&content.rx_pdos, Purpose::Outputs), (&content.tx_pdos, Purpose::Inputs)] {
        for view in views {
            let pdo::Pdo { index, sync_manager: named, name, .. } = view.header();
            let on = plans.get(usize::from(named)).map(|plan| plan.purpose);
            let (direction, assigned) = match on {
                _ if named == pdo::NOT_ASSIGNED => (purpose, false),
                Some(on @ (Purpose::Outputs | Purpose::Inputs)) => (on, true),
                _ => (purpose, false),
            };
            if named != pdo::NOT_ASSIGNED && (!assigned || direction != purpose) {
                let said = if assigned { "it goes that sync manager's way" } else { "left out" };
                notes.push(format!(
                    "PDO {index:#06x} is on sync manager {named}, which is not for its direction: {said}"
                ));
            }
            let entries = view.entries().map(|entry| PdoEntry {
                index: entry.index,
                subindex: entry.subindex,
                bits: entry.bit_length,
                data_type: DataType::from_code(entry.data_type),
                name: content.text(entry.name),
                value: values.of(entry.index, entry.subindex, entry.bit_length),
            });
            let entries = entries.collect();
            let list = if direction == Purpose::Outputs { &mut outputs } else { &mut inputs };
            let sync_manager = assigned.then_some(named);
            list.push(Pdo { index, name: content.text(name), assigned, sync_manager, entries });
        }
    }
    content.notes.extend(notes);
    (outputs, inputs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_sii_image_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..600), kinds in any::<[u8; 4]>()) {
            for (n, kind) in kinds.iter().enumerate() {
                let at = 128 + 40 * n;
                if let Some(header) = bytes.get_mut(at..at + 4) {
                    header.copy_from_slice(&[[10, 30, 41, 50, 51, 60][usize::from(kind % 6)], 0, 18, 0]);
                }
            }
            let description = describe_bytes(&bytes);
            prop_assert!(crate::describe::sii_image::compose(&description).is_ok());
        }
    }
}
