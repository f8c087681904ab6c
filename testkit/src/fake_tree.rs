//! A directory of files for tests of what is read from `/proc` and `/sys`, and written there; removed when dropped.

use crate::Folder;
use std::path::{Path, PathBuf};

/// A tree under the system's temporary directory.
#[derive(Debug)]
pub struct FakeTree(Folder);

impl FakeTree {
    /// A tree of these files: paths without a leading `/`, and contents.
    ///
    /// # Panics
    /// Where a file can't be written, as all that follow.
    #[must_use]
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = Folder::new();
        for (path, contents) in files {
            folder.write(path, contents);
        }
        Self(folder)
    }

    /// A symbolic link in it; its target needn't be there.
    ///
    /// # Panics
    /// As [`FakeTree::new`].
    pub fn link(&self, path: &str, target: &str) {
        let path = self.0.make_room(path);
        std::os::unix::fs::symlink(target, &path).unwrap_or_else(|error| panic!("link {}: {error}", path.display()));
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.0.root()
    }

    /// Where a file of it is, or would be.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path(path)
    }

    /// The text of a file of it.
    ///
    /// # Panics
    /// Where it can't be read.
    #[must_use]
    pub fn text(&self, path: &str) -> String {
        let path = self.path(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
    }
}
