//! Mails, as raw datagrams, into the mailboxes of a drive with CoE, FoE, EoE and BOOT and of analogue terminals: no
//! mail panics a handler, every reply is a mail that fits its mailbox, and replies come to an end. In between there are
//! emergencies, repeat requests, changes of AL state, and a mailbox that freezes.
//!
//! `sim/tests/mail_storm.rs` checks that every handler is reached and that memory does not grow; here libFuzzer limits
//! the memory: `-rss_limit_mb=512`.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use zerocat_sim::{Action, FoeConfig, MailboxConfig, MailboxProtocol, Segment, SegmentConfig};

mod sim;

/// Size of both mailboxes, and where they lie.
const LEN: usize = 128;
const REQUEST: u16 = 0x1000;
const REPLY: u16 = 0x1080;
/// Index of the drive and its station address.
const DRIVE: usize = 5;
const STATION: u16 = 0x1005;
/// Most mails that may follow one request.
const MOST_REPLIES: usize = 200;

fn config() -> SegmentConfig {
    let mut config = SegmentConfig::example();
    let files = [("long".to_owned(), "x".repeat(300))].into();
    config.subdevices[DRIVE].mailbox = Some(MailboxConfig {
        protocols: vec![MailboxProtocol::Coe, MailboxProtocol::Foe, MailboxProtocol::Eoe],
        boot: true,
        foe: FoeConfig { files, busy: 1, ..FoeConfig::default() },
        ..MailboxConfig::default()
    });
    config
}

struct Bench {
    segment: Segment,
    now: Duration,
    counter: u8,
}

impl Bench {
    fn send(&mut self, command: u8, station: u16, register: u16, data: &[u8]) -> (Vec<u8>, u16) {
        self.now += Duration::from_micros(100);
        sim::send(&mut self.segment, self.now, command, station, register, data)
    }

    /// A mail with a correct header: its length, `kind`, the next counter.
    fn mail(&mut self, station: u16, kind: u8, head: &[u8], body: &[u8]) {
        self.counter = self.counter % 7 + 1;
        let body = [head, body].concat();
        let body = &body[..body.len().min(LEN - 6)];
        let length = u8::try_from(body.len()).expect("no longer than the mailbox");
        self.raw(station, &[&[length, 0, 0, 0, 0, self.counter << 4 | kind], body].concat());
    }

    fn raw(&mut self, station: u16, mail: &[u8]) {
        let mut request = [0u8; LEN];
        let len = mail.len().min(LEN);
        request[..len].copy_from_slice(&mail[..len]);
        self.send(5, station, REQUEST, &request);
    }

    /// Reads replies until there are none.
    fn fetch(&mut self, station: u16) {
        for _ in 0..MOST_REPLIES {
            let (reply, counter) = self.send(4, station, REPLY, &[0; LEN]);
            if counter != 1 {
                return;
            }
            let len = usize::from(u16::from_le_bytes([reply[0], reply[1]]));
            assert!(len <= LEN - 6, "a reply of {len} bytes in a mailbox of {LEN}");
        }
        panic!("replies without an end");
    }

    /// Other events between mails. One that isn't possible is left out.
    fn disturb(&mut self, what: u8, value: u8) {
        let action = match what & 3 {
            0 => Action::Emergency { subdevice: DRIVE, code: u16::from(value) << 8, register: value, data: [value; 5] },
            1 => Action::FreezeMailbox { subdevice: DRIVE, frozen: value & 1 == 1 },
            2 => {
                self.send(5, STATION, 0x080e, &[value & 3 | 1]);
                return;
            }
            _ => {
                self.send(5, STATION, 0x0120, &[value & 0x1f, 0]);
                return;
            }
        };
        let _ = self.segment.act(action, self.now);
    }
}

fuzz_target!(|input: &[u8]| {
    let mut segment = Segment::new(&config()).expect("the example is a segment");
    sim::bring_up(&mut segment);
    let mut bench = Bench { segment, now: Duration::from_secs(1), counter: 0 };
    let mut rest = input;
    while let [what, len, behind @ ..] = rest {
        let (body, behind) = behind.split_at(usize::from(len & 0x7f).min(behind.len()));
        let station = if what & 0x10 == 0 { STATION } else { 0x1003 + u16::from(len >> 7) };
        match what & 7 {
            0 => bench.mail(station, 3, &[0x00, 0x20], body),
            1 => bench.mail(station, 3, &[0x00, 0x80], body),
            2 => bench.mail(station, 3, &[], body),
            3 => bench.mail(station, 4, &[], body),
            4 => bench.mail(station, 2, &[], body),
            5 => bench.mail(station, what >> 4, &[], body),
            6 => bench.raw(station, body),
            _ => bench.disturb(what >> 3, *len),
        }
        if what & 8 == 0 {
            bench.fetch(station);
        }
        rest = behind;
    }
});
