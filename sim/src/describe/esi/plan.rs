//! From a device of a file to the description of a simulated SubDevice.

use std::path::Path;

use zerocat_wire::sii::{SyncManagerUse, pdo};

use super::device::Device;
use super::error::{EsiError, EsiProblem};
use super::pdo::{EsiEntry, EsiPdo};
use super::select;
use super::sync_manager::EsiSyncManager;
use crate::describe::sii_parts::SiiParts;
use crate::describe::value_ids::ValueIds;
use crate::describe::{
    Description, Identity, MailboxPlan, Pdo, PdoEntry, Purpose, SyncManagerPlan, ValueId, sii_image,
};
use crate::esc::EscKind;

/// Bits of the first configuration word that this crate knows (ETG.2010, table 2; register 0x0140).
const DEVICE_EMULATION: u8 = 0x01;

/// Reads the device of a type from a file and describes it.
///
/// # Errors
/// All of [`EsiError`].
pub(crate) fn describe(path: &Path, wanted: &str, revision: Option<u32>) -> Result<Description, EsiError> {
    describe_bytes(&select::load(path)?, wanted, revision)
}

/// The same from the file's bytes.
pub(super) fn describe_bytes(bytes: &[u8], wanted: &str, revision: Option<u32>) -> Result<Description, EsiError> {
    let (vendor, device) = select::find(bytes, wanted, revision)?;
    let place = format!("Descriptions/Devices/Device[{}]", device.order);
    let fail = |problem| EsiError::Invalid { path: place.clone(), line: device.line, problem };
    let description = build(vendor, &device).map_err(fail)?;
    sii_image::compose(&description).map_err(|error| fail(EsiProblem::Sii(error)))?;
    Ok(description)
}

fn build(vendor: u32, device: &Device) -> Result<Description, EsiProblem> {
    let mut values = ValueIds::default();
    let rx_pdos = pdos(&device.rx_pdos, &mut values);
    let tx_pdos = pdos(&device.tx_pdos, &mut values);
    let mailbox = mailbox(device)?;
    let config = &device.eeprom.config;
    let emulation = config.get(1).map_or(mailbox.is_none(), |byte| byte & DEVICE_EMULATION != 0);
    let mut description = Description {
        identity: Identity { vendor, product: device.product, revision: device.revision, serial: device.serial },
        alias: word(config, 8),
        order: device.order.clone(),
        name: device.name.clone(),
        group: device.group.clone(),
        esc: esc(device, mailbox.is_some()),
        device_emulation: emulation && mailbox.is_none(),
        pdi: config.first().copied().unwrap_or(if mailbox.is_some() { 0x05 } else { 0x04 }),
        mailbox,
        sync_managers: Vec::new(),
        channels_out: channels(&rx_pdos),
        channels_in: channels(&tx_pdos),
        rx_pdos,
        tx_pdos,
        objects: Vec::new(),
        listed: device.objects.clone(),
        values: values.count(),
        current: device.current,
        device_type: device.device_type,
        sii: parts(device),
    };
    description.sync_managers = sync_managers(device, &description);
    Ok(description)
}

fn pdos(all: &[EsiPdo], values: &mut ValueIds) -> Vec<Pdo> {
    let mut entry = |entry: &EsiEntry| PdoEntry {
        index: entry.index,
        subindex: entry.subindex,
        bits: entry.bits,
        data_type: entry.data_type,
        name: entry.name.clone(),
        value: values.of(entry.index, entry.subindex, entry.bits),
    };
    let mut one = |pdo: &EsiPdo| Pdo {
        index: pdo.index,
        name: pdo.name.clone(),
        assigned: pdo.sync_manager.is_some(),
        entries: pdo.entries.iter().map(&mut entry).collect(),
    };
    all.iter().map(&mut one).collect()
}

/// Every value that is mapped by default, in the order of the process data.
fn channels(pdos: &[Pdo]) -> Vec<ValueId> {
    pdos.iter().filter(|pdo| pdo.assigned).flat_map(|pdo| &pdo.entries).filter_map(|entry| entry.value).collect()
}

/// An ESC with room for what the device uses. Ports that the file leaves unused are on the E-bus, because a simulated
/// SubDevice may be a junction.
fn esc(device: &Device, mailbox: bool) -> EscKind {
    let (least, ram_kib) = if mailbox { (8, 8) } else { (2, 4) };
    let count = |len: usize| u8::try_from(len).unwrap_or(u8::MAX).clamp(least, 16);
    let end = device.sync_managers.iter().map(|sm| usize::from(sm.start) + 3 * usize::from(sm.size.unwrap_or(0))).max();
    let ram_kib = if end.unwrap_or(0) > 0x1000 + 1024 * usize::from(ram_kib) { 60 } else { ram_kib };
    let mut kinds = device.physics.bytes().map(|letter| if matches!(letter, b'Y' | b'y' | b'H') { 3u8 } else { 2 });
    let ports = (0..4).fold(0, |ports, port| ports | kinds.next().unwrap_or(2) << (2 * port));
    EscKind {
        fmmus: count(device.fmmus.len()),
        sync_managers: count(device.sync_managers.len()),
        ram_kib,
        ports,
        lrw: !device.no_lrw,
        ..crate::profile::esc_on_ebus()
    }
}

fn mailbox(device: &Device) -> Result<Option<MailboxPlan>, EsiProblem> {
    let mut plan = None;
    let uses: Vec<SyncManagerUse> = device.sync_managers.iter().map(|sm| sm.usage).collect();
    if let ([out, input, ..], true) = (device.sync_managers.as_slice(), device.mailbox.is_some())
        && uses.starts_with(&[SyncManagerUse::MailboxOut, SyncManagerUse::MailboxIn])
    {
        let (out_length, in_length) = (out.size.unwrap_or(128), input.size.unwrap_or(128));
        let boot = &device.eeprom.boot;
        plan = Some(MailboxPlan {
            protocols: device.mailbox.map_or(0, |mailbox| mailbox.protocols),
            boot: (!boot.is_empty()).then(|| [0, 2, 4, 6].map(|at| word(boot, at))),
            ..MailboxPlan::coe(out.start, out_length, input.start, in_length)
        });
    }
    let needed = device.mailbox.is_some_and(|mailbox| mailbox.protocols != 0);
    if needed && plan.is_none() { Err(EsiProblem::MailboxSyncManagers) } else { Ok(plan) }
}

/// The sync managers, with the length of the default PDOs where the file gives none.
fn sync_managers(device: &Device, description: &Description) -> Vec<SyncManagerPlan> {
    let length = |pdos: &[Pdo]| {
        let bits: usize = pdos.iter().filter(|pdo| pdo.assigned).map(Pdo::bits).sum();
        u16::try_from(bits.div_ceil(8)).unwrap_or(u16::MAX)
    };
    let plan = |sm: &EsiSyncManager| {
        let (purpose, length) = match sm.usage {
            SyncManagerUse::MailboxOut => (Purpose::MailboxOut, 128),
            SyncManagerUse::MailboxIn => (Purpose::MailboxIn, 128),
            SyncManagerUse::Outputs => (Purpose::Outputs, length(&description.rx_pdos)),
            SyncManagerUse::Inputs => (Purpose::Inputs, length(&description.tx_pdos)),
            SyncManagerUse::Unused | SyncManagerUse::Other(_) => (Purpose::Unused, 0),
        };
        SyncManagerPlan { purpose, start: sm.start, length: sm.size.unwrap_or(length), control: sm.control }
    };
    device.sync_managers.iter().map(plan).collect()
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
        coe: device.mailbox.map(|mailbox| mailbox.coe),
        data_link: device.mailbox.is_some_and(|mailbox| mailbox.data_link),
        fmmus: device.fmmus.clone(),
        enables: device.sync_managers.iter().map(|sm| sm.enable).collect(),
        clocks: device.clocks.clone(),
        pdo_flags: device.rx_pdos.iter().chain(&device.tx_pdos).map(flags).collect(),
        size: device.eeprom.size,
    }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    match bytes.get(at..at + 2) {
        Some([low, high]) => u16::from_le_bytes([*low, *high]),
        _ => 0,
    }
}
