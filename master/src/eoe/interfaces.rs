//! The thread `zc-eoe`: takes the frames that the host sends by its interfaces to the SubDevices. What SubDevices send, the bus thread
//! gives the host itself, which never waits.
//!
//! Guarantees: it sleeps until the host sends something; it ends when it is told to. A frame that finds the SubDevice's queue full is
//! dropped and counted there.

use super::EthernetError;
use super::switch::Switch;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;
use zerocat_bus::{Attached, TakesFrames};
use zerocat_link::host_interface::HostInterface;

/// Its name.
const NAME: &str = "zc-eoe";
/// Its stack: 256 KiB.
const STACK: usize = 256 << 10;
/// Room for a frame. Longer ones no SubDevice takes.
const ROOM: usize = 2048;
/// Frames of one interface that are taken in a row.
const IN_A_ROW: usize = 32;

/// Where the frames go that the host sends by an interface.
#[derive(Debug)]
pub(super) enum To {
    SubDevice(Attached),
    Switch(Arc<Switch>),
}

/// Gives the host what a SubDevice sends.
pub(super) struct ToHost(pub(super) Arc<HostInterface>);

impl TakesFrames for ToHost {
    fn take(&mut self, frame: Vec<u8>) -> bool {
        self.0.give(&frame)
    }
}

/// The thread. Dropped, it ends, and the interfaces go.
#[derive(Debug)]
pub(super) struct Interfaces {
    /// Closed, it tells the thread to end.
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Interfaces {
    pub(super) fn start(interfaces: Vec<(Arc<HostInterface>, To)>) -> Result<Self, EthernetError> {
        let (stop, stopped) = UnixStream::pair().map_err(EthernetError::Thread)?;
        let thread = std::thread::Builder::new().name(NAME.to_owned()).stack_size(STACK);
        let thread = thread.spawn(move || run(interfaces, &stopped)).map_err(EthernetError::Thread)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Interfaces {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A panic of it was told on standard error.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(mut interfaces: Vec<(Arc<HostInterface>, To)>, stopped: &UnixStream) {
    loop {
        let ready = match wait(&interfaces, stopped) {
            Ok(Some(ready)) => ready,
            Ok(None) => return,
            Err(error) => return tracing::warn!("Ethernet frames of the host are no longer taken: {error}"),
        };
        let mut ready = ready.into_iter();
        interfaces.retain(|(interface, to)| !ready.next().unwrap_or(false) || carry(interface, to));
    }
}

/// Waits until the host sends something, and says which interfaces have it; `None` when the end is asked for.
fn wait(interfaces: &[(Arc<HostInterface>, To)], stopped: &UnixStream) -> io::Result<Option<Vec<bool>>> {
    let mut fds = vec![PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
    fds.extend(interfaces.iter().map(|(interface, _)| PollFd::new(interface.as_fd(), PollFlags::POLLIN)));
    match poll(&mut fds, PollTimeout::NONE) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut ready = fds.iter().map(|fd| fd.any().unwrap_or(true));
    if ready.next().unwrap_or(true) {
        return Ok(None);
    }
    Ok(Some(ready.collect()))
}

/// Takes what the host sends by an interface. Returns whether more may come.
fn carry(interface: &HostInterface, to: &To) -> bool {
    let mut room = [0; ROOM];
    for _ in 0..IN_A_ROW {
        match interface.take(&mut room) {
            Ok(Some(len)) => {
                let frame = room.get(..len).unwrap_or_default();
                match to {
                    // What is dropped is counted there.
                    To::SubDevice(attached) => drop(attached.send(frame.to_vec())),
                    To::Switch(switch) => switch.forward_from_host(frame),
                }
            }
            Ok(None) => return true,
            Err(error) => {
                tracing::warn!(interface = interface.name(), "takes no more frames of the host: {error}");
                return false;
            }
        }
    }
    true
}
