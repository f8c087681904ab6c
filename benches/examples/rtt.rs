//! Runs the round-trip bench without the program around it: `rtt INTERFACE PEER [ROUNDS [CYCLES [SIZE...]]]`.

#![allow(clippy::print_stdout, reason = "an example that prints")]

use zerocat_benches::rtt::{RttSettings, run, table};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let interface = arguments.next().ok_or("which interface?")?;
    let mut settings = RttSettings { interface, reflector: arguments.next(), ..RttSettings::default() };
    if let Some(rounds) = arguments.next() {
        settings.rounds = rounds.parse()?;
    }
    if let Some(cycles) = arguments.next() {
        settings.cycles = cycles.parse()?;
    }
    let sizes = arguments.map(|size| size.parse()).collect::<Result<Vec<usize>, _>>()?;
    if !sizes.is_empty() {
        settings.sizes = sizes;
    }
    settings.all_modes = std::env::var_os("ALL_MODES").is_some();
    let report = run(&settings, |line| eprintln!("{line}"))?;
    println!("{}", table(&report));
    Ok(())
}
