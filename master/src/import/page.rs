//! The rig file as its reader gets it: short lines, and comments that say what each SubDevice is and what was left out of
//! it.

use super::subdevice::SubDevice;
use super::{Import, NotImported, channels::Channel};
use crate::draft::page::{DraftFormat, Entry, Item, Node, entry, written};
use crate::draft::{output_value, plain, slave_line, text as quoted};
use zerocat_config::{StartupCommand, Timeouts, Transition};
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
    if let Some(millis) = import.cycle.watchdog_ms {
        map.push(entry("engine", Node::Map(vec![entry("watchdog", quoted(&format!("{millis}ms")))])));
    }
    written(&begin, &map, format)
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
    if subdevice.startup.is_empty() {
        return Item { comments, value: Node::Line(line) };
    }
    let mut map: Vec<Entry> = line.into_iter().map(|(key, value)| entry(key, value)).collect();
    let startup = subdevice.startup.iter().map(|startup| {
        let comments = if startup.comment.is_empty() { Vec::new() } else { vec![startup.comment.clone()] };
        Item { comments, value: Node::Line(startup_line(&startup.command)) }
    });
    map.push(entry("startup", Node::List(startup.collect())));
    Item { comments, value: Node::Map(map) }
}

fn timeouts(timeouts: &Timeouts) -> Vec<(&'static str, Node)> {
    let given = timeouts.all().into_iter().filter_map(|(key, time)| Some((key, time?)));
    given.map(|(key, time)| (key, quoted(&format!("{}ms", time.as_millis())))).collect()
}

fn startup_line(command: &StartupCommand) -> Vec<(&'static str, Node)> {
    let mut line = vec![("transition", quoted(transition(command.transition))), ("object", quoted(&command.object))];
    line.extend(command.data_type.as_deref().map(|name| ("data_type", quoted(name))));
    let value = match &command.value {
        serde_json::Value::String(bytes) => Node::Text(bytes.clone()),
        number => plain(number),
    };
    line.push(("value", value));
    if command.complete_access {
        line.push(("complete_access", plain(true)));
    }
    line
}

const fn transition(transition: Transition) -> &'static str {
    match transition {
        Transition::InitToPreOp => "IP",
        Transition::PreOpToSafeOp => "PS",
        Transition::SafeOpToOp => "SO",
        Transition::OpToSafeOp => "OS",
        Transition::SafeOpToPreOp => "SP",
        Transition::PreOpToInit => "PI",
    }
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
