//! Mails into the mailboxes of a drive and of analogue terminals, through raw datagrams: no mail panics a handler, and
//! every reply is a mail that fits its mailbox.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use zerocat_sim::{Segment, SegmentConfig};

mod sim;

/// Size of both mailboxes, and where they lie.
const LEN: usize = 128;
const REQUEST: u16 = 0x1000;
const REPLY: u16 = 0x1080;

fuzz_target!(|input: &[u8]| {
    let mut segment = Segment::new(&SegmentConfig::example()).expect("the example is a segment");
    sim::bring_up(&mut segment);
    let mut now = Duration::from_secs(1);
    for (n, mail) in (0u16..).zip(input.chunks(24)) {
        let station = 0x1003 + n % 3;
        let mut request = [0u8; LEN];
        request[..mail.len()].copy_from_slice(mail);
        // Half of the mails have a right length and say CoE, so that they get past the mailbox header.
        if mail[0] & 1 == 1 {
            request[0] = u8::try_from(mail.len().saturating_sub(6)).expect("a chunk");
            request[1] = 0;
            request[5] = 0x03 | request[5] & 0x70;
        }
        sim::send(&mut segment, now, 5, station, REQUEST, &request);
        now += Duration::from_millis(1);
        let (reply, counter) = sim::send(&mut segment, now, 4, station, REPLY, &[0; LEN]);
        if counter == 1 {
            let len = usize::from(u16::from_le_bytes([reply[0], reply[1]]));
            assert!(len <= LEN - 6, "a reply of {len} bytes in a mailbox of {LEN}");
        }
    }
});
