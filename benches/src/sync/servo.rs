//! Brings the servo back to OP after a loss of synchronization, as whoever runs a machine would: a MainDevice leaves a SubDevice
//! with an error where it is.

use std::time::{Duration, Instant};
use zerocat::{Session, SubDeviceHandle};
use zerocat_wire::{AlState, register};

/// Time between two looks at its state.
const EACH: Duration = Duration::from_millis(200);
/// Time for a request.
const WITHIN: Duration = Duration::from_millis(500);
/// Acknowledges an error (ETG.1000.4, AL control).
const ACKNOWLEDGE: u8 = 0x10;

/// The servo by its registers.
#[derive(Debug)]
pub(super) struct Servo {
    handle: Option<SubDeviceHandle>,
    looked: Instant,
}

impl Servo {
    /// That of a session.
    pub(super) fn of(session: &Session) -> Self {
        Self { handle: session.subdevice("axis").ok().map(|servo| servo.within(WITHIN)), looked: Instant::now() }
    }

    /// Now and then asks for its state, and leads it on from SAFE-OP. What fails is tried again.
    pub(super) fn look(&mut self) {
        let Some(servo) = self.handle.as_ref().filter(|_| self.looked.elapsed() >= EACH) else { return };
        self.looked = Instant::now();
        let Ok(shown) = servo.state().wait() else { return };
        if shown.status.state() != Some(AlState::SafeOp) {
            return;
        }
        let safe_op = AlState::SafeOp as u8 | ACKNOWLEDGE;
        let asked = if shown.status.error() { safe_op } else { AlState::Op as u8 };
        let _ = servo.register_write(register::AL_CONTROL, vec![asked, 0]).wait();
    }
}
