//! Mails that look right, in no order, to every handler of a mailbox: SDO, SDO information, FoE, EoE and error replies,
//! in PRE-OP and in BOOT, with emergencies, repeat requests and a mailbox that freezes.
//!
//! Each handler must have answered in each of its ways, replies must fit their mailbox and come to an end, and what
//! the segment holds must not grow with the number of mails.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::collections::BTreeSet;

use support::Rig;
use zerocat_sim::{Action, FoeConfig, MailboxConfig, MailboxProtocol, ProfileKind, SegmentConfig, SubDeviceConfig};

const ROUNDS: u32 = 40;
const MAILS: u32 = 1000;
/// Bytes that all files together may have.
const CAPACITY: u32 = 4096;
/// Most mails that may follow one request: a list of SDO information has no more fragments.
const MOST_REPLIES: usize = 64;

/// Random numbers that are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, end: u64) -> usize {
        usize::try_from(self.next() % end).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.below(choice.len() as u64)]
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.byte()).collect()
    }
}

fn sdo(dice: &mut Dice) -> Vec<u8> {
    const OBJECTS: [u16; 12] =
        [0x1003, 0x1008, 0x1018, 0x1600, 0x1a00, 0x1c12, 0x1c13, 0x2000, 0x2000, 0x6040, 0x60c2, 0x7777];
    const COMMANDS: [u8; 15] =
        [0x40, 0x40, 0x50, 0x60, 0x70, 0x60, 0x70, 0x21, 0x23, 0x2b, 0x2f, 0x31, 0x00, 0x10, 0x80];
    if dice.below(3) == 0 {
        return note(dice);
    }
    let [low, high] = dice.of(&OBJECTS).to_le_bytes();
    let command = if dice.below(8) == 0 { dice.byte() } else { dice.of(&COMMANDS) };
    let subindex = dice.of(&[0, 0, 1, 2, 200]);
    let size = [dice.of(&[0u8, 2, 4, 100, 255]), dice.of(&[0, 0, 0, 1]), 0, dice.of(&[0, 0, 0, 0x80])];
    [&[0x00, 0x20, command, low, high, subindex][..], &size, &dice.bytes(100)].concat()
}

/// Parts of a segmented transfer of the servo's note, 324 bytes, longer than a mail.
fn note(dice: &mut Dice) -> Vec<u8> {
    let head: &[u8] = dice.of(&[
        &[0x40, 0x00, 0x20, 0, 0, 0, 0, 0],
        &[0x60, 0, 0, 0, 0, 0, 0, 0],
        &[0x70, 0, 0, 0, 0, 0, 0, 0],
        &[0x21, 0x00, 0x20, 0, 0x44, 1, 0, 0],
        &[0x21, 0x00, 0x20, 0, 0x44, 1, 0, 0],
        &[0x00],
        &[0x00],
        &[0x10],
        &[0x11],
    ]);
    [&[0x00, 0x20], head, &[dice.byte() & 0x7f; 120]].concat()
}

fn sdo_information(dice: &mut Dice) -> Vec<u8> {
    let op = dice.of(&[1, 1, 3, 5, 2, 4, 7, 9]);
    let (low, high) = dice.of(&[(0, 0), (1, 0), (5, 0), (0x18, 0x10), (0x12, 0x1c), (0x41, 0x60), (0x77, 0x77)]);
    [&[0x00, 0x80, op, 0, 0, 0, low, high][..], &[dice.of(&[0, 1, 9]), dice.byte()], &dice.bytes(4)].concat()
}

fn foe(dice: &mut Dice) -> Vec<u8> {
    let op = dice.of(&[1, 2, 3, 3, 3, 4, 4, 5, 6, 9]);
    let password = if op < 3 { dice.of(&[7, 7, 7, 0]) } else { dice.of(&[0, 1, 1, 2, 2, 3, 4]) };
    let name = [b"long".to_vec(), vec![b'a' + dice.byte() % 4], dice.bytes(70)];
    let tail = match op {
        1 | 2 => name[dice.of(&[0, 0, 1, 1, 2])].clone(),
        3 => {
            if dice.below(4) == 0 {
                dice.bytes(100)
            } else {
                vec![dice.byte(); 116]
            }
        }
        _ => dice.bytes(20),
    };
    [&[op, 0, password, 0, 0, 0][..], &tail].concat()
}

fn eoe(dice: &mut Dice) -> Vec<u8> {
    let kind = dice.of(&[0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 11]);
    // Whole frames in one fragment, or the first and second of 96 bytes.
    let (number, blocks, last) = dice.of(&[(0u16, 4u16, 1u8), (0, 6, 0), (1, 3, 1), (5, 9, 0)]);
    let detail = if kind == 0 { number | blocks << 6 } else { dice.of(&[0, 0, 1, 0xff]) };
    let [d0, d1] = detail.to_le_bytes();
    let flags = last | dice.of(&[0, 0, 2, 4, 6]);
    let tail =
        if kind == 0 { vec![dice.byte(); 96] } else { [vec![dice.of(&[0, 1, 2, 0x3f]), 0], dice.bytes(40)].concat() };
    [&[kind, flags, d0, d1][..], &tail].concat()
}

fn mail(dice: &mut Dice) -> (u8, Vec<u8>) {
    match dice.below(10) {
        0..3 => (3, sdo(dice)),
        3..5 => (3, sdo_information(dice)),
        5..7 => (4, foe(dice)),
        7..9 => (2, eoe(dice)),
        _ => (dice.byte() % 16, dice.bytes(122)),
    }
}

/// What a reply is: protocol, and what each calls its service.
fn name(reply: &[u8]) -> String {
    let at = |n: usize| reply.get(n).copied().unwrap_or(0);
    match (at(5) & 0x0f, at(7) >> 4) {
        (0, _) => format!("error {}", at(8)),
        (2, _) => format!("eoe {}", at(6) & 0x0f),
        (3, 3) => format!("sdo {}", at(8) >> 5),
        (3, 2) if at(8) == 0x80 => "sdo abort".to_owned(),
        (3, 8) => format!("information {}", at(8) & 0x7f),
        (3, service) => format!("coe {service}"),
        (4, _) => format!("foe {}", at(6)),
        (kind, _) => format!("kind {kind}"),
    }
}

struct Storm {
    rig: Rig,
    dice: Dice,
    heard: BTreeSet<String>,
}

impl Storm {
    fn new() -> Self {
        let foe = FoeConfig {
            password: 7,
            capacity: CAPACITY,
            busy: 1,
            files: [("long".to_owned(), "x".repeat(300))].into(),
        };
        let protocols = vec![MailboxProtocol::Coe, MailboxProtocol::Foe, MailboxProtocol::Eoe];
        let mailbox = MailboxConfig { protocols, boot: true, foe, ..MailboxConfig::default() };
        let servo = SubDeviceConfig { mailbox: Some(mailbox), ..SubDeviceConfig::new(ProfileKind::Servo) };
        let mut rig = Rig::new(&SegmentConfig::line(vec![servo]));
        rig.sync_manager(0, 0, 0x1000, 128, 0x26);
        rig.sync_manager(0, 1, 0x1080, 128, 0x22);
        Self { rig, dice: Dice(42), heard: BTreeSet::new() }
    }

    fn fetch(&mut self) {
        let mut replies = 0;
        while let Some(reply) = self.rig.fetch(0) {
            assert!(usize::from(reply[0]) + 6 <= 128 && reply[1] == 0, "a reply of {:?} bytes", &reply[..2]);
            self.heard.insert(name(&reply));
            replies += 1;
            assert!(replies <= MOST_REPLIES, "replies without an end: {reply:02x?}");
        }
    }

    fn disturb(&mut self) {
        let now = self.rig.now;
        match self.dice.below(8) {
            0 => {
                let code = u16::from(self.dice.byte()) << 8;
                let emergency = Action::Emergency { subdevice: 0, code, register: 1, data: [0x5a; 5] };
                self.rig.segment.act(emergency, now).unwrap();
            }
            1 => {
                // Toggles the repeat request.
                let activation = self.rig.read(0, 0x080e, 1)[0];
                self.rig.write(0, 0x080e, &[activation ^ 2]);
            }
            2 => {
                let frozen = self.dice.below(2) == 0;
                self.rig.segment.act(Action::FreezeMailbox { subdevice: 0, frozen }, now).unwrap();
            }
            _ => {}
        }
    }

    /// A file that would fill the SubDevice with a few others, and more emergencies than may wait.
    fn flood(&mut self) {
        let name = [b'f', self.dice.byte()];
        let mut packets = vec![[&[2, 0, 7, 0, 0, 0][..], &name].concat()];
        // The last one is shorter than the mailbox.
        let length = |n: u8| if n == 20 { 100 } else { 116 };
        packets.extend((1u8..=20).map(|n| [&[3, 0, n, 0, 0, 0][..], &vec![n; length(n)]].concat()));
        for packet in packets {
            // The first packet is refused once: the SubDevice is busy.
            let times = if packet[..3] == [3, 0, 1] { 2 } else { 1 };
            for _ in 0..times {
                self.fetch();
                self.rig.post(0, 0, 4, &packet);
                self.fetch();
            }
        }
        for code in 0..200 {
            let emergency = Action::Emergency { subdevice: 0, code: 0xff00 + code, register: 1, data: [0; 5] };
            self.rig.segment.act(emergency, self.rig.now).unwrap();
        }
        self.fetch();
    }

    /// Mails in one state, from INIT and back. Returns how much the segment held at the end: the length of all its
    /// fields, written out.
    fn round(&mut self, state: u8) -> usize {
        self.rig.segment.act(Action::FreezeMailbox { subdevice: 0, frozen: false }, self.rig.now).unwrap();
        assert_eq!(self.rig.al(0, state), (state.into(), 0));
        for n in 0..MAILS {
            let (kind, body) = mail(&mut self.dice);
            let counter = if self.dice.below(16) == 0 { self.dice.byte() & 7 } else { (n % 7 + 1).to_le_bytes()[0] };
            self.rig.post(0, counter, kind, &body[..body.len().min(122)]);
            if self.dice.below(8) == 0 {
                self.disturb();
            }
            // Not every reply is fetched at once.
            if self.dice.below(4) != 0 {
                self.fetch();
            }
        }
        self.rig.segment.act(Action::FreezeMailbox { subdevice: 0, frozen: false }, self.rig.now).unwrap();
        self.flood();
        let held = format!("{:?}", self.rig.segment).len();
        assert_eq!(self.rig.al(0, 1), (1, 0));
        held
    }
}

#[test]
fn every_mailbox_handler_is_reached_and_what_is_held_does_not_grow() {
    let mut storm = Storm::new();
    let mut held = Vec::new();
    for round in 0..ROUNDS {
        held.push(storm.round(if round % 4 == 3 { 3 } else { 2 }));
    }
    let wanted = [
        "coe 1",
        "error 2",
        "eoe 0",
        "eoe 1",
        "eoe 3",
        "eoe 5",
        "eoe 7",
        "eoe 9",
        "foe 3",
        "foe 4",
        "foe 5",
        "foe 6",
        "information 2",
        "information 4",
        "information 6",
        "information 7",
        "sdo 0",
        "sdo 1",
        "sdo 2",
        "sdo 3",
        "sdo abort",
    ];
    let missing: Vec<_> = wanted.iter().filter(|wanted| !storm.heard.contains(**wanted)).collect();
    assert!(missing.is_empty(), "never heard: {missing:?}, but {:?}", storm.heard);
    // A byte is up to five characters. Files are full after the first rounds; a reply or a frame may be on its way.
    let (early, late) = (held[7], *held[8..].iter().max().unwrap());
    assert!(late <= early + 5 * CAPACITY as usize, "characters that are held after each round: {held:?}");
}
