//! Sinks: that each has a path of its own, and that lines by number have numbers.

use super::{Found, Unique};
use crate::error::Rule;
use crate::file_key::FileKey;
use crate::rig::Rig;
use crate::sink::{By, Sink};
use crate::task::Task;

/// Checks the sinks of all tasks.
pub(super) fn sinks(rig: &Rig, found: &mut Found) {
    let mut files = Unique::new();
    for (i, task) in rig.tasks.iter().enumerate() {
        for (n, sink) in task.sinks().iter().enumerate() {
            let at = if task.sinks().len() == 1 { format!("tasks[{i}].sink") } else { format!("tasks[{i}].sink[{n}]") };
            file(sink, &at, &mut files, found);
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

fn unnumbered(task: &Task) -> Option<&str> {
    match task {
        Task::Read(task) => {
            let mut enabled = task.config.channels.iter().filter(|channel| channel.enabled);
            enabled.find(|channel| !channel.numbered).map(|channel| channel.name.as_str())
        }
        Task::Write(task) => {
            let mut enabled = task.config.channels.iter().filter(|channel| channel.enabled);
            enabled.find(|channel| !channel.numbered).map(|channel| channel.name.as_str())
        }
        Task::Scan(_) => None,
    }
}
