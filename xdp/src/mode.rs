//! The ways in which frames get from the NIC into our memory.
//!
//! The mode in use is never derived from the mode that was asked for. It is read back from the kernel: from the mode in
//! which the program is attached, and from the socket's `XDP_OPTIONS`.

use std::fmt;

/// A way for frames to reach the UMEM, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// The NIC reads and writes the UMEM itself. The driver must support it.
    ZeroCopy,
    /// The program runs in the driver, and the kernel copies between the driver's buffers and the UMEM.
    NativeCopy,
    /// The program runs in the network stack, after the kernel has built an skb. Works on every interface.
    Generic,
}

impl Mode {
    /// All modes, best first.
    pub const BEST_FIRST: [Self; 3] = [Self::ZeroCopy, Self::NativeCopy, Self::Generic];

    /// The mode that a program's attachment and a socket's `XDP_OPTIONS` amount to.
    #[must_use]
    pub const fn from_kernel(attached: Attached, zerocopy: bool) -> Self {
        match (attached, zerocopy) {
            (Attached::Generic, _) => Self::Generic,
            (Attached::Native, true) => Self::ZeroCopy,
            (Attached::Native, false) => Self::NativeCopy,
        }
    }

    /// Where the program has to be attached for this mode.
    #[must_use]
    pub const fn attachment(self) -> Attached {
        match self {
            Self::ZeroCopy | Self::NativeCopy => Attached::Native,
            Self::Generic => Attached::Generic,
        }
    }

    /// Its name in rig files and reports.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::ZeroCopy => "zero_copy",
            Self::NativeCopy => "native_copy",
            Self::Generic => "generic",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroCopy => "zero-copy",
            Self::NativeCopy => "native copy",
            Self::Generic => "generic",
        })
    }
}

/// Which mode to open with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModeRequest {
    /// The best one that the interface gives: zero-copy, else native copy, else generic.
    #[default]
    Auto,
    /// This mode or an error.
    Force(Mode),
}

impl ModeRequest {
    /// The modes to try, in order.
    #[must_use]
    pub fn candidates(self) -> &'static [Mode] {
        match self {
            Self::Auto => &Mode::BEST_FIRST,
            Self::Force(Mode::ZeroCopy) => &[Mode::ZeroCopy],
            Self::Force(Mode::NativeCopy) => &[Mode::NativeCopy],
            Self::Force(Mode::Generic) => &[Mode::Generic],
        }
    }
}

impl fmt::Display for ModeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Force(mode) => write!(f, "{mode}"),
        }
    }
}

/// Where an XDP program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attached {
    /// In the driver (`ip link` shows `xdp`).
    Native,
    /// In the network stack (`ip link` shows `xdpgeneric`).
    Generic,
}

impl fmt::Display for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Generic => "generic",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_tries_the_best_mode_first() {
        assert_eq!(ModeRequest::Auto.candidates(), [Mode::ZeroCopy, Mode::NativeCopy, Mode::Generic]);
    }

    #[test]
    fn a_forced_mode_is_the_only_one_tried() {
        for mode in Mode::BEST_FIRST {
            assert_eq!(ModeRequest::Force(mode).candidates(), [mode]);
        }
    }

    #[test]
    fn a_generic_program_is_generic_whatever_the_socket_says() {
        assert_eq!(Mode::from_kernel(Attached::Generic, true), Mode::Generic);
        assert_eq!(Mode::from_kernel(Attached::Native, true), Mode::ZeroCopy);
        assert_eq!(Mode::from_kernel(Attached::Native, false), Mode::NativeCopy);
    }
}
