//! What the bus thread wants to know of the world beside the bus. Real on a host; made up under virtual time.

use crate::host_facts::has_carrier;
use std::fmt;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime};
use zerocat_link::watch::{AttachmentState, Watch};
use zerocat_sched::time::{nanos, suspended};

/// Whether a link still stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// As far as is known it does.
    Standing,
    /// Somebody detached its program: no frame comes in until it is attached again; frames still go out.
    Detached,
    /// It does not, and frames can't flow again through it; the reason, with what to do.
    Gone(String),
}

/// Why a program was not attached again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAttached {
    /// It may be later: somebody else's program is there now.
    Now(String),
    /// It can't be, as long as this process runs.
    Ever(String),
}

/// The world beside the bus. Each question is answered at once, without waiting.
pub trait Surroundings: fmt::Debug {
    /// Whether the interface has carrier; `None` where that isn't known.
    fn carrier(&self) -> Option<bool>;
    /// How long the machine has been suspended since it was started.
    fn suspended(&self) -> Duration;
    /// Whether the link still stands.
    fn link(&self) -> LinkState;
    /// Attaches the link's program again after somebody detached it.
    ///
    /// # Errors
    /// Why it isn't attached, with what to do.
    fn attach_again(&self) -> Result<(), NotAttached>;
    /// What the reference clock is to show: nanoseconds since 2000-01-01, the epoch of distributed clocks. `running` is the bus
    /// thread's clock; where there is no wall clock the time goes by that.
    fn system_time(&self, running: Duration) -> u64 {
        WITHOUT_WALL_CLOCK.saturating_add(nanos(running))
    }
}

/// System time of a world without a wall clock when it begins: 2025-01-01.
const WITHOUT_WALL_CLOCK: u64 = 788_918_400_000_000_000;
/// 2000-01-01 in Unix time.
const EPOCH: Duration = Duration::from_secs(946_684_800);

/// A world in which nothing happens to link and machine.
#[derive(Debug, Clone, Copy)]
pub struct Calm;

impl Surroundings for Calm {
    fn carrier(&self) -> Option<bool> {
        None
    }

    fn suspended(&self) -> Duration {
        Duration::ZERO
    }

    fn link(&self) -> LinkState {
        LinkState::Standing
    }

    fn attach_again(&self) -> Result<(), NotAttached> {
        Ok(())
    }
}

/// The interface of a session on this host.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) interface: String,
    pub(crate) watch: Option<Box<dyn Watch>>,
}

impl Surroundings for Host {
    fn carrier(&self) -> Option<bool> {
        has_carrier(&self.interface)
    }

    fn suspended(&self) -> Duration {
        suspended()
    }

    fn link(&self) -> LinkState {
        let interface = &self.interface;
        match self.watch.as_ref().map_or(AttachmentState::Unknown, |watch| watch.state()) {
            AttachmentState::Attached | AttachmentState::Unknown => LinkState::Standing,
            AttachmentState::Detached => LinkState::Detached,
            AttachmentState::InterfaceGone => LinkState::Gone(format!(
                "the interface {interface} was removed, or moved to another network namespace; put it back and start again"
            )),
        }
    }

    fn system_time(&self, _: Duration) -> u64 {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(EPOCH);
        nanos(unix.saturating_sub(EPOCH))
    }

    fn attach_again(&self) -> Result<(), NotAttached> {
        let Some(watch) = &self.watch else { return Ok(()) };
        let interface = &self.interface;
        watch.attach_again().map_err(|error| match error.kind() {
            ErrorKind::ResourceBusy | ErrorKind::AlreadyExists => NotAttached::Now(format!(
                "somebody put another XDP program on {interface}; remove it, and zerocat attaches its own again"
            )),
            _ => NotAttached::Ever(format!(
                "somebody detached the XDP program from {interface}, and it can't be attached again: {error}; start \
                 zerocat again"
            )),
        })
    }
}
