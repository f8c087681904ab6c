//! The power drive state machine (IEC 61800-7-201, 5.3, and CiA 402-2, 6.2) without what the states do.

/// Its states. "Not ready to switch on" passes at power-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drive {
    SwitchOnDisabled,
    ReadyToSwitchOn,
    SwitchedOn,
    OperationEnabled,
    QuickStopActive,
    FaultReactionActive,
    Fault,
}

impl Drive {
    /// Bits of the status word: state, voltage enabled.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::SwitchOnDisabled => 0x0040,
            Self::ReadyToSwitchOn => 0x0031,
            Self::SwitchedOn => 0x0033,
            Self::OperationEnabled => 0x0037,
            Self::QuickStopActive => 0x0017,
            Self::FaultReactionActive => 0x001f,
            Self::Fault => 0x0018,
        }
    }

    /// The state after one look at the control word. `resumes` says whether operation may be enabled again from
    /// quick stop active (transition 16, quick stop option codes 5 to 8). Bit 7 of `rising` resets a fault.
    pub(super) fn next(self, control: u16, rising: u16, resumes: bool) -> Self {
        let (disable_voltage, quick_stop) = (control & 0x02 == 0, control & 0x06 == 0x02);
        let shutdown = control & 0x07 == 0x06;
        let switch_on = control & 0x07 == 0x07;
        let enable = control & 0x0f == 0x0f;
        match self {
            Self::FaultReactionActive => self,
            Self::Fault if rising & 0x80 != 0 => Self::SwitchOnDisabled,
            Self::Fault => self,
            _ if disable_voltage => Self::SwitchOnDisabled,
            Self::OperationEnabled | Self::QuickStopActive if quick_stop => Self::QuickStopActive,
            _ if quick_stop => Self::SwitchOnDisabled,
            Self::SwitchOnDisabled if shutdown => Self::ReadyToSwitchOn,
            Self::ReadyToSwitchOn if switch_on => Self::SwitchedOn,
            Self::SwitchedOn | Self::OperationEnabled if shutdown => Self::ReadyToSwitchOn,
            Self::SwitchedOn if enable => Self::OperationEnabled,
            Self::QuickStopActive if enable && resumes => Self::OperationEnabled,
            Self::OperationEnabled if switch_on && !enable => Self::SwitchedOn,
            same => same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_to_operation_enabled_by_the_usual_words() {
        let mut drive = Drive::SwitchOnDisabled;
        for (control, state) in [
            (0x0f, Drive::SwitchOnDisabled),
            (0x06, Drive::ReadyToSwitchOn),
            (0x07, Drive::SwitchedOn),
            (0x0f, Drive::OperationEnabled),
            (0x02, Drive::QuickStopActive),
            (0x00, Drive::SwitchOnDisabled),
        ] {
            drive = drive.next(control, 0, false);
            assert_eq!(drive, state, "after {control:#x}");
        }
    }

    #[test]
    fn operation_resumes_from_quick_stop_only_where_the_option_code_says_so() {
        assert_eq!(Drive::QuickStopActive.next(0x0f, 0, false), Drive::QuickStopActive);
        assert_eq!(Drive::QuickStopActive.next(0x0f, 0, true), Drive::OperationEnabled);
    }

    #[test]
    fn a_fault_is_left_by_a_rising_edge_only() {
        for control in [0x00, 0x06, 0x0f, 0x80] {
            assert_eq!(Drive::Fault.next(control, 0, true), Drive::Fault);
        }
        assert_eq!(Drive::Fault.next(0x80, 0x80, false), Drive::SwitchOnDisabled);
        assert_eq!(Drive::FaultReactionActive.next(0x80, 0x80, false), Drive::FaultReactionActive);
    }
}
