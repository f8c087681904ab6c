//! Commands the servo as a program does: leads it from state to state until it is in operation, then lets its target swing. After a
//! loss of synchronization it acknowledges the error and asks for OP again: a MainDevice leaves a SubDevice with an error where it is.

use std::time::{Duration, Instant};
use zerocat::{Bus, Cycle, In, Io, Out, Past, Session, SubDeviceHandle};
use zerocat_wire::{AlState, register};

/// Time between two looks at its AL state.
const EACH: Duration = Duration::from_millis(200);
/// Time for a request.
const WITHIN: Duration = Duration::from_millis(500);
/// How long outputs stand without a commit: this is an ordinary thread.
const SILENT: Duration = Duration::from_secs(1);
/// Acknowledges an error (ETG.1000.4, AL control).
const ACKNOWLEDGE: u8 = 0x10;
/// Cyclic synchronous position.
const CSP: i8 = 8;
/// Counts to each side, and the time of a swing.
const SWING: f64 = 10_000.0;
const PERIOD: f64 = 2.0;

/// Bits of the status word that are the state, and the control words that lead on (IEC 61800-7-201, power drive systems).
const STATE: u16 = 0x006f;
const ENABLED: u16 = 0x0027;

/// Its process data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entries {
    status: In<u16>,
    position: In<i32>,
    control: Out<u16>,
    mode: Out<i8>,
    target: Out<i32>,
}

impl Entries {
    /// Asks a bus for them.
    pub(super) fn of(bus: &mut Bus) -> Self {
        Self {
            status: bus.input("axis", 0x6041),
            position: bus.input("axis", 0x6064),
            control: bus.output("axis", 0x6040),
            mode: bus.output("axis", 0x6060),
            target: bus.output("axis", 0x607a),
        }
    }

    /// A bus that may be without commands for a while.
    pub(super) fn patient(bus: Bus) -> Bus {
        bus.silent_after(SILENT)
    }

    /// Whether it was in operation in a cycle.
    pub(super) fn was_enabled(&self, past: &Past<'_>) -> bool {
        past.get(self.status) & STATE == ENABLED
    }
}

/// The servo and who commands it.
#[derive(Debug)]
pub(super) struct Servo {
    entries: Entries,
    handle: Option<SubDeviceHandle>,
    looked: Instant,
    /// Where it was when it came into operation, and when.
    origin: Option<(i32, Instant)>,
}

impl Servo {
    /// That of a session.
    pub(super) fn of(session: &Session, entries: Entries) -> Self {
        let handle = session.subdevice("axis").ok().map(|servo| servo.within(WITHIN));
        Self { entries, handle, looked: Instant::now(), origin: None }
    }

    /// Commands it in a cycle. A set that is refused is followed by the next.
    pub(super) fn command(&mut self, io: &mut Io, cycle: &Cycle) {
        let Entries { status, position, control, mode, target } = self.entries;
        let (status, position) = (io.get(status), io.get(position));
        let enabled = status & STATE == ENABLED;
        let (origin, since) = *self.origin.filter(|_| enabled).get_or_insert((position, Instant::now()));
        self.origin = enabled.then_some((origin, since));
        io.set(control, onward(status, io.commanded(control)));
        io.set(mode, CSP);
        io.set(target, if enabled { origin.wrapping_add(swing(since.elapsed())) } else { position });
        let _ = io.commit(cycle);
    }

    /// Now and then asks for its AL state, and leads it on from SAFE-OP. What fails is tried again.
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

/// The control word that leads on from a state. A fault is reset by a bit that rises.
const fn onward(status: u16, before: u16) -> u16 {
    match status & STATE {
        0x0008 => before & 0x0080 ^ 0x0080,
        0x0007 => 0x0000,
        0x0021 => 0x0007,
        0x0023 | ENABLED => 0x000f,
        _ => 0x0006,
    }
}

/// Where the target is, from where it began.
#[expect(clippy::cast_possible_truncation, reason = "some thousand counts")]
fn swing(since: Duration) -> i32 {
    let turns = since.as_secs_f64() / PERIOD;
    (SWING * (1.0 - (std::f64::consts::TAU * turns).cos())).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_left_towards_operation() {
        for (status, control) in [(0x0240, 6), (0x0231, 7), (0x0233, 15), (0x1237, 15), (0x0207, 0)] {
            assert_eq!(onward(status, 0), control, "{status:#06x}");
        }
        assert_eq!((onward(0x0208, 0), onward(0x0208, 0x80)), (0x80, 0));
    }

    #[test]
    fn a_swing_begins_and_ends_where_the_axis_was() {
        let at = |seconds| swing(Duration::from_secs_f64(seconds));
        assert_eq!([at(0.0), at(PERIOD / 2.0), at(PERIOD)], [0, 20_000, 0]);
    }
}
