//! Where a segment is served: a network interface, or a UNIX datagram socket.

use crate::exit::Failure;
use std::path::{Path, PathBuf};
use zerocat_link::datagram::DatagramLink;
use zerocat_link::packet::PacketLink;
use zerocat_link::waiting::Awaited;
use zerocat_link::{Link, LinkCounters, LinkFault, Sizing, Slot};

/// Frames that may be on their way out, and waiting to be processed.
const SIZING: Sizing = Sizing { slots: 256, receive: 512 };

/// Two paths of sockets, `LOCAL:REMOTE`.
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
    Packet(PacketLink),
    Datagram(DatagramLink),
}

impl Port {
    /// Opens a network interface.
    pub(super) fn interface(name: &str) -> Result<Self, Failure> {
        let link = PacketLink::open(name, SIZING);
        link.map(Self::Packet).map_err(|error| failed(name, &error))
    }

    /// Opens a socket.
    pub(super) fn socket(paths: &SocketPaths) -> Result<Self, Failure> {
        let link = DatagramLink::open(&paths.local, &paths.remote, SIZING);
        link.map(Self::Datagram).map_err(|error| failed(&show(&paths.local), &error))
    }

    /// What to wait for.
    pub(super) fn awaited(&self) -> &dyn Awaited {
        match self {
            Self::Packet(link) => link,
            Self::Datagram(link) => link,
        }
    }

    /// Whether there may be somebody at the other end. Of a socket that is not known before something is sent.
    pub(super) fn has_carrier(&self) -> bool {
        match self {
            Self::Packet(link) => link.has_carrier(),
            Self::Datagram(_) => true,
        }
    }

    fn link(&self) -> &dyn Link {
        match self {
            Self::Packet(link) => link,
            Self::Datagram(link) => link,
        }
    }

    fn link_mut(&mut self) -> &mut dyn Link {
        match self {
            Self::Packet(link) => link,
            Self::Datagram(link) => link,
        }
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

fn failed(name: &str, error: &dyn std::error::Error) -> Failure {
    Failure::link(format!("open {name}: {}", zerocat::chain(error)))
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
}
