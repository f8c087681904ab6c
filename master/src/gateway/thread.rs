//! The gateway's thread, `zc-gateway`: moves messages between the sockets and the desk.
//!
//! It is an ordinary thread and waits for nobody but its sockets and the bus thread's answers.

use super::client::Client;
use super::counts::{GatewayCounts, Outcome};
use super::desk::{Access, Desk};
use super::directory::Directory;
use super::sockets::Sockets;
use super::stream::{Closed, Stream};
use super::wake::{Wakened, Waker, waker};
use crate::report::GatewayReport;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use zerocat_bus::Requests;
use zerocat_faults::Fault;
use zerocat_wire::gateway;

const NAME: &str = "zc-gateway";
/// Its stack, 256 KiB.
const STACK: usize = 256 * 1024;
/// Connections at once.
const STREAMS: usize = 16;
/// Shortest time from one line about connections that are too many to the next.
const CROWDED: Duration = Duration::from_mins(1);
/// Datagrams taken in one turn.
const DATAGRAMS: usize = 64;
/// Bytes of the longest message, and some more.
const MESSAGE: usize = 4096;
/// Pause after a system call failed that may fail again at once.
const PAUSE: Duration = Duration::from_millis(10);

/// The thread, from outside.
#[derive(Debug)]
pub(crate) struct GatewayThread {
    thread: JoinHandle<()>,
    stop: Arc<AtomicBool>,
    waker: Waker,
    counts: GatewayCounts,
    listens: SocketAddr,
    access: Access,
}

impl GatewayThread {
    /// Starts it.
    pub(crate) fn start(sockets: Sockets, requests: Requests, directory: Directory) -> io::Result<Self> {
        let early = sockets.forget_what_waits();
        if early > 0 {
            tracing::warn!(
                "{early} messages or connections came to the mailbox gateway before the bus was in OP: they have no answer, and \
                 whoever sent them has to ask again"
            );
        }
        let (waker, wakened) = waker()?;
        let (counts, stop) = (GatewayCounts::default(), Arc::new(AtomicBool::new(false)));
        let (listens, access) = (sockets.listens, sockets.access);
        let desk = Desk::new(requests, directory, access, counts.clone(), waker.clone());
        let (streams, connections, start) = (Vec::new(), 0, Instant::now());
        let serving = Serving {
            sockets,
            wakened,
            desk,
            counts: counts.clone(),
            streams,
            connections,
            crowded: None,
            start,
            stop: Arc::clone(&stop),
        };
        let thread = Builder::new().name(NAME.to_owned()).stack_size(STACK).spawn(move || serving.run())?;
        tracing::info!(%listens, read_only = access == Access::ReadOnly, "the mailbox gateway listens");
        Ok(Self { thread, stop, waker, counts, listens, access })
    }

    /// Address and port at which it listens.
    pub(crate) const fn listens(&self) -> SocketAddr {
        self.listens
    }

    /// Ends it. Clients get no answers any more.
    pub(crate) fn stop(self) -> GatewayReport {
        // SYNC: a flag; it publishes nothing. Pairs with the load in Serving::run.
        self.stop.store(true, Ordering::Relaxed);
        self.waker.wake();
        if self.thread.join().is_err() {
            tracing::error!(fault = %Fault::ThreadPanicked, "thread {NAME} panicked");
        }
        self.counts.report(self.listens, self.access == Access::ReadOnly)
    }
}

/// The thread, from inside.
struct Serving {
    sockets: Sockets,
    wakened: Wakened,
    desk: Desk,
    counts: GatewayCounts,
    streams: Vec<Stream>,
    /// Connections so far.
    connections: u64,
    /// When it was told that there are too many.
    crowded: Option<Duration>,
    start: Instant,
    stop: Arc<AtomicBool>,
}

impl Serving {
    fn run(mut self) {
        // SYNC: a flag. Pairs with the store in GatewayThread::stop.
        while !self.stop.load(Ordering::Relaxed) {
            self.wait();
            self.wakened.clear();
            self.hear_datagrams();
            self.accept();
            self.hear_streams();
            self.tell();
            self.close();
        }
    }

    /// Waits until something comes, or something at work may have changed.
    fn wait(&self) {
        let asks = |stream: &Stream| match stream.waits_to_send() {
            true => PollFlags::POLLIN | PollFlags::POLLOUT,
            false => PollFlags::POLLIN,
        };
        let mut waits = vec![PollFd::new(self.wakened.as_fd(), PollFlags::POLLIN)];
        waits.extend(self.sockets.udp.as_ref().map(|udp| PollFd::new(udp.as_fd(), PollFlags::POLLIN)));
        waits.extend(self.sockets.tcp.as_ref().map(|tcp| PollFd::new(tcp.as_fd(), PollFlags::POLLIN)));
        waits.extend(self.streams.iter().map(|stream| PollFd::new(stream.as_fd(), asks(stream))));
        let rest = u16::try_from(self.desk.rest().as_millis()).unwrap_or(u16::MAX);
        if poll(&mut waits, PollTimeout::from(rest)).is_err_and(|error| error != Errno::EINTR) {
            std::thread::sleep(PAUSE);
        }
    }

    fn hear_datagrams(&mut self) {
        let Some(udp) = &self.sockets.udp else { return };
        let mut bytes = [0; MESSAGE];
        for _ in 0..DATAGRAMS {
            match udp.recv_from(&mut bytes) {
                Ok((read, peer)) => {
                    let now = self.start.elapsed();
                    self.desk.take(Client::Udp(peer), bytes.get(..read).unwrap_or_default(), now);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // What was sent before found nobody.
                Err(_) => {}
            }
        }
    }

    fn accept(&mut self) {
        let Some(tcp) = &self.sockets.tcp else { return };
        for _ in 0..STREAMS {
            match tcp.accept() {
                Ok((socket, peer)) if self.streams.len() < STREAMS => {
                    self.connections += 1;
                    let stream = Stream::new(socket, peer, self.connections, self.start.elapsed());
                    self.streams.extend(stream);
                }
                Ok((_, peer)) => {
                    self.counts.refuse_connection();
                    let now = self.start.elapsed();
                    if self.crowded.is_none_or(|told| now.saturating_sub(told) >= CROWDED) {
                        self.crowded = Some(now);
                        tracing::warn!(
                            %peer,
                            "the mailbox gateway has {STREAMS} connections already and closes others; the report counts them"
                        );
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return std::thread::sleep(PAUSE),
            }
        }
    }

    fn hear_streams(&mut self) {
        let now = self.start.elapsed();
        for stream in &mut self.streams {
            stream.read(now, |client, message| self.desk.take(client, message, now));
            stream.flush();
        }
    }

    fn tell(&mut self) {
        for (client, mail) in self.desk.answers(self.start.elapsed()) {
            // Mails of SubDevices are shorter than a message can be.
            let Ok(header) = gateway::header(&mail) else { continue };
            let message = [&header[..], &mail].concat();
            match client {
                Client::Udp(peer) => {
                    // A client that can't be sent to has gone.
                    let _ = self.sockets.udp.as_ref().map(|udp| udp.send_to(&message, peer));
                }
                Client::Tcp { .. } => {
                    let stream = self.streams.iter_mut().find(|stream| stream.client == client);
                    let _ = stream.map(|stream| stream.send(&message));
                }
            }
        }
    }

    fn close(&mut self) {
        for stream in self.streams.extract_if(.., |stream| stream.closed.is_some()) {
            if stream.closed == Some(Closed::Damaged) {
                self.counts.count(stream.client, Outcome::Came);
                self.counts.count(stream.client, Outcome::Damaged);
            }
            self.desk.forget(stream.client);
        }
    }
}
