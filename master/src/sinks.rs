//! The sinks of a rig's tasks, opened before anything is sent.
//!
//! A sink has a thread of its own, which may wait as long as its reader sleeps. Tasks with the same standard output share one
//! sink, so that their lines stay whole.

use crate::outfile::{Existing, Outfile};
use crate::tasks::TaskStartError;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use zerocat_config::{Rig, Sink as SinkConfig, Task};
use zerocat_tasks::{Batch, JsonLines, Sink};

/// How long the thread of a sink waits for a reader.
const PATIENCE: Duration = Duration::MAX;

/// Open sinks, in the order of a rig's tasks.
#[derive(Default)]
pub struct Sinks(Vec<Option<Box<dyn Sink>>>);

impl fmt::Debug for Sinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(Option::is_some)).finish()
    }
}

impl Sinks {
    /// Opens those that the tasks ask for. A file is made if it isn't there, and appended to if it is.
    ///
    /// # Errors
    /// One can't be opened.
    pub fn open(rig: &Rig) -> Result<Self, TaskStartError> {
        let mut stdout = None;
        let sinks = rig.tasks.iter().map(|task| match wanted(task) {
            Some(sink) => open(sink.path(), &mut stdout)
                .map(Some)
                .map_err(|source| TaskStartError::Sink { task: task.name().to_owned(), source }),
            None => Ok(None),
        });
        sinks.collect::<Result<_, _>>().map(Self)
    }

    /// Takes the sink of a task, if it has one.
    pub(crate) fn take(&mut self, task: usize) -> Option<Box<dyn Sink>> {
        self.0.get_mut(task)?.take()
    }
}

/// The sink that a task asks for.
fn wanted(task: &Task) -> Option<&SinkConfig> {
    match task {
        Task::Read(task) => task.sinks.first().filter(|_| task.config.data_saving),
        Task::Write(task) => task.sinks.first().filter(|_| task.config.data_saving),
        Task::Scan(_) => None,
    }
}

fn open(path: &Path, stdout: &mut Option<Stdout>) -> Result<Box<dyn Sink>, SinkError> {
    if path != Path::new("-") {
        return Ok(Box::new(JsonLines::new(Outfile::open(path, Existing::Append, PATIENCE)?)));
    }
    let shared = match stdout.take() {
        Some(shared) => shared,
        None => Stdout(Arc::new(Mutex::new(JsonLines::new(Outfile::stdout(PATIENCE).map_err(SinkError::Stdout)?)))),
    };
    *stdout = Some(Stdout(Arc::clone(&shared.0)));
    Ok(Box::new(shared))
}

/// Why a sink can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A file.
    #[error(transparent)]
    File(#[from] crate::outfile::OutfileError),
    /// Standard output.
    #[error("standard output")]
    Stdout(#[source] io::Error),
}

/// Standard output, for several tasks.
struct Stdout(Arc<Mutex<JsonLines<Outfile>>>);

impl Sink for Stdout {
    fn take(&mut self, batch: &Batch) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::Folder;

    fn rig(sink: &str) -> Rig {
        let mut rig = Rig::from_json(include_str!("../../examples/demo-rig.json")).unwrap();
        let Some(Task::Read(task)) = rig.tasks.first_mut() else { panic!("no read task") };
        task.sinks = vec![SinkConfig::jsonl(sink)];
        rig
    }

    #[test]
    fn a_file_is_appended_to() {
        let folder = Folder::new();
        let path = folder.path("samples.jsonl");
        let rig = rig(path.to_str().unwrap());
        let batch = Batch::new("t".into(), zerocat_tasks::Kind::Samples, [1]);
        for _ in 0..2 {
            Sinks::open(&rig).unwrap().take(0).unwrap().take(&batch).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 2);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named_with_its_task() {
        let error = Sinks::open(&rig("/no/such/folder/x.jsonl")).unwrap_err();
        assert!(zerocat_host::chain(&error).starts_with("task `demo-inputs`: /no/such/folder/x.jsonl"), "{error}");
    }
}
