//! Sets an interface as a rig wants it, and puts it back: what `doctor` asks for and can be taken back.
//!
//! Guarantees: what a setting was is on disk before it is changed; what can't be changed is said and stops nothing; an
//! interface that a rig runs on isn't touched unless that is asked for, since several drivers reset the link. Not
//! guaranteed: that settings outlive the driver or the machine's next start. They are the kernel's, not ours.

mod apply;
mod outcome;
mod plan;
mod port;
mod restore;
mod setting;
mod state;
#[cfg(test)]
mod testing;

pub use outcome::{Outcome, Row};
pub use plan::{Found, IrqCpu, Item, Reading, ThreadedNapi, Wish, plan};
pub use restore::ChangedSince;
pub use setting::{Setting, Value};
pub use state::{Entry, Identity, State};

use crate::doctor::{HostReading, InterfaceFiles};
use crate::nic::NicSettings;
use outcome::Done;
use port::Nic;
use serde::Serialize;
use std::path::{Path, PathBuf};
use zerocat_sched::Capabilities;
use zerocat_xdp::{AttachedProgram, XdpError};

/// Name and version of the schema.
pub const TUNE_SCHEMA: &str = "zerocat-tune/1";

/// Why nothing was changed, or not all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// There is no such interface, or it can't be asked.
    #[error(transparent)]
    Interface(#[from] XdpError),
    /// A capability is missing.
    #[error("changing {interface} needs CAP_NET_ADMIN; run as root, or look with --dry-run")]
    NotPermitted {
        /// The interface.
        interface: String,
    },
    /// A rig runs on it.
    #[error("{interface} is in use: {by}; changing it may reset the link: stop the rig, or insist with --force")]
    InUse {
        /// The interface.
        interface: String,
        /// By what.
        by: String,
    },
    /// A CPU that there isn't.
    #[error("there is no CPU {cpu} on line; there are {online:?}")]
    NoSuchCpu {
        /// What was asked for.
        cpu: usize,
        /// Those that there are.
        online: Vec<usize>,
    },
    /// The state file can't be read.
    #[error("read the state file {}", path.display())]
    StateRead {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The state file isn't one, or is of another interface.
    #[error("the state file {} can't be used: {reason}; name another with --state", path.display())]
    StateWrong {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The state file is of an interface of that name in another network namespace.
    #[error(
        "the state file {} is of {interface} in another network namespace; restore there, or name another with --state",
        path.display()
    )]
    StateElsewhere {
        /// Where it is.
        path: PathBuf,
        /// The interface.
        interface: String,
    },
    /// The state file can't be written.
    #[error("write the state file {}", path.display())]
    StateWrite {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Set the interface as a rig wants it.
    Apply,
    /// Say what that would change.
    RehearseApply,
    /// Put the interface back.
    Restore(ChangedSince),
    /// Say what that would change.
    RehearseRestore(ChangedSince),
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::RehearseApply => "apply_dry_run",
            Self::Restore(_) => "restore",
            Self::RehearseRestore(_) => "restore_dry_run",
        }
    }

    const fn changes(self) -> bool {
        matches!(self, Self::Apply | Self::Restore(_))
    }
}

/// Whether an interface may be touched while a rig runs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhileInUse {
    /// No.
    #[default]
    Refuse,
    /// Yes.
    Insist,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TuneRequest {
    /// The interface.
    pub interface: String,
    /// What is to be done.
    pub action: Action,
    /// CPU of the realtime thread; interrupts stay off it.
    pub cpu: Option<usize>,
    /// CPU for the interrupts of the NIC; one that is neither realtime nor isolated if none is named.
    pub irq_cpu: Option<usize>,
    /// Threads of the kernel's polling.
    pub threaded: ThreadedNapi,
    /// Where the settings are kept as they were.
    pub state: PathBuf,
    /// Whether to touch an interface that is in use.
    pub in_use: WhileInUse,
}

impl TuneRequest {
    /// To do this to an interface, all else as it is by default.
    #[must_use]
    pub fn new(interface: &str, action: Action) -> Self {
        Self {
            interface: interface.to_owned(),
            action,
            cpu: None,
            irq_cpu: None,
            threaded: ThreadedNapi::default(),
            state: default_state(interface),
            in_use: WhileInUse::default(),
        }
    }
}

/// The state file of an interface: gone with the machine's next start, as the settings are.
#[must_use]
pub fn default_state(interface: &str) -> PathBuf {
    PathBuf::from(format!("/run/zerocat/tune-{interface}.json"))
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tuned {
    /// Always `zerocat-tune/1`.
    pub schema: &'static str,
    /// Version of zerocat.
    pub version: &'static str,
    /// The interface.
    pub interface: String,
    /// `apply`, `apply_dry_run`, `restore`, `restore_dry_run`.
    pub action: &'static str,
    /// The state file; `null` if there is none (any more).
    pub state: Option<PathBuf>,
    /// Each setting.
    pub settings: Vec<Row>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
}

impl Tuned {
    /// Number of settings that this became of.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.settings.iter().filter(|row| row.outcome == outcome).count()
    }
}

/// Does what is asked for to an interface of the calling thread's network namespace. `say` is told of each change
/// before it is made.
///
/// # Errors
/// `Interface`, `NotPermitted`, `InUse`, `NoSuchCpu`, those of the state file.
pub fn tune(request: &TuneRequest, say: &mut dyn FnMut(&str)) -> Result<Tuned, TuneError> {
    tune_below(Path::new("/"), request, say)
}

fn tune_below(root: &Path, request: &TuneRequest, say: &mut dyn FnMut(&str)) -> Result<Tuned, TuneError> {
    let name = &request.interface;
    let before = NicSettings::of_interface(name)?;
    let host = HostReading::read(root);
    if request.action.changes() {
        may_change(root, &host, &before, request)?;
    }
    let wish = wish(&host, request)?;
    let nic = Nic::find(root, &before)?;
    let mut state = State::open(&request.state, &Identity::of(root, name, before.index))?;
    let Done { rows: settings, mut notes } = match request.action {
        Action::RehearseApply => apply::rehearse(&nic, &wish).into(),
        Action::Apply => apply::apply(&nic, &wish, &mut state, say)?,
        Action::RehearseRestore(since) => restore::rehearse(&nic, &state, since).into(),
        Action::Restore(since) => restore::restore(&nic, &mut state, since, say)?,
    };
    notes.extend(moved_again(&host, &settings));
    Ok(Tuned {
        schema: TUNE_SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        interface: name.clone(),
        action: request.action.name(),
        state: state.path().exists().then(|| state.path().into()),
        settings,
        notes,
    })
}

/// Whether this process may, and nobody is disturbed.
fn may_change(root: &Path, host: &HostReading, nic: &NicSettings, request: &TuneRequest) -> Result<(), TuneError> {
    let interface = request.interface.clone();
    if host.rights.capabilities.is_some_and(|own| !own.contains(Capabilities::NET_ADMIN)) {
        return Err(TuneError::NotPermitted { interface });
    }
    if request.in_use == WhileInUse::Insist {
        return Ok(());
    }
    if let Some(resident) = AttachedProgram::of_interface(&interface)? {
        return Err(TuneError::InUse { interface, by: format!("an XDP program is on it, {resident}") });
    }
    match InterfaceFiles::read(root, &interface, nic.index).sockets {
        None | Some(0) => Ok(()),
        Some(_) => Err(TuneError::InUse { interface, by: "an AF_PACKET socket for EtherCAT is open on it".to_owned() }),
    }
}

fn wish(host: &HostReading, request: &TuneRequest) -> Result<Wish, TuneError> {
    let on_line = |cpu: usize| host.online.is_empty() || host.online.contains(&cpu);
    if let Some(cpu) = request.cpu.into_iter().chain(request.irq_cpu).find(|cpu| !on_line(*cpu)) {
        return Err(TuneError::NoSuchCpu { cpu, online: host.online.clone() });
    }
    let choose = plan::housekeeping(&host.online, &host.host.isolated, request.cpu);
    let irq_cpu = request.irq_cpu.map_or(IrqCpu::Housekeeping { realtime: request.cpu, choose }, IrqCpu::Exactly);
    Ok(Wish { irq_cpu, threaded: request.threaded })
}

fn moved_again(host: &HostReading, settings: &[Row]) -> Option<String> {
    let moved = settings.iter().any(|row| matches!((&row.setting, row.outcome), (Setting::Irq(_), Outcome::Changed)));
    (moved && host.runs("irqbalance") == Some(true))
        .then(|| "irqbalance runs and will move interrupts again: systemctl disable --now irqbalance".to_owned())
}

#[cfg(test)]
mod tests;
