//! An SII image from a description: header with checksum, then the categories strings, general, FMMU, sync
//! managers, TxPDOs and RxPDOs (ETG.2010, tables 2 to 14).

use zerocat_wire::sii::fixed::protocol;

use super::{Description, Pdo, Purpose};
use crate::esc::sii_checksum;

const CATEGORIES: usize = 0x40;
/// Size of the memory: 16 kbit.
const WORDS: usize = 1024;

const STRINGS: u16 = 10;
const GENERAL: u16 = 30;
const FMMU: u16 = 40;
const SYNC_MANAGER: u16 = 41;
const TX_PDO: u16 = 50;
const RX_PDO: u16 = 51;
const END: u16 = 0xffff;

/// SDO, SDO information, PDO assignment, PDO mapping, PDO upload, complete access (ETG.2010, table 7).
const COE_DETAILS: u8 = 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x20;
const FLAG_NOT_LRW: u8 = 0x02;

/// The image as 16-bit words, `0xffff` behind its end.
pub(crate) fn compose(description: &Description) -> Vec<u16> {
    let mut strings = Strings::default();
    let order = strings.number(&description.order);
    let general = general(description, order, &mut strings);
    let tx = pdos(&description.tx_pdos, description.sync_manager(Purpose::Inputs), &mut strings);
    let rx = pdos(&description.rx_pdos, description.sync_manager(Purpose::Outputs), &mut strings);

    let mut words = header(description);
    for (category, bytes) in [
        (STRINGS, strings.bytes()),
        (GENERAL, general),
        (FMMU, fmmus(description)),
        (SYNC_MANAGER, sync_managers(description)),
        (TX_PDO, tx),
        (RX_PDO, rx),
    ] {
        append(&mut words, category, &bytes);
    }
    words.push(END);
    let size = words.len().next_multiple_of(WORDS);
    words.resize(size, 0xffff);
    // Size in kbit, minus one.
    words[0x3e] = u16::try_from(size * 16 / 1024 - 1).unwrap_or(u16::MAX);
    words
}

fn header(description: &Description) -> Vec<u16> {
    let mut words = vec![0u16; CATEGORIES];
    words[0] = description.pdi_control();
    words[4] = description.alias;
    words[7] = u16::from(sii_checksum(&words));
    let id = description.identity;
    for (place, value) in [(8, id.vendor), (10, id.product), (12, id.revision), (14, id.serial)] {
        let [a, b, c, d] = value.to_le_bytes();
        words[place] = u16::from_le_bytes([a, b]);
        words[place + 1] = u16::from_le_bytes([c, d]);
    }
    if let Some(mailbox) = description.mailbox {
        words[0x18..0x1d].copy_from_slice(&[
            mailbox.out_start,
            mailbox.out_length,
            mailbox.in_start,
            mailbox.in_length,
            mailbox.protocols,
        ]);
        words[0x14..0x18].copy_from_slice(&mailbox.boot.unwrap_or_default());
    }
    words[0x3f] = 1;
    words
}

fn append(words: &mut Vec<u16>, category: u16, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    words.push(category);
    words.push(u16::try_from(bytes.len().div_ceil(2)).unwrap_or(0));
    words.extend(bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])));
}

/// Strings by number, from 1. An empty one is 0.
#[derive(Default)]
struct Strings(Vec<String>);

impl Strings {
    fn number(&mut self, text: &str) -> u8 {
        if text.is_empty() {
            return 0;
        }
        let text: String = text.chars().filter(char::is_ascii).take(255).collect();
        let at = self.0.iter().position(|known| *known == text).unwrap_or_else(|| {
            self.0.push(text);
            self.0.len() - 1
        });
        u8::try_from(at + 1).unwrap_or(0)
    }

    fn bytes(&self) -> Vec<u8> {
        let known = self.0.iter().take(255);
        let mut bytes = vec![u8::try_from(known.len()).unwrap_or(u8::MAX)];
        for text in known {
            bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

fn general(description: &Description, order: u8, strings: &mut Strings) -> Vec<u8> {
    let mut bytes = vec![0u8; 32];
    bytes[0] = strings.number(&description.group);
    bytes[2] = order;
    bytes[3] = strings.number(&description.name);
    let speaks = |protocol| description.mailbox.is_some_and(|mailbox| mailbox.speaks(protocol));
    bytes[5] = if speaks(protocol::COE) { COE_DETAILS } else { 0 };
    bytes[6] = u8::from(speaks(protocol::FOE));
    bytes[7] = u8::from(speaks(protocol::EOE));
    bytes[11] = if description.esc.lrw { 0 } else { FLAG_NOT_LRW };
    bytes[12..14].copy_from_slice(&description.current.to_le_bytes());
    // Physical ports, four bits each: 3 is E-bus, 1 is MII.
    let physical = (0..4).fold(0u16, |ports, port| {
        let kind = match description.esc.ports >> (2 * port) & 3 {
            2 => 3,
            3 => 1,
            _ => 0,
        };
        ports | kind << (4 * port)
    });
    bytes[16..18].copy_from_slice(&physical.to_le_bytes());
    bytes
}

/// What the FMMUs are for: 1 outputs, 2 inputs.
fn fmmus(description: &Description) -> Vec<u8> {
    let purposes = description.sync_managers.iter().filter_map(|plan| match plan.purpose {
        Purpose::Outputs => Some(1),
        Purpose::Inputs => Some(2),
        _ => None,
    });
    purposes.collect()
}

fn sync_managers(description: &Description) -> Vec<u8> {
    let plans = description.sync_managers.iter();
    plans
        .flat_map(|plan| {
            let [s0, s1] = plan.start.to_le_bytes();
            let [l0, l1] = plan.length.to_le_bytes();
            [s0, s1, l0, l1, plan.control, 0, u8::from(plan.length > 0), plan.purpose as u8]
        })
        .collect()
}

fn pdos(pdos: &[Pdo], sync_manager: Option<u8>, strings: &mut Strings) -> Vec<u8> {
    let mut bytes = Vec::new();
    for pdo in pdos {
        let assigned = if pdo.assigned { sync_manager.unwrap_or(0xff) } else { 0xff };
        bytes.extend_from_slice(&pdo.index.to_le_bytes());
        bytes.push(u8::try_from(pdo.entries.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(&[assigned, 0, strings.number(&pdo.name), 0, 0]);
        for entry in &pdo.entries {
            bytes.extend_from_slice(&entry.index.to_le_bytes());
            let name = strings.number(&entry.name);
            bytes.extend_from_slice(&[entry.subindex, name, entry.data_type as u8, entry.bits, 0, 0]);
        }
    }
    bytes
}
