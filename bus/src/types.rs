//! Data types of entries that the rig file leaves to the bus and the SII doesn't say: SDO information has them.
//!
//! Guarantees: only the entries that are asked for, and only those without a type, are asked; a type is taken where it is of
//! the entry's length; nothing takes longer than [`PER_SUBDEVICE`]. What fails costs types, and is no error.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use zerocat_pdi::Entry;

use crate::coe::SdoError;
use crate::datagrams::Datagrams;
use crate::executor::join_all;
use crate::mailbox::Mailbox;
use crate::names::{known, may_be_asked};
use crate::sdo_info::EntryDescription;
use crate::subdevice::SubDevice;

/// How long one SubDevice may take; all are asked together.
pub const PER_SUBDEVICE: Duration = Duration::from_secs(3);

/// Entries whose type is wanted, by index and subindex, of the SubDevice at each position.
pub type WantedTypes = BTreeMap<u16, BTreeSet<(u16, u8)>>;

/// Fills in the types of the entries that are wanted, as far as the SubDevices say them. In PRE-OP or above.
pub(crate) async fn give_types(
    datagrams: &Datagrams,
    subdevices: &mut [SubDevice],
    mailboxes: &mut [Option<Mailbox>],
    wanted: &WantedTypes,
) {
    let nodes = subdevices.iter_mut().zip(mailboxes.iter_mut());
    let errands = nodes.filter_map(|(subdevice, mailbox)| {
        let wanted = wanted.get(&subdevice.position)?;
        let mailbox = mailbox.as_mut().filter(|mailbox| mailbox.info().coe())?;
        let lacking: BTreeSet<(u16, u8)> = entries(subdevice)
            .filter(|entry| entry.type_code == 0)
            .map(|entry| (entry.index, entry.subindex))
            .collect();
        let asked: Vec<(u16, u8)> = wanted.intersection(&lacking).copied().collect();
        (may_be_asked(subdevice) && !asked.is_empty()).then_some((subdevice, mailbox, asked))
    });
    join_all(errands.map(|(subdevice, mailbox, asked)| async move {
        let mut told = BTreeMap::new();
        let end = datagrams.now().saturating_add(PER_SUBDEVICE);
        match datagrams.by(end, ask(datagrams, mailbox, &asked, &mut told)).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::info!("data types of entries are missing: {error}"),
            None => tracing::info!("{} didn't say all data types within {PER_SUBDEVICE:?}", subdevice.label()),
        }
        give(subdevice, &told);
    }))
    .await;
}

async fn ask(
    datagrams: &Datagrams,
    mailbox: &mut Mailbox,
    entries: &[(u16, u8)],
    told: &mut BTreeMap<(u16, u8), EntryDescription>,
) -> Result<(), SdoError> {
    for (index, subindex) in entries.iter().copied() {
        if let Some(entry) = known(mailbox.describe_entry(datagrams, index, subindex).await)? {
            told.insert((index, subindex), entry);
        }
    }
    Ok(())
}

fn give(subdevice: &mut SubDevice, told: &BTreeMap<(u16, u8), EntryDescription>) {
    let pdos = subdevice.sync_managers.iter_mut().flat_map(|manager| &mut manager.pdos);
    for entry in pdos.flat_map(|pdo| &mut pdo.entries).filter(|entry| entry.type_code == 0) {
        if let Some(said) = told.get(&(entry.index, entry.subindex))
            && said.bit_length == u16::from(entry.bit_length)
        {
            entry.type_code = said.data_type;
        }
    }
}

fn entries(subdevice: &SubDevice) -> impl Iterator<Item = &Entry> {
    subdevice.sync_managers.iter().flat_map(|manager| &manager.pdos).flat_map(|pdo| &pdo.entries)
}
