//! Small reads below a root, of `/proc`, `/sys` and their like. What can't be read is `None` or empty.

use std::fs;
use std::path::Path;
use std::str::FromStr;

/// The text of a file without white space around it; `None` if it can't be read or is empty.
pub(crate) fn text(root: &Path, path: &str) -> Option<String> {
    let text = fs::read_to_string(root.join(path)).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A file that holds one number.
pub(crate) fn number<T: FromStr>(root: &Path, path: &str) -> Option<T> {
    text(root, path)?.parse().ok()
}

/// What follows `name` in the line of a file that begins with it: `0-3` for `Cpus_allowed_list:` of a process's status.
pub(crate) fn line(root: &Path, path: &str, name: &str) -> Option<String> {
    let text = text(root, path)?;
    text.lines().find_map(|line| line.strip_prefix(name)).map(|rest| rest.trim().to_owned())
}

/// Names in a directory, sorted.
pub(crate) fn names(root: &Path, path: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join(path)) else { return Vec::new() };
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// What stands in brackets: `madvise` of `always [madvise] never`.
pub(crate) fn chosen(text: &str) -> Option<&str> {
    Some(text.split_once('[')?.1.split_once(']')?.0)
}

/// A list of CPUs as the kernel writes it; `none` for an empty one.
pub(crate) fn cpus(cpus: &[usize]) -> String {
    if cpus.is_empty() {
        return "none".to_owned();
    }
    cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
