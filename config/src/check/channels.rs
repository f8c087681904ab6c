//! References of channels, and numbers and entries that only one channel may have.

use super::{Found, Unique, same_entry, waveforms};
use crate::place::Place;
use crate::resolve::{entries, entry};
use crate::rig::{PdoEntry, Rig, Slave};
use crate::safe::SafeValue;
use crate::setting::Setting;
use crate::task::{Target, Task};
use std::collections::HashMap;
use zerocat_pdi::Direction;

/// Checks the channels of all tasks.
pub(super) fn channels(rig: &Rig, found: &mut Found) {
    let mut checker = Checker { rig, numbers: Unique::new(), outputs: HashMap::new(), found };
    for (i, task) in rig.tasks.iter().enumerate() {
        let at = |n: usize| format!("tasks[{i}].config.channels[{n}]");
        match task {
            Task::Read(task) => {
                for (n, channel) in task.config.channels.iter().enumerate() {
                    checker.number(channel.channel, &format!("{}.channel", at(n)));
                    checker.entry(&channel.device, Direction::Input, &channel.target, channel.bit, &at(n));
                }
            }
            Task::Write(task) => {
                for (n, channel) in task.config.channels.iter().enumerate() {
                    checker.write(channel, &at(n));
                }
            }
            Task::Scan(_) => {}
        }
    }
}

/// An output: slave, index, subindex, which of those, and length.
type Output = (String, u16, u8, Place, u8);

struct Checker<'a> {
    rig: &'a Rig,
    numbers: Unique<u32>,
    /// Entries that are written, with the bit or all of each, and by which channel.
    outputs: HashMap<Output, Vec<(Option<u8>, String)>>,
    found: &'a mut Found,
}

impl Checker<'_> {
    fn write(&mut self, channel: &crate::WriteChannel, at: &str) {
        self.number(channel.channel, &format!("{at}.channel"));
        if let Some(state) = channel.state_channel {
            self.number(state, &format!("{at}.state_channel"));
        }
        let entry = self.entry(&channel.device, Direction::Output, &channel.target, channel.bit, at);
        let written = entry.clone().map(|entry| entry.narrowed(channel.bit));
        if let Some(waveform) = &channel.waveform {
            waveforms::waveform(waveform, written.as_ref(), &format!("{at}.waveform"), self.found);
        }
        if let Some(SafeValue::Value(value)) = channel.safe {
            self.safe(value, written.as_ref(), &format!("{at}.safe"));
        }
        if let Some(entry) = entry.filter(|_| channel.enabled) {
            self.output(channel, &entry, at);
        }
    }

    /// Where two entries share index and subindex, the bus says which is which, and a run checks this again.
    fn output(&mut self, channel: &crate::WriteChannel, entry: &PdoEntry, at: &str) {
        let output = (channel.device.clone(), entry.index, entry.subindex, entry.place, entry.bit_length);
        let writers = self.outputs.entry(output).or_default();
        let shared = |bit: Option<u8>| bit.is_none() || channel.bit.is_none() || bit == channel.bit;
        if let Some((_, first)) = writers.iter().find(|(bit, _)| shared(*bit)) {
            let bit = channel.bit.map_or_else(String::new, |bit| format!(" (bit {bit})"));
            let what = format!(
                "output {:#06x}:{}{bit} of `{}` is written by {first} already",
                entry.index, entry.subindex, channel.device
            );
            self.found.add(at, what, "leave each output, or each bit of one, to one enabled channel");
        }
        writers.push((channel.bit, at.to_owned()));
    }

    /// A safe value is what the entry can be, exactly: it isn't rounded.
    fn safe(&mut self, value: Setting, entry: Option<&PdoEntry>, path: &str) {
        let Some(entry) = entry.filter(|entry| entry.data_type.fits(entry.bit_length)) else { return };
        if let Err(error) = entry.data_type.admit(value.value(), entry.bit_length) {
            self.found.add(path, error.to_string(), "give a value that the entry can take, or \"hold\"");
        }
    }

    fn number(&mut self, number: u32, path: &str) {
        if let Some(first) = self.numbers.taken(number, path) {
            self.found.add(path, format!("{number} is already used in {first}"), "give each channel its own number");
        }
    }

    /// The entry that a channel refers to; a problem if there is none.
    fn entry(
        &mut self,
        device: &str,
        direction: Direction,
        target: &Target,
        bit: Option<u8>,
        at: &str,
    ) -> Option<PdoEntry> {
        let Some(slave) = self.rig.slave(device) else {
            let keys = self.rig.slaves.iter().map(|slave| slave.key.as_str());
            let fix = format!("use the key of a slave: {}", quoted(keys));
            self.found.add(format!("{at}.device"), format!("no slave has the key `{device}`"), fix);
            return None;
        };
        match target {
            Target::Automatic { pdo } => self.named(slave, direction, pdo, &format!("{at}.pdo"))?,
            Target::Manual { index, bit_length, data_type, place, .. } => {
                same_entry::keys(place, at, self.found);
                self.found.demand(*index != 0, &format!("{at}.index"), "0 is padding", "give the index of an entry");
                if let Err(error) = data_type.check(*bit_length) {
                    let path = format!("{at}.bit_length");
                    self.found.add(path, error.to_string(), "correct the length or the `data_type`");
                }
            }
        }
        same_entry::ambiguous(slave, direction, target, at, self.found);
        let entry = entry(slave, direction, target)?;
        if let Some(bit) = bit.filter(|bit| *bit >= entry.bit_length) {
            let what = format!("the entry has {} bits, and bit {bit} is none of them", entry.bit_length);
            self.found.add(format!("{at}.bit"), what, "count from 0, the least significant bit");
        }
        Some(entry)
    }

    fn named(&mut self, slave: &Slave, direction: Direction, pdo: &str, path: &str) -> Option<()> {
        let same = |list: &[PdoEntry]| list.iter().filter(|entry| entry.name == pdo).count();
        let here = entries(slave, direction);
        let (this, other, opposite) = match direction {
            Direction::Input => ("inputs", "output", Direction::Output),
            Direction::Output => ("outputs", "input", Direction::Input),
        };
        match same(here) {
            1 => return Some(()),
            0 if same(entries(slave, opposite)) > 0 => {
                let what = format!("`{pdo}` is an {other} of `{}`, and this task needs {this}", slave.key);
                self.found.add(path, what, format!("use one of {}", names(here)));
            }
            0 => {
                let what = format!("`{}` has no `{pdo}` among its {this}", slave.key);
                self.found.add(path, what, format!("use one of {}, or a manual channel", names(here)));
            }
            n => {
                let what = format!("`{pdo}` stands {n} times among the {this} of `{}`", slave.key);
                self.found.add(path, what, "give these entries different names in `pdos`");
            }
        }
        None
    }
}

fn names(entries: &[PdoEntry]) -> String {
    quoted(entries.iter().filter(|entry| entry.index != 0).map(|entry| entry.name.as_str()))
}

/// The first few, quoted.
fn quoted<'a>(items: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let all: Vec<String> = items.map(|item| format!("`{item}`")).collect();
    match all.get(..SHOWN) {
        _ if all.is_empty() => "(there are none)".to_owned(),
        Some(first) if all.len() > SHOWN => {
            format!("{} and {} more", first.join(", "), all.len().saturating_sub(SHOWN))
        }
        _ => all.join(", "),
    }
}
