//! Captures of the tap, replayed into a fresh segment, answer byte for byte at the capture's own times.
//!
//! `captures/example.pcapng` holds the answers of today for good. Where an answer changes on purpose, it is made anew:
//! `ZEROCAT_WRITE_CAPTURE=sim/tests/captures/example.pcapng cargo test -p zerocat-sim --test replay` (the path is taken
//! from the root of the workspace).

#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::{Block, PcapNgReader};
use zerocat_link::tap::{Tap, TapWriter};
use zerocat_link::{Link, Sizing, Slot};
use zerocat_sim::{Outcome, Segment, SegmentConfig, SegmentLink};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, Command, Datagram, FrameBuilder};

/// Outputs wired to inputs, so that no value depends on the time at which it is read; and a servo that stands still.
fn segment() -> Segment {
    Segment::new(&SegmentConfig::example()).unwrap()
}

/// Sends one datagram over a link and lets its answer come back.
fn exchange(link: &mut impl Link, command: Command, address: Address, data: &[u8]) {
    let buffer = link.slot_mut(Slot(0)).unwrap();
    let mut builder = FrameBuilder::new(buffer, MacAddress::ACYCLIC).unwrap();
    let at = builder.push(Datagram::new(command, address, 7, data.len())).unwrap();
    let len = builder.finish().unwrap();
    buffer[at..at + data.len()].copy_from_slice(data);
    link.post(Slot(0), len).unwrap();
    link.kick().unwrap();
    assert!(link.receive().unwrap().is_some(), "it comes back");
}

/// A bring-up (addresses, SII, sync managers, an SDO, FMMUs, AL states) and some cycles with changing outputs.
fn drive(link: &mut impl Link) {
    let write = |link: &mut _, position, register, data: &[u8]| {
        exchange(link, Command::Apwr, Address::position(position, register), data);
    };
    exchange(link, Command::Brd, Address::broadcast(0x0000), &[0; 2]);
    for position in 0..6u16 {
        write(link, position, 0x0010, &(0x1000 + position).to_le_bytes());
        write(link, position, 0x0502, &[0, 1, 8, 0, 0, 0]);
        exchange(link, Command::Fprd, Address::station(0x1000 + position, 0x0502), &[0; 14]);
    }
    // Valves and switches: four bits out, four bits in.
    write(link, 1, 0x0800, &[0x00, 0x0f, 1, 0, 0x44, 0, 1, 0]);
    write(link, 2, 0x0800, &[0x00, 0x10, 1, 0, 0x00, 0, 1, 0]);
    write(link, 1, 0x0600, &[0, 0, 0, 0, 1, 0, 0, 3, 0x00, 0x0f, 0, 2, 1]);
    write(link, 2, 0x0600, &[0, 0, 0, 0, 1, 0, 4, 7, 0x00, 0x10, 0, 1, 1]);
    // The servo: mailboxes, and its device name by SDO upload.
    write(link, 5, 0x0800, &[0x00, 0x10, 128, 0, 0x26, 0, 1, 0, 0x80, 0x10, 128, 0, 0x22, 0, 1, 0]);
    exchange(link, Command::Bwr, Address::broadcast(0x0120), &[2, 0]);
    let mut mail = [0; 128];
    mail[..16].copy_from_slice(&[10, 0, 0, 0, 0, 0x13, 0, 0x20, 0x40, 0x08, 0x10, 0, 0, 0, 0, 0]);
    write(link, 5, 0x1000, &mail);
    exchange(link, Command::Fprd, Address::station(0x1005, 0x1080), &[0; 128]);
    for state in [4, 8] {
        for position in 0..3 {
            write(link, position, 0x0120, &[state, 0]);
        }
        // Not configured: it refuses, which belongs to the answers.
        write(link, 5, 0x0120, &[state, 0]);
        exchange(link, Command::Brd, Address::broadcast(0x0130), &[0; 6]);
    }
    for cycle in 0..32u8 {
        exchange(link, Command::Lrw, Address::logical(0), &[cycle & 0x0f]);
    }
}

/// The capture of a run, made with the tap around the in-process link.
fn capture() -> Vec<u8> {
    let began = Instant::now();
    let link = SegmentLink::new(segment(), Sizing { slots: 1, receive: 1 }, move || began.elapsed());
    let (mut link, reader) = Tap::new(link, 512);
    drive(&mut link);
    let mut writer = TapWriter::new(reader, Vec::new(), "in-process").unwrap();
    writer.drain().unwrap();
    let (captured, bytes) = writer.finish().unwrap();
    assert_eq!(captured.missed, 0);
    bytes
}

fn padded(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// Sends what a capture sent, when it sent it, and holds the answers to those of the capture. Returns their number.
fn replay(capture: &[u8]) -> usize {
    let mut reader = PcapNgReader::new(capture).unwrap();
    let (mut segment, mut began) = (segment(), None);
    let (mut answers, mut compared) = (VecDeque::new(), 0);
    while let Some(block) = reader.next_block() {
        let (Block::EnhancedPacket(packet), _) = block.unwrap() else { continue };
        let outbound = packet.options.iter().any(|option| matches!(option, EnhancedPacketOption::Flags(2)));
        let now: Duration = packet.timestamp - *began.get_or_insert(packet.timestamp);
        let mut frame = packet.data.to_vec();
        if outbound {
            assert_eq!(segment.process(&mut frame, now), Outcome::Returned);
            answers.push_back(padded(&frame));
        } else {
            let expected = answers.pop_front().expect("an answer to something that was sent");
            assert_eq!(expected, padded(&frame), "answer {compared} at {now:?}");
            compared += 1;
        }
    }
    assert!(answers.is_empty(), "all frames were answered in the capture");
    compared
}

#[test]
fn a_fresh_capture_is_answered_byte_for_byte() {
    let capture = capture();
    assert!(replay(&capture) > 60);
    if let Ok(path) = std::env::var("ZEROCAT_WRITE_CAPTURE") {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path), &capture).unwrap();
    }
}

#[test]
fn the_committed_capture_is_answered_as_it_was() {
    let capture = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/example.pcapng")).unwrap();
    assert!(replay(&capture) > 60);
}

#[test]
#[should_panic(expected = "answer")]
fn a_changed_answer_is_noticed() {
    let mut capture = capture();
    // The servo's name as it was uploaded: one letter of it.
    let at = capture.windows(4).position(|window| window == b"axis").unwrap();
    capture[at] ^= 1;
    replay(&capture);
}
