//! A SubDevice from a binary SII image, which is then served as it is (ETG.2010; ETG.1000.6, 5.4).

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use zerocat_esi::OpMode;
use zerocat_wire::WireError;
use zerocat_wire::sii::{
    Categories, CategoryType, ClockMode, Fixed, General, Pdos, Strings, SyncManagerEntry, SyncManagerUse, category, pdo,
};
use zerocat_wire::sync_manager::control;

use super::sii_parts::SiiParts;
use super::value_ids::ValueIds;
use super::{DataType, Description, MailboxPlan, Pdo, PdoEntry, Purpose, SyncManagerPlan};
use crate::esc::EscKind;

/// Largest image. The size field of an SII could say 8 MiB; no real memory is near that.
const LARGEST: u64 = 4 * 1024 * 1024;
/// Sync managers that an ESC has at most.
const SYNC_MANAGERS: usize = 16;

/// Why an SII image was refused.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file could not be read.
    #[error("read")]
    Read(#[source] std::io::Error),
    /// The file is too large.
    #[error("more than {0} bytes")]
    TooLarge(u64),
    /// The fixed area, a category or a PDO is cut off.
    #[error("{part}: {reason}")]
    Damaged {
        /// Which part.
        part: &'static str,
        /// What is wrong.
        reason: WireError,
    },
    /// More than an ESC has.
    #[error("{0} sync managers, an ESC has at most 16")]
    SyncManagers(usize),
    /// There are mailboxes, but no sync managers for them.
    #[error("mailboxes need a sync manager for the one that is written and one for the other")]
    MailboxSyncManagers,
    /// PDOs are on a sync manager that doesn't take them.
    #[error("PDO {pdo:#06x} is on sync manager {named}, which is not for its direction")]
    SyncManager {
        /// Index of the PDO.
        pdo: u16,
        /// The sync manager.
        named: u8,
    },
}

/// Reads an image and describes the SubDevice that it belongs to.
///
/// # Errors
/// All of [`ImageError`].
pub(crate) fn describe(path: &Path) -> Result<Description, ImageError> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(ImageError::Read)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(ImageError::TooLarge(LARGEST));
    }
    describe_bytes(&bytes)
}

/// What the categories say.
#[derive(Default)]
struct Content<'a> {
    strings: Option<Strings<'a>>,
    general: General,
    sync_managers: Vec<SyncManagerEntry>,
    rx_pdos: Vec<pdo::PdoView<'a>>,
    tx_pdos: Vec<pdo::PdoView<'a>>,
    clocks: Vec<OpMode>,
}

impl<'a> Content<'a> {
    fn read(image: &'a [u8]) -> Result<Self, ImageError> {
        let mut content = Self::default();
        for step in Categories::new(image) {
            content.take(step.map_err(|reason| ImageError::Damaged { part: "categories", reason })?)?;
        }
        if content.sync_managers.len() > SYNC_MANAGERS {
            return Err(ImageError::SyncManagers(content.sync_managers.len()));
        }
        Ok(content)
    }

    fn take(&mut self, category: category::Category<'a>) -> Result<(), ImageError> {
        let damaged = |part| move |reason| ImageError::Damaged { part, reason };
        match category.kind {
            CategoryType::STRINGS => self.strings = Some(Strings::new(category.data)),
            CategoryType::GENERAL => self.general = General::parse(category.data).map_err(damaged("general"))?,
            CategoryType::SYNC_MANAGER => self.sync_managers = SyncManagerEntry::walk(category.data).collect(),
            CategoryType::TX_PDO | CategoryType::RX_PDO => {
                let list = if category.kind == CategoryType::TX_PDO { &mut self.tx_pdos } else { &mut self.rx_pdos };
                for step in Pdos::new(category.data) {
                    list.push(step.map_err(damaged("PDOs"))?);
                }
            }
            CategoryType::CLOCK => self.clocks = ClockMode::walk(category.data).map(nameless).collect(),
            _ => {}
        }
        Ok(())
    }

    fn text(&self, index: u8) -> String {
        let bytes = self.strings.and_then(|strings| strings.bytes(index)).unwrap_or_default();
        String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
    }
}

/// The same from the image's bytes.
pub(crate) fn describe_bytes(image: &[u8]) -> Result<Description, ImageError> {
    let fixed = Fixed::parse(image).map_err(|reason| ImageError::Damaged { part: "fixed area", reason })?;
    let content = Content::read(image)?;
    let sync_managers: Vec<SyncManagerPlan> = content.sync_managers.iter().map(plan).collect();
    let mailbox = mailbox(&fixed, &sync_managers)?;
    let mut values = ValueIds::default();
    let rx_pdos = pdos(&content, &content.rx_pdos, (&sync_managers, Purpose::Outputs), &mut values)?;
    let tx_pdos = pdos(&content, &content.tx_pdos, (&sync_managers, Purpose::Inputs), &mut values)?;
    let [pdi, emulation] = fixed.pdi_control.to_le_bytes();
    Ok(Description {
        identity: fixed.identity,
        alias: fixed.alias,
        order: content.text(content.general.order),
        name: content.text(content.general.name),
        group: content.text(content.general.group),
        esc: EscKind { lrw: content.general.lrw(), ram_kib: 60, ..crate::profile::esc_on_ebus() },
        device_emulation: emulation & 1 != 0 && mailbox.is_none(),
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
            coe: Some(content.general.coe).filter(|details| *details != 0),
            pdo_flags: pdo_flags(&content),
            clocks: content.clocks,
            ..SiiParts::default()
        },
    })
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

fn mailbox(fixed: &Fixed, plans: &[SyncManagerPlan]) -> Result<Option<MailboxPlan>, ImageError> {
    let mailbox = fixed.mailbox;
    if !mailbox.are_there() || fixed.protocols == 0 {
        return Ok(None);
    }
    let number = |purpose| (0..).zip(plans).find(|(_, plan)| plan.purpose == purpose).map(|(n, _)| n);
    let (Some(out_channel), Some(in_channel)) = (number(Purpose::MailboxOut), number(Purpose::MailboxIn)) else {
        return Err(ImageError::MailboxSyncManagers);
    };
    let boot = fixed.boot_mailbox;
    let areas = [boot.receive_offset, boot.receive_size, boot.send_offset, boot.send_size];
    let (out, input) = (mailbox.receive_offset, mailbox.send_offset);
    Ok(Some(MailboxPlan {
        channels: [out_channel, in_channel],
        protocols: fixed.protocols,
        boot: boot.are_there().then_some(areas),
        ..MailboxPlan::coe(out, mailbox.receive_size, input, mailbox.send_size)
    }))
}

fn pdos(
    content: &Content<'_>,
    views: &[pdo::PdoView<'_>],
    (plans, purpose): (&[SyncManagerPlan], Purpose),
    values: &mut ValueIds,
) -> Result<Vec<Pdo>, ImageError> {
    let mut made: Vec<Pdo> = Vec::with_capacity(views.len());
    for view in views {
        let header = view.header();
        let assigned = header.sync_manager != pdo::NOT_ASSIGNED;
        let takes = plans.get(usize::from(header.sync_manager)).is_some_and(|plan| plan.purpose == purpose);
        if assigned && !takes {
            return Err(ImageError::SyncManager { pdo: header.index, named: header.sync_manager });
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
        let sync_manager = assigned.then_some(header.sync_manager);
        made.push(Pdo { index: header.index, name: content.text(header.name), assigned, sync_manager, entries });
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_sii_image_panics(mut bytes in prop::collection::vec(any::<u8>(), 128..600), kinds in any::<[u8; 4]>()) {
            for (n, kind) in kinds.iter().enumerate() {
                let at = 128 + 40 * n;
                if let Some(header) = bytes.get_mut(at..at + 4) {
                    header.copy_from_slice(&[[10, 30, 41, 50, 51, 60][usize::from(kind % 6)], 0, 18, 0]);
                }
            }
            drop(describe_bytes(&bytes));
        }
    }
}
