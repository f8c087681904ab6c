//! `zerocat sim`: a simulated segment at the far end of an interface.

use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::stop::Stop;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use zerocat_link::Sizing;
use zerocat_link::packet::PacketLink;
use zerocat_sim::{Segment, SegmentConfig, Server, Snapshot};

/// Frames that may be on their way out, and waiting to be processed.
const SIZING: Sizing = Sizing { slots: 256, receive: 512 };
/// Time between two looks on a terminal.
const REDRAW: Duration = Duration::from_millis(200);

/// Put a simulated segment on an interface, for any EtherCAT MainDevice at the other end.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  zerocat sim --interface ecs0 --config examples/demo-segment.json\n  zerocat sim --interface ecs0 --mixed 100"
)]
pub(crate) struct Sim {
    /// Network interface.
    #[arg(short, long)]
    interface: String,
    /// Segment file (schema: `zerocat schema segment`). Without it, the segment of the demo.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A line of this many SubDevices of all kinds instead of a file.
    #[arg(long, conflicts_with = "config", value_name = "N")]
    mixed: Option<usize>,
    /// Stop after this many seconds.
    #[arg(long)]
    seconds: Option<f64>,
    /// Print what was served as JSON when it stops.
    #[arg(long)]
    json: bool,
    /// Show nothing while it runs.
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Serialize)]
struct Served {
    schema: &'static str,
    interface: String,
    frames: u64,
    datagrams: u64,
    lost: u64,
    subdevices: Vec<ServedSubDevice>,
}

#[derive(Debug, Serialize)]
struct ServedSubDevice {
    position: Option<u16>,
    order: String,
    name: String,
    state: &'static str,
    error: bool,
    code: u16,
    code_text: &'static str,
    cyclic: u64,
    mailbox_requests: u64,
    watchdog_expiries: u64,
}

impl Sim {
    pub(crate) fn run(&self) -> Done {
        let config = self.config()?;
        let mut segment = Segment::new(&config).map_err(|error| Failure::file(zerocat::chain(&error)))?;
        let mut link = PacketLink::open(&self.interface, SIZING)
            .map_err(|error| Failure::link(format!("open {}: {}", self.interface, zerocat::chain(&error))))?;
        let stop = Stop::on_signals()?;
        let display = Display::new(self.quiet);
        display.begin(&segment.snapshot(), &self.interface);
        let deadline = self.deadline()?;
        let flag = stop.flag();
        let mut due = Duration::ZERO;
        let wait = |link: &mut PacketLink, at_most| link.wait(at_most);
        Server::new()
            .run(&mut link, &mut segment, &flag, wait, |segment, now| {
                if now >= due {
                    due = now + REDRAW;
                    display.show(segment);
                }
                end_at(deadline, now, &flag);
            })
            .map_err(|fault| Failure::running(format!("serve {}: {fault}", self.interface)))?;
        display.bar.finish_and_clear();
        self.conclude(&segment.snapshot())
    }

    fn config(&self) -> Result<SegmentConfig, Failure> {
        match (&self.config, self.mixed) {
            (Some(path), _) => SegmentConfig::load(path)
                .map_err(|error| Failure::file(format!("{}: {}", path.display(), zerocat::chain(&error)))),
            (None, Some(count)) => Ok(SegmentConfig::mixed(count)),
            (None, None) => Ok(SegmentConfig::demo()),
        }
    }

    fn deadline(&self) -> Result<Option<Duration>, Failure> {
        let seconds = self.seconds.map(Duration::try_from_secs_f64).transpose();
        seconds.map_err(|error| Failure::usage(format!("--seconds: {error}")))
    }

    fn conclude(&self, snapshot: &Snapshot) -> Done {
        if self.json {
            return print::json(&served(snapshot, &self.interface));
        }
        if !self.quiet {
            println!("{}", table(snapshot));
            let totals = snapshot.totals;
            println!("{} frames, {} datagrams, {} frames destroyed", totals.frames, totals.datagrams, totals.lost);
        }
        Ok(())
    }
}

fn end_at(deadline: Option<Duration>, now: Duration, stop: &Arc<AtomicBool>) {
    if deadline.is_some_and(|deadline| now >= deadline) {
        // SYNC: a flag that this thread reads itself.
        stop.store(true, Ordering::Relaxed);
    }
}

/// The live table, on a terminal only.
struct Display {
    bar: ProgressBar,
    quiet: bool,
}

impl Display {
    fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::default_spinner());
        Self { bar, quiet }
    }

    fn begin(&self, snapshot: &Snapshot, interface: &str) {
        if !self.quiet {
            eprintln!("serving {} SubDevices on {interface}; Ctrl-C ends it", snapshot.subdevices.len());
        }
    }

    fn show(&self, segment: &Segment) {
        if !self.bar.is_hidden() {
            let snapshot = segment.snapshot();
            self.bar.set_message(format!("{} frames\n{}", snapshot.totals.frames, table(&snapshot)));
            self.bar.tick();
        }
    }
}

fn table(snapshot: &Snapshot) -> String {
    let mut table = print::table(["pos", "type", "name", "state", "AL status code", "cyclic", "mails", "watchdog"]);
    for subdevice in &snapshot.subdevices {
        let state = if subdevice.error { format!("{} + ERROR", subdevice.state) } else { subdevice.state.to_string() };
        table.add_row([
            subdevice.position.map_or_else(|| "-".to_owned(), |position| position.to_string()),
            subdevice.order.clone(),
            subdevice.name.clone(),
            state,
            if subdevice.code.0 == 0 { String::new() } else { subdevice.code.to_string() },
            subdevice.cyclic.to_string(),
            subdevice.mailbox_requests.to_string(),
            subdevice.watchdog_expiries.to_string(),
        ]);
    }
    table.to_string()
}

fn served(snapshot: &Snapshot, interface: &str) -> Served {
    let subdevices = snapshot.subdevices.iter().map(|subdevice| ServedSubDevice {
        position: subdevice.position,
        order: subdevice.order.clone(),
        name: subdevice.name.clone(),
        state: subdevice.state.name(),
        error: subdevice.error,
        code: subdevice.code.0,
        code_text: subdevice.code.text(),
        cyclic: subdevice.cyclic,
        mailbox_requests: subdevice.mailbox_requests,
        watchdog_expiries: subdevice.watchdog_expiries,
    });
    Served {
        schema: "zerocat-served/1",
        interface: interface.to_owned(),
        frames: snapshot.totals.frames,
        datagrams: snapshot.totals.datagrams,
        lost: snapshot.totals.lost,
        subdevices: subdevices.collect(),
    }
}
