//! A program beside the tasks of a rig file: `cargo run --example rig -- axis-rig.json`. It reads a channel by its name.
#![allow(clippy::print_stdout, reason = "an example")]
use std::time::Duration;
use zerocat::{Bus, CheckedRig, NoCycle};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which rig file?")?;
    let mut bus = Bus::from_rig(CheckedRig::load(file)?).history(1000);
    let position = bus.input_channel::<i32>("axis_position");
    let (_session, mut io) = bus.start()?;
    // A time-out is a network that is out: the session brings it to OP again.
    while matches!(io.wait(Duration::from_secs(1)), Ok(_) | Err(NoCycle::TimedOut)) {
        while let Some(past) = io.next_of_history() {
            println!("{} {}", past.number(), past.get(position));
        }
    }
    Ok(())
}
