//! The `zerocat` command: arguments, printing, wiring. What it does is in the `zerocat` library.
#![forbid(unsafe_code)]

mod bench;
mod campaign;
mod check;
mod completions;
mod conclusion;
mod demo;
mod doctor;
mod exit;
mod faults;
mod import;
mod init;
mod live;
mod man;
mod print;
mod run;
mod scan;
mod schema;
mod signals;
mod sim;
mod stops;
mod summary;
mod sweep;
mod tune;
mod written;

use clap::{Parser, Subcommand};
use exit::Failure;
use signals::Signals;
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Counts what each thread allocates, so that a report can say what the realtime thread did.
#[global_allocator]
static ALLOCATOR: zerocat_sched::CountingAllocator = zerocat_sched::CountingAllocator;

/// EtherCAT MainDevice over AF_XDP.
#[derive(Debug, Parser)]
#[command(name = "zerocat", version, max_term_width = 110, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say more on standard error; twice for everything (or set ZEROCAT_LOG, as in ZEROCAT_LOG=zerocat_bus=debug).
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Sim(sim::Sim),
    Scan(scan::Scan),
    Init(init::Init),
    Import(import::Import),
    Check(check::Check),
    Schema(schema::Schema),
    Faults(faults::Faults),
    Demo(demo::Demo),
    Bench(bench::Bench),
    Doctor(doctor::Doctor),
    Tune(tune::Tune),
    Campaign(campaign::Campaign),
    Sweep(sweep::Sweep),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    /// Whether it leaves nothing behind when a signal ends it.
    const fn ends_at_once(&self) -> bool {
        matches!(
            self,
            Self::Check(_)
                | Self::Schema(_)
                | Self::Faults(_)
                | Self::Import(_)
                | Self::Doctor(_)
                | Self::Tune(_)
                | Self::Completions(_)
                | Self::Man(_)
        )
    }
}

fn main() -> ExitCode {
    print::finish(run())
}

fn run() -> Done {
    let signals = Signals::take()?;
    signals::disarm()?;
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return print::answer(&answer),
    };
    if matches!(cli.command, Command::Run(_) | Command::Demo(_) | Command::Bench(_)) {
        // Before the first thread. What came of it is told with the rest of what the process asks for.
        let _ = zerocat_sched::futex::make_private();
    }
    let disturbs = match &cli.command {
        Command::Bench(bench) => bench.disturbs(),
        Command::Campaign(_) => true,
        _ => false,
    };
    log(cli.verbose, disturbs);
    if matches!(cli.command, Command::Run(_) | Command::Sim(_) | Command::Demo(_)) {
        signals::stay_in_background();
    }
    if !cli.command.ends_at_once() {
        signals.obey_a_second()?;
    }
    match cli.command {
        Command::Run(command) => command.run(&signals),
        Command::Sim(command) => command.run(&signals),
        Command::Scan(command) => command.run(cli.verbose > 0, &signals),
        Command::Init(command) => command.run(&signals),
        Command::Demo(command) => command.run(&signals),
        Command::Campaign(command) => command.run(&signals),
        Command::Sweep(command) => command.run(&signals),
        Command::Check(command) => signals.release().and_then(|()| command.run()),
        Command::Schema(command) => signals.release().and_then(|()| command.run()),
        Command::Import(command) => signals.release().and_then(|()| command.run()),
        Command::Faults(command) => signals.release().and_then(|()| command.run()),
        Command::Bench(command) => command.run(signals),
        Command::Doctor(command) => signals.release().and_then(|()| command.run()),
        Command::Completions(command) => signals.release().and_then(|()| command.run()),
        Command::Man(command) => signals.release().and_then(|()| command.run()),
        Command::Tune(command) => signals.release().and_then(|()| command.run()),
    }
}

/// Begins to log. A command that disturbs its bus itself has no warnings for anybody.
fn log(verbose: u8, disturbs: bool) {
    let level = match verbose {
        0 if disturbs => "error",
        0 => "warn",
        1 => "info",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("ZEROCAT_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(print::Log)
        .log_internal_errors(false)
        .with_ansi(colours)
        .with_target(false)
        .init();
}

/// Type that a failed command ends with.
type Done = Result<(), Failure>;
