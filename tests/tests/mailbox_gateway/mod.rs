//! The mailbox gateway of a session that runs, by UDP and TCP, with bytes made by hand: over links within the process, so without
//! privileges.

use super::{PATIENCE, Simulation, rig_with, start_with};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use zerocat::Session;

/// The servo of the segment, by its station address and by the count of tools.
const SERVO: [u16; 2] = [0x1006, 1006];

fn start(gateway: &str) -> (Simulation, Session, SocketAddr) {
    let (simulation, session) = start_with(|| rig_with(&format!(r#", "mailbox_gateway": {gateway}"#)));
    let listens = session.mailbox_gateway().unwrap();
    (simulation, session, listens)
}

fn message(address: u16, protocol: u8, body: &[u8]) -> Vec<u8> {
    let len = u8::try_from(body.len()).unwrap();
    let [low, high] = address.to_le_bytes();
    [&[len + 6, 0x50, len, 0, low, high, 0, protocol | 0x20], body].concat()
}

fn upload(address: u16, index: u16, subindex: u8) -> Vec<u8> {
    let [low, high] = index.to_le_bytes();
    message(address, 3, &[0, 0x20, 0x40, low, high, subindex, 0, 0, 0, 0])
}

/// A UDP client.
struct Udp(UdpSocket);

impl Udp {
    fn to(gateway: SocketAddr) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(gateway).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    fn send(&self, message: &[u8]) {
        self.0.send(message).unwrap();
    }

    fn hear(&self) -> Vec<u8> {
        let mut bytes = [0; 4096];
        let len = self.0.recv(&mut bytes).unwrap();
        bytes[..len].to_vec()
    }

    fn ask(&self, message: &[u8]) -> Vec<u8> {
        self.send(message);
        self.hear()
    }
}

/// A whole message out of a stream.
fn hear(stream: &mut TcpStream) -> Vec<u8> {
    let mut header = [0; 2];
    stream.read_exact(&mut header).unwrap();
    let mut mail = vec![0; usize::from(u16::from_le_bytes(header) & 0x7ff)];
    stream.read_exact(&mut mail).unwrap();
    [&header[..], &mail].concat()
}

/// Reads a value of any length; the message that `ask` gets.
fn value(mut ask: impl FnMut(&[u8]) -> Vec<u8>, address: u16, index: u16, subindex: u8) -> Vec<u8> {
    let first = ask(&upload(address, index, subindex));
    let size = match first[10] {
        0x41 => usize::from(first[14]) + 256 * usize::from(first[15]),
        command => return first[14..18 - usize::from(command >> 2 & 3)].to_vec(),
    };
    let mut value = first[18..].to_vec();
    let mut toggle = 0;
    while value.len() < size {
        let next = ask(&message(address, 3, &[0, 0x20, 0x60 | toggle, 0, 0, 0, 0, 0, 0, 0]));
        assert_eq!(next[10] & 0xf0, toggle, "{next:x?}");
        value.extend_from_slice(&next[11..]);
        toggle ^= 0x10;
    }
    value.truncate(size);
    value
}

#[test]
fn tools_read_objects_segments_and_the_dictionary_by_udp_and_tcp_while_the_bus_runs() {
    let (_simulation, session, gateway) = start(r#"{ "port": 0 }"#);
    let udp = Udp::to(gateway);
    let mut tcp = TcpStream::connect(gateway).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    for address in SERVO {
        let by_udp = value(|message| udp.ask(message), address, 0x2000, 0);
        assert_eq!(by_udp.len(), 324);
        let by_tcp = value(
            |message| {
                tcp.write_all(message).unwrap();
                hear(&mut tcp)
            },
            address,
            0x2000,
            0,
        );
        assert_eq!(by_tcp, by_udp);
        let identity = udp.ask(&upload(address, 0x1018, 1));
        assert_eq!(identity[4..6], address.to_le_bytes());
    }
    // A list in fragments.
    udp.send(&message(SERVO[0], 3, &[0, 0x80, 1, 0, 0, 0, 1, 0]));
    let mut indexes = Vec::new();
    loop {
        let mail = udp.hear();
        indexes.extend_from_slice(&mail[14..]);
        if mail[10] & 0x80 == 0 {
            break;
        }
    }
    assert!(indexes.chunks(2).any(|word| word == [0x41, 0x60]));
    // The MainDevice's own dictionary: the AL status of the servo, and its station address.
    assert_eq!(value(|message| udp.ask(message), 0, 0xa005, 1), [8, 0]);
    assert_eq!(value(|message| udp.ask(message), 0, 0xf040, 6), SERVO[0].to_le_bytes());
    assert_eq!(value(|message| udp.ask(message), 0, 0x1008, 0), b"zerocat");
    let report = session.stop().unwrap().report.mailbox_gateway.unwrap();
    assert_eq!((report.refused, report.unanswered, report.damaged), (0, 0, 0));
    assert!(report.answered >= report.datagrams && report.clients.len() == 2, "{report:?}");
}

#[test]
fn a_tcp_client_may_send_in_pieces_and_several_at_once_and_junk_closes_it() {
    let (_simulation, session, gateway) = start(r#"{ "port": 0, "udp": false }"#);
    let mut tcp = TcpStream::connect(gateway).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    let both = [upload(SERVO[0], 0x1018, 1), upload(SERVO[0], 0x1018, 2)].concat();
    for piece in both.chunks(7) {
        tcp.write_all(piece).unwrap();
    }
    assert_eq!([hear(&mut tcp)[13], hear(&mut tcp)[13]], [1, 2]);
    tcp.write_all(&[0xff; 40]).unwrap();
    assert_eq!(tcp.read(&mut [0; 1]).unwrap(), 0);
    let mut other = TcpStream::connect(gateway).unwrap();
    other.write_all(&both).unwrap();
    assert_eq!(hear(&mut other)[13], 1);
    let report = session.stop().unwrap().report.mailbox_gateway.unwrap();
    assert_eq!((report.damaged, report.clients[0].transport), (1, "tcp"));
}

#[test]
fn two_clients_at_once_never_get_each_others_answers() {
    let (_simulation, session, gateway) = start(r#"{ "port": 0 }"#);
    let clients: Vec<_> = (1..=4)
        .map(|subindex: u8| {
            std::thread::spawn(move || {
                let udp = Udp::to(gateway);
                for _ in 0..50 {
                    assert_eq!(udp.ask(&upload(SERVO[0], 0x1018, subindex))[11..14], [0x18, 0x10, subindex]);
                    let note = value(|message| udp.ask(message), SERVO[0], 0x2000, 0);
                    assert_eq!(note.len(), 324);
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    assert!(session.status().alive);
}

#[test]
fn a_gateway_that_only_reads_refuses_a_download_and_the_object_stays() {
    let (_simulation, session, gateway) = start(r#"{ "port": 0, "read_only": true }"#);
    let udp = Udp::to(gateway);
    let before = udp.ask(&upload(SERVO[0], 0x6083, 0));
    let refused = udp.ask(&message(SERVO[0], 3, &[0, 0x20, 0x23, 0x83, 0x60, 0, 1, 2, 3, 4]));
    assert_eq!(refused[8..], [0, 0x30, 0x80, 0x83, 0x60, 0, 0x02, 0, 0x01, 0x06]);
    let after = udp.ask(&upload(SERVO[0], 0x6083, 0));
    assert_eq!(before[14..], after[14..]);
    let report = session.stop().unwrap().report.mailbox_gateway.unwrap();
    assert_eq!((report.read_only, report.refused, report.answered), (true, 1, 2));
}
