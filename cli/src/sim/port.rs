//! Where a segment is served: a network interface, or a UNIX datagram socket.

use crate::exit::Failure;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zerocat::{Fault, fault_of_packet};
use zerocat_link::datagram::DatagramLink;
use zerocat_link::packet::PacketLink;
use zerocat_link::waiting::Awaited;
use zerocat_link::{Link, LinkCounters, LinkFault, Sizing, Slot};

/// Room for frames that are being sent, and for received ones that wait to be processed.
const SIZING: Sizing = Sizing { slots: 256, receive: 512 };

/// Paths of two sockets, `LOCAL:REMOTE`.
#[derive(Debug, Clone)]
pub(super) struct SocketPaths {
    local: PathBuf,
    remote: PathBuf,
}

impl std::str::FromStr for SocketPaths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((local, remote)) if !local.is_empty() && !remote.is_empty() && !remote.contains(':') => {
                Ok(Self { local: local.into(), remote: remote.into() })
            }
            _ => {
                Err("give the paths of two sockets with a colon between: the segment's and the other end's".to_owned())
            }
        }
    }
}

impl std::fmt::Display for SocketPaths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.local.display(), self.remote.display())
    }
}

/// An open port.
#[derive(Debug)]
pub(super) enum Port {
    Packet(Box<PacketLink>, #[expect(dead_code, reason = "held while it is served")] Claim),
    Datagram(Box<DatagramLink>),
}

impl Port {
    /// Opens a network interface.
    pub(super) fn interface(name: &str) -> Result<Self, Failure> {
        let link = PacketLink::open(name, SIZING);
        let mut link = link.map_err(|error| failed(fault_of_packet(&error), name, &error))?;
        link.stamp_arrivals().map_err(|error| failed(fault_of_packet(&error), name, &error))?;
        Ok(Self::Packet(Box::new(link), Claim::on(name)?))
    }

    /// Opens a socket.
    pub(super) fn socket(paths: &SocketPaths) -> Result<Self, Failure> {
        let link = DatagramLink::open(&paths.local, &paths.remote, SIZING);
        link.map(|link| Self::Datagram(Box::new(link)))
            .map_err(|error| failed(Fault::LinkUnavailable, &show(&paths.local), &error))
    }

    /// What to wait for.
    pub(super) fn awaited(&self) -> &dyn Awaited {
        match self {
            Self::Packet(link, _) => &**link,
            Self::Datagram(link) => &**link,
        }
    }

    /// Whether the other end may be connected. With a socket, only sending shows that.
    pub(super) fn has_carrier(&self) -> bool {
        match self {
            Self::Packet(link, _) => link.has_carrier(),
            Self::Datagram(_) => true,
        }
    }

    /// Whether its interface was removed or moved to another network namespace.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Packet(link, _) => link.is_gone(),
            Self::Datagram(_) => false,
        }
    }

    fn link(&self) -> &dyn Link {
        match self {
            Self::Packet(link, _) => &**link,
            Self::Datagram(link) => &**link,
        }
    }

    fn link_mut(&mut self) -> &mut dyn Link {
        match self {
            Self::Packet(link, _) => &mut **link,
            Self::Datagram(link) => &mut **link,
        }
    }
}

/// Keeps a second `zerocat sim` off an interface, because two would answer every frame twice. The claim is a UNIX
/// socket with an abstract name: the name belongs to the network namespace, as the interface does, and the kernel frees
/// it when the process ends.
#[derive(Debug)]
pub(super) struct Claim(#[expect(dead_code, reason = "its being open is the claim")] UnixDatagram);

impl Claim {
    fn on(interface: &str) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AddrInUse => Failure::of(
                Fault::InterfaceInUse,
                format!("another `zerocat sim` serves {interface}; end it, or choose another interface"),
            ),
            _ => Failure::of(Fault::LinkUnavailable, format!("claim {interface}: {error}")),
        };
        let address = SocketAddr::from_abstract_name(format!("zerocat-sim/{interface}")).map_err(failed)?;
        UnixDatagram::bind_addr(&address).map(Self).map_err(failed)
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

fn failed(fault: Fault, name: &str, error: &dyn std::error::Error) -> Failure {
    Failure::of(fault, format!("open {name}: {}", zerocat::chain(error)))
}

impl Link for Port {
    fn slots(&self) -> u16 {
        self.link().slots()
    }
    fn slot(&self, slot: Slot) -> Result<&[u8], LinkFault> {
        self.link().slot(slot)
    }
    fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault> {
        self.link_mut().slot_mut(slot)
    }
    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        self.link_mut().post(slot, len)
    }
    fn kick(&mut self) -> Result<(), LinkFault> {
        self.link_mut().kick()
    }
    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        self.link_mut().receive()
    }
    fn counters(&self) -> LinkCounters {
        self.link().counters()
    }
    fn withdraw(&mut self) {
        self.link_mut().withdraw();
    }
    fn waited(&self) -> Option<Duration> {
        self.link().waited()
    }
}
