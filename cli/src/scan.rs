//! `zerocat scan`: who is on the bus.

mod detail;
mod listing;

use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::signals::Signals;
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zerocat::config::{Engine, LinkKind};
use zerocat::outfile::{Existing, Outfile};
use zerocat::{
    Depth, DrivenBus, Fault, LinkRequest, NAMES_IN_ALL, NAMES_PER_SUBDEVICE, NameCache, SCAN_SLOTS, ScanOptions,
    Scanned, SessionError, SiiContent, draft_rig, open_link, scan,
};

/// How long is waited for a reader of the draft.
const PATIENCE: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "Examples:\n  zerocat scan --interface eth1\n  zerocat scan --interface eth1 -v\n  zerocat scan --interface eth1 --draft rig.json";

/// Where names of entries come from, and how long that takes at most.
fn names_from() -> String {
    let [each, all] = [NAMES_PER_SUBDEVICE, NAMES_IN_ALL].map(|bound| bound.as_secs());
    format!(
        "Names: with --draft, --json or -v, SubDevices are asked by SDO information for names and data types of entries that have no \
         name in their SII, for {each} s each and {all} s in all at the longest. What they say is kept by vendor, product and \
         revision in $XDG_CACHE_HOME/zerocat/names (or ~/.cache/zerocat/names), where that can be written."
    )
}

/// Show who is on a bus and what each SubDevice maps. Frames go out of the named interface only.
///
/// With -v also where each entry of its PDOs lies, and what its ports have counted.
///
/// SubDevices are taken to INIT and, unless --basic is given, to PRE-OP and back. A bus that another MainDevice drives
/// is left alone.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", names_from()))]
pub(crate) struct Scan {
    /// Network interface.
    #[arg(short, long)]
    interface: String,
    /// Socket to use.
    #[arg(long, value_enum, default_value_t = Socket::Packet)]
    link: Socket,
    /// Identity and topology only: no PRE-OP, no process data maps.
    #[arg(long)]
    basic: bool,
    /// Seconds that each SubDevice may take to PRE-OP, and to answer a mail; without it 3 and 2.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
    /// Don't ask SubDevices what they call entries that have no name in their SII.
    #[arg(long)]
    no_names: bool,
    /// Scan a bus that another MainDevice drives: it is taken to INIT.
    #[arg(long)]
    take_bus: bool,
    /// Replace an XDP program that is on the interface.
    #[arg(long)]
    replace_program: bool,
    /// Was split into the two above.
    #[arg(long, hide = true)]
    force: bool,
    /// Write a rig file for this bus, to begin with.
    #[arg(long, value_name = "FILE")]
    draft: Option<PathBuf>,
    /// Write it over a file that is there.
    #[arg(long, requires = "draft")]
    overwrite: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Kinds of sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Socket {
    /// AF_XDP.
    Xdp,
    /// AF_PACKET.
    Packet,
}

impl From<Socket> for LinkKind {
    fn from(socket: Socket) -> Self {
        match socket {
            Socket::Xdp => Self::Xdp,
            Socket::Packet => Self::Packet,
        }
    }
}

impl Scan {
    pub(crate) fn run(&self, verbose: bool, signals: &Signals) -> Done {
        if self.force {
            return Err(Failure::usage(
                "--force is no longer an option: --take-bus scans a bus that another MainDevice drives, \
                 --replace-program replaces an XDP program that is on the interface",
            ));
        }
        let mut draft = self.draft.as_deref().map(|path| Draft::open(path, self.overwrite)).transpose()?;
        let section = Engine { link: self.link.into(), ..Engine::default() };
        let request = LinkRequest {
            interface: &self.interface,
            section: &section,
            slots: SCAN_SLOTS,
            replace_program: self.replace_program,
            cycle: Duration::from_millis(1),
        };
        let link = open_link(&request).map_err(SessionError::Link)?;
        link.missing.iter().for_each(unavailable);
        let depth = if self.basic { Depth::Basic } else { Depth::Deep };
        let bus = if self.take_bus { DrivenBus::Take } else { DrivenBus::Refuse };
        let wanted = !self.no_names && (self.json || verbose || self.draft.is_some());
        let options = ScanOptions {
            patience: self.patience()?,
            names: wanted.then(NameCache::of_user),
            ..ScanOptions::new(depth, bus)
        };
        let found = scan(link.link, options, || signals.stop());
        if let Some(elsewhere) = link.misdirected.as_ref().and_then(|misdirected| misdirected.seen()) {
            unavailable(&elsewhere.to_string());
        }
        let found = found.map_err(|error| error.with_reasons(&self.interface)).map_err(|error| {
            Failure::of(error.fault(), format!("scan {}: {}", self.interface, zerocat::chain(&error)))
        })?;
        if !self.json {
            print(&found.subdevices);
        }
        if verbose && !self.json {
            found.subdevices.iter().for_each(|found| print::line(detail::detail(found, print::columns())));
        }
        found.twins().iter().for_each(|alike| print::say(twins(&found, alike)));
        let drafted = draft.as_mut().map_or(Ok(()), |draft| draft.write(&draft_rig(&found, &self.interface)));
        let done = drafted.and_then(|()| self.all_read(&found.subdevices));
        if self.json { print::document(&found, done) } else { done }
    }

    fn patience(&self) -> Result<Option<Duration>, Failure> {
        let seconds = self.timeout.map(Duration::try_from_secs_f64).transpose();
        seconds.map_err(|error| Failure::usage(format!("--timeout: {error}")))
    }

    /// Fails where a SubDevice couldn't be read, with all of them.
    fn all_read(&self, subdevices: &[Scanned]) -> Done {
        let errors: Vec<_> = subdevices.iter().filter_map(|found| found.error.as_deref()).collect();
        if errors.is_empty() {
            return Ok(());
        }
        let draft = if self.draft.is_some() { ", so the draft can't be run as it is" } else { "" };
        let (count, all, interface) = (errors.len(), subdevices.len(), &self.interface);
        Err(Failure::of(
            Fault::SubdevicesNotRead,
            format!(
                "scan {interface}: {count} of {all} SubDevices could not be read{draft}; --timeout waits longer\n{}",
                errors.join("\n")
            ),
        ))
    }
}

/// The file of a drafted rig, opened before the scan.
struct Draft {
    path: PathBuf,
    file: Outfile,
    /// Whether it was made for this draft and holds nothing yet.
    empty: bool,
}

impl Draft {
    fn open(path: &Path, overwrite: bool) -> Result<Self, Failure> {
        let there = path.exists();
        if there && !overwrite {
            return Err(Failure::of(
                Fault::FileExists,
                format!("{} exists; write over it with --overwrite", path.display()),
            ));
        }
        let file = Outfile::open(path, Existing::Keep, PATIENCE);
        let file = file.map_err(|error| Failure::of(Fault::FileNotWritable, zerocat::chain(&error)))?;
        Ok(Self { path: path.to_owned(), file, empty: !there })
    }

    fn write(&mut self, rig: &impl Serialize) -> Done {
        let text = print::pretty(rig)? + "\n";
        let written = self.file.replace(text.as_bytes());
        written.map_err(|error| Failure::written(format!("write {}: {error}", self.path.display())))?;
        self.empty = false;
        Ok(())
    }
}

impl Drop for Draft {
    /// A scan that fails leaves no empty file behind.
    fn drop(&mut self) {
        if self.empty {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn unavailable(what: &String) {
    print::say(format_args!("unavailable: {what}"));
}

fn print(subdevices: &[Scanned]) {
    let columns = std::io::stdout().is_terminal().then(print::columns);
    print::line(listing::listing(subdevices, columns));
    print::line(format_args!("{} SubDevices", subdevices.len()));
    for found in subdevices {
        if found.sii != SiiContent::Programmed {
            print::line(format_args!("SubDevice {} ({}): its ESC says: {}", found.position, found.name, found.esc));
        }
    }
}

/// Positions of SubDevices that are alike which are named at most.
const MOST_NAMED: usize = 8;

/// What is said about SubDevices that only their position tells apart.
fn twins(found: &zerocat::Scan, alike: &[u16]) -> String {
    let name = alike.first().and_then(|first| found.subdevices.get(usize::from(*first))).map_or("", |one| &one.name);
    let positions: Vec<_> = alike.iter().take(MOST_NAMED).map(ToString::to_string).collect();
    let more = match alike.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "SubDevices {}{more} ({name}) are alike: without a serial number or station alias of their own, only their position \
         tells them apart, and nothing shows it when two of them change places",
        positions.join(", ")
    )
}
