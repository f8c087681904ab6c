//! The rig file as its reader gets it: short lines, and comments that say what each SubDevice is and what was left out of
//! it.

use super::subdevice::SubDevice;
use super::{Import, NotImported, channels::Channel};
use crate::draft::page::{DraftFormat, Entry, Item, Node, entry, written};
use crate::draft::{output_value, plain, slave_line, text as quoted};
use std::time::Duration;
use zerocat_config::dc::SubDeviceDc;
use zerocat_config::{AssignedPdo, Assignment, MappedEntry, OnError, StartupCommand, Timeouts, Watchdogs};
use zerocat_pdi::DataType;

/// Things with one reason that a comment names at most.
const MOST_NAMED: usize = 12;

pub(super) fn text(import: &Import, format: DraftFormat) -> String {
    let count = import.subdevices.len();
    let mut begin = vec![
        format!("Rig file, imported by zerocat from a network description (ENI): {count} SubDevices."),
        "`zerocat check FILE` checks it, `zerocat run FILE` runs it.".to_owned(),
        "docs/rig-file.md has every key, docs/import.md says what is taken from where.".to_owned(),
    ];
    begin.extend(left_out(&import.left_out));
    let slaves = import.subdevices.iter().map(slave).collect();
    let mut map = vec![network(import), entry("slaves", Node::List(slaves))];
    let tasks: Vec<Item> = read_task(import).into_iter().chain(write_task(import)).collect();
    if !tasks.is_empty() {
        map.push(entry("tasks", Node::List(tasks)));
    }
    let engine = engine(import);
    if !engine.is_empty() {
        map.push(entry("engine", Node::Map(engine)));
    }
    written(&begin, &map, format)
}

fn engine(import: &Import) -> Vec<Entry> {
    let watchdog = import.cycle.watchdog_ms.map(|millis| entry("watchdog", quoted(&format!("{millis}ms"))));
    let asked = import.subdevices.iter().any(|subdevice| subdevice.dc.is_some());
    let reference = import.subdevices.iter().find(|subdevice| asked && subdevice.reference);
    let dc = reference.map(|subdevice| entry("dc", Node::Line(vec![("reference", quoted(&subdevice.key))])));
    watchdog.into_iter().chain(dc).collect()
}

fn left_out(left_out: &[NotImported]) -> impl Iterator<Item = String> {
    NotImported::lines(left_out, MOST_NAMED).into_iter().map(|line| format!("Left out: {line}"))
}

fn network(import: &Import) -> Entry {
    let rate = "Cycles per second; `sample_rate` and `state_rate` of a task divide it.".to_owned();
    let rate = Entry { comments: vec![rate], ..entry("rate", plain(import.cycle.rate)) };
    entry("network", Node::Map(vec![entry("interface", quoted(&import.interface)), rate]))
}

fn slave(subdevice: &SubDevice) -> Item {
    let (inputs, outputs) = (subdevice.inputs.len(), subdevice.outputs.len());
    let mut comments = vec![format!("{}: {}; {inputs} inputs, {outputs} outputs", subdevice.position, subdevice.name)];
    comments.extend(left_out(&subdevice.left_out));
    let slave = subdevice.slave();
    let mut line = slave_line(&slave);
    let timeouts = timeouts(&slave.timeouts);
    if !timeouts.is_empty() {
        line.push(("timeouts", Node::Line(timeouts)));
    }
    let watchdog = watchdog(&subdevice.watchdog);
    if !watchdog.is_empty() {
        line.push(("watchdog", Node::Line(watchdog)));
    }
    let below = below(subdevice);
    if below.is_empty() {
        return Item { comments, value: Node::Line(line) };
    }
    let mut map: Vec<Entry> = line.into_iter().map(|(key, value)| entry(key, value)).collect();
    map.extend(below);
    Item { comments, value: Node::Map(map) }
}

/// What takes lines of its own: clock, assignment, startup commands.
fn below(subdevice: &SubDevice) -> Vec<Entry> {
    let mut map = Vec::new();
    map.extend(subdevice.dc.as_ref().map(|dc| entry("dc", Node::Line(clock_line(dc)))));
    map.extend(subdevice.assign.as_ref().map(|assign| entry("assign", Node::Map(assignment(assign)))));
    if subdevice.startup.is_empty() {
        return map;
    }
    let startup = subdevice.startup.iter().map(|startup| {
        let comments = if startup.comment.is_empty() { Vec::new() } else { vec![startup.comment.clone()] };
        Item { comments, value: Node::Line(startup_line(&startup.command)) }
    });
    map.push(entry("startup", Node::List(startup.collect())));
    map
}

fn clock_line(dc: &SubDeviceDc) -> Vec<(&'static str, Node)> {
    let mut line = Vec::new();
    line.extend(dc.assign_activate.map(|word| ("assign_activate", Node::Hex(format!("{word:#06x}")))));
    if let Some(sync0) = dc.sync0 {
        let mut of_it = Vec::new();
        of_it.extend(sync0.cycle.map(|cycle| ("cycle", quoted(&time(cycle)))));
        of_it.extend(sync0.shift_ns.map(|shift| ("shift_ns", plain(shift))));
        line.push(("sync0", Node::Line(of_it)));
    }
    let delay = dc.sync1.and_then(|sync1| sync1.delay);
    line.extend(delay.map(|delay| ("sync1", Node::Line(vec![("delay", quoted(&time(delay)))]))));
    line
}

/// A time in the largest unit that it is a whole number of.
fn time(time: Duration) -> String {
    let nanos = time.as_nanos();
    match nanos {
        nanos if nanos.is_multiple_of(1_000_000) => format!("{}ms", nanos / 1_000_000),
        nanos if nanos.is_multiple_of(1000) => format!("{}us", nanos / 1000),
        nanos => format!("{nanos}ns"),
    }
}

fn assignment(assignment: &Assignment) -> Vec<Entry> {
    let lists = [("inputs", &assignment.inputs), ("outputs", &assignment.outputs)];
    let given = lists.into_iter().filter_map(|(key, pdos)| Some((key, pdos.as_ref()?)));
    let list = |pdos: &[AssignedPdo]| Node::List(pdos.iter().map(|pdo| bare(assigned(pdo))).collect());
    // A list without lines would be none.
    let none = || Node::Plain("[]".to_owned());
    given.map(|(key, pdos)| entry(key, if pdos.is_empty() { none() } else { list(pdos) })).collect()
}

fn assigned(pdo: &AssignedPdo) -> Node {
    let index = Node::Hex(format!("{:#06x}", pdo.index));
    let Some(entries) = &pdo.entries else { return index };
    let entries = match entries.as_slice() {
        [] => Node::Plain("[]".to_owned()),
        entries => Node::List(entries.iter().map(|one| bare(Node::Line(mapped(one)))).collect()),
    };
    Node::Map(vec![entry("index", index), entry("entries", entries)])
}

fn mapped(entry: &MappedEntry) -> Vec<(&'static str, Node)> {
    let object = format!("{:#06x}:{:02x}", entry.index, entry.subindex);
    let object = (!entry.is_padding()).then(|| ("object", quoted(&object)));
    object.into_iter().chain([("bit_length", plain(entry.bit_length))]).collect()
}

const fn bare(value: Node) -> Item {
    Item { comments: Vec::new(), value }
}

fn timeouts(timeouts: &Timeouts) -> Vec<(&'static str, Node)> {
    let given = timeouts.all().into_iter().filter_map(|(key, time)| Some((key, time?)));
    given.map(|(key, time)| (key, quoted(&format!("{}ms", time.as_millis())))).collect()
}

fn watchdog(watchdog: &Watchdogs) -> Vec<(&'static str, Node)> {
    let both = [("process_data", watchdog.process_data), ("pdi", watchdog.pdi)];
    both.into_iter().filter_map(|(key, of_it)| Some((key, quoted(&time(of_it?))))).collect()
}

/// A startup command on one line.
pub(crate) fn startup_line(command: &StartupCommand) -> Vec<(&'static str, Node)> {
    let mut line = vec![("transition", quoted(command.transition.name())), ("object", quoted(&command.object))];
    line.extend(command.drive.map(|drive| ("drive", plain(drive))));
    line.extend(command.data_type.as_deref().map(|name| ("data_type", quoted(name))));
    let value = match &command.value {
        serde_json::Value::String(bytes) => Node::Text(bytes.clone()),
        number => plain(number),
    };
    line.push(("value", value));
    if command.complete_access {
        line.push(("complete_access", plain(true)));
    }
    if command.on_error == OnError::Warn {
        line.push(("on_error", quoted("warn")));
    }
    line
}

fn read_task(import: &Import) -> Option<Item> {
    let channels = |subdevice: &SubDevice| {
        subdevice.inputs.iter().map(|channel| channel_line(channel, &subdevice.key)).collect::<Vec<_>>()
    };
    let channels = grouped(import, channels);
    let map = vec![
        entry("type", quoted("ethercat_read")),
        entry("name", quoted("inputs")),
        entry("sample_rate", plain(import.cycle.sample_rate)),
        entry("sink", Node::Line(vec![("jsonl", quoted("-"))])),
        entry("channels", Node::List(channels?)),
    ];
    let comment = "All inputs, to standard output; { jsonl: samples.jsonl } writes a file.".to_owned();
    Some(Item { comments: vec![comment], value: Node::Map(map) })
}

fn write_task(import: &Import) -> Option<Item> {
    let channels = |subdevice: &SubDevice| {
        let lines = subdevice.outputs.iter().map(|(channel, standing)| {
            let mut line = channel_line(channel, &subdevice.key);
            for (key, value) in [("initial", &standing.initial), ("safe", &standing.safe)] {
                line.extend(value.as_ref().map(|value| (key, output_value(value))));
            }
            line.push(("enabled", plain(false)));
            line
        });
        lines.collect::<Vec<_>>()
    };
    let map = vec![
        entry("type", quoted("ethercat_write")),
        entry("name", quoted("outputs")),
        entry("channels", Node::List(grouped(import, channels)?)),
    ];
    let comment = "All outputs. None is commanded as it stands: set `enabled` to true for those that you want. `safe` is what \
                   an output is until it is commanded, and whenever commands are not taken; `initial` what it is until it \
                   is commanded for the first time."
        .to_owned();
    Some(Item { comments: vec![comment], value: Node::Map(map) })
}

/// Channels with a word before those of each SubDevice; none where there is no channel.
fn grouped(import: &Import, channels: impl Fn(&SubDevice) -> Vec<Vec<(&'static str, Node)>>) -> Option<Vec<Item>> {
    let mut items: Vec<Item> = Vec::new();
    for subdevice in &import.subdevices {
        let before = format!("{} at position {}", subdevice.name, subdevice.position);
        let mut comments = vec![before];
        for line in channels(subdevice) {
            items.push(Item { comments: std::mem::take(&mut comments), value: Node::Line(line) });
        }
    }
    (!items.is_empty()).then_some(items)
}

fn channel_line(channel: &Channel, key: &str) -> Vec<(&'static str, Node)> {
    let mut line = vec![("entry", quoted(&channel.entry(key)))];
    let place = &channel.place;
    line.extend(place.pdo_index.map(|index| ("pdo_index", Node::Hex(format!("{index:#06x}")))));
    line.extend(place.pdo_nth.map(|nth| ("pdo_nth", plain(nth))));
    line.extend(place.nth.map(|nth| ("nth", plain(nth))));
    line.push(("name", quoted(&channel.name)));
    if let Some((data_type, bits)) = channel.kind {
        line.push(("data_type", quoted(data_type.name())));
        if data_type == DataType::Bytes || bits != data_type.bits() {
            line.push(("bit_length", plain(bits)));
        }
    }
    line
}
