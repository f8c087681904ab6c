//! The contract of links: claims that every link must keep, as functions over a link and a peer that reflects its
//! frames.
//!
//! This is a test suite for every crate that has a link. [`check_all`] runs each claim of [`Suite`] and panics with a
//! message when one does not hold.
//!
//! It needs a link with at least one slot and no fewer receive buffers than slots, and a peer that returns every
//! EtherCAT frame. The peer may set bit 1 of the source address, as a segment does, and may change the working counter;
//! all else must come back as it was sent. The peer may run by itself (a thread, a program in the kernel) or be driven
//! by [`Reflector::pump`]. Delivery may take up to [`PATIENCE`]; no claim is about a time.
//!
//! Not checked: order, allocation, latency.

#![allow(clippy::missing_panics_doc, reason = "every function here panics when its claim does not hold")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::reflect::Reflector;
use zerocat_link::{Link, LinkFault, MAX_FRAME, MIN_FRAME, Slot};

/// How long a frame or a slot may take to come back before it counts as lost.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Round trips of [`Suite::round_trips_leak_no_slot`].
pub const ROUND_TRIPS: u32 = 10_000;

/// Most frames of [`Suite::a_burst_is_counted_and_not_fatal`]; fewer if slots only come back by receiving.
pub const BURST: u32 = 4_096;

/// After this long without a frame no more are expected.
const SILENCE: Duration = Duration::from_millis(100);

/// Where the tag of a frame stands: at the start of the data of its one datagram.
const TAG: std::ops::Range<usize> = 26..30;
/// Where the command of a frame's one datagram stands (ETG.1000.4, table 14), and two of them.
const COMMAND: usize = 16;
const NOP: u8 = 0;
const LRD: u8 = 10;
/// Shortest frame with a tag and a working counter.
const SHORTEST_TAGGED: usize = 32;
/// First byte of the source address; bit 1 may be set by the peer.
const SOURCE: usize = 6;

static NEXT_TAG: AtomicU32 = AtomicU32::new(1);

/// Runs every claim of [`Suite`] on one link.
pub fn check_all<L: Link, R: Reflector>(link: &mut L, peer: R) {
    let mut suite = Suite::new(link, peer);
    suite.slots_are_whole_and_keep_their_bytes();
    suite.refuses_lengths_that_are_no_frame();
    suite.refuses_slots_that_do_not_exist();
    suite.receive_never_waits_on_a_silent_link();
    suite.a_short_frame_is_padded_with_zeros();
    suite.the_longest_frame_passes_unchanged();
    suite.all_slots_posted_at_once_come_back();
    suite.a_slot_is_writable_after_its_transmission();
    suite.lent_bytes_stay_until_the_next_receive();
    suite.an_empty_kick_is_harmless();
    suite.what_is_withdrawn_commands_nothing_and_the_slots_go_on();
    suite.counters_count();
    suite.a_burst_is_counted_and_not_fatal();
    suite.round_trips_leak_no_slot();
}

/// A link under test and its peer.
#[derive(Debug)]
pub struct Suite<'a, L, R> {
    link: &'a mut L,
    peer: R,
}

impl<'a, L: Link, R: Reflector> Suite<'a, L, R> {
    /// A suite over an open link whose peer reflects.
    pub fn new(link: &'a mut L, peer: R) -> Self {
        assert!(link.slots() > 0, "the link under test needs a slot");
        Self { link, peer }
    }

    /// Claim: each slot is 1,514 bytes, and sending changes none of them.
    pub fn slots_are_whole_and_keep_their_bytes(&mut self) {
        let before: Vec<Vec<u8>> = self.each_slot().map(|slot| self.write(slot, MAX_FRAME)).collect();
        for (slot, expected) in self.each_slot().zip(&before) {
            let got = self.link.slot(slot).expect("a slot can be read");
            assert_eq!(got.len(), MAX_FRAME, "slot {} is not {MAX_FRAME} bytes", slot.0);
            assert!(got == expected.as_slice(), "slot {} doesn't hold what was written", slot.0);
        }
        for _ in 0..2 {
            for (slot, expected) in self.each_slot().zip(&before) {
                self.await_writable(slot);
                self.send(slot, MAX_FRAME);
                self.await_frame(tag_of(expected).expect("a tagged frame"));
                let got = self.link.slot(slot).expect("a slot can be read");
                assert!(got == expected.as_slice(), "sending changed the bytes of slot {}", slot.0);
            }
        }
    }

    /// Claim: a frame longer than a slot or shorter than an Ethernet header is refused, and the slot stays ours.
    pub fn refuses_lengths_that_are_no_frame(&mut self) {
        self.await_writable(Slot(0));
        for len in [0, 1, 13, MAX_FRAME + 1, usize::from(u16::MAX) + 61, usize::MAX] {
            assert_eq!(self.link.post(Slot(0), len), Err(LinkFault::BadLength(len)), "posted {len} bytes");
            assert!(self.link.slot_mut(Slot(0)).is_ok(), "a refused post took the slot");
        }
    }

    /// Claim: a slot that does not exist is refused by every method.
    pub fn refuses_slots_that_do_not_exist(&mut self) {
        for number in [self.link.slots(), u16::MAX] {
            let slot = Slot(number);
            let refused = LinkFault::NoSuchSlot(slot);
            assert_eq!(self.link.slot(slot).err(), Some(refused), "read slot {number}");
            assert_eq!(self.link.slot_mut(slot).err(), Some(refused), "wrote slot {number}");
            assert_eq!(self.link.post(slot, MIN_FRAME), Err(refused), "posted slot {number}");
        }
    }

    /// Claim: `receive` returns when nothing arrives, each time. A link that waits hangs here.
    pub fn receive_never_waits_on_a_silent_link(&mut self) {
        for slot in self.each_slot() {
            self.await_writable(slot);
        }
        let received = self.link.counters().received;
        for _ in 0..1_000 {
            assert_eq!(self.link.receive(), Ok(None), "a frame on a silent link");
        }
        assert_eq!(self.link.counters().received, received, "counted frames on a silent link");
    }

    /// Claim: a frame shorter than 60 bytes arrives with 60, the rest zero, whatever the slot held there.
    pub fn a_short_frame_is_padded_with_zeros(&mut self) {
        for len in [SHORTEST_TAGGED, 45, MIN_FRAME - 1] {
            let sent = self.write(Slot(0), len);
            assert!(sent[len..].iter().all(|byte| *byte != 0), "the test needs a slot without zeros");
            let back = self.round_trip(Slot(0), len);
            assert_eq!(back.len(), MIN_FRAME, "a frame of {len} bytes came back with another length");
            assert_unchanged(&back[..len], &sent[..len]);
            assert!(back[len..].iter().all(|byte| *byte == 0), "a frame of {len} bytes is padded with {back:02x?}");
        }
        let sent = self.write(Slot(0), MIN_FRAME);
        let back = self.round_trip(Slot(0), MIN_FRAME);
        assert_unchanged(&back, &sent[..MIN_FRAME]);
    }

    /// Claim: 1,514 bytes pass unchanged, and so does every length near an edge.
    pub fn the_longest_frame_passes_unchanged(&mut self) {
        for len in [61, 63, 64, 65, 127, 128, 1_499, 1_500, 1_513, MAX_FRAME] {
            let sent = self.write(Slot(0), len);
            let back = self.round_trip(Slot(0), len);
            assert_unchanged(&back, &sent[..len]);
        }
    }

    /// Claim: all slots can be with the network at once, and each frame comes back once.
    pub fn all_slots_posted_at_once_come_back(&mut self) {
        let mut waiting: Vec<(Slot, Vec<u8>)> =
            self.each_slot().map(|slot| (slot, self.write(slot, 60 + usize::from(slot.0 % 64)))).collect();
        for (slot, _) in &waiting {
            let len = 60 + usize::from(slot.0 % 64);
            assert_eq!(self.link.post(*slot, len), Ok(()), "post slot {}", slot.0);
        }
        assert_eq!(self.link.kick(), Ok(()), "kick");
        let deadline = Instant::now() + PATIENCE;
        while !waiting.is_empty() {
            let missing = waiting.len();
            let back = self.poll(deadline).unwrap_or_else(|| panic!("{missing} frames did not come back"));
            let tag = tag_of(&back);
            if let Some(index) = waiting.iter().position(|(_, sent)| tag_of(sent) == tag) {
                let (slot, sent) = waiting.swap_remove(index);
                assert_unchanged(&back, &sent[..60 + usize::from(slot.0 % 64)]);
            }
        }
    }

    /// Claim: a slot that was sent comes back writable, without more than `receive` being called.
    pub fn a_slot_is_writable_after_its_transmission(&mut self) {
        for slot in self.each_slot() {
            for _ in 0..3 {
                let tag = tag_of(&self.write(slot, MIN_FRAME));
                self.send(slot, MIN_FRAME);
                let deadline = Instant::now() + PATIENCE;
                while self.poll(deadline).as_deref().map(tag_of) != Some(tag) {
                    wait(deadline, "a frame did not come back");
                }
                // Its frame is back, so its transmission is over; the link may need to look once more to know.
                self.await_writable(slot);
            }
        }
    }

    /// Claim: the bytes that `receive` lends are those of one frame, though more have arrived behind it.
    pub fn lent_bytes_stay_until_the_next_receive(&mut self) {
        let slots: Vec<Slot> = self.each_slot().take(2).collect();
        let tags: Vec<u32> = slots
            .iter()
            .map(|slot| {
                let sent = self.write(*slot, 200);
                self.send(*slot, 200);
                tag_of(&sent).expect("a tagged frame")
            })
            .collect();
        let deadline = Instant::now() + PATIENCE;
        let mut seen = 0;
        while seen < tags.len() {
            self.peer.pump();
            match self.link.receive() {
                Ok(Some(lent)) => {
                    let first = lent.to_vec();
                    // What the peer does meanwhile must not reach the lent bytes.
                    self.peer.pump();
                    assert!(lent == first.as_slice(), "lent bytes changed before the next receive");
                    seen += usize::from(tag_of(&first).is_some_and(|tag| tags.contains(&tag)));
                }
                Ok(None) => wait(deadline, "a frame did not come back"),
                Err(fault) => panic!("receive: {fault}"),
            }
        }
    }

    /// Claim: a kick with nothing posted succeeds and sends nothing.
    pub fn an_empty_kick_is_harmless(&mut self) {
        let sent = self.link.counters().sent;
        assert_eq!(self.link.kick(), Ok(()), "empty kick");
        assert_eq!(self.link.counters().sent, sent, "an empty kick counted as sent");
    }

    /// Claim: of frames that were posted and withdrawn before the kick none commands anything; their slots come back
    /// with their bytes, and what is posted then goes out as it is.
    pub fn what_is_withdrawn_commands_nothing_and_the_slots_go_on(&mut self) {
        self.drain();
        let sent: Vec<(Slot, Vec<u8>)> = self.each_slot().map(|slot| (slot, self.write_command(slot))).collect();
        for (slot, _) in &sent {
            assert_eq!(self.link.post(*slot, MIN_FRAME), Ok(()), "post slot {}", slot.0);
        }
        // Twice does no harm.
        self.link.withdraw();
        self.link.withdraw();
        assert_eq!(self.link.kick(), Ok(()), "kick");
        while let Some(back) = self.poll(Instant::now() + SILENCE) {
            let ours = sent.iter().any(|(_, bytes)| tag_of(bytes) == tag_of(&back));
            assert!(!ours || back[COMMAND] == NOP, "a withdrawn frame still commands: {back:02x?}");
        }
        for (slot, bytes) in &sent {
            self.await_writable(*slot);
            let got = self.link.slot(*slot).expect("a slot can be read");
            assert!(got == bytes.as_slice(), "withdrawing changed the bytes of slot {}", slot.0);
            let back = self.round_trip(*slot, MIN_FRAME);
            assert_unchanged(&back, &bytes[..MIN_FRAME]);
        }
        self.link.withdraw();
        for (slot, bytes) in &sent {
            self.await_writable(*slot);
            let got = self.link.slot(*slot).expect("a slot can be read");
            assert!(got == bytes.as_slice(), "withdrawing nothing changed the bytes of slot {}", slot.0);
        }
    }

    /// Claim: what is sent and received is counted, each frame once.
    pub fn counters_count(&mut self) {
        self.drain();
        let before = self.link.counters();
        for _ in 0..10 {
            self.write(Slot(0), MIN_FRAME);
            self.round_trip(Slot(0), MIN_FRAME);
        }
        let after = self.link.counters();
        assert_eq!(after.sent - before.sent, 10, "frames counted as sent");
        assert_eq!(after.received - before.received, 10, "frames counted as received");
        assert_eq!(after.send_errors, before.send_errors, "failures counted without a failure");
        assert_eq!(after.dropped, before.dropped, "drops counted without a drop");
    }

    /// Claim: more frames than there are buffers are no fault. Where the peer knows what it lost, each frame that
    /// didn't arrive is counted as dropped; afterwards the link works as before.
    pub fn a_burst_is_counted_and_not_fatal(&mut self) {
        self.drain();
        let (before, lost_before) = (self.link.counters(), self.peer.lost());
        let accepted = self.burst();
        assert!(accepted > 0, "no frame of a burst was accepted");
        self.drain();
        let now = self.link.counters();
        let sent = now.sent - before.sent;
        let (received, dropped) = (now.received - before.received, now.dropped - before.dropped);
        assert!(received > 0, "nothing of a burst of {sent} frames arrived");
        assert!(received + dropped <= sent, "{received} received and {dropped} dropped of {sent} sent");
        if let (Some(earlier), Some(now)) = (lost_before, self.peer.lost()) {
            let lost = now - earlier;
            assert_eq!(
                received + dropped + lost,
                sent,
                "{received} received, {dropped} dropped, {lost} lost by the peer"
            );
        }
        self.write(Slot(0), MIN_FRAME);
        self.round_trip(Slot(0), MIN_FRAME);
    }

    /// Claim: after 10,000 round trips over all slots each slot is still usable, and no frame is missing.
    pub fn round_trips_leak_no_slot(&mut self) {
        let slots = self.link.slots();
        for round in 0..ROUND_TRIPS {
            let slot = Slot(u16::try_from(round % u32::from(slots)).expect("less than the number of slots"));
            self.write(slot, MIN_FRAME);
            self.round_trip(slot, MIN_FRAME);
        }
        for slot in self.each_slot() {
            self.await_writable(slot);
        }
    }

    /// Sends without receiving until [`BURST`] frames are out or no slot is ours. Returns how many went.
    fn burst(&mut self) -> u64 {
        let before = self.link.counters().sent;
        for _ in 0..BURST / u32::from(self.link.slots()) + 1 {
            let mut posted = 0;
            for slot in self.each_slot() {
                posted += usize::from(self.link.post(slot, MIN_FRAME).is_ok());
            }
            let kicked = self.link.kick();
            assert!(matches!(kicked, Ok(()) | Err(LinkFault::Full)), "kick in a burst: {kicked:?}");
            self.peer.pump();
            if posted == 0 {
                break;
            }
        }
        self.link.counters().sent - before
    }

    fn each_slot(&self) -> impl Iterator<Item = Slot> + use<L, R> {
        (0..self.link.slots()).map(Slot)
    }

    /// Fills a slot with a frame of `len` bytes that has a tag of its own. The slot's bytes behind it are not zero.
    fn write(&mut self, slot: Slot, len: usize) -> Vec<u8> {
        self.await_writable(slot);
        let frame = tagged_frame(len);
        let bytes = self.link.slot_mut(slot).expect("the slot is writable");
        assert_eq!(bytes.len(), MAX_FRAME, "slot {} is not {MAX_FRAME} bytes", slot.0);
        bytes.copy_from_slice(&frame);
        frame
    }

    /// Fills a slot with a frame that has a tag and a command: a logical read, which harms nobody.
    fn write_command(&mut self, slot: Slot) -> Vec<u8> {
        let mut frame = self.write(slot, MIN_FRAME);
        frame[COMMAND] = LRD;
        self.link.slot_mut(slot).expect("the slot is writable")[COMMAND] = LRD;
        frame
    }

    fn send(&mut self, slot: Slot, len: usize) {
        assert_eq!(self.link.post(slot, len), Ok(()), "post slot {}", slot.0);
        assert_eq!(self.link.kick(), Ok(()), "kick");
    }

    /// Sends what a slot holds and returns what comes back for it.
    fn round_trip(&mut self, slot: Slot, len: usize) -> Vec<u8> {
        let tag = tag_of(self.link.slot(slot).expect("a slot can be read")).expect("a tagged frame");
        self.send(slot, len);
        self.await_frame(tag)
    }

    fn await_frame(&mut self, tag: u32) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let back = self.poll(deadline).unwrap_or_else(|| panic!("frame {tag} did not come back in {PATIENCE:?}"));
            if tag_of(&back) == Some(tag) {
                return back;
            }
        }
    }

    fn await_writable(&mut self, slot: Slot) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.link.slot_mut(slot) {
                Ok(_) => return,
                Err(LinkFault::Busy(_)) => {}
                Err(fault) => panic!("slot {}: {fault}", slot.0),
            }
            self.peer.pump();
            self.link.receive().unwrap_or_else(|fault| panic!("receive: {fault}"));
            wait(deadline, "a slot did not come back");
        }
    }

    /// The next frame of any tag, or `None` at the deadline.
    fn poll(&mut self, deadline: Instant) -> Option<Vec<u8>> {
        loop {
            self.peer.pump();
            match self.link.receive() {
                Ok(Some(frame)) => return Some(frame.to_vec()),
                Ok(None) if Instant::now() > deadline => return None,
                Ok(None) => std::thread::yield_now(),
                Err(fault) => panic!("receive: {fault}"),
            }
        }
    }

    /// Receives until what is out has come back: a last frame of our own has, and then nothing for a while.
    fn drain(&mut self) {
        self.write(Slot(0), MIN_FRAME);
        self.round_trip_with_losses(Slot(0));
        while self.poll(Instant::now() + SILENCE).is_some() {}
    }

    /// A round trip that sends again where buffers are still full.
    fn round_trip_with_losses(&mut self, slot: Slot) {
        let deadline = Instant::now() + PATIENCE;
        let tag = tag_of(self.link.slot(slot).expect("a slot can be read"));
        loop {
            self.await_writable(slot);
            let went = self.link.post(slot, MIN_FRAME).is_ok() && self.link.kick().is_ok();
            let patience = Instant::now() + PATIENCE / 4;
            while let Some(back) = self.poll(patience) {
                if went && tag_of(&back) == tag {
                    return;
                }
            }
            wait(deadline, "no frame came back after a burst");
        }
    }
}

/// Gives the CPU to others, and panics when the deadline has passed.
fn wait(deadline: Instant, what: &str) {
    assert!(Instant::now() <= deadline, "{what} in {PATIENCE:?}");
    std::thread::yield_now();
}

/// A slot's worth of bytes that starts with a valid frame of `len` bytes: one NOP datagram whose data is a tag of its
/// own and a pattern. No byte behind the headers is zero but in the tag.
fn tagged_frame(len: usize) -> Vec<u8> {
    assert!((SHORTEST_TAGGED..=MAX_FRAME).contains(&len), "no room for a tag in {len} bytes");
    // SYNC: only uniqueness matters, nothing is published by it.
    let tag = NEXT_TAG.fetch_add(1, Ordering::Relaxed);
    let mut frame = vec![0xff; 6];
    frame.extend([0x10, 0x7a, 0x63, 0, 0, 0x01, 0x88, 0xa4]);
    let datagrams = u16::try_from(len - 16).expect("at most 1,498 bytes");
    frame.extend((datagrams | 0x1000).to_le_bytes());
    frame.extend([0; 6]);
    frame.extend((datagrams - 12).to_le_bytes());
    frame.extend([0; 2]);
    frame.extend(tag.to_le_bytes());
    let pattern = tag.to_le_bytes()[0];
    frame.extend((0_u8..251).cycle().map(|byte| byte.wrapping_add(pattern) | 1).take(MAX_FRAME - frame.len()));
    frame
}

/// The tag of a frame of ours.
fn tag_of(frame: &[u8]) -> Option<u32> {
    let ethercat = frame.get(12..14) == Some(&[0x88, 0xa4]);
    frame.get(TAG).filter(|_| ethercat)?.try_into().ok().map(u32::from_le_bytes)
}

/// Compares all but what a segment changes: bit 1 of the source address and the working counter.
fn assert_unchanged(got: &[u8], sent: &[u8]) {
    assert_eq!(got.len(), sent.len(), "the frame came back with another length");
    let end = 16 + usize::from(u16::from_le_bytes([sent[16 - 2], sent[16 - 1]]) & 0x07ff);
    for (offset, (got, sent)) in got.iter().zip(sent).enumerate() {
        let same = match offset {
            SOURCE => got | 0x02 == sent | 0x02,
            _ if (end - 2..end).contains(&offset) => true,
            _ => got == sent,
        };
        assert!(same, "byte {offset} was sent as {sent:#04x} and came back as {got:#04x}");
    }
}
