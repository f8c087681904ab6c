//! `zerocat sim`: a simulated segment at the far end of an interface or a UNIX datagram socket, with commands while it
//! runs.

mod carriers;
mod columns;
mod control;
mod devices;
mod display;
mod lines;
mod links;
mod port;
mod rates;
mod screen;
mod status;
mod summary;

use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::signals::Signals;
use carriers::Carriers;
use clap::Args;
use control::Control;
use display::Display;
use links::{Links, Names};
use port::{Port, SocketPaths};
use status::Status;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;
use summary::{Faults, Summary, table};
use zerocat::Fault;
use zerocat_sim::{
    CommandParser, End, Script, ScriptRun, SecondEndConfig, Segment, SegmentConfig, Server, SubDeviceConfig,
};

const EXAMPLES: &str = "\
Examples:
  zerocat sim --interface ecs0 --config examples/demo-segment.json
  zerocat sim --interface ecs0 --mixed 100
  zerocat sim --interface ecs0 --second-interface ecs1 --mixed 8
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
    /// Serve on UNIX datagram sockets instead: the segment's own and the one of the other end. Each datagram is one
    /// Ethernet frame, as with QEMU's `-netdev dgram`.
    #[arg(long, conflicts_with = "interface", value_name = "LOCAL:REMOTE")]
    unix: Option<SocketPaths>,
    /// Network interface at the second end of the segment, for MainDevices with cable redundancy. A file without
    /// `second_end` gets one behind its last SubDevice.
    #[arg(long, value_name = "NAME")]
    second_interface: Option<String>,
    /// UNIX datagram sockets at the second end instead.
    #[arg(long, conflicts_with = "second_interface", value_name = "LOCAL:REMOTE")]
    second_unix: Option<SocketPaths>,
    /// Segment file, JSON or YAML (schema: `zerocat schema segment`). Without it, the segment of the demo.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A line of this many SubDevices of all kinds instead of a file.
    #[arg(long, conflicts_with = "config", value_name = "N")]
    mixed: Option<usize>,
    /// A vendor's device description (ESI) instead of a file: the segment is made of one of its devices. Without
    /// `--device`, list its devices and exit.
    #[arg(long, conflicts_with_all = ["config", "mixed"], value_name = "FILE")]
    esi: Option<PathBuf>,
    /// Type or name of the device in the device description.
    #[arg(long, requires = "esi", value_name = "NAME")]
    device: Option<String>,
    /// How many of that device to connect in a line.
    #[arg(long, requires = "esi", default_value_t = 1, value_name = "N")]
    count: usize,
    /// Print the segment file that would be used, and exit.
    #[arg(long)]
    print_config: bool,
    /// Script of commands with times (see docs/sim.md).
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Seed of the frame faults: the same seed and the same frames give the same faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stop after this many seconds.
    #[arg(long)]
    seconds: Option<f64>,
    /// Print events as JSON lines, and a summary as the last line.
    #[arg(long)]
    json: bool,
    /// Say only problems: no table, no figures, no summary.
    #[arg(short, long)]
    quiet: bool,
}

impl Sim {
    pub(crate) fn run(&self, signals: &Signals) -> Done {
        if let (Some(path), None) = (&self.esi, &self.device) {
            return devices::list(path, self.json);
        }
        let config = self.config()?;
        if self.print_config {
            config.check().map_err(|error| Failure::of(Fault::SegmentFileWrong, zerocat::chain(&error)))?;
            print::line(config.to_json());
            return Ok(());
        }
        let mut segment =
            Segment::new(&config).map_err(|error| Failure::of(Fault::SegmentFileWrong, zerocat::chain(&error)))?;
        config.warnings().iter().for_each(print::say);
        let control = self.control(&config)?;
        let deadline = self.deadline()?;
        let (links, names) = self.links()?;
        if config.second_end.is_some() && links.second.is_none() {
            segment.set_carrier(End::Second, false);
            print::say(
                "nothing is connected to the second end, so its port has no link; --second-interface connects it",
            );
        }
        self.serve(segment, control, links, &names, deadline, signals)
    }

    fn serve(
        &self,
        mut segment: Segment,
        mut control: Control,
        mut links: Links,
        names: &Names,
        deadline: Option<Duration>,
        signals: &Signals,
    ) -> Done {
        let flag = signals.stop_flag();
        let status = Status::of(&segment, &links, Duration::ZERO);
        let mut display = Display::open(self.json, self.quiet, names, &status, self.seed);
        let mut carriers = Carriers::new();
        let (mut due, mut last) = (Duration::ZERO, Duration::ZERO);
        let wait = |links: &mut Links, at_most| links::wait(links, at_most);
        let each = |links: &mut Links, segment: &mut Segment, now| {
            last = now;
            for change in carriers.look(links, segment, now) {
                display.carrier(change, names);
            }
            for report in control.run(links, segment, now, &flag) {
                display.report(&report, &Status::of(segment, links, now));
                due = now;
            }
            if signals.status() {
                display.status(&Status::of(segment, links, now));
            }
            if now >= due {
                due = now + display.period();
                display.show(&Status::of(segment, links, now));
            }
            if carriers.gone().is_some() || deadline.is_some_and(|deadline| now >= deadline) {
                // SYNC: a flag that this thread reads itself.
                flag.store(true, Ordering::Relaxed);
            }
        };
        let served = Server::new().run_ends(&mut links, &mut segment, &flag, wait, each);
        let status = Status::of(&segment, &links, last);
        if let Display::Json { .. } = display {
            // Changes since the last call.
            display.show(&status);
        }
        drop(display);
        served.map_err(|fault| Failure::of(Fault::SegmentFailed, format!("serve {names}: {fault}")))?;
        let done = carriers.gone().map_or(Ok(()), |end| {
            let name = names.of(end);
            Err(Failure::of(
                Fault::SegmentInterfaceGone,
                format!("interface {name} was removed or moved to another network namespace"),
            ))
        });
        self.conclude(&status, names, done)
    }

    fn config(&self) -> Result<SegmentConfig, Failure> {
        let mut config = self.described()?;
        let second = self.second_interface.is_some() || self.second_unix.is_some();
        if second && config.second_end.is_none() {
            let last = u16::try_from(config.subdevices.len().saturating_sub(1)).unwrap_or(u16::MAX);
            config.second_end = Some(SecondEndConfig { subdevice: last, port: None });
        }
        Ok(config)
    }

    fn described(&self) -> Result<SegmentConfig, Failure> {
        let check = |count| {
            SegmentConfig::check_count(count)
                .map_err(|error| Failure::of(Fault::SegmentFileWrong, zerocat::chain(&error)))
        };
        if let (Some(path), Some(device)) = (&self.esi, &self.device) {
            check(self.count)?;
            let one = SubDeviceConfig::from_esi(path, device, None);
            let one = one.map_err(|error| Failure::of(Fault::SegmentFileWrong, zerocat::chain(&error)))?;
            return Ok(SegmentConfig::line(vec![one; self.count]));
        }
        match (&self.config, self.mixed) {
            (Some(path), _) => SegmentConfig::load(path).map_err(|error| {
                Failure::of(Fault::SegmentFileWrong, format!("{}: {}", path.display(), zerocat::chain(&error)))
            }),
            (None, Some(count)) => check(count).map(|()| SegmentConfig::mixed(count)),
            (None, None) => Ok(SegmentConfig::demo()),
        }
    }

    fn control(&self, config: &SegmentConfig) -> Result<Control, Failure> {
        let parser = CommandParser::new(config);
        let script = match &self.script {
            None => Script::default(),
            Some(path) => Script::load(path, &parser).map_err(|error| {
                Failure::of(Fault::SegmentFileWrong, format!("{}: {}", path.display(), zerocat::chain(&error)))
            })?,
        };
        Ok(Control::new(parser, ScriptRun::new(script)))
    }

    fn links(&self) -> Result<(Links, Names), Failure> {
        if let Some(name) = self.interface.as_ref().filter(|name| self.second_interface.as_ref() == Some(*name)) {
            return Err(Failure::usage(format!("both ends are on {name}; each needs an interface of its own")));
        }
        let first = port(self.interface.as_deref(), self.unix.as_ref())?;
        let (first, name) = first.ok_or_else(|| Failure::usage("give --interface or --unix"))?;
        let second = port(self.second_interface.as_deref(), self.second_unix.as_ref())?;
        let (second, second_name) = second.unzip();
        Ok((links::links(first, second, self.seed), Names { first: name, second: second_name }))
    }

    fn deadline(&self) -> Result<Option<Duration>, Failure> {
        let seconds = self.seconds.map(Duration::try_from_secs_f64).transpose();
        seconds.map_err(|error| Failure::usage(format!("--seconds: {error}")))
    }

    fn conclude(&self, status: &Status, names: &Names, done: Done) -> Done {
        if self.json {
            return Summary::new(status, names).print(done);
        }
        if !self.quiet {
            let totals = status.snapshot.totals;
            print::line(table(status));
            print::line(format_args!(
                "{} frames, {} datagrams, {} frames destroyed",
                totals.frames, totals.datagrams, totals.lost
            ));
            if status.faults != Faults::default() {
                print::line(format_args!("faults on purpose: {}", status.faults));
            }
        }
        done
    }
}

/// Opens the interface or the sockets that are named, if any, and returns the port with its name.
fn port(interface: Option<&str>, unix: Option<&SocketPaths>) -> Result<Option<(Port, String)>, Failure> {
    match (interface, unix) {
        (Some(name), _) => Ok(Some((Port::interface(name)?, name.to_owned()))),
        (None, Some(paths)) => Ok(Some((Port::socket(paths)?, paths.to_string()))),
        (None, None) => Ok(None),
    }
}
