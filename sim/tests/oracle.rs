//! Random frames against a slow, obvious model of what SubDevices do with datagrams (ETG.1000.4, 5.4 and table 11 ff).
//!
//! The model shares no code with the segment, neither with its wire formats: frames are built and expected byte by
//! byte. It knows RAM, the station address, one writable register, read-only registers, the end of the memory, and
//! FMMUs bit by bit. Sync managers, events and clocks are not its business.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

#[path = "oracle/model.rs"]
mod model;

use std::time::Duration;

use model::{Fmmu, Model, RAM, READ_WINDOW, WATCHDOG, WINDOW};
use proptest::prelude::*;
use zerocat_sim::{Outcome, ProfileKind, Segment, SegmentConfig, SubDeviceConfig};

/// All of them have RAM and FMMUs.
const KINDS: [ProfileKind; 4] =
    [ProfileKind::Servo, ProfileKind::Coupler, ProfileKind::AnalogueOut, ProfileKind::Servo];

/// A datagram as it is sent: command, address word, data.
#[derive(Debug, Clone)]
struct Sent {
    command: u8,
    address: u32,
    data: Vec<u8>,
}

/// A frame with these datagrams, as a MainDevice sends it.
fn frame(datagrams: &[Sent]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (n, sent) in datagrams.iter().enumerate() {
        let more = if n + 1 < datagrams.len() { 0x8000 } else { 0 };
        payload.extend([sent.command, n.to_le_bytes()[0]]);
        payload.extend(sent.address.to_le_bytes());
        payload.extend((u16::try_from(sent.data.len()).unwrap() | more).to_le_bytes());
        payload.extend([0, 0]);
        payload.extend(&sent.data);
        payload.extend([0, 0]);
    }
    let mut frame = vec![0xff; 6];
    frame.extend([0x10; 6]);
    frame.extend([0x88, 0xa4]);
    frame.extend((u16::try_from(payload.len()).unwrap() | 0x1000).to_le_bytes());
    frame.extend(payload);
    frame.resize(frame.len().max(60), 0);
    frame
}

fn send(segment: &mut Segment, datagrams: &[Sent]) -> Vec<u8> {
    let mut bytes = frame(datagrams);
    assert_eq!(segment.process(&mut bytes, Duration::ZERO), Outcome::Returned);
    bytes
}

fn positioned(command: u8, position: u16, register: u16, data: Vec<u8>) -> Sent {
    Sent { command, address: u32::from(0u16.wrapping_sub(position)) | u32::from(register) << 16, data }
}

/// A segment and its model in the same state: stations 1 to 4, these FMMUs, memory as it is after power-on.
fn pair(fmmus: &[(u16, Fmmu)]) -> (Segment, Model) {
    let kinds = KINDS.iter().map(|kind| SubDeviceConfig::new(*kind)).collect();
    let mut segment = Segment::new(&SegmentConfig::line(kinds)).unwrap();
    let mut model = Model::default();
    for position in 0..4u16 {
        send(&mut segment, &[positioned(2, position, 0x0010, (position + 1).to_le_bytes().to_vec())]);
        let answer = send(&mut segment, &[positioned(1, position, 0x0000, vec![0; 16])]);
        let information: [u8; 16] = answer[26..42].try_into().unwrap();
        model.add(position + 1, information);
    }
    for (position, fmmu) in fmmus {
        if let Some(n) = model.map(usize::from(*position), *fmmu) {
            let register = 0x0600 + 16 * u16::try_from(n).unwrap();
            let answer = send(&mut segment, &[positioned(2, *position, register, fmmu.registers().to_vec())]);
            assert_eq!(answer[16 + 10 + 13], 1, "FMMU {n} of SubDevice {position} is there");
        }
    }
    (segment, model)
}

fn fmmu() -> impl Strategy<Value = (u16, Fmmu)> {
    let bits = (0u8..8, 0u8..8, 0u8..8);
    // Half of the FMMUs map whole bytes, as most do in life.
    (0u16..4, 0u32..48, 1u16..9, bits, 0u16..0x40, any::<bool>(), any::<bool>()).prop_map(
        |(position, logical, length, (first, last, physical), offset, read, whole)| {
            let (first, last, physical) = if whole { (0, 7, 0) } else { (first, last, physical) };
            // What is read and what is written lies apart, else the order of the two within a datagram would matter.
            let start = if read { READ_WINDOW + offset } else { RAM + offset };
            (position, Fmmu { logical, length, first, last, start, physical, read })
        },
    )
}

fn datagram() -> impl Strategy<Value = Sent> {
    let station = prop_oneof![0u16..6, (0u16..5).prop_map(|n| 0u16.wrapping_sub(n)), any::<u16>()];
    let place = prop_oneof![
        6 => (RAM..RAM + WINDOW, 1usize..24),
        2 => Just((WATCHDOG, 2)),
        1 => Just((0x0010, 2)),
        1 => (0x0000u16..8, 1usize..8),
        1 => (0xF000u16..0xFF00, 1usize..24),
    ];
    let physical =
        (0u8..=14, station, place, any::<[u8; 24]>()).prop_map(|(command, station, (register, len), bytes)| {
            // Logical commands are drawn below.
            let command = if (10..=12).contains(&command) { command - 9 } else { command };
            let mut data = bytes[..len].to_vec();
            if register == 0x0010 {
                // Few addresses, so that some are there twice.
                data = vec![bytes[0] % 5 + 1, 0];
            }
            Sent { command, address: u32::from(station) | u32::from(register) << 16, data }
        });
    let logical = (10u8..=12, 0u32..56, prop::collection::vec(any::<u8>(), 1..40))
        .prop_map(|(command, address, data)| Sent { command, address, data });
    prop_oneof![2 => physical, 1 => logical]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn frames_come_back_as_the_model_says(
        fmmus in prop::collection::vec(fmmu(), 0..10),
        frames in prop::collection::vec(prop::collection::vec(datagram(), 1..6), 1..24),
    ) {
        let (mut segment, mut model) = pair(&fmmus);
        for datagrams in frames {
            let mut expected = frame(&datagrams);
            expected[6] |= 2;
            model.pass(&mut expected);
            prop_assert_eq!(&send(&mut segment, &datagrams), &expected, "{:02x?}", datagrams);
        }
        for position in 0..4u16 {
            let mut expected = frame(&[positioned(1, position, RAM, vec![0xee; 0x140])]);
            expected[6] |= 2;
            model.pass(&mut expected);
            let read = send(&mut segment, &[positioned(1, position, RAM, vec![0xee; 0x140])]);
            prop_assert_eq!(read, expected, "RAM of SubDevice {} at the end", position);
        }
    }
}

#[test]
fn the_model_can_tell_a_wrong_segment() {
    // One bit of one answer is turned round: data, working counter and address must all be seen.
    let datagrams = [Sent { command: 7, address: u32::from(WATCHDOG) << 16, data: vec![0, 0] }];
    let (mut segment, mut model) = pair(&[]);
    let mut expected = frame(&datagrams);
    expected[6] |= 2;
    model.pass(&mut expected);
    let answer = send(&mut segment, &datagrams);
    assert_eq!(answer, expected);
    for at in [18, 26, 28] {
        let mut wrong = answer.clone();
        wrong[at] ^= 1;
        assert_ne!(wrong, expected, "byte {at}");
    }
}
