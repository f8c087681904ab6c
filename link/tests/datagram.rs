//! The UNIX datagram link keeps the contract of links, and its file is removed with it.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use zerocat_link::datagram::{DatagramError, DatagramLink};
use zerocat_link::{Link, LinkFault, MAX_FRAME, MIN_FRAME, Sizing, Slot};
use zerocat_testkit::Folder;
use zerocat_testkit::contract;
use zerocat_testkit::reflect::Mirror;

const SIZING: Sizing = Sizing { slots: 8, receive: 8 };

/// Two paths of a test's own.
struct Paths(Folder);

impl Paths {
    fn new() -> Self {
        Self(Folder::new())
    }

    fn near(&self) -> PathBuf {
        self.0.path("near")
    }

    fn far(&self) -> PathBuf {
        self.0.path("far")
    }

    fn open_near(&self) -> Result<DatagramLink, DatagramError> {
        DatagramLink::open(&self.near(), &self.far(), SIZING)
    }

    fn open_far(&self) -> Result<DatagramLink, DatagramError> {
        DatagramLink::open(&self.far(), &self.near(), SIZING)
    }
}

fn frame(ethertype: [u8; 2], len: usize) -> Vec<u8> {
    let mut frame = vec![0xff; len];
    if let Some(place) = frame.get_mut(12..14) {
        place.copy_from_slice(&ethertype);
    }
    frame
}

fn post(link: &mut DatagramLink) {
    link.slot_mut(Slot(0)).expect("a free slot")[..MIN_FRAME].copy_from_slice(&frame([0x88, 0xa4], MIN_FRAME));
    link.post(Slot(0), MIN_FRAME).expect("a free slot");
}

#[test]
fn keeps_the_contract_with_a_pumped_peer() {
    let paths = Paths::new();
    let (mut link, peer) = (paths.open_near().unwrap(), paths.open_far().unwrap());
    contract::check_all(&mut link, Mirror::new(peer));
}

#[test]
fn keeps_the_contract_with_one_slot_and_a_peer_on_another_thread() {
    let paths = Paths::new();
    let one = Sizing { slots: 1, receive: 1 };
    let mut link = DatagramLink::open(&paths.near(), &paths.far(), one).unwrap();
    let mirror = Mirror::new(paths.open_far().unwrap());
    mirror.on_a_thread(|| contract::check_all(&mut link, std::thread::yield_now));
}

#[test]
fn frames_to_nobody_are_send_errors_until_the_peer_comes_and_after_it_has_gone() {
    let paths = Paths::new();
    let mut link = paths.open_near().unwrap();
    post(&mut link);
    assert_eq!(link.kick(), Err(LinkFault::Down), "no file");
    assert_eq!((link.counters().sent, link.counters().send_errors), (0, 1));
    assert!(link.slot_mut(Slot(0)).is_ok(), "the slot comes back");
    for _ in 0..2 {
        let mut peer = paths.open_far().unwrap();
        post(&mut link);
        link.kick().unwrap();
        peer.wait(Duration::from_secs(5));
        assert_eq!(peer.receive().unwrap().map(<[u8]>::len), Some(MIN_FRAME));
        drop(peer);
        post(&mut link);
        assert_eq!(link.kick(), Err(LinkFault::Down));
    }
    assert_eq!((link.counters().sent, link.counters().send_errors), (2, 3));
}

#[test]
fn a_peer_that_does_not_read_is_counted_and_not_waited_for() {
    let paths = Paths::new();
    let (mut link, _peer) = (paths.open_near().unwrap(), paths.open_far().unwrap());
    let full = (0..100_000).any(|_| {
        post(&mut link);
        link.kick() == Err(LinkFault::Full)
    });
    assert!(full, "some limit of the kernel");
    assert_eq!(link.counters().send_errors, 1);
}

#[test]
fn what_is_no_ethercat_frame_is_dropped_and_counted() {
    let paths = Paths::new();
    let mut link = paths.open_near().unwrap();
    let foreign = UnixDatagram::unbound().unwrap();
    let others = [frame([0x08, 0x00], 60), frame([0x88, 0xa4], MAX_FRAME + 1), vec![1; 13], Vec::new()];
    for other in &others {
        foreign.send_to(other, paths.near()).unwrap();
    }
    foreign.send_to(&frame([0x88, 0xa4], MAX_FRAME), paths.near()).unwrap();
    assert_eq!(link.receive().unwrap().map(<[u8]>::len), Some(MAX_FRAME));
    assert_eq!((link.counters().received, link.counters().dropped), (1, 4));
}

#[test]
fn the_file_goes_with_the_link_and_only_its_own() {
    let paths = Paths::new();
    drop(paths.open_near().unwrap());
    assert!(!paths.near().exists());
    let link = paths.open_near().unwrap();
    assert_eq!(link.local(), paths.near());
    fs::remove_file(paths.near()).unwrap();
    fs::write(paths.near(), "another's").unwrap();
    drop(link);
    assert_eq!(fs::read_to_string(paths.near()).unwrap(), "another's");
}

#[test]
fn a_stale_socket_is_replaced_and_one_in_use_is_not() {
    let paths = Paths::new();
    // A socket that is closed without removing its file, as after a kill.
    drop(UnixDatagram::bind(paths.near()).unwrap());
    assert!(paths.near().exists());
    let _link = paths.open_near().unwrap();
    assert!(matches!(paths.open_near(), Err(DatagramError::InUse { .. })));
    assert!(paths.near().exists());
    let _listener = std::os::unix::net::UnixListener::bind(paths.far()).unwrap();
    assert!(matches!(paths.open_far(), Err(DatagramError::InUse { .. })));
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let paths = Paths::new();
    fs::write(paths.near(), "precious").unwrap();
    let error = paths.open_near().unwrap_err();
    assert!(matches!(error, DatagramError::NotASocket { .. }), "{error}");
    assert_eq!(fs::read_to_string(paths.near()).unwrap(), "precious");
}

#[test]
fn paths_that_can_be_no_sockets_are_refused_by_name() {
    let paths = Paths::new();
    let long = paths.0.path(&"x".repeat(120));
    let error = DatagramLink::open(&long, &paths.far(), SIZING).unwrap_err();
    assert!(matches!(&error, DatagramError::Path { path, .. } if *path == long), "{error}");
    let error = DatagramLink::open(&paths.near(), std::path::Path::new(""), SIZING).unwrap_err();
    assert!(matches!(error, DatagramError::Path { .. }), "{error}");
    let error = DatagramLink::open(&paths.near(), &paths.near(), SIZING).unwrap_err();
    assert!(matches!(error, DatagramError::SamePath { .. }), "{error}");
    let error = DatagramLink::open(&paths.0.path("no/such/folder"), &paths.far(), SIZING).unwrap_err();
    assert!(error.to_string().starts_with("bind a socket to /"), "{error}");
}
