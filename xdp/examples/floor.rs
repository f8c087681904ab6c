//! Round trips of bare AF_XDP and of the link, in alternation, on an interface whose other end reflects.
//!
//! `floor [MASTER PEER [ROUNDS]]`: puts a reflector on PEER and measures on MASTER; both must be in this network
//! namespace. It prints nanoseconds. For a look; the benches do it properly.

use std::time::{Duration, Instant};
use zerocat_link::{Link, Sizing, Slot};
use zerocat_xdp::{FloorPing, Mode, ModeRequest, Reflector, XdpLink, XdpOptions};

type Failure = Box<dyn std::error::Error>;

#[allow(clippy::print_stdout, reason = "this is a program")]
fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let master = arguments.next().unwrap_or_else(|| "zc-master".into());
    let peer = arguments.next().unwrap_or_else(|| "zc-peer".into());
    let rounds: usize = arguments.next().map_or(Ok(100_000), |rounds| rounds.parse())?;
    let sizing = Sizing { slots: 8, receive: 64 };
    for mode in [Mode::NativeCopy, Mode::Generic] {
        let _reflector = Reflector::attach(&peer, mode)?;
        let options = XdpOptions { mode: ModeRequest::Force(mode), ..XdpOptions::new(&master, sizing) };
        for len in [60, 1514] {
            let frame = frame(len);
            for _ in 0..3 {
                println!("floor {mode} {len} B: {}", floor(&options, &frame, rounds)?);
                println!("link  {mode} {len} B: {}", link(&options, &frame, rounds)?);
            }
        }
    }
    Ok(())
}

/// One LRW as long as the frame.
fn frame(len: usize) -> Vec<u8> {
    let mut frame = vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10, 0x7a, 0x63, 0, 0, 1, 0x88, 0xa4];
    let datagrams = u16::try_from(len - 16).unwrap_or_default();
    frame.extend((datagrams | 0x1000).to_le_bytes());
    frame.extend([12, 0, 0, 0, 0, 0]);
    frame.extend((datagrams - 12).to_le_bytes());
    frame.resize(len, 0);
    frame
}

fn floor(options: &XdpOptions, frame: &[u8], rounds: usize) -> Result<String, Failure> {
    let mut ping = FloorPing::open(options, frame, 1, Duration::from_millis(100))?;
    for _ in 0..rounds / 10 {
        ping.round_trip()?;
    }
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        times.push(ping.round_trip()?);
    }
    Ok(percentiles(times))
}

fn link(options: &XdpOptions, frame: &[u8], rounds: usize) -> Result<String, Failure> {
    let mut link = XdpLink::open(options)?;
    link.slot_mut(Slot(0))?[..frame.len()].copy_from_slice(frame);
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds / 10 {
        round_trip(&mut link, frame.len())?;
    }
    for _ in 0..rounds {
        times.push(round_trip(&mut link, frame.len())?);
    }
    Ok(percentiles(times))
}

fn round_trip(link: &mut XdpLink, len: usize) -> Result<u64, Failure> {
    let start = Instant::now();
    link.post(Slot(0), len)?;
    link.kick()?;
    while link.receive()?.is_none() {}
    Ok(u64::try_from(start.elapsed().as_nanos())?)
}

fn percentiles(mut times: Vec<u64>) -> String {
    times.sort_unstable();
    let at = |per_mille: usize| times.get((times.len() * per_mille / 1000).min(times.len() - 1)).copied().unwrap_or(0);
    format!("p50 {} ns, p99 {} ns, p99.9 {} ns, max {} ns", at(500), at(990), at(999), at(1000))
}
