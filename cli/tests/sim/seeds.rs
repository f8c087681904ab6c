//! The same seed and the same frames give the same run, byte for byte.

use crate::raw::{APRD, APWR, BRD, Bus};
use crate::running::{Place, Running};
use serde_json::Value;
use zerocat_link::Sizing;
use zerocat_link::datagram::DatagramLink;

const FAULTS: [&str; 6] =
    ["drop 10%", "drop 5% out", "delay 2 frames 10%", "duplicate 10%", "corrupt 10%", "corrupt 5% out"];
/// Frames at once: they and what comes late or twice fit the smallest socket (`net.unix.max_dgram_qlen` is 10).
const BATCH: usize = 3;
const BATCHES: usize = 40;

/// All bytes that come back from a segment with faults, and what it did to frames.
fn run(name: &str, seed: &str) -> (Vec<Vec<u8>>, Value) {
    let [ours, theirs] = ["segment", "master"].map(|end| Place::new(&format!("{name}-{end}.sock")));
    let paths = format!("{}:{}", ours.text(), theirs.text());
    let mut sim = Running::start(&["--unix", &paths, "--mixed", "8", "--seed", seed]);
    let mut bus = Bus::on(DatagramLink::open(&theirs.path, &ours.path, Sizing { slots: 16, receive: 16 }).unwrap());
    for fault in FAULTS {
        sim.done(fault);
    }
    let mut frames = Vec::new();
    for n in 0..BATCHES {
        let position = u16::try_from(n % 8).unwrap().wrapping_neg();
        for (command, address, data) in
            [(BRD, (0, 0x0130), &[0; 2][..]), (APWR, (position, 0x0010), &[7, 1]), (APRD, (position, 0x0000), &[0; 64])]
        {
            bus.send(command, address, data);
        }
        // The first is answered after what had come before it was looked at, or just before: the second after it.
        sim.done("show");
        sim.done("show");
        frames.extend(std::iter::from_fn(|| bus.waiting()));
    }
    assert!(frames.len() > BATCHES * BATCH / 2, "{} frames came back", frames.len());
    (frames, sim.served()["faults"].clone())
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let (first, faults) = run("first", "7");
    for kind in ["dropped", "delayed", "duplicated", "corrupted"] {
        assert!(faults[kind].as_u64() > Some(0), "{kind} in {faults}");
    }
    let (again, same) = run("again", "7");
    assert_eq!((&again, &same), (&first, &faults));
    assert_ne!(run("other", "8").0, first);
}
