//! Entries whose length and type the file leaves to the bus.
//!
//! Guarantees: a type that the file gives anywhere for an entry is that of all channels of the entry; what the bus says fills
//! in what the file leaves open, and nothing else. Not here: what the bus says.

use crate::place::Place;
use crate::reference::Reference;
use crate::rig::{PdoEntry, Rig};
use crate::task::{Target, Task};
use std::collections::HashMap;
use std::fmt;
use zerocat_pdi::{DataType, Direction};

/// Length and type of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryType {
    /// Length in bits.
    pub bit_length: u8,
    /// Data type.
    pub data_type: DataType,
}

/// A type for whoever doesn't look at it.
const ANY: EntryType = EntryType { bit_length: 8, data_type: DataType::Bytes };

/// An entry of a slave.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntryAddress {
    /// Key of the slave.
    pub slave: String,
    /// Input or output.
    pub direction: Direction,
    /// Index in the object dictionary.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// Which entry of that index and subindex.
    pub place: Place,
}

impl fmt::Display for EntryAddress {
    /// As a rig file refers to it: `axis.0x6041:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:#06x}:{:02x}", self.slave, self.index, self.subindex)
    }
}

impl Rig {
    /// The entries of enabled channels whose type the file leaves to the bus, each once, in the order of the file.
    #[must_use]
    pub fn untyped(&self) -> Vec<EntryAddress> {
        let mut found = Vec::new();
        for channel in self.tasks.iter().flat_map(Task::channels).filter(|channel| channel.enabled) {
            if let Some(entry) = open(channel.device, channel.direction, channel.target)
                && !found.contains(&entry)
            {
                found.push(entry);
            }
        }
        found
    }

    /// The rig with the types of `types` for entries whose type it leaves to the bus. What is `None` stays open.
    #[must_use]
    pub fn with_types(&self, types: impl Fn(&EntryAddress) -> Option<EntryType>) -> Self {
        let mut rig = self.clone();
        for (direction, device, target) in rig.tasks.iter_mut().flat_map(targets) {
            let Some(entry) = open(device, direction, target) else { continue };
            if let Some(EntryType { bit_length, data_type }) = types(&entry) {
                let EntryAddress { index, subindex, place, .. } = entry;
                *target = Target::Manual { index, subindex, place, bit_length, data_type };
            }
        }
        rig
    }

    /// The rig with some type for each entry whose type it leaves to the bus: for whoever wants names and numbers only.
    #[must_use]
    pub fn with_any_types(&self) -> Self {
        self.with_types(|_| Some(ANY))
    }

    /// Whether a reference means an enabled channel of a read task, whoever knows its type.
    pub(crate) fn is_read(&self, reference: &Reference) -> bool {
        self.with_any_types().read_channel(reference).is_some()
    }

    /// Whether a reference means an input, whoever knows its type.
    pub(crate) fn is_input(&self, reference: &Reference) -> bool {
        let (name, place) = (String::new(), Place::default());
        let EntryType { bit_length, data_type } = ANY;
        let like = PdoEntry { name, index: 0, subindex: 0, place, bit_length, data_type };
        self.with_any_types().followed(reference, &like).is_some()
    }
}

/// Gives the channels of an entry the type that another channel of it has.
pub(crate) fn agree(tasks: &mut [Task]) {
    let mut known = HashMap::new();
    for channel in tasks.iter().flat_map(Task::channels) {
        if let Target::Manual { index, subindex, place, .. } = *channel.target {
            let (slave, direction) = (channel.device.to_owned(), channel.direction);
            known
                .entry(EntryAddress { slave, direction, index, subindex, place })
                .or_insert_with(|| channel.target.clone());
        }
    }
    for (direction, device, target) in tasks.iter_mut().flat_map(targets) {
        if let Some(typed) = open(device, direction, target).and_then(|entry| known.get(&entry)) {
            target.clone_from(typed);
        }
    }
}

/// The entry that a target leaves open.
fn open(slave: &str, direction: Direction, target: &Target) -> Option<EntryAddress> {
    let Target::Untyped { index, subindex, place } = *target else { return None };
    Some(EntryAddress { slave: slave.to_owned(), direction, index, subindex, place })
}

/// Direction, slave and target of each channel of a task.
fn targets(task: &mut Task) -> Vec<(Direction, &str, &mut Target)> {
    match task {
        Task::Read(task) => {
            let channels = task.config.channels.iter_mut();
            channels.map(|one| (Direction::Input, one.device.as_str(), &mut one.target)).collect()
        }
        Task::Write(task) => {
            let channels = task.config.channels.iter_mut();
            channels.map(|one| (Direction::Output, one.device.as_str(), &mut one.target)).collect()
        }
        Task::Scan(_) => Vec::new(),
    }
}
