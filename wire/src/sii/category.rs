//! The categories behind the fixed area (ETG.1000.6, table 17): a type, a length in words, and data.

use crate::WireError;
use crate::field;
use crate::sii::fixed;

/// Bytes before the data of a category.
pub const HEADER_LEN: usize = 4;

/// Type of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CategoryType(pub u16);

impl CategoryType {
    /// No information.
    pub const NOP: Self = Self(0);
    /// Strings that others point into.
    pub const STRINGS: Self = Self(10);
    /// Data types (reserved for later by the ETG).
    pub const DATA_TYPES: Self = Self(20);
    /// General information.
    pub const GENERAL: Self = Self(30);
    /// What each FMMU is for.
    pub const FMMU: Self = Self(40);
    /// Sync managers.
    pub const SYNC_MANAGER: Self = Self(41);
    /// PDOs that the SubDevice sends (inputs).
    pub const TX_PDO: Self = Self(50);
    /// PDOs that the SubDevice receives (outputs).
    pub const RX_PDO: Self = Self(51);
    /// Distributed clocks: modes of operation.
    pub const CLOCK: Self = Self(60);
    /// End of the categories; nothing follows it, not even a length.
    pub const END: Self = Self(0xffff);

    /// The type in a word; "unknown" for those that are reserved or the vendor's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NOP => "nop",
            Self::STRINGS => "strings",
            Self::DATA_TYPES => "data types",
            Self::GENERAL => "general",
            Self::FMMU => "FMMU",
            Self::SYNC_MANAGER => "sync manager",
            Self::TX_PDO => "TxPDO",
            Self::RX_PDO => "RxPDO",
            Self::CLOCK => "DC",
            Self::END => "end",
            _ => "unknown",
        }
    }
}

/// The two words before a category's data, for those who read an SII word by word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CategoryHeader {
    /// Its type.
    pub kind: CategoryType,
    /// Its length in words of 16 bits. 0 for the end.
    pub words: u16,
}

impl CategoryHeader {
    /// Reads a header. That of the end may be 2 bytes long.
    ///
    /// # Errors
    /// `Truncated` below 4 bytes, or 2 for the end.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let kind = CategoryType(field::u16_at(bytes, 0)?);
        if kind == CategoryType::END {
            return Ok(Self { kind, words: 0 });
        }
        Ok(Self { kind, words: field::u16_at(bytes, 2)? })
    }

    /// The header's 4 bytes. Of the end only the first two count; the others are 0xff as in an erased memory.
    #[must_use]
    pub const fn emit(self) -> [u8; HEADER_LEN] {
        let [k0, k1] = self.kind.0.to_le_bytes();
        let words = if self.kind.0 == CategoryType::END.0 { u16::MAX } else { self.words };
        let [w0, w1] = words.to_le_bytes();
        [k0, k1, w0, w1]
    }

    /// Bytes of data that follow.
    #[must_use]
    pub fn data_len(self) -> usize {
        usize::from(self.words).saturating_mul(2)
    }

    /// Word address of the next header when this one is at `word`.
    #[must_use]
    pub fn next(self, word: u32) -> u32 {
        word.saturating_add(2).saturating_add(u32::from(self.words))
    }
}

/// A category in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Category<'a> {
    /// Its type.
    pub kind: CategoryType,
    /// Its data: whole words.
    pub data: &'a [u8],
}

/// Walks the categories of an image. Ends before the end category, or with one error. Each step goes on by 4 bytes
/// or more, so it ends on any bytes.
#[derive(Debug, Clone)]
pub struct Categories<'a> {
    image: &'a [u8],
    at: Option<usize>,
}

impl<'a> Categories<'a> {
    /// Walks an image that starts at word 0.
    #[must_use]
    pub const fn new(image: &'a [u8]) -> Self {
        Self { image, at: Some(fixed::LEN) }
    }

    /// Data of the first category of a type. `None` as well after an error before it.
    #[must_use]
    pub fn find(image: &'a [u8], kind: CategoryType) -> Option<&'a [u8]> {
        Self::new(image).filter_map(Result::ok).find(|category| category.kind == kind).map(|category| category.data)
    }

    fn step(&mut self, at: usize) -> Result<Option<Category<'a>>, WireError> {
        let rest = self.image.get(at..).ok_or(WireError::Truncated { needed: at, got: self.image.len() })?;
        let header = CategoryHeader::parse(rest)?;
        if header.kind == CategoryType::END {
            return Ok(None);
        }
        let end = HEADER_LEN.saturating_add(header.data_len());
        let needed = at.saturating_add(end);
        let data = rest.get(HEADER_LEN..end).ok_or(WireError::Truncated { needed, got: self.image.len() })?;
        self.at = Some(needed);
        Ok(Some(Category { kind: header.kind, data }))
    }
}

impl<'a> Iterator for Categories<'a> {
    type Item = Result<Category<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at.take()?;
        self.step(at).transpose()
    }
}
