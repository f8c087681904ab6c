//! References of channels, and numbers and entries that only one channel may have.

use super::{Found, assign, same_entry, waveforms};
use crate::any_channel::Meant;
use crate::error::Rule;
use crate::place::Place;
use crate::reference::Reference;
use crate::resolve::{entries, entry};
use crate::rig::{PdoEntry, Rig, Slave};
use crate::safe::OutputValue;
use crate::setting::Setting;
use crate::task::{Target, Task};
use std::collections::HashMap;
use zerocat_pdi::Direction;

/// Checks the channels of all tasks.
pub(super) fn channels(rig: &Rig, found: &mut Found) {
    let mut checker = Checker { rig, numbers: HashMap::new(), outputs: HashMap::new(), found };
    for (i, task) in rig.tasks.iter().enumerate() {
        let level = task.level(i);
        let at = |n: usize| format!("{level}.channels[{n}]");
        match task {
            Task::Read(_) => {
                for (n, channel) in task.channels().into_iter().enumerate() {
                    checker.number(channel.channel, Some(channel.meant()), &format!("{}.channel", at(n)));
                    checker.entry(channel.device, channel.direction, channel.target, channel.bit, &at(n));
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
    /// Numbers, what is read under each, and where it was used first.
    numbers: HashMap<u32, (Option<Meant<'a>>, String)>,
    /// Entries that are written, with the bit or all of each, and by which channel.
    outputs: HashMap<Output, Vec<(Option<u8>, String)>>,
    found: &'a mut Found,
}

impl<'a> Checker<'a> {
    fn write(&mut self, channel: &crate::WriteChannel, at: &str) {
        self.number(channel.channel, None, &format!("{at}.channel"));
        if let Some(state) = channel.state_channel {
            self.number(state, None, &format!("{at}.state_channel"));
        }
        let entry = self.entry(&channel.device, Direction::Output, &channel.target, channel.bit, at);
        let written = entry.clone().map(|entry| entry.narrowed(channel.bit));
        if let Some(waveform) = &channel.waveform {
            waveforms::waveform(waveform, written.as_ref(), &format!("{at}.waveform"), self.found);
        }
        for (key, value) in [("initial", &channel.initial), ("safe", &channel.safe)] {
            self.relies_on(value.as_ref(), entry.as_ref(), &channel.device, &format!("{at}.{key}"));
            self.standing(value.as_ref(), written.as_ref(), &format!("{at}.{key}"));
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
            self.found.add(
                Rule::SharedOutput,
                at,
                what,
                "leave each output, or each bit of one, to one enabled channel",
            );
        }
        writers.push((channel.bit, at.to_owned()));
    }

    /// What an output is when nobody commands it.
    fn standing(&mut self, value: Option<&OutputValue>, entry: Option<&PdoEntry>, path: &str) {
        match value {
            Some(OutputValue::Value(value)) => self.value(*value, entry, path),
            Some(OutputValue::From(input)) => self.follows(input, entry, path),
            Some(OutputValue::Hold) if path.ends_with("initial") => {
                let what = "nothing was sent before the start that could be held";
                self.found.add(Rule::Conflict, path, what, "give a value, or { \"from\": an input }");
            }
            Some(OutputValue::Hold) | None => {}
        }
    }

    /// No output follows an input of another SubDevice that may be missing.
    fn relies_on(&mut self, value: Option<&OutputValue>, entry: Option<&PdoEntry>, device: &str, path: &str) {
        let (Some(OutputValue::From(input)), Some(entry)) = (value, entry) else { return };
        let Some(of) = self.rig.followed(input, entry).filter(|followed| followed.slave != device) else { return };
        if self.rig.slave(&of.slave).is_some_and(|slave| slave.optional) {
            let what = format!("`{}` may be missing, and the output would be 0 then", of.slave);
            self.found.add(Rule::Conflict, format!("{path}.from"), what, "let it follow an input of its own SubDevice");
        }
    }

    /// An output follows an input of the same type and length. Where only the bus knows one of them, a run checks it.
    fn follows(&mut self, input: &Reference, output: Option<&PdoEntry>, path: &str) {
        let both = output.and_then(|output| Some((self.rig.followed(input, output)?, output)));
        let Some((input_entry, output)) = both else {
            if self.rig.is_input(input) {
                return;
            }
            let inputs = self.rig.tasks.iter().filter(|task| matches!(task, Task::Read(_)));
            let enabled = inputs.flat_map(Task::channels).filter(|channel| channel.enabled);
            let names: Vec<String> = enabled.map(|channel| channel.name.to_owned()).collect();
            let what = format!("`{input}` is no input");
            let listed = quoted(names.iter().map(String::as_str));
            let of_task = if names.is_empty() { String::new() } else { format!(" ({listed})") };
            let fix =
                format!("give the name of a channel of a read task{of_task}, or an entry such as \"axis.0x6064:00\"");
            self.found.misspelt(format!("{path}.from"), what, fix, &input.to_string(), names);
            return;
        };
        let (from, to) = (input_entry.value_type(), output.data_type);
        let bits = if input_entry.bit.is_some() { 1 } else { input_entry.bit_length };
        if (from, bits) != (to, output.bit_length) {
            let what = format!(
                "`{input}` is {} of {bits} bits, the output {} of {} bits",
                from.name(),
                to.name(),
                output.bit_length
            );
            let fix = "let it follow an input of the same type and length";
            self.found.add(Rule::TypeMismatch, format!("{path}.from"), what, fix);
        }
    }

    /// A value is what the entry can be, exactly: it isn't rounded.
    fn value(&mut self, value: Setting, entry: Option<&PdoEntry>, path: &str) {
        let Some(entry) = entry.filter(|entry| entry.data_type.fits(entry.bit_length)) else { return };
        if let Err(error) = entry.data_type.admit(value.value(), entry.bit_length) {
            // Nothing can be held before something was sent.
            let fix = if path.ends_with("initial") {
                "give a value that the entry can take"
            } else {
                "give a value that the entry can take, or \"hold\""
            };
            self.found.add(Rule::TypeMismatch, path, error.to_string(), fix);
        }
    }

    /// A number is one channel's; several read tasks may have the same entry under it.
    fn number(&mut self, number: u32, read: Option<Meant<'a>>, path: &str) {
        match self.numbers.get(&number) {
            Some((other, _)) if read.is_some() && *other == read => {}
            Some((_, first)) => {
                let what = format!("{number} is already used in {first}");
                self.found.add(Rule::Duplicate, path, what, "give each channel its own number");
            }
            None => {
                self.numbers.insert(number, (read, path.to_owned()));
            }
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
            let fix = format!("use the key of a slave: {}", quoted(keys.clone()));
            let what = format!("no slave has the key `{device}`");
            self.found.unknown(format!("{at}.device"), what, fix, keys.map(str::to_owned));
            return None;
        };
        // A key that two have is one problem, told there, and none of each channel that uses it.
        if self.rig.slaves.iter().filter(|slave| slave.key == device).count() > 1 {
            return None;
        }
        if slave.optional && matches!(target, Target::Untyped { .. }) {
            let what = format!("`{device}` may be missing, and then the bus doesn't say the type");
            self.found.add(Rule::KeyMissing, format!("{at}.data_type"), what, "give its `data_type`");
        }
        match target {
            Target::Automatic { pdo } => self.named(slave, direction, pdo, &format!("{at}.pdo"))?,
            Target::Untyped { index, place, .. } => self.address(*index, place, at),
            Target::Manual { index, bit_length, data_type, place, .. } => {
                self.address(*index, place, at);
                if let Err(error) = data_type.check(*bit_length) {
                    let path = format!("{at}.bit_length");
                    self.found.add(
                        Rule::TypeMismatch,
                        path,
                        error.to_string(),
                        "correct the length or the `data_type`",
                    );
                }
            }
        }
        same_entry::ambiguous(slave, direction, target, at, self.found);
        assign::reached(slave, direction, target, at, self.found);
        let entry = entry(slave, direction, target)?;
        if let Some(bit) = bit.filter(|bit| *bit >= entry.bit_length) {
            let what = format!("the entry has {} bits, and bit {bit} is none of them", entry.bit_length);
            self.found.add(Rule::OutOfRange, format!("{at}.bit"), what, "count from 0, the least significant bit");
        }
        Some(entry)
    }

    fn address(&mut self, index: u16, place: &Place, at: &str) {
        same_entry::keys(place, at, self.found);
        let path = format!("{at}.index");
        self.found.demand(Rule::OutOfRange, index != 0, &path, "0 is padding", "give the index of an entry");
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
                let fix = format!("use one of {}", names(here));
                self.found.unknown(path, what, fix, here.iter().map(|entry| entry.name.clone()));
            }
            0 => {
                let what = format!("`{}` has no `{pdo}` among its {this}", slave.key);
                let address = format!("index and subindex, such as {}.0x6041:00", slave.key);
                let fix = match here {
                    [] => format!("give {address}; `zerocat scan -v` shows what it maps"),
                    _ => format!("use one of {}, or {address}", names(here)),
                };
                self.found.unknown(path, what, fix, here.iter().map(|entry| entry.name.clone()));
            }
            n => {
                let what = format!("`{pdo}` stands {n} times among the {this} of `{}`", slave.key);
                self.found.add(Rule::Duplicate, path, what, "give these entries different names in `pdos`");
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
