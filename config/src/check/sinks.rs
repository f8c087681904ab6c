//! Sinks: that each has a path of its own, which isn't the rig file's, that lines by number have numbers, and that a CSV is a table of its own.

use super::{Found, Unique};
use crate::any_channel::AnyChannel;
use crate::error::Rule;
use crate::file_key::FileKey;
use crate::rig::Rig;
use crate::sink::{By, Format, Sink};
use crate::task::Task;
use std::path::Path;
use zerocat_pdi::Direction;

/// Checks the sinks of all tasks.
pub(super) fn sinks(rig: &Rig, found: &mut Found) {
    let mut files = Unique::new();
    let mut stdout = None;
    for (i, task) in rig.tasks.iter().enumerate() {
        for (n, sink) in task.sinks().iter().enumerate() {
            let at = place(task, i, n);
            file(sink, &at, &mut files, found);
            table(sink, &at, &mut stdout, found);
            columns(task, sink, &at, found);
            if sink.by == Some(By::Number)
                && let Some(name) = unnumbered(task)
            {
                let key = if matches!(task, Task::Write(_)) { "state_channel" } else { "channel" };
                let what = format!("channel `{name}` has no `{key}`, which is its number in these lines");
                let fix = format!("give each enabled channel a `{key}`, or use names");
                found.add(Rule::KeyMissing, format!("{at}.by"), what, fix);
            }
        }
    }
}

/// Checks that no sink writes to the rig file itself.
pub(super) fn beside(rig: &Rig, rig_file: &Path, found: &mut Found) {
    let Some(own) = FileKey::of(rig_file) else { return };
    for (i, task) in rig.tasks.iter().enumerate() {
        for (n, sink) in task.sinks().iter().enumerate() {
            let empty = sink.is_stdout() || sink.path().as_os_str().is_empty();
            if !empty && FileKey::of(sink.path()).as_ref() == Some(&own) {
                let at = format!("{}.{}", place(task, i, n), sink.key());
                let what = format!("`{}` is the rig file itself", sink.path().display());
                found.add(Rule::Duplicate, at, what, "give each sink its own file");
            }
        }
    }
}

/// Where the file has the `n`th sink of the `i`th task.
fn place(task: &Task, i: usize, n: usize) -> String {
    if task.sinks().len() == 1 { format!("tasks[{i}].sink") } else { format!("tasks[{i}].sink[{n}]") }
}

fn file(sink: &Sink, at: &str, files: &mut Unique<FileKey>, found: &mut Found) {
    let path = format!("{at}.{}", sink.key());
    let empty = sink.path().as_os_str().is_empty();
    found.demand(Rule::Empty, !empty, &path, "it is empty", "name a file, or \"-\" for standard output");
    if sink.is_stdout() || empty {
        return;
    }
    let name = sink.path().display();
    if let Some(first) = FileKey::of(sink.path()).and_then(|file| files.taken(file, &path)) {
        found.add(Rule::Duplicate, path, format!("`{name}` is already used in {first}"), "give each sink its own file");
    }
}

/// A CSV on standard output has it to itself. `first` is the sink that has it already, and whether that is a CSV.
fn table(sink: &Sink, at: &str, first: &mut Option<(String, bool)>, found: &mut Found) {
    if !sink.is_stdout() {
        return;
    }
    let (at, csv) = (format!("{at}.{}", sink.key()), matches!(sink.format, Format::Csv(_)));
    match first {
        Some((first, other)) if csv || *other => {
            let what = format!("{first} writes to standard output already, and a CSV can't share it");
            found.add(Rule::Conflict, at, what, "write one of them to a file");
        }
        Some(_) => {}
        None => *first = Some((at, csv)),
    }
}

/// Columns that every CSV has.
const COLUMNS: [&str; 3] = ["time_ns", "stale", "stale_channels"];

fn columns(task: &Task, sink: &Sink, at: &str, found: &mut Found) {
    let named = matches!(sink.format, Format::Csv(_)) && sink.by != Some(By::Number);
    let names = enabled(task).map(|channel| channel.name);
    for name in names.filter(|name| named && COLUMNS.contains(name)) {
        let what = format!("channel `{name}` has the name of a column that every CSV has");
        found.add(Rule::Name, format!("{at}.csv"), what, "give the channel another `name`");
    }
}

/// A channel that has no number in lines: those of a write task hold its states.
fn unnumbered(task: &Task) -> Option<&str> {
    let has = |channel: &AnyChannel<'_>| match channel.direction {
        Direction::Input => channel.numbered,
        Direction::Output => channel.state_channel.is_some(),
    };
    enabled(task).find(|channel| !has(channel)).map(|channel| channel.name)
}

/// The enabled channels of a task.
fn enabled(task: &Task) -> impl Iterator<Item = AnyChannel<'_>> {
    task.channels().into_iter().filter(|channel| channel.enabled)
}
