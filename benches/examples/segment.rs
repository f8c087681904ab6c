//! Runs the segment bench without the program around it: `segment [SUBDEVICES [CYCLES]]`.

#![allow(clippy::print_stdout, reason = "an example that prints")]

use zerocat_benches::segment::{SegmentSettings, run, table};

#[global_allocator]
static ALLOCATOR: zerocat_sched::CountingAllocator = zerocat_sched::CountingAllocator;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut settings = SegmentSettings::default();
    if let Some(subdevices) = arguments.next() {
        settings.subdevices = subdevices.parse()?;
    }
    if let Some(cycles) = arguments.next() {
        settings.cycles = cycles.parse()?;
    }
    let report = run(&settings, |line| eprintln!("{line}"))?;
    println!("{}", table(&report));
    Ok(())
}
