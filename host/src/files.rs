//! Reads of small files such as those of `/proc` and `/sys`, below a root directory. What can't be read is `None` or
//! empty.

use std::fs;
use std::path::Path;
use std::str::FromStr;

/// The text of a file without surrounding white space; `None` if it can't be read or is empty.
pub(crate) fn text(root: &Path, path: &str) -> Option<String> {
    let text = fs::read_to_string(root.join(path)).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A file that holds one number.
pub(crate) fn number<T: FromStr>(root: &Path, path: &str) -> Option<T> {
    text(root, path)?.parse().ok()
}

/// The rest of the first line that begins with `name`: `0-3` for `Cpus_allowed_list:` of a process's status.
pub(crate) fn line(root: &Path, path: &str, name: &str) -> Option<String> {
    let text = text(root, path)?;
    text.lines().find_map(|line| line.strip_prefix(name)).map(|rest| rest.trim().to_owned())
}

/// The names in a directory, sorted.
pub(crate) fn names(root: &Path, path: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join(path)) else { return Vec::new() };
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// The word in brackets: `madvise` in `always [madvise] never`.
pub(crate) fn bracketed(text: &str) -> Option<&str> {
    Some(text.split_once('[')?.1.split_once(']')?.0)
}

/// CPUs as a list for people: `2,3`; `none` if there are none.
pub(crate) fn cpus(cpus: &[usize]) -> String {
    if cpus.is_empty() {
        return "none".to_owned();
    }
    cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
