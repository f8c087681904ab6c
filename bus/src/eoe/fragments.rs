//! Ethernet frames as fragments, and fragments as frames (ETG.1000.6, 5.7).
//!
//! Guarantees: every fragment but the last has a multiple of 32 bytes; a frame is given only when all its fragments came, one
//! behind the other; a time stamp behind the data is taken off. Bounded: no frame is longer than [`LONGEST`].
//!
//! Not guaranteed: that a lost fragment comes again. It costs its frame.

use zerocat_wire::eoe::{BLOCK, EoeHeader, EoeKind, Fragment, HEADER_LEN, TIME_LEN};

/// Bytes of the shortest frame: two addresses and the type.
pub const SHORTEST: usize = 14;
/// Bytes of the longest frame, with a VLAN tag and without the checksum.
pub const LONGEST: usize = 1518;
/// Numbers of frames, which go round.
const NUMBERS: u8 = 16;

/// The number of the frame behind one.
pub(crate) const fn number_after(number: u8) -> u8 {
    number.wrapping_add(1) % NUMBERS
}

/// A frame that goes out, as far as it hasn't gone yet.
#[derive(Debug)]
pub(crate) struct Outgoing {
    frame: Vec<u8>,
    number: u8,
    /// Number of the next fragment.
    next: u8,
    /// Bytes that have gone.
    gone: usize,
}

impl Outgoing {
    pub(crate) const fn new(frame: Vec<u8>, number: u8) -> Self {
        Self { frame, number, next: 0, gone: 0 }
    }

    /// The body of the next mail, with at most `room` bytes; `None` where a mail has no room for a block.
    pub(crate) fn body(&self, room: usize) -> Option<Vec<u8>> {
        let room = room.saturating_sub(HEADER_LEN);
        let rest = self.frame.get(self.gone..)?;
        let last = rest.len() <= room;
        let data = if last { rest } else { rest.get(..room / BLOCK * BLOCK)? };
        if data.is_empty() {
            return None;
        }
        let blocks = if self.next == 0 { self.frame.len().div_ceil(BLOCK) } else { self.gone / BLOCK };
        let fragment = Fragment { number: self.next, blocks: u8::try_from(blocks).ok()?, frame: self.number };
        let header = EoeHeader { last, ..EoeHeader::new(EoeKind::Fragment, fragment.emit()) };
        Some([&header.emit(), data].concat())
    }

    /// Notes that a body went out. Returns whether it was the last one.
    pub(crate) fn went(&mut self, body: &[u8]) -> bool {
        self.next = self.next.saturating_add(1);
        self.gone = self.gone.saturating_add(body.len().saturating_sub(HEADER_LEN));
        self.gone >= self.frame.len()
    }
}

/// What became of a fragment that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// It was the last one of this frame.
    Frame(Vec<u8>),
    /// More are to come.
    More,
    /// It belongs to no frame that has begun.
    Astray,
}

/// The part of a frame that has come.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    begun: Option<Begun>,
    /// Frames that were begun and never completed.
    broken: u64,
}

#[derive(Debug)]
struct Begun {
    number: u8,
    next: u8,
    bytes: Vec<u8>,
}

impl Assembly {
    /// Frames that were begun and never completed, since the last call.
    pub(crate) fn take_broken(&mut self) -> u64 {
        std::mem::take(&mut self.broken)
    }

    /// Forgets what has come.
    pub(crate) fn forget(&mut self) {
        self.broken += u64::from(self.begun.take().is_some());
    }

    /// Takes a fragment.
    pub(crate) fn take(&mut self, header: &EoeHeader, data: &[u8]) -> Came {
        let stamp = if header.last && header.time_appended { TIME_LEN } else { 0 };
        let data = data.get(..data.len().saturating_sub(stamp)).unwrap_or_default();
        let fragment = Fragment::parse(header.detail);
        if fragment.number == 0 {
            self.forget();
            self.begun = Some(Begun { number: fragment.frame, next: 0, bytes: Vec::new() });
        }
        let Some(begun) = &mut self.begun else { return Came::Astray };
        if !begun.goes_on_with(fragment, data) {
            self.forget();
            return Came::Astray;
        }
        begun.next = begun.next.saturating_add(1);
        begun.bytes.extend_from_slice(data);
        match self.begun.take_if(|_| header.last) {
            Some(whole) if whole.bytes.len() >= SHORTEST => Came::Frame(whole.bytes),
            Some(_) => {
                self.broken += 1;
                Came::Astray
            }
            None => Came::More,
        }
    }
}

impl Begun {
    fn goes_on_with(&self, fragment: Fragment, data: &[u8]) -> bool {
        let at = usize::from(fragment.blocks) * BLOCK;
        let follows = fragment.number == 0 || at == self.bytes.len();
        follows
            && (fragment.number, fragment.frame) == (self.next, self.number)
            && self.bytes.len() + data.len() <= LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(len: usize) -> Vec<u8> {
        (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect()
    }

    fn bodies(frame: &[u8], number: u8, room: usize) -> Vec<Vec<u8>> {
        let mut outgoing = Outgoing::new(frame.to_vec(), number);
        let mut bodies = Vec::new();
        loop {
            let body = outgoing.body(room).unwrap();
            let done = outgoing.went(&body);
            bodies.push(body);
            if done {
                return bodies;
            }
        }
    }

    fn take(assembly: &mut Assembly, body: &[u8]) -> Came {
        let (header, data) = EoeHeader::parse(body).unwrap();
        assembly.take(&header, data)
    }

    #[test]
    fn a_frame_goes_in_blocks_and_comes_back_the_same_at_every_length_and_room() {
        for room in [36, 122, 128, 1480, 2000] {
            for len in [14, 32, 60, 96, 118, 119, 128, 192, 214, 1514, 1518] {
                let sent = bodies(&frame(len), 9, room);
                assert!(sent.iter().rev().skip(1).all(|body| (body.len() - HEADER_LEN).is_multiple_of(BLOCK)));
                assert!(sent.iter().all(|body| body.len() <= room));
                let mut assembly = Assembly::default();
                let mut came: Vec<_> = sent.iter().map(|body| take(&mut assembly, body)).collect();
                assert_eq!(came.pop(), Some(Came::Frame(frame(len))), "{len} in {room}");
                assert!(came.iter().all(|came| *came == Came::More));
                assert_eq!(assembly.take_broken(), 0);
            }
        }
        assert!(Outgoing::new(frame(60), 0).body(35).is_none(), "no room for a block");
    }

    #[test]
    fn the_first_fragment_says_how_many_blocks_and_the_others_where_they_begin() {
        let sent = bodies(&frame(192), 15, 122);
        let heads: Vec<_> = sent.iter().map(|body| EoeHeader::parse(body).unwrap().0).collect();
        let places: Vec<_> = heads.iter().map(|head| Fragment::parse(head.detail)).collect();
        assert_eq!(places[0], Fragment { number: 0, blocks: 6, frame: 15 });
        assert_eq!(places[1], Fragment { number: 1, blocks: 3, frame: 15 });
        assert_eq!((heads[0].last, heads[1].last, heads.len()), (false, true, 2));
        assert_eq!((number_after(14), number_after(15)), (15, 0));
    }

    #[test]
    fn a_lost_fragment_costs_its_frame_and_no_other() {
        let (first, second) = (bodies(&frame(300), 3, 122), bodies(&frame(200), 4, 122));
        let mut assembly = Assembly::default();
        assert_eq!(take(&mut assembly, &first[0]), Came::More);
        assert_eq!(take(&mut assembly, &first[2]), Came::Astray);
        assert_eq!(take(&mut assembly, &first[1]), Came::Astray, "its frame is gone");
        assert_eq!(assembly.take_broken(), 1);
        assert_eq!(take(&mut assembly, &first[0]), Came::More);
        assert_eq!(take(&mut assembly, &second[0]), Came::More, "the first frame's rest was lost");
        assert_eq!(take(&mut assembly, &first[1]), Came::Astray, "of another frame");
        assert_eq!(assembly.take_broken(), 2);
        assert_eq!(take(&mut assembly, &second[1]), Came::Astray);
        assert_eq!(take(&mut assembly, &second[0]), Came::More);
        assert_eq!(take(&mut assembly, &second[1]), Came::Frame(frame(200)));
    }

    #[test]
    fn a_time_stamp_is_taken_off_and_what_never_ends_or_is_no_frame_is_dropped() {
        let mut assembly = Assembly::default();
        let stamped = EoeHeader { time_appended: true, ..EoeHeader::new(EoeKind::Fragment, 0) };
        let data = [frame(60), vec![1, 2, 3, 4]].concat();
        assert_eq!(assembly.take(&stamped, &data), Came::Frame(frame(60)));
        assert_eq!(assembly.take(&EoeHeader::new(EoeKind::Fragment, 0), &[0; 13]), Came::Astray);
        let more = |number: u8| {
            let fragment = Fragment { number, blocks: number, frame: 0 };
            EoeHeader { last: false, ..EoeHeader::new(EoeKind::Fragment, fragment.emit()) }
        };
        let came: Vec<_> = (0..64).map(|number| assembly.take(&more(number), &[0; BLOCK])).collect();
        assert_eq!(came.iter().position(|came| *came == Came::Astray), Some(LONGEST / BLOCK));
        assert_eq!(assembly.take_broken(), 2);
    }
}
