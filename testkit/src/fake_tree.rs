//! A directory of files for tests of what is read from `/proc` and `/sys`, and written there; gone when dropped.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A tree under the system's temporary directory.
#[derive(Debug)]
pub struct FakeTree(PathBuf);

impl FakeTree {
    /// A tree of these files: paths without a leading `/`, and contents.
    ///
    /// # Panics
    /// Where a file can't be written, as all that follow.
    #[must_use]
    pub fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // SYNC: only uniqueness counts; nothing is published by it.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("zerocat-tree-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap_or_else(|error| panic!("make {}: {error}", root.display()));
        let tree = Self(root);
        for (path, contents) in files {
            let path = tree.make_room(path);
            std::fs::write(&path, contents).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        }
        tree
    }

    /// A symbolic link in it; its target needn't be there.
    ///
    /// # Panics
    /// As [`FakeTree::new`].
    pub fn link(&self, path: &str, target: &str) {
        let path = self.make_room(path);
        std::os::unix::fs::symlink(target, &path).unwrap_or_else(|error| panic!("link {}: {error}", path.display()));
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// Where a file of it is, or would be.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
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

    /// The directory that a file is in.
    fn make_room(&self, path: &str) -> PathBuf {
        let path = self.path(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("make {}: {error}", folder.display()));
        }
        path
    }
}

impl Drop for FakeTree {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
