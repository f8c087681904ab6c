//! Reads a SubDevice's SII through the ESC's interface at 0x0500 (ETG.1000.4, 6.4; ETG.2010).
//!
//! Guarantees: reading ends on any content: at the end marker, at the first empty header, or at a bound; each word is
//! asked for once. What is damaged behind the fixed area is left out and said in [`Sii::problems`], because a SubDevice
//! with half an SII may still be run by its object dictionary. A memory that was never programmed, or can't be read, is
//! [`Content::Empty`] or [`Content::Unreadable`]: nothing is known of its SubDevice but what the ESC says.

use std::ops::Range;
use std::time::Duration;

use zerocat_esi::OpMode;
use zerocat_wire::register;
use zerocat_wire::sii::{
    Categories, CategoryHeader, CategoryType, ClockMode, Fixed, FmmuUsage, General, Pdos, SiiControl, SiiOwner,
    SiiStatus, Strings, SyncManagerEntry, category, fixed, fixed::word, pdo,
};

use crate::datagrams::{Datagrams, Target};
use crate::error::SiiError;

/// Time for one read: a memory takes some 100 us, one emulated by firmware some ms.
const READ_PATIENCE: Duration = Duration::from_secs(1);
/// Times that a read is asked for when the interface shows an error.
const READ_ATTEMPTS: u8 = 3;
/// Longest image that is read.
const MAX_BYTES: usize = 64 * 1024;
/// Bytes of 0xff in a row that are taken for memory that nothing was ever written to.
const ERASED: usize = 64;
/// Most categories that are walked.
const MAX_CATEGORIES: usize = 256;

/// A PDO as the SII describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiiPdo {
    /// The PDO with its entries, padding included.
    pub pdo: zerocat_pdi::Pdo,
    /// Sync manager that it is assigned to by default.
    pub sync_manager: Option<u8>,
    /// See [`zerocat_wire::sii::pdo::flags`].
    pub flags: u16,
}

/// What kind of memory it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// It has an identity.
    #[default]
    Programmed,
    /// It was never programmed: all its bytes are 0xff, or all are 0.
    Empty,
    /// It can't be read.
    Unreadable,
}

/// What an SII says, as values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sii {
    /// What kind of memory it is. All else is of meaning only where it is programmed.
    pub content: Content,
    /// Identity, alias, mailboxes, protocols.
    pub fixed: Fixed,
    /// General category; zeros where there is none.
    pub general: General,
    /// Name of the device; empty where it gives none.
    pub name: String,
    /// Order number, usually the short name; empty where it gives none.
    pub order: String,
    /// Sync managers, number 0 first.
    pub sync_managers: Vec<SyncManagerEntry>,
    /// What each FMMU is for.
    pub fmmus: Vec<FmmuUsage>,
    /// PDOs that the MainDevice reads.
    pub tx_pdos: Vec<SiiPdo>,
    /// PDOs that the MainDevice writes.
    pub rx_pdos: Vec<SiiPdo>,
    /// Operation modes with distributed clocks, the default first. Empty where they weren't read ([`SiiNames`]).
    pub op_modes: Vec<OpMode>,
    /// What was damaged, and what was done instead.
    pub problems: Vec<String>,
}

impl Sii {
    /// Reads an image that starts at word 0.
    ///
    /// # Errors
    /// `Category` (number 0) when the fixed area isn't there in full.
    pub fn parse(image: &[u8]) -> Result<Self, SiiError> {
        if is_blank(image) {
            let said = format!("SII was never programmed: all words up to {:#06x} are the same", fixed::LEN / 2 - 1);
            return Ok(Self { content: Content::Empty, problems: vec![said], ..Self::default() });
        }
        let fixed = Fixed::parse(image).map_err(|source| SiiError::Category { category: 0, word: 0, source })?;
        let strings = Strings::new(Categories::find(image, CategoryType::STRINGS).unwrap_or_default());
        let mut sii = Self { fixed, ..Self::default() };
        if let Ok(sum) = fixed::checksum(image)
            && sum != fixed.checksum
        {
            let said = "SII word 0x0007: the checksum of the configuration is";
            sii.problems
                .push(format!("{said} {:#04x} and should be {sum:#04x}; it is used all the same", fixed.checksum));
        }
        for step in Categories::new(image) {
            match step {
                Ok(category) => sii.take(category, &strings),
                Err(error) => sii.note(CategoryType::END, error),
            }
        }
        sii.name = text(&strings, sii.general.name);
        sii.order = text(&strings, sii.general.order);
        Ok(sii)
    }

    fn take(&mut self, category: category::Category<'_>, strings: &Strings<'_>) {
        match category.kind {
            CategoryType::GENERAL => match General::parse(category.data) {
                Ok(general) => self.general = general,
                Err(error) => self.note(category.kind, error),
            },
            CategoryType::FMMU => self.fmmus = FmmuUsage::walk(category.data).collect(),
            CategoryType::CLOCK => {
                self.op_modes.extend(ClockMode::walk(category.data).map(|mode| op_mode(mode, strings)));
            }
            CategoryType::SYNC_MANAGER => self.sync_managers = SyncManagerEntry::walk(category.data).collect(),
            CategoryType::TX_PDO | CategoryType::RX_PDO => {
                for step in Pdos::new(category.data) {
                    match step {
                        Ok(view) if category.kind == CategoryType::TX_PDO => self.tx_pdos.push(sii_pdo(&view, strings)),
                        Ok(view) => self.rx_pdos.push(sii_pdo(&view, strings)),
                        Err(error) => self.note(category.kind, error),
                    }
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, kind: CategoryType, error: zerocat_wire::WireError) {
        self.problems.push(format!("SII category {} ({}): {error}; it is left out", kind.0, kind.name()));
    }

    /// What is known of a SubDevice whose SII can't be read.
    #[must_use]
    pub fn unreadable(error: &SiiError) -> Self {
        Self { content: Content::Unreadable, problems: vec![format!("{error}")], ..Self::default() }
    }

    /// Name of an entry, empty where the SII gives none. Entries of the same index and subindex have the same name.
    #[must_use]
    pub fn entry(&self, index: u16, subindex: u8) -> Option<&zerocat_pdi::Entry> {
        let pdos = self.tx_pdos.iter().chain(&self.rx_pdos);
        pdos.flat_map(|pdo| &pdo.pdo.entries)
            .find(|entry| entry.index == index && entry.subindex == subindex && index != 0)
    }

    /// The PDO of this index.
    #[must_use]
    pub fn pdo(&self, index: u16) -> Option<&zerocat_pdi::Pdo> {
        self.tx_pdos.iter().chain(&self.rx_pdos).map(|pdo| &pdo.pdo).find(|pdo| pdo.index == index)
    }
}

/// Whether the fixed area was never programmed.
fn is_blank(image: &[u8]) -> bool {
    let Some(fixed) = image.get(..fixed::LEN) else { return false };
    fixed.iter().all(|byte| *byte == 0xff) || fixed.iter().all(|byte| *byte == 0)
}

fn text(strings: &Strings<'_>, index: u8) -> String {
    // Not all vendors keep to ASCII; Latin-1 is what those write who don't.
    let bytes = strings.bytes(index).unwrap_or_default();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    text.chars().filter(|character| !character.is_control()).collect::<String>().trim().to_owned()
}

fn op_mode(mode: ClockMode, strings: &Strings<'_>) -> OpMode {
    OpMode { name: text(strings, mode.name), description: text(strings, mode.description), mode }
}

fn sii_pdo(view: &pdo::PdoView<'_>, strings: &Strings<'_>) -> SiiPdo {
    let header = view.header();
    let entries = view.entries().map(|entry| zerocat_pdi::Entry {
        index: entry.index,
        subindex: entry.subindex,
        bit_length: entry.bit_length,
        name: text(strings, entry.name),
        type_code: u16::from(entry.data_type),
    });
    let pdo = zerocat_pdi::Pdo { index: header.index, name: text(strings, header.name), entries: entries.collect() };
    let sync_manager = (header.sync_manager != pdo::NOT_ASSIGNED).then_some(header.sync_manager);
    SiiPdo { pdo, sync_manager, flags: header.flags }
}

/// Which names are read from an SII. They are the largest part of many, and a MainDevice rarely needs more than that of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SiiNames {
    /// Those of the device, its PDOs and their entries; and its operation modes, which are asked for by name.
    #[default]
    All,
    /// That of the device. PDOs and entries have none, and operation modes are not read.
    Device,
}

/// Reads the SII of one SubDevice. Holds what was read, so that no word is read twice.
#[derive(Debug)]
pub struct SiiReader<'d> {
    datagrams: &'d Datagrams,
    target: Target,
    names: SiiNames,
    /// Where the category of strings is that was skipped, by its bytes in the image.
    skipped: Option<Range<usize>>,
    /// The image from word 0, as far as it was read.
    image: Vec<u8>,
}

impl<'d> SiiReader<'d> {
    /// Takes the SII from the local application, by force if it holds it, and waits until the interface is free.
    ///
    /// # Errors
    /// `Datagram`, `Busy`.
    pub async fn open(datagrams: &'d Datagrams, target: Target) -> Result<Self, SiiError> {
        let reader = Self { datagrams, target, names: SiiNames::All, skipped: None, image: Vec::new() };
        // Owner, PDI's access and status are neighbours.
        let [owner @ .., s0, s1] = datagrams.read_array::<4>(target, register::SII_CONFIG).await?;
        let (owner, status) = (SiiOwner::parse(&owner), SiiStatus(u16::from_le_bytes([s0, s1])));
        if owner == Ok(SiiOwner::MAIN_DEVICE) && !status.busy() && !status.failed() {
            return Ok(reader);
        }
        if owner != Ok(SiiOwner::MAIN_DEVICE) {
            for step in [SiiOwner::FORCED, SiiOwner::MAIN_DEVICE] {
                let [config, _] = step.emit();
                datagrams.write_one(target, register::SII_CONFIG, &[config]).await?;
            }
        }
        if reader.settled(0).await?.status.failed() {
            datagrams.write_one(target, register::SII_CONTROL, &SiiControl::CLEAR.emit()).await?;
        }
        Ok(reader)
    }

    /// Sets which names are read.
    #[must_use]
    pub fn with_names(mut self, names: SiiNames) -> Self {
        self.names = names;
        self
    }

    /// Reads everything this crate has a use for, to the end marker. Categories that it has no use for are skipped;
    /// the image has zeros in their place.
    ///
    /// # Errors
    /// `Datagram`, `Busy`, `Failed`, and those of [`Sii::parse`].
    pub async fn read_all(mut self) -> Result<Sii, SiiError> {
        self.fill_fixed().await?;
        if is_blank(&self.image) {
            return Sii::parse(&self.image);
        }
        let walked = match self.walk_and_name().await {
            Ok(problem) => problem,
            // Memory that fails behind the fixed area: keep what there is.
            Err(SiiError::Failed { word, status }) => {
                Some(format!("SII read of word {word:#06x} failed, status {status:#06x}; what is before is used"))
            }
            Err(other) => return Err(other),
        };
        self.image.extend(CategoryType::END.0.to_le_bytes());
        let mut sii = Sii::parse(&self.image)?;
        if self.names == SiiNames::Device {
            // The image has zeros in their place.
            sii.op_modes.clear();
        }
        sii.problems.extend(walked);
        Ok(sii)
    }

    async fn walk_and_name(&mut self) -> Result<Option<String>, SiiError> {
        let problem = self.walk().await?;
        if let Some(strings) = self.skipped.take() {
            self.name_device(strings).await?;
        }
        Ok(problem)
    }

    /// Reads strings that were skipped, up to those that name the device. The others stay empty.
    async fn name_device(&mut self, strings: Range<usize>) -> Result<(), SiiError> {
        let general = Categories::find(&self.image, CategoryType::GENERAL);
        let general = general.and_then(|data| General::parse(data).ok()).unwrap_or_default();
        let last = general.order.max(general.name);
        let end = strings.end.min(self.image.len());
        let mut at = strings.start;
        while at < end && strings_end(self.image.get(strings.start..at).unwrap_or_default(), last).is_none() {
            let word = u32::try_from(at / 2).unwrap_or(u32::MAX);
            let data = self.read_at(word).await?;
            for (place, byte) in self.image.iter_mut().take(end).skip(at).zip(&data) {
                *place = *byte;
            }
            at += data.len().max(1);
        }
        // Of a string that isn't there in full, nothing is.
        let read = self.image.get(strings.start..at.min(end)).unwrap_or_default();
        let whole = strings.start + strings_end(read, last).unwrap_or_default();
        self.image.iter_mut().take(at.min(end)).skip(whole).for_each(|byte| *byte = 0);
        Ok(())
    }

    /// Reads the parts of the fixed area that say something. The image has zeros in place of the others: reserved words, and
    /// the mailboxes of BOOT.
    async fn fill_fixed(&mut self) -> Result<(), SiiError> {
        for (from, to) in [(0, word::SERIAL + 2), (word::MAILBOX, word::PROTOCOLS + 1), (word::SIZE, fixed::CATEGORIES)]
        {
            let [from, to] = [from, to].map(|word| 2 * usize::try_from(word).unwrap_or(fixed::LEN));
            if self.image.len() < from {
                // A memory that was never written looks the same all over.
                let erased = self.image.iter().all(|byte| *byte == 0xff);
                self.image.resize(from, if erased { 0xff } else { 0 });
            }
            self.fill(to).await?;
        }
        Ok(())
    }

    /// Reads the categories. Leaves an image that ends behind the last whole one; says why it stopped, if not at the
    /// end marker.
    async fn walk(&mut self) -> Result<Option<String>, SiiError> {
        let mut at = fixed::LEN;
        for _ in 0..MAX_CATEGORIES {
            let header = self.fill(at + category::HEADER_LEN).await;
            let header = header.map(|()| CategoryHeader::parse(&self.image[at..]));
            let end = match header {
                Ok(Ok(header)) if header.kind == CategoryType::END => at,
                Ok(Ok(header)) if header.kind == CategoryType::NOP && header.words == 0 => at,
                Ok(Ok(header)) if header.kind == CategoryType::STRINGS && self.names == SiiNames::Device => {
                    let data = at + category::HEADER_LEN;
                    let end = data + header.data_len();
                    self.skipped = (end <= MAX_BYTES).then_some(data..end);
                    end
                }
                Ok(Ok(header)) if self.wants(header.kind) => {
                    let end = at + category::HEADER_LEN + header.data_len();
                    if end <= MAX_BYTES
                        && !self.fill_up_to_erased(end).await.inspect_err(|_| self.image.truncate(at))?
                    {
                        let erased = (self.image.len() - ERASED) / 2;
                        self.image.truncate(at);
                        return Ok(Some(format!(
                            "SII category {} ({}) at word {:#06x} claims {} words, and the memory is erased from word \
                             {erased:#06x} on; what is before the category is used",
                            header.kind.0,
                            header.kind.name(),
                            at / 2,
                            header.words
                        )));
                    }
                    end
                }
                Ok(Ok(header)) => at + category::HEADER_LEN + header.data_len(),
                Ok(Err(_)) => at,
                Err(error) => {
                    self.image.truncate(at);
                    return Err(error);
                }
            };
            if end == at || end > MAX_BYTES {
                self.image.truncate(at);
                let behind = format!(
                    "SII category at word {:#06x} goes on behind {MAX_BYTES} bytes; what is before it is used",
                    at / 2
                );
                return Ok((end != at).then_some(behind));
            }
            // Skipped data: zeros, as far as it wasn't read along with the header.
            if self.image.len() < end {
                self.image.resize(end, 0);
            }
            at = end;
        }
        self.image.truncate(at);
        Ok(Some(format!("SII has more than {MAX_CATEGORIES} categories; those are used")))
    }

    fn wants(&self, kind: CategoryType) -> bool {
        use CategoryType as Kind;
        let modes = kind == Kind::CLOCK && self.names == SiiNames::All;
        modes
            || matches!(
                kind,
                Kind::STRINGS | Kind::GENERAL | Kind::FMMU | Kind::SYNC_MANAGER | Kind::TX_PDO | Kind::RX_PDO
            )
    }

    /// Reads on until the image has `len` bytes, or ends in erased memory, which no category has so much of. Returns
    /// whether all is there.
    async fn fill_up_to_erased(&mut self, len: usize) -> Result<bool, SiiError> {
        while self.image.len() < len {
            let next = len.min(self.image.len() + 1);
            self.fill(next).await?;
            let tail = self.image.len().saturating_sub(ERASED);
            if self.image.len() < len && tail >= fixed::LEN && self.image[tail..].iter().all(|byte| *byte == 0xff) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads on until the image has `len` bytes.
    async fn fill(&mut self, len: usize) -> Result<(), SiiError> {
        while self.image.len() < len {
            let word = u32::try_from(self.image.len() / 2).unwrap_or(u32::MAX);
            let data = self.read_at(word).await?;
            self.image.extend(data);
        }
        Ok(())
    }

    /// Reads the 4 or 8 bytes at a word address.
    ///
    /// # Errors
    /// `Datagram`, `Busy`, `Failed`.
    pub async fn read_at(&self, word: u32) -> Result<Vec<u8>, SiiError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let command = SiiControl::READ.emit_at(word);
            let asked = self.datagrams.write(self.target, register::SII_CONTROL, &command).await?;
            let shown = self.settled(word).await?;
            // Without an answer the command may have run nevertheless (its frame was lost on the way back, and a busy
            // interface takes no second command): the address register tells.
            let ran = asked.working_counter == 1 || shown.word == word;
            if ran && !shown.status.failed() {
                return Ok(shown.data);
            }
            if shown.status.failed() {
                self.datagrams.write_one(self.target, register::SII_CONTROL, &SiiControl::CLEAR.emit()).await?;
            }
            if attempt >= READ_ATTEMPTS {
                return Err(SiiError::Failed { word, status: shown.status.0 });
            }
        }
    }

    /// Waits until no command runs, and gives what the interface shows then.
    async fn settled(&self, word: u32) -> Result<Shown, SiiError> {
        let start = self.datagrams.now();
        loop {
            // Status (2 bytes), address (4) and data (up to 8) in one read.
            let [s0, s1, a0, a1, a2, a3, data @ ..] =
                self.datagrams.read_array::<14>(self.target, register::SII_CONTROL).await?;
            let status = SiiStatus(u16::from_le_bytes([s0, s1]));
            if !status.busy() {
                let data = data[..status.read_len()].to_vec();
                return Ok(Shown { status, word: u32::from_le_bytes([a0, a1, a2, a3]), data });
            }
            let waited = self.datagrams.now().saturating_sub(start);
            if waited > READ_PATIENCE {
                return Err(SiiError::Busy { word, waited });
            }
        }
    }
}

/// What the interface shows.
struct Shown {
    status: SiiStatus,
    word: u32,
    data: Vec<u8>,
}

/// Where the first `count` strings of a category end, if its beginning has them in full.
fn strings_end(data: &[u8], count: u8) -> Option<usize> {
    let mut end = 1;
    for _ in 0..count {
        end += 1 + usize::from(*data.get(end)?);
    }
    (end <= data.len()).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_wire::sii::{Composer, Identity, Pdo, PdoEntry, clock};

    fn image() -> Vec<u8> {
        let mut image = vec![0; 1024];
        let fixed = Fixed { identity: Identity { vendor: 2, product: 3, revision: 4, serial: 5 }, ..Fixed::default() };
        let mut composer = Composer::new(&mut image, &fixed).unwrap();
        composer.strings(&["EL3002", "EL3002 2Ch. Ana. Input", "Value"]).unwrap();
        composer.general(&General { order: 1, name: 2, ..General::default() }).unwrap();
        let mode = ClockMode { assign_activate: 0x0300, name: 3, ..ClockMode::default() };
        let mut bytes = [0; clock::LEN];
        mode.emit(&mut bytes).unwrap();
        composer.category(CategoryType::CLOCK, &bytes).unwrap();
        composer.category(CategoryType(2000), &[1, 2, 3, 4]).unwrap();
        let header = Pdo { index: 0x1a00, entries: 0, sync_manager: 3, dc_sync: 0, name: 0, flags: 0 };
        let entry = PdoEntry { index: 0x6000, subindex: 1, name: 3, data_type: 3, bit_length: 16, flags: 0 };
        let gap = PdoEntry { index: 0, subindex: 0, name: 0, data_type: 0, bit_length: 5, flags: 0 };
        composer.pdos(CategoryType::TX_PDO, [(header, &[gap, entry][..])]).unwrap();
        let unassigned = Pdo { index: 0x1a01, sync_manager: pdo::NOT_ASSIGNED, ..header };
        composer.pdos(CategoryType::TX_PDO, [(unassigned, &[entry][..])]).unwrap();
        let len = composer.finish().unwrap();
        image.truncate(len);
        image
    }

    #[test]
    fn an_image_becomes_names_and_pdos_with_their_gaps() {
        let sii = Sii::parse(&image()).unwrap();
        assert_eq!((sii.order.as_str(), sii.name.as_str()), ("EL3002", "EL3002 2Ch. Ana. Input"));
        assert_eq!(sii.fixed.identity.serial, 5);
        let lengths: Vec<_> = sii.tx_pdos[0].pdo.entries.iter().map(|entry| (entry.index, entry.bit_length)).collect();
        assert_eq!(lengths, [(0, 5), (0x6000, 16)]);
        assert_eq!((sii.tx_pdos[0].sync_manager, sii.tx_pdos[1].sync_manager), (Some(3), None));
        assert_eq!(sii.entry(0x6000, 1).unwrap().name, "Value");
        let [mode] = &sii.op_modes[..] else { panic!("{:?}", sii.op_modes) };
        assert_eq!((mode.name.as_str(), mode.mode.assign_activate), ("Value", 0x0300));
        assert_eq!(sii.problems, [""; 0]);
    }

    #[test]
    fn a_cut_image_keeps_what_was_whole_and_says_what_was_not() {
        let mut cut = image();
        cut.truncate(cut.len() - 6);
        let sii = Sii::parse(&cut).unwrap();
        assert_eq!((sii.order.as_str(), sii.tx_pdos.len()), ("EL3002", 1));
        assert!(sii.problems[0].contains("truncated"), "{:?}", sii.problems);
    }
}
