//! Moves frames between ethercrab's pool and a segment on the thread of the test, under a virtual clock.
//!
//! It keeps the promise that the realtime thread keeps in production: every frame that leaves the pool comes back
//! exactly once, a lost one as it was sent, marked as returned, with working counter 0.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod mailman;
pub(crate) mod simulated;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ethercrab::{PduRx, PduStorage, PduTx};
use zerocat_bus::{Datagrams, block_on};
use zerocat_wire::ethernet;

/// What answers frames.
pub(crate) trait Segment {
    /// Processes a frame in place. `false`: it doesn't come back.
    fn process(&mut self, frame: &mut [u8], now: Duration) -> bool;
    /// Time passes.
    fn advance(&mut self, _now: Duration) {}
}

impl<F: FnMut(&mut [u8], Duration) -> bool> Segment for F {
    fn process(&mut self, frame: &mut [u8], now: Duration) -> bool {
        self(frame, now)
    }
}

/// Which frames get lost, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    None,
    /// Each n-th, before the segment has seen it.
    Outbound(u64),
    /// Each n-th, after the segment has acted on it.
    Inbound(u64),
    /// Each n-th, one before and the next behind the segment.
    Both(u64),
    /// One in n by a seeded draw, before or behind the segment.
    Random(u64),
    /// All between two times, before the segment has seen them.
    Between(Duration, Duration),
}

/// The pump: pool, segment, clock.
pub(crate) struct Pump<S> {
    tx: PduTx<'static>,
    rx: PduRx<'static>,
    pub(crate) segment: S,
    clock: Arc<AtomicU64>,
    pub(crate) loss: Loss,
    /// Frames are neither taken nor given back.
    pub(crate) stuck: bool,
    pub(crate) frames: u64,
    pub(crate) lost: u64,
    /// Time after which a frame that is lost is given back.
    pub(crate) lost_after: Duration,
    draw: u64,
}

/// Time for one frame, out and back.
const FRAME: Duration = Duration::from_micros(10);
/// Time that passes where nobody has anything to do.
const NAP: Duration = Duration::from_micros(50);

/// A pool of `N` frames, its datagram layer, and a pump around a segment.
pub(crate) fn rig<const N: usize, S: Segment>(segment: S) -> (Datagrams, Pump<S>) {
    zerocat_sched::link_idle_timer();
    let storage: &'static PduStorage<N, 1514> = Box::leak(Box::new(PduStorage::new()));
    let Ok((tx, rx, pdu_loop)) = storage.try_split() else { unreachable!("split for the first time") };
    let clock = Arc::new(AtomicU64::new(0));
    let read = Arc::clone(&clock);
    let datagrams = Datagrams::new(pdu_loop, move || Duration::from_nanos(read.load(Ordering::Relaxed)));
    (
        datagrams,
        Pump {
            tx,
            rx,
            segment,
            clock,
            loss: Loss::None,
            stuck: false,
            frames: 0,
            lost: 0,
            lost_after: Duration::ZERO,
            draw: 0x9e37_79b9_7f4a_7c15,
        },
    )
}

impl<S: Segment> Pump<S> {
    /// Runs a future to its end, moving frames whenever it waits.
    pub(crate) fn run<F: Future>(&mut self, future: F) -> F::Output {
        block_on(future, || self.turn())
    }

    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.clock.load(Ordering::Relaxed))
    }

    fn pass(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).expect("short");
        self.clock.fetch_add(nanos, Ordering::Relaxed);
        self.segment.advance(self.now());
    }

    /// Takes all frames that wait, passes them through the segment, and gives them back.
    fn turn(&mut self) {
        if self.stuck {
            return self.pass(NAP);
        }
        let mut out = Vec::new();
        while let Some(frame) = self.tx.next_sendable_frame() {
            let keep = |bytes: &[u8]| {
                out.push(bytes.to_vec());
                Ok(bytes.len())
            };
            frame.send_blocking(keep).expect("taken whole");
        }
        if out.is_empty() {
            self.pass(NAP);
        }
        for sent in out {
            self.pass(FRAME);
            let back = self.exchange(&sent);
            self.rx.receive_frame(&back).expect("the pool knows its frames");
        }
    }

    /// xorshift64*.
    fn draw(&mut self) -> u64 {
        self.draw ^= self.draw >> 12;
        self.draw ^= self.draw << 25;
        self.draw ^= self.draw >> 27;
        self.draw.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33
    }

    fn exchange(&mut self, sent: &[u8]) -> Vec<u8> {
        self.frames += 1;
        let (outbound, inbound) = match self.loss {
            Loss::None => (false, false),
            Loss::Between(from, to) => ((from..to).contains(&self.now()), false),
            Loss::Outbound(n) => (self.frames.is_multiple_of(n), false),
            Loss::Inbound(n) => (false, self.frames.is_multiple_of(n)),
            Loss::Both(n) => (self.frames.is_multiple_of(2 * n), self.frames % (2 * n) == n),
            Loss::Random(n) => {
                let draw = self.draw();
                (draw.is_multiple_of(2 * n), draw % (2 * n) == n)
            }
        };
        let now = self.now();
        let mut frame = sent.to_vec();
        // The wire carries at least 60 bytes; who processes a frame must cope with the padding.
        frame.resize(sent.len().max(ethernet::MIN_FRAME), 0);
        if !outbound && self.segment.process(&mut frame, now) && !inbound {
            frame.truncate(sent.len());
            return frame;
        }
        self.lost += 1;
        self.pass(self.lost_after);
        let mut lost = sent.to_vec();
        ethernet::mark_returned(&mut lost).expect("has a header");
        lost
    }
}
