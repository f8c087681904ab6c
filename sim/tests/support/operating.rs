//! A mixed line in OP, and the cyclic frame that drives it.

use zerocat_sim::{Outcome, ProfileKind, SegmentConfig};
use zerocat_wire::datagram::MAX_DATA_ALONE;
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, Command, Datagram, FrameBuilder};

use super::Rig;

/// Where the process data of a kind lies: sync manager, first byte, length, control; outputs, then inputs.
type Areas = [Option<(u16, u16, u16, u8)>; 2];

fn areas(kind: ProfileKind) -> Areas {
    match kind {
        ProfileKind::DigitalIn => [None, Some((0, 0x1000, 1, 0x00))],
        ProfileKind::DigitalOut => [Some((0, 0x0f00, 1, 0x44)), None],
        ProfileKind::AnalogueIn => [None, Some((3, 0x1180, 8, 0x20))],
        ProfileKind::AnalogueOut => [Some((2, 0x1100, 4, 0x64)), None],
        ProfileKind::Servo => [Some((2, 0x1100, 8, 0x64)), Some((3, 0x1180, 12, 0x20))],
        _ => [None, None],
    }
}

fn has_mailbox(kind: ProfileKind) -> bool {
    matches!(kind, ProfileKind::AnalogueIn | ProfileKind::AnalogueOut | ProfileKind::Servo)
}

/// A line that is in OP.
pub(crate) struct Operating {
    pub(crate) rig: Rig,
    /// Bytes of its process image, from logical address 0 on.
    pub(crate) image: usize,
    /// Sum of the working counters of LRWs over the image.
    pub(crate) counter: u16,
    /// First byte of each frame; none cuts an area.
    cuts: Vec<usize>,
}

/// Brings `SegmentConfig::mixed(count)` to OP, each SubDevice by itself.
pub(crate) fn mixed(count: u16) -> Operating {
    let config = SegmentConfig::mixed(usize::from(count));
    let mut all = Operating { rig: Rig::new(&config), image: 0, counter: 0, cuts: vec![0] };
    for (position, subdevice) in (0u16..).zip(&config.subdevices) {
        all.map(position, subdevice.profile);
    }
    for state in [4, 8] {
        for position in 0..count {
            let reached = all.rig.al(position, state);
            assert_eq!(reached, (u16::from(state), 0), "SubDevice {position}");
        }
        for mut frame in all.frames() {
            assert_eq!(all.rig.segment.process(&mut frame, all.rig.now), Outcome::Returned);
        }
    }
    all
}

impl Operating {
    fn map(&mut self, position: u16, kind: ProfileKind) {
        if has_mailbox(kind) {
            self.rig.preop(position);
        } else {
            assert_eq!(self.rig.al(position, 2), (2, 0));
        }
        for (n, area) in (0u16..).zip(areas(kind).into_iter().enumerate()) {
            let (direction, Some((channel, start, length, control))) = area else { continue };
            self.rig.sync_manager(position, channel, start, length, control);
            if self.image + usize::from(length) - self.cuts.last().unwrap() > MAX_DATA_ALONE {
                self.cuts.push(self.image);
            }
            let [a, b] = u16::try_from(self.image).unwrap().to_le_bytes();
            let [l, m] = length.to_le_bytes();
            let [s, t] = start.to_le_bytes();
            // FMMUs: 2 writes, 1 reads.
            let kind = if direction == 0 { 2 } else { 1 };
            self.rig.fmmu(position, n, [a, b, 0, 0, l, m, 0, 7, s, t, 0, kind, 1]);
            self.image += usize::from(length);
            self.counter += u16::from(kind);
        }
    }

    /// LRWs over the image, with zeros.
    pub(crate) fn frames(&self) -> Vec<Vec<u8>> {
        let ends = self.cuts.iter().skip(1).chain([&self.image]);
        self.cuts.iter().zip(ends).map(|(from, to)| lrw(*from, to - from)).collect()
    }
}

fn lrw(address: usize, len: usize) -> Vec<u8> {
    let mut buffer = vec![0; 1514];
    let mut builder = FrameBuilder::new(&mut buffer, MacAddress::CYCLIC).unwrap();
    let address = Address::logical(u32::try_from(address).unwrap());
    builder.push(Datagram::new(Command::Lrw, address, 1, len)).unwrap();
    let len = builder.finish().unwrap();
    buffer.truncate(len);
    buffer
}
