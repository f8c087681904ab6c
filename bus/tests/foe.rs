//! Files against a SubDevice that answers as each test tells it to.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use support::mailman::{Mailman, emergency, mailbox};
use support::{Loss, rig};
use zerocat_bus::{File, FileError, FileProgress, FileTimes};
use zerocat_wire::foe::{Foe, FoeError};
use zerocat_wire::mailbox::{self as mail, MailboxHeader, MailboxType};

/// Bytes of a file in a mailbox of 128 bytes.
const ROOM: usize = 116;

fn foe(answer: Foe<'_>) -> Vec<u8> {
    let mut bytes = vec![0; 128];
    let header = MailboxHeader::new(MailboxType::Foe, 0, 0);
    let len = mail::emit(&mut bytes, header, |body| answer.emit(body)).unwrap();
    bytes.truncate(len);
    bytes
}

/// A server of one file, with what it has been asked.
#[derive(Default)]
struct Server {
    content: Vec<u8>,
    sent: usize,
    written: Vec<u8>,
    /// Times that it says it is busy before each answer.
    busy: u32,
    left: u32,
    asked: Vec<String>,
}

impl Server {
    fn answer(&mut self, request: Foe<'_>) -> Vec<Vec<u8>> {
        self.asked.push(format!("{request:?}").chars().take_while(|c| c.is_alphanumeric()).collect());
        if let Foe::Error { .. } = request {
            return vec![];
        }
        if self.left > 0 {
            self.left -= 1;
            return vec![foe(Foe::Busy { done: 1, entire: 2, text: b"erasing" })];
        }
        self.left = self.busy;
        match request {
            Foe::ReadRequest { .. } => vec![foe(self.packet(1))],
            Foe::Ack { packet } if self.sent == ROOM * packet as usize => vec![foe(self.packet(packet + 1))],
            Foe::WriteRequest { .. } => {
                self.written.clear();
                vec![foe(Foe::Ack { packet: 0 })]
            }
            Foe::Data { packet, data } => {
                self.written.extend(data);
                vec![foe(Foe::Ack { packet })]
            }
            _ => vec![],
        }
    }

    fn packet(&mut self, packet: u32) -> Foe<'_> {
        let start = ROOM * (packet as usize - 1);
        self.sent = self.content.len().min(start + ROOM);
        Foe::Data { packet, data: &self.content[start..self.sent] }
    }
}

fn served(server: Server) -> (Mailman, Rc<RefCell<Server>>) {
    let server = Rc::new(RefCell::new(server));
    let shared = Rc::clone(&server);
    let answer = move |_, body: &[u8]| shared.borrow_mut().answer(Foe::parse(body).unwrap());
    (Mailman::new(answer), server)
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

#[test]
fn a_file_of_any_length_is_read_whole_and_its_last_packet_acknowledged() {
    for len in [0, 1, ROOM - 1, ROOM, ROOM + 1, 2 * ROOM, 300 * ROOM + 5] {
        let (device, server) = served(Server { content: content(len), ..Server::default() });
        let (datagrams, mut pump) = rig::<4, _>(device);
        let mut told = Vec::new();
        let got = pump.run(mailbox().read_file(&datagrams, File::named("a.bin"), 1 << 20, |p| told.push(p)));
        assert_eq!(got, Ok(content(len)), "{len}");
        assert_eq!(told.last(), Some(&FileProgress::Bytes(len)));
        assert_eq!(server.borrow().asked.last().unwrap(), "Ack", "{len}");
    }
}

#[test]
fn a_file_of_any_length_is_written_whole_and_ends_with_a_packet_that_is_not_full() {
    for len in [0, 1, ROOM - 1, ROOM, ROOM + 1, 2 * ROOM, 300 * ROOM + 5] {
        let (device, server) = served(Server::default());
        let (datagrams, mut pump) = rig::<4, _>(device);
        assert_eq!(pump.run(mailbox().write_file(&datagrams, File::named("a"), &content(len), |_| {})), Ok(()));
        let server = server.borrow();
        assert_eq!(server.written, content(len));
        assert_eq!(server.asked.iter().filter(|asked| *asked == "Data").count(), len / ROOM + 1, "{len}");
    }
}

#[test]
fn frames_that_are_lost_cost_no_byte_and_repeat_none() {
    for loss in [Loss::Outbound(3), Loss::Inbound(3), Loss::Both(4), Loss::Random(20)] {
        let (device, server) = served(Server { content: content(3000), ..Server::default() });
        let (datagrams, mut pump) = rig::<4, _>(device);
        pump.loss = loss;
        let mut mailbox = mailbox();
        assert_eq!(pump.run(mailbox.write_file(&datagrams, File::named("a"), &content(3000), |_| {})), Ok(()));
        assert_eq!(server.borrow().written, content(3000), "{loss:?}");
        assert_eq!(pump.run(mailbox.read_file(&datagrams, File::named("a"), 4000, |_| {})), Ok(content(3000)));
        assert!(pump.lost > 0);
    }
}

#[test]
fn a_busy_subdevice_gets_the_same_packet_again_and_its_words_are_told() {
    let (device, server) = served(Server { content: content(200), busy: 2, left: 2, ..Server::default() });
    let (datagrams, mut pump) = rig::<4, _>(device);
    let mut told = Vec::new();
    let mut mailbox = mailbox();
    pump.run(mailbox.write_file(&datagrams, File::named("fw"), &content(200), |p| told.push(p))).unwrap();
    assert_eq!(server.borrow().written, content(200));
    let busy = FileProgress::Busy { done: 1, entire: 2, text: "erasing".to_owned() };
    assert_eq!(told.iter().filter(|p| **p == busy).count(), 6);
}

#[test]
fn a_subdevice_that_is_busy_when_asked_for_a_file_gets_an_acknowledge_and_no_second_request() {
    let file = content(50);
    let mut asked = 0;
    let device = Mailman::new(move |_, body| match Foe::parse(body).unwrap() {
        Foe::ReadRequest { .. } => {
            asked += 1;
            assert_eq!(asked, 1);
            vec![foe(Foe::Busy { done: 0, entire: 0, text: b"" })]
        }
        Foe::Ack { packet: 0 } => vec![foe(Foe::Data { packet: 1, data: &file })],
        _ => vec![],
    });
    let (datagrams, mut pump) = rig::<4, _>(device);
    assert_eq!(pump.run(mailbox().read_file(&datagrams, File::named("a"), 100, |_| {})), Ok(content(50)));
}

#[test]
fn a_subdevice_that_stays_busy_ends_the_transfer_at_its_bound() {
    let (device, _) = served(Server { busy: u32::MAX, left: u32::MAX, ..Server::default() });
    let (datagrams, mut pump) = rig::<4, _>(device);
    let times = FileTimes { busy: Duration::from_secs(3), ..FileTimes::default() };
    let file = File { times, ..File::named("fw") };
    let error = pump.run(mailbox().write_file(&datagrams, file, &[1], |_| {})).unwrap_err();
    assert!(matches!(error, FileError::Busy { waited, .. } if waited < Duration::from_secs(4)), "{error}");
}

#[test]
fn a_refusal_is_said_with_its_code_in_words_and_the_words_of_the_subdevice() {
    let refusing =
        |code| Mailman::new(move |_, _| vec![emergency(0x1000), foe(Foe::Error { code, text: b"no such file\0" })]);
    for code in [FoeError::NOT_FOUND, FoeError(1)] {
        let (datagrams, mut pump) = rig::<4, _>(refusing(code));
        let error = pump.run(mailbox().read_file(&datagrams, File::named("x"), 9, |_| {})).unwrap_err().to_string();
        let text = "SubDevice 3 (EL3002): FoE read of \"x\": refused with 0x8001: File not found (no such file)";
        assert_eq!(error, text);
    }
}

#[test]
fn a_packet_out_of_turn_ends_the_transfer_on_both_sides() {
    let ended = Rc::new(RefCell::new(false));
    let noted = Rc::clone(&ended);
    let device = Mailman::new(move |_, body| match Foe::parse(body).unwrap() {
        Foe::ReadRequest { .. } => vec![foe(Foe::Data { packet: 2, data: b"late" })],
        Foe::Error { code, .. } => {
            *noted.borrow_mut() = code == FoeError::PACKET_NUMBER;
            vec![]
        }
        _ => vec![],
    });
    let (datagrams, mut pump) = rig::<4, _>(device);
    let error = pump.run(mailbox().read_file(&datagrams, File::named("x"), 9, |_| {})).unwrap_err();
    assert!(matches!(error, FileError::Packet { got: 2, expected: 1, .. }), "{error}");
    assert!(*ended.borrow());
}

#[test]
fn a_file_longer_than_wanted_is_not_read_to_its_end() {
    let (device, server) = served(Server { content: content(5000), ..Server::default() });
    let (datagrams, mut pump) = rig::<4, _>(device);
    let error = pump.run(mailbox().read_file(&datagrams, File::named("x"), 300, |_| {})).unwrap_err();
    assert!(matches!(error, FileError::TooLong { limit: 300, .. }), "{error}");
    assert!(server.borrow().asked.len() < 6);
}
