//! `zerocat bench audit`: what the realtime thread asks of the kernel, counted from outside of it.

use super::{How, Progress};
use crate::Done;
use crate::check;
use crate::exit::Failure;
use crate::signals::Signals;
use clap::Args;
use std::path::PathBuf;
use zerocat::config::{LinkKind, Rig, Wait};
use zerocat::{Fault, fault_of_config};
use zerocat_benches::audit::{self, AuditError, AuditSettings};
use zerocat_sched::WaitPolicy;

/// System calls, page faults, allocations and context switches of the realtime thread in a cycle, seen from outside.
///
/// A run as `zerocat run` makes it, once for each socket and wait policy, with the kernel's tracer counting. It needs
/// root. It exits with 1 where something is not as it should be: a system call that is no part of a cycle or comes too
/// often, a page fault, an allocation.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  zerocat bench audit --interface ecm0 --segment ecs0\n  zerocat bench audit --interface enp3s0 --rig rig.json --rate 1000 --links xdp\n`scripts/audit.sh` sets a veth pair up around it."
)]
pub(super) struct Audit {
    /// The MainDevice's interface.
    #[arg(short, long)]
    interface: String,
    /// Interface at the other end of a veth pair: the demonstration's segment is simulated there. Without it, the bus of
    /// `--rig` must answer.
    #[arg(long, value_name = "PEER")]
    segment: Option<String>,
    /// Rig file; the demonstration's if not given.
    #[arg(long)]
    rig: Option<PathBuf>,
    /// Cycles of each row.
    #[arg(long, default_value_t = 100_000)]
    cycles: u64,
    /// Cycles per second.
    #[arg(long, default_value_t = 10_000.0, value_name = "HZ")]
    rate: f64,
    /// Sockets.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "xdp,packet")]
    links: Vec<Socket>,
    /// Wait policies.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "sleep,hybrid,spin")]
    waits: Vec<Policy>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Socket {
    Xdp,
    Packet,
}

/// Wait policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Policy {
    Sleep,
    Hybrid,
    Spin,
}

impl Policy {
    pub(super) fn wait(self) -> WaitPolicy {
        match self {
            Self::Sleep => WaitPolicy::Sleep,
            Self::Hybrid => WaitPolicy::default(),
            Self::Spin => WaitPolicy::Spin,
        }
    }

    const fn config(self) -> Wait {
        match self {
            Self::Sleep => Wait::Sleep,
            Self::Hybrid => Wait::Hybrid,
            Self::Spin => Wait::Spin,
        }
    }
}

impl Audit {
    pub(super) fn run(&self, signals: &Signals) -> Done {
        let settings = self.settings()?;
        let progress = Progress::new();
        let report = audit::run(&settings, |line| progress.say(line), || signals.stop()).map_err(|error| {
            let message = zerocat::chain(&error);
            match error {
                AuditError::Rig(_) => Failure::of(Fault::RulesBroken, message),
                AuditError::Segment { .. } => Failure::of(Fault::LinkUnavailable, message),
                AuditError::Session(ref error) => Failure::of(error.fault(), message),
                _ => Failure::of(Fault::BenchFailed, message),
            }
        })?;
        progress.end();
        let done = match report.violations().count() {
            0 => Ok(()),
            count => Err(Failure::of(Fault::AuditFindings, format!("{count} findings in the audit"))),
        };
        self.how.conclude(&report, || audit::table(&report), done)
    }

    fn settings(&self) -> Result<AuditSettings, Failure> {
        let mut rig = match &self.rig {
            Some(path) => check::load(path).map_err(|error| check::refused(path, &error))?,
            None => Rig::from_json(audit::DEMO_RIG)
                .map_err(|error| Failure::of(fault_of_config(&error), zerocat::chain(&error)))?,
        };
        rig.network.properties.interface.clone_from(&self.interface);
        rig.network.properties.rate = self.rate;
        rig.engine.cpu = self.how.cpu.or(rig.engine.cpu);
        rig.engine.priority = self.how.priority;
        let link = |link: &Socket| match link {
            Socket::Xdp => LinkKind::Xdp,
            Socket::Packet => LinkKind::Packet,
        };
        Ok(AuditSettings {
            rig,
            segment: self.segment.clone(),
            cycles: self.cycles,
            links: self.links.iter().map(link).collect(),
            waits: self.waits.iter().map(|policy| policy.config()).collect(),
        })
    }
}
