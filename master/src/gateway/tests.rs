//! The gateway's desk at a simulated segment, under virtual time: what clients send, and what they get.

use super::client::Client;
use super::counts::GatewayCounts;
use super::desk::{Access, Desk};
use super::directory::{Directory, Known};
use super::wake::waker;
use crate::testing::{Action, Bench, ProfileKind, SegmentConfig, line};
use std::time::Duration;
use zerocat_bus::MailboxInfo;
use zerocat_wire::gateway;

/// The servo's note, which is longer than a mail.
const NOTE: u16 = 0x2000;
const MS: Duration = Duration::from_millis(1);

/// A segment with a coupler and two servos, and the gateway's desk.
struct Office {
    bench: Bench,
    desk: Desk,
    counts: GatewayCounts,
    /// Answers to others, that came when one was waited for.
    others: Vec<(Client, Vec<u8>)>,
    _wakened: super::wake::Wakened,
}

fn segment() -> SegmentConfig {
    let mut config = line(&[ProfileKind::Coupler, ProfileKind::Servo, ProfileKind::Servo]);
    let mailbox = serde_json::json!({
        "protocols": ["coe", "foe"], "foe": { "busy": 1, "files": { "hello.txt": "hello" } },
    });
    config.subdevices[1].mailbox = Some(serde_json::from_value(mailbox).unwrap());
    config
}

impl Office {
    fn with(access: Access) -> Self {
        Self::over(&segment(), access)
    }

    fn over(segment: &SegmentConfig, access: Access) -> Self {
        let bench = Bench::start(Bench::bus(), segment).unwrap().0;
        let (waker, _wakened) = waker().unwrap();
        let counts = GatewayCounts::default();
        let known = |position: u16| Known {
            station: 0x1001 + position,
            mailbox: (position > 0).then(MailboxInfo::default),
            coe: position > 0,
            ..Known::default()
        };
        let count = u16::try_from(segment.subdevices.len()).unwrap();
        let directory = Directory((0..count).map(known).collect());
        let desk = Desk::new(bench.requests().clone(), directory, access, counts.clone(), waker);
        Self { bench, desk, counts, others: Vec::new(), _wakened }
    }

    fn new() -> Self {
        Self::with(Access::All)
    }

    fn send(&mut self, client: Client, mail: &[u8]) {
        let message = [&gateway::header(mail).unwrap()[..], mail].concat();
        self.desk.take(client, &message, self.bench.now());
    }

    fn run(&mut self, time: Duration) -> Vec<(Client, Vec<u8>)> {
        let end = self.bench.now() + time;
        let mut all = Vec::new();
        while self.bench.now() < end {
            self.bench.cycle();
            all.extend(self.desk.answers(self.bench.now()));
        }
        all
    }

    /// The first answer to a client within two seconds and some.
    fn answer(&mut self, client: Client) -> Option<Vec<u8>> {
        for _ in 0..2500 {
            let (ours, others): (Vec<_>, Vec<_>) = self.run(MS).into_iter().partition(|(to, _)| *to == client);
            self.others.extend(others);
            if let Some((_, mail)) = ours.into_iter().next() {
                return Some(mail);
            }
        }
        None
    }

    fn ask(&mut self, client: Client, mail: &[u8]) -> Option<Vec<u8>> {
        self.send(client, mail);
        self.answer(client)
    }

    fn counted(&self) -> [u64; 5] {
        let report = self.counts.report(([127, 0, 0, 1], 1).into(), false);
        [report.datagrams, report.answered, report.refused, report.unanswered, report.damaged]
    }
}

fn client(port: u16) -> Client {
    Client::Udp(([127, 0, 0, 1], port).into())
}

fn sdo(address: u16, body: [u8; 8]) -> Vec<u8> {
    let [low, high] = address.to_le_bytes();
    // A tool's counter, always the same.
    [&[10, 0, low, high, 0, 0x23, 0, 0x20], &body[..]].concat()
}

fn upload(address: u16, index: u16, subindex: u8) -> Vec<u8> {
    let [low, high] = index.to_le_bytes();
    sdo(address, [0x40, low, high, subindex, 0, 0, 0, 0])
}

#[test]
fn an_identity_is_read_by_station_address_and_by_the_tools_count_and_bears_the_clients_address() {
    let mut office = Office::new();
    for address in [0x1002, 1002, 0x1003, 1003] {
        let [low, high] = u16::to_le_bytes(address);
        let mail = office.ask(client(1), &upload(address, 0x1018, 1)).unwrap();
        assert_eq!((&mail[..5], mail[5] & 0x8f), (&[10, 0, low, high, 0][..], 3));
        assert_eq!(mail[6..12], [0, 0x30, 0x43, 0x18, 0x10, 1]);
    }
    assert_eq!(office.counted(), [4, 4, 0, 0, 0]);
}

#[test]
fn what_twinsafe_loader_was_captured_to_send_is_answered_under_its_address() {
    // etherlab-dev, 2021: an object of a safety terminal, which the servo doesn't have.
    let captured = [0x10, 0x50, 0x0a, 0, 0xe9, 0x03, 0, 0x23, 0, 0x20, 0x41, 0x80, 0xf9, 0x02, 0, 0, 0, 0];
    let mut office = Office::over(&line(&[ProfileKind::Servo]), Access::All);
    // It repeats its mailbox counter, and has an answer all the same.
    for _ in 0..3 {
        office.desk.take(client(1), &captured, office.bench.now());
        let mail = office.answer(client(1)).unwrap();
        assert_eq!((&mail[..5], mail[5] & 0x8f), (&captured[2..7], 3));
        // Aborts of the simulated SubDevice come as requests, as those of SOES do.
        assert_eq!(mail[6..], [0, 0x20, 0x80, 0x80, 0xf9, 0x02, 0, 0, 0x02, 0x06]);
    }
}

#[test]
fn nobody_answers_for_an_address_that_nobody_has_or_a_subdevice_without_a_mailbox() {
    let mut office = Office::new();
    assert_eq!(office.ask(client(1), &upload(0x2000, 0x1018, 1)), None);
    assert_eq!(office.ask(client(1), &upload(0x1001, 0x1018, 1)), None);
    office.bench.act(Action::FreezeMailbox { subdevice: 2, frozen: true }).unwrap();
    assert_eq!(office.ask(client(1), &upload(0x1003, 0x1018, 1)), None);
    assert_eq!(office.counted(), [3, 0, 0, 3, 0]);
    assert_eq!(office.bench.counters().lost_cycles, 0);
}

/// Reads the note in segments; `between` is done before each.
fn read_note(office: &mut Office, client: Client, mut between: impl FnMut(&mut Office)) -> Vec<u8> {
    let first = office.ask(client, &upload(0x1002, NOTE, 0)).unwrap();
    assert_eq!(first[8] & 0xe3, 0x41, "{first:x?}");
    let mut value = first[16..].to_vec();
    let mut toggle = 0;
    loop {
        between(office);
        let mail = office.ask(client, &sdo(0x1002, [0x60 | toggle, 0, 0, 0, 0, 0, 0, 0])).unwrap();
        assert_eq!(mail[8] & 0xf0, toggle, "{mail:x?}");
        value.extend_from_slice(&mail[9..]);
        toggle ^= 0x10;
        if mail[8] & 1 != 0 {
            return value;
        }
    }
}

#[test]
fn a_segmented_transfer_keeps_others_out_until_it_is_over() {
    let mut office = Office::new();
    let whole = read_note(&mut office, client(1), |_| {});
    assert!(whole.len() >= 324);
    let mut others = 0;
    let again = read_note(&mut office, client(1), |office| {
        others += 1;
        office.send(client(2), &upload(0x1002, 0x1018, others));
        assert_eq!(office.run(20 * MS), []);
        assert_eq!(office.others, []);
    });
    assert_eq!(again, whole);
    let rest = office.run(200 * MS);
    let told = [std::mem::take(&mut office.others), rest].concat();
    assert!(told.iter().all(|(to, _)| *to == client(2)), "{told:?}");
    let subindexes: Vec<u8> = told.iter().map(|(_, mail)| mail[11]).collect();
    assert_eq!(subindexes, (1..=others).collect::<Vec<_>>());
}

#[test]
fn a_client_that_vanishes_in_a_transfer_is_given_up_and_its_rest_never_answers_another() {
    let mut office = Office::new();
    let first = office.ask(client(1), &upload(0x1002, NOTE, 0)).unwrap();
    assert_eq!(first[8] & 0xe2, 0x40);
    office.send(client(2), &upload(0x1002, 0x1018, 1));
    assert_eq!(office.run(1000 * MS), []);
    let told = office.run(1000 * MS);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].0, &told[0].1[9..12]), (client(2), &[0x18, 0x10, 1][..]));
    // The one that vanished is told so when it comes back.
    let mail = office.ask(client(1), &sdo(0x1002, [0x60, 0, 0, 0, 0, 0, 0, 0])).unwrap();
    assert_eq!((mail[8], &mail[12..]), (0x80, &[0, 0, 0x04, 0x05][..]));
}

#[test]
fn a_new_request_of_a_client_ends_its_old_transfer_at_once() {
    let mut office = Office::new();
    office.ask(client(1), &upload(0x1002, NOTE, 0)).unwrap();
    office.send(client(1), &upload(0x1002, 0x1018, 2));
    let told = office.run(50 * MS);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].1[9..12], [0x18, 0x10, 2]);
}

#[test]
fn two_clients_at_once_get_each_its_own() {
    let mut office = Office::new();
    let (mut got, mut sent) = ([0, 0], [0, 0]);
    for round in 0..200u16 {
        for (n, sent) in sent.iter_mut().enumerate() {
            // The same SubDevice, and other subindexes for each.
            let subindex = u8::try_from(usize::from(round) % 2 + 1 + 2 * n).unwrap();
            let port = u16::try_from(n).unwrap() + 1;
            office.send(client(port), &upload(0x1002, 0x1018, subindex));
            *sent += 1;
        }
        for (to, mail) in office.run(5 * MS) {
            let n = usize::from(to == client(2));
            assert_eq!((mail[11] - 1) / 2, u8::try_from(n).unwrap());
            got[n] += 1;
        }
    }
    for (to, _) in office.run(100 * MS) {
        got[usize::from(to == client(2))] += 1;
    }
    assert_eq!(got, sent);
}

#[test]
fn a_request_that_waited_too_long_is_taken_back() {
    let mut office = Office::new();
    office.bench.act(Action::FreezeMailbox { subdevice: 2, frozen: true }).unwrap();
    for subindex in 1..=4 {
        office.send(client(1), &upload(0x1003, 0x1018, subindex));
    }
    assert_eq!(office.run(3100 * MS), []);
    office.bench.act(Action::FreezeMailbox { subdevice: 2, frozen: false }).unwrap();
    office.run(2000 * MS);
    // The last two were never begun.
    assert_eq!(office.counted()[3], 4);
    let mail = office.ask(client(2), &upload(0x1003, 0x1018, 3)).unwrap();
    assert_eq!(mail[11], 3);
}

#[test]
fn a_subdevice_that_does_not_answer_takes_the_gateway_from_no_other() {
    let mut office = Office::new();
    office.bench.act(Action::FreezeMailbox { subdevice: 2, frozen: true }).unwrap();
    for port in 1..=40 {
        office.send(client(port), &upload(0x1003, 0x1018, 1));
    }
    assert_eq!(office.counted()[3], 32, "what it has no room for");
    for port in 101..=110 {
        let mail = office.ask(client(port), &upload(0x1002, 0x1018, 2)).unwrap();
        assert_eq!(mail[9..12], [0x18, 0x10, 2]);
    }
}

#[test]
fn what_follows_a_transfer_that_is_over_is_refused_and_counted() {
    let mut office = Office::new();
    office.send(client(1), &upload(0x1002, 0x1018, 2));
    office.send(client(1), &sdo(0x1002, [0x60, 0, 0, 0, 0, 0, 0, 0]));
    let told: Vec<_> = office.run(100 * MS).into_iter().map(|(_, mail)| mail).collect();
    assert_eq!((told.len(), &told[0][9..12]), (2, &[0x18, 0x10, 2][..]), "{told:x?}");
    assert_eq!((told[1][8], &told[1][12..]), (0x80, &[0, 0, 0x04, 0x05][..]));
    assert_eq!(office.counted(), [2, 1, 1, 0, 0]);
}

#[test]
fn a_list_comes_in_all_its_fragments() {
    let mut office = Office::new();
    office.send(client(1), &[8, 0, 0xea, 3, 0, 3, 0, 0x80, 1, 0, 0, 0, 1, 0]);
    let told = office.run(200 * MS);
    assert!(told.len() > 1, "{told:?}");
    let left: Vec<u8> = told.iter().map(|(_, mail)| mail[10]).collect();
    assert_eq!(left, (0..u8::try_from(told.len()).unwrap()).rev().collect::<Vec<_>>());
    let indexes: Vec<u8> = told.iter().flat_map(|(_, mail)| mail[12..].to_vec()).collect();
    assert!(indexes.chunks(2).any(|word| word == [0x41, 0x60]));
}

#[test]
fn a_file_is_read_to_its_end_and_the_mailbox_is_free_after_its_acknowledge() {
    let mut office = Office::new();
    let foe = |body: &[u8]| [&[u8::try_from(body.len()).unwrap(), 0, 0x02, 0x10, 0, 4], body].concat();
    let mut mail = office.ask(client(1), &foe(b"\x01\0\0\0\0\0hello.txt")).unwrap();
    while mail[6] == 6 {
        // Busy: asked again, as FoE has it.
        mail = office.ask(client(1), &foe(b"\x01\0\0\0\0\0hello.txt")).unwrap();
    }
    assert_eq!(mail[6..], *b"\x03\0\x01\0\0\0hello");
    office.send(client(1), &foe(&[4, 0, 1, 0, 0, 0]));
    office.send(client(2), &upload(0x1002, 0x1018, 1));
    assert_eq!(office.run(50 * MS).len(), 1);
}

#[test]
fn what_writes_is_refused_where_only_reading_is_allowed() {
    let mut office = Office::with(Access::ReadOnly);
    let write = |value: u8| sdo(0x1002, [0x2f, 0x60, 0x60, 0, value, 0, 0, 0]);
    let mail = office.ask(client(1), &write(8)).unwrap();
    assert_eq!((mail[8], &mail[12..]), (0x80, &[0x02, 0, 0x01, 0x06][..]));
    let file = [10, 0, 0x02, 0x10, 0, 4, 2, 0, 0, 0, 0, 0, b'f', b'i', b'l', b'e'];
    assert_eq!(office.ask(client(1), &file).unwrap()[6..], [5, 0, 0x02, 0x80, 0, 0]);
    assert!(office.ask(client(1), &upload(0x1002, 0x6060, 0)).is_some());
    assert_eq!(office.counted(), [3, 1, 2, 0, 0]);
    // It is written where that is allowed.
    let mut office = Office::new();
    assert_eq!(office.ask(client(1), &write(8)).unwrap()[8], 0x60);
}

#[test]
fn states_are_read_in_the_masters_dictionary_and_never_written() {
    let mut office = Office::new();
    let mail = office.ask(client(1), &upload(0, 0xa001, 1)).unwrap();
    assert_eq!(mail[8..], [0x4b, 0x01, 0xa0, 1, 8, 0, 0, 0]);
    let mail = office.ask(client(1), &upload(0, 0x8001, 4)).unwrap();
    assert_eq!(mail[8..12], [0x43, 0x01, 0x80, 4]);
    assert_ne!(mail[12..], [0; 4], "the servo's device type");
    let mail = office.ask(client(1), &sdo(0, [0x2b, 0x01, 0xa0, 2, 1, 0, 0, 0])).unwrap();
    assert_eq!((mail[8], &mail[12..]), (0x80, &[0x02, 0, 0x01, 0x06][..]));
    assert!(office.bench.is_alive());
}

#[test]
fn ethernet_is_refused_and_junk_is_counted() {
    let mut office = Office::new();
    let eoe = [4, 0, 0x02, 0x10, 0, 2, 0, 0, 0, 0];
    assert_eq!(office.ask(client(1), &eoe).unwrap(), [4, 0, 0x02, 0x10, 0, 0, 1, 0, 2, 0]);
    for junk in [&[][..], &[0x10], &[0x10, 0x50], &[0x10, 0x10, 0, 0, 0, 0, 0, 0], &[6, 0x50, 0xff, 0xff, 0, 0, 0, 3]] {
        office.desk.take(client(2), junk, office.bench.now());
    }
    assert_eq!(office.counted(), [6, 0, 1, 0, 5]);
}

#[test]
fn whatever_is_sent_nothing_panics_and_the_bus_goes_on() {
    let mut office = Office::new();
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..1000 {
        let len = random.usize(0..40);
        let mut message: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(len).collect();
        if let [low, high, l, lh, a, ah, _, kind, service, ..] = message.as_mut_slice() {
            // Most of them as if they were meant.
            (*low, *high) = (u8::try_from(len - 2).unwrap(), 0x50);
            (*l, *lh) = (u8::try_from(len - 8).unwrap().saturating_sub(random.u8(0..2)), 0);
            (*a, *ah) =
                ([0x02, 0x03, 0xea, 0][usize::from(random.u8(0..4))], [0x10, 3, 0][usize::from(random.u8(0..3))]);
            *kind = *kind & 0x70 | [0, 1, 2, 3, 3, 3, 4, 5, 15][random.usize(0..9)];
            *service = if random.bool() { *service } else { 0 };
        }
        office.desk.take(client(random.u16(1..5)), &message, office.bench.now());
        if round % 4 == 0 {
            office.run(MS);
        }
    }
    office.run(6_000 * MS);
    assert_eq!(office.bench.counters().lost_cycles, 0);
    let mail = office.ask(client(9), &upload(0x1003, 0x1018, 1)).unwrap();
    assert_eq!(mail[9..12], [0x18, 0x10, 1]);
}
