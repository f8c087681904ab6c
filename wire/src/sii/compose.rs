//! Writes an SII image from the values that are read from one.

use crate::WireError;
use crate::field;
use crate::sii::category::{CategoryHeader, CategoryType, HEADER_LEN};
use crate::sii::{ClockMode, Fixed, FmmuUsage, General, Pdo, PdoEntry, SyncManagerEntry, strings};

/// Writes an image category by category into a caller's buffer. A call that fails leaves the image as it was before.
#[derive(Debug)]
pub struct Composer<'a> {
    image: &'a mut [u8],
    end: usize,
}

impl<'a> Composer<'a> {
    /// Starts an image with its fixed area and fills the rest of the buffer with 0xff, as an erased memory. The size
    /// in `fixed` is taken as it is.
    ///
    /// # Errors
    /// `NoRoom` below 130 bytes.
    pub fn new(image: &'a mut [u8], fixed: &Fixed) -> Result<Self, WireError> {
        if image.len() < crate::sii::fixed::LEN.saturating_add(2) {
            return Err(WireError::NoRoom);
        }
        image.fill(0xff);
        let end = fixed.emit(image)?;
        Ok(Self { image, end })
    }

    /// Appends a category from its data, padded to whole words with 0.
    ///
    /// # Errors
    /// `NoRoom`; `BadLength` above 65,535 words.
    pub fn category(&mut self, kind: CategoryType, data: &[u8]) -> Result<(), WireError> {
        self.append(kind, |room| {
            field::put(room, 0, data)?;
            Ok(data.len())
        })
    }

    /// Appends the strings. String 1 is the first.
    ///
    /// # Errors
    /// `NoRoom`; `BadLength` above 255 strings or 255 bytes in one.
    pub fn strings(&mut self, texts: &[&str]) -> Result<(), WireError> {
        self.append(CategoryType::STRINGS, |room| strings::emit(texts, room))
    }

    /// Appends the general category.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn general(&mut self, general: &General) -> Result<(), WireError> {
        self.append(CategoryType::GENERAL, |room| general.emit(room))
    }

    /// Appends the FMMUs.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn fmmus(&mut self, usages: &[FmmuUsage]) -> Result<(), WireError> {
        self.append(CategoryType::FMMU, |room| each(room, usages, |usage| [usage.code()]))
    }

    /// Appends the sync managers, number 0 first.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn sync_managers(&mut self, entries: &[SyncManagerEntry]) -> Result<(), WireError> {
        self.append(CategoryType::SYNC_MANAGER, |room| each(room, entries, SyncManagerEntry::emit))
    }

    /// Appends a TxPDO or RxPDO category. The number of entries in each header is that of its slice.
    ///
    /// # Errors
    /// `NoRoom`; `BadLength` above 255 entries in one PDO.
    pub fn pdos<'b, I>(&mut self, kind: CategoryType, pdos: I) -> Result<(), WireError>
    where
        I: IntoIterator<Item = (Pdo, &'b [PdoEntry])>,
    {
        self.append(kind, |room| {
            let mut end = 0usize;
            for (header, entries) in pdos {
                let count = u8::try_from(entries.len()).map_err(|_| WireError::BadLength)?;
                field::put(room, end, &Pdo { entries: count, ..header }.emit())?;
                end = end.saturating_add(crate::sii::pdo::LEN);
                let behind = room.get_mut(end..).ok_or(WireError::NoRoom)?;
                end = end.saturating_add(each(behind, entries, PdoEntry::emit)?);
            }
            Ok(end)
        })
    }

    /// Appends the DC modes, the default first.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn clocks(&mut self, modes: &[ClockMode]) -> Result<(), WireError> {
        self.append(CategoryType::CLOCK, |room| {
            let mut end = 0usize;
            for mode in modes {
                let behind = room.get_mut(end..).ok_or(WireError::NoRoom)?;
                end = end.saturating_add(mode.emit(behind)?);
            }
            Ok(end)
        })
    }

    /// Writes the end and returns the bytes that are used, the end's word included.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn finish(self) -> Result<usize, WireError> {
        field::put(self.image, self.end, &CategoryType::END.0.to_le_bytes())?;
        Ok(self.end.saturating_add(2))
    }

    fn append<F>(&mut self, kind: CategoryType, write: F) -> Result<(), WireError>
    where
        F: FnOnce(&mut [u8]) -> Result<usize, WireError>,
    {
        let start = self.end.saturating_add(HEADER_LEN);
        let room = self.image.get_mut(start..).ok_or(WireError::NoRoom)?;
        let written = write(room).and_then(|len| {
            if len & 1 == 1 {
                field::put(room, len, &[0])?;
            }
            let words = u16::try_from(len.div_ceil(2)).map_err(|_| WireError::BadLength)?;
            Ok(CategoryHeader { kind, words })
        });
        match written {
            Ok(header) => {
                field::put(self.image, self.end, &header.emit())?;
                self.end = start.saturating_add(header.data_len());
                Ok(())
            }
            Err(error) => {
                room.fill(0xff);
                Err(error)
            }
        }
    }
}

fn each<T, const N: usize>(room: &mut [u8], items: &[T], emit: impl Fn(&T) -> [u8; N]) -> Result<usize, WireError> {
    let mut end = 0usize;
    for item in items {
        field::put(room, end, &emit(item))?;
        end = end.saturating_add(N);
    }
    Ok(end)
}
