//! The mailbox gateway of a session that runs, by UDP and TCP, with bytes made by hand: over links within the process, so without
//! privileges.

use super::{Simulation, rig_with, start_with};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;
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
        socket.set_read_timeout(Some(Duration::from_secs(6))).unwrap();
        Self(socket)
    }

    fn send(&self, message: &[u8]) {
        self.0.send(message).unwrap();
    }

    /// The next message; `None` where none comes in time.
    fn hear(&self) -> Option<Vec<u8>> {
        let mut bytes = [0; 4096];
        let len = self.0.recv(&mut bytes).ok()?;
        Some(bytes[..len].to_vec())
    }

    fn ask(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.send(message);
        self.hear()
    }

    fn value(&self, address: u16, index: u16, subindex: u8) -> Option<Vec<u8>> {
        value(|message| self.ask(message), address, index, subindex)
    }
}

/// What a client gets, as a new one each time that it gets nothing: a machine with much other work keeps clients and gateway
/// waiting for longer than they wait for each other.
fn patiently<T>(gateway: SocketAddr, ask: impl Fn(&Udp) -> Option<T>) -> T {
    (0..20).find_map(|_| ask(&Udp::to(gateway))).expect("an answer to one of twenty clients")
}

/// A whole message out of a stream.
fn hear(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut header = [0; 2];
    stream.read_exact(&mut header).ok()?;
    let mut mail = vec![0; usize::from(u16::from_le_bytes(header) & 0x7ff)];
    stream.read_exact(&mut mail).ok()?;
    Some([&header[..], &mail].concat())
}

/// A value of any length, by the message that `ask` gets; `None` where the transfer is given up.
fn value(mut ask: impl FnMut(&[u8]) -> Option<Vec<u8>>, address: u16, index: u16, subindex: u8) -> Option<Vec<u8>> {
    let first = ask(&upload(address, index, subindex))?;
    assert_eq!(first[11..14], upload(address, index, subindex)[11..14]);
    let size = match first[10] {
        0x41 => usize::from(first[14]) + 256 * usize::from(first[15]),
        0x80 => return None,
        command => return Some(first[14..18 - usize::from(command >> 2 & 3)].to_vec()),
    };
    let mut value = first[18..].to_vec();
    let mut toggle = 0;
    while value.len() < size {
        let next = ask(&message(address, 3, &[0, 0x20, 0x60 | toggle, 0, 0, 0, 0, 0, 0, 0]))?;
        if next[10] == 0x80 {
            return None;
        }
        assert_eq!(next[10] & 0xf0, toggle, "{next:x?}");
        value.extend_from_slice(&next[11..]);
        toggle ^= 0x10;
    }
    value.truncate(size);
    Some(value)
}

/// The indexes that a list in fragments has.
fn list(udp: &Udp) -> Option<Vec<u8>> {
    udp.send(&message(SERVO[0], 3, &[0, 0x80, 1, 0, 0, 0, 1, 0]));
    let mut indexes = Vec::new();
    loop {
        let mail = udp.hear()?;
        indexes.extend_from_slice(&mail[14..]);
        if mail[10] & 0x80 == 0 {
            return Some(indexes);
        }
    }
}

/// A message and the answer to it by TCP, each time over a new connection.
fn by_tcp(gateway: SocketAddr, address: u16, index: u16) -> Option<Vec<u8>> {
    let mut tcp = connect(gateway);
    let ask = |message: &[u8]| {
        tcp.write_all(message).unwrap();
        hear(&mut tcp)
    };
    value(ask, address, index, 0)
}

fn connect(gateway: SocketAddr) -> TcpStream {
    let tcp = TcpStream::connect(gateway).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(6))).unwrap();
    tcp
}

#[test]
fn tools_read_objects_segments_and_the_dictionary_by_udp_and_tcp_while_the_bus_runs() {
    let (_simulation, session, gateway) = start(r#"{ "port": 0 }"#);
    for address in SERVO {
        let note = patiently(gateway, |udp| udp.value(address, 0x2000, 0));
        assert_eq!(note.len(), 324);
        assert_eq!((0..20).find_map(|_| by_tcp(gateway, address, 0x2000)), Some(note));
        let identity = patiently(gateway, |udp| udp.ask(&upload(address, 0x1018, 1)));
        assert_eq!(identity[4..6], address.to_le_bytes());
    }
    let indexes = patiently(gateway, list);
    assert!(indexes.chunks(2).any(|word| word == [0x41, 0x60]));
    // The MainDevice's own dictionary: the AL status of the servo, and its station address.
    assert_eq!(patiently(gateway, |udp| udp.value(0, 0xa005, 1)), [8, 0]);
    assert_eq!(patiently(gateway, |udp| udp.value(0, 0xf040, 6)), SERVO[0].to_le_bytes());
    assert_eq!(patiently(gateway, |udp| udp.value(0, 0x1008, 0)), b"zerocat");
    let report = session.stop().unwrap().report.mailbox_gateway.unwrap();
    assert_eq!((report.refused, report.damaged), (0, 0));
    assert!(report.answered > 0 && report.clients.len() == 2, "{report:?}");
}

#[test]
fn a_tcp_client_may_send_in_pieces_and_several_at_once_and_junk_closes_it() {
    let (_simulation, session, gateway) = start(r#"{ "port": 0, "udp": false }"#);
    let mut tcp = connect(gateway);
    // Of the MainDevice's dictionary, so that nobody is waited for.
    let both = [upload(0, 0x1018, 1), upload(0, 0x1018, 2)].concat();
    for piece in both.chunks(7) {
        tcp.write_all(piece).unwrap();
    }
    assert_eq!([(); 2].map(|()| hear(&mut tcp).unwrap()[13]), [1, 2]);
    tcp.write_all(&[0xff; 40]).unwrap();
    assert!(matches!(tcp.read(&mut [0; 1]), Ok(0) | Err(_)));
    let mut other = connect(gateway);
    other.write_all(&both).unwrap();
    assert_eq!(hear(&mut other).unwrap()[13], 1);
    let report = session.stop().unwrap().report.mailbox_gateway.unwrap();
    assert_eq!((report.damaged, report.clients[0].transport), (1, "tcp"));
}

#[test]
fn clients_at_once_never_get_each_others_answers() {
    let (_simulation, session, gateway) = start(r#"{ "port": 0 }"#);
    let client = |subindex: u8| {
        std::thread::spawn(move || {
            for _ in 0..5 {
                // `value` holds each answer against what was asked.
                assert_eq!(patiently(gateway, |udp| udp.value(SERVO[0], 0x1018, subindex)).len(), 4);
                assert_eq!(patiently(gateway, |udp| udp.value(SERVO[0], 0x2000, 0)).len(), 324);
            }
        })
    };
    let clients: Vec<_> = (1..=3).map(client).collect();
    for client in clients {
        client.join().unwrap();
    }
    assert!(session.status().alive);
}

#[test]
fn a_gateway_that_only_reads_refuses_a_download_and_the_object_stays() {
    let (_simulation, session, gateway) = start(r#"{ "port": 0, "read_only": true }"#);
    let value = || patiently(gateway, |udp| udp.value(SERVO[0], 0x6083, 0));
    let before = value();
    let download = message(SERVO[0], 3, &[0, 0x20, 0x23, 0x83, 0x60, 0, 1, 2, 3, 4]);
    let refused = patiently(gateway, |udp| udp.ask(&download));
    assert_eq!(refused[8..], [0, 0x30, 0x80, 0x83, 0x60, 0, 0x02, 0, 0x01, 0x06]);
    assert_eq!(value(), before);
    let report = session.stop().unwrap().report.mailbox_gateway.unwrap();
    assert!(report.read_only && report.refused > 0, "{report:?}");
}
