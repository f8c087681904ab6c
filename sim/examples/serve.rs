//! Serves a segment on an interface until it is ended, and prints its state every second.
//!
//! `cargo run -p zerocat-sim --example serve -- IF [FILE.json | example | demo | mixed:COUNT]`

#![allow(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::error::Error;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use zerocat_link::Sizing;
use zerocat_link::packet::PacketLink;
use zerocat_sim::{Segment, SegmentConfig, Server};

fn config(what: &str) -> Result<SegmentConfig, Box<dyn Error>> {
    Ok(match what {
        "example" => SegmentConfig::example(),
        "demo" => SegmentConfig::demo(),
        _ => match what.strip_prefix("mixed:") {
            Some(count) => SegmentConfig::mixed(count.parse()?),
            None => SegmentConfig::load(what.as_ref())?,
        },
    })
}

fn print(segment: &Segment) {
    let snapshot = segment.snapshot();
    println!("{:?}", snapshot.totals);
    for device in &snapshot.subdevices {
        println!(
            "{:4} {:10} {:8}{} {} cyclic {} mails {} watchdog {}",
            device.index,
            device.order,
            device.state,
            if device.error { " ERROR" } else { "" },
            device.code,
            device.cyclic,
            device.mailbox_requests,
            device.watchdog_expiries
        );
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let interface = arguments.next().ok_or("which interface?")?;
    let config = config(&arguments.next().unwrap_or_else(|| "example".into()))?;
    let mut link = PacketLink::open(&interface, Sizing { slots: 64, receive: 64 })?;
    let mut segment = Segment::new(&config)?;
    let mut shown = Duration::ZERO;
    Server::new().run(
        &mut link,
        &mut segment,
        &AtomicBool::new(false),
        |link, at_most| link.wait(at_most),
        |_, segment, now| {
            if now >= shown + Duration::from_secs(1) {
                shown = now;
                print(segment);
            }
        },
    )?;
    Ok(())
}
