//! The gateway's two sockets, opened before anything is sent to the bus.

use super::desk::Access;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use zerocat_config::MailboxGateway;

/// Why the gateway can't listen.
#[derive(Debug, thiserror::Error)]
#[error("listen at {listens} ({transport}) for the mailbox gateway{}", self.advice())]
pub struct GatewayError {
    /// Address and port.
    pub listens: SocketAddr,
    /// `udp` or `tcp`.
    pub transport: &'static str,
    /// What the system said.
    pub source: io::Error,
}

impl GatewayError {
    /// What to do, where that is known.
    fn advice(&self) -> String {
        let port = self.listens.port();
        match self.source.kind() {
            ErrorKind::AddrInUse => format!(
                ", where another program listens (`ss -lntup sport = :{port}` says which): end it, or give \
                 `engine.mailbox_gateway` another `port`"
            ),
            ErrorKind::AddrNotAvailable => {
                ", which is no address of this machine (`ip address` lists them): change `listen` of `engine.mailbox_gateway`"
                    .to_owned()
            }
            ErrorKind::PermissionDenied => format!(
                ", which needs CAP_NET_BIND_SERVICE for a port below 1024: give `engine.mailbox_gateway` a `port` above {port}, \
                 such as 34980"
            ),
            _ => String::new(),
        }
    }
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

    /// Throws away what was sent before anybody served, and returns how many messages and connections that were.
    pub(super) fn forget_what_waits(&self) -> usize {
        let mut byte = [0; 1];
        let message = || self.udp.as_ref().is_some_and(|udp| udp.recv_from(&mut byte).is_ok());
        let messages = std::iter::repeat_with(message).take_while(|came| *came).count();
        let connection = || self.tcp.as_ref().is_some_and(|tcp| tcp.accept().is_ok());
        messages + std::iter::repeat_with(connection).take_while(|came| *came).count()
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn at(listen: [u8; 4], port: u16) -> MailboxGateway {
        MailboxGateway { port, ..MailboxGateway::at(Ipv4Addr::from(listen)) }
    }

    #[test]
    fn an_address_that_cant_be_had_is_told_with_what_to_do() {
        let first = Sockets::open(&at([127, 0, 0, 1], 0)).expect("a free port");
        let taken = Sockets::open(&at([127, 0, 0, 1], first.listens.port())).expect_err("it is taken").to_string();
        let says_who = format!("another program listens (`ss -lntup sport = :{}` says which)", first.listens.port());
        assert!(taken.contains(&says_who) && taken.contains("another `port`"), "{taken}");
        let elsewhere = Sockets::open(&at([192, 0, 2, 1], 0)).expect_err("nobody has it").to_string();
        assert!(elsewhere.contains("no address of this machine"), "{elsewhere}");
        let source = io::Error::from(ErrorKind::PermissionDenied);
        let listens = SocketAddr::from(([127, 0, 0, 1], 80));
        let privileged = GatewayError { listens, transport: "tcp", source }.to_string();
        assert!(privileged.contains("CAP_NET_BIND_SERVICE") && privileged.contains("such as 34980"), "{privileged}");
    }

    #[test]
    fn what_came_before_anybody_served_is_thrown_away_and_counted() {
        let sockets = Sockets::open(&at([127, 0, 0, 1], 0)).expect("a free port");
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        (0..3).for_each(|_| assert!(client.send_to(b"early", sockets.listens).is_ok()));
        let stream = std::net::TcpStream::connect(sockets.listens).expect("it listens");
        assert_eq!(sockets.forget_what_waits(), 4);
        assert_eq!(sockets.forget_what_waits(), 0);
        drop(stream);
    }
}
