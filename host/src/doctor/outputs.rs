//! Files that a rig's tasks write: whether this process may.

use super::check::{Check, Level, Question};
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};
use std::path::{Path, PathBuf};

/// What is in the way of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Obstacle {
    /// Its folder isn't there.
    NoFolder(PathBuf),
    /// It, or the folder that it would be made in, may not be written.
    NotWritable(PathBuf),
}

/// Judges the files that a rig writes; no check where it writes none.
pub(super) fn judge(files: &[PathBuf]) -> Option<Check> {
    let question = Question {
        id: "sink_files",
        title: "Files of sinks",
        wanted: "folders that are there, and files and folders that this user may write to",
        why: "a run that can't open one of them ends before anything is sent",
    };
    if files.is_empty() {
        return None;
    }
    let obstacles: Vec<_> = files.iter().filter_map(|file| Some((file, obstacle(file)?))).collect();
    let Some((_, first)) = obstacles.first() else {
        return Some(question.ok(format!("{} may be written", files.len())));
    };
    let found = obstacles.iter().map(|(file, obstacle)| match obstacle {
        Obstacle::NoFolder(folder) => format!("{}: no folder {}", file.display(), folder.display()),
        Obstacle::NotWritable(path) => format!("{}: {} may not be written", file.display(), path.display()),
    });
    let fix = match first {
        Obstacle::NoFolder(folder) => format!("mkdir -p {}", folder.display()),
        Obstacle::NotWritable(path) => {
            format!("run as a user who may write to {0}, or: chown USER {0}", path.display())
        }
    };
    Some(question.finding(Level::Error, found.collect::<Vec<_>>().join("; "), fix))
}

fn obstacle(file: &Path) -> Option<Obstacle> {
    if file.exists() {
        return (!writable(file)).then(|| Obstacle::NotWritable(file.to_owned()));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Some(Obstacle::NoFolder(folder.to_owned()));
    }
    (!writable(folder)).then(|| Obstacle::NotWritable(folder.to_owned()))
}

/// Whether this process may write there, by its effective user and capabilities.
fn writable(path: &Path) -> bool {
    faccessat(AT_FDCWD, path, AccessFlags::W_OK, AtFlags::AT_EACCESS).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::Folder;

    #[test]
    fn a_folder_that_is_missing_is_named_with_the_file_and_what_makes_it() {
        let folder = Folder::new();
        let (there, missing) = (folder.path("a.jsonl"), folder.path("no/b.jsonl"));
        assert_eq!(judge(&[]), None);
        assert_eq!(judge(std::slice::from_ref(&there)).unwrap().level, Level::Ok);
        let check = judge(&[there, missing.clone()]).unwrap();
        assert_eq!(check.level, Level::Error);
        assert!(check.found.contains(&missing.display().to_string()), "{check:?}");
        assert_eq!(check.fix, Some(format!("mkdir -p {}", folder.path("no").display())));
    }
}
