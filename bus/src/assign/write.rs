//! How an assignment is written: what there is, what differs, clear, write, count, read back.

use zerocat_pdi::Direction;

use super::allowed;
use super::{Assign, AssignProblem, AssignedPdo};
use crate::assignment::{ASSIGNMENT, Dictionary, Refusal, Value};
use crate::coe::SdoError;
use crate::datagrams::Datagrams;
use crate::mailbox::Mailbox;
use crate::pdo::by_sii;
use crate::sii::Sii;

/// PDO parameter objects of RxPDOs and TxPDOs, at the number of their PDO, and the subindex with the PDOs that it excludes
/// (ETG.1000.6, 5.6.7.4, from memory; so in the dictionaries of terminals that have several PDOs to choose from).
const RX_PARAMETERS: u16 = 0x1400;
const TX_PARAMETERS: u16 = 0x1800;
const EXCLUDES: u8 = 6;

/// What is to be done with one sync manager.
struct Change {
    /// Its assignment object.
    object: u16,
    direction: Direction,
    pdos: Vec<AssignedPdo>,
    /// PDOs that are mapped anew, with what their mapping objects are to hold.
    mappings: Vec<(u16, Vec<u32>)>,
}

/// Gives a SubDevice the PDOs that it is to have. `mailbox` is that of one with CoE.
pub(super) async fn assign(
    datagrams: &Datagrams,
    sii: &Sii,
    mailbox: Option<&mut Mailbox>,
    wanted: &Assign,
) -> Result<(), AssignProblem> {
    allowed::check(sii, wanted)?;
    let Some(mailbox) = mailbox else { return unchanged(sii, wanted) };
    let mut dictionary = Dictionary::new(datagrams, mailbox, sii);
    let mut changes = Vec::new();
    for place in places(&mut dictionary, wanted).await? {
        changes.extend(changed(&mut dictionary, wanted, place).await?);
    }
    for change in &changes {
        exclusions(&mut dictionary, change).await?;
    }
    for change in &changes {
        count(&mut dictionary, change.object, 0, "clear the assignment").await?;
    }
    for change in &changes {
        write(&mut dictionary, wanted, change).await?;
    }
    for change in &changes {
        read_back(&mut dictionary, change).await?;
    }
    Ok(())
}

/// Without CoE the SII says what is assigned, and that is what may be asked for.
fn unchanged(sii: &Sii, wanted: &Assign) -> Result<(), AssignProblem> {
    for direction in [Direction::Output, Direction::Input] {
        let Some(pdos) = wanted.of(direction) else { continue };
        let has = allowed::by_default(sii, direction);
        let same = pdos.iter().map(|pdo| pdo.index).eq(has.iter().copied());
        if !same || pdos.iter().any(|pdo| pdo.entries.is_some()) {
            return Err(AssignProblem::Unchangeable { why: "it has no CoE mailbox".to_owned(), has });
        }
    }
    Ok(())
}

/// Which sync manager gets which PDOs: that which the SII names for a PDO, else the first of the direction. Those of the
/// direction that get none are emptied.
async fn places(
    dictionary: &mut Dictionary<'_>,
    wanted: &Assign,
) -> Result<Vec<(u8, Direction, Vec<AssignedPdo>)>, AssignProblem> {
    let named = dictionary.channels().await.map_err(|source| failed("read 0x1C00", source))?;
    let channels = named.unwrap_or_else(|| by_sii(dictionary.sii));
    let mut all = Vec::new();
    for direction in [Direction::Output, Direction::Input] {
        let Some(pdos) = wanted.of(direction) else { continue };
        let first = all.len();
        let of_direction = channels.iter().filter(|(_, other)| *other == direction);
        all.extend(of_direction.map(|(number, direction)| (*number, *direction, Vec::new())));
        for pdo in pdos {
            let by_sii = sync_manager(dictionary.sii, pdo.index);
            let own = all.iter().skip(first).position(|(number, ..)| Some(*number) == by_sii).unwrap_or(0);
            let place = all.get_mut(first + own).ok_or(AssignProblem::NoSyncManager(direction))?;
            place.2.push(pdo.clone());
        }
    }
    Ok(all)
}

fn sync_manager(sii: &Sii, index: u16) -> Option<u8> {
    sii.rx_pdos.iter().chain(&sii.tx_pdos).find(|pdo| pdo.pdo.index == index)?.sync_manager
}

/// What must be written to a sync manager's objects; `None` where they hold it already.
async fn changed(
    dictionary: &mut Dictionary<'_>,
    wanted: &Assign,
    (number, direction, pdos): (u8, Direction, Vec<AssignedPdo>),
) -> Result<Option<Change>, AssignProblem> {
    let object = ASSIGNMENT + u16::from(number);
    let mut mappings = Vec::new();
    for pdo in &pdos {
        let Some(mapping) = pdo.mapping() else { continue };
        if held(dictionary, pdo.index).await?.is_some_and(|held| held == mapping) {
            continue;
        }
        if allowed::is_fixed(dictionary.sii, wanted, pdo) {
            return Err(AssignProblem::Fixed(pdo.index));
        }
        mappings.push((pdo.index, mapping));
    }
    let indexes: Vec<u32> = pdos.iter().map(|pdo| u32::from(pdo.index)).collect();
    let same = match values(dictionary, object).await? {
        Ok(values) => known(values).is_some_and(|held| held == indexes),
        Err(refusal) if refusal.says_absent() => {
            let of_sii = |pdo: &u16| sync_manager(dictionary.sii, *pdo) == Some(number);
            let has: Vec<u16> = allowed::by_default(dictionary.sii, direction).into_iter().filter(of_sii).collect();
            if !has.iter().map(|pdo| u32::from(*pdo)).eq(indexes.iter().copied()) {
                return Err(AssignProblem::Unchangeable { why: format!("it has no object {object:#06x}"), has });
            }
            true
        }
        Err(_) => false,
    };
    Ok((!same || !mappings.is_empty()).then_some(Change { object, direction, pdos, mappings }))
}

async fn values(dictionary: &mut Dictionary<'_>, object: u16) -> Result<Result<Vec<Value>, Refusal>, AssignProblem> {
    dictionary.values(object).await.map_err(|source| failed(&format!("read {object:#06x}"), source))
}

/// What an object holds; `None` where it, or some of it, can't be read.
async fn held(dictionary: &mut Dictionary<'_>, object: u16) -> Result<Option<Vec<u32>>, AssignProblem> {
    Ok(values(dictionary, object).await?.ok().and_then(known))
}

fn known(values: Vec<Value>) -> Option<Vec<u32>> {
    values.into_iter().map(Result::ok).collect()
}

/// Asks the PDOs of an assignment which others they exclude.
async fn exclusions(dictionary: &mut Dictionary<'_>, change: &Change) -> Result<(), AssignProblem> {
    let assigned: Vec<u16> = change.pdos.iter().map(|pdo| pdo.index).collect();
    if assigned.len() < 2 {
        return Ok(());
    }
    for pdo in &assigned {
        let parameters = match change.direction {
            Direction::Output => RX_PARAMETERS | pdo & 0x01ff,
            Direction::Input => TX_PARAMETERS | pdo & 0x01ff,
        };
        let said = dictionary.mailbox.upload(dictionary.datagrams, parameters, EXCLUDES).await;
        let said = match said {
            Ok(said) => said,
            Err(SdoError::Abort { .. }) => continue,
            Err(source) => return Err(failed(&format!("read what PDO {pdo:#06x} excludes"), source)),
        };
        let excludes: Vec<u16> = said.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        allowed::excluded(*pdo, &excludes, &assigned)?;
    }
    Ok(())
}

/// Maps what is mapped anew, then assigns. The assignment was cleared.
async fn write(dictionary: &mut Dictionary<'_>, wanted: &Assign, change: &Change) -> Result<(), AssignProblem> {
    for (pdo, mapping) in &change.mappings {
        let doing = format!("map PDO {pdo:#06x}");
        count(dictionary, *pdo, 0, &doing).await?;
        for (subindex, entry) in (1..).zip(mapping) {
            download(dictionary, (*pdo, subindex), &entry.to_le_bytes(), &doing).await?;
        }
        count(dictionary, *pdo, mapping.len(), &doing).await?;
    }
    for (subindex, pdo) in (1..).zip(&change.pdos) {
        let doing = format!("assign PDO {:#06x}", pdo.index);
        let done = download(dictionary, (change.object, subindex), &pdo.index.to_le_bytes(), &doing).await;
        let refused = matches!(done, Err(AssignProblem::Sdo { why: SdoError::Abort { .. }, .. }));
        if refused && is_absent(dictionary, pdo.index).await? {
            let known = allowed::known(dictionary.sii, wanted, change.direction);
            return Err(AssignProblem::NoSuchPdo { pdo: pdo.index, known });
        }
        done?;
    }
    if change.pdos.is_empty() {
        return Ok(());
    }
    count(dictionary, change.object, change.pdos.len(), "assign PDOs").await
}

/// Whether the SubDevice says that it has no such PDO.
async fn is_absent(dictionary: &mut Dictionary<'_>, pdo: u16) -> Result<bool, AssignProblem> {
    Ok(values(dictionary, pdo).await?.is_err_and(|refusal| refusal.says_absent()))
}

async fn count(dictionary: &mut Dictionary<'_>, object: u16, count: usize, doing: &str) -> Result<(), AssignProblem> {
    let count = u8::try_from(count).unwrap_or(u8::MAX);
    download(dictionary, (object, 0), &[count], doing).await
}

async fn download(
    dictionary: &mut Dictionary<'_>,
    (index, subindex): (u16, u8),
    data: &[u8],
    doing: &str,
) -> Result<(), AssignProblem> {
    let Dictionary { datagrams, mailbox, .. } = dictionary;
    mailbox.download(datagrams, index, subindex, data).await.map_err(|source| failed(doing, source))
}

async fn read_back(dictionary: &mut Dictionary<'_>, change: &Change) -> Result<(), AssignProblem> {
    let indexes = change.pdos.iter().map(|pdo| u32::from(pdo.index)).collect();
    for (index, wrote) in change.mappings.iter().cloned().chain([(change.object, indexes)]) {
        let reads = held(dictionary, index).await?.unwrap_or_default();
        if reads != wrote {
            return Err(AssignProblem::ReadBack { index, wrote, reads });
        }
    }
    Ok(())
}

fn failed(doing: &str, source: SdoError) -> AssignProblem {
    AssignProblem::Sdo { doing: doing.to_owned(), why: source }
}
