//! The gateway's two sockets, opened before anything is sent to the bus.

use super::desk::Access;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use zerocat_config::MailboxGateway;

/// Why the gateway can't listen.
#[derive(Debug, thiserror::Error)]
#[error("listen at {listens} ({transport}) for the mailbox gateway")]
pub struct GatewayError {
    /// Address and port.
    pub listens: SocketAddr,
    /// `udp` or `tcp`.
    pub transport: &'static str,
    /// What the system said.
    pub source: io::Error,
}

/// Open sockets. Who sends to them before the bus is in operation is not answered.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(super) udp: Option<UdpSocket>,
    pub(super) tcp: Option<TcpListener>,
    /// Address and port.
    pub(crate) listens: SocketAddr,
    pub(super) access: Access,
}

impl Sockets {
    /// Opens what the settings ask for. A free port is the same for both.
    pub(crate) fn open(settings: &MailboxGateway) -> Result<Self, GatewayError> {
        let mut listens = SocketAddr::new(settings.listen, settings.port);
        let tcp = settings.tcp.then(|| listen(listens)).transpose();
        let tcp = tcp.map_err(|source| GatewayError { listens, transport: "tcp", source })?;
        listens = tcp.as_ref().and_then(|tcp| tcp.local_addr().ok()).unwrap_or(listens);
        let udp = settings.udp.then(|| bind(listens)).transpose();
        let udp = udp.map_err(|source| GatewayError { listens, transport: "udp", source })?;
        listens = udp.as_ref().and_then(|udp| udp.local_addr().ok()).unwrap_or(listens);
        let access = if settings.read_only { Access::ReadOnly } else { Access::All };
        Ok(Self { udp, tcp, listens, access })
    }

    /// Throws away what was sent before anybody served.
    pub(super) fn forget_what_waits(&self) {
        let mut byte = [0; 1];
        while self.udp.as_ref().is_some_and(|udp| udp.recv_from(&mut byte).is_ok()) {}
        while self.tcp.as_ref().is_some_and(|tcp| tcp.accept().is_ok()) {}
    }
}

fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(at)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn bind(at: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(at)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
