//! `--capture`: every frame of a run in a pcapng file.

use crate::bench_set::{Folder, Segment, demo_rig, run};
use pcap_file::pcapng::PcapNgReader;
use pcap_file::pcapng::blocks::Block;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use std::fs::File;
use std::process::Command;
use zerocat_testkit::netns::in_private_netns;

/// Bytes 12 and 13 of an EtherCAT frame (ETG.1000.4, 5.1).
const ETHERTYPE: [u8; 2] = [0x88, 0xa4];
/// `epb_flags`, bits 0 and 1 (draft-ietf-opsawg-pcapng, 4.3.1).
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;
/// Bit of the first byte of the source address that a segment sets (ETG.1000.4, 5.3.2).
const RETURNED: u8 = 0x02;

/// Frames of a file: direction and bytes.
fn frames(path: &str) -> Vec<(u32, Vec<u8>)> {
    let mut reader = PcapNgReader::new(File::open(path).unwrap()).unwrap();
    let mut frames = Vec::new();
    while let Some(block) = reader.next_block() {
        let Block::EnhancedPacket(packet) = block.unwrap().0 else { continue };
        let flags = packet.options.iter().find_map(|option| match option {
            EnhancedPacketOption::Flags(flags) => Some(*flags & 3),
            _ => None,
        });
        frames.push((flags.unwrap(), packet.data.to_vec()));
    }
    frames
}

/// The comment of a frame, where there is one.
fn note(path: &str) -> String {
    let mut reader = PcapNgReader::new(File::open(path).unwrap()).unwrap();
    while let Some(block) = reader.next_block() {
        let Block::EnhancedPacket(packet) = block.unwrap().0 else { continue };
        let note = packet.options.iter().find_map(|option| match option {
            EnhancedPacketOption::Common(CommonOption::Comment(note)) => Some(note.to_string()),
            _ => None,
        });
        if let Some(note) = note {
            return note;
        }
    }
    String::new()
}

#[test]
fn a_capture_holds_what_was_sent_and_what_came_back() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let folder = Folder::new();
        let file = folder.path("run.pcapng");
        let options = ["--capture", &file, "--seconds", "0.5", "--json"];
        let report = run(&demo_rig(&veth.master), &options).with_code(0).json();
        let frames = frames(&file);
        assert_eq!(report["capture"]["frames"], frames.len());
        assert!(frames.iter().all(|(_, bytes)| bytes.len() >= 60 && bytes[12..14] == ETHERTYPE));
        let (sent, received): (Vec<_>, Vec<_>) = frames.iter().partition(|(way, _)| *way == OUTBOUND);
        let done = report["cycles"]["done"].as_u64().unwrap();
        let missed = report["capture"]["missed"].as_u64().unwrap();
        assert!(sent.len() as u64 + missed >= done, "{} of {done} cycles", sent.len());
        assert!(!received.is_empty() && received.iter().all(|(way, _)| *way == INBOUND));
        assert!(sent.iter().all(|(_, bytes)| bytes[6] & RETURNED == 0));
        assert!(received.iter().all(|(_, bytes)| bytes[6] & RETURNED != 0));
        let note = note(&file);
        assert!(
            note.starts_with("the channels in the data of the cyclic frames from here on:\nframe 0, LRW at "),
            "{note}"
        );
        assert!(note.contains("16 bits: axis_status_word (input, axis.0x6041:00, uint16)"), "{note}");
        assert!(note.contains("16 bits: axis_control_word (output, axis.0x6040:00, uint16)"), "{note}");
        assert_tshark_agrees(&file, frames.len());
    });
}

/// Where Wireshark's command line is installed, it sees as many EtherCAT frames, and none that is malformed.
fn assert_tshark_agrees(file: &str, frames: usize) {
    let count = |filter: &str| {
        let shown =
            Command::new("tshark").args(["-r", file, "-Y", filter, "-T", "fields", "-e", "frame.number"]).output();
        shown
            .ok()
            .filter(|shown| shown.status.success())
            .map(|shown| shown.stdout.split(|byte| *byte == b'\n').count() - 1)
    };
    if let Some(seen) = count("ecatf") {
        assert_eq!(seen, frames);
        assert_eq!(count("_ws.malformed"), Some(0));
    }
}
