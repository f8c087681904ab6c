//! An SII image from a description: fixed area, then the categories strings, general, FMMU, sync managers, TxPDOs,
//! RxPDOs and DC (ETG.2010, tables 2 to 14), or the image that is given, with the identity and alias of the
//! description. Where the names of entries and PDOs would make it too long, they are left out, as vendors do.

use zerocat_wire::WireError;
use zerocat_wire::sii::fixed::{self, protocol, word};
use zerocat_wire::sii::general::{coe, flags};
use zerocat_wire::sii::{
    CategoryType, Composer, Fixed, FmmuUsage, General, Mailboxes, Pdo, PdoEntry, SyncManagerEntry, SyncManagerUse, pdo,
};

use super::{Description, Purpose};

/// Smallest memory: 16 kbit.
const SMALLEST: usize = 2048;
/// Room for what is composed; no image of a real SubDevice comes near.
const LARGEST: usize = 512 * 1024;
/// Bytes that every MainDevice reads: SOEM keeps 4 KiB and takes the rest for empty.
const READ_BY_ALL: usize = 4096;
/// Bytes of a kbit, in which the size is said.
const SIZE_UNIT: usize = 128;

/// All CoE details there are.
pub(super) const COE_DETAILS: u8 =
    coe::SDO | coe::SDO_INFO | coe::PDO_ASSIGN | coe::PDO_CONFIG | coe::UPLOAD_AT_STARTUP | coe::COMPLETE_ACCESS;

/// The image as 16-bit words, `0xffff` behind its end.
///
/// # Errors
/// `NoRoom` above 512 KiB, `BadLength` above 255 entries in a PDO.
pub(crate) fn compose(description: &Description) -> Result<Vec<u16>, WireError> {
    let bytes = match &description.sii.image {
        Some(image) => given(image, description),
        None => composed(description)?,
    };
    let pair = |pair: &[u8]| u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or(0xff)]);
    Ok(bytes.chunks(2).map(pair).collect())
}

/// The image that is given, with the identity and alias of the description. Without other ones it stays as it is, and so
/// does one without a whole fixed area, and one that was never programmed.
fn given(image: &[u8], description: &Description) -> Vec<u8> {
    let mut bytes = image.to_vec();
    let Ok(before) = Fixed::parse(image) else { return bytes };
    if description.sii.blank {
        return bytes;
    }
    let id = description.identity;
    if before.identity != id {
        for (address, value) in [
            (word::VENDOR, id.vendor),
            (word::PRODUCT, id.product),
            (word::REVISION, id.revision),
            (word::SERIAL, id.serial),
        ] {
            bytes[fixed::at(address)..][..4].copy_from_slice(&value.to_le_bytes());
        }
    }
    if before.alias != description.alias {
        bytes[fixed::at(word::ALIAS)..][..2].copy_from_slice(&description.alias.to_le_bytes());
        if let Ok(sum) = fixed::checksum(&bytes) {
            bytes[fixed::at(word::CHECKSUM)] = sum;
        }
    }
    bytes
}

/// Which names of process data an image holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    OfEntries,
    OfPdos,
    Neither,
}

/// With all names that the memory has room for.
fn composed(description: &Description) -> Result<Vec<u8>, WireError> {
    let said = description.sii.size.and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    let mut image = with_names(description, Names::OfEntries)?;
    for fewer in [Names::OfPdos, Names::Neither] {
        if image.len() <= said.max(READ_BY_ALL) {
            break;
        }
        image = with_names(description, fewer)?;
    }
    Ok(image)
}

fn with_names(description: &Description, names: Names) -> Result<Vec<u8>, WireError> {
    let mut strings = Strings::default();
    let general = general(description, &mut strings);
    let tx = pdos(description, Purpose::Inputs, names, &mut strings);
    let rx = pdos(description, Purpose::Outputs, names, &mut strings);
    let clocks: Vec<_> = description.sii.clocks.iter().map(|clock| strings.clock(clock)).collect();
    let mut image = vec![0; LARGEST];
    let mut composer = Composer::new(&mut image, &fixed_area(description))?;
    composer.strings(&strings.texts())?;
    composer.general(&general)?;
    composer.fmmus(&fmmus(description))?;
    composer.sync_managers(&sync_managers(description))?;
    for (kind, pdos) in [(CategoryType::TX_PDO, &tx), (CategoryType::RX_PDO, &rx)] {
        if !pdos.is_empty() {
            composer.pdos(kind, pdos.iter().map(|(header, entries)| (*header, entries.as_slice())))?;
        }
    }
    if !clocks.is_empty() {
        composer.clocks(&clocks)?;
    }
    let used = composer.finish()?;
    let said = description.sii.size.and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    let size = used.max(said.min(LARGEST)).next_multiple_of(SMALLEST);
    image.truncate(size);
    let kbit = u16::try_from(size / SIZE_UNIT - 1).unwrap_or(u16::MAX);
    image[fixed::at(word::SIZE)..][..2].copy_from_slice(&kbit.to_le_bytes());
    Ok(image)
}

fn fixed_area(description: &Description) -> Fixed {
    let parts = &description.sii;
    let mailbox = description.mailbox.map_or_else(Mailboxes::default, |mailbox| Mailboxes {
        receive_offset: mailbox.out_start,
        receive_size: mailbox.out_length,
        send_offset: mailbox.in_start,
        send_size: mailbox.in_length,
    });
    let boot = description.mailbox.and_then(|mailbox| mailbox.boot).map_or_else(
        Mailboxes::default,
        |[receive_offset, receive_size, send_offset, send_size]| Mailboxes {
            receive_offset,
            receive_size,
            send_offset,
            send_size,
        },
    );
    let word = |address| parts.config_word(address);
    Fixed {
        pdi_control: word(word::PDI_CONTROL).unwrap_or_else(|| description.pdi_control()),
        pdi_config: word(word::PDI_CONFIG).unwrap_or(0),
        sync_impulse: word(word::SYNC_IMPULSE).unwrap_or(0),
        pdi_config_2: word(word::PDI_CONFIG_2).unwrap_or(0),
        alias: description.alias,
        identity: description.identity,
        boot_mailbox: boot,
        mailbox,
        protocols: description.mailbox.map_or(0, |mailbox| mailbox.protocols),
        ..Fixed::default()
    }
}

/// Strings by number, from 1. An empty one is 0, and so are those behind the 255th.
#[derive(Default)]
struct Strings(Vec<String>);

impl Strings {
    fn number(&mut self, text: &str) -> u8 {
        if text.is_empty() {
            return 0;
        }
        let text: String = text.chars().filter(char::is_ascii).take(255).collect();
        let at = self.0.iter().position(|known| *known == text);
        let at = at.unwrap_or(self.0.len());
        match u8::try_from(at + 1) {
            Ok(number) if at == self.0.len() => {
                self.0.push(text);
                number
            }
            Ok(number) => number,
            Err(_) => 0,
        }
    }

    fn clock(&mut self, clock: &zerocat_esi::OpMode) -> zerocat_wire::sii::ClockMode {
        let (name, description) = (self.number(&clock.name), self.number(&clock.description));
        zerocat_wire::sii::ClockMode { name, description, ..clock.mode }
    }

    fn texts(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

fn general(description: &Description, strings: &mut Strings) -> General {
    let parts = &description.sii;
    // Physical ports, four bits each: 3 is E-bus, 1 is MII.
    let ports = (0..4).fold(0u16, |ports, port| {
        let kind = match description.esc.ports >> (2 * port) & 3 {
            2 => 3,
            3 => 1,
            _ => 0,
        };
        ports | kind << (4 * port)
    });
    let speaks = |protocol| description.mailbox.is_some_and(|mailbox| mailbox.speaks(protocol));
    let lrw = if description.esc.lrw { 0 } else { flags::NOT_LRW };
    let repeat = if parts.data_link { flags::MAILBOX_DATA_LINK } else { 0 };
    let ident = if parts.device_id == 0 { 0 } else { flags::IDENT_AL_STATUS };
    General {
        order: strings.number(&description.order),
        name: strings.number(&description.name),
        group: strings.number(&description.group),
        coe: description.coe_details(),
        foe: u8::from(speaks(protocol::FOE)),
        eoe: u8::from(speaks(protocol::EOE)),
        flags: lrw | repeat | ident,
        ebus_current: description.current,
        ports,
        ..General::default()
    }
}

/// One FMMU for each sync manager with process data, where the parts say nothing.
fn fmmus(description: &Description) -> Vec<FmmuUsage> {
    if !description.sii.fmmus.is_empty() {
        return description.sii.fmmus.clone();
    }
    let usages = description.sync_managers.iter().filter_map(|plan| match plan.purpose {
        Purpose::Outputs => Some(FmmuUsage::Outputs),
        Purpose::Inputs => Some(FmmuUsage::Inputs),
        _ => None,
    });
    usages.collect()
}

fn sync_managers(description: &Description) -> Vec<SyncManagerEntry> {
    let enables = description.sii.enables.iter().map(|enable| Some(*enable)).chain(std::iter::repeat(None));
    let plans = description.sync_managers.iter().zip(enables);
    plans
        .map(|(plan, enable)| SyncManagerEntry {
            start: plan.start,
            length: plan.length,
            control: plan.control,
            status: 0,
            enable: enable.unwrap_or(u8::from(plan.length > 0)),
            usage: SyncManagerUse::from_code(plan.purpose as u8),
        })
        .collect()
}

fn pdos(description: &Description, purpose: Purpose, names: Names, strings: &mut Strings) -> Vec<(Pdo, Vec<PdoEntry>)> {
    let list = description.pdos(purpose);
    let first = description.sync_manager(purpose).unwrap_or(pdo::NOT_ASSIGNED);
    let mut made = Vec::with_capacity(list.len());
    for pdo in list {
        let header = Pdo {
            index: pdo.index,
            entries: 0,
            sync_manager: if pdo.assigned { pdo.sync_manager.unwrap_or(first) } else { pdo::NOT_ASSIGNED },
            dc_sync: 0,
            name: if names == Names::Neither { 0 } else { strings.number(&pdo.name) },
            flags: description.sii.pdo_flags.get(&pdo.index).copied().unwrap_or(0),
        };
        let entry = |entry: &super::PdoEntry| PdoEntry {
            index: entry.index,
            subindex: entry.subindex,
            name: if names == Names::OfEntries { strings.number(&entry.name) } else { 0 },
            data_type: entry.data_type as u8,
            bit_length: entry.bits,
            flags: 0,
        };
        made.push((header, pdo.entries.iter().map(entry).collect()));
    }
    made
}
