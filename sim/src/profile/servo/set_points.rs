//! Set-points of profile position: the handshake of new set-point and set-point acknowledge, and one that waits
//! (IEC 61800-7-201, "profile position mode", set-points one by one and immediately).

const NEW: u16 = 0x0010;
const IMMEDIATELY: u16 = 0x0020;
const RELATIVE: u16 = 0x0040;

/// What is aimed at, and what comes after it. Positions as the MainDevice sees them.
#[derive(Debug, Default)]
pub(super) struct SetPoints {
    pub(super) target: f64,
    next: Option<f64>,
    heard: bool,
}

impl SetPoints {
    /// Aims at where the axis is, forgets the rest.
    pub(super) fn hold(&mut self, position: f64) {
        *self = Self { target: position, ..*self };
        self.next = None;
    }

    /// Looks at the control word. `resting` says that the target is reached. A set-point for which there is no room
    /// is not taken: the MainDevice sees that the acknowledge bit doesn't fall.
    pub(super) fn control(&mut self, control: u16, rising: u16, target: f64, resting: bool) {
        if rising & NEW != 0 {
            let base = self.next.unwrap_or(self.target);
            let target = if control & RELATIVE == 0 { target } else { base + target };
            if resting && self.next.is_none() || control & IMMEDIATELY != 0 {
                self.target = target;
                self.next = None;
            } else if self.next.is_none() {
                self.next = Some(target);
            }
        }
        self.heard = control & NEW != 0;
    }

    /// Goes on to the set-point that waits, when the one before is reached.
    pub(super) fn reached(&mut self) {
        if let Some(next) = self.next.take() {
            self.target = next;
        }
    }

    /// Whether one waits.
    pub(super) fn waiting(&self) -> bool {
        self.next.is_some()
    }

    /// Bit 12 of the status word: a set-point was heard, or there is no room for another.
    pub(super) fn acknowledges(&self) -> bool {
        self.heard || self.next.is_some()
    }
}
