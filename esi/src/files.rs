//! Which files below a folder may be device descriptions.

use std::path::{Path, PathBuf};

/// Folders within folders are read so deep.
const DEPTH: usize = 32;

/// A folder couldn't be read.
#[derive(Debug, thiserror::Error)]
#[error("read {}", .path.display())]
pub struct FolderError {
    /// The folder.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

/// The XML files below a folder, by name. A folder that is a symbolic link is left out: it may lead back.
///
/// # Errors
/// A folder couldn't be read.
pub fn xml_files(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let mut paths = Vec::new();
    collect(folder, 0, &mut paths)?;
    paths.sort();
    Ok(paths)
}

fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), FolderError> {
    let wrong = |source| FolderError { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let is_xml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml"));
        if path.is_dir() && !path.is_symlink() && depth < DEPTH {
            collect(&path, depth + 1, paths)?;
        } else if path.is_file() && is_xml {
            paths.push(path);
        }
    }
    Ok(())
}
