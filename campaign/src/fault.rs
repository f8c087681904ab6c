//! Faults: what can happen to a network, and a schedule of them drawn from a seed.

use fastrand::Rng;
use std::time::Duration;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A cable within the segment is pulled.
    Cable {
        /// SubDevice at its downstream end.
        child: usize,
    },
    /// The MainDevice's cable is pulled.
    End,
    /// A SubDevice has no power.
    Power {
        /// Which.
        subdevice: usize,
    },
    /// All frames are lost on their way out.
    LoseAll,
    /// All frames are lost on their way back: the segment acts on them.
    LoseAnswers,
    /// One frame in `n` is lost.
    LoseSome {
        /// How many.
        n: u32,
    },
    /// All frames come back after their deadline.
    Late,
    /// A cable damages frames.
    Damage {
        /// SubDevice at its downstream end.
        child: usize,
    },
    /// The whole program stands still.
    Stall,
    /// The bus thread has no CPU.
    BusThreadStarved,
    /// The machine is suspended: its clock stands still, and CLOCK_BOOTTIME tells.
    Suspended,
    /// A virtual machine is paused: no clock tells.
    Paused,
    /// The interface is down: the link keeps what is posted and sends it when the interface is up again.
    InterfaceDown,
    /// A SubDevice falls out of OP by itself.
    AlError {
        /// Which.
        subdevice: usize,
        /// AL status code.
        code: u16,
    },
    /// A SubDevice's mailbox answers no more.
    MailboxFrozen {
        /// Which.
        subdevice: usize,
    },
    /// The interface is gone.
    LinkGone,
    /// The XDP program is detached by somebody else, who leaves no room for it for a time.
    Detached,
}

impl FaultKind {
    /// Its name in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cable { .. } => "cable",
            Self::End => "end",
            Self::Power { .. } => "power",
            Self::LoseAll => "lose_all",
            Self::LoseAnswers => "lose_answers",
            Self::LoseSome { .. } => "lose_some",
            Self::Late => "late",
            Self::Damage { .. } => "damage",
            Self::Stall => "stall",
            Self::BusThreadStarved => "bus_thread_starved",
            Self::Suspended => "suspended",
            Self::Paused => "paused",
            Self::InterfaceDown => "interface_down",
            Self::AlError { .. } => "al_error",
            Self::MailboxFrozen { .. } => "mailbox_frozen",
            Self::LinkGone => "link_gone",
            Self::Detached => "detached",
        }
    }

    /// Whether it may go on for ever: the program runs, and can end in spite of it.
    const fn may_stay(self) -> bool {
        !matches!(self, Self::Stall | Self::BusThreadStarved | Self::Suspended | Self::Paused)
    }

    fn draw(rng: &mut Rng, subdevices: usize) -> Self {
        let one = rng.usize(0..subdevices);
        match rng.u32(0..31) {
            0..=2 => Self::Cable { child: one },
            3..=5 => Self::End,
            6..=7 => Self::Power { subdevice: one },
            8..=10 => Self::LoseAll,
            11..=12 => Self::LoseAnswers,
            13..=14 => Self::LoseSome { n: rng.u32(2..8) },
            15..=16 => Self::Late,
            17 => Self::Damage { child: one },
            18..=21 => Self::Stall,
            22..=23 => Self::BusThreadStarved,
            24 => Self::Suspended,
            25 => Self::Paused,
            26..=27 => Self::InterfaceDown,
            28 => Self::AlError { subdevice: one, code: *rng.choice(&[0x001b, 0x0023, 0x8001]).unwrap_or(&0x001b) },
            29 => Self::MailboxFrozen { subdevice: one },
            _ if one.is_multiple_of(2) => Self::LinkGone,
            _ => Self::Detached,
        }
    }
}

/// A fault and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: Duration,
    pub(crate) lasts: Duration,
    pub(crate) kind: FaultKind,
}

/// What happens in a life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// In the order of their beginnings.
    pub(crate) faults: Vec<Fault>,
    /// When the stop is asked for.
    pub(crate) stop: Duration,
}

impl Schedule {
    /// Draws one: up to five faults from the first moment on, and a stop that may come in the middle of anything.
    pub(crate) fn draw(rng: &mut Rng, subdevices: usize) -> Self {
        let millis = |rng: &mut Rng, from, to| Duration::from_millis(rng.u64(from..to));
        let mut faults: Vec<Fault> = (0..rng.usize(0..6))
            .map(|_| {
                let kind = FaultKind::draw(rng, subdevices);
                // Around the watchdog's 100 ms as often as well beyond it, and now and then for ever.
                let lasts = match (rng.u8(0..12), kind) {
                    (0, kind) if kind.may_stay() => Duration::from_secs(1000),
                    (1..=6, _) => millis(rng, 1, 250),
                    _ => millis(rng, 100, 1500),
                };
                Fault { at: millis(rng, 0, 3000), lasts, kind }
            })
            .collect();
        faults.sort_by_key(|fault| fault.at);
        // Half of the stops come some milliseconds behind a fault, which is when they hurt.
        let stop = match faults.last() {
            Some(last) if rng.bool() => last.at + millis(rng, 0, 60),
            _ => millis(rng, 10, 5000),
        };
        Self { faults, stop }
    }
}
