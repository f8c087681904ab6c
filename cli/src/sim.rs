//! `zerocat sim`: a simulated segment at the far end of an interface or a UNIX datagram socket, with commands while it
//! runs.

mod control;
mod devices;
mod display;
mod port;
mod screen;
mod served;

use crate::Done;
use crate::exit::Failure;
use crate::stop::Stop;
use clap::Args;
use control::Control;
use display::Display;
use port::{Port, SocketPaths};
use screen::Sight;
use served::{Faults, Served, table};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use zerocat_link::Link;
use zerocat_link::fault::{FaultInjector, FaultPlan};
use zerocat_sim::{CommandParser, Script, ScriptRun, Segment, SegmentConfig, Server, SubDeviceConfig};

const EXAMPLES: &str = "\
Examples:
  zerocat sim --interface ecs0 --config examples/demo-segment.json
  zerocat sim --interface ecs0 --mixed 100
  zerocat sim --unix /run/segment.sock:/run/vm.sock
  zerocat sim --mixed 8 --print-config > segment.json
  zerocat sim --esi vendor.xml
  zerocat sim --interface ecs0 --esi vendor.xml --device EL3102

While it runs it takes commands on standard input, one a line: `help` lists them.";

/// Put a simulated segment on an interface, for any EtherCAT MainDevice at the other end.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Sim {
    /// Network interface.
    #[arg(short, long, required_unless_present_any = ["unix", "print_config", "esi"])]
    interface: Option<String>,
    /// UNIX datagram sockets instead: the segment's and the other end's, one datagram an Ethernet frame, as QEMU's
    /// `-netdev dgram` has them.
    #[arg(long, conflicts_with = "interface", value_name = "LOCAL:REMOTE")]
    unix: Option<SocketPaths>,
    /// Segment file (schema: `zerocat schema segment`). Without it, the segment of the demo.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A line of this many SubDevices of all kinds instead of a file.
    #[arg(long, conflicts_with = "config", value_name = "N")]
    mixed: Option<usize>,
    /// A device description (ESI) of a vendor instead of a file: the segment has SubDevices of one type in it. Without
    /// `--device`: list the devices in it, and end.
    #[arg(long, conflicts_with_all = ["config", "mixed"], value_name = "FILE")]
    esi: Option<PathBuf>,
    /// Type or name of the device in the device description.
    #[arg(long, requires = "esi", value_name = "NAME")]
    device: Option<String>,
    /// How many of it, in a line.
    #[arg(long, requires = "esi", default_value_t = 1, value_name = "N")]
    count: usize,
    /// Print the segment file that would be used, and end.
    #[arg(long)]
    print_config: bool,
    /// Commands with times (see docs/sim.md).
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Seed of the faults of frames: the same seed and the same frames give the same faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stop after this many seconds.
    #[arg(long)]
    seconds: Option<f64>,
    /// Print what happens as JSON lines, and what was served as the last of them.
    #[arg(long)]
    json: bool,
    /// Show nothing while it runs but what goes wrong.
    #[arg(short, long)]
    quiet: bool,
}

impl Sim {
    pub(crate) fn run(&self) -> Done {
        if let (Some(path), None) = (&self.esi, &self.device) {
            return devices::list(path, self.json);
        }
        let config = self.config()?;
        if self.print_config {
            config.check().map_err(|error| Failure::file(zerocat::chain(&error)))?;
            println!("{}", config.to_json());
            return Ok(());
        }
        let segment = Segment::new(&config).map_err(|error| Failure::file(zerocat::chain(&error)))?;
        let control = self.control(&config)?;
        let deadline = self.deadline()?;
        let (port, name) = self.port()?;
        let link = FaultInjector::new(port, FaultPlan::default(), FaultPlan::default(), self.seed);
        self.serve(segment, control, link, &name, deadline)
    }

    fn serve(
        &self,
        mut segment: Segment,
        mut control: Control,
        mut link: FaultInjector<Port>,
        name: &str,
        deadline: Option<Duration>,
    ) -> Done {
        let flag = Stop::on_signals()?.flag();
        let mut display = Display::open(self.json, self.quiet, name, &segment.snapshot(), self.seed);
        let (mut due, mut last) = (Duration::ZERO, Duration::ZERO);
        let wait = |link: &mut FaultInjector<Port>, at_most| link.inner().wait(at_most);
        let each = |link: &mut FaultInjector<Port>, segment: &mut Segment, now| {
            last = now;
            for report in control.run(link, segment, now, &flag) {
                display.report(&report, &segment.snapshot());
                due = now;
            }
            if now >= due {
                due = now + display.period();
                display.show(&sight(&segment.snapshot(), link, now));
            }
            end_at(deadline, now, &flag);
        };
        let served = Server::new().run(&mut link, &mut segment, &flag, wait, each);
        if let Display::Json { .. } = display {
            // What changed since the last look.
            display.show(&sight(&segment.snapshot(), &link, last));
        }
        drop(display);
        served.map_err(|fault| Failure::running(format!("serve {name}: {fault}")))?;
        self.conclude(&segment, &link, name)
    }

    fn config(&self) -> Result<SegmentConfig, Failure> {
        if let (Some(path), Some(device)) = (&self.esi, &self.device) {
            let one = SubDeviceConfig::from_esi(path, device, None);
            let one = one.map_err(|error| Failure::file(zerocat::chain(&error)))?;
            return Ok(SegmentConfig::line(vec![one; self.count]));
        }
        match (&self.config, self.mixed) {
            (Some(path), _) => SegmentConfig::load(path)
                .map_err(|error| Failure::file(format!("{}: {}", path.display(), zerocat::chain(&error)))),
            (None, Some(count)) => Ok(SegmentConfig::mixed(count)),
            (None, None) => Ok(SegmentConfig::demo()),
        }
    }

    fn control(&self, config: &SegmentConfig) -> Result<Control, Failure> {
        let parser = CommandParser::new(config);
        let script = match &self.script {
            None => Script::default(),
            Some(path) => Script::load(path, &parser)
                .map_err(|error| Failure::file(format!("{}: {}", path.display(), zerocat::chain(&error))))?,
        };
        Ok(Control::new(parser, ScriptRun::new(script)))
    }

    fn port(&self) -> Result<(Port, String), Failure> {
        match (&self.interface, &self.unix) {
            (Some(name), _) => Ok((Port::interface(name)?, name.clone())),
            (None, Some(paths)) => Ok((Port::socket(paths)?, paths.to_string())),
            (None, None) => Err(Failure::usage("give --interface or --unix")),
        }
    }

    fn deadline(&self) -> Result<Option<Duration>, Failure> {
        let seconds = self.seconds.map(Duration::try_from_secs_f64).transpose();
        seconds.map_err(|error| Failure::usage(format!("--seconds: {error}")))
    }

    fn conclude(&self, segment: &Segment, link: &FaultInjector<Port>, name: &str) -> Done {
        let snapshot = segment.snapshot();
        let (counters, faults) = (link.counters(), Faults::of(link.faults()));
        if self.json {
            return Served::new(&snapshot, name, counters, faults).print();
        }
        if !self.quiet {
            let totals = snapshot.totals;
            println!("{}", table(&snapshot));
            println!("{} frames, {} datagrams, {} frames destroyed", totals.frames, totals.datagrams, totals.lost);
            if faults != Faults::default() {
                println!("faults on purpose: {faults}");
            }
        }
        Ok(())
    }
}

fn sight<'a>(snapshot: &'a zerocat_sim::Snapshot, link: &FaultInjector<Port>, now: Duration) -> Sight<'a> {
    Sight { snapshot, link: link.counters(), faults: Faults::of(link.faults()), now }
}

fn end_at(deadline: Option<Duration>, now: Duration, stop: &Arc<AtomicBool>) {
    if deadline.is_some_and(|deadline| now >= deadline) {
        // SYNC: a flag that this thread reads itself.
        stop.store(true, Ordering::Relaxed);
    }
}
