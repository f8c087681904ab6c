//! ethercrab's own code as a MainDevice: its `init`, its groups, its cyclic exchange, its tasks.
//!
//! It brings a bus to OP, exchanges cycles, takes the bus back to INIT, and prints what it found and counted as JSON.
//! The bus is on an interface, or is a simulated segment in this process (`--mixed`). Any error of ethercrab ends the
//! program. With `bench` it is a row of `zerocat bench compare` instead.

mod bench;
mod exchange;
mod in_process;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ethercrab::PduStorage;
use zerocat_sim::{Segment, SegmentConfig};

/// Frames in flight and their size: ethercrab's largest.
static STORAGE: PduStorage<16, { PduStorage::element_size(1486) }> = PduStorage::new();

/// Drive a bus with ethercrab and print what it found and counted as JSON.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Network interface; its MTU must be 1528 or more.
    #[arg(long, required_unless_present = "mixed")]
    interface: Option<String>,
    /// A simulated line of this many SubDevices in this process instead of an interface.
    #[arg(long, conflicts_with = "interface", value_name = "N")]
    mixed: Option<usize>,
    /// Cycles in OP.
    #[arg(long, default_value_t = 10_000)]
    cycles: u32,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A row of `zerocat bench compare`, which starts it and talks to it.
    Bench {
        /// Which.
        row: bench::Row,
    },
}

fn drive(arguments: &Arguments) -> Result<String, Box<dyn std::error::Error>> {
    let (tx, rx, pdu_loop) = STORAGE.try_split().map_err(|()| "the frame storage was split before")?;
    if let Some(count) = arguments.mixed {
        let segment = Segment::new(&SegmentConfig::mixed(count))?;
        std::thread::spawn(|| in_process::pump(tx, rx, segment));
    } else {
        let interface = arguments.interface.as_deref().ok_or("neither --interface nor --mixed")?;
        let task = ethercrab::std::tx_rx_task(interface, tx, rx)?;
        std::thread::spawn(|| {
            if let Err(error) = futures_lite::future::block_on(task) {
                eprintln!("zerocat-peers: ethercrab's task for the interface ended: {error}");
            }
        });
    }
    let report = futures_lite::future::block_on(exchange::drive(pdu_loop, arguments.cycles))?;
    Ok(serde_json::to_string(&report)?)
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    match arguments.command {
        Some(Command::Bench { row }) => bench::run(row),
        None => {
            println!("{}", drive(arguments)?);
            Ok(())
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zerocat-peers: {error}");
            ExitCode::FAILURE
        }
    }
}
