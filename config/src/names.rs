//! Names and numbers of channels that the file gives none for.
//!
//! A name is made of the SubDevice's key and the entry's name or address, and of nothing that a scan, a dictionary or a
//! description may know better later, so it never changes by itself.

use crate::rig::Rig;
use crate::task::{Target, Task};
use std::collections::{HashMap, HashSet};
use zerocat_pdi::Direction;

/// Gives every channel a name, and a number that no other one has.
pub(crate) fn complete(rig: &mut Rig) {
    number(&mut rig.tasks);
    let mut unnamed: Vec<_> = each(&mut rig.tasks).filter(|channel| channel.name.is_empty()).collect();
    unnamed.iter_mut().for_each(|channel| *channel.name = default(channel));
    tell_apart(&mut unnamed);
}

/// A channel of any task.
struct Channel<'a> {
    direction: Direction,
    device: &'a str,
    target: &'a Target,
    bit: Option<u8>,
    number: u32,
    numbered: bool,
    name: &'a mut String,
}

fn each(tasks: &mut [Task]) -> impl Iterator<Item = Channel<'_>> {
    tasks.iter_mut().flat_map(|task| -> Vec<Channel<'_>> {
        match task {
            Task::Read(task) => (task.config.channels.iter_mut())
                .map(|channel| Channel {
                    direction: Direction::Input,
                    device: &channel.device,
                    target: &channel.target,
                    bit: channel.bit,
                    number: channel.channel,
                    numbered: channel.numbered,
                    name: &mut channel.name,
                })
                .collect(),
            Task::Write(task) => (task.config.channels.iter_mut())
                .map(|channel| Channel {
                    direction: Direction::Output,
                    device: &channel.device,
                    target: &channel.target,
                    bit: channel.bit,
                    number: channel.channel,
                    numbered: channel.numbered,
                    name: &mut channel.name,
                })
                .collect(),
            Task::Scan(_) => Vec::new(),
        }
    })
}

/// The name of a channel that the file gives none for: `axis_status_word`, `axis_0x6041_00`, with `_bit3` behind it.
fn default(channel: &Channel<'_>) -> String {
    let bit = channel.bit.map_or_else(String::new, |bit| format!("_bit{bit}"));
    let of = match channel.target {
        Target::Automatic { pdo } => sanitised(pdo),
        Target::Manual { index, subindex, .. } => format!("{index:#06x}_{subindex:02x}"),
    };
    format!("{}_{of}{bit}", sanitised(channel.device))
}

/// In lower case, with underscores for all that is neither a letter nor a digit.
#[must_use]
pub fn sanitised(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_lowercase()),
            _ if name.ends_with('_') || name.is_empty() => {}
            _ => name.push('_'),
        }
    }
    name.truncate(name.trim_end_matches('_').len());
    name
}

/// Names made here that several entries would share have the channel's number behind them, where the file gives it one.
fn tell_apart(made: &mut [Channel<'_>]) {
    let mut of: HashMap<String, HashSet<String>> = HashMap::new();
    for channel in made.iter() {
        of.entry(channel.name.clone()).or_default().insert(entry_key(channel));
    }
    for channel in made.iter_mut().filter(|channel| channel.numbered) {
        if of.get(channel.name.as_str()).is_some_and(|entries| entries.len() > 1) {
            let number = channel.number;
            channel.name.push_str(&format!("_{number}"));
        }
    }
}

fn entry_key(channel: &Channel<'_>) -> String {
    format!("{:?} {} {:?} {:?}", channel.direction, channel.device, channel.target, channel.bit)
}

/// Numbers for the channels that have none: the lowest that the file doesn't use.
fn number(tasks: &mut [Task]) {
    let mut used: HashSet<u32> = HashSet::new();
    for task in tasks.iter() {
        match task {
            Task::Read(task) => {
                used.extend(task.config.channels.iter().filter(|one| one.numbered).map(|one| one.channel));
            }
            Task::Write(task) => {
                used.extend(task.config.channels.iter().filter(|one| one.numbered).map(|one| one.channel));
                used.extend(task.config.channels.iter().filter_map(|one| one.state_channel));
            }
            Task::Scan(_) => {}
        }
    }
    let mut free = (1..).filter(|number| !used.contains(number));
    for task in tasks {
        match task {
            Task::Read(task) => {
                let unnumbered = task.config.channels.iter_mut().filter(|one| !one.numbered);
                unnumbered.for_each(|one| one.channel = free.next().unwrap_or_default());
            }
            Task::Write(task) => {
                let unnumbered = task.config.channels.iter_mut().filter(|one| !one.numbered);
                unnumbered.for_each(|one| one.channel = free.next().unwrap_or_default());
            }
            Task::Scan(_) => {}
        }
    }
}
