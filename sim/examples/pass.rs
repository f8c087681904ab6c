//! Time that a full LRW frame takes through a segment of `COUNT` SubDevices, and a broadcast read.
//!
//! `cargo run --release -p zerocat-sim --example pass -- COUNT`

#![allow(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::error::Error;
use std::time::{Duration, Instant};

use zerocat_sim::{Segment, SegmentConfig};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, Command, Datagram, FrameBuilder};

fn time(segment: &mut Segment, command: Command, address: Address, len: usize) -> Result<f64, Box<dyn Error>> {
    const FRAMES: u32 = 20_000;
    let mut buffer = [0u8; 1514];
    let mut builder = FrameBuilder::new(&mut buffer, MacAddress::CYCLIC)?;
    builder.push(Datagram::new(command, address, 0, len))?;
    let len = builder.finish()?;
    let start = Instant::now();
    for _ in 0..FRAMES {
        let _ = segment.process(&mut buffer[..len], Duration::ZERO);
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(FRAMES))
}

fn main() -> Result<(), Box<dyn Error>> {
    let count: u16 = std::env::args().nth(1).map_or(Ok(100), |text| text.parse())?;
    let mut segment = Segment::new(&SegmentConfig::mixed(count.into()))?;
    let each = 1486 / u32::from(count);
    for position in 0..count {
        // One FMMU for each SubDevice, over memory that no sync manager guards.
        let mut buffer = [0u8; 60];
        let mut builder = FrameBuilder::new(&mut buffer, MacAddress::ACYCLIC)?;
        let at = builder.push(Datagram::new(Command::Apwr, Address::position(position, 0x0600), 0, 13))?;
        builder.finish()?;
        let logical = (u32::from(position) * each).to_le_bytes();
        let [l0, l1, ..] = each.to_le_bytes();
        buffer[at..at + 13]
            .copy_from_slice(&[logical[0], logical[1], logical[2], logical[3], l0, l1, 0, 7, 0x00, 0x10, 0, 3, 1]);
        let _ = segment.process(&mut buffer, Duration::ZERO);
    }
    println!("{count} SubDevices");
    println!(
        "LRW of 1486 bytes, all take part: {:.2} us",
        time(&mut segment, Command::Lrw, Address::logical(0), 1486)?
    );
    println!(
        "LRD of 1486 bytes, none does:     {:.2} us",
        time(&mut segment, Command::Lrd, Address::logical(1 << 20), 1486)?
    );
    println!(
        "FPRD of none:                     {:.2} us",
        time(&mut segment, Command::Fprd, Address::station(9, 0x130), 2)?
    );
    println!(
        "BRD of the AL status:             {:.2} us",
        time(&mut segment, Command::Brd, Address::broadcast(0x0130), 2)?
    );
    Ok(())
}
