//! The file that a drafted rig is written to.

use crate::Done;
use crate::exit::Failure;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zerocat::outfile::{Existing, Outfile};
use zerocat::{DraftFormat, Fault, Scan, draft_text};

/// How long is waited for a reader of the draft.
const PATIENCE: Duration = Duration::from_secs(5);

/// The file of a drafted rig, opened before the scan; `-` is standard output.
pub(crate) struct Draft {
    path: PathBuf,
    file: Outfile,
    /// Whether it was made for this draft and holds nothing yet.
    empty: bool,
}

impl Draft {
    pub(crate) fn open(path: &Path, overwrite: bool) -> Result<Self, Failure> {
        if is_stdout(path) {
            let file = Outfile::stdout(PATIENCE);
            let file = file.map_err(|error| Failure::written(format!("standard output: {error}")))?;
            return Ok(Self { path: path.to_owned(), file, empty: false });
        }
        let there = path.exists();
        if there && !overwrite {
            return Err(Failure::of(
                Fault::FileExists,
                format!("{} exists; write over it with --overwrite", path.display()),
            ));
        }
        let file = Outfile::open(path, Existing::Keep, PATIENCE);
        let file = file.map_err(|error| Failure::of(Fault::FileNotWritable, zerocat::chain(&error)))?;
        Ok(Self { path: path.to_owned(), file, empty: !there })
    }

    /// Writes it; `esi` are the folders of descriptions as the command was given them.
    pub(crate) fn write(&mut self, found: &mut Scan, interface: &str, esi: &[PathBuf]) -> Done {
        found.esi = esi.iter().map(|path| self.path_to(path)).collect();
        self.write_text(&draft_text(found, interface, self.format()))
    }

    /// How it is to be written.
    pub(crate) fn format(&self) -> DraftFormat {
        DraftFormat::of(&self.path)
    }

    /// Writes it as text.
    pub(crate) fn write_text(&mut self, text: &str) -> Done {
        let written = if is_stdout(&self.path) {
            std::io::Write::write_all(&mut self.file, text.as_bytes())
        } else {
            self.file.replace(text.as_bytes())
        };
        written.map_err(|error| Failure::written(format!("write {}: {error}", self.path.display())))?;
        self.empty = false;
        Ok(())
    }
}

impl Draft {
    /// A path from the draft's folder on: the same where that is the working directory.
    fn path_to(&self, path: &Path) -> PathBuf {
        let here = self.path.parent().is_none_or(|folder| folder.as_os_str().is_empty());
        if here { path.to_owned() } else { std::path::absolute(path).unwrap_or_else(|_| path.to_owned()) }
    }
}

impl Drop for Draft {
    /// A scan that fails leaves no empty file behind.
    fn drop(&mut self) {
        if self.empty {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Whether a path is standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}
