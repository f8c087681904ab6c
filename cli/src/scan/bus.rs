//! The bus that `scan` and `init` look at: their options, and the scan itself.

use crate::exit::Failure;
use crate::print;
use crate::signals::Signals;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use zerocat::config::{EngineSection, LinkKind};
use zerocat::{
    Depth, Descriptions, DrivenBus, Fault, LinkRequest, NameCache, SCAN_SLOTS, ScanError, ScanOptions, Scanned,
    SessionError, open_link_unless, scan,
};

/// Where the bus is, and how it is looked at.
#[derive(Debug, Args)]
pub(crate) struct Bus {
    /// Network interface.
    #[arg(short, long)]
    pub(crate) interface: String,
    /// Socket to use.
    #[arg(long, value_enum, default_value_t = Socket::Packet)]
    link: Socket,
    /// Seconds that each SubDevice may take to PRE-OP, and to answer a mail; without it 3 and 2.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
    /// Folder (or file) of the vendors' device descriptions (ESI), for names, types and what they advise; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub(crate) esi: Vec<PathBuf>,
    /// Don't ask SubDevices what they call entries that have no name in their SII.
    #[arg(long)]
    no_names: bool,
    /// Scan a bus that another MainDevice drives: it is taken to INIT.
    #[arg(long)]
    take_bus: bool,
    /// Replace an XDP program that is on the interface.
    #[arg(long)]
    replace_program: bool,
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

impl Bus {
    /// Scans it for a command of this name. SubDevices that only their position tells apart are said to be alike.
    pub(crate) fn scan(
        &self,
        command: &str,
        depth: Depth,
        names: bool,
        signals: &Signals,
    ) -> Result<zerocat::Scan, Failure> {
        let descriptions = descriptions(&self.esi)?;
        let section = EngineSection { link: self.link.into(), ..EngineSection::default() };
        let request = LinkRequest {
            interface: &self.interface,
            section: &section,
            slots: SCAN_SLOTS,
            replace_program: self.replace_program,
            cycle: Duration::from_millis(1),
        };
        let failed = |error: ScanError| {
            let error = error.with_reasons(&self.interface);
            Failure::of(error.fault(), format!("{command} {}: {}", self.interface, zerocat::chain(&error)))
        };
        let link = match open_link_unless(&request, &|| signals.stop()) {
            Err(error) if error.is_stop() => return Err(failed(ScanError::Interrupted)),
            opened => opened.map_err(SessionError::from)?,
        };
        link.missing.iter().for_each(unavailable);
        let bus = if self.take_bus { DrivenBus::Take } else { DrivenBus::Refuse };
        let options = ScanOptions {
            patience: self.patience()?,
            names: (names && !self.no_names).then(NameCache::of_user),
            descriptions,
            ..ScanOptions::new(depth, bus)
        };
        let found = scan(link.link, options, || signals.stop());
        if let Some(elsewhere) = link.misdirected.as_ref().and_then(|misdirected| misdirected.seen()) {
            unavailable(&elsewhere.to_string());
        }
        if let Ok(found) = &found {
            found.descriptions_left_out.iter().for_each(|what| print::say(format_args!("warning: {what}")));
        }
        found.map_err(failed)
    }

    fn patience(&self) -> Result<Option<Duration>, Failure> {
        let seconds = self.timeout.map(Duration::try_from_secs_f64).transpose();
        seconds.map_err(|error| Failure::usage(format!("--timeout: {error}")))
    }

    /// Fails where a SubDevice couldn't be read, with all of them.
    pub(crate) fn all_read(&self, command: &str, subdevices: &[Scanned], drafted: bool) -> crate::Done {
        let errors: Vec<_> = subdevices.iter().filter_map(|found| found.error.as_deref()).collect();
        if errors.is_empty() {
            return Ok(());
        }
        let draft = if drafted { ", so the draft can't be run as it is" } else { "" };
        let (count, all, interface) = (errors.len(), subdevices.len(), &self.interface);
        Err(Failure::of(
            Fault::SubdevicesNotRead,
            format!(
                "{command} {interface}: {count} of {all} SubDevices could not be read{draft}; --timeout waits longer\n{}",
                errors.join("\n")
            ),
        ))
    }
}

/// The device descriptions of some folders.
fn descriptions(folders: &[PathBuf]) -> Result<Descriptions, Failure> {
    let opened = Descriptions::open(folders);
    opened.map_err(|error| Failure::of(Fault::DeviceDescriptionWrong, zerocat::chain(&error)))
}

fn unavailable(what: &String) {
    print::say(format_args!("unavailable: {what}"));
}

/// Positions of SubDevices that are alike which are named at most.
const MOST_NAMED: usize = 8;

/// Says which SubDevices only their position tells apart.
pub(crate) fn say_twins(found: &zerocat::Scan) {
    found.twins().iter().for_each(|alike| print::say(twins(found, alike)));
}

fn twins(found: &zerocat::Scan, alike: &[u16]) -> String {
    let name = alike.first().and_then(|first| found.subdevices.get(usize::from(*first))).map_or("", |one| &one.name);
    let positions: Vec<_> = alike.iter().take(MOST_NAMED).map(ToString::to_string).collect();
    let more = match alike.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "SubDevices {}{more} ({name}) are alike: without a serial number, station alias or device ID of their own, only their position \
         tells them apart, and nothing shows it when two of them change places",
        positions.join(", ")
    )
}
