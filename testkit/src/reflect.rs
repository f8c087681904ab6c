//! The far end of a link in tests and benches: a peer that returns every frame.
//!
//! Guarantees: [`Mirror`] returns frames as they came, counts those that it could not return, and never waits. Unlike a
//! segment it changes neither addresses nor working counters.

use std::sync::atomic::{AtomicBool, Ordering};
use zerocat_link::{Link, LinkFault, MAX_FRAME, Slot};

/// A peer that returns frames to the link under test.
pub trait Reflector {
    /// Returns what has arrived so far. Does nothing where the peer runs by itself.
    fn pump(&mut self);

    /// Frames that the peer took and did not return, if it knows.
    fn lost(&self) -> Option<u64> {
        None
    }
}

impl<F: FnMut()> Reflector for F {
    fn pump(&mut self) {
        self();
    }
}

/// A link that sends back whatever it receives.
#[derive(Debug)]
pub struct Mirror<L> {
    link: L,
    frame: Box<[u8; MAX_FRAME]>,
    next: u16,
    unreturned: u64,
}

impl<L: Link> Mirror<L> {
    /// Makes a mirror of an open link.
    #[must_use]
    pub fn new(link: L) -> Self {
        Self { link, frame: Box::new([0; MAX_FRAME]), next: 0, unreturned: 0 }
    }

    /// Returns at most one frame. `false` when none had arrived.
    ///
    /// # Errors
    /// What [`Link::receive`] reports.
    pub fn reflect_one(&mut self) -> Result<bool, LinkFault> {
        let Some(frame) = self.link.receive()? else { return Ok(false) };
        let len = frame.len().min(MAX_FRAME);
        self.frame[..len].copy_from_slice(&frame[..len]);
        if self.send_back(len).is_err() {
            self.unreturned += 1;
        }
        Ok(true)
    }

    /// The link, as it is.
    #[must_use]
    pub const fn link(&self) -> &L {
        &self.link
    }

    fn send_back(&mut self, len: usize) -> Result<(), LinkFault> {
        let slot = Slot(self.next % self.link.slots());
        self.next = (slot.0 + 1) % self.link.slots();
        self.link.slot_mut(slot)?[..len].copy_from_slice(&self.frame[..len]);
        self.link.post(slot, len)?;
        self.link.kick()
    }
}

impl<L: Link + Send> Mirror<L> {
    /// Runs `test` while a thread of its own returns what arrives.
    ///
    /// # Panics
    /// With the test's panic; where the mirror's link fails.
    pub fn on_a_thread<T>(mut self, test: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // SYNC: a flag; it publishes nothing. Pairs with the store of `Over`.
                while !over.load(Ordering::Relaxed) {
                    match self.reflect_one() {
                        Ok(true) => {}
                        Ok(false) => std::thread::yield_now(),
                        Err(fault) => panic!("the mirror's link: {fault}"),
                    }
                }
            });
            let _over = Over(&over);
            test()
        })
    }
}

/// Says that a test is over when it is dropped, also by a panic.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        // SYNC: as in `Mirror::on_a_thread`.
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<L: Link> Reflector for Mirror<L> {
    fn pump(&mut self) {
        while matches!(self.reflect_one(), Ok(true)) {}
    }

    fn lost(&self) -> Option<u64> {
        Some(self.unreturned + self.link.counters().dropped)
    }
}
