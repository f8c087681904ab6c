//! The scripts of the repository from outside: what each says about itself.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// All scripts that are run, not sourced.
fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
    let folders = [folder.clone(), folder.join("rt-vm")];
    let all = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let run = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.starts_with("#!/usr/bin/env") || path.extension().is_some_and(|end| end == "py")
    };
    all.map(|entry| entry.unwrap().path()).filter(run).collect()
}

#[test]
fn each_script_prints_help_and_does_nothing_when_it_is_asked_to() {
    let all = scripts();
    assert!(all.len() >= 11, "{all:?}");
    for script in all {
        let python = script.extension().is_some_and(|end| end == "py");
        for argument in ["--help", "-h"] {
            let mut command = Command::new(if python { "python3" } else { "bash" });
            // Without cargo and apt, so that one that begins its work fails.
            command
                .args([script.as_path(), Path::new(argument)])
                .env("PATH", "/usr/bin:/bin")
                .env("CARGO", "/no/cargo");
            let said = command.stdin(Stdio::null()).output().unwrap();
            let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
            let name = script.file_name().unwrap().to_string_lossy();
            assert!(said.status.success() && err.is_empty(), "{name} {argument}: {}\n{out}{err}", said.status);
            assert!(out.contains(name.as_ref()), "{name} {argument} doesn't say how it is used:\n{out}");
        }
    }
}

#[test]
fn the_oldest_compiler_that_is_stated_is_the_one_that_everything_is_built_with() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let value = |file: &str, key: &str| {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_prefix("= ").map(str::to_owned));
        line.unwrap_or_else(|| panic!("no `{key}` in {file}")).trim_matches('"').to_owned()
    };
    let stated = value("Cargo.toml", "rust-version");
    let pinned = value("rust-toolchain.toml", "channel");
    assert_eq!(pinned.strip_suffix(".0"), Some(stated.as_str()));
}
