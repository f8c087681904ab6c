//! What can be read from an SII image, whatever it holds: the parts that are whole, and notes of those that aren't.

use zerocat_wire::sii::{
    Categories, CategoryType, ClockMode, Fixed, General, Pdos, Strings, SyncManagerEntry, category, fixed, pdo,
};

/// Sync managers that an ESC has at most.
const SYNC_MANAGERS: usize = 16;

/// The parts of an image.
#[derive(Debug)]
pub(super) struct Content<'a> {
    /// As if erased where the image is shorter than the fixed area; zeros where it was never programmed.
    pub(super) fixed: Fixed,
    /// It was never programmed: all bytes are 0xff, or all are 0.
    pub(super) blank: bool,
    strings: Option<Strings<'a>>,
    pub(super) general: General,
    pub(super) sync_managers: Vec<SyncManagerEntry>,
    pub(super) rx_pdos: Vec<pdo::PdoView<'a>>,
    pub(super) tx_pdos: Vec<pdo::PdoView<'a>>,
    pub(super) clocks: Vec<ClockMode>,
    /// What was left out, and why.
    pub(super) notes: Vec<String>,
}

impl<'a> Content<'a> {
    pub(super) fn read(image: &'a [u8]) -> Self {
        let blank = is_blank(image);
        let mut content = Self {
            fixed: if blank { Fixed::default() } else { fixed_area(image) },
            blank,
            strings: None,
            general: General::default(),
            sync_managers: Vec::new(),
            rx_pdos: Vec::new(),
            tx_pdos: Vec::new(),
            clocks: Vec::new(),
            notes: Vec::new(),
        };
        if blank {
            content.notes.push("was never programmed: the ESC answers, and there is no application".to_owned());
            return content;
        }
        content.look_at_fixed_area(image);
        for step in Categories::new(image) {
            match step {
                Ok(category) => content.take(category),
                Err(error) => {
                    content.notes.push(format!("categories: {error}; what is before is used"));
                }
            }
        }
        if content.sync_managers.len() > SYNC_MANAGERS {
            let said = format!("{} sync managers: an ESC has at most 16", content.sync_managers.len());
            content.notes.push(said);
            content.sync_managers.truncate(SYNC_MANAGERS);
        }
        content
    }

    fn look_at_fixed_area(&mut self, image: &[u8]) {
        if image.len() < fixed::LEN {
            self.notes.push(format!("{} bytes: the fixed area alone has {}", image.len(), fixed::LEN));
        } else if fixed::checksum_holds(image) != Ok(true) {
            self.notes.push("word 0x0007: the checksum is wrong; the ESC shows it in 0x0502".to_owned());
        }
    }

    fn take(&mut self, category: category::Category<'a>) {
        let damaged = |error| format!("category {} ({}): {error}", category.kind.0, category.kind.name());
        match category.kind {
            CategoryType::STRINGS => self.strings = Some(Strings::new(category.data)),
            CategoryType::GENERAL => match General::parse(category.data) {
                Ok(general) => self.general = general,
                Err(error) => self.notes.push(damaged(error)),
            },
            CategoryType::SYNC_MANAGER => self.sync_managers = SyncManagerEntry::walk(category.data).collect(),
            CategoryType::TX_PDO | CategoryType::RX_PDO => {
                let list = if category.kind == CategoryType::TX_PDO { &mut self.tx_pdos } else { &mut self.rx_pdos };
                for step in Pdos::new(category.data) {
                    match step {
                        Ok(view) => list.push(view),
                        Err(error) => self.notes.push(damaged(error)),
                    }
                }
            }
            CategoryType::CLOCK => self.clocks = ClockMode::walk(category.data).collect(),
            _ => {}
        }
    }

    pub(super) fn text(&self, index: u8) -> String {
        let bytes = self.strings.and_then(|strings| strings.bytes(index)).unwrap_or_default();
        String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
    }
}

/// Whether a memory with these bytes was never programmed.
fn is_blank(image: &[u8]) -> bool {
    image.iter().all(|byte| *byte == 0xff) || image.iter().all(|byte| *byte == 0)
}

/// The fixed area, with 0xff behind the image's end, as an erased memory has it.
pub(super) fn fixed_area(image: &[u8]) -> Fixed {
    let mut bytes = [0xff; fixed::LEN];
    bytes.iter_mut().zip(image).for_each(|(to, from)| *to = *from);
    Fixed::parse(&bytes).unwrap_or_default()
}
