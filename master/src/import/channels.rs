//! Channels of the PDOs in force, named by the variables of the tool's process image.
//!
//! A variable belongs to the entry that lies where the variable does: the SubDevice's area of the image says where its
//! first entry is. Data types are those of the entries, else those of the variables, else the bus says them.

use super::naming::Naming;
use super::{ImportedChannel, NotImported};
use crate::draft::{Names, Standing, entries, is_said, standing};
use std::collections::{HashMap, HashSet};
use zerocat_config::{PdoEntry, Place};
use zerocat_esi::eni::{Area, EniSubDevice, Network, Variable};
use zerocat_esi::{Pdo, PdoEntry as Described};
use zerocat_pdi::{DataType, Direction, Entry};

/// A channel of the rig file.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub(super) name: String,
    pub(super) index: u16,
    pub(super) subindex: u8,
    pub(super) place: Place,
    /// Data type and length in bits, where the file says them.
    pub(super) kind: Option<(DataType, u8)>,
    /// What the tool calls it.
    variable: Option<String>,
}

impl Channel {
    /// Its entry as a rig file has it.
    pub(super) fn entry(&self, key: &str) -> String {
        format!("{key}.{:#06x}:{:02x}", self.index, self.subindex)
    }

    pub(super) fn told(&self, key: &str) -> ImportedChannel {
        ImportedChannel { name: self.name.clone(), entry: self.entry(key), variable: self.variable.clone() }
    }
}

/// The variables of the process image, by their places.
#[derive(Debug)]
pub(super) struct Image<'a> {
    inputs: Side<'a>,
    outputs: Side<'a>,
}

/// Those of one direction.
#[derive(Debug, Default)]
struct Side<'a> {
    by_place: HashMap<(u32, u32), Vec<&'a Variable>>,
    /// Places that an entry has.
    used: HashSet<(u32, u32)>,
}

impl<'a> Side<'a> {
    fn of(variables: &'a [Variable]) -> Self {
        let mut by_place: HashMap<_, Vec<&Variable>> = HashMap::new();
        for variable in variables {
            by_place.entry((variable.at, variable.bits)).or_default().push(variable);
        }
        Self { by_place, used: HashSet::new() }
    }

    /// The variable at a place, if an entry there has one.
    fn take(&mut self, at: u32, bits: u32) -> Option<&'a Variable> {
        self.used.insert((at, bits));
        self.by_place.get(&(at, bits))?.first().copied().filter(|variable| !variable.name.is_empty())
    }
}

impl<'a> Image<'a> {
    pub(super) fn of(network: &'a Network) -> Self {
        Self { inputs: Side::of(&network.inputs), outputs: Side::of(&network.outputs) }
    }

    fn side(&mut self, direction: Direction) -> &mut Side<'a> {
        match direction {
            Direction::Input => &mut self.inputs,
            Direction::Output => &mut self.outputs,
        }
    }

    /// What is told of the variables that no entry has.
    pub(super) fn of_nobody(&self, network: &Network) -> Vec<NotImported> {
        let mut told = Vec::new();
        for (side, variables) in [(&self.inputs, &network.inputs), (&self.outputs, &network.outputs)] {
            let unused = variables.iter().filter(|variable| !side.used.contains(&(variable.at, variable.bits)));
            told.extend(unused.map(|variable| {
                let why = "no entry of a SubDevice lies there: states and working counters are in zerocat's reports";
                NotImported::new(format!("the variable `{}`", variable.name), why)
            }));
        }
        told
    }
}

/// The channels of a SubDevice: its inputs, and its outputs with what they are while nobody commands them.
pub(super) fn of(
    described: &EniSubDevice,
    key: &str,
    naming: &mut Naming,
    image: &mut Image<'_>,
) -> (Vec<Channel>, Vec<(Channel, Standing)>) {
    let mut names = Names::default();
    let inputs = listed(&described.inputs, &mut names);
    let outputs = listed(&described.outputs, &mut names);
    let mut bound = |listed: &[Listed], area: Option<Area>, direction: Direction| -> Vec<(Channel, PdoEntry)> {
        let one = |one: &Listed| one.channel(key, naming, (area, image.side(direction)));
        listed.iter().map(one).collect()
    };
    let read = bound(&inputs, described.input_area, Direction::Input);
    let written = bound(&outputs, described.output_area, Direction::Output);
    let [read_entries, written_entries] =
        [&read, &written].map(|all| all.iter().map(|(_, entry)| entry.clone()).collect::<Vec<_>>());
    let write = written.into_iter().map(|(channel, entry)| {
        let standing = standing(&entry, &written_entries, &read_entries, key);
        (channel, standing)
    });
    let write = write.collect();
    (read.into_iter().map(|(channel, _)| channel).collect(), write)
}

/// An entry of a PDO in force.
struct Listed {
    entry: PdoEntry,
    /// Bits before it in the SubDevice's area.
    before: u32,
    /// Whether the file says its data type.
    said: bool,
}

/// The entries of one direction, without padding and what has no bits.
fn listed(pdos: &[Pdo], names: &mut Names) -> Vec<Listed> {
    let mut before = 0_u32;
    let mut places = Vec::new();
    let mut mapped = Vec::with_capacity(pdos.len());
    for pdo in pdos {
        let all: Vec<Entry> = pdo.entries.iter().map(entry).collect();
        for one in &all {
            if !one.is_padding() && one.bit_length > 0 {
                places.push((before, is_said(one)));
            }
            before = before.saturating_add(one.bit_length.into());
        }
        mapped.push(zerocat_pdi::Pdo { index: pdo.index, name: pdo.name.clone(), entries: all });
    }
    let all = entries(&mapped, names).into_iter().zip(places);
    all.map(|(entry, (before, said))| Listed { entry, before, said }).collect()
}

fn entry(described: &Described) -> Entry {
    Entry {
        index: described.index,
        subindex: described.subindex,
        bit_length: described.bits,
        name: described.name.clone(),
        type_code: described.data_type as u16,
    }
}

impl Listed {
    /// Its channel, and the entry with the type that the channel has.
    fn channel(
        &self,
        key: &str,
        naming: &mut Naming,
        (area, side): (Option<Area>, &mut Side<'_>),
    ) -> (Channel, PdoEntry) {
        let PdoEntry { index, subindex, place, bit_length, data_type, ref name } = self.entry;
        let at = area.and_then(|area| area.at.checked_add(self.before));
        let variable = at.and_then(|at| side.take(at, bit_length.into()));
        let by_variable = variable.and_then(|variable| variable.data_type.parse::<DataType>().ok());
        let by_variable = by_variable.filter(|kind| kind.fits(bit_length));
        let kind = if self.said { Some(data_type) } else { by_variable };
        let called = match variable {
            Some(variable) => variable.name.clone(),
            None => format!("{key} {name}"),
        };
        let channel = Channel {
            name: naming.channel(key, &called),
            index,
            subindex,
            place,
            kind: kind.map(|kind| (kind, bit_length)),
            variable: variable.map(|variable| variable.name.clone()),
        };
        (channel, PdoEntry { data_type: kind.unwrap_or(data_type), ..self.entry.clone() })
    }
}
