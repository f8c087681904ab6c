//! The AL state machine without its checks (ETG.1000.6, 6.4.1, figure 33 and table 101).

use zerocat_wire::{AlState, AlStatus, AlStatusCode};

const ACKNOWLEDGE: u16 = 0x10;

/// An error that is raised on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Injection {
    /// The state whose transition fails with it.
    pub(crate) on: AlState,
    pub(crate) code: AlStatusCode,
    /// How many more times it is raised.
    pub(crate) times: u32,
}

/// What follows from a write to AL control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing: an error has to be acknowledged first.
    Ignore,
    /// The state stays; status and code may have changed.
    Stay,
    /// A transition that the state machine allows.
    Go(AlState),
}

/// State, error flag and code.
#[derive(Debug)]
pub(crate) struct Al {
    state: AlState,
    error: bool,
    code: AlStatusCode,
    injection: Option<Injection>,
    /// BOOT is supported.
    boot: bool,
}

impl Al {
    pub(crate) fn new(injection: Option<Injection>, boot: bool) -> Self {
        Self { state: AlState::Init, error: false, code: AlStatusCode::NO_ERROR, injection, boot }
    }

    /// Raises an error on purpose from now on, in place of the one before.
    pub(crate) fn inject(&mut self, injection: Injection) {
        self.injection = Some(injection);
    }

    pub(crate) const fn state(&self) -> AlState {
        self.state
    }

    pub(crate) const fn code(&self) -> AlStatusCode {
        self.code
    }

    pub(crate) const fn error(&self) -> bool {
        self.error
    }

    /// The register's value.
    pub(crate) const fn status(&self) -> u16 {
        self.state as u16 | if self.error { AlStatus::ERROR } else { 0 }
    }

    /// Follows AL control as an ESC without application does. Returns whether the state changed.
    pub(crate) fn emulate(&mut self, control: u16) -> bool {
        let before = self.state;
        if let Some(state) = state_of(control) {
            self.state = state;
        }
        self.error = control & ACKNOWLEDGE != 0;
        self.state != before
    }

    /// Decides about a write to AL control.
    pub(crate) fn request(&mut self, control: u16) -> Decision {
        let target = state_of(control);
        if control & ACKNOWLEDGE != 0 {
            self.clear_error();
        } else if self.error && target.is_none_or(|target| target >= self.state) {
            return Decision::Ignore;
        }
        let Some(target) = target else {
            self.fail(self.state, AlStatusCode::UNKNOWN_STATE);
            return Decision::Stay;
        };
        if target == self.state {
            // Whoever refuses INIT does so in INIT too.
            if target == AlState::Init
                && let Err(code) = self.injected(target)
            {
                self.fail(target, code);
            }
            return Decision::Stay;
        }
        if (self.state, target) == (AlState::Init, AlState::Boot) && !self.boot {
            self.fail(self.state, AlStatusCode::BOOT_NOT_SUPPORTED);
            return Decision::Stay;
        }
        if !allowed(self.state, target) {
            self.fail(self.state, AlStatusCode::INVALID_STATE_CHANGE);
            return Decision::Stay;
        }
        self.clear_error();
        Decision::Go(target)
    }

    /// The injected error for a transition to `target`, if one is due.
    pub(crate) fn injected(&mut self, target: AlState) -> Result<(), AlStatusCode> {
        match &mut self.injection {
            Some(injection) if injection.on == target && injection.times > 0 => {
                injection.times -= 1;
                Err(injection.code)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn enter(&mut self, state: AlState) {
        self.state = state;
        self.clear_error();
    }

    /// Shows an error in `state`.
    pub(crate) fn fail(&mut self, state: AlState, code: AlStatusCode) {
        self.state = state;
        self.error = true;
        self.code = code;
    }

    fn clear_error(&mut self) {
        self.error = false;
        self.code = AlStatusCode::NO_ERROR;
    }
}

fn state_of(control: u16) -> Option<AlState> {
    let [low, _] = control.to_le_bytes();
    AlState::from_bits(low)
}

/// Upwards one state at a time, downwards any number; BOOT from and to INIT only.
fn allowed(from: AlState, to: AlState) -> bool {
    match to {
        AlState::Init => true,
        AlState::PreOp => from != AlState::Boot,
        AlState::SafeOp => matches!(from, AlState::PreOp | AlState::Op),
        AlState::Op => from == AlState::SafeOp,
        AlState::Boot => from == AlState::Init,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(state: AlState) -> Al {
        let mut al = Al::new(None, false);
        al.enter(state);
        al
    }

    #[test]
    fn refuses_every_jump_upwards() {
        for (from, to) in [(AlState::Init, 4), (AlState::Init, 8), (AlState::PreOp, 8)] {
            let mut al = at(from);
            assert_eq!(al.request(to), Decision::Stay);
            assert_eq!((al.status(), al.code()), (from as u16 | 0x10, AlStatusCode::INVALID_STATE_CHANGE));
        }
    }

    fn al_state(bits: u16) -> AlState {
        state_of(bits).unwrap()
    }

    #[test]
    fn allows_every_way_down() {
        for (from, to) in [(AlState::Op, 4), (AlState::Op, 2), (AlState::Op, 1), (AlState::SafeOp, 2)] {
            assert_eq!(at(from).request(to), Decision::Go(al_state(to)));
        }
    }

    #[test]
    fn an_unknown_state_and_boot_have_codes_of_their_own() {
        let mut al = at(AlState::PreOp);
        al.request(7);
        assert_eq!((al.status(), al.code().0), (0x12, 0x0012));
        let mut al = at(AlState::Init);
        al.request(3);
        assert_eq!((al.status(), al.code().0), (0x11, 0x0013));
    }

    #[test]
    fn boot_is_entered_from_init_and_left_to_init() {
        let mut al = Al::new(None, true);
        assert_eq!(al.request(3), Decision::Go(AlState::Boot));
        al.enter(AlState::Boot);
        for up in [2, 4, 8] {
            assert_eq!(al.request(up | 0x10), Decision::Stay);
            assert_eq!((al.status(), al.code()), (0x13, AlStatusCode::INVALID_STATE_CHANGE));
        }
        assert_eq!(al.request(1), Decision::Go(AlState::Init));
        for from in [AlState::PreOp, AlState::SafeOp, AlState::Op] {
            let mut al = Al::new(None, true);
            al.enter(from);
            assert_eq!(al.request(3), Decision::Stay);
            assert_eq!(al.code(), AlStatusCode::INVALID_STATE_CHANGE);
        }
    }

    #[test]
    fn an_error_is_acknowledged_before_the_next_step_up() {
        let mut al = at(AlState::PreOp);
        al.fail(AlState::PreOp, AlStatusCode::INVALID_INPUT_CONFIGURATION);
        assert_eq!(al.request(4), Decision::Ignore);
        assert_eq!(al.code(), AlStatusCode::INVALID_INPUT_CONFIGURATION);
        assert_eq!(al.request(0x12), Decision::Stay);
        assert_eq!((al.status(), al.code()), (0x02, AlStatusCode::NO_ERROR));
        assert_eq!(al.request(4), Decision::Go(AlState::SafeOp));
    }

    #[test]
    fn a_way_down_needs_no_acknowledge() {
        let mut al = at(AlState::SafeOp);
        al.fail(AlState::SafeOp, AlStatusCode::SYNC_MANAGER_WATCHDOG);
        assert_eq!(al.request(1), Decision::Go(AlState::Init));
    }

    #[test]
    fn who_refuses_init_does_so_in_init_too() {
        let code = AlStatusCode(0x0014);
        let mut al = Al::new(Some(Injection { on: AlState::Init, code, times: 2 }), false);
        assert_eq!((al.request(1), al.status(), al.code()), (Decision::Stay, 0x11, code));
        assert_eq!((al.request(1), al.status()), (Decision::Ignore, 0x11));
        assert_eq!((al.request(0x11), al.status(), al.code()), (Decision::Stay, 0x11, code));
        assert_eq!((al.request(0x11), al.status()), (Decision::Stay, 0x01));
        assert_eq!(al.request(2), Decision::Go(AlState::PreOp));
    }

    #[test]
    fn an_injected_error_comes_as_often_as_asked() {
        let injection = Injection { on: AlState::SafeOp, code: AlStatusCode(29), times: 2 };
        let mut al = Al::new(Some(injection), false);
        assert_eq!(al.injected(AlState::PreOp), Ok(()));
        assert_eq!(al.injected(AlState::SafeOp), Err(AlStatusCode(29)));
        assert_eq!(al.injected(AlState::SafeOp), Err(AlStatusCode(29)));
        assert_eq!(al.injected(AlState::SafeOp), Ok(()));
    }
}
