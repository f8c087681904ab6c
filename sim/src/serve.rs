//! Serves a segment at the far end of a link.
//!
//! [`Server::serve_once`] is the step, without waiting; [`Server::run`] the loop around it, which spins for a short
//! while after the last frame, where it isn't [`Server::yielding`], and then waits as the caller chooses: in the kernel for the next frame, or in short
//! sleeps ([`nap`]) where a link has nothing to wait for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use zerocat_link::{Link, LinkFault, Slot};

use crate::segment::{Outcome, Segment};
use crate::topology::End;

/// How long the loop spins after the last frame before it naps.
const SPIN: Duration = Duration::from_micros(100);
/// Shortest and longest wait.
const NAP_SHORT: Duration = Duration::from_micros(20);
const NAP_LONG: Duration = Duration::from_millis(1);
/// Frames that are answered before the slots are handed to the network.
const BATCH: u32 = 16;

/// The links of a segment: at its first end, and at its second, if one is connected there.
#[derive(Debug)]
pub struct Ends<L> {
    /// Leads to port 0 of the first SubDevice.
    pub first: L,
    /// Leads to the `second_end` of the file.
    pub second: Option<L>,
}

impl<L> Ends<L> {
    /// All links, the first end's first.
    pub fn iter(&self) -> impl Iterator<Item = &L> {
        std::iter::once(&self.first).chain(&self.second)
    }

    /// The same to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut L> {
        std::iter::once(&mut self.first).chain(&mut self.second)
    }
}

/// What a server did since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServeCounters {
    /// Frames that were received.
    pub received: u64,
    /// Frames that were sent back.
    pub answered: u64,
    /// Frames that the segment destroyed.
    pub lost: u64,
    /// Frames that found no free slot, were too long, or could not be sent.
    pub dropped: u64,
}

/// Serves segments at one end of a link.
#[derive(Debug, Default)]
pub struct Server {
    /// It leaves its CPU to others between frames.
    yielding: bool,
    next: u16,
    counters: ServeCounters,
    /// Start of real time, while a loop runs.
    start: Option<Instant>,
    /// Time of the frame before.
    before: Duration,
}

impl Server {
    /// A server that has done nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves its CPU to others between frames: it doesn't spin, and each wait may take 1 ms. For links whose wait ends when a
    /// frame comes, on machines where whoever sends the frames shares the CPU.
    #[must_use]
    pub const fn yielding(mut self) -> Self {
        self.yielding = true;
        self
    }

    /// What it did so far.
    #[must_use]
    pub const fn counters(&self) -> ServeCounters {
        self.counters
    }

    /// Answers the frames that have arrived, and returns whether there were any. It never waits.
    ///
    /// # Errors
    /// Those of [`Link::receive`] and [`Link::kick`]. The next call may succeed.
    pub fn serve_once<L: Link + ?Sized>(
        &mut self,
        link: &mut L,
        segment: &mut Segment,
        now: Duration,
    ) -> Result<bool, LinkFault> {
        let mut any = false;
        let mut posted = false;
        for _ in 0..BATCH {
            // A received frame is lent by the link, so its bytes wait here while a slot is borrowed.
            let mut buffer = [0u8; zerocat_link::MAX_FRAME];
            let Some(taken) = self.take(link, &mut buffer)? else { break };
            any = true;
            let Some(bytes) = taken else { continue };
            match segment.process(bytes, self.came(link, now)) {
                Outcome::Lost => self.counters.lost += 1,
                Outcome::Returned => posted |= self.answer(link, bytes),
            }
        }
        if posted {
            link.kick()?;
        }
        Ok(any)
    }

    /// The same for a segment with two ends, each at a link of its own: a frame is answered where it comes out. A fault
    /// of one link doesn't hold up the other.
    ///
    /// # Errors
    /// The first one of [`Link::receive`] and [`Link::kick`] of either link. The next call may succeed.
    pub fn serve_ends<A: Link + ?Sized, B: Link + ?Sized>(
        &mut self,
        first: &mut A,
        second: &mut B,
        segment: &mut Segment,
        now: Duration,
    ) -> Result<bool, LinkFault> {
        let (mut any, mut posted, mut empty, mut outcome) = (false, [false; 2], [false; 2], Ok(()));
        for n in 0..2 * BATCH {
            let mut buffer = [0u8; zerocat_link::MAX_FRAME];
            let (end, at) = if n % 2 == 0 { (End::First, 0) } else { (End::Second, 1) };
            let taken = match end {
                _ if empty[at] => continue,
                End::First => self.take(first, &mut buffer),
                End::Second => self.take(second, &mut buffer),
            };
            let taken = taken.unwrap_or_else(|fault| {
                outcome = outcome.and(Err(fault));
                None
            });
            empty[at] = taken.is_none();
            any |= taken.is_some();
            let Some(Some(bytes)) = taken else { continue };
            let came = match end {
                End::First => self.came(first, now),
                End::Second => self.came(second, now),
            };
            match segment.process_at(end, bytes, came) {
                None => self.counters.lost += 1,
                Some(End::First) => posted[0] |= self.answer(first, bytes),
                Some(End::Second) => posted[1] |= self.answer(second, bytes),
            }
        }
        if posted[0] {
            outcome = outcome.and(first.kick());
        }
        if posted[1] {
            outcome = outcome.and(second.kick());
        }
        outcome.map(|()| any)
    }

    /// When the frame that a link lent last came: as the link says, in real time, else `now`; and not before the one before.
    fn came<L: Link + ?Sized>(&mut self, link: &L, now: Duration) -> Duration {
        let by_link = self.start.and_then(|start| arrival(link, start));
        self.before = by_link.unwrap_or(now).max(self.before);
        self.before
    }

    /// Takes a frame from a link: none, one that is too long, or its bytes.
    fn take<'a, L: Link + ?Sized>(
        &mut self,
        link: &mut L,
        buffer: &'a mut [u8; zerocat_link::MAX_FRAME],
    ) -> Result<Option<Option<&'a mut [u8]>>, LinkFault> {
        let Some(received) = link.receive()? else { return Ok(None) };
        self.counters.received += 1;
        let Some(bytes) = buffer.get_mut(..received.len()) else {
            self.counters.dropped += 1;
            return Ok(Some(None));
        };
        bytes.copy_from_slice(received);
        Ok(Some(Some(bytes)))
    }

    /// Posts an answer in the next free slot.
    fn answer<L: Link + ?Sized>(&mut self, link: &mut L, bytes: &[u8]) -> bool {
        let slots = link.slots();
        for _ in 0..slots {
            let slot = Slot(self.next % slots);
            self.next = (slot.0 + 1) % slots;
            let Ok(target) = link.slot_mut(slot) else { continue };
            let Some(target) = target.get_mut(..bytes.len()) else { break };
            target.copy_from_slice(bytes);
            if link.post(slot, bytes.len()).is_ok() {
                self.counters.answered += 1;
                return true;
            }
            break;
        }
        self.counters.dropped += 1;
        false
    }

    /// Serves until `stop` is set. A frame comes when the link says that it came ([`Link::waited`]), however late this loop sees
    /// it: a segment is not held up by the thread that plays it. `wait` may wait for a frame, at most as long as it is told. `each` is called after
    /// every step that found frames and after every wait, for displays, commands and faults of the link. Time is that
    /// since the call.
    ///
    /// # Errors
    /// The first fault of the link other than `Down` and a full queue; those are waited out.
    pub fn run<L: Link + ?Sized>(
        &mut self,
        link: &mut L,
        segment: &mut Segment,
        stop: &AtomicBool,
        wait: impl FnMut(&mut L, Duration),
        each: impl FnMut(&mut L, &mut Segment, Duration),
    ) -> Result<(), LinkFault> {
        self.run_by(Self::serve_once, link, segment, stop, wait, each)
    }

    /// The same for a segment that has links at one or both of its ends.
    ///
    /// # Errors
    /// Those of [`Server::run`], of either link.
    pub fn run_ends<L: Link>(
        &mut self,
        ends: &mut Ends<L>,
        segment: &mut Segment,
        stop: &AtomicBool,
        wait: impl FnMut(&mut Ends<L>, Duration),
        each: impl FnMut(&mut Ends<L>, &mut Segment, Duration),
    ) -> Result<(), LinkFault> {
        let serve = |server: &mut Self, ends: &mut Ends<L>, segment: &mut Segment, now| match &mut ends.second {
            None => server.serve_once(&mut ends.first, segment, now),
            Some(second) => server.serve_ends(&mut ends.first, second, segment, now),
        };
        self.run_by(serve, ends, segment, stop, wait, each)
    }

    fn run_by<T: ?Sized>(
        &mut self,
        mut serve: impl FnMut(&mut Self, &mut T, &mut Segment, Duration) -> Result<bool, LinkFault>,
        links: &mut T,
        segment: &mut Segment,
        stop: &AtomicBool,
        mut wait: impl FnMut(&mut T, Duration),
        mut each: impl FnMut(&mut T, &mut Segment, Duration),
    ) -> Result<(), LinkFault> {
        let start = Instant::now();
        (self.start, self.before) = (Some(start), Duration::ZERO);
        let mut busy_at = Duration::ZERO;
        // SYNC: the flag carries no data; whoever sets it may use any ordering.
        while !stop.load(Ordering::Relaxed) {
            let now = start.elapsed();
            let worked = match serve(self, links, segment, now) {
                Ok(worked) => worked,
                Err(LinkFault::Down | LinkFault::Full) => false,
                Err(fault) => return Err(fault),
            };
            if worked {
                busy_at = now;
                each(links, segment, now);
            } else if !self.yielding && now < busy_at + SPIN {
                std::hint::spin_loop();
            } else {
                // Nothing had come up to `now`; time goes on there, and not beyond a frame that comes during the wait.
                self.before = now.max(self.before);
                segment.step(self.before);
                each(links, segment, now);
                // The longer nothing came, the longer the wait: a MainDevice that sends at a steady rate waits for
                // a small part of its period at most, even where this is a nap.
                let shortest = if self.yielding { NAP_LONG } else { NAP_SHORT };
                wait(links, ((now - busy_at) / 16).clamp(shortest, NAP_LONG));
            }
        }
        self.start = None;
        Ok(())
    }
}

/// When the frame that a link lent last came, since `start`. The two clocks are read in one go, else again.
fn arrival<L: Link + ?Sized>(link: &L, start: Instant) -> Option<Duration> {
    const TRIES: usize = 4;
    const CLOSE: Duration = Duration::from_micros(2);
    let read = || {
        let before = start.elapsed();
        let waited = link.waited()?;
        Some((before, waited, start.elapsed()))
    };
    let mut last = read()?;
    for _ in 1..TRIES {
        if last.2 - last.0 <= CLOSE {
            break;
        }
        last = read()?;
    }
    Some(last.0.saturating_sub(last.1))
}

/// Sleeps, for links that have nothing to wait for.
pub fn nap<L: ?Sized>(_link: &mut L, at_most: Duration) {
    std::thread::sleep(at_most);
}
