//! `zerocat scan`: who is on the bus.

mod bus;
mod detail;
mod draft;
mod listing;

pub(crate) use bus::{Bus, Socket, say_twins};
pub(crate) use draft::{Draft, is_stdout};

use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::signals::Signals;
use clap::Args;
use std::io::IsTerminal;
use std::path::PathBuf;
use zerocat::{Depth, NAMES_IN_ALL, NAMES_PER_SUBDEVICE, Scanned, SiiContent};

const EXAMPLES: &str = "Examples:\n  zerocat scan --interface eth1\n  zerocat scan --interface eth1 -v\n  zerocat scan --interface eth1 --draft rig.yaml";

/// Where names of entries come from, and how long that takes at most.
pub(crate) fn names_from() -> String {
    let [each, all] = [NAMES_PER_SUBDEVICE, NAMES_IN_ALL].map(|bound| bound.as_secs());
    format!(
        "Names: in a draft and with --json or -v, SubDevices are asked by SDO information for names and data types of entries that have no \
         name in their SII, for {each} s each and {all} s in all at the longest. What they say is kept by vendor, product and \
         revision in $XDG_CACHE_HOME/zerocat/names (or ~/.cache/zerocat/names), where that can be written."
    )
}

/// Show who is on a bus and what each SubDevice maps. Frames go out of the named interface only.
///
/// With -v also where each entry of its PDOs lies, what its ports have counted, its clock and operation modes, and how it
/// says that it is synchronized.
///
/// SubDevices are taken to INIT and, unless --basic is given, to PRE-OP and back. A bus that another MainDevice drives
/// is left alone.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", names_from()))]
pub(crate) struct Scan {
    #[command(flatten)]
    bus: Bus,
    /// Identity and topology only: no PRE-OP, no process data maps.
    #[arg(long)]
    basic: bool,
    /// Was split into --take-bus and --replace-program.
    #[arg(long, hide = true)]
    force: bool,
    /// Write a rig file for this bus, as `zerocat init` does; "-" is standard output, in place of the table.
    #[arg(long, value_name = "FILE")]
    draft: Option<PathBuf>,
    /// Write it over a file that is there.
    #[arg(long, requires = "draft")]
    overwrite: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Scan {
    pub(crate) fn run(&self, verbose: bool, signals: &Signals) -> Done {
        if self.force {
            return Err(Failure::usage(
                "--force is no longer an option: --take-bus scans a bus that another MainDevice drives, \
                 --replace-program replaces an XDP program that is on the interface",
            ));
        }
        let draft_printed = self.draft.as_deref().is_some_and(is_stdout);
        if draft_printed && self.json {
            return Err(Failure::usage(
                "--draft - and --json both print to standard output; name a file for the draft",
            ));
        }
        let mut draft = self.draft.as_deref().map(|path| Draft::open(path, self.overwrite)).transpose()?;
        let depth = if self.basic { Depth::Basic } else { Depth::Deep };
        let mut found = self.bus.scan("scan", depth, self.json || verbose || draft.is_some(), signals)?;
        if !self.json && !draft_printed {
            print(&found.subdevices);
        }
        if verbose && !self.json && !draft_printed {
            found.subdevices.iter().for_each(|found| print::line(detail::detail(found, print::columns())));
        }
        say_twins(&found);
        let drafted =
            draft.as_mut().map_or(Ok(()), |draft| draft.write(&mut found, &self.bus.interface, &self.bus.esi));
        let done = drafted.and_then(|()| self.bus.all_read("scan", &found.subdevices, draft.is_some()));
        if self.json { print::document(&found, done) } else { done }
    }
}

fn print(subdevices: &[Scanned]) {
    let columns = std::io::stdout().is_terminal().then(print::columns);
    print::line(listing::listing(subdevices, columns));
    print::line(format_args!("{} SubDevices", subdevices.len()));
    let clocks = subdevices.iter().filter(|found| found.clock.has_system_time()).count();
    if let Some(reference) = subdevices.iter().find(|found| found.clock.reference) {
        print::line(format_args!("{clocks} clocks, reference: SubDevice {} ({})", reference.position, reference.name));
    }
    for found in subdevices {
        if found.sii != SiiContent::Programmed {
            print::line(format_args!("SubDevice {} ({}): its ESC says: {}", found.position, found.name, found.esc));
        }
    }
}
