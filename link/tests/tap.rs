//! A tapped link keeps the contract, and what it captured can be read back.

use std::process::Command;
use std::time::{Duration, SystemTime};

use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionOption, InterfaceTsResolution};
use pcap_file::pcapng::blocks::interface_statistics::InterfaceStatisticsOption;
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::{Block, PcapNgReader};
use zerocat_link::pair::{PairEnd, pair};
use zerocat_link::tap::{Captured, Tap, TapError, TapReader, TapWriter, Taped};
use zerocat_link::{Link, Sizing, Slot};
use zerocat_testkit::Folder;
use zerocat_testkit::contract;
use zerocat_testkit::reflect::{Mirror, Reflector};

const SIZING: Sizing = Sizing { slots: 8, receive: 16 };

/// BRD of register 0x0000, two bytes, in a frame of 30 bytes.
const BRD: [u8; 30] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10, 0x7a, 0x63, 0, 0, 1, 0x88, 0xa4, 0x0e, 0x10, 0x07, 0x55, 0, 0, 0, 0, 2,
    0, 0, 0, 0, 0, 0, 0,
];

fn tapped(records: usize) -> (Tap<PairEnd>, TapReader, Mirror<PairEnd>) {
    let (link, peer) = pair(SIZING);
    let (tap, reader) = Tap::new(link, records);
    (tap, reader, Mirror::new(peer))
}

fn round_trip(link: &mut Tap<PairEnd>, peer: &mut Mirror<PairEnd>) {
    link.slot_mut(Slot(0)).expect("a free slot")[..BRD.len()].copy_from_slice(&BRD);
    link.post(Slot(0), BRD.len()).expect("room");
    link.kick().expect("a living peer");
    peer.pump();
    assert!(link.receive().expect("a living peer").is_some());
}

fn blocks(mut file: &[u8]) -> Vec<Block<'static>> {
    let mut reader = PcapNgReader::new(&mut file).expect("a section header");
    let mut blocks = Vec::new();
    while let Some(block) = reader.next_block() {
        blocks.push(block.expect("a block").0.into_owned());
    }
    blocks
}

#[test]
fn a_tapped_link_keeps_the_contract() {
    let (mut tap, reader, peer) = tapped(16);
    let writer = TapWriter::new(reader, std::io::sink(), "pair").unwrap().spawn(|_| ()).unwrap();
    contract::check_all(&mut tap, peer);
    let counters = tap.counters();
    let captured = writer.stop().captured;
    assert_eq!(captured.frames + captured.missed, counters.sent + counters.received);
}

#[test]
fn a_capture_read_back_holds_the_frames_with_time_and_direction() {
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let (mut tap, reader, mut peer) = tapped(8);
    let writer = TapWriter::new(reader, Vec::new(), "zc-master").unwrap();
    round_trip(&mut tap, &mut peer);
    round_trip(&mut tap, &mut peer);
    let (captured, file) = writer.finish().unwrap();
    assert_eq!(captured, Captured { frames: 4, missed: 0 });

    let blocks = blocks(&file);
    let [Block::InterfaceDescription(interface), packets @ .., Block::InterfaceStatistics(end)] = blocks.as_slice()
    else {
        panic!("{blocks:?}");
    };
    assert!(interface.options.contains(&InterfaceDescriptionOption::IfName("zc-master".into())));
    assert!(interface.options.contains(&InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO)));
    assert!(end.options.contains(&InterfaceStatisticsOption::IsbIfDrop(0)));
    let packets: Vec<&EnhancedPacketBlock> = packets
        .iter()
        .map(|block| if let Block::EnhancedPacket(packet) = block { packet } else { panic!("{block:?}") })
        .collect();
    let flags: Vec<u32> = packets
        .iter()
        .map(|packet| if let [EnhancedPacketOption::Flags(flags)] = packet.options[..] { flags } else { panic!() })
        .collect();
    assert_eq!(flags, [2, 1, 2, 1]);
    let wire = [BRD.as_slice(), &[0; 30]].concat();
    assert!(packets.iter().all(|packet| packet.data == wire && packet.original_len == 60));
    let times: Vec<Duration> = packets.iter().map(|packet| packet.timestamp).collect();
    assert!(times.is_sorted(), "{times:?}");
    // The two clocks are read one after the other, so a stamp may differ from the time of day by that; a day's
    // difference would be a wrong unit or a wrong origin.
    let day = Duration::from_secs(86_400);
    assert!(times[0] + day > started && times[3] < started + day, "{times:?} against {started:?}");
}

#[test]
fn missed_frames_are_counted_in_the_file() {
    let (mut tap, reader, mut peer) = tapped(3);
    let writer = TapWriter::new(reader, Vec::new(), "pair").unwrap();
    for _ in 0..5 {
        round_trip(&mut tap, &mut peer);
    }
    let (captured, file) = writer.finish().unwrap();
    assert_eq!(captured, Captured { frames: 3, missed: 7 });
    let Some(Block::InterfaceStatistics(end)) = blocks(&file).pop() else { panic!("no statistics") };
    assert_eq!(end.options, [InterfaceStatisticsOption::IsbIfRecv(10), InterfaceStatisticsOption::IsbIfDrop(7)]);
}

#[test]
fn the_thread_ends_with_the_tap_and_has_written_all() {
    let (mut tap, reader, mut peer) = tapped(1_000);
    let writer = TapWriter::new(reader, Vec::new(), "pair").unwrap().spawn(|_| ()).unwrap();
    for _ in 0..100 {
        round_trip(&mut tap, &mut peer);
    }
    drop(tap);
    while !writer.is_finished() {
        std::thread::yield_now();
    }
    let taped = writer.stop();
    assert_eq!(taped.captured, Captured { frames: 200, missed: 0 });
    assert!(taped.failed.is_none());
}

#[test]
fn a_note_is_the_comment_of_one_frame_and_cut_where_it_is_too_long() {
    let folder = Folder::new();
    let path = folder.path("bus.pcapng");
    let (mut tap, reader, mut peer) = tapped(8);
    let file = std::fs::File::create(&path).unwrap();
    let writer = TapWriter::new(reader, file, "pair").unwrap().spawn(|_| ()).unwrap();
    writer.note("\u{e4}".repeat(100_000));
    round_trip(&mut tap, &mut peer);
    assert!(writer.stop().failed.is_none());
    let notes: Vec<usize> = blocks(&std::fs::read(&path).unwrap())
        .iter()
        .filter_map(|block| if let Block::EnhancedPacket(packet) = block { Some(packet) } else { None })
        .flat_map(|packet| &packet.options)
        .filter_map(|option| match option {
            EnhancedPacketOption::Common(CommonOption::Comment(note)) => Some(note.len()),
            _ => None,
        })
        .collect();
    assert_eq!(notes, [60_000]);
}

/// A disk with room for so many bytes.
struct Disk(usize);

impl std::io::Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| std::io::Error::from_raw_os_error(libc::ENOSPC))?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_at_once_and_ends_the_capture_and_not_the_link() {
    let (mut tap, reader, mut peer) = tapped(8);
    let (tell, told) = std::sync::mpsc::channel();
    let tell = move |error: &TapError| tell.send(error.to_string()).unwrap();
    let writer = TapWriter::new(reader, Disk(20_000), "pair").unwrap().spawn(tell).unwrap();
    let mut passed = 0;
    let text = loop {
        round_trip(&mut tap, &mut peer);
        passed += 2;
        if let Ok(text) = told.try_recv() {
            break text;
        }
    };
    for _ in 0..100 {
        round_trip(&mut tap, &mut peer);
        passed += 2;
    }
    assert!(text.starts_with("write the capture after "), "{text}");
    drop(tap);
    let Taped { captured: Captured { frames, missed }, failed } = writer.stop();
    assert!(matches!(failed, Some(TapError::Write { frames: 1.., .. })));
    // The frame whose write failed is neither in the file nor missed.
    assert!((passed - 1..=passed).contains(&(frames + missed)), "{frames} and {missed} of {passed}");
}

/// Where Wireshark's own reader is installed, it must agree. Reading the blocks back above does not depend on it.
#[test]
fn wireshark_dissects_a_capture_as_ethercat() {
    let folder = Folder::new();
    let path = folder.path("bus.pcapng");
    let (mut tap, reader, mut peer) = tapped(8);
    let file = std::fs::File::create(&path).unwrap();
    let writer = TapWriter::new(reader, file, "zc-master").unwrap();
    round_trip(&mut tap, &mut peer);
    writer.finish().unwrap();
    assert_eq!(blocks(&std::fs::read(&path).unwrap()).len(), 4);
    let fields = ["ecat.cmd", "frame.len", "frame.interface_name", "frame.packet_flags_direction"];
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&path).args(["-T", "fields"]);
    let output = command.args(fields.iter().flat_map(|field| ["-e", field])).output();
    let shown = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    match shown {
        Ok(shown) => assert_eq!(shown, "0x07\t60\tzc-master\t0x00000002\n0x07\t60\tzc-master\t0x00000001\n"),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "run tshark: {error}"),
    }
}
