//! `zerocat scan`: who is on the bus.

use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::signals::Signals;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use zerocat::config::{Engine, LinkKind};
use zerocat::{Depth, DrivenBus, LinkRequest, SCAN_SLOTS, Scanned, draft_rig, open_link, scan};

/// Show who is on a bus and what each SubDevice maps. Frames go out of the named interface only.
///
/// SubDevices are taken to INIT and, unless --basic is given, to PRE-OP and back. A bus that another MainDevice drives
/// is left alone.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  zerocat scan --interface eth1\n  zerocat scan --interface eth1 --draft rig.json")]
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
    /// Scan a bus that another MainDevice drives, or left in SAFE-OP or OP: it is taken to INIT.
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
    pub(crate) fn run(&self, signals: &Signals) -> Done {
        if self.force {
            return Err(Failure::usage(
                "--force is no longer an option: --take-bus scans a bus that another MainDevice drives, \
                 --replace-program replaces an XDP program that is on the interface",
            ));
        }
        if let Some(path) = self.draft.as_ref().filter(|path| !self.overwrite && path.exists()) {
            return Err(Failure::file(format!("{} exists; write over it with --overwrite", path.display())));
        }
        let section = Engine { link: self.link.into(), ..Engine::default() };
        let request = LinkRequest {
            interface: &self.interface,
            section: &section,
            slots: SCAN_SLOTS,
            replace_program: self.replace_program,
            cycle: Duration::from_millis(1),
        };
        let link = open_link(&request).map_err(|error| Failure::link(zerocat::chain(&error)))?;
        link.missing.iter().for_each(unavailable);
        let depth = if self.basic { Depth::Basic } else { Depth::Deep };
        let bus = if self.take_bus { DrivenBus::Take } else { DrivenBus::Refuse };
        let found = scan(link.link, depth, bus, || signals.stop());
        if let Some(elsewhere) = link.misdirected.as_ref().and_then(|misdirected| misdirected.seen()) {
            unavailable(&elsewhere.to_string());
        }
        let found =
            found.map_err(|error| Failure::bus(format!("scan {}: {}", self.interface, zerocat::chain(&error))))?;
        if self.json {
            print::json(&found)?;
        } else {
            print(&found.subdevices);
        }
        match &self.draft {
            Some(path) => print::json_file(&draft_rig(&found, &self.interface), path),
            None => Ok(()),
        }
    }
}

fn unavailable(what: &String) {
    print::say(format_args!("unavailable: {what}"));
}

fn print(subdevices: &[Scanned]) {
    let mut table =
        print::table(["pos", "name", "vendor", "product", "revision", "serial", "alias", "on", "in", "out", "map"]);
    for found in subdevices {
        table.add_row([
            found.position.to_string(),
            found.name.clone(),
            format!("{:#010x}", found.identity.vendor_id),
            format!("{:#010x}", found.identity.product_code),
            format!("{:#010x}", found.identity.revision),
            found.identity.serial.to_string(),
            found.alias.to_string(),
            found.parent.map_or_else(|| "-".to_owned(), |parent| parent.to_string()),
            format!("{} bit", found.input_bits),
            format!("{} bit", found.output_bits),
            found.pdo_source.map_or_else(|| "-".to_owned(), |source| source.to_string()),
        ]);
    }
    print::line(table);
    print::line(format_args!("{} SubDevices", subdevices.len()));
    for found in subdevices {
        if let Some(error) = &found.error {
            print::line(format_args!("SubDevice {} ({}): {error}", found.position, found.name));
        }
    }
}
