//! What the targets of the simulated segment share: raw datagrams, and a bring-up made of them.
#![allow(dead_code, reason = "each target uses a part of it")]

use std::time::Duration;

use zerocat_sim::Segment;

/// First byte behind the headers of frame and datagram.
const DATA: usize = 26;

/// Sends one datagram and returns its data and working counter.
pub fn send(segment: &mut Segment, now: Duration, command: u8, adp: u16, ado: u16, data: &[u8]) -> (Vec<u8>, u16) {
    let len = u16::try_from(data.len()).expect("the data of a datagram");
    let mut frame = vec![0xff; 6];
    frame.extend([0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x88, 0xa4]);
    frame.extend((0x1000 | (len + 12)).to_le_bytes());
    frame.extend([command, 0]);
    frame.extend(adp.to_le_bytes());
    frame.extend(ado.to_le_bytes());
    frame.extend(len.to_le_bytes());
    frame.extend([0, 0]);
    frame.extend(data);
    frame.extend([0, 0]);
    let _ = segment.process(&mut frame, now);
    let end = DATA + data.len();
    (frame[DATA..end].to_vec(), u16::from_le_bytes([frame[end], frame[end + 1]]))
}

/// Stations 0x1000 on, mailboxes and process data of the example configured, all as far up as they go.
pub fn bring_up(segment: &mut Segment) {
    let mut now = Duration::ZERO;
    for n in 0..6u16 {
        send(segment, now, 2, 0u16.wrapping_sub(n), 0x0010, &(0x1000 + n).to_le_bytes());
    }
    let mailboxes = [0x00, 0x10, 128, 0, 0x26, 0, 1, 0, 0x80, 0x10, 128, 0, 0x22, 0, 1, 0];
    for n in 3..6u16 {
        send(segment, now, 5, 0x1000 + n, 0x0800, &mailboxes);
    }
    send(segment, now, 5, 0x1001, 0x0800, &[0x00, 0x0f, 1, 0, 0x44, 0, 1, 0]);
    send(segment, now, 5, 0x1002, 0x0800, &[0x00, 0x10, 1, 0, 0x00, 0, 1, 0]);
    send(segment, now, 5, 0x1005, 0x0600, &[0, 0, 0, 0, 8, 0, 0, 7, 0x00, 0x11, 0, 2, 1]);
    send(segment, now, 5, 0x1001, 0x0600, &[8, 0, 0, 0, 1, 0, 0, 3, 0x00, 0x0f, 0, 2, 1]);
    send(segment, now, 8, 0, 0x0120, &[2, 0]);
    for (station, outputs, inputs) in [(0x1003u16, 0u8, 8u8), (0x1004, 4, 0), (0x1005, 8, 12)] {
        let on = |length: u8| u8::from(length > 0);
        let channels = [0x00, 0x11, outputs, 0, 0x64, 0, on(outputs), 0, 0x80, 0x11, inputs, 0, 0x20, 0, on(inputs), 0];
        send(segment, now, 5, station, 0x0810, &channels);
    }
    for state in [4, 8] {
        now += Duration::from_millis(1);
        send(segment, now, 8, 0, 0x0120, &[state, 0]);
        send(segment, now, 11, 0, 0, &[0; 9]);
        send(segment, now, 5, 0x1004, 0x1100, &[0; 4]);
    }
}
