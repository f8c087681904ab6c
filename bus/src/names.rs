//! What a SubDevice calls what it maps: where its SII has no name for an entry, SDO information has one, and the data type.
//!
//! Guarantees: only entries and PDOs without a name are asked for, once for SubDevices of one kind (vendor, product,
//! revision), but for modular ones, whose entries depend on their modules; nothing takes longer than [`PER_SUBDEVICE`] each
//! and [`IN_ALL`] together. What fails costs names, and is said; it is no error.
//! Not here: where names are kept between runs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use zerocat_pdi::{Entry, SyncManagerLayout};
use zerocat_wire::sii::general::coe;

use crate::coe::SdoError;
use crate::datagrams::Datagrams;
use crate::executor::join_all;
use crate::mailbox::Mailbox;
use crate::subdevice::{Identity, SubDevice};

/// How long one SubDevice may take to give names.
pub const PER_SUBDEVICE: Duration = Duration::from_secs(3);
/// How long all may take.
pub const IN_ALL: Duration = Duration::from_secs(20);
/// Object that modular SubDevices have (ETG.5001.1, modular device profile; from memory).
const MODULAR: u16 = 0xF000;

/// A kind of SubDevice: vendor, product code, revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// Vendor.
    pub vendor_id: u32,
    /// Product code.
    pub product_code: u32,
    /// Revision.
    pub revision: u32,
}

impl From<Identity> for Kind {
    fn from(Identity { vendor_id, product_code, revision, .. }: Identity) -> Self {
        Self { vendor_id, product_code, revision }
    }
}

/// What an entry is called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// Its name; empty where the SubDevice has none.
    pub name: String,
    /// Data type (index in the object dictionary); 0 where the SubDevice has none.
    pub type_code: u16,
    /// Its length in bits, which the type belongs to.
    pub bit_length: u16,
}

/// What SubDevices of one kind call their entries and PDOs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Entries by index and subindex.
    pub entries: BTreeMap<(u16, u8), Named>,
    /// Objects by index: PDOs, and those whose entries have no name of their own.
    pub objects: BTreeMap<u16, String>,
}

/// Names by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameBook {
    /// What is known.
    pub known: BTreeMap<Kind, Names>,
    /// Kinds that something was learned of, and that may be kept.
    pub learned: BTreeSet<Kind>,
}

impl Names {
    /// Gives names to what has none. A type is taken where the length is that of the entry.
    fn give(&self, sync_managers: &mut [SyncManagerLayout]) {
        for pdo in sync_managers.iter_mut().flat_map(|manager| &mut manager.pdos) {
            if pdo.name.is_empty()
                && let Some(name) = self.objects.get(&pdo.index)
            {
                pdo.name.clone_from(name);
            }
            for entry in pdo.entries.iter_mut().filter(|entry| lacks_name(entry)) {
                let Some(named) = self.entries.get(&(entry.index, entry.subindex)) else { continue };
                entry.name.clone_from(&named.name);
                if named.bit_length == u16::from(entry.bit_length) && entry.type_code == 0 {
                    entry.type_code = named.type_code;
                }
            }
        }
    }

    fn lacks(&self, wanted: &Wanted) -> bool {
        wanted.entries.iter().any(|place| !self.entries.contains_key(place))
            || wanted.pdos.iter().any(|index| !self.objects.contains_key(index))
    }
}

/// What has no name.
#[derive(Debug, Default)]
struct Wanted {
    entries: BTreeSet<(u16, u8)>,
    pdos: BTreeSet<u16>,
}

impl Wanted {
    fn of(sync_managers: &[SyncManagerLayout]) -> Self {
        let mut wanted = Self::default();
        for pdo in sync_managers.iter().flat_map(|manager| &manager.pdos) {
            wanted.pdos.extend(pdo.name.is_empty().then_some(pdo.index));
            wanted.entries.extend(pdo.entries.iter().filter(|entry| lacks_name(entry)).map(|e| (e.index, e.subindex)));
        }
        wanted
    }
}

const fn lacks_name(entry: &Entry) -> bool {
    entry.name.is_empty() && !entry.is_padding()
}

/// Whether a SubDevice may be asked: its SII says so, or says nothing of CoE at all.
pub(crate) const fn may_be_asked(subdevice: &SubDevice) -> bool {
    let details = subdevice.sii.general.coe;
    details == 0 || details & coe::SDO_INFO != 0
}

/// A question to one SubDevice.
struct Errand<'a> {
    kind: Kind,
    mailbox: &'a mut Mailbox,
    wanted: Wanted,
    names: Names,
}

/// How an errand ended.
struct Learned {
    kind: Kind,
    names: Names,
    modular: bool,
    problem: Option<String>,
}

/// Gives names to what SubDevices map and their SIIs have no names for, and notes in them why that failed. In PRE-OP or
/// above.
pub(crate) async fn give_names(
    datagrams: &Datagrams,
    subdevices: &mut [SubDevice],
    mailboxes: &mut [Option<Mailbox>],
    book: &mut NameBook,
) {
    let end = datagrams.now().saturating_add(IN_ALL);
    let (mut own, mut failed) = (BTreeMap::<u16, Names>::new(), BTreeSet::new());
    // The first of each kind, then those that have something that the first hasn't.
    for firsts_only in [true, false] {
        let mut asked = BTreeSet::new();
        let mut errands = Vec::new();
        for (subdevice, mailbox) in subdevices.iter_mut().zip(mailboxes.iter_mut()) {
            let Some(mailbox) = mailbox.as_mut().filter(|mailbox| mailbox.info().coe()) else { continue };
            let (kind, wanted) = (Kind::from(subdevice.identity), Wanted::of(&subdevice.sync_managers));
            let names = own.get(&subdevice.position).or_else(|| book.known.get(&kind)).cloned().unwrap_or_default();
            let asked_enough = failed.contains(&subdevice.position) || (firsts_only && asked.contains(&kind));
            if !may_be_asked(subdevice) || !names.lacks(&wanted) || asked_enough {
                continue;
            }
            asked.insert(kind);
            errands.push((subdevice, Errand { kind, mailbox, wanted, names }));
        }
        let done = join_all(
            errands
                .into_iter()
                .map(|(subdevice, errand)| async move { (subdevice, run(datagrams, errand, end).await) }),
        );
        for (subdevice, Learned { kind, names, modular, problem }) in done.await {
            if problem.is_some() {
                failed.insert(subdevice.position);
            }
            subdevice.notes.extend(problem.map(|problem| format!("names of entries are missing: {problem}")));
            if modular {
                own.insert(subdevice.position, names);
            } else if !names.entries.is_empty() || !names.objects.is_empty() {
                book.learned.insert(kind);
                book.known.entry(kind).or_default().entries.extend(names.entries);
                book.known.entry(kind).or_default().objects.extend(names.objects);
            }
        }
    }
    for subdevice in subdevices {
        let known = own.get(&subdevice.position).or_else(|| book.known.get(&subdevice.identity.into()));
        if let Some(names) = known {
            names.give(&mut subdevice.sync_managers);
        }
    }
}

/// Asks one SubDevice, within its time. What it said until then is kept.
async fn run(datagrams: &Datagrams, errand: Errand<'_>, end: Duration) -> Learned {
    let Errand { kind, mailbox, wanted, mut names } = errand;
    let end = end.min(datagrams.now().saturating_add(PER_SUBDEVICE));
    let mut modular = false;
    let asked = datagrams.by(end, ask(datagrams, mailbox, &wanted, &mut names, &mut modular)).await;
    let problem = match asked {
        Some(Ok(())) => None,
        Some(Err(error)) => Some(error.to_string()),
        None => Some(format!("not all were told within {PER_SUBDEVICE:?}, or {IN_ALL:?} for all SubDevices")),
    };
    Learned { kind, names, modular, problem }
}

async fn ask(
    datagrams: &Datagrams,
    mailbox: &mut Mailbox,
    wanted: &Wanted,
    names: &mut Names,
    modular: &mut bool,
) -> Result<(), SdoError> {
    *modular = known(mailbox.upload(datagrams, MODULAR, 0).await)?.is_some();
    for (index, subindex) in wanted.entries.iter().copied() {
        if names.entries.contains_key(&(index, subindex)) {
            continue;
        }
        let entry = known(mailbox.describe_entry(datagrams, index, subindex).await)?.unwrap_or_default();
        let mut named = Named { name: entry.name, type_code: entry.data_type, bit_length: entry.bit_length };
        if says_nothing(&named.name) {
            let object = object(datagrams, mailbox, names, index).await?;
            named.name = if subindex == 0 || object.is_empty() { object } else { format!("{object} {subindex}") };
        }
        names.entries.insert((index, subindex), named);
    }
    for index in &wanted.pdos {
        object(datagrams, mailbox, names, *index).await?;
    }
    Ok(())
}

/// The name of an object, asked for once.
async fn object(
    datagrams: &Datagrams,
    mailbox: &mut Mailbox,
    names: &mut Names,
    index: u16,
) -> Result<String, SdoError> {
    if let Some(name) = names.objects.get(&index) {
        return Ok(name.clone());
    }
    let name = known(mailbox.describe_object(datagrams, index).await)?.unwrap_or_default().name;
    names.objects.insert(index, name.clone());
    Ok(name)
}

/// What a SubDevice doesn't know is no error.
pub(crate) fn known<T>(answer: Result<T, SdoError>) -> Result<Option<T>, SdoError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(SdoError::Abort { .. } | SdoError::Answer { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a name only says which subindex it is of: `SubIndex 001`.
fn says_nothing(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.strip_prefix("subindex").is_some_and(|rest| rest.trim().bytes().all(|byte| byte.is_ascii_digit()))
        || name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_pdi::{Activation, Direction, Pdo};

    fn layout() -> Vec<SyncManagerLayout> {
        let entry = |index, subindex, name: &str| Entry {
            index,
            subindex,
            bit_length: 16,
            name: name.to_owned(),
            type_code: 0,
        };
        let entries = vec![entry(0x6041, 0, ""), entry(0, 0, ""), entry(0x6064, 0, "Mine")];
        let pdos = vec![Pdo { index: 0x1a00, name: String::new(), entries }];
        let (direction, activation) = (Direction::Input, Activation::SafeOp);
        vec![SyncManagerLayout { number: 3, direction, start: 0x1180, control: 0x20, activation, pdos }]
    }

    #[test]
    fn only_what_has_no_name_is_wanted_and_gets_one() {
        let mut sync_managers = layout();
        let wanted = Wanted::of(&sync_managers);
        assert_eq!((wanted.entries.into_iter().collect::<Vec<_>>(), wanted.pdos.len()), (vec![(0x6041, 0)], 1));
        let named = |name: &str, bit_length| Named { name: name.to_owned(), type_code: 6, bit_length };
        let names = Names {
            entries: BTreeMap::from([((0x6041, 0), named("Status word", 16)), ((0x6064, 0), named("Theirs", 16))]),
            objects: BTreeMap::from([(0x1a00, "Transmit PDO 1".to_owned())]),
        };
        names.give(&mut sync_managers);
        let pdo = &sync_managers[0].pdos[0];
        let short: Vec<_> = pdo.entries.iter().map(|entry| (entry.name.as_str(), entry.type_code)).collect();
        assert_eq!((pdo.name.as_str(), short), ("Transmit PDO 1", vec![("Status word", 6), ("", 0), ("Mine", 0)]));
    }

    #[test]
    fn a_type_of_another_length_is_not_taken() {
        let mut sync_managers = layout();
        let named = Named { name: "Status word".to_owned(), type_code: 7, bit_length: 32 };
        Names { entries: BTreeMap::from([((0x6041, 0), named)]), ..Names::default() }.give(&mut sync_managers);
        let entry = &sync_managers[0].pdos[0].entries[0];
        assert_eq!((entry.name.as_str(), entry.type_code), ("Status word", 0));
    }

    #[test]
    fn a_name_that_only_counts_says_nothing() {
        assert!(says_nothing("") && says_nothing("SubIndex 001") && says_nothing("Subindex 12"));
        assert!(!says_nothing("Status word") && !says_nothing("Subindex of interest"));
    }
}
