//! Changes the settings of an interface as a rig wants them, and restores them: those that `doctor` checks and that can
//! be restored.
//!
//! Guarantees: the old value of a setting is on disk before it is changed; a setting that can't be changed is reported
//! and doesn't stop the others; an interface on which a rig runs isn't touched unless the caller overrides that,
//! because several drivers reset the link. Not guaranteed: that settings survive a reload of the driver or a restart of
//! the machine, because the kernel keeps them in memory only.

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
pub use plan::{Found, IrqCpu, Item, Preferences, Reading, ThreadedNapi, plan};
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
    /// There is no such interface, or it can't be read.
    #[error(transparent)]
    Interface(#[from] XdpError),
    /// A capability is missing.
    #[error("changing {interface} needs CAP_NET_ADMIN; run as root, or use --dry-run")]
    NotPermitted {
        /// The interface.
        interface: String,
    },
    /// A rig runs on it.
    #[error("{interface} is in use: {by}; changing it may reset the link: stop the rig, or use --force")]
    InUse {
        /// The interface.
        interface: String,
        /// What uses it.
        by: String,
    },
    /// There is no such CPU.
    #[error("there is no CPU {cpu} online; choose one of {online:?}")]
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
    /// The file is no state file, or belongs to another interface.
    #[error("the state file {} can't be used: {reason}; name another with --state", path.display())]
    StateWrong {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The state file belongs to an interface of this name in another network namespace.
    #[error(
        "the state file {} belongs to {interface} in another network namespace; restore it there, or name another with --state",
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

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Change the settings as a rig wants them.
    Apply,
    /// Report what that would change.
    DryRunApply,
    /// Restore the settings.
    Restore(ChangedSince),
    /// Report what that would change.
    DryRunRestore(ChangedSince),
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::DryRunApply => "apply_dry_run",
            Self::Restore(_) => "restore",
            Self::DryRunRestore(_) => "restore_dry_run",
        }
    }

    const fn changes(self) -> bool {
        matches!(self, Self::Apply | Self::Restore(_))
    }
}

/// Whether to change an interface while a rig runs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhileInUse {
    /// Don't.
    #[default]
    Refuse,
    /// Change it all the same.
    Override,
}

/// A request to [`tune()`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TuneRequest {
    /// The interface.
    pub interface: String,
    /// What to do.
    pub action: Action,
    /// CPU of the realtime thread; interrupts stay off it.
    pub cpu: Option<usize>,
    /// CPU for the interrupts of the NIC; if `None`, one that is neither the realtime CPU nor isolated.
    pub irq_cpu: Option<usize>,
    /// Whether the kernel polls in threads.
    pub threaded: ThreadedNapi,
    /// Path of the state file.
    pub state: PathBuf,
    /// Whether to change an interface that is in use.
    pub in_use: WhileInUse,
}

impl TuneRequest {
    /// A request with defaults for everything else.
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

/// The default state file of an interface. It is in `/run`, so a restart of the machine removes it like the settings.
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
    /// The state file; `null` if there is none, or none any longer.
    pub state: Option<PathBuf>,
    /// Each setting.
    pub settings: Vec<Row>,
    /// Remarks, such as a reset of the link.
    pub notes: Vec<String>,
}

impl Tuned {
    /// Number of settings with this outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.settings.iter().filter(|row| row.outcome == outcome).count()
    }
}

/// Tunes or restores an interface of the calling thread's network namespace. `say` is called with each change before it
/// is made.
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
    let preferences = preferences(&host, request)?;
    let nic = Nic::find(root, &before)?;
    let mut state = State::open(&request.state, &Identity::of(root, name, before.index))?;
    let Done { rows: settings, mut notes } = match request.action {
        Action::DryRunApply => apply::dry_run(&nic, &preferences).into(),
        Action::Apply => apply::apply(&nic, &preferences, &mut state, say)?,
        Action::DryRunRestore(since) => restore::dry_run(&nic, &state, since).into(),
        Action::Restore(since) => restore::restore(&nic, &mut state, since, say)?,
    };
    notes.extend(irqbalance_note(&host, &settings));
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

/// Checks that this process has permission, and that nothing uses the interface.
fn may_change(root: &Path, host: &HostReading, nic: &NicSettings, request: &TuneRequest) -> Result<(), TuneError> {
    let interface = request.interface.clone();
    if host.rights.capabilities.is_some_and(|own| !own.contains(Capabilities::NET_ADMIN)) {
        return Err(TuneError::NotPermitted { interface });
    }
    if request.in_use == WhileInUse::Override {
        return Ok(());
    }
    if let Some(resident) = AttachedProgram::of_interface(&interface)? {
        return Err(TuneError::InUse { interface, by: format!("it has an XDP program, {resident}") });
    }
    match InterfaceFiles::read(root, &interface, nic.index).sockets {
        None | Some(0) => Ok(()),
        Some(_) => Err(TuneError::InUse { interface, by: "an AF_PACKET socket for EtherCAT is open on it".to_owned() }),
    }
}

fn preferences(host: &HostReading, request: &TuneRequest) -> Result<Preferences, TuneError> {
    let is_online = |cpu: usize| host.online.is_empty() || host.online.contains(&cpu);
    if let Some(cpu) = request.cpu.into_iter().chain(request.irq_cpu).find(|cpu| !is_online(*cpu)) {
        return Err(TuneError::NoSuchCpu { cpu, online: host.online.clone() });
    }
    let choose = plan::housekeeping(&host.online, &host.host.isolated, request.cpu);
    let irq_cpu = request.irq_cpu.map_or(IrqCpu::Housekeeping { realtime: request.cpu, choose }, IrqCpu::Exactly);
    Ok(Preferences { irq_cpu, threaded: request.threaded })
}

fn irqbalance_note(host: &HostReading, settings: &[Row]) -> Option<String> {
    let moved = settings.iter().any(|row| matches!((&row.setting, row.outcome), (Setting::Irq(_), Outcome::Changed)));
    (moved && host.runs("irqbalance") == Some(true))
        .then(|| "irqbalance is running and will move interrupts again: systemctl disable --now irqbalance".to_owned())
}

#[cfg(test)]
mod tests;
