//! A scan of a simulated segment in one thread under virtual time: what `zerocat scan` finds there.
//!
//! The scan itself is production's ([`scan_by`]); only what moves the frames differs. For tests. Not guaranteed: any relation
//! between virtual and real time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use zerocat::{Depth, DrivenBus, SCAN_SLOTS, Scan, ScanError, scan_by};
use zerocat_bus::{Datagrams, block_on};
use zerocat_engine::{AcyclicSettings, Engine, Pool, Timing};
use zerocat_link::{Sizing, Slot};
use zerocat_sched::{Time, link_idle_timer};
use zerocat_sim::{Segment, SegmentLink};

/// Virtual time that a look at the link takes.
const LOOK: u64 = 10_000;
const TIMEOUT: Duration = Duration::from_millis(20);

/// Scans a segment down to what each SubDevice maps.
///
/// # Errors
/// As [`zerocat::scan`].
pub fn scan(segment: Segment) -> Result<Scan, ScanError> {
    link_idle_timer();
    let now = Arc::new(AtomicU64::new(0));
    let (pool, pdu_loop) = Pool::new();
    let datagrams = Datagrams::new(pdu_loop, clock(&now));
    let link = SegmentLink::new(segment, Sizing { slots: SCAN_SLOTS, receive: SCAN_SLOTS }, clock(&now));
    let acyclic = AcyclicSettings { first_slot: Slot(0), in_flight: SCAN_SLOTS, timeout: TIMEOUT };
    let (mut engine, _parts) = Engine::new(link, Timing::for_period(Duration::from_millis(1)), pool, acyclic);
    block_on(scan_by(&datagrams, Depth::Deep, DrivenBus::Refuse), || {
        // SYNC: one thread; the atomic only makes the clock shareable.
        let time = now.fetch_add(LOOK, Ordering::Relaxed);
        engine.slack(Time(time), Time(u64::MAX));
    })
}

fn clock(now: &Arc<AtomicU64>) -> impl Fn() -> Duration + use<> {
    let now = Arc::clone(now);
    // SYNC: as in `scan`.
    move || Duration::from_nanos(now.load(Ordering::Relaxed))
}
