//! Who asks: a UDP address, or a TCP connection.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A client. Two connections from one address are two clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    Udp(SocketAddr),
    Tcp { peer: SocketAddr, connection: u64 },
}

impl Client {
    /// The machine, and over what it asks.
    pub(crate) const fn origin(self) -> Origin {
        match self {
            Self::Udp(peer) => Origin { address: peer.ip(), transport: "udp" },
            Self::Tcp { peer, .. } => Origin { address: peer.ip(), transport: "tcp" },
        }
    }
}

/// Where clients come from: tools often take another port for each question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) address: IpAddr,
    pub(crate) transport: &'static str,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.address, self.transport)
    }
}
