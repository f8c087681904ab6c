//! A directory of a test's own, removed with all that is in it when the test ends, also when it panics.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory under the system's temporary directory.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes an empty one.
    ///
    /// # Panics
    /// Where it can't be made.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it makes a directory")]
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // SYNC: only uniqueness counts; nothing is published by it.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("zerocat-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap_or_else(|error| panic!("make {}: {error}", root.display()));
        Self(root)
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// Where a file in it is, or would be.
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// Writes a file, with the directories above it, and returns its path.
    ///
    /// # Panics
    /// Where it can't be written.
    #[expect(clippy::must_use_candidate, reason = "the path is often known")]
    pub fn write(&self, file: &str, contents: &str) -> PathBuf {
        let path = self.make_room(file);
        std::fs::write(&path, contents).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        path
    }

    /// Makes the directories above a file, and returns its path.
    pub(crate) fn make_room(&self, file: &str) -> PathBuf {
        let path = self.path(file);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).unwrap_or_else(|error| panic!("make {}: {error}", parent.display()));
        }
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
