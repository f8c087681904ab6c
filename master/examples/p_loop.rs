//! A position loop at 1 kHz: `cargo run --example p_loop -- eth1` moves the first SubDevice, a drive in CSP mode, and ends.
use std::time::Duration;
use zerocat::{Bus, NoCycle};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let interface = std::env::args().nth(1).ok_or("which interface?")?;
    move_to(100_000, Bus::on(interface).rate_hz(1000.0).silent_after(Duration::from_millis(20)))
}

pub(crate) fn move_to(goal: i32, mut bus: Bus) -> Result<(), Box<dyn std::error::Error>> {
    let (status, position) = (bus.input::<u16>(0, 0x6041), bus.input::<i32>(0, 0x6064));
    let (control, target) = (bus.output::<u16>(0, 0x6040), bus.output::<i32>(0, 0x607a));
    let (session, mut io) = bus.start()?;
    let mut error = goal;
    while error.abs() >= 16 {
        let cycle = match io.wait(Duration::from_secs(1)) {
            Ok(cycle) if io.is_good(position) => cycle,
            Ok(_) | Err(NoCycle::TimedOut) => continue,
            Err(ended) => return Err(ended.into()),
        };
        error = goal - io.get(position);
        io.set(control, next_control(io.get(status)));
        io.set(target, io.get(position) + (error / 16).clamp(-500, 500));
        // Refused where it comes too late, or the network was lost meanwhile: there is a next cycle.
        let _ = io.commit(&cycle);
    }
    session.stop()?;
    Ok(())
}

/// CiA 402: shut down, switch on, enable operation.
fn next_control(status: u16) -> u16 {
    let next = [(0x21, 0x07), (0x23, 0x0f), (0x27, 0x0f)].into_iter().find(|(is, _)| status & 0x6f == *is);
    next.map_or(0x06, |(_, word)| word)
}
