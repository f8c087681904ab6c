//! The files that a run writes, and that none of them is another one, or the rig file itself.

use crate::Done;
use crate::exit::Failure;
use crate::run::HowLong;
use std::path::{Path, PathBuf};
use zerocat::config::{FileKey, Rig};

/// Refuses a run that would write one file twice, under whatever names. The rig file's sinks were held against each other when
/// it was read.
pub(crate) fn apart(how: &HowLong, rig: &Rig, rig_file: Option<&Path>) -> Done {
    let mut all: Vec<(String, PathBuf)> = Vec::new();
    all.extend(rig_file.map(|path| ("the rig file".to_owned(), path.to_owned())));
    for task in &rig.tasks {
        let sinks = task.sinks().iter().filter(|sink| !sink.is_stdout());
        all.extend(sinks.map(|sink| (format!("the sink of task `{}`", task.name()), sink.path().to_owned())));
    }
    all.extend(how.report.iter().map(|path| ("--report".to_owned(), path.clone())));
    all.extend(how.capture.iter().map(|path| ("--capture".to_owned(), path.clone())));
    let keys: Vec<_> = all.iter().map(|(_, path)| FileKey::of(path)).collect();
    for (index, ((what, path), key)) in all.iter().zip(&keys).enumerate() {
        let same = all.iter().zip(&keys).take(index).find(|(_, other)| key.is_some() && key == *other);
        if let Some(((first, _), _)) = same {
            return Err(Failure::usage(format!(
                "{first} and {what} are one file, {}; give each a file of its own",
                path.display()
            )));
        }
    }
    Ok(())
}
