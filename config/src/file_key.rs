//! Whether two paths lead to one file: through links, by other names of a folder, and also before the file is there.

use std::fs::read_link;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

/// Links that are followed, as many as the kernel does (`path_resolution(7)`).
const LINKS: usize = 40;

/// What a path leads to. Two that are equal are one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileKey(Kind);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    /// A file that is there: device and inode.
    There(u64, u64),
    /// One that isn't, by its path without links.
    NotYet(PathBuf),
}

impl FileKey {
    /// The file of a path; `None` for a device such as `/dev/null` or a terminal, which many may write to.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.metadata() {
            Ok(file) if file.file_type().is_char_device() => None,
            Ok(file) => Some(Self(Kind::There(file.dev(), file.ino()))),
            Err(_) => Some(Self(Kind::NotYet(made_at(path)))),
        }
    }
}

/// Where a file of this path would be made.
fn made_at(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = read_link(&path) else { break };
        path = folder_of(&path).join(target);
    }
    match (folder_of(&path).canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.components().filter(|part| *part != Component::CurDir).collect(),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir, hard_link, remove_file, write};
    use std::os::unix::fs::symlink;

    /// A folder that is gone at the end of its test.
    struct Folder(PathBuf);

    impl Folder {
        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn one_file_is_known_by_each_of_its_names_whether_it_is_there_or_not() {
        let folder = Folder(std::env::temp_dir().join(format!("zerocat-file-key-{}", std::process::id())));
        create_dir(&folder.0).unwrap();
        create_dir(folder.path("sub")).unwrap();
        let names =
            ["a.jsonl", "./a.jsonl", "sub/../a.jsonl", "link.jsonl", "sub/link.jsonl"].map(|name| folder.path(name));
        symlink("a.jsonl", &names[3]).unwrap();
        symlink("../link.jsonl", &names[4]).unwrap();
        let all_are_one = || names.iter().all(|name| FileKey::of(name) == FileKey::of(&names[0]));
        assert!(all_are_one(), "before it is there");
        write(&names[0], "").unwrap();
        assert!(all_are_one(), "when it is there");
        hard_link(&names[0], folder.path("hard.jsonl")).unwrap();
        assert_eq!(FileKey::of(&folder.path("hard.jsonl")), FileKey::of(&names[0]));
        assert_ne!(FileKey::of(&folder.path("b.jsonl")), FileKey::of(&names[0]));
        remove_file(&names[0]).unwrap();
        assert_ne!(FileKey::of(&folder.path("b.jsonl")), FileKey::of(&names[0]));
    }

    #[test]
    fn many_may_write_to_a_device() {
        assert_eq!(FileKey::of(Path::new("/dev/null")), None);
    }
}
