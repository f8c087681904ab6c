//! The object dictionary of a SubDevice with CoE (ETG.1000.6, 5.6; ETG.5001 for the index areas).
//!
//! Values that are process data live in the application; entries name them. Everything else is kept as bytes.

pub(crate) use zerocat_esi::ObjectCode;
use zerocat_wire::coe::info::access::{RX_PDO, TX_PDO};
use zerocat_wire::sii::general::coe;

use super::{DataType, Description, Pdo, Purpose, ValueId};

/// Index of the error register.
pub(crate) const ERROR_REGISTER: u16 = 0x1001;
/// Index of the error history.
pub(crate) const ERROR_HISTORY: u16 = 0x1003;
/// Errors that the history holds.
const HISTORY_PLACES: u8 = 8;
/// Entries that a mapping has room for, at least.
const MAPPING_PLACES: usize = 16;

/// When an entry may be read and written. The bits are those of the SDO information service.
pub(crate) mod access {
    /// Read in every state.
    pub(crate) const READ: u16 = 0x07;
    /// Read in every state, write in PRE-OP.
    pub(crate) const WRITE_PREOP: u16 = 0x0f;
    /// Read and write in every state.
    pub(crate) const WRITE: u16 = 0x3f;
}

/// Where an entry's value is.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Bytes(Vec<u8>),
    Value(ValueId),
}

/// One subindex.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) subindex: u8,
    pub(crate) bits: u16,
    pub(crate) data_type: DataType,
    pub(crate) access: u16,
    pub(crate) store: Store,
    pub(crate) name: String,
    /// Lowest and highest value that a download may write.
    pub(crate) limits: Option<(i64, i64)>,
}

impl Entry {
    pub(crate) fn bytes(subindex: u8, data_type: DataType, access: u16, bytes: &[u8], name: &str) -> Self {
        let bits = u16::try_from(bytes.len() * 8).unwrap_or(u16::MAX);
        let store = Store::Bytes(bytes.to_vec());
        Self { subindex, bits, data_type, access, store, name: name.to_owned(), limits: None }
    }
}

/// One index.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) index: u16,
    pub(crate) code: ObjectCode,
    pub(crate) name: String,
    pub(crate) entries: Vec<Entry>,
    /// Subindex 0 is a count that can be written; subindices above it are not there.
    pub(crate) counted: bool,
}

impl Object {
    /// An object with one value at subindex 0.
    pub(crate) fn variable(index: u16, data_type: DataType, access: u16, bytes: &[u8], name: &str) -> Self {
        let entries = vec![Entry::bytes(0, data_type, access, bytes, name)];
        Self { index, code: ObjectCode::Variable, name: name.to_owned(), entries, counted: false }
    }

    /// The number in subindex 0 of a counted object.
    pub(crate) fn count(&self) -> u8 {
        match self.entries.first().map(|entry| &entry.store) {
            Some(Store::Bytes(bytes)) => bytes.first().copied().unwrap_or(0),
            _ => 0,
        }
    }

    /// Highest subindex that is there.
    pub(crate) fn highest(&self) -> u8 {
        if self.counted { self.count() } else { self.entries.last().map_or(0, |entry| entry.subindex) }
    }

    /// The entry of a subindex.
    pub(crate) fn entry(&self, subindex: u8) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.subindex == subindex)
    }
}

/// All objects, sorted by index.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    objects: Vec<Object>,
    /// Indices of the assignment objects, there or not, with the direction of their PDOs.
    assignments: Vec<(u16, Purpose)>,
    /// What CoE can do.
    details: u8,
}

impl Dictionary {
    /// Whether CoE can do something: a bit of [`zerocat_wire::sii::general::coe`].
    pub(crate) const fn offers(&self, detail: u8) -> bool {
        self.details & detail != 0
    }

    /// The direction of the PDOs that an object assigns, if it is an assignment object.
    pub(crate) fn assigns(&self, index: u16) -> Option<Purpose> {
        self.assignments.iter().find(|(known, _)| *known == index).map(|(_, purpose)| *purpose)
    }

    /// The dictionary of a description.
    pub(crate) fn new(description: &Description) -> Self {
        let mut objects = communication(description);
        for (area, base, pdos) in
            [(Purpose::Outputs, "RxPDO", &description.rx_pdos), (Purpose::Inputs, "TxPDO", &description.tx_pdos)]
        {
            // Objects can't say it where two PDOs have one index: then only the SII says what is mapped.
            if !description.has_index_twice(area) {
                objects.extend(pdos.iter().map(|pdo| mapping(description, pdo, base)));
                objects.extend(description.sync_managers(area).map(|n| assignment(description, area, n)));
            }
            mapped(&mut objects, pdos, area);
        }
        objects.extend(description.objects.iter().cloned());
        if let Some(listed) = &description.listed {
            objects = super::esi_dictionary::join(description, objects, listed);
        }
        objects.sort_by_key(|object| object.index);
        let assigns = |purpose| description.sync_managers(purpose).map(move |n| (assignment_index(n), purpose));
        let assignments = assigns(Purpose::Outputs).chain(assigns(Purpose::Inputs)).collect();
        Self { objects, assignments, details: description.coe_details() }
    }

    /// A dictionary of these objects alone.
    #[cfg(test)]
    pub(crate) fn of(objects: Vec<Object>) -> Self {
        Self { objects, ..Self::default() }
    }

    pub(crate) fn objects(&self) -> &[Object] {
        &self.objects
    }

    pub(crate) fn object(&self, index: u16) -> Option<&Object> {
        self.objects.binary_search_by_key(&index, |object| object.index).ok().map(|at| &self.objects[at])
    }

    pub(crate) fn object_mut(&mut self, index: u16) -> Option<&mut Object> {
        self.objects.binary_search_by_key(&index, |object| object.index).ok().map(|at| &mut self.objects[at])
    }

    /// The PDOs that an assignment object lists.
    pub(crate) fn assigned(&self, index: u16) -> Vec<u16> {
        self.list(index, |bytes| bytes.first_chunk().map(|bytes| u16::from_le_bytes(*bytes)))
    }

    /// The entries that a mapping object lists: index, subindex, length in bits.
    pub(crate) fn mapping(&self, index: u16) -> Vec<u32> {
        self.list(index, |bytes| bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)))
    }

    fn list<T>(&self, index: u16, read: impl Fn(&[u8]) -> Option<T>) -> Vec<T> {
        let Some(object) = self.object(index) else { return Vec::new() };
        let entries = object.entries.iter().skip(1).take(usize::from(object.count()));
        entries
            .filter_map(|entry| match &entry.store {
                Store::Bytes(bytes) => read(bytes),
                Store::Value(_) => None,
            })
            .collect()
    }

    /// Sets the error register.
    pub(crate) fn set_error_register(&mut self, register: u8) {
        if let Some(Store::Bytes(bytes)) = self.store_mut(ERROR_REGISTER, 0) {
            *bytes = vec![register];
        }
    }

    /// The error register.
    pub(crate) fn error_register(&self) -> u8 {
        match self.object(ERROR_REGISTER).and_then(|object| object.entry(0)).map(|entry| &entry.store) {
            Some(Store::Bytes(bytes)) => bytes.first().copied().unwrap_or(0),
            _ => 0,
        }
    }

    /// Puts an error at the head of the history. The oldest falls out of a full one.
    pub(crate) fn remember_error(&mut self, error: u32) {
        let Some(object) = self.object_mut(ERROR_HISTORY) else { return };
        let count = object.count().saturating_add(1).min(HISTORY_PLACES);
        let mut next = error.to_le_bytes().to_vec();
        for entry in &mut object.entries {
            if let Store::Bytes(bytes) = &mut entry.store {
                match entry.subindex {
                    0 => *bytes = vec![count],
                    _ => std::mem::swap(bytes, &mut next),
                }
            }
        }
    }

    /// Lets an entry show a number, in as many bytes as it has. Nothing happens where there is no such entry.
    pub(crate) fn show(&mut self, index: u16, subindex: u8, number: u64) {
        if let Some(Store::Bytes(bytes)) = self.store_mut(index, subindex) {
            bytes.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
        }
    }

    /// The number that an entry shows, up to 64 bits.
    pub(crate) fn number(&self, index: u16, subindex: u8) -> Option<u64> {
        let Store::Bytes(bytes) = &self.object(index)?.entry(subindex)?.store else { return None };
        Some(bytes.iter().take(8).rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn store_mut(&mut self, index: u16, subindex: u8) -> Option<&mut Store> {
        let object = self.object_mut(index)?;
        object.entries.iter_mut().find(|entry| entry.subindex == subindex).map(|entry| &mut entry.store)
    }
}

/// Index of the assignment object of a sync manager.
pub(crate) fn assignment_index(sync_manager: u8) -> u16 {
    0x1C10 + u16::from(sync_manager)
}

fn communication(description: &Description) -> Vec<Object> {
    let id = description.identity;
    let text =
        |index, name: &str, text: &str| Object::variable(index, DataType::Text, access::READ, text.as_bytes(), name);
    let mut identity = vec![Entry::bytes(0, DataType::U8, access::READ, &[4], "SubIndex 000")];
    let parts = [("Vendor ID", id.vendor), ("Product code", id.product), ("Revision", id.revision)];
    for (n, (name, value)) in (1u8..).zip(parts.into_iter().chain([("Serial number", id.serial)])) {
        identity.push(Entry::bytes(n, DataType::U32, access::READ, &value.to_le_bytes(), name));
    }
    let history = (0..HISTORY_PLACES).map(|_| vec![0; 4]);
    let history = array(ERROR_HISTORY, "Error history", DataType::U32, access::READ, history, 0);
    let types: Vec<u8> = description.sync_managers.iter().map(|plan| plan.purpose as u8).collect();
    vec![
        Object::variable(0x1000, DataType::U32, access::READ, &description.device_type.to_le_bytes(), "Device type"),
        Object::variable(ERROR_REGISTER, DataType::U8, access::READ, &[0], "Error register"),
        clearable(history),
        text(0x1008, "Device name", &description.name),
        text(0x1009, "Hardware version", "1"),
        text(0x100A, "Software version", env!("CARGO_PKG_VERSION")),
        Object { index: 0x1018, code: ObjectCode::Record, name: "Identity".into(), entries: identity, counted: false },
        array(0x1C00, "Sync manager type", DataType::U8, access::READ, types.iter().map(|t| vec![*t]), types.len()),
    ]
}

/// A list whose count may be written in every state.
fn clearable(list: Object) -> Object {
    let mut list = Object { counted: true, ..list };
    if let Some(count) = list.entries.first_mut() {
        count.access = access::WRITE;
    }
    list
}

fn array(
    index: u16,
    name: &str,
    data_type: DataType,
    access: u16,
    items: impl Iterator<Item = Vec<u8>>,
    count: usize,
) -> Object {
    let count = u8::try_from(count).unwrap_or(u8::MAX);
    let mut entries = vec![Entry::bytes(0, DataType::U8, access, &[count], "SubIndex 000")];
    for (n, item) in (1..=u8::MAX).zip(items) {
        entries.push(Entry::bytes(n, data_type, access, &item, &format!("SubIndex {n:03}")));
    }
    Object { index, code: ObjectCode::Array, name: name.to_owned(), entries, counted: false }
}

fn mapping(description: &Description, pdo: &Pdo, base: &str) -> Object {
    let items = pdo.entries.iter().map(|entry| entry.mapping().to_le_bytes().to_vec());
    let name = format!("{} {base}-Map", pdo.name);
    let free = MAPPING_PLACES.saturating_sub(pdo.entries.len());
    let items = items.chain(std::iter::repeat_n(vec![0; 4], free));
    let access = if description.can_map(pdo.index) { access::WRITE_PREOP } else { access::READ };
    let object = array(pdo.index, &name, DataType::U32, access, items, pdo.entries.len());
    Object { code: ObjectCode::Record, counted: true, ..object }
}

/// The assignment object of a sync manager, with room for every PDO of the direction.
fn assignment(description: &Description, purpose: Purpose, sync_manager: u8) -> Object {
    let index = assignment_index(sync_manager);
    let assigned: Vec<u16> = description.assigned(purpose, sync_manager).map(|pdo| pdo.index).collect();
    let places = description.pdos(purpose).len().max(1);
    let items = (0..places).map(|n| assigned.get(n).copied().unwrap_or(0).to_le_bytes().to_vec());
    let name = if purpose == Purpose::Outputs { "RxPDO assign" } else { "TxPDO assign" };
    let can_assign = description.coe_details() & coe::PDO_ASSIGN != 0;
    let access = if can_assign { access::WRITE_PREOP } else { access::READ };
    let object = array(index, name, DataType::U16, access, items, assigned.len());
    Object { counted: true, ..object }
}

/// Objects for everything that the PDOs map.
fn mapped(objects: &mut Vec<Object>, pdos: &[Pdo], purpose: Purpose) {
    for (pdo, entry) in pdos.iter().flat_map(|pdo| pdo.entries.iter().map(move |entry| (pdo, entry))) {
        let Some(value) = entry.value else { continue };
        let access = if purpose == Purpose::Outputs { access::WRITE | RX_PDO } else { access::READ | TX_PDO };
        let at = objects.iter().position(|object| object.index == entry.index).unwrap_or_else(|| {
            let name = if entry.subindex == 0 { &entry.name } else { &pdo.name };
            objects.push(empty(entry.index, entry.subindex, name));
            objects.len() - 1
        });
        let object = &mut objects[at];
        if object.entry(entry.subindex).is_some() {
            continue;
        }
        object.entries.push(Entry {
            subindex: entry.subindex,
            bits: u16::from(entry.bits),
            data_type: entry.data_type,
            access,
            store: Store::Value(value),
            name: entry.name.clone(),
            limits: None,
        });
        object.entries.sort_by_key(|entry| entry.subindex);
        let highest = object.entries.last().map_or(0, |entry| entry.subindex);
        if object.code == ObjectCode::Record
            && let Some(Store::Bytes(bytes)) = object.entries.first_mut().map(|entry| &mut entry.store)
        {
            *bytes = vec![highest];
        }
    }
}

fn empty(index: u16, subindex: u8, name: &str) -> Object {
    let variable = subindex == 0;
    let entries =
        if variable { vec![] } else { vec![Entry::bytes(0, DataType::U8, access::READ, &[0], "SubIndex 000")] };
    let code = if variable { ObjectCode::Variable } else { ObjectCode::Record };
    Object { index, code, name: name.to_owned(), entries, counted: false }
}
