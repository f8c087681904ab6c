//! Names and numbers of channels that the file gives none for.
//!
//! A name is made of the SubDevice's key and the entry's name or address, and of nothing that a scan, a dictionary or a
//! description may know better later, so it never changes by itself.

use crate::any_channel::{AnyChannel, Meant};
use crate::rig::Rig;
use crate::task::{Target, Task};
use std::collections::{HashMap, HashSet};

/// Gives every channel a name, and a number that no other one has.
pub(crate) fn complete(rig: &mut Rig) {
    number(&mut rig.tasks);
    let names = names(&rig.tasks);
    places(&mut rig.tasks).into_iter().zip(names).for_each(|((_, place), name)| *place = name);
}

/// Number and name of each channel of all tasks.
fn places(tasks: &mut [Task]) -> Vec<(&mut u32, &mut String)> {
    tasks.iter_mut().flat_map(places_of).collect()
}

fn places_of(task: &mut Task) -> Vec<(&mut u32, &mut String)> {
    match task {
        Task::Read(task) => task.config.channels.iter_mut().map(|one| (&mut one.channel, &mut one.name)).collect(),
        Task::Write(task) => task.config.channels.iter_mut().map(|one| (&mut one.channel, &mut one.name)).collect(),
        Task::Scan(_) => Vec::new(),
    }
}

/// The name of each channel of all tasks: the file's, else one made here. Names made here that several entries would share
/// have the channel's number behind them, where the file gives it one.
fn names(tasks: &[Task]) -> Vec<String> {
    let channels: Vec<AnyChannel<'_>> = tasks.iter().flat_map(Task::channels).collect();
    let mut made: HashMap<String, HashSet<Meant<'_>>> = HashMap::new();
    for channel in channels.iter().filter(|channel| channel.name.is_empty()) {
        made.entry(default(channel)).or_default().insert(channel.meant());
    }
    let name = |channel: &AnyChannel<'_>| {
        if !channel.name.is_empty() {
            return channel.name.to_owned();
        }
        let name = default(channel);
        let shared = made.get(&name).is_some_and(|entries| entries.len() > 1);
        if shared && channel.numbered { format!("{name}_{}", channel.channel) } else { name }
    };
    channels.iter().map(name).collect()
}

/// The name of a channel that the file gives none for: `axis_status_word`, `axis_0x6041_00`, with `_bit3` behind it.
fn default(channel: &AnyChannel<'_>) -> String {
    let bit = channel.bit.map_or_else(String::new, |bit| format!("_bit{bit}"));
    let of = match channel.target {
        Target::Automatic { pdo } => sanitised(pdo),
        Target::Manual { index, subindex, .. } | Target::Untyped { index, subindex, .. } => {
            format!("{index:#06x}_{subindex:02x}")
        }
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

/// Numbers for the channels that have none: the lowest that the file doesn't use.
fn number(tasks: &mut [Task]) {
    let channels = || tasks.iter().flat_map(Task::channels);
    let numbered: Vec<bool> = channels().map(|channel| channel.numbered).collect();
    let given = channels().filter(|channel| channel.numbered).map(|channel| channel.channel);
    let used: HashSet<u32> = given.chain(channels().filter_map(|channel| channel.state_channel)).collect();
    let free = (1..).filter(|number| !used.contains(number));
    let unnumbered = places(tasks).into_iter().zip(numbered).filter(|(_, numbered)| !numbered);
    unnumbered.zip(free).for_each(|(((place, _), _), number)| *place = number);
}
