//! What is said about wrong files, word by word: each file of `tests/wrong` and its message, in `messages.txt` there.
//!
//! `ZEROCAT_BLESS=1 cargo test -p zerocat-config --test messages` accepts the messages of today: read them as somebody who
//! wrote the file would.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::fmt::Write;
use std::path::Path;
use zerocat_config::{ConfigError, Rig};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wrong");

fn message(path: &Path) -> String {
    match Rig::load_valid(path).map(|_| ()).unwrap_err() {
        ConfigError::Problems { problems } => problems.iter().map(|problem| format!("\n    {problem}")).collect(),
        other => format!("\n    {other}"),
    }
}

#[test]
fn each_wrong_file_is_told_in_a_users_words() {
    let entries = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending != "txt")).collect();
    files.sort();
    let mut messages = String::new();
    for path in &files {
        writeln!(messages, "{}{}", path.file_name().unwrap().display(), message(path)).unwrap();
    }
    let golden = Path::new(FOLDER).join("messages.txt");
    if std::env::var_os("ZEROCAT_BLESS").is_some() {
        std::fs::write(&golden, &messages).unwrap();
    }
    let accepted = std::fs::read_to_string(&golden).unwrap();
    for (now, accepted) in messages.lines().zip(accepted.lines()) {
        assert_eq!(now, accepted);
    }
    assert_eq!(messages.lines().count(), accepted.lines().count());
}
