//! A directory of files for tests of what is read from `/proc` and `/sys`; gone when dropped.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A tree under the system's temporary directory.
pub(crate) struct FakeTree(PathBuf);

impl FakeTree {
    /// A tree of these files: paths without a leading `/`, and contents.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // SYNC: only uniqueness counts; nothing is published by it.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("zerocat-tree-{}-{number}", std::process::id()));
        for (path, contents) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, contents).unwrap();
        }
        Self(root)
    }

    /// A symbolic link in it; its target needn't be there.
    pub(crate) fn link(&self, path: &str, target: &str) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    /// Where it is.
    pub(crate) fn root(&self) -> &Path {
        &self.0
    }
}

impl Drop for FakeTree {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
