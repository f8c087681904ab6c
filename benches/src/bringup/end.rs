//! The segment's end of the veth pair: a simulated line after power-on, on a thread of its own that counts what it hears.

use super::BringUpBenchError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use zerocat_link::packet::PacketLink;
use zerocat_link::{Link, LinkFault, Sizing};
use zerocat_sim::{Segment, SegmentConfig, Server};
use zerocat_wire::Command;
use zerocat_wire::frame::FrameView;

/// Frames that may wait to be received, and to be sent back.
const SIZING: Sizing = Sizing { slots: 256, receive: 1024 };

/// Frames beside the cyclic ones, and the datagrams in them.
#[derive(Debug, Default)]
struct Heard {
    frames: AtomicU64,
    datagrams: AtomicU64,
}

/// The segment on its thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct SegmentEnd {
    heard: Arc<Heard>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), LinkFault>>>,
}

impl SegmentEnd {
    /// Puts a line of `subdevices` of all kinds at an interface.
    pub(super) fn start(interface: &str, subdevices: usize) -> Result<Self, BringUpBenchError> {
        let wrong = |why| BringUpBenchError::Segment { interface: interface.to_owned(), subdevices, why };
        let mut segment =
            Segment::new(&SegmentConfig::mixed(subdevices)).map_err(|error| wrong(zerocat::chain(&error)))?;
        let link = PacketLink::open(interface, SIZING).map_err(|error| wrong(zerocat::chain(&error)))?;
        let heard = Arc::<Heard>::default();
        let mut link = Counting { link, heard: Arc::clone(&heard) };
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let wait = |link: &mut Counting, at_most| link.link.wait(at_most);
        let serve = move || Server::new().run(&mut link, &mut segment, &flag, wait, |_, _, _| {});
        let thread = Builder::new().name("zc-sim".to_owned()).spawn(serve).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { heard, stop, thread: Some(thread) })
    }

    /// Frames and datagrams so far, cyclic ones left out.
    pub(super) fn heard(&self) -> (u64, u64) {
        // SYNC: figures only; whoever was heard has said over a pipe that it is done.
        (self.heard.frames.load(Ordering::Relaxed), self.heard.datagrams.load(Ordering::Relaxed))
    }
}

impl Drop for SegmentEnd {
    fn drop(&mut self) {
        // SYNC: a flag; pairs with the relaxed load in the server's loop.
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // If it failed, a MainDevice didn't come to OP.
            let _ = thread.join();
        }
    }
}

/// A link that counts the frames that it lends.
#[derive(Debug)]
struct Counting {
    link: PacketLink,
    heard: Arc<Heard>,
}

impl Link for Counting {
    zerocat_link::delegate_to!(link: slots, slot, slot_mut, post, kick, counters, withdraw);

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        let received = self.link.receive()?;
        if let Some(datagrams) = received.and_then(datagrams_of_an_acyclic_frame) {
            // SYNC: figures; see `SegmentEnd::heard`.
            self.heard.frames.fetch_add(1, Ordering::Relaxed);
            self.heard.datagrams.fetch_add(datagrams, Ordering::Relaxed);
        }
        Ok(received)
    }
}

/// `None` for cyclic frames and for what isn't EtherCAT.
fn datagrams_of_an_acyclic_frame(bytes: &[u8]) -> Option<u64> {
    let frame = FrameView::new_checked(bytes).ok()?;
    let first = frame.datagrams().next()?.ok()?;
    let cyclic = matches!(first.command(), Ok(Command::Lrd | Command::Lwr | Command::Lrw));
    (!cyclic).then(|| frame.datagrams().flatten().map(|_| 1).sum())
}
