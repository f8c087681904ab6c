//! `zerocat init`: a rig file of what is on the bus.

use crate::Done;
use crate::print;
use crate::scan::{Bus, Draft, is_stdout, names_from, say_twins};
use crate::signals::Signals;
use clap::Args;
use std::path::PathBuf;
use zerocat::Depth;

const EXAMPLES: &str = "Examples:\n  zerocat init --interface eth1\n  zerocat init --interface eth1 rig.json\n  \
                        zerocat init --interface eth1 - | less";

/// Write a rig file of what is on a bus, to begin with.
///
/// It names every SubDevice, reads all inputs, and lists all outputs, none of which is commanded until you enable it. It is
/// YAML with comments, or JSON with comments where FILE doesn't end in .yaml or .yml. SubDevices are taken to INIT and to PRE-OP
/// and back. A bus that another MainDevice drives is left alone.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", names_from()))]
pub(crate) struct Init {
    #[command(flatten)]
    bus: Bus,
    /// File to write; "-" is standard output, as YAML.
    #[arg(value_name = "FILE", default_value = "rig.yaml")]
    file: PathBuf,
    /// Write it over a file that is there.
    #[arg(long)]
    overwrite: bool,
}

impl Init {
    pub(crate) fn run(&self, signals: &Signals) -> Done {
        let mut draft = Draft::open(&self.file, self.overwrite)?;
        let mut found = self.bus.scan("init", Depth::Deep, true, signals)?;
        say_twins(&found);
        draft.write(&mut found, &self.bus.interface, &self.bus.esi)?;
        self.bus.all_read("init", &found.subdevices, true)?;
        if !is_stdout(&self.file) {
            let (file, count) = (self.file.display(), found.subdevices.len());
            print::line(format_args!("{file}: {count} SubDevices; next: zerocat check {file}, zerocat run {file}"));
        }
        Ok(())
    }
}
