//! SDO information: lists of objects, descriptions of objects and entries (ETG.1000.6, 5.6.3).

use zerocat_wire::WireError;
use zerocat_wire::coe::info::{self, access, value_info};
use zerocat_wire::coe::{
    AbortCode, EntryAnswer, EntryQuery, InfoError, InfoHeader, InfoOp, ListAnswer, ListQuery, ListType, ObjectAnswer,
    ObjectCode, ObjectQuery,
};

use crate::describe::dictionary::{self, Dictionary, Entry, Object};

/// Answers the bytes behind a CoE header with one or more fragments of at most `space` bytes.
pub(super) fn answer(body: &[u8], space: usize, dictionary: &Dictionary) -> Vec<Vec<u8>> {
    let answered = match InfoHeader::parse(body) {
        Ok((header, query)) => match header.op {
            InfoOp::ListRequest => list(query, space, dictionary),
            InfoOp::ObjectRequest => object(query, space, dictionary),
            InfoOp::EntryRequest => entry(query, space, dictionary),
            _ => Err(AbortCode::COMMAND),
        },
        Err(_) => Err(AbortCode::COMMAND),
    };
    answered.unwrap_or_else(|code| written(space, |bytes| InfoError(code).emit(bytes)).into_iter().collect())
}

fn written(space: usize, write: impl FnOnce(&mut [u8]) -> Result<usize, WireError>) -> Option<Vec<u8>> {
    let mut bytes = vec![0; space];
    let len = write(&mut bytes).ok()?;
    bytes.truncate(len);
    Some(bytes)
}

fn in_list(kind: ListType, object: &Object) -> bool {
    let has = |bit| object.entries.iter().any(|entry| entry.access & bit != 0);
    match kind {
        ListType::All => true,
        ListType::RxPdo => has(access::RX_PDO),
        ListType::TxPdo => has(access::TX_PDO),
        ListType::Backup => has(access::BACKUP),
        ListType::Settings => has(access::SETTINGS),
        ListType::Lengths => false,
    }
}

fn list(query: &[u8], space: usize, dictionary: &Dictionary) -> Result<Vec<Vec<u8>>, AbortCode> {
    let ListQuery(kind) = ListQuery::parse(query).map_err(|_| AbortCode::COMMAND)?;
    let indices = |kind| dictionary.objects().iter().filter(move |object| in_list(kind, object));
    let words: Vec<u16> = if kind == ListType::Lengths {
        let kinds = [ListType::All, ListType::RxPdo, ListType::TxPdo, ListType::Backup, ListType::Settings];
        kinds.into_iter().map(|kind| u16::try_from(indices(kind).count()).unwrap_or(u16::MAX)).collect()
    } else {
        indices(kind).map(|object| object.index).collect()
    };
    let mut all = vec![0; 2 + 2 * words.len()];
    let len = ListAnswer::emit(kind, words, &mut all).map_err(|_| AbortCode::GENERAL)?;
    all.truncate(len);
    Ok(fragments(&all, space.saturating_sub(info::HEADER_LEN)))
}

fn fragments(all: &[u8], space: usize) -> Vec<Vec<u8>> {
    let parts: Vec<&[u8]> = all.chunks(space.max(2) & !1).collect();
    let count = parts.len();
    let with_header = |(n, part): (usize, &&[u8])| {
        let left = count - 1 - n;
        let header = InfoHeader {
            op: InfoOp::ListResponse,
            incomplete: left > 0,
            fragments_left: u16::try_from(left).unwrap_or(u16::MAX),
        };
        [&header.emit(), *part].concat()
    };
    parts.iter().enumerate().map(with_header).collect()
}

fn object(query: &[u8], space: usize, dictionary: &Dictionary) -> Result<Vec<Vec<u8>>, AbortCode> {
    let query = ObjectQuery::parse(query).map_err(|_| AbortCode::COMMAND)?;
    let object = dictionary.object(query.index).ok_or(AbortCode::NO_SUCH_OBJECT)?;
    let data_type = match object.code {
        dictionary::ObjectCode::Record => 0,
        _ => object.entries.last().map_or(0, |entry| entry.data_type as u16),
    };
    let max_subindex = object.entries.last().map_or(0, |entry| entry.subindex);
    let name = cut(&object.name, space, info::HEADER_LEN + 6);
    let code = ObjectCode::from_code(object.code as u8);
    let answer = ObjectAnswer { index: object.index, data_type, max_subindex, code, name };
    Ok(written(space, |bytes| answer.emit(bytes)).into_iter().collect())
}

fn entry(query: &[u8], space: usize, dictionary: &Dictionary) -> Result<Vec<Vec<u8>>, AbortCode> {
    let query = EntryQuery::parse(query).map_err(|_| AbortCode::COMMAND)?;
    let object = dictionary.object(query.index).ok_or(AbortCode::NO_SUCH_OBJECT)?;
    let highest = object.entries.last().map_or(0, |entry| entry.subindex);
    let described = object.entry(query.subindex).map(|entry| (entry, limits(entry, query.value_info)));
    let data = described.as_ref().map(|(entry, (_, limits))| {
        let name = cut(&entry.name, space, info::HEADER_LEN + 10 + limits.len());
        [limits, name].concat()
    });
    let answer = match &described {
        Some((entry, (value_info, _))) => EntryAnswer {
            index: object.index,
            subindex: entry.subindex,
            value_info: *value_info,
            data_type: entry.data_type as u16,
            bit_length: entry.bits,
            access: entry.access,
            data: data.as_deref().unwrap_or_default(),
        },
        // A gap between subindices is described as empty, as real SubDevices do; masters ask for all of them.
        None if query.subindex < highest => EntryAnswer {
            index: object.index,
            subindex: query.subindex,
            value_info: 0,
            data_type: 0,
            bit_length: 0,
            access: 0,
            data: &[],
        },
        None => return Err(AbortCode::NO_SUCH_SUBINDEX),
    };
    Ok(written(space, |bytes| answer.emit(bytes)).into_iter().collect())
}

/// The limits that are asked for, as far as the entry has them, and which these are.
fn limits(entry: &Entry, asked: u8) -> (u8, Vec<u8>) {
    let Some((lowest, highest)) = entry.limits else { return (0, Vec::new()) };
    let len = usize::from(entry.bits).div_ceil(8).min(8);
    let parts = [(value_info::MINIMUM, lowest), (value_info::MAXIMUM, highest)];
    let asked_for = parts.iter().filter(|(bit, _)| asked & bit != 0);
    asked_for.fold((0, Vec::new()), |(info, mut bytes), (bit, value)| {
        bytes.extend_from_slice(&value.to_le_bytes()[..len]);
        (info | bit, bytes)
    })
}

fn cut(name: &str, space: usize, before: usize) -> &[u8] {
    name.as_bytes().get(..name.len().min(space.saturating_sub(before))).unwrap_or_default()
}
