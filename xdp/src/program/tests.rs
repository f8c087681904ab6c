//! The programs' verdicts on literal frames, by the kernel's own test run (`BPF_PROG_TEST_RUN`). They need CAP_BPF and
//! CAP_NET_ADMIN, and fail without.

use super::{Kind, Program};
use libbpf_rs::ProgramInput;

const XDP_PASS: u32 = 2;
const XDP_TX: u32 = 3;
const XDP_REDIRECT: u32 = 4;

/// Destination, source, and what follows.
fn frame(rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10, 0x7a, 0x63, 0x00, 0x00, 0x01];
    bytes.extend(rest);
    bytes
}

fn padded(rest: &[u8]) -> Vec<u8> {
    let mut bytes = frame(rest);
    bytes.resize(60, 0);
    bytes
}

/// The verdict, and the frame as the program left it.
fn run(program: &Program, frame: &[u8]) -> (u32, Vec<u8>) {
    let mut out = vec![0; frame.len()];
    let name = program.kind.name();
    let loaded = program.object.progs_mut().find(|program| program.name() == name).unwrap();
    let input = ProgramInput { data_in: Some(frame), data_out: Some(&mut out), ..ProgramInput::default() };
    let verdict = loaded.test_run(input).unwrap().return_value;
    (verdict, out)
}

/// The verdict on a frame shorter than the 14 bytes that a test run takes: the bytes in front of it are declared to be
/// metadata (`struct xdp_md`: data is the length of the metadata, data_end that of all).
fn run_short(program: &Program, frame: &[u8]) -> Result<u32, libbpf_rs::Error> {
    let metadata = 4;
    let mut bytes = vec![0; metadata];
    bytes.extend(frame);
    let mut context = Vec::new();
    for field in [metadata, bytes.len(), 0, 0, 0, 0] {
        context.extend(u32::try_from(field).unwrap().to_ne_bytes());
    }
    let name = program.kind.name();
    let loaded = program.object.progs_mut().find(|program| program.name() == name).unwrap();
    let input = ProgramInput { data_in: Some(&bytes), context_in: Some(&mut context), ..ProgramInput::default() };
    loaded.test_run(input).map(|output| output.return_value)
}

/// Our program with a socket in its map, as it is in use; without one it passes everything.
struct Bound {
    program: Program,
    _umem: crate::umem::Umem,
    _socket: crate::socket::Socket,
}

fn bound() -> Bound {
    use crate::chunks::Layout;
    use crate::socket::{Binding, Socket, Wakeup};
    use crate::umem::UnboundUmem;
    let layout = Layout { chunk_size: 2048, slots: 1, receive: 1 };
    let umem = UnboundUmem::new(layout, crate::Pages::Ordinary).unwrap();
    let binding = Binding {
        interface: "lo",
        queue: 0,
        mode: crate::Mode::Generic,
        wakeup: Wakeup::WhenNeeded,
        slots: 1,
        receive: 1,
    };
    let (umem, socket) = Socket::bind(umem, binding).unwrap();
    let program = Program::load(Kind::Redirect { queues: 1 }).unwrap();
    program.register(0, socket.fd()).unwrap();
    Bound { program, _umem: umem, _socket: socket }
}

fn verdict(bound: &Bound, frame: &[u8]) -> u32 {
    let (verdict, after) = run(&bound.program, frame);
    assert_eq!(after, frame, "the program changed the frame");
    verdict
}

#[test]
fn ethercat_goes_to_the_socket_and_the_rest_to_the_kernel() {
    zerocat_testkit::netns::in_private_netns(|_| {
        let bound = bound();
        let ethercat = [0x88, 0xa4, 0x0e, 0x10];
        let cases: [(&str, Vec<u8>, u32); 10] = [
            ("EtherCAT", padded(&ethercat), XDP_REDIRECT),
            ("EtherCAT, header only", frame(&ethercat[..2]), XDP_REDIRECT),
            ("EtherCAT in 802.1Q", padded(&[0x81, 0x00, 0x00, 0x05, 0x88, 0xa4, 0x0e, 0x10]), XDP_REDIRECT),
            ("EtherCAT in 802.1ad", padded(&[0x88, 0xa8, 0x00, 0x05, 0x88, 0xa4, 0x0e, 0x10]), XDP_REDIRECT),
            ("tag of exactly 18 bytes", frame(&[0x81, 0x00, 0x00, 0x05, 0x88, 0xa4]), XDP_REDIRECT),
            ("IPv4", padded(&[0x08, 0x00, 0x45, 0x00]), XDP_PASS),
            ("ARP", padded(&[0x08, 0x06, 0x00, 0x01]), XDP_PASS),
            ("IPv4 in 802.1Q", padded(&[0x81, 0x00, 0x00, 0x05, 0x08, 0x00]), XDP_PASS),
            ("EtherCAT in two tags", padded(&[0x81, 0, 0, 5, 0x81, 0, 0, 6, 0x88, 0xa4]), XDP_PASS),
            ("tag cut after 17 bytes", frame(&[0x81, 0x00, 0x00, 0x05, 0x88]), XDP_PASS),
        ];
        for (what, frame, expected) in cases {
            assert_eq!(verdict(&bound, &frame), expected, "{what}");
        }
    });
}

#[test]
fn a_cut_tag_goes_to_the_kernel() {
    zerocat_testkit::netns::in_private_netns(|_| {
        let bound = bound();
        let whole = frame(&[0x81, 0x00, 0x00, 0x05, 0x88, 0xa4]);
        for len in 14..=17 {
            assert_eq!(verdict(&bound, &whole[..len]), XDP_PASS, "{len} bytes");
        }
        assert_eq!(verdict(&bound, &whole), XDP_REDIRECT, "18 bytes, to show that the test would see it");
    });
}

/// Kernels since 6.18 don't run a program on less than an Ethernet header (EINVAL); older ones do, with metadata.
#[test]
fn a_cut_header_is_never_redirected() {
    zerocat_testkit::netns::in_private_netns(|_| {
        let bound = bound();
        let whole = frame(&[0x88, 0xa4]);
        for len in 10..=13 {
            match run_short(&bound.program, &whole[..len]) {
                Ok(verdict) => assert_eq!(verdict, XDP_PASS, "{len} bytes"),
                Err(error) => assert_eq!(error.kind(), libbpf_rs::ErrorKind::InvalidInput, "{len} bytes: {error}"),
            }
        }
        assert_eq!(run_short(&bound.program, &whole).unwrap(), XDP_REDIRECT, "14 bytes behind metadata");
    });
}

#[test]
fn without_a_socket_everything_goes_to_the_kernel() {
    let program = Program::load(Kind::Redirect { queues: 1 }).unwrap();
    assert_eq!(run(&program, &padded(&[0x88, 0xa4, 0x0e, 0x10])).0, XDP_PASS);
}

/// An EtherCAT frame of datagrams `(command, data length, more follow)`, all working counters 0x01ff.
fn datagrams(all: &[(u8, u16, bool)]) -> Vec<u8> {
    let mut bytes = frame(&[0x88, 0xa4, 0, 0x10]);
    for &(command, len, more) in all {
        bytes.extend([command, 0, 0, 0, 0, 0]);
        bytes.extend((len | u16::from(more) << 15).to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(std::iter::repeat_n(0xee, usize::from(len)));
        bytes.extend(0x01ff_u16.to_le_bytes());
    }
    bytes
}

/// Offset of each working counter.
fn counters(all: &[(u8, u16, bool)]) -> Vec<usize> {
    let ends = all.iter().scan(16, |end, &(_, len, _)| {
        *end += 12 + usize::from(len);
        Some(*end)
    });
    ends.map(|end| end - 2).collect()
}

fn counter(frame: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([frame[at], frame[at + 1]])
}

/// Runs the reflector, and checks that it changed nothing but the MAC bit and working counters.
fn reflected(all: &[(u8, u16, bool)]) -> Vec<u16> {
    let program = Program::load(Kind::Reflect).unwrap();
    let sent = datagrams(all);
    let (verdict, got) = run(&program, &sent);
    assert_eq!(verdict, XDP_TX);
    let places = counters(all);
    let mut expected = sent;
    expected[6] |= 2;
    for &at in &places {
        expected[at..at + 2].copy_from_slice(&got[at..at + 2]);
    }
    assert_eq!(got, expected);
    places.iter().map(|&at| counter(&got, at)).collect()
}

#[test]
fn the_reflector_counts_three_for_lrw_nothing_for_nop_and_one_for_the_rest() {
    let all = [(12, 40, true), (0, 2, true), (7, 2, true), (1, 0, true), (14, 8, false)];
    assert_eq!(reflected(&all), [0x0202, 0x01ff, 0x0200, 0x0200, 0x0200]);
}

#[test]
fn the_reflector_stops_after_the_last_datagram() {
    assert_eq!(reflected(&[(12, 4, false), (12, 4, true)]), [0x0202, 0x01ff]);
}

#[test]
fn the_reflector_counts_sixteen_datagrams_and_no_more() {
    let mut expected = vec![0x0200; 16];
    expected.push(0x01ff);
    assert_eq!(reflected(&[(7, 2, true); 17]), expected);
}

#[test]
fn the_reflector_takes_a_datagram_as_long_as_the_longest_frame() {
    assert_eq!(reflected(&[(12, 1486, false)]), [0x0202]);
}

#[test]
fn the_reflector_leaves_a_datagram_alone_that_ends_behind_the_frame() {
    let program = Program::load(Kind::Reflect).unwrap();
    for cut in 1..=20 {
        let mut sent = datagrams(&[(7, 8, false)]);
        sent.truncate(sent.len() - cut);
        let (verdict, got) = run(&program, &sent);
        sent[6] |= 2;
        assert_eq!((verdict, got), (XDP_TX, sent), "cut by {cut}");
    }
}

#[test]
fn the_reflector_passes_what_is_not_ethercat() {
    let program = Program::load(Kind::Reflect).unwrap();
    let ipv4 = padded(&[0x08, 0x00, 0x45, 0x00]);
    assert_eq!(run(&program, &ipv4), (XDP_PASS, ipv4));
}
