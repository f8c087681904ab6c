//! `zerocat man`: man pages, made from the same text as `--help`.

use crate::exit::Failure;
use crate::{Cli, Done, print};
use clap::{Args, CommandFactory};
use std::path::PathBuf;
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
        let written =
            std::fs::create_dir_all(&self.folder).and_then(|()| clap_mangen::generate_to(Cli::command(), &self.folder));
        written
            .map_err(|error| Failure::of(Fault::FileNotWritable, format!("write man pages into {folder}: {error}")))?;
        print::say(format_args!("man pages of zerocat and its commands are in {folder}"));
        Ok(())
    }
}
