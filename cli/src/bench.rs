//! `zerocat bench`: measurements that a user can repeat, with the machine beside each figure.

mod audit;
mod bringup;
mod compare;
mod dc;
mod library;
mod mailbox;
mod sync;
mod wakeup;

use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::signals::Signals;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;
use zerocat::config::Overlap;
use zerocat::{Fault, Limit, fault_of_lock, fault_of_packet, fault_of_xdp};
use zerocat_benches::compare::OwnRow;
use zerocat_benches::frames::{self, FramesSettings};
use zerocat_benches::rtt::{self, RttError, RttSettings};
use zerocat_benches::segment::{self, SegmentSettings};

/// Measure what a cycle costs.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  zerocat bench rtt --interface ecm0 --reflector ecs0\n  zerocat bench compare --interface ecm0 --reflector ecs0 --html report.html\n  zerocat bench segment --subdevices 100\n  zerocat bench frames\n  zerocat bench wakeup\n  zerocat bench library\n  zerocat bench audit --interface ecm0 --segment ecs0\n  zerocat bench bringup --interface ecm0 --segment ecs0\n  zerocat bench dc --minutes 1\n  zerocat bench sync --interface ecm0 --segment ecs0\n  zerocat bench mailbox --transactions 20000"
)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Rtt(Rtt),
    Compare(compare::Compare),
    Segment(Segment),
    Frames(Frames),
    Audit(audit::Audit),
    Wakeup(wakeup::Wakeup),
    Library(library::Library),
    Dc(dc::Dc),
    Sync(sync::Sync),
    Mailbox(mailbox::Mailbox),
    #[command(name = "bringup")]
    BringUp(bringup::BringUp),
    Row(Row),
    #[command(name = "bringup-row")]
    BringUpRow(bringup::BringUpRow),
}

/// One row of `compare`, which starts it and talks to it.
#[derive(Debug, Args)]
#[command(hide = true)]
struct Row {
    /// Its name.
    name: OwnRow,
}

/// Round trips flat out: the engine over AF_XDP and AF_PACKET, and the bare sockets below it, interleaved.
///
/// The thread that measures spins under SCHED_FIFO; leave it a CPU of its own.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Example:\n  zerocat bench rtt --interface ecm0 --reflector ecs0 --sizes 60,1514\n`scripts/bench.sh` sets a veth pair up around it."
)]
struct Rtt {
    /// The MainDevice's interface.
    #[arg(short, long)]
    interface: String,
    /// Interface at the other end of a veth pair: a program that returns every frame is put on it. Without it,
    /// something else must answer.
    #[arg(long, value_name = "PEER")]
    reflector: Option<String>,
    /// Cycles of each row in each round.
    #[arg(long, default_value_t = 20_000)]
    cycles: u32,
    /// Rounds; each measures all rows once.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Frame lengths in bytes.
    #[arg(long, value_delimiter = ',', default_value = "60,300,1514")]
    sizes: Vec<usize>,
    /// After this many microseconds a frame is lost.
    #[arg(long, default_value_t = 2000, value_name = "US")]
    deadline: u64,
    /// Working counter that an LRW datagram comes back with; the reflector's is 3.
    #[arg(long, default_value_t = rtt::REFLECTED, value_name = "N")]
    working_counter: u16,
    /// Measure AF_XDP in generic mode too.
    #[arg(long)]
    all_modes: bool,
    #[command(flatten)]
    how: How,
}

/// A segment in this process: time and allocations of a cycle, the segment's share told apart.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  zerocat bench segment --subdevices 100 --cycles 20000\n  zerocat bench segment --subdevices 100 --bytes 20000 --overlap"
)]
struct Segment {
    /// SubDevices in a line, of all kinds.
    #[arg(long, default_value_t = 100)]
    subdevices: usize,
    /// Instead of all kinds, modular devices with so many bytes of process data together.
    #[arg(long)]
    bytes: Option<usize>,
    /// Put inputs over outputs.
    #[arg(long)]
    overlap: bool,
    /// Cycles that are timed.
    #[arg(long, default_value_t = 20_000)]
    cycles: u32,
    #[command(flatten)]
    how: How,
}

/// A segment in this process: time and allocations of single frames, by their kind and the length of the line.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Example:\n  zerocat bench frames --subdevices 100,256 --frames 20000"
)]
struct Frames {
    /// Lengths of the lines; each SubDevice has outputs and inputs, together as many as an LRW carries.
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,256")]
    subdevices: Vec<usize>,
    /// Frames of each row that are timed.
    #[arg(long, default_value_t = 20_000)]
    frames: u32,
    #[command(flatten)]
    how: How,
}

/// What all share.
#[derive(Debug, Args)]
struct How {
    /// CPU to measure on; the last one if not given.
    #[arg(long)]
    cpu: Option<usize>,
    /// SCHED_FIFO priority, 1 to 98; 0 stays an ordinary thread.
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(u8).range(0..=98))]
    priority: u8,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Write the figures as JSON into a file, too.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl Bench {
    /// Whether it disturbs its bus on purpose.
    pub(crate) const fn disturbs(&self) -> bool {
        matches!(self.what, What::Mailbox(_))
    }

    pub(crate) fn run(&self, signals: Signals) -> Done {
        // Those that have a bus or other programs to leave in order look at the signals themselves.
        match &self.what {
            What::Audit(audit) => audit.run(&signals),
            What::Compare(compare) => compare.run(&signals),
            What::BringUp(bringup) => bringup.run(&signals),
            What::Sync(sync) => sync.run(&signals),
            What::Mailbox(mailbox) => mailbox.run(&signals),
            What::Row(row) => signals.release().and_then(|()| {
                zerocat_benches::compare::run_row(row.name)
                    .map_err(|error| Failure::of(Fault::BenchFailed, zerocat::chain(&error)))
            }),
            What::BringUpRow(row) => signals.release().and_then(|()| row.run()),
            What::Rtt(rtt) => ended_by(signals).and_then(|()| rtt.run()),
            What::Segment(segment) => ended_by(signals).and_then(|()| segment.run()),
            What::Frames(frames) => ended_by(signals).and_then(|()| frames.run()),
            What::Wakeup(wakeup) => ended_by(signals).and_then(|()| wakeup.run()),
            What::Library(library) => ended_by(signals).and_then(|()| library.run()),
            What::Dc(dc) => ended_by(signals).and_then(|()| dc.run()),
        }
    }
}

/// Has a signal that asks for the end end this process with a line that says so, for a bench that leaves nothing behind. It
/// is in the middle of a figure then, so there are none.
fn ended_by(signals: Signals) -> Done {
    let watched = signals.clone();
    let watch = move || {
        while !watched.stop() {
            // There is no status line.
            watched.status();
            watched.sleep(Duration::from_secs(1));
        }
        let by = watched.stopped_by().unwrap_or("a signal");
        print::finish(Err(Failure::of(
            Fault::StoppedBySignal,
            format!("stopped by {by} before it was done: no figures"),
        )));
        std::process::exit(1);
    };
    match std::thread::Builder::new().name("zc-signals".to_owned()).spawn(watch) {
        Ok(_) => Ok(()),
        // Then they do what they do without a handler.
        Err(_) => signals.release(),
    }
}

/// Why a bench failed: a limit of threads has an exit code of its own.
fn failed(error: &(dyn std::error::Error + 'static)) -> Failure {
    let message = zerocat::chain(&error);
    match Limit::in_causes(error) {
        Some(limit) => Failure::limit(limit, format!("{message}: {limit}")),
        None => Failure::of(Fault::BenchFailed, message),
    }
}

impl Rtt {
    fn run(&self) -> Done {
        let settings = RttSettings {
            interface: self.interface.clone(),
            reflector: self.reflector.clone(),
            cycles: self.cycles,
            rounds: self.rounds,
            sizes: self.sizes.clone(),
            cpu: self.how.cpu,
            priority: self.how.priority(),
            deadline: Duration::from_micros(self.deadline),
            expected_working_counter: self.working_counter,
            all_modes: self.all_modes,
        };
        let progress = Progress::new();
        let report = rtt::run(&settings, |line| progress.say(line)).map_err(|error| {
            let message = zerocat::chain(&error);
            match error {
                RttError::Size(_) | RttError::Nothing => Failure::usage(message),
                RttError::Lock(ref error) => Failure::of(fault_of_lock(error), message),
                RttError::Xdp { ref source, .. } => Failure::of(fault_of_xdp(source), message),
                RttError::Packet { ref source, .. } => Failure::of(fault_of_packet(source), message),
                error => failed(&error),
            }
        })?;
        progress.end();
        self.how.show(&report, || rtt::table(&report))
    }
}

impl Segment {
    fn run(&self) -> Done {
        let settings = SegmentSettings {
            subdevices: self.subdevices,
            bytes: self.bytes,
            overlap: if self.overlap { Overlap::On } else { Overlap::Off },
            cycles: self.cycles,
            cpu: self.how.cpu,
            priority: self.how.priority(),
        };
        let progress = Progress::new();
        let report = segment::run(&settings, |line| progress.say(line)).map_err(|error| failed(&error))?;
        progress.end();
        self.how.show(&report, || segment::table(&report))
    }
}

impl Frames {
    fn run(&self) -> Done {
        let settings = FramesSettings {
            subdevices: self.subdevices.clone(),
            frames: self.frames,
            cpu: self.how.cpu,
            priority: self.how.priority(),
        };
        let progress = Progress::new();
        let report = frames::run(&settings, |line| progress.say(line)).map_err(|error| failed(&error))?;
        progress.end();
        self.how.show(&report, || frames::table(&report))
    }
}

impl How {
    fn priority(&self) -> Option<u8> {
        (self.priority > 0).then_some(self.priority)
    }

    fn show(&self, report: &impl Serialize, table: impl FnOnce() -> String) -> Done {
        self.conclude(report, table, Ok(()))
    }

    /// Shows a report, and ends with what the bench came to.
    fn conclude(&self, report: &impl Serialize, table: impl FnOnce() -> String, done: Done) -> Done {
        if let Some(path) = &self.report {
            print::json_file(report, path)?;
        }
        if self.json {
            return print::document(report, done);
        }
        print::line(table());
        done
    }
}

/// A line on standard error that says what is being measured, on a terminal only.
struct Progress(ProgressBar);

impl Progress {
    fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { print::live_target() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::default_spinner());
        Self(bar)
    }

    fn say(&self, line: &str) {
        self.0.set_message(line.to_owned());
        self.0.tick();
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
