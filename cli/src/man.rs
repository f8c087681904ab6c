//! `zerocat man`: man pages, made from the same text as `--help`.

mod page;

use crate::exit::Failure;
use crate::{Cli, Done, print};
use clap::{Args, CommandFactory};
use std::path::{Path, PathBuf};
use zerocat::Fault;

/// Write a man page for zerocat and one for each command, in section 1.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  zerocat man /usr/share/man/man1\n  zerocat man pages && man ./pages/zerocat-run.1"
)]
pub(crate) struct Man {
    /// Folder that they are written into; it is made if it isn't there.
    folder: PathBuf,
}

impl Man {
    pub(crate) fn run(&self) -> Done {
        let folder = self.folder.display();
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        let written = std::fs::create_dir_all(&self.folder).and_then(|()| write(command, &self.folder));
        written
            .map_err(|error| Failure::of(Fault::FileNotWritable, format!("write man pages into {folder}: {error}")))?;
        print::say(format_args!("man pages of zerocat and its commands are in {folder}"));
        Ok(())
    }
}

/// Writes the page of a command, and those of the commands below it.
fn write(command: clap::Command, folder: &Path) -> std::io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()).cloned() {
        write(below, folder)?;
    }
    let synopsis = page::synopsis(&command);
    let man = clap_mangen::Man::new(command);
    let mut made = Vec::new();
    man.render(&mut made)?;
    std::fs::write(folder.join(man.get_filename()), page::revised(&String::from_utf8_lossy(&made), &synopsis))
}
