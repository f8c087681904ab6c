//! Data types of channels whose type the rig file leaves to the bus: what the SII says, else the object dictionary, else an
//! unsigned number of the entry's length, which is told.
//!
//! Guarantees: a channel's type is that of the entry that it is bound to, and the one that a draft of the same bus has; it
//! stays the same for the whole run, also after an outage. With its types the rig is held against all its rules again.

use crate::bind::{Positions, bind, candidate};
use crate::bring_up::StartError;
use crate::draft::{data_type, is_said};
use crate::events::SessionEvent;
use crate::machine::Machine;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use zerocat_bus::{Network, SubDevice, WantedTypes};
use zerocat_config::{Candidate, EntryAddress, EntryType, ResolvedChannel, Rig};
use zerocat_pdi::{DataType, Entry, PlacedEntry, Plan};

/// Channels that are named at most.
const MOST_NAMED: usize = 8;

/// A channel that has its data type by its length alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeByLength {
    /// Its name.
    pub channel: String,
    /// The type.
    pub data_type: DataType,
}

/// Names the channels, and what to do.
pub(crate) fn tell_by_length(channels: &[TypeByLength], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("nothing says the data type of ")?;
    for (n, TypeByLength { channel, data_type }) in channels.iter().take(MOST_NAMED).enumerate() {
        let comma = if n > 0 { ", " } else { "" };
        write!(f, "{comma}`{channel}` ({data_type} by its length)")?;
    }
    if channels.len() > MOST_NAMED {
        write!(f, " and {} more", channels.len().saturating_sub(MOST_NAMED))?;
    }
    f.write_str("; write its `data_type` in the rig file where that is wrong")
}

impl<'a> Machine<'a> {
    /// Completes the rig with the types that it leaves to the bus.
    ///
    /// # Errors
    /// `Bind` where an entry isn't mapped, `Rules` where the rig isn't right with its types.
    pub(crate) async fn type_channels(
        &mut self,
        network: &mut Network<'a>,
        plan: &Plan,
        positions: &Positions,
    ) -> Result<(), StartError> {
        let open = self.rig.untyped();
        if open.is_empty() {
            return Ok(());
        }
        let places: HashMap<EntryAddress, Place> =
            open.iter().filter_map(|entry| Some((entry.clone(), Place::of(entry, plan, positions)?))).collect();
        if places.len() < open.len() {
            let lengths = self.rig.with_types(|entry| {
                let bit_length = places.get(entry).map_or(0, |place| place.bit_length);
                Some(EntryType { bit_length, data_type: DataType::Bytes })
            });
            bind(&lengths, plan, positions)?;
        }
        let mut wanted = WantedTypes::new();
        for (entry, place) in &places {
            wanted.entry(place.position).or_default().insert((entry.index, entry.subindex));
        }
        network.read_types(&wanted).await;
        let found = |entry: &EntryAddress| places.get(entry)?.entry(entry, network.subdevices());
        let typed = self.rig.with_types(|entry| found(entry).map(type_of));
        self.tell_types(&typed, |entry| found(entry).is_some_and(is_said), &open);
        let problems = typed.problems();
        if !problems.is_empty() {
            return Err(StartError::Rules(problems));
        }
        self.rig = Cow::Owned(typed);
        Ok(())
    }

    /// Tells of each channel what type it has now, and of those that have it by their length.
    fn tell_types(&self, typed: &Rig, said: impl Fn(&EntryAddress) -> bool, open: &[EntryAddress]) {
        let mut by_length: Vec<TypeByLength> = Vec::new();
        for channel in typed.tasks.iter().flat_map(|task| typed.channels_of(task)) {
            let Some(entry) = open.iter().find(|entry| is_of(entry, &channel)) else { continue };
            let (name, data_type) = (channel.name.clone(), channel.data_type);
            if said(entry) || channel.bit.is_some() {
                tracing::info!("`{name}` is {data_type}, as the bus says");
            } else if by_length.iter().all(|told| told.channel != name) {
                by_length.push(TypeByLength { channel: name, data_type });
            }
        }
        if !by_length.is_empty() {
            self.observer.warn(&SessionEvent::TypesByLength(by_length));
        }
    }
}

fn is_of(entry: &EntryAddress, channel: &ResolvedChannel) -> bool {
    let EntryAddress { slave, direction, index, subindex, place } = entry;
    (slave, direction, index, subindex, place)
        == (&channel.slave, &channel.direction, &channel.index, &channel.subindex, &channel.place)
}

fn type_of(entry: &Entry) -> EntryType {
    EntryType { bit_length: entry.bit_length, data_type: data_type(entry) }
}

/// Where the bus has an entry.
struct Place {
    /// Position of the SubDevice.
    position: u16,
    /// Which of the entries of that direction, index and subindex.
    nth: usize,
    bit_length: u8,
}

impl Place {
    /// None where it isn't mapped, or can't be told apart from others.
    fn of(entry: &EntryAddress, plan: &Plan, positions: &Positions) -> Option<Self> {
        let position = *positions.get(&entry.slave)?;
        let planned = plan.subdevices.iter().find(|one| one.position == position)?;
        let address = |one: &&PlacedEntry| {
            (one.direction, one.index, one.subindex) == (entry.direction, entry.index, entry.subindex)
        };
        let same: Vec<&PlacedEntry> = planned.entries.iter().filter(address).collect();
        let candidates: Vec<Candidate> = same.iter().map(|one| candidate(one)).collect();
        let nth = entry.place.find(0, &candidates).ok()?;
        Some(Self { position, nth, bit_length: same.get(nth)?.span.len })
    }

    /// The entry as its SubDevice describes it.
    fn entry<'n>(&self, of: &EntryAddress, subdevices: &'n [SubDevice]) -> Option<&'n Entry> {
        let subdevice = subdevices.iter().find(|one| one.position == self.position)?;
        let managers = subdevice.sync_managers.iter().filter(|manager| manager.direction == of.direction);
        let entries = managers.flat_map(|manager| &manager.pdos).flat_map(|pdo| &pdo.entries);
        entries.filter(|entry| (entry.index, entry.subindex) == (of.index, of.subindex)).nth(self.nth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_with_a_type_by_length_are_named_with_it_and_only_the_first_of_many() {
        let channel = |n: usize| TypeByLength { channel: format!("io_{n}"), data_type: DataType::Uint16 };
        let event = |count: usize| SessionEvent::TypesByLength((0..count).map(channel).collect()).to_string();
        let expected = "nothing says the data type of `io_0` (uint16 by its length), `io_1` (uint16 by its length); write \
                        its `data_type` in the rig file where that is wrong";
        assert_eq!(event(2), expected);
        assert!(event(20).contains(" and 12 more; "), "{}", event(20));
    }

    #[test]
    fn a_type_that_only_the_length_gives_is_told_from_one_that_is_said() {
        let entry =
            |bit_length, type_code| Entry { index: 0x6000, subindex: 1, bit_length, name: String::new(), type_code };
        let said = [entry(16, 6), entry(16, 3), entry(1, 0), entry(80, 0), entry(32, 8)];
        assert!(said.iter().all(is_said), "{said:?}");
        // REAL32 has 32 bits.
        assert!(!is_said(&entry(16, 0)) && !is_said(&entry(16, 8)));
    }
}
