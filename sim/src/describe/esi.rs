//! The description of a simulated SubDevice from a device of a vendor's file (ESI), as the room `esi` reads it. What the
//! file leaves open is filled in here: lengths from the default PDOs, an ESC with room for all that the device uses.

use std::collections::HashSet;
use std::path::Path;

use zerocat_esi::{Device, DeviceQuery, EsiError, Object as EsiObject, Pdo as EsiPdo, SyncManager as EsiSyncManager};
use zerocat_wire::WireError;
use zerocat_wire::sii::fixed::protocol;
use zerocat_wire::sii::{SyncManagerUse, pdo};

use super::dictionary::{Entry, Object, Store};
use super::sii_parts::SiiParts;
use super::value_ids::ValueIds;
use super::{Description, MailboxPlan, Modules, Pdo, PdoEntry, Purpose, SyncManagerPlan, ValueId, sii_image};
use crate::esc::EscKind;

/// Bits of the first configuration word that this crate knows (ETG.2010, table 2; register 0x0140).
const DEVICE_EMULATION: u8 = 0x01;
/// Length of a mailbox where the file gives none.
const MAILBOX_LENGTH: u16 = 128;

/// Why a device of a vendor's file can't be simulated.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The file, or the device in it, can't be read.
    #[error(transparent)]
    Esi(#[from] EsiError),
    /// What the device has doesn't fit into an SII.
    #[error("Descriptions/Devices/Device[{order}], line {line}: the SII can't be composed: {reason}")]
    Sii {
        /// Type of the device.
        order: String,
        /// Line of its element, from 1.
        line: u32,
        /// What doesn't fit.
        reason: WireError,
    },
}

/// Reads the device of a type from a file and describes it.
///
/// # Errors
/// All of [`DeviceError`].
pub(crate) fn describe(path: &Path, wanted: DeviceQuery<'_>) -> Result<Description, DeviceError> {
    composable(&zerocat_esi::read(path, wanted)?)
}

/// The same from the file's bytes.
pub(crate) fn describe_bytes(bytes: &[u8], wanted: DeviceQuery<'_>) -> Result<Description, DeviceError> {
    composable(&zerocat_esi::read_bytes(bytes, wanted)?)
}

/// The description of a device, if an SII can hold it.
pub(crate) fn composable(device: &Device) -> Result<Description, DeviceError> {
    let description = build(device);
    let fail = |reason| DeviceError::Sii { order: device.order.clone(), line: device.line, reason };
    sii_image::compose(&description).map_err(fail)?;
    Ok(description)
}

fn build(device: &Device) -> Description {
    let mut values = ValueIds::default();
    let rx_pdos = pdos(&device.rx_pdos, &mut values);
    let tx_pdos = pdos(&device.tx_pdos, &mut values);
    let mailbox = mailbox(device);
    let config = &device.eeprom.config;
    let emulation = config.get(1).map_or(mailbox.is_none(), |byte| byte & DEVICE_EMULATION != 0);
    let modules = device.slots.clone().map(|idents| Modules { idents, expected: ValueId(values.count()) });
    let has_coe = mailbox.is_some_and(|mailbox| mailbox.speaks(protocol::COE));
    let lists = modules.iter().filter(|_| has_coe).flat_map(Modules::objects).collect();
    let mut description = Description {
        identity: device.identity,
        alias: word(config, 8),
        order: device.order.clone(),
        name: device.name.clone(),
        group: device.group.clone(),
        esc: esc(device, mailbox.is_some()),
        device_emulation: emulation && mailbox.is_none(),
        pdi: config.first().copied().unwrap_or(if mailbox.is_some() { 0x05 } else { 0x04 }),
        mailbox,
        sync_managers: Vec::new(),
        channels_out: super::channels(&rx_pdos),
        channels_in: super::channels(&tx_pdos),
        rx_pdos,
        tx_pdos,
        objects: lists,
        listed: device.objects.as_ref().map(|objects| objects.iter().map(object).collect()),
        values: values.count().saturating_add(modules.as_ref().map_or(0, Modules::values)),
        modules,
        current: device.current,
        device_type: device.device_type,
        sii: parts(device),
    };
    description.sync_managers = sync_managers(device, &description);
    description
}

fn object(listed: &EsiObject) -> Object {
    let entries = listed.entries.iter().map(|entry| Entry {
        subindex: entry.subindex,
        bits: entry.bits,
        data_type: entry.data_type,
        access: entry.access,
        store: Store::Bytes(entry.value.clone()),
        name: entry.name.clone(),
        limits: None,
    });
    Object {
        index: listed.index,
        code: listed.code,
        name: listed.name.clone(),
        entries: entries.collect(),
        counted: false,
    }
}

fn pdos(all: &[EsiPdo], values: &mut ValueIds) -> Vec<Pdo> {
    // What is mapped more than once at a time is as many values, so that each of its places has one of its own.
    let mut mapped = HashSet::new();
    let mut one = |pdo: &EsiPdo| {
        let assigned = pdo.sync_manager.is_some();
        let mut entry = |entry: &zerocat_esi::PdoEntry| PdoEntry {
            index: entry.index,
            subindex: entry.subindex,
            bits: entry.bits,
            data_type: entry.data_type,
            name: entry.name.clone(),
            value: if assigned && !mapped.insert((entry.index, entry.subindex)) {
                values.another(entry.index, entry.bits)
            } else {
                values.of(entry.index, entry.subindex, entry.bits)
            },
        };
        let entries = pdo.entries.iter().map(&mut entry).collect();
        Pdo { index: pdo.index, name: pdo.name.clone(), assigned, sync_manager: pdo.sync_manager, entries }
    };
    all.iter().map(&mut one).collect()
}

/// An ESC with room for what the device uses. Ports that the file leaves unused are on the E-bus, because a simulated
/// SubDevice may be a junction.
fn esc(device: &Device, mailbox: bool) -> EscKind {
    let (least, ram_kib) = if mailbox { (8, 8) } else { (2, 4) };
    let count = |len: usize| u8::try_from(len).unwrap_or(u8::MAX).clamp(least, 16);
    let process_data = |sm: &&EsiSyncManager| matches!(sm.usage, SyncManagerUse::Outputs | SyncManagerUse::Inputs);
    let mapped = device.sync_managers.iter().filter(process_data).count();
    let end = device.sync_managers.iter().map(|sm| usize::from(sm.start) + 3 * usize::from(sm.size.unwrap_or(0))).max();
    let ram_kib = if end.unwrap_or(0) > 0x1000 + 1024 * usize::from(ram_kib) { 60 } else { ram_kib };
    let mut kinds = device.physics.bytes().map(|letter| if matches!(letter, b'Y' | b'y' | b'H') { 3u8 } else { 2 });
    let ports = (0..4).fold(0, |ports, port| ports | kinds.next().unwrap_or(2) << (2 * port));
    EscKind {
        fmmus: count(device.fmmus.len().max(mapped)),
        sync_managers: count(device.sync_managers.len()),
        ram_kib,
        ports,
        lrw: !device.no_lrw,
        ..crate::profile::esc_on_ebus()
    }
}

/// Mailboxes as the first sync managers for them say. The reader of the file makes sure that a device with a mailbox
/// protocol has both.
fn mailbox(device: &Device) -> Option<MailboxPlan> {
    let mailbox = device.mailbox?;
    let find = |usage| (0..).zip(&device.sync_managers).find(|(_, sm)| sm.usage == usage);
    let (out_channel, out) = find(SyncManagerUse::MailboxOut)?;
    let (in_channel, input) = find(SyncManagerUse::MailboxIn)?;
    let length = |sm: &EsiSyncManager| cut(device, sm, sm.size.unwrap_or(MAILBOX_LENGTH));
    let boot = &device.eeprom.boot;
    Some(MailboxPlan {
        channels: [out_channel, in_channel],
        protocols: mailbox.protocols,
        boot: (!boot.is_empty()).then(|| [0, 2, 4, 6].map(|at| word(boot, at))),
        ..MailboxPlan::coe(out.start, length(out), input.start, length(input))
    })
}

/// A mailbox's length, cut where the next sync manager begins: some files give a default size that leads into it.
fn cut(device: &Device, sm: &EsiSyncManager, length: u16) -> u16 {
    let behind = device.sync_managers.iter().filter(|other| other.start > sm.start);
    let room = behind.map(|other| other.start - sm.start).min();
    room.map_or(length, |room| length.min(room))
}

/// The sync managers, with the length of the default PDOs where the file gives none. One that no default PDO is on has
/// length 0, whatever the file says: it stays off until something is assigned (ETG.2000, Sm).
fn sync_managers(device: &Device, description: &Description) -> Vec<SyncManagerPlan> {
    let length = |purpose, n| {
        let bits: usize = description.assigned(purpose, n).map(Pdo::bits).sum();
        u16::try_from(bits.div_ceil(8)).unwrap_or(u16::MAX)
    };
    let plan = |(n, sm): (u8, &EsiSyncManager)| {
        let (purpose, length) = match sm.usage {
            SyncManagerUse::MailboxOut => (Purpose::MailboxOut, MAILBOX_LENGTH),
            SyncManagerUse::MailboxIn => (Purpose::MailboxIn, MAILBOX_LENGTH),
            SyncManagerUse::Outputs => (Purpose::Outputs, length(Purpose::Outputs, n)),
            SyncManagerUse::Inputs => (Purpose::Inputs, length(Purpose::Inputs, n)),
            SyncManagerUse::Unused | SyncManagerUse::Other(_) => (Purpose::Unused, 0),
        };
        let length = match purpose {
            Purpose::MailboxOut | Purpose::MailboxIn => cut(device, sm, sm.size.unwrap_or(length)),
            Purpose::Outputs | Purpose::Inputs if length == 0 => 0,
            _ => sm.size.unwrap_or(length),
        };
        SyncManagerPlan { purpose, start: sm.start, length, control: sm.control }
    };
    (0..).zip(&device.sync_managers).map(plan).collect()
}

/// What the SII says beyond the description.
fn parts(device: &Device) -> SiiParts {
    let flags = |pdo: &EsiPdo| {
        let mandatory = if pdo.mandatory { pdo::flags::MANDATORY } else { 0 };
        (pdo.index, mandatory | if pdo.fixed { pdo::flags::FIXED_CONTENT } else { 0 })
    };
    SiiParts {
        image: device.eeprom.image.clone(),
        config: device.eeprom.config.clone(),
        coe: device.mailbox.map(|mailbox| mailbox.coe).filter(|details| *details != 0),
        data_link: device.mailbox.is_some_and(|mailbox| mailbox.data_link),
        fmmus: device.fmmus.clone(),
        enables: device.sync_managers.iter().map(|sm| sm.enable).collect(),
        clocks: device.op_modes.clone(),
        pdo_flags: device.rx_pdos.iter().chain(&device.tx_pdos).map(flags).collect(),
        size: device.eeprom.size,
        ..SiiParts::default()
    }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    match bytes.get(at..at + 2) {
        Some([low, high]) => u16::from_le_bytes([*low, *high]),
        _ => 0,
    }
}
