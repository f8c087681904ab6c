//! The draft as its reader gets it: short lines, hexadecimal numbers, and comments that say what each SubDevice is and what
//! to change.
//!
//! Guarantees: read as a rig file, the text is the rig that [`draft_rig`] drafts.

use super::advice::{self, Advice};
use super::page::{DraftFormat, Entry, Item, Node, entry, written};
use super::{draft_rig, idns};
use crate::import::startup_line;
use crate::scan::{Scan, Scanned};
use std::path::PathBuf;
use zerocat_bus::sii::Content;
use zerocat_config::{
    Match, OutputValue, Place, ReadChannel, ReadTask, Rig, Setting, Slave, Target, Task, WriteChannel, WriteTask,
};
use zerocat_pdi::DataType;

/// Positions of twins that are named at most.
const MOST_NAMED: usize = 8;

/// Drafts a rig file for the bus that was scanned on `interface`, as text.
#[must_use]
pub fn draft_text(scan: &Scan, interface: &str, format: DraftFormat) -> String {
    let rig = draft_rig(scan, interface);
    let count = scan.subdevices.len();
    let begin = [
        format!("Rig file, drafted by zerocat from the bus at {interface}: {count} SubDevices."),
        "`zerocat check FILE` checks it, `zerocat run FILE` runs it.".to_owned(),
        "docs/rig-file.md has every key.".to_owned(),
    ];
    let mut map = vec![network(&rig)];
    map.extend(esi(&rig));
    if !rig.slaves.is_empty() {
        map.push(slaves(scan, &rig));
    }
    if !rig.tasks.is_empty() {
        let tasks = rig.tasks.iter().filter_map(|task| match task {
            Task::Read(task) => Some(read_task(task, scan, &rig)),
            Task::Write(task) => Some(write_task(task, scan, &rig)),
            Task::Scan(_) => None,
        });
        map.push(entry("tasks", Node::List(tasks.collect())));
    }
    written(&begin, &map, format)
}

/// Where the descriptions are.
fn esi(rig: &Rig) -> Option<Entry> {
    let folder = |path: &PathBuf| Item { comments: Vec::new(), value: text(&path.to_string_lossy()) };
    let folders: Vec<Item> = rig.esi.iter().map(folder).collect();
    let comments = vec!["Vendors' device descriptions (ESI), from this file's folder on.".to_owned()];
    (!folders.is_empty()).then(|| Entry { comments, ..entry("esi", Node::List(folders)) })
}

/// A SubDevice: on one line where nothing is to be written to it.
fn slave_item(slave: &Slave, mut comments: Vec<String>, advice: Advice) -> Item {
    let line = slave_line(slave);
    comments.extend(advice.notes);
    if slave.startup.is_empty() && slave.dc.is_none() {
        return Item { comments, value: Node::Line(line) };
    }
    let mut map: Vec<Entry> = line.into_iter().map(|(key, value)| entry(key, value)).collect();
    let mode = slave.dc.as_ref().and_then(|dc| dc.mode.as_deref());
    map.extend(mode.map(|mode| entry("dc", Node::Line(vec![("mode", text(mode))]))));
    let startup: Vec<Item> = advice
        .startup
        .into_iter()
        .map(|(command, said)| Item {
            comments: Some(said).filter(|said| !said.is_empty()).into_iter().collect(),
            value: Node::Line(startup_line(&command)),
        })
        .collect();
    if !startup.is_empty() {
        map.push(entry("startup", Node::List(startup)));
    }
    Item { comments, value: Node::Map(map) }
}

fn network(rig: &Rig) -> Entry {
    let properties = &rig.network.properties;
    let rate = "Cycles per second; `sample_rate` and `state_rate` of a task divide it.".to_owned();
    let rate = Entry { comments: vec![rate], ..entry("rate", plain(properties.rate)) };
    entry("network", Node::Map(vec![entry("interface", text(&properties.interface)), rate]))
}

fn slaves(scan: &Scan, rig: &Rig) -> Entry {
    let comments = [
        "Each is found by its serial number, station alias or device ID where one is given, else at its position, else as the first \
         of its kind. A revision with >= takes newer ones too; without >= it must be equal, without the key any will do.",
    ];
    let twins = scan.twins();
    let item =
        |(found, slave): (&Scanned, &Slave)| slave_item(slave, about(found, &twins), advice::of(found, rig.period()));
    let items = scan.subdevices.iter().zip(&rig.slaves).map(item).collect();
    Entry { comments: comments.map(str::to_owned).to_vec(), ..entry("slaves", Node::List(items)) }
}

/// What a SubDevice is, in words.
fn about(found: &Scanned, twins: &[Vec<u16>]) -> Vec<String> {
    let vendor = found.identity.vendor();
    let vendor = if vendor.starts_with("0x") { format!("vendor {vendor}") } else { vendor };
    let mut line = format!("{}: {}, {vendor}", found.position, found.name);
    if found.identity.serial != 0 {
        line.push_str(&format!(", serial number {}", found.identity.serial));
    }
    if found.alias != 0 {
        line.push_str(&format!(", station alias {}", found.alias));
    }
    line.push_str(&maps(found));
    let mut lines = vec![line];
    if let Some(group) = twins.iter().find(|group| group.contains(&found.position)) {
        let others: Vec<String> =
            group.iter().filter(|other| **other != found.position).map(ToString::to_string).collect();
        let more = if others.len() > MOST_NAMED { " and more" } else { "" };
        let named = others.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
        lines.push(format!("A twin of those at {named}{more}: only its position tells it apart."));
    }
    if found.error.is_some() {
        lines.push("It couldn't be read. Scan again, or add its channels below and remove `unread`.".to_owned());
    }
    lines.extend(found.notes.iter().map(|note| format!("Note: {note}")));
    lines
}

/// What it maps, and where that was read.
fn maps(found: &Scanned) -> String {
    let mapped = |pdos: &[zerocat_pdi::Pdo]| {
        pdos.iter().flat_map(|pdo| &pdo.entries).filter(|one| !one.is_padding() && one.bit_length > 0).count()
    };
    let (inputs, outputs) = (mapped(&found.inputs), mapped(&found.outputs));
    match (found.pdo_source, inputs + outputs) {
        (None, _) if found.sii != Content::Programmed || found.error.is_some() => String::new(),
        (None, _) | (_, 0) => "; no process data".to_owned(),
        (Some(source), _) => {
            format!("; {}, {}, by {source}", several(inputs, "input"), several(outputs, "output"))
        }
    }
}

fn several(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

/// What a slave says of itself, on one line.
pub(crate) fn slave_line(slave: &Slave) -> Vec<(&'static str, Node)> {
    let properties = &slave.properties;
    let mut line = vec![("key", text(&slave.key))];
    line.extend(properties.position.map(|position| ("position", plain(position))));
    line.extend(slave.alias.map(|alias| ("alias", plain(alias))));
    line.extend(slave.device_id.map(|id| ("device_id", plain(id))));
    line.extend(properties.serial.equal().map(|serial| ("serial", plain(serial))));
    let rules = [
        ("vendor_id", &properties.vendor_id),
        ("product_code", &properties.product_code),
        ("revision", &properties.revision),
    ];
    for (key, rule) in rules {
        let value = match rule {
            Match::Any => continue,
            Match::Equal(_) => Node::Hex(rule.to_string()),
            Match::AtLeast(_) | Match::Name(_) => text(&rule.to_string()),
        };
        line.push((key, value));
    }
    line.extend(slave.unread.as_deref().map(|why| ("unread", text(why))));
    line
}

fn read_task(task: &ReadTask, scan: &Scan, rig: &Rig) -> Item {
    let comment = "All inputs, to standard output; { jsonl: samples.jsonl } writes a file.".to_owned();
    let channels = task.config.channels.iter();
    let channels = channels.map(|one| (one.device.as_str(), Node::Line(read_line(one, found(&one.device, scan, rig)))));
    let map = vec![
        entry("type", text("ethercat_read")),
        entry("name", text(&task.name)),
        entry("sample_rate", plain(task.config.sample_rate)),
        entry("sink", Node::Line(vec![("jsonl", text("-"))])),
        entry("channels", Node::List(grouped(channels, scan, rig))),
    ];
    Item { comments: vec![comment], value: Node::Map(map) }
}

fn write_task(task: &WriteTask, scan: &Scan, rig: &Rig) -> Item {
    let first = task.config.channels.first().map_or("", |channel| &channel.name);
    let comments = vec![
        "All outputs. None is commanded as it stands: set `enabled` to true for those that you want, and hand such lines"
            .to_owned(),
        format!("  {{\"{first}\": 1}}"),
        "to the standard input of `zerocat run`. `safe` is what an output is until then, and whenever commands are not \
         taken; `initial` what it is until it is commanded for the first time."
            .to_owned(),
    ];
    let channels = task.config.channels.iter();
    let channels =
        channels.map(|one| (one.device.as_str(), Node::Line(write_line(one, found(&one.device, scan, rig)))));
    let map = vec![
        entry("type", text("ethercat_write")),
        entry("name", text(&task.name)),
        entry("channels", Node::List(grouped(channels, scan, rig))),
    ];
    Item { comments, value: Node::Map(map) }
}

/// Channels with a word before those of each SubDevice.
fn grouped<'a>(channels: impl Iterator<Item = (&'a str, Node)>, scan: &Scan, rig: &Rig) -> Vec<Item> {
    let mut before = None;
    let mut items = Vec::new();
    for (device, value) in channels {
        let mut comments = Vec::new();
        if before != Some(device) {
            let of = found(device, scan, rig);
            comments.extend(of.map(|found| format!("{} at position {}", found.name, found.position)));
        }
        before = Some(device);
        items.push(Item { comments, value });
    }
    items
}

/// The SubDevice that has this key in the draft.
fn found<'a>(key: &str, scan: &'a Scan, rig: &Rig) -> Option<&'a Scanned> {
    let mut all = scan.subdevices.iter().zip(&rig.slaves);
    all.find(|(_, slave)| slave.key == key).map(|(found, _)| found)
}

fn read_line(channel: &ReadChannel, found: Option<&Scanned>) -> Vec<(&'static str, Node)> {
    channel_line(&channel.device, &channel.target, &channel.name, found)
}

fn write_line(channel: &WriteChannel, found: Option<&Scanned>) -> Vec<(&'static str, Node)> {
    let mut line = channel_line(&channel.device, &channel.target, &channel.name, found);
    for (key, value) in [("initial", &channel.initial), ("safe", &channel.safe)] {
        line.extend(value.as_ref().map(|value| (key, output_value(value))));
    }
    line.push(("enabled", plain(channel.enabled)));
    line
}

fn channel_line(device: &str, target: &Target, name: &str, found: Option<&Scanned>) -> Vec<(&'static str, Node)> {
    let Target::Manual { index, subindex, place, bit_length, data_type } = target else { return Vec::new() };
    let is_idn = found.is_some_and(|found| idns::is_idn(found, *index));
    let mut line = vec![("entry", text(&format!("{device}.{}", idns::address(is_idn, *index, *subindex))))];
    let Place { pdo_index, pdo_nth, nth } = place;
    line.extend(pdo_index.map(|index| ("pdo_index", Node::Hex(format!("{index:#06x}")))));
    line.extend(pdo_nth.map(|nth| ("pdo_nth", plain(nth))));
    line.extend(nth.map(|nth| ("nth", plain(nth))));
    line.push(("name", text(name)));
    line.push(("data_type", text(data_type.name())));
    if *data_type == DataType::Bytes || *bit_length != data_type.bits() {
        line.push(("bit_length", plain(bit_length)));
    }
    line
}

/// What an output is while nobody commands it.
pub(crate) fn output_value(value: &OutputValue) -> Node {
    match value {
        OutputValue::Hold => text("hold"),
        OutputValue::Value(Setting::Number(number)) => plain(number),
        OutputValue::Value(Setting::Bytes(bytes)) => text(&bytes.to_string()),
        OutputValue::From(input) => Node::Line(vec![("from", text(&input.to_string()))]),
    }
}

/// A text.
pub(crate) fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

/// A number, true or false.
pub(crate) fn plain(value: impl std::fmt::Display) -> Node {
    Node::Plain(value.to_string())
}
