//! Which PDOs are assigned to which sync manager, and what they map, as the object dictionary says it: 0x1C00, 0x1C10 and
//! up, and the mapping objects (ETG.1000.6, 5.6.7.4).
//!
//! Guarantees: nothing is left out between two things that are known, because all behind it would be misplaced. What the
//! SubDevice refuses, with whatever abort code, is taken from the SII where that agrees with what could be read, and noted
//! with object and code; where the SII doesn't have it, reading fails. Subindices that don't exist up to the end of an
//! assignment count as nothing assigned, with a note.
//! Not guaranteed: that the SII is right. A SubDevice compares lengths when it is asked for SAFE-OP.

use std::fmt;

use zerocat_pdi::{Direction, Entry, Pdo};
use zerocat_wire::sii::SyncManagerUse;
use zerocat_wire::sii::general::coe;

use crate::coe::SdoError;
use crate::datagrams::Datagrams;
use crate::mailbox::{MailError, Mailbox};
use crate::pdo::{SYNC_MANAGERS, by_sii, direction, direction_of_use, named_by_sii, on_sync_manager};
use crate::sii::Sii;

/// Object with the use of each sync manager, at its number plus 1.
const SYNC_MANAGER_TYPES: u16 = 0x1C00;
/// First of the 16 objects with the PDO assignment of a sync manager.
pub(crate) const ASSIGNMENT: u16 = 0x1C10;
/// Last of them.
const LAST_ASSIGNMENT: u16 = 0x1C1F;

/// Sync managers with their PDOs.
pub(crate) type Assigned = Vec<(u8, Direction, Vec<Pdo>)>;

/// What the dictionary gave.
pub(crate) struct Read {
    /// `None` where it has no assignment that can be read.
    pub(crate) assigned: Option<Assigned>,
    /// What was taken from the SII instead, and why.
    pub(crate) notes: Vec<String>,
}

/// An object that the SubDevice didn't give out.
#[derive(Debug)]
pub(crate) struct Refusal {
    index: u16,
    subindex: u8,
    error: SdoError,
}

impl Refusal {
    /// Whether the SubDevice says that there is no such object or subindex.
    pub(crate) fn says_absent(&self) -> bool {
        self.error.says_absent()
    }

    fn cannot(self, what: String) -> SdoError {
        SdoError::Unplaced { what, source: Box::new(self.error) }
    }
}

impl fmt::Display for Refusal {
    /// Without the SubDevice: a note is told with its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}:{:02x}: ", self.index, self.subindex)?;
        match &self.error {
            SdoError::Abort { code, .. } => write!(f, "abort {code}"),
            SdoError::Mail { source, .. } => write!(f, "{source}"),
            other => write!(f, "{other}"),
        }
    }
}

pub(crate) type Value = Result<u32, Refusal>;

/// The object dictionary of one SubDevice, with its SII to fall back to.
pub(crate) struct Dictionary<'a> {
    pub(crate) datagrams: &'a Datagrams,
    pub(crate) mailbox: &'a mut Mailbox,
    pub(crate) sii: &'a Sii,
    /// Whether objects are read whole.
    complete: bool,
    notes: Vec<String>,
}

impl<'a> Dictionary<'a> {
    pub(crate) const fn new(datagrams: &'a Datagrams, mailbox: &'a mut Mailbox, sii: &'a Sii) -> Self {
        let complete = sii.general.coe & coe::COMPLETE_ACCESS != 0;
        Self { datagrams, mailbox, sii, complete, notes: Vec::new() }
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// [`SdoError`]: what is refused only where the SII doesn't have it.
    pub(crate) async fn read(mut self) -> Result<Read, SdoError> {
        let channels = match self.channels().await? {
            Some(channels) => channels,
            None => by_sii(self.sii),
        };
        let mut assigned = Vec::new();
        // Without any assignment object the SII is how it should be known, and there is nothing to tell.
        let (mut any, mut told) = (false, false);
        for (number, direction) in channels {
            let pdos = match self.values(ASSIGNMENT + u16::from(number)).await? {
                Ok(values) => {
                    any = true;
                    self.assignment(number, direction, values).await?
                }
                Err(refusal) => {
                    told |= !refusal.says_absent();
                    self.notes.push(format!("{refusal}; PDOs of sync manager {number} as in the SII"));
                    self.by_sii(number, direction)
                }
            };
            assigned.push((number, direction, pdos));
        }
        if any {
            self.unnamed(&mut assigned).await?;
        }
        let notes = if any || told { self.notes } else { Vec::new() };
        Ok(Read { assigned: any.then_some(assigned), notes })
    }

    /// Process data sync managers by 0x1C00. `None` where it can't be read, or names none.
    pub(crate) async fn channels(&mut self) -> Result<Option<Vec<(u8, Direction)>>, SdoError> {
        let values = match self.values(SYNC_MANAGER_TYPES).await? {
            Ok(values) => values,
            Err(refusal) => {
                if !refusal.says_absent() {
                    self.notes.push(format!("{refusal}; uses of sync managers as in the SII"));
                }
                return Ok(None);
            }
        };
        let mut channels = Vec::new();
        for (number, value) in (0..SYNC_MANAGERS).zip(values) {
            let used = match value {
                Ok(code) => direction_of_use(SyncManagerUse::from_code(low(code))),
                Err(refusal) => {
                    self.notes.push(format!("{refusal}; use of sync manager {number} as in the SII"));
                    self.sii.sync_managers.get(usize::from(number)).and_then(direction)
                }
            };
            channels.extend(used.map(|direction| (number, direction)));
        }
        if channels.is_empty() {
            return Ok(None);
        }
        Ok(Some(channels))
    }

    /// What is assigned to sync managers that 0x1C00 doesn't name, and that have process data by the SII.
    async fn unnamed(&mut self, assigned: &mut Assigned) -> Result<(), SdoError> {
        let unnamed: Vec<_> =
            named_by_sii(self.sii).filter(|(number, _)| assigned.iter().all(|(named, ..)| named != number)).collect();
        for (number, direction) in unnamed {
            let Ok(values) = self.values(ASSIGNMENT + u16::from(number)).await? else { continue };
            if values.is_empty() {
                continue;
            }
            self.notes.push(format!(
                "0x1C00 doesn't name sync manager {number}; the SII does, and PDOs are assigned to it: it is used"
            ));
            let pdos = self.assignment(number, direction, values).await?;
            assigned.push((number, direction, pdos));
        }
        assigned.sort_by_key(|(number, ..)| *number);
        Ok(())
    }

    /// The PDOs of a sync manager from what its assignment object holds.
    async fn assignment(&mut self, number: u8, direction: Direction, values: Vec<Value>) -> Result<Vec<Pdo>, SdoError> {
        let indices = match self.indices(number, values) {
            Ok(indices) => indices,
            Err(hole) => return self.instead_of(hole, number, direction),
        };
        let mut pdos = Vec::new();
        // An index is 16 bits; who answers with 32 may leave anything in the others.
        for index in indices.into_iter().map(low_half).filter(|index| *index != 0) {
            pdos.push(self.pdo(index).await?);
        }
        Ok(pdos)
    }

    /// A whole list, or one whose end doesn't exist.
    fn indices(&mut self, number: u8, values: Vec<Value>) -> Result<Vec<u32>, Hole> {
        let known = values.iter().take_while(|value| value.is_ok()).count();
        let ends = values.iter().skip(known).all(|value| value.as_ref().is_err_and(Refusal::says_absent));
        match whole(values) {
            Err(Hole { values, refusal }) if ends => {
                let assigned =
                    if known == 0 { "nothing is".to_owned() } else { format!("{known} of {} PDOs are", values.len()) };
                self.notes
                    .push(format!("{refusal}, nor anything behind it; {assigned} assigned to sync manager {number}"));
                Ok(values.into_iter().flatten().collect())
            }
            other => other,
        }
    }

    /// The PDOs of the SII where an assignment has a hole.
    fn instead_of(&mut self, hole: Hole, number: u8, direction: Direction) -> Result<Vec<Pdo>, SdoError> {
        let pdos = self.by_sii(number, direction);
        let indices: Vec<_> = pdos.iter().map(|pdo| u32::from(pdo.index)).collect();
        if !hole.agrees(&indices, |value| value) {
            let what = format!("the PDOs behind it can't be placed, and the SII has others on sync manager {number}");
            return Err(hole.refusal.cannot(what));
        }
        self.notes.push(format!("{}; PDOs of sync manager {number} as in the SII", hole.refusal));
        Ok(pdos)
    }

    fn by_sii(&self, number: u8, direction: Direction) -> Vec<Pdo> {
        on_sync_manager(if direction == Direction::Output { &self.sii.rx_pdos } else { &self.sii.tx_pdos }, number)
    }

    async fn pdo(&mut self, index: u16) -> Result<Pdo, SdoError> {
        let hole = match self.values(index).await?.map(whole) {
            Ok(Ok(mapped)) => {
                let entries = mapped.into_iter().map(|mapped| self.entry(mapped)).collect();
                let name = self.sii.pdo(index).map(|pdo| pdo.name.clone()).unwrap_or_default();
                return Ok(Pdo { index, name, entries });
            }
            Ok(Err(hole)) => hole,
            Err(refusal) => Hole { values: Vec::new(), refusal: Box::new(refusal) },
        };
        let Some(known) = self.sii.pdo(index) else {
            let what = format!("PDO {index:#06x} can't be placed without it, and the SII doesn't have that PDO");
            return Err(hole.refusal.cannot(what));
        };
        let lengths: Vec<_> = known.entries.iter().map(|entry| u32::from(entry.bit_length)).collect();
        if !hole.values.is_empty() && !hole.agrees(&lengths, |mapped| u32::from(low(mapped))) {
            let what =
                format!("the entries of PDO {index:#06x} behind it can't be placed, and the SII has another PDO");
            return Err(hole.refusal.cannot(what));
        }
        self.notes.push(format!("{}; PDO {index:#06x} as in the SII", hole.refusal));
        Ok(known.clone())
    }

    /// An entry from its mapping: index in the high half, then subindex, then length in bits.
    fn entry(&self, mapped: u32) -> Entry {
        let [bit_length, subindex, low, high] = mapped.to_le_bytes();
        let index = u16::from_le_bytes([low, high]);
        let known = self.sii.entry(index, subindex);
        let name = known.map(|entry| entry.name.clone()).unwrap_or_default();
        Entry { index, subindex, bit_length, name, type_code: known.map_or(0, |entry| entry.type_code) }
    }

    /// The values of an object from subindex 1 on, as many as subindex 0 says; or why that can't be read.
    pub(crate) async fn values(&mut self, index: u16) -> Result<Result<Vec<Value>, Refusal>, SdoError> {
        if self.complete
            && let Some(values) = self.at_once(index).await?
        {
            return Ok(Ok(values));
        }
        let count = match self.number(index, 0).await? {
            Ok(count) => low(count),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut values = Vec::with_capacity(count.into());
        for subindex in 1..=count {
            values.push(self.number(index, subindex).await?);
        }
        Ok(Ok(values))
    }

    /// The values of an object in one transfer. `None` where that gives anything but whole values, as many as there are to
    /// be; then no other object is read like this.
    async fn at_once(&mut self, index: u16) -> Result<Option<Vec<Value>>, SdoError> {
        let values = match self.mailbox.upload_complete(self.datagrams, index).await {
            Ok(data) => apart(&data, width(index)),
            // What can't be read is told subindex by subindex.
            Err(error) if is_refusal(&error) => return Ok(None),
            Err(SdoError::Answer { .. } | SdoError::Mail { source: MailError::NoAnswer { .. }, .. }) => None,
            Err(error) => return Err(error),
        };
        self.complete = values.is_some();
        Ok(values.map(|values| values.into_iter().map(Ok).collect()))
    }

    /// An unsigned number of up to 32 bits.
    async fn number(&mut self, index: u16, subindex: u8) -> Result<Value, SdoError> {
        match self.mailbox.upload(self.datagrams, index, subindex).await {
            Ok(data) => {
                let mut bytes = [0; 4];
                let len = data.len().min(4);
                bytes[..len].copy_from_slice(&data[..len]);
                Ok(Ok(u32::from_le_bytes(bytes)))
            }
            Err(error) if is_refusal(&error) => Ok(Err(Refusal { index, subindex, error })),
            Err(error) => Err(error),
        }
    }
}

/// Bytes of a subindex from 1 on (ETG.1000.6, 5.6.7.4): a use, the index of a PDO, a mapped entry.
const fn width(index: u16) -> usize {
    match index {
        SYNC_MANAGER_TYPES => 1,
        ASSIGNMENT..=LAST_ASSIGNMENT => 2,
        _ => 4,
    }
}

/// The values of an object that was read whole: their number in 16 bits, then exactly so many.
fn apart(data: &[u8], width: usize) -> Option<Vec<u32>> {
    let (count, values) = data.split_first_chunk::<2>()?;
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
    (values.len() == usize::from(count[0]) * width).then(|| values.chunks_exact(width).map(number).collect())
}

/// Whether the SubDevice answered that it doesn't give the value out, as against not answering.
const fn is_refusal(error: &SdoError) -> bool {
    matches!(error, SdoError::Abort { .. } | SdoError::Mail { source: MailError::Refused(_), .. })
}

/// A list with something missing before its end.
struct Hole {
    /// `None` where it is missing.
    values: Vec<Option<u32>>,
    /// Why the first of them is missing.
    refusal: Box<Refusal>,
}

impl Hole {
    /// Whether a list of the SII is as long and has the same where something is known.
    fn agrees(&self, sii: &[u32], part: impl Fn(u32) -> u32) -> bool {
        let same = |(known, sii): (&Option<u32>, &u32)| known.is_none_or(|known| part(known) == *sii);
        self.values.len() == sii.len() && self.values.iter().zip(sii).all(same)
    }
}

/// The numbers of a list, if none is missing.
fn whole(values: Vec<Value>) -> Result<Vec<u32>, Hole> {
    let (mut numbers, mut first) = (Vec::with_capacity(values.len()), None);
    for value in values {
        match value {
            Ok(number) => numbers.push(Some(number)),
            Err(refusal) => {
                numbers.push(None);
                first.get_or_insert(refusal);
            }
        }
    }
    match first {
        None => Ok(numbers.into_iter().flatten().collect()),
        Some(refusal) => Err(Hole { values: numbers, refusal: Box::new(refusal) }),
    }
}

const fn low(number: u32) -> u8 {
    number.to_le_bytes()[0]
}

const fn low_half(number: u32) -> u16 {
    let [low, high, ..] = number.to_le_bytes();
    u16::from_le_bytes([low, high])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_was_read_whole_comes_apart_by_the_width_of_its_values() {
        assert_eq!(apart(&[4, 0, 1, 2, 3, 4], width(0x1c00)), Some(vec![1, 2, 3, 4]));
        assert_eq!(apart(&[2, 0, 0, 0x16, 1, 0x16], width(0x1c12)), Some(vec![0x1600, 0x1601]));
        assert_eq!(apart(&[1, 0, 16, 0, 0x40, 0x60], width(0x1600)), Some(vec![0x6040_0010]));
        assert_eq!(apart(&[0, 0], width(0x1c13)), Some(Vec::new()));
    }

    #[test]
    fn what_is_longer_or_shorter_than_it_says_is_read_subindex_by_subindex() {
        assert_eq!(apart(&[2, 0, 0, 0x16], 2), None);
        assert_eq!(apart(&[1, 0, 0x16, 0, 0], 2), None);
        assert_eq!(apart(&[1], 2), None);
    }
}
