//! Interfaces whose frames the program carries, in network namespaces of their own.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use zerocat_link::host_interface::HostInterface;
use zerocat_testkit::netns::in_private_netns;

fn is_there(name: &str) -> bool {
    let shown = std::process::Command::new("ip").args(["-br", "link", "show", "dev", name]).output().unwrap();
    shown.status.success() && String::from_utf8_lossy(&shown.stdout).contains("UP")
}

#[test]
fn an_interface_is_there_and_up_as_long_as_it_is_open_and_carries_frames() {
    in_private_netns(|_| {
        let interface = HostInterface::open("zc-eoe0").unwrap();
        assert!(is_there("zc-eoe0"));
        let taken = HostInterface::open("zc-eoe0").unwrap_err();
        assert!(taken.to_string().contains("another program has it"), "{taken}");
        let foreign = HostInterface::open("zc-master").unwrap_err();
        assert!(foreign.to_string().contains("no TAP"), "{foreign}");
        zerocat_testkit::netns::ip("addr add 192.168.77.1/24 dev zc-eoe0");
        let socket = std::net::UdpSocket::bind("192.168.77.1:0").unwrap();
        socket.send_to(b"hello", "192.168.77.9:9").unwrap();
        let mut frame = [0; 1600];
        let mut asked = false;
        while let Some(len) = interface.take(&mut frame).unwrap() {
            asked |= len == 42 && frame[12..14] == [8, 6] && frame[38..42] == [192, 168, 77, 9];
        }
        assert!(asked, "an ARP request");
        assert!(interface.give(&frame[..60]) && !interface.give(&frame[..5]));
        drop(interface);
        assert!(!is_there("zc-eoe0"));
    });
}
