//! What a drive with SoE maps: by the lists S-0-0024 (MDT, outputs) and S-0-0016 (AT, inputs) of each of its drives, while its
//! telegram type S-0-0015 says that these hold.
//!
//! Guarantees: where the lists name what the SII names, in its order, the SII holds, with its names, types and padding; where they
//! differ, as after a startup command, the lists hold. Control word and status word stand in front of what a list names. What
//! the drive refuses is taken from the SII, with a note. Names and lengths of what the SII doesn't know are read from the drive.
//!
//! Not guaranteed: the place of control and status word in drives that differ from this; a SubDevice compares lengths when it is
//! asked for SAFE-OP.

use zerocat_pdi::{Direction, Entry, Pdo};
use zerocat_wire::soe::{Attribute, DRIVES, Display, Elements, Idn, List, Size};

use crate::datagrams::Datagrams;
use crate::mailbox::Mailbox;
use crate::pdo::{PdoMap, by_sii, from_sii};
use crate::sii::Sii;
use crate::soe::IdnError;
use crate::subdevice::PdoSource;

/// S-0-0134, in front of what S-0-0024 names.
const CONTROL_WORD: Idn = Idn(134);
/// S-0-0135, in front of what S-0-0016 names.
const STATUS_WORD: Idn = Idn(135);
/// Telegram type of the lists, in the low 3 bits.
const BY_LISTS: u8 = 7;

/// A direction: its list, the word in front, and what the PDO is called.
const fn of(direction: Direction) -> (Idn, Idn, &'static str) {
    match direction {
        Direction::Output => (Idn::MDT_LIST, CONTROL_WORD, "MDT"),
        Direction::Input => (Idn::AT_LIST, STATUS_WORD, "AT"),
    }
}

/// The map of a drive with SoE, in PRE-OP or above. What can't be read is as in the SII.
pub(crate) async fn read(datagrams: &Datagrams, sii: &Sii, mailbox: &mut Mailbox) -> PdoMap {
    let mut telegrams = Telegrams { datagrams, mailbox, sii };
    let known = from_sii(sii);
    match telegrams.configured(&known).await {
        Ok(Some(map)) => map,
        Ok(None) => known,
        Err(error) => noted(known, format!("{}; process data as in the SII", said(&error))),
    }
}

fn noted(mut map: PdoMap, note: String) -> PdoMap {
    map.notes.push(note);
    map
}

/// Without the SubDevice: a note is told with its name.
fn said(error: &IdnError) -> String {
    let who = error.who().to_string();
    let text = error.to_string();
    text.strip_prefix(&who).map(|rest| rest.trim_start_matches([':', ' ']).to_owned()).unwrap_or(text)
}

struct Telegrams<'a> {
    datagrams: &'a Datagrams,
    mailbox: &'a mut Mailbox,
    sii: &'a Sii,
}

impl Telegrams<'_> {
    /// The map by the lists, where they differ from the SII.
    async fn configured(&mut self, known: &PdoMap) -> Result<Option<PdoMap>, IdnError> {
        let kind = self.mailbox.read_idn(self.datagrams, 0, Idn::TELEGRAM_TYPE, Elements::VALUE).await?;
        if kind.first().is_none_or(|kind| kind & 7 != BY_LISTS) {
            return Ok(None);
        }
        let mut map = PdoMap { notes: known.notes.clone(), ..PdoMap::default() };
        let mut differs = false;
        for direction in [Direction::Output, Direction::Input] {
            let lists = self.lists(direction).await?;
            let named = named(known, direction);
            if lists.iter().flatten().copied().eq(named.iter().copied()) && has(known, direction) {
                map.sync_managers.extend(known.sync_managers.iter().filter(|sm| sm.direction == direction).cloned());
                continue;
            }
            let pdo = self.telegram(direction, &lists).await?;
            differs = true;
            map.add(self.sii, number(known, self.sii, direction), (direction, "S-0-0015"), vec![pdo]);
        }
        map.sync_managers.sort_by_key(|manager| manager.number);
        map.source = (!map.sync_managers.is_empty()).then_some(PdoSource::Soe);
        Ok(differs.then_some(map))
    }

    /// What each drive has in a direction, behind its word. Drives end with the first that refuses.
    async fn lists(&mut self, direction: Direction) -> Result<Vec<Vec<Idn>>, IdnError> {
        let (list, word, _) = of(direction);
        let mut lists = Vec::new();
        for drive in 0..self.drives() {
            match self.mailbox.read_idn_list(self.datagrams, drive, list).await {
                Ok(idns) => lists.push(idns.into_iter().filter(|idn| *idn != word).collect()),
                Err(IdnError::Refused { .. }) if drive > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(lists)
    }

    /// Drives to ask: as many as the SII has control words, where it has some. Drives with one axis may answer to any number.
    fn drives(&self) -> u8 {
        let entries = self.sii.rx_pdos.iter().filter(|pdo| pdo.sync_manager.is_some()).flat_map(|pdo| &pdo.pdo.entries);
        let words = entries.filter(|entry| entry.index == CONTROL_WORD.0).count();
        if words == 0 { DRIVES } else { u8::try_from(words).unwrap_or(DRIVES).min(DRIVES) }
    }

    async fn telegram(&mut self, direction: Direction, lists: &[Vec<Idn>]) -> Result<Pdo, IdnError> {
        let (list, word, name) = of(direction);
        let mut entries = Vec::new();
        for (drive, idns) in (0..).zip(lists) {
            for idn in std::iter::once(&word).chain(idns) {
                entries.push(self.entry(drive, *idn).await?);
            }
        }
        Ok(Pdo { index: list.0, name: name.to_owned(), entries })
    }

    async fn entry(&mut self, drive: u8, idn: Idn) -> Result<Entry, IdnError> {
        if let Some(entry) = self.sii.entry(idn.0, drive) {
            return Ok(entry.clone());
        }
        if matches!(idn, CONTROL_WORD | STATUS_WORD) {
            let name = if idn == CONTROL_WORD { "Master control word" } else { "Drive status word" };
            let type_code = type_code(Attribute::value(Size::Two, Display::Binary));
            return Ok(Entry { index: idn.0, subindex: drive, bit_length: 16, name: name.to_owned(), type_code });
        }
        let attribute = self.mailbox.read_attribute(self.datagrams, drive, idn).await?;
        let name = match self.mailbox.read_idn(self.datagrams, drive, idn, Elements::NAME).await {
            Ok(data) => {
                List::parse(&data).map(|name| String::from_utf8_lossy(name.items).into_owned()).unwrap_or_default()
            }
            Err(IdnError::Refused { .. }) => String::new(),
            Err(error) => return Err(error),
        };
        let bit_length = u8::try_from(8 * attribute.size().bytes()).unwrap_or(u8::MAX);
        Ok(Entry { index: idn.0, subindex: drive, bit_length, name, type_code: type_code(attribute) })
    }
}

/// What the SII names in a direction, without control and status words and padding.
fn named(known: &PdoMap, direction: Direction) -> Vec<Idn> {
    let managers = known.sync_managers.iter().filter(|manager| manager.direction == direction);
    let entries = managers.flat_map(|manager| &manager.pdos).flat_map(|pdo| &pdo.entries);
    let idns = entries.map(|entry| Idn(entry.index)).filter(|idn| idn.0 != 0);
    idns.filter(|idn| !matches!(*idn, CONTROL_WORD | STATUS_WORD)).collect()
}

fn has(known: &PdoMap, direction: Direction) -> bool {
    known.sync_managers.iter().any(|manager| manager.direction == direction)
}

/// The sync manager of a direction: the one with its PDOs in the SII, else the first that the SII names for it.
fn number(known: &PdoMap, sii: &Sii, direction: Direction) -> u8 {
    let mapped =
        known.sync_managers.iter().find(|manager| manager.direction == direction).map(|manager| manager.number);
    let first = || by_sii(sii).into_iter().find(|(_, of)| *of == direction).map(|(number, _)| number);
    mapped.or_else(first).unwrap_or(if direction == Direction::Output { 2 } else { 3 })
}

/// Base data type (ETG.1020, as in the SII's PDO categories).
fn type_code(attribute: Attribute) -> u16 {
    match (attribute.display(), attribute.size()) {
        (Display::Float, Size::Four) => 0x08,
        (Display::Float, Size::Eight) => 0x11,
        (Display::Signed, Size::One) => 0x02,
        (Display::Signed, Size::Two) => 0x03,
        (Display::Signed, Size::Four) => 0x04,
        (Display::Signed, Size::Eight) => 0x15,
        (_, Size::One) => 0x05,
        (_, Size::Two) => 0x06,
        (_, Size::Four) => 0x07,
        (_, Size::Eight) => 0x1b,
    }
}
