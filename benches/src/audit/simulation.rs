//! A segment at the far end of a veth pair, on a thread of its own that waits in the kernel.

use super::AuditError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use zerocat_link::packet::PacketLink;
use zerocat_link::{LinkFault, Sizing};
use zerocat_sim::{Segment, SegmentConfig, Server};

/// Frames of a cycle and of the acyclic lane, with some to spare.
const SIZING: Sizing = Sizing { slots: 64, receive: 256 };

/// The segment on its thread; it ends when this is dropped.
#[derive(Debug)]
pub struct Simulation {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), LinkFault>>>,
}

impl Simulation {
    /// Starts the demonstration's at an interface.
    ///
    /// # Errors
    /// [`AuditError::Segment`].
    pub fn start(interface: &str) -> Result<Self, AuditError> {
        Self::of(interface, &SegmentConfig::demo())
    }

    /// Starts one at an interface.
    ///
    /// # Errors
    /// [`AuditError::Segment`].
    pub fn of(interface: &str, config: &SegmentConfig) -> Result<Self, AuditError> {
        let wrong = |why: String| AuditError::Segment { interface: interface.to_owned(), why };
        let mut link = PacketLink::open(interface, SIZING).map_err(|error| wrong(zerocat::chain(&error)))?;
        let mut segment = Segment::new(config).map_err(|error| wrong(zerocat::chain(&error)))?;
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let wait = |link: &mut PacketLink, at_most| link.wait(at_most);
        let serve = move || Server::new().run(&mut link, &mut segment, &flag, wait, |_, _, _| {});
        let thread = Builder::new().name("zc-sim".to_owned()).spawn(serve).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        // SYNC: a flag; pairs with the relaxed load in the server's loop.
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // If it failed, that shows as lost cycles.
            let _ = thread.join();
        }
    }
}
