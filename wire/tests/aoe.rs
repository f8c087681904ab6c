//! What is written as AoE is read by Wireshark's dissector of AMS, which doesn't come from here.
//!
//! Over TCP an AMS header has six bytes before it; what is behind them is what a mail of type AoE has.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::path::Path;
use std::process::Command;

use zerocat_wire::aoe::{AdsError, AdsRequest, AdsResponse, AmsAddress, AmsHeader, HEADER_LEN, NetId, group};

const DEVICE: AmsAddress = AmsAddress::new(NetId([172, 16, 17, 10, 2, 1]), 0x1001);
const CALLER: AmsAddress = AmsAddress::new(NetId([127, 0, 0, 1, 1, 1]), 0x8001);
const FIELDS: [&str; 9] = [
    "ams.targetnetid",
    "ams.targetport",
    "ams.sendernetid",
    "ams.cmdid",
    "ams.state_response",
    "ams.invokeid",
    "ams.ads_indexgroup",
    "ams.ads_indexoffset",
    "ams.adsresult",
];

fn message(header: AmsHeader, emit: impl FnOnce(&mut [u8]) -> usize) -> Vec<u8> {
    let (mut data, mut message) = (vec![0; 256], vec![0; 256]);
    let len = emit(&mut data);
    let len = header.emit_with(&data[..len], &mut message).unwrap();
    message.truncate(len);
    message
}

fn request(request: AdsRequest<'_>, invoke_id: u32) -> (AmsHeader, Vec<u8>) {
    let header = AmsHeader::request(DEVICE, CALLER, request.command(), invoke_id);
    (header, message(header, |data| request.emit(data).unwrap()))
}

/// A capture (libpcap, Ethernet) of one TCP segment for each message, at the port of AMS.
fn capture(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut file = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 0xffff, 1].map(u32::to_le_bytes).concat();
    let mut sequence = 1u32;
    for message in messages {
        let mut tcp = [0x8000u16, 48898].map(u16::to_be_bytes).concat();
        tcp.extend([sequence.to_be_bytes(), 1u32.to_be_bytes()].concat());
        tcp.extend([0x50, 0x18, 0x10, 0, 0, 0, 0, 0, 0, 0]);
        tcp.extend(u32::try_from(message.len()).unwrap().to_le_bytes());
        tcp.extend(message);
        sequence += u32::try_from(message.len() + 6).unwrap();
        let total = u16::try_from(20 + tcp.len()).unwrap().to_be_bytes();
        let ip = [0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        let frame = [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0][..], &ip, &tcp].concat();
        let len = u32::try_from(frame.len()).unwrap().to_le_bytes();
        file.extend([[0; 4], [0; 4], len, len].concat());
        file.extend(frame);
    }
    file
}

/// What tshark shows, a line for each message; `None` where there is no tshark.
fn shown(path: &Path) -> Option<String> {
    let fields = FIELDS.iter().flat_map(|field| ["-e", field]);
    match Command::new("tshark").arg("-r").arg(path).args(["-T", "fields"]).args(fields).output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "run tshark: {error}");
            None
        }
    }
}

#[test]
fn tshark_reads_what_is_written() {
    let sdo = AdsRequest::Read { group: group::SDO, offset: group::entry(0x1018, 1), len: 4 };
    let (asked, read) = request(sdo, 0x1234_5678);
    let answer = AdsResponse { result: AdsError::NONE, data: &[2, 0, 0, 0] };
    let answered = message(asked.answered(AdsError::NONE), |data| answer.emit(asked.command, data).unwrap());
    let net_id = AdsRequest::Write { group: group::ROUTER, offset: group::NET_ID, data: &DEVICE.net_id.0 };
    let (_, write) = request(net_id, 2);
    let (_, both) = request(AdsRequest::ReadWrite { group: group::FOE_OPEN_READ, offset: 0, len: 4, data: b"a" }, 3);
    assert_eq!(read.len(), HEADER_LEN + 12);
    let path = std::env::temp_dir().join(format!("zerocat-aoe-{}.pcap", std::process::id()));
    std::fs::write(&path, capture(&[read, answered, write, both])).unwrap();
    let shown = shown(&path);
    std::fs::remove_file(&path).unwrap();
    if let Some(shown) = shown {
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines,
            [
                "172.16.17.10.2.1\t4097\t127.0.0.1.1.1\t2\t0\t0x12345678\t0x0000f302\t0x10180001\t",
                "127.0.0.1.1.1\t32769\t172.16.17.10.2.1\t2\t1\t0x12345678\t\t\t0x00000000",
                "172.16.17.10.2.1\t4097\t127.0.0.1.1.1\t3\t0\t0x00000002\t0x00000001\t0x00000003\t",
                "172.16.17.10.2.1\t4097\t127.0.0.1.1.1\t9\t0\t0x00000003\t0x0000f401\t0x00000000\t",
            ]
        );
    }
}
