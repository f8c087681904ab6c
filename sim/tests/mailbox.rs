//! Mailbox, CoE, FoE, EoE and BOOT as a MainDevice meets them (ETG.1000.4, 5.6; ETG.1000.6, 5.6 to 5.8).

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use proptest::prelude::*;
use support::Rig;
use zerocat_sim::{
    Action, ActionError, FoeConfig, MailboxConfig, MailboxProtocol, Millis, ProfileKind, ReplyCounter, SdoRefusal,
    SegmentConfig, SubDeviceConfig,
};
use zerocat_wire::coe::AbortCode;
use zerocat_wire::{Address, Command};

const COE: u8 = 3;
const EOE: u8 = 2;
const FOE: u8 = 4;
const VENDOR: [u8; 10] = [0x00, 0x20, 0x40, 0x18, 0x10, 0x01, 0, 0, 0, 0];

fn config(mailbox: MailboxConfig) -> SegmentConfig {
    let servo = SubDeviceConfig { mailbox: Some(mailbox), ..SubDeviceConfig::new(ProfileKind::Servo) };
    SegmentConfig::line(vec![servo])
}

fn all() -> MailboxConfig {
    MailboxConfig {
        protocols: vec![MailboxProtocol::Coe, MailboxProtocol::Foe, MailboxProtocol::Eoe],
        boot: true,
        foe: FoeConfig { files: [("hello.txt".to_owned(), "hello".to_owned())].into(), ..FoeConfig::default() },
        ..MailboxConfig::default()
    }
}

/// A servo that speaks everything, in PRE-OP.
fn speaker(mailbox: MailboxConfig) -> Rig {
    let mut rig = Rig::new(&config(mailbox));
    rig.preop(0);
    rig
}

fn servo() -> Rig {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.preop(0);
    rig
}

/// Body of the reply, without the mailbox header.
fn body(rig: &mut Rig) -> Option<Vec<u8>> {
    rig.fetch(0).map(|mail| mail[6..6 + usize::from(mail[0])].to_vec())
}

fn ask(rig: &mut Rig, counter: u8, kind: u8, request: &[u8]) -> Option<Vec<u8>> {
    assert_eq!(rig.post(0, counter, kind, request), 1, "request mailbox");
    body(rig)
}

/// Counts requests, and speaks SDO.
struct Sdo {
    rig: Rig,
    counter: u8,
}

impl Sdo {
    fn new(rig: Rig) -> Self {
        Self { rig, counter: 0 }
    }

    fn coe(&mut self, request: &[u8]) -> Vec<u8> {
        self.counter = self.counter % 7 + 1;
        ask(&mut self.rig, self.counter, COE, request).unwrap()
    }

    /// Abort code, or 0.
    fn download(&mut self, index: u16, subindex: u8, complete: bool, data: &[u8]) -> u32 {
        let [i0, i1] = index.to_le_bytes();
        let command = if complete { 0x31 } else { 0x21 };
        let size = u32::try_from(data.len()).unwrap().to_le_bytes();
        let request = [&[0x00, 0x20, command, i0, i1, subindex], &size[..], data].concat();
        let reply = self.coe(&request);
        if reply[2] & 0xe0 == 0x80 { u32::from_le_bytes(reply[6..10].try_into().unwrap()) } else { 0 }
    }

    /// The value, or the abort code.
    fn upload(&mut self, index: u16, subindex: u8, complete: bool) -> Result<Vec<u8>, u32> {
        let [i0, i1] = index.to_le_bytes();
        let reply = self.coe(&[0x00, 0x20, if complete { 0x50 } else { 0x40 }, i0, i1, subindex, 0, 0, 0, 0]);
        match reply[2] {
            0x80 => Err(u32::from_le_bytes(reply[6..10].try_into().unwrap())),
            command if command & 0x02 != 0 => Ok(reply[6..10 - usize::from(command >> 2 & 3)].to_vec()),
            _ => Ok(reply[10..].to_vec()),
        }
    }
}

#[test]
fn no_mail_is_taken_before_preop() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    rig.sync_manager(0, 0, 0x1000, 128, 0x26);
    rig.sync_manager(0, 1, 0x1080, 128, 0x22);
    assert_eq!(rig.post(0, 1, COE, &VENDOR), 0);
    assert_eq!(rig.read(0, 0x0807, 1), [0x01], "deactivated by the application");
    assert_eq!(rig.al(0, 2), (2, 0));
    assert_eq!(rig.read(0, 0x0807, 1), [0x00]);
    assert!(rig.coe(0, 1, &VENDOR).is_some());
    assert_eq!(rig.al(0, 1), (1, 0));
    assert_eq!(rig.post(0, 2, COE, &VENDOR), 0, "nor after a way back");
}

#[test]
fn a_lost_reply_comes_again_before_the_one_behind_it() {
    let mut rig = servo();
    assert_eq!(rig.post(0, 1, COE, &VENDOR), 1);
    assert_eq!(rig.post(0, 2, COE, &VENDOR), 1);
    let lost = rig.fetch(0).unwrap();
    // The second reply is in the mailbox already when the first is asked for again.
    rig.write(0, 0x080e, &[0x03]);
    assert_eq!(rig.read(0, 0x080f, 1), [0x02]);
    assert_eq!(rig.fetch(0).unwrap(), lost);
    assert_eq!(rig.fetch(0).unwrap()[5] >> 4, 2);
    assert_eq!(rig.fetch(0), None);
}

#[test]
fn a_repeat_before_any_reply_is_acknowledged_and_gives_nothing() {
    let mut rig = servo();
    rig.write(0, 0x080e, &[0x03]);
    assert_eq!(rig.read(0, 0x080f, 1), [0x02]);
    assert_eq!(rig.fetch(0), None);
}

#[test]
fn a_request_without_a_counter_is_never_a_repetition() {
    let mut rig = servo();
    assert!(rig.coe(0, 0, &VENDOR).is_some());
    assert!(rig.coe(0, 0, &VENDOR).is_some());
}

#[test]
fn replies_count_for_themselves_or_echo() {
    for (policy, expected) in [(ReplyCounter::Own, [1, 2, 3]), (ReplyCounter::Echo, [5, 0, 7])] {
        let mut rig = speaker(MailboxConfig { reply_counter: policy, ..MailboxConfig::default() });
        let counters = [5, 0, 7].map(|counter| {
            assert_eq!(rig.post(0, counter, COE, &VENDOR), 1);
            rig.fetch(0).unwrap()[5] >> 4
        });
        assert_eq!(counters, expected);
    }
}

/// Error code of the reply to a mail.
fn mailbox_error(rig: &mut Rig, mail: &[u8]) -> u16 {
    let mut full = mail.to_vec();
    full.resize(128, 0);
    assert_eq!(rig.send(Command::Apwr, Address::position(0, 0x1000), &full).1, 1);
    let reply = rig.fetch(0).unwrap();
    assert_eq!((&reply[..2], reply[5] & 0x0f, &reply[6..8]), (&[4, 0][..], 0, &[1, 0][..]));
    u16::from_le_bytes([reply[8], reply[9]])
}

#[test]
fn mails_that_cant_be_taken_are_answered_with_the_reason() {
    let mut rig = speaker(all());
    assert_eq!(mailbox_error(&mut rig, &[8, 0, 0, 0, 0, 0x15]), 2, "SoE is not spoken");
    assert_eq!(mailbox_error(&mut rig, &[8, 0, 0, 0, 0, 0x27]), 2, "reserved type");
    assert_eq!(mailbox_error(&mut rig, &[8, 0, 0, 0, 1, 0x33]), 3, "channel");
    assert_eq!(mailbox_error(&mut rig, &[8, 0, 0, 0, 0, 0x43, 0, 0x40]), 4, "TxPDO service");
    assert_eq!(mailbox_error(&mut rig, &[8, 0, 0, 0, 0, 0x53, 0, 0xf0]), 5, "reserved CoE service");
    assert_eq!(mailbox_error(&mut rig, &[1, 0, 0, 0, 0, 0x63, 0]), 6, "half a CoE header");
    assert_eq!(mailbox_error(&mut rig, &[4, 0, 0, 0, 0, 0x73, 0, 0x20, 0x40, 0x18]), 6, "half an SDO");
    assert_eq!(mailbox_error(&mut rig, &[0x7b, 0, 0, 0, 0, 0x13]), 8, "longer than the mailbox");
    assert_eq!(mailbox_error(&mut rig, &[6, 0, 0, 0, 0, 0x24, 9]), 5, "reserved FoE operation");
    assert_eq!(mailbox_error(&mut rig, &[5, 0, 0, 0, 0, 0x34, 1]), 6, "half a FoE header");
    assert_eq!(mailbox_error(&mut rig, &[4, 0, 0, 0, 0, 0x42, 0x0f]), 5, "reserved EoE kind");
    assert!(rig.coe(0, 5, &VENDOR).is_some(), "and it goes on");
}

#[test]
fn an_error_is_not_answered_with_an_error() {
    let mut rig = servo();
    assert_eq!(ask(&mut rig, 1, 0, &[1, 0, 2, 0]), None);
}

#[test]
fn the_sii_lists_what_is_spoken_and_the_boot_mailboxes() {
    let mut rig = Rig::new(&config(all()));
    let mut word = |address: u8| {
        rig.write(0, 0x0502, &[0, 1, address, 0, 0, 0]);
        rig.read_u16(0, 0x0508)
    };
    assert_eq!([0x14, 0x15, 0x16, 0x17].map(&mut word), [0x1000, 0x0080, 0x1080, 0x0080]);
    assert_eq!([0x18, 0x19, 0x1a, 0x1b].map(&mut word), [0x1000, 0x0080, 0x1080, 0x0080]);
    assert_eq!(word(0x1c), 0x000e);
}

/// BOOT with longer mailboxes than the SII proposes.
fn boot(rig: &mut Rig) -> (u16, u16) {
    rig.sync_manager(0, 0, 0x1000, 0x200, 0x26);
    rig.sync_manager(0, 1, 0x1200, 0x200, 0x22);
    rig.al(0, 3)
}

#[test]
fn boot_is_refused_where_it_is_not_supported() {
    let mut rig = Rig::of(&[ProfileKind::Servo]);
    assert_eq!(boot(&mut rig), (0x11, 0x0013));
}

#[test]
fn boot_needs_its_mailboxes_and_is_left_to_init_only() {
    let mut rig = Rig::new(&config(all()));
    assert_eq!(rig.al(0, 3), (0x11, 0x0015));
    assert_eq!(rig.al(0, 0x11), (1, 0));
    assert_eq!(boot(&mut rig), (3, 0));
    assert_eq!(rig.al(0, 2), (0x13, 0x0011));
    assert_eq!(rig.al(0, 1), (1, 0));
}

fn boot_ask(rig: &mut Rig, counter: u8, kind: u8, request: &[u8]) -> Vec<u8> {
    let mut mail = vec![0; 0x200];
    mail[..2].copy_from_slice(&u16::try_from(request.len()).unwrap().to_le_bytes());
    mail[5] = kind | counter << 4;
    mail[6..6 + request.len()].copy_from_slice(request);
    assert_eq!(rig.send(Command::Apwr, Address::position(0, 0x1000), &mail).1, 1);
    let reply = rig.read(0, 0x1200, 0x200);
    reply[6..6 + usize::from(u16::from_le_bytes([reply[0], reply[1]]))].to_vec()
}

#[test]
fn in_boot_files_go_both_ways_and_nothing_else_is_spoken() {
    let mut rig = Rig::new(&config(all()));
    assert_eq!(boot(&mut rig), (3, 0));
    assert_eq!(boot_ask(&mut rig, 1, COE, &VENDOR), [1, 0, 2, 0]);
    assert_eq!(boot_ask(&mut rig, 2, FOE, &[2, 0, 0, 0, 0, 0, b'f', b'w']), [4, 0, 0, 0, 0, 0]);
    let file: Vec<u8> = (0..700u32).map(|n| n.to_le_bytes()[0]).collect();
    let (first, rest) = file.split_at(500);
    let first = [&[3, 0, 1, 0, 0, 0], first].concat();
    assert_eq!(boot_ask(&mut rig, 3, FOE, &first), [4, 0, 1, 0, 0, 0]);
    assert_eq!(boot_ask(&mut rig, 4, FOE, &[&[3, 0, 2, 0, 0, 0], rest].concat()), [4, 0, 2, 0, 0, 0]);

    let one = boot_ask(&mut rig, 5, FOE, &[1, 0, 0, 0, 0, 0, b'f', b'w']);
    let two = boot_ask(&mut rig, 6, FOE, &[4, 0, 1, 0, 0, 0]);
    assert_eq!((&one[..6], &two[..6]), (&[3, 0, 1, 0, 0, 0][..], &[3, 0, 2, 0, 0, 0][..]));
    assert_eq!([&one[6..], &two[6..]].concat(), file);
    rig.al(0, 1);
    rig.write(0, 0x0806, &[0]);
    rig.write(0, 0x080e, &[0]);
    rig.preop(0);
    let back = ask(&mut rig, 1, FOE, &[1, 0, 0, 0, 0, 0, b'f', b'w']).unwrap();
    assert_eq!(back[6..], file[..116], "kept over states, in the packets of the shorter mailbox");
}

/// Error code in an FoE error.
fn foe_error(reply: &[u8]) -> u32 {
    assert_eq!(reply[0], 5, "{reply:?}");
    u32::from_le_bytes(reply[2..6].try_into().unwrap())
}

#[test]
fn foe_says_what_is_wrong() {
    let mut mailbox = all();
    mailbox.foe.password = 0x1234;
    mailbox.foe.capacity = 150;
    let mut rig = speaker(mailbox);
    let mut foe = |counter, request: &[u8]| ask(&mut rig, counter, FOE, request).unwrap();
    assert_eq!(foe_error(&foe(1, b"\x01\0\x34\x12\0\0none")), 0x8001);
    assert_eq!(foe_error(&foe(2, b"\x01\0\0\0\0\0hello.txt")), 0x8002);
    assert_eq!(foe(3, b"\x01\0\x34\x12\0\0hello.txt")[..], b"\x03\0\x01\0\0\0hello"[..]);
    assert_eq!(foe_error(&foe(4, &[4, 0, 9, 0, 0, 0])), 0x8005);
    assert_eq!(foe_error(&foe(5, &[4, 0, 1, 0, 0, 0])), 0x8004, "no transfer");
    assert_eq!(foe_error(&foe(6, &[2, 0, 0x34, 0x12, 0, 0])), 0x8004, "no name");
    assert_eq!(foe(7, b"\x02\0\x34\x12\0\0big"), [4, 0, 0, 0, 0, 0]);
    assert_eq!(foe_error(&foe(1, &[&[3, 0, 2, 0, 0, 0][..], &[7; 116]].concat())), 0x8005);
    assert_eq!(foe(2, b"\x02\0\x34\x12\0\0big"), [4, 0, 0, 0, 0, 0]);
    assert_eq!(foe(3, &[&[3, 0, 1, 0, 0, 0][..], &[7; 116]].concat()), [4, 0, 1, 0, 0, 0]);
    assert_eq!(foe_error(&foe(4, &[&[3, 0, 2, 0, 0, 0][..], &[7; 116]].concat())), 0x8003);
    assert_eq!(foe_error(&foe(5, b"\x01\0\x34\x12\0\0big")), 0x8001, "what broke off is not there");
}

#[test]
fn a_busy_subdevice_has_the_packet_sent_again() {
    let mut mailbox = all();
    mailbox.foe.busy = 2;
    let mut rig = speaker(mailbox);
    let mut foe = |counter, request: &[u8]| ask(&mut rig, counter, FOE, request).unwrap();
    assert_eq!(foe(1, b"\x02\0\0\0\0\0fw"), [4, 0, 0, 0, 0, 0]);
    assert_eq!(foe(2, b"\x03\0\x01\0\0\0x"), [6, 0, 0, 0, 2, 0]);
    assert_eq!(foe(3, b"\x03\0\x01\0\0\0x"), [6, 0, 1, 0, 2, 0]);
    assert_eq!(foe(4, b"\x03\0\x01\0\0\0x"), [4, 0, 1, 0, 0, 0]);
    assert_eq!(foe(5, b"\x01\0\0\0\0\0fw")[..], b"\x03\0\x01\0\0\0x"[..]);
}

#[test]
fn a_file_that_fills_its_packets_ends_with_an_empty_one() {
    let mut mailbox = all();
    mailbox.foe.files = [("full".to_owned(), "x".repeat(116))].into();
    let mut rig = speaker(mailbox);
    assert_eq!(ask(&mut rig, 1, FOE, b"\x01\0\0\0\0\0full").unwrap().len(), 122);
    assert_eq!(ask(&mut rig, 2, FOE, &[4, 0, 1, 0, 0, 0]).unwrap(), [3, 0, 2, 0, 0, 0]);
    assert_eq!(ask(&mut rig, 3, FOE, &[4, 0, 2, 0, 0, 0]), None);
}

#[test]
fn a_frame_over_eoe_comes_back_with_its_addresses_swapped() {
    let mut rig = speaker(all());
    let frame: Vec<u8> = (0..200u32).map(|n| n.to_le_bytes()[0]).collect();
    // 200 bytes are 7 blocks; the first fragment has 3 blocks.
    let first = [&[0x10, 0x00, 0xc0, 0x51][..], &frame[..96]].concat();
    assert_eq!(ask(&mut rig, 1, EOE, &first), None);
    let rest = [&[0x10, 0x01, 0xc1, 0x50][..], &frame[96..]].concat();
    let one = ask(&mut rig, 2, EOE, &rest).unwrap();
    let two = body(&mut rig).unwrap();
    let three = body(&mut rig).unwrap();
    assert_eq!((&one[..4], &two[..4]), (&[0x10, 0x00, 0xc0, 0x01][..], &[0x10, 0x00, 0xc1, 0x00][..]));
    assert_eq!(three[..4], [0x10, 0x01, 0x82, 0x01]);
    let echoed = [&one[4..], &two[4..], &three[4..]].concat();
    assert_eq!([&echoed[..6], &echoed[6..12], &echoed[12..]], [&frame[6..12], &frame[..6], &frame[12..]]);
}

#[test]
fn a_fragment_that_doesnt_follow_loses_the_frame() {
    let mut rig = speaker(all());
    let fragment = |detail: [u8; 2], last: u8| [&[0x00, last, detail[0], detail[1]][..], &[1; 64]].concat();
    assert_eq!(ask(&mut rig, 1, EOE, &fragment([0x00, 0x01], 0)), None);
    assert_eq!(ask(&mut rig, 2, EOE, &fragment([0xc1, 0x00], 1)), None, "a block is missing");
    assert_eq!(ask(&mut rig, 3, EOE, &fragment([0x81, 0x00], 1)), None, "nothing to go on");
    assert!(ask(&mut rig, 4, EOE, &fragment([0x80, 0x00], 1)).is_some());
}

#[test]
fn an_ip_parameter_is_kept() {
    let mut rig = speaker(all());
    let set = [0x02, 0x01, 0, 0, 0x03, 0, 0, 0, 2, 0, 0, 0, 0, 9, 10, 0, 168, 192];
    assert_eq!(ask(&mut rig, 1, EOE, &set).unwrap(), [0x03, 0x00, 0, 0]);
    let got = ask(&mut rig, 2, EOE, &[0x06, 0x01, 0, 0]).unwrap();
    assert_eq!((&got[..4], &got[4..]), (&[0x07, 0x01, 0, 0][..], &set[4..]));
    assert_eq!(ask(&mut rig, 3, EOE, &set[..10]).unwrap(), [0x03, 0x00, 0x01, 0x00]);
}

#[test]
fn an_address_that_is_set_is_announced_by_a_frame_of_its_own() {
    let mut rig = speaker(MailboxConfig { announces: true, ..all() });
    let mac = [2, 1, 5, 0x30, 3, 0xe9];
    let set = [&[0x02, 0x01, 0, 0, 0x03, 0, 0, 0][..], &mac, &[9, 0, 168, 192]].concat();
    assert_eq!(ask(&mut rig, 1, EOE, &set).unwrap(), [0x03, 0x00, 0, 0]);
    // As an AKD said it: one fragment of two blocks, an ARP request for itself.
    let arp = [0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1];
    let frame = [&[0xff; 6][..], &mac, &arp, &mac, &[192, 168, 0, 9], &[0; 6], &[192, 168, 0, 9]].concat();
    assert_eq!(body(&mut rig).unwrap(), [&[0x00, 0x01, 0x80, 0x00][..], &frame].concat());
    let address_alone = [0x02, 0x01, 0, 0, 0x02, 0, 0, 0, 9, 0, 168, 192];
    assert_eq!(ask(&mut rig, 2, EOE, &address_alone).unwrap(), [0x03, 0x00, 0, 0]);
    assert_eq!(body(&mut rig), None);
}

#[test]
fn mails_are_handed_over_when_the_application_has_taken_its_time_for_each() {
    let mut config = config(all());
    config.subdevices[0].mail_delays = [20, 0, 5].map(|ms| Millis(Duration::from_millis(ms))).to_vec();
    let mut rig = Rig::new(&config);
    rig.preop(0);
    let upload = [0x00, 0x20, 0x40, 0x00, 0x10, 0, 0, 0, 0, 0];
    for (counter, delay) in [(1, 20), (2, 0), (3, 5), (4, 0)] {
        assert_eq!(rig.post(0, counter, COE, &upload), 1);
        if delay > 0 {
            assert_eq!(rig.fetch(0), None, "mail {counter}");
            rig.now += Duration::from_millis(delay);
        }
        assert!(rig.fetch(0).is_some(), "mail {counter}");
    }
}

/// A frame of 64 bytes to a destination, in one fragment.
fn to(destination: u8, flags: u8) -> Vec<u8> {
    [&[0x00, flags, 0x80, 0x30][..], &[destination; 6], &[0x22; 58]].concat()
}

#[test]
fn an_address_filter_holds_for_what_is_echoed() {
    let mut rig = speaker(all());
    assert_eq!(ask(&mut rig, 1, EOE, &[0x08, 0x01, 0, 0]).unwrap(), [0x09, 0x01, 0, 0, 0, 0, 0, 0], "none yet");
    let set = [&[0x04, 0x01, 0, 0, 0x82, 0][..], &[0x10; 6], &[0x12; 6]].concat();
    assert_eq!(ask(&mut rig, 2, EOE, &set).unwrap(), [0x05, 0x01, 0, 0]);
    let got = ask(&mut rig, 3, EOE, &[0x08, 0x01, 0, 0]).unwrap();
    assert_eq!((&got[..4], &got[4..]), (&[0x09, 0x01, 0, 0][..], &set[4..]));
    for (counter, destination, echoed) in [(4, 0x12, true), (5, 0x14, false), (6, 0xff, false), (7, 0x10, true)] {
        assert_eq!(ask(&mut rig, counter, EOE, &to(destination, 1)).is_some(), echoed, "{destination:#04x}");
    }
    let masks = [0x04, 0x01, 0, 0, 0x10, 0];
    assert_eq!(ask(&mut rig, 1, EOE, &masks).unwrap(), [0x05, 0x01, 0x01, 0x04], "masks are not supported");
    assert_eq!(ask(&mut rig, 2, EOE, &set[..9]).unwrap(), [0x05, 0x01, 0x01, 0x00], "an address is missing");
    assert_eq!(ask(&mut rig, 3, EOE, &[0x04, 0x01, 0, 0, 0, 0]).unwrap(), [0x05, 0x01, 0, 0]);
    assert!(ask(&mut rig, 4, EOE, &to(0x14, 1)).is_some(), "the filter is gone");
}

#[test]
fn a_time_stamp_comes_behind_the_echo_and_one_that_is_sent_is_cut_off() {
    let mut rig = speaker(all());
    rig.write(0, 0x0920, &1_000u64.to_le_bytes());
    rig.now += std::time::Duration::from_millis(3);
    let echo = ask(&mut rig, 1, EOE, &to(0x12, 0x05)).unwrap();
    assert_eq!(echo.len(), 4 + 64);
    assert_eq!(body(&mut rig).unwrap(), [&[0x01, 0x01, 0x00, 0x30][..], &3_001_000u32.to_le_bytes()].concat());
    let stamped = [&to(0x12, 0x03)[..], &[1, 2, 3, 4]].concat();
    assert_eq!(ask(&mut rig, 2, EOE, &stamped).unwrap().len(), 4 + 64);
}

#[test]
fn mailboxes_in_boot_may_have_a_length_of_their_own() {
    let mut rig = Rig::new(&config(MailboxConfig { boot_length: Some(0x200), ..all() }));
    let mut word = |address: u8| {
        rig.write(0, 0x0502, &[0, 1, address, 0, 0, 0]);
        rig.read_u16(0, 0x0508)
    };
    assert_eq!([0x14, 0x15, 0x16, 0x17].map(&mut word), [0x1000, 0x0200, 0x1200, 0x0200]);
    assert_eq!([0x18, 0x19, 0x1a, 0x1b].map(&mut word), [0x1000, 0x0080, 0x1080, 0x0080]);
    assert_eq!(boot(&mut rig), (3, 0));
    let packet = boot_ask(&mut rig, 1, FOE, b"\x01\0\0\0\0\0hello.txt");
    assert_eq!(packet[6..], *b"hello");
    let wrong = SegmentConfig::from_json(
        r#"{"subdevices": [{"profile": "servo", "mailbox": {"boot": true, "boot_length": 16}}]}"#,
    );
    assert!(wrong.unwrap_err().to_string().starts_with("subdevices[0].mailbox.boot_length: 16 bytes"));
}

#[test]
fn mailboxes_may_be_longer_and_process_data_are_behind_them() {
    let mut rig = Rig::new(&config(MailboxConfig { length: Some(0x400), ..all() }));
    let mut word = |address: u8| {
        rig.write(0, 0x0502, &[0, 1, address, 0, 0, 0]);
        rig.read_u16(0, 0x0508)
    };
    assert_eq!([0x14, 0x15, 0x16, 0x17].map(&mut word), [0x1000, 0x0400, 0x1400, 0x0400]);
    assert_eq!([0x18, 0x19, 0x1a, 0x1b].map(&mut word), [0x1000, 0x0400, 0x1400, 0x0400]);
    let mut servo = support::from_sii::FromSii::read(&mut rig, 0, 0);
    assert_eq!(servo.areas.iter().map(|area| area.start).collect::<Vec<_>>(), [0x1000, 0x1400, 0x1800, 0x1880]);
    servo.preop(&mut rig);
    assert_eq!(servo.upload(&mut rig, 0x2000, 0).map(|text| text.len()), Ok(324), "in one mail");
    for (device, wrong) in [
        (r#""profile": "servo", "mailbox": { "length": 16 }"#, "16 bytes"),
        (r#""profile": "sii", "file": "x", "mailbox": { "length": 64 }"#, "this profile has no length"),
    ] {
        let said = SegmentConfig::from_json(&format!(r#"{{"subdevices": [{{{device}}}]}}"#)).unwrap_err().to_string();
        assert!(said.starts_with("subdevices[0].mailbox.length: ") && said.contains(wrong), "{said}");
    }
}

#[test]
fn a_frozen_mailbox_takes_requests_and_never_answers() {
    let mut rig = servo();
    rig.segment.act(Action::FreezeMailbox { subdevice: 0, frozen: true }, rig.now).unwrap();
    for counter in 1..=7 {
        assert_eq!(rig.coe(0, counter, &VENDOR), None);
    }
    assert_eq!(rig.segment.snapshot().subdevices[0].mailbox_requests, 7);
    rig.segment.act(Action::FreezeMailbox { subdevice: 0, frozen: false }, rig.now).unwrap();
    assert!(rig.coe(0, 1, &VENDOR).is_some());
}

#[test]
fn every_abort_code_can_be_had_on_purpose() {
    let mut sdo = Sdo::new(servo());
    let refuse = |sdo: &mut Sdo, refusal| {
        let action = Action::AbortSdo { subdevice: 0, refusal };
        sdo.rig.segment.act(action, sdo.rig.now)
    };
    let of = |subindex, code| Some(SdoRefusal { index: 0x60C2, subindex, code });
    for code in AbortCode::KNOWN {
        refuse(&mut sdo, of(None, Some(*code))).unwrap();
        assert_eq!(sdo.upload(0x60C2, 1, false), Err(code.0));
        assert_eq!(sdo.upload(0x60C2, 0, true), Err(code.0));
        assert_eq!(sdo.download(0x60C2, 1, false, &[5]), code.0);
    }
    refuse(&mut sdo, of(Some(2), Some(AbortCode::HARDWARE))).unwrap();
    assert_eq!(sdo.upload(0x60C2, 2, false), Err(AbortCode::HARDWARE.0));
    refuse(&mut sdo, of(None, None)).unwrap();
    assert!(sdo.upload(0x60C2, 2, false).is_ok());
    refuse(&mut sdo, of(Some(2), Some(AbortCode::HARDWARE))).unwrap();
    assert!(sdo.upload(0x60C2, 1, false).is_ok(), "another subindex");
    assert_eq!(sdo.upload(0x60C2, 1, true), Err(AbortCode::HARDWARE.0), "it is among them");
    refuse(&mut sdo, None).unwrap();
    assert!(sdo.upload(0x60C2, 2, false).is_ok());
}

#[test]
fn accesses_that_are_aborted_are_bounded_and_need_coe() {
    let mut rig = Rig::of(&[ProfileKind::DigitalIn, ProfileKind::Servo]);
    let action = |subdevice, index| Action::AbortSdo {
        subdevice,
        refusal: Some(SdoRefusal { index, subindex: None, code: Some(AbortCode::GENERAL) }),
    };
    assert_eq!(rig.segment.act(action(0, 1), rig.now), Err(ActionError::NoMailbox(0)));
    for index in 0..64 {
        rig.segment.act(action(1, index), rig.now).unwrap();
    }
    assert_eq!(rig.segment.act(action(1, 64), rig.now), Err(ActionError::TooManyRefusals));
    rig.segment.act(action(1, 63), rig.now).unwrap();
}

#[test]
fn emergencies_are_sent_and_remembered_until_they_are_cleared() {
    let mut sdo = Sdo::new(servo());
    let raise = |code, register| Action::Emergency { subdevice: 0, code, register, data: [1, 2, 3, 4, 5] };
    sdo.rig.segment.act(raise(0x3110, 0x05), sdo.rig.now).unwrap();
    sdo.rig.segment.act(raise(0x4210, 0x09), sdo.rig.now).unwrap();
    assert_eq!(body(&mut sdo.rig).unwrap(), [0x00, 0x10, 0x10, 0x31, 0x05, 1, 2, 3, 4, 5]);
    assert_eq!(body(&mut sdo.rig).unwrap(), [0x00, 0x10, 0x10, 0x42, 0x09, 1, 2, 3, 4, 5]);
    assert_eq!(sdo.upload(0x1001, 0, false), Ok(vec![0x09]));
    assert_eq!(sdo.upload(0x1003, 0, false), Ok(vec![2]));
    assert_eq!(sdo.upload(0x1003, 1, false), Ok(vec![0x10, 0x42, 1, 2]), "the newest first");
    assert_eq!(sdo.upload(0x1003, 2, false), Ok(vec![0x10, 0x31, 1, 2]));
    assert_eq!(sdo.upload(0x1003, 3, false), Err(0x0609_0011));
    assert_eq!(sdo.download(0x1003, 0, false, &[1]), 0x0609_0030);
    assert_eq!(sdo.download(0x1003, 0, false, &[0]), 0);
    assert_eq!(sdo.upload(0x1003, 1, false), Err(0x0609_0011));
}

#[test]
fn no_more_than_eight_emergencies_wait() {
    let mut rig = servo();
    for code in 0x1000..0x1020 {
        rig.segment.act(Action::Emergency { subdevice: 0, code, register: 1, data: [0; 5] }, rig.now).unwrap();
    }
    let mut came = 0;
    while body(&mut rig).is_some() {
        came += 1;
    }
    assert_eq!(came, 9, "one in the mailbox, eight behind it");
    assert_eq!(rig.segment.snapshot().subdevices[0].mails_dropped, 0x20 - 9);
}

#[test]
fn an_emergency_needs_coe() {
    let mut rig = Rig::of(&[ProfileKind::Coupler]);
    let emergency = Action::Emergency { subdevice: 0, code: 1, register: 1, data: [0; 5] };
    assert_eq!(rig.segment.act(emergency, rig.now), Err(ActionError::NoMailbox(0)));
}

#[test]
fn an_al_error_is_told_by_an_emergency() {
    let mut rig = servo();
    rig.segment.act(Action::AlError { subdevice: 0, state: None, code: 0x8001 }, rig.now).unwrap();
    assert_eq!(body(&mut rig).unwrap(), [0x00, 0x10, 0x00, 0x81, 0x10, 0x01, 0x80, 0, 0, 0]);
}

#[test]
fn values_out_of_range_are_refused_with_the_right_code() {
    let mut sdo = Sdo::new(servo());
    assert_eq!(sdo.download(0x60c2, 1, false, &[0]), 0x0609_0032);
    assert_eq!(sdo.download(0x60c2, 2, false, &[64]), 0x0609_0031);
    assert_eq!(sdo.download(0x6060, 0, false, &[5]), 0x0609_0030, "no such mode");
    assert_eq!(sdo.download(0x607d, 2, false, &100i32.to_le_bytes()), 0);
    assert_eq!(sdo.download(0x607d, 1, false, &200i32.to_le_bytes()), 0x0609_0036);
    assert_eq!(sdo.download(0x60c2, 1, false, &[2]), 0);
}

#[test]
fn a_download_that_cant_work_is_refused_before_its_data() {
    let mut sdo = Sdo::new(servo());
    let size = |index: [u8; 2], size: u8| [0x00, 0x20, 0x21, index[0], index[1], 0, size, 1, 0, 0];
    assert_eq!(sdo.coe(&size([0x00, 0x20], 0x45))[6..], [0x12, 0x00, 0x07, 0x06]);
    assert_eq!(sdo.coe(&size([0x08, 0x10], 0))[6..], [0x02, 0x00, 0x01, 0x06]);
    assert_eq!(sdo.coe(&size([0x55, 0x55], 0))[6..], [0x00, 0x00, 0x02, 0x06]);
}

#[test]
fn an_unknown_command_is_aborted() {
    let mut sdo = Sdo::new(servo());
    assert_eq!(sdo.coe(&[0x00, 0x20, 0xe0, 0, 0, 0, 0, 0, 0, 0])[2..], [0x80, 0, 0, 0, 0x01, 0x00, 0x04, 0x05]);
    assert_eq!(sdo.coe(&[0x00, 0x20, 0x60, 0, 0, 0, 0, 0, 0, 0])[6..], [0x01, 0x00, 0x04, 0x05], "no transfer");
}

#[test]
fn complete_access_pads_subindex_0_to_two_bytes() {
    let mut sdo = Sdo::new(servo());
    assert_eq!(sdo.upload(0x60c2, 0, true), Ok(vec![2, 0, 1, 0xfd]));
    assert_eq!(sdo.upload(0x60c2, 1, true), Ok(vec![1, 0xfd]));
    assert_eq!(sdo.upload(0x60c2, 2, true), Err(0x0601_0000));
    assert_eq!(sdo.upload(0x1001, 0, true), Ok(vec![0]), "a variable is not padded");
    assert_eq!(sdo.download(0x60c2, 0, true, &[9, 0, 4, 0xfa]), 0, "a count that is only read is passed over");
    assert_eq!(sdo.upload(0x60c2, 1, true), Ok(vec![4, 0xfa]));
    assert_eq!(sdo.download(0x60c2, 1, true, &[4]), 0x0607_0013);
    assert_eq!(sdo.download(0x60c2, 1, true, &[4, 0xfa, 0]), 0x0607_0012);
    assert_eq!(sdo.download(0x1018, 1, true, &[0; 16]), 0x0601_0002);
}

#[test]
fn complete_access_packs_bits() {
    let mut rig = Rig::of(&[ProfileKind::AnalogueIn]);
    rig.preop(0);
    let mut sdo = Sdo::new(rig);
    // Ten status bits, then a value of 16 bits at the next byte.
    assert_eq!(sdo.upload(0x6000, 0, true).unwrap().len(), 2 + 2 + 2);
    assert_eq!(sdo.upload(0x6000, 0, true).unwrap()[..2], [0x11, 0]);
}

fn mapping(sdo: &mut Sdo, pdo: u16, entries: &[u32]) -> u32 {
    let count = u8::try_from(entries.len()).unwrap();
    let mut result = sdo.download(pdo, 0, false, &[0]);
    for (n, entry) in (1..).zip(entries) {
        if result == 0 {
            result = sdo.download(pdo, n, false, &entry.to_le_bytes());
        }
    }
    if result == 0 { sdo.download(pdo, 0, false, &[count]) } else { result }
}

#[test]
fn a_mapping_takes_what_can_be_mapped() {
    let mut sdo = Sdo::new(servo());
    assert_eq!(sdo.download(0x1a00, 1, false, &[0x10, 0, 0x41, 0x60]), 0x0601_0003, "not emptied");
    assert_eq!(mapping(&mut sdo, 0x1a00, &[0x5555_0010]), 0x0602_0000);
    assert_eq!(mapping(&mut sdo, 0x1a00, &[0x6041_0510]), 0x0609_0011);
    assert_eq!(mapping(&mut sdo, 0x1a00, &[0x6041_0008]), 0x0607_0010);
    assert_eq!(mapping(&mut sdo, 0x1a00, &[0x6040_0010]), 0x0604_0041, "an output");
    assert_eq!(mapping(&mut sdo, 0x1a00, &[0x1008_0020]), 0x0604_0041);
    assert_eq!(sdo.download(0x1a00, 0, false, &[16]), 0x0604_0042, "places are empty");
    assert_eq!(mapping(&mut sdo, 0x1a00, &[0x6041_0010, 0x0000_0008, 0x6061_0008]), 0);
}

#[test]
fn the_process_image_follows_the_mapping() {
    let mut sdo = Sdo::new(servo());
    assert_eq!(mapping(&mut sdo, 0x1a00, &[0x6061_0008, 0x0000_0008, 0x6041_0010]), 0);
    let mut rig = sdo.rig;
    rig.sync_manager(0, 2, 0x1100, 8, 0x64);
    rig.sync_manager(0, 3, 0x1180, 12, 0x20);
    assert_eq!(rig.al(0, 4), (0x12, 0x001e), "the length before");
    rig.write(0, 0x081e, &[0]);
    rig.sync_manager(0, 3, 0x1180, 4, 0x20);
    assert_eq!(rig.al(0, 0x14), (4, 0));
    let word = rig.read(0, 0x1180, 4);
    assert_eq!((word[0], word[1], word[2] & 0x4f), (8, 0, 0x40), "mode, padding, switch on disabled");
}

#[test]
fn a_mapping_that_makes_no_sense_is_refused_on_the_way_to_safeop() {
    let mut sdo = Sdo::new(servo());
    assert_eq!(mapping(&mut sdo, 0x1a00, &[]), 0);
    sdo.rig.sync_manager(0, 2, 0x1100, 8, 0x64);
    assert_eq!(sdo.rig.al(0, 4), (0x12, 0x0024), "an input PDO without entries");
    assert_eq!(body(&mut sdo.rig).unwrap()[2..7], [0x00, 0xa0, 0x10, 0x24, 0x00]);
    assert_eq!(sdo.rig.al(0, 0x12), (2, 0));
    assert_eq!(mapping(&mut sdo, 0x1600, &[0x6040_0010, 0x6040_0010]), 0);
    assert_eq!(sdo.rig.al(0, 4), (0x12, 0x0025), "one output mapped twice");
}

#[test]
fn a_pdo_is_assigned_once() {
    let mut sdo = Sdo::new(servo());
    assert_eq!(sdo.download(0x1c13, 0, true, &[2, 0, 0x00, 0x1a, 0x00, 0x1a]), 0x0604_0043);
    assert_eq!(sdo.download(0x1c13, 1, true, &[0x00]), 0x0607_0010, "half a place");
    assert_eq!(sdo.download(0x1c13, 0, true, &[1, 0, 0x00, 0x1a]), 0);
}

/// Words of a list by SDO information, put together.
fn list(sdo: &mut Sdo, kind: u8) -> Vec<u16> {
    let mut mail = sdo.coe(&[0x00, 0x80, 0x01, 0, 0, 0, kind, 0]);
    let mut bytes = Vec::new();
    loop {
        assert_eq!(mail[2] & 0x7f, 2);
        bytes.extend_from_slice(&mail[6..]);
        if mail[2] & 0x80 == 0 {
            break;
        }
        mail = body(&mut sdo.rig).unwrap();
    }
    assert_eq!(bytes[..2], [kind, 0]);
    bytes[2..].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
}

#[test]
fn the_lists_have_the_lengths_that_are_said() {
    let mut sdo = Sdo::new(servo());
    let lengths = list(&mut sdo, 0);
    let lists = [1, 2, 3, 4, 5].map(|kind| list(&mut sdo, kind));
    assert_eq!(lists.each_ref().map(|list| u16::try_from(list.len()).unwrap()).to_vec(), lengths);
    assert!(lists[0].contains(&0x1000) && lists[0].is_sorted());
    assert!(lists[1].contains(&0x6040) && !lists[1].contains(&0x6041));
    assert!(lists[2].contains(&0x6041) && !lists[2].contains(&0x6040));
}

#[test]
fn a_description_tells_the_limits_that_are_asked_for() {
    let mut sdo = Sdo::new(servo());
    let reply = sdo.coe(&[0x00, 0x80, 0x05, 0, 0, 0, 0xc2, 0x60, 2, 0x60]);
    assert_eq!(reply[..16], [0x00, 0x80, 0x06, 0, 0, 0, 0xc2, 0x60, 2, 0x60, 0x02, 0, 8, 0, 0x3f, 0]);
    assert_eq!(reply[16..18], [0x80, 63]);
    assert_eq!(&reply[18..], b"Period index");
    let plain = sdo.coe(&[0x00, 0x80, 0x05, 0, 0, 0, 0xc2, 0x60, 2, 0x00]);
    assert_eq!((plain[9], &plain[16..]), (0, &b"Period index"[..]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_mail_upsets_the_mailbox(
        mails in proptest::collection::vec((0u8..8, 0u8..6, proptest::collection::vec(any::<u8>(), 0..122)), 1..60),
    ) {
        let mut rig = speaker(all());
        for (counter, kind, request) in mails {
            rig.post(0, counter, kind, &request);
            while let Some(mail) = rig.fetch(0) {
                prop_assert!(usize::from(mail[0]) + 6 <= 128 && mail[1] == 0, "a reply within its mailbox");
            }
        }
        // Whatever was said before: an SDO works.
        rig.al(0, 1);
        rig.al(0, 2);
        prop_assert!(rig.coe(0, 1, &VENDOR).is_some());
    }
}
