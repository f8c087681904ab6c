//! One TCP connection to the gateway.
//!
//! Guarantees: at most one message is kept of what came, and [`UNSENT`] bytes of what goes; a client that doesn't read, sends
//! what is no message, or is silent for [`IDLE`], is closed.

use super::client::Client;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;
use zerocat_wire::gateway;

/// Bytes that may wait to be sent.
const UNSENT: usize = 256 * 1024;
/// Longest silence of a client.
const IDLE: Duration = Duration::from_mins(10);
/// Bytes taken in one turn, so that no client keeps the others waiting.
const TURN: usize = 16 * 1024;

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// It has ended, or failed.
    Ended,
    /// What came is no message, so nothing behind it can be read either.
    Damaged,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Stream {
    socket: TcpStream,
    pub(super) client: Client,
    heard: Vec<u8>,
    unsent: Vec<u8>,
    last: Duration,
    pub(super) closed: Option<Closed>,
}

impl Stream {
    /// One that was accepted.
    pub(super) fn new(socket: TcpStream, peer: SocketAddr, connection: u64, now: Duration) -> std::io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let client = Client::Tcp { peer, connection };
        Ok(Self { socket, client, heard: Vec::new(), unsent: Vec::new(), last: now, closed: None })
    }

    /// Whether it waits until more can be sent.
    pub(super) const fn waits_to_send(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Reads what has come, and gives each whole message.
    pub(super) fn read(&mut self, now: Duration, mut take: impl FnMut(Client, &[u8])) {
        let mut bytes = [0; 4096];
        let mut taken = 0;
        while self.closed.is_none() && taken < TURN {
            match self.socket.read(&mut bytes) {
                Ok(0) => self.closed = Some(Closed::Ended),
                Ok(read) => {
                    taken += read;
                    self.last = now;
                    self.heard.extend_from_slice(bytes.get(..read).unwrap_or_default());
                    self.give(&mut take);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.closed = Some(Closed::Ended),
            }
        }
        if now.saturating_sub(self.last) > IDLE {
            self.closed = Some(Closed::Ended);
        }
    }

    fn give(&mut self, take: &mut impl FnMut(Client, &[u8])) {
        let mut from = 0;
        while let Some(header) = self.heard.get(from..).and_then(<[u8]>::first_chunk) {
            let Ok(length) = gateway::length_behind(*header) else {
                self.closed = Some(Closed::Damaged);
                break;
            };
            let end = from + gateway::HEADER_LEN + length;
            let Some(message) = self.heard.get(from..end) else { break };
            take(self.client, message);
            from = end;
        }
        self.heard.drain(..from);
    }

    /// Sends a message, or keeps it until it can be.
    pub(super) fn send(&mut self, message: &[u8]) {
        self.unsent.extend_from_slice(message);
        self.flush();
        if self.unsent.len() > UNSENT {
            self.closed = Some(Closed::Ended);
        }
    }

    /// Sends what waits, as far as it goes.
    pub(super) fn flush(&mut self) {
        while !self.unsent.is_empty() && self.closed.is_none() {
            match self.socket.write(&self.unsent) {
                Ok(0) => self.closed = Some(Closed::Ended),
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.closed = Some(Closed::Ended),
            }
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
