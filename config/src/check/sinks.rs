//! Sinks: that each has a path of its own, that lines by number have numbers, and that a CSV is a table of its own.

use super::{Found, Unique};
use crate::any_channel::AnyChannel;
use crate::error::Rule;
use crate::file_key::FileKey;
use crate::rig::Rig;
use crate::sink::{By, Format, Sink};
use crate::task::Task;

/// Checks the sinks of all tasks.
pub(super) fn sinks(rig: &Rig, found: &mut Found) {
    let mut files = Unique::new();
    let mut stdout = None;
    for (i, task) in rig.tasks.iter().enumerate() {
        for (n, sink) in task.sinks().iter().enumerate() {
            let at = if task.sinks().len() == 1 { format!("tasks[{i}].sink") } else { format!("tasks[{i}].sink[{n}]") };
            file(sink, &at, &mut files, found);
            table(sink, &at, &mut stdout, found);
            columns(task, sink, &at, found);
            if sink.by == Some(By::Number)
                && let Some(name) = unnumbered(task)
            {
                let what = format!("channel `{name}` has no number");
                found.add(
                    Rule::KeyMissing,
                    format!("{at}.by"),
                    what,
                    "give each enabled channel a `channel`, or use names",
                );
            }
        }
    }
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

fn unnumbered(task: &Task) -> Option<&str> {
    enabled(task).find(|channel| !channel.numbered).map(|channel| channel.name)
}

/// The enabled channels of a task.
fn enabled(task: &Task) -> impl Iterator<Item = AnyChannel<'_>> {
    task.channels().into_iter().filter(|channel| channel.enabled)
}
