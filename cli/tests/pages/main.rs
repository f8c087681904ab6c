//! Pages of the documentation that are walked through: each command of them is typed into a shell, and what the page shows
//! below it must come.
//!
//! They need root, bash and iproute2, and fail without. What they start and the network namespaces that they name are the
//! test's own. No test asserts a time: waits are bounded, and end in a failure that shows all that was printed.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod page;
mod shell;

use page::Step;
use shell::Shell;
use std::os::unix::fs::{PermissionsExt, symlink};
use zerocat_testkit::Folder;

/// What a machine without CPU time to spare makes a program say; then the walk is begun anew.
const STARVED: [&str; 5] = [
    "no SubDevice answered",
    "no answer in",
    "is not complete after",
    "SubDevices answered, then",
    "no frame came back for",
];
const ATTEMPTS: usize = 4;

/// A folder as the repository's: the program where a build leaves it, and the examples.
fn repository() -> Folder {
    let folder = Folder::new();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::fs::create_dir_all(folder.path("target/release")).unwrap();
    symlink(env!("CARGO_BIN_EXE_zerocat"), folder.path("target/release/zerocat")).unwrap();
    symlink(format!("{root}/examples"), folder.path("examples")).unwrap();
    // The tests are root already, and a machine may have no sudo.
    let sudo = folder.write("bin/sudo", "#!/bin/sh\nexec \"$@\"\n");
    std::fs::set_permissions(&sudo, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Walks through a page once. What went wrong, and all that was printed.
fn walk(steps: &[Step]) -> Result<(), (String, String)> {
    let folder = repository();
    let mut shell = Shell::start(&folder);
    for step in steps {
        let done = match step {
            Step::Command { command, shows } => shell.command(command, shows),
            Step::File { name, text } => shell.write(name, text),
        };
        done.map_err(|error| (error, shell.said()))?;
    }
    Ok(())
}

#[test]
fn a_first_rig_is_as_its_page_says() {
    let steps = page::steps(include_str!("../../../docs/first-rig.md"));
    assert!(steps.iter().any(|step| matches!(step, Step::File { .. })), "the page has a rig file");
    for attempt in 1.. {
        // A thread of its own, for its mounts are the thread's.
        let walked = std::thread::scope(|scope| scope.spawn(|| walk(&steps)).join().unwrap());
        let Err((wrong, said)) = walked else { return };
        let starved = STARVED.iter().any(|text| said.contains(text));
        assert!(starved && attempt < ATTEMPTS, "attempt {attempt}: {wrong}\nwhat was shown:\n{said}");
        eprintln!("attempt {attempt}: {wrong}");
    }
}
