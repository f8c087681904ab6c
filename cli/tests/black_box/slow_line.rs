//! A long line between a MainDevice and its segment: frames back take as long as the test says, also while they flow.
//!
//! It joins the far end of one cable with the near end of another. It is an ordinary thread, so frames take somewhat
//! longer than that, and on a busy machine more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use zerocat_link::packet::PacketLink;
use zerocat_link::waiting::{Awaited, wait_for_any};
use zerocat_link::{Link, Sizing, Slot};

const SIZING: Sizing = Sizing { slots: 128, receive: 512 };
/// Longest wait for a frame.
const LOOK: Duration = Duration::from_micros(500);

/// The line. It is cut when this is dropped.
#[derive(Debug)]
pub(crate) struct SlowLine {
    delay_us: Arc<AtomicU64>,
    cut: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SlowLine {
    /// Between two interfaces of the namespace of the calling thread, at first without a delay.
    pub(crate) fn between(main_device: &str, segment: &str) -> Self {
        let (delay_us, cut) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (mut near, mut far) =
            (PacketLink::open(main_device, SIZING).unwrap(), PacketLink::open(segment, SIZING).unwrap());
        let (its_delay, its_cut) = (Arc::clone(&delay_us), Arc::clone(&cut));
        let thread = std::thread::spawn(move || {
            let mut late = VecDeque::new();
            // SYNC: flag and delay carry no data; whoever sets them may use any ordering.
            while !its_cut.load(Ordering::Relaxed) {
                while let Some(frame) = take(&mut near) {
                    pass(&mut far, &frame);
                }
                while let Some(frame) = take(&mut far) {
                    // SYNC: as above.
                    let delay = Duration::from_micros(its_delay.load(Ordering::Relaxed));
                    late.push_back((Instant::now() + delay, frame));
                }
                while let Some((_, frame)) = late.pop_front_if(|(due, _)| *due <= Instant::now()) {
                    pass(&mut near, &frame);
                }
                let ends: [&dyn Awaited; 2] = [&near, &far];
                wait_for_any(ends, LOOK);
            }
        });
        Self { delay_us, cut, thread: Some(thread) }
    }

    /// From now on frames back take so long.
    pub(crate) fn delay(&self, delay: Duration) {
        // SYNC: pairs with nothing; a later frame sees it.
        self.delay_us.store(delay.as_micros().try_into().unwrap(), Ordering::Relaxed);
    }
}

impl Drop for SlowLine {
    fn drop(&mut self) {
        // SYNC: a flag; it publishes nothing.
        self.cut.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The next frame that has arrived.
fn take(link: &mut PacketLink) -> Option<Vec<u8>> {
    link.receive().ok().flatten().map(<[u8]>::to_vec)
}

/// Sends a frame. One that finds no slot is lost, as on a line that is too busy.
fn pass(link: &mut PacketLink, frame: &[u8]) {
    let free = (0..link.slots()).map(Slot).find(|slot| link.slot_mut(*slot).is_ok());
    let Some(slot) = free else { return };
    if let Ok(bytes) = link.slot_mut(slot) {
        bytes[..frame.len()].copy_from_slice(frame);
    }
    let _ = link.post(slot, frame.len());
    let _ = link.kick();
}
