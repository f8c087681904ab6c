//! Reads a machine and an interface, and judges both: what `zerocat doctor` prints.
//!
//! Guarantees: nothing is changed and nothing is sent; what can't be read is a note, never `ok`.

use super::{
    Check, Counts, HostReading, InterfaceReading, Level, Observed, TimerReading, Wanted, futex, interface,
    judge_counters, judge_host, judge_interface, judge_observed, judge_timer, outputs,
};
use crate::nic::NicSettings;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;
use zerocat_sched::{FutexHash, cpu_list};
use zerocat_xdp::XdpError;

/// Name and version of the schema.
pub const DOCTOR_SCHEMA: &str = "zerocat-doctor/1";

/// What to examine, and by which demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorRequest {
    /// Interface to examine as well.
    pub interface: Option<String>,
    /// What the rig demands of the machine.
    pub wanted: Wanted,
    /// Files that the rig's tasks write.
    pub files: Vec<PathBuf>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Always `zerocat-doctor/1`.
    pub schema: &'static str,
    /// Version of zerocat.
    pub version: &'static str,
    /// Interface that was examined; `null` if none.
    pub interface: Option<String>,
    /// The worst level of all checks.
    pub worst: Level,
    /// All checks, including those that are as wanted.
    pub checks: Vec<Check>,
}

impl Findings {
    fn new(interface: Option<String>, checks: Vec<Check>) -> Self {
        let worst = checks.iter().map(|check| check.level).max().unwrap_or(Level::Info);
        Self { schema: DOCTOR_SCHEMA, version: env!("CARGO_PKG_VERSION"), interface, worst, checks }
    }

    /// Number of checks at a level.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.checks.iter().filter(|check| check.level == level).count()
    }
}

/// Examines this machine, and an interface in the calling thread's network namespace.
#[must_use]
pub fn examine(request: &DoctorRequest) -> Findings {
    examine_during(request, || None)
}

/// As [`examine`], and also judges how the counters of the NIC, the firmware and realtime threads changed during
/// `meanwhile`, which should take some time and may measure the timer.
#[must_use]
pub fn examine_during(request: &DoctorRequest, meanwhile: impl FnOnce() -> Option<TimerReading>) -> Findings {
    let root = Path::new("/");
    let settings = request.interface.as_deref().map(NicSettings::of_interface);
    let named = settings.as_ref().and_then(|settings| settings.as_ref().ok()).map(|nic| (nic.name.as_str(), nic.index));
    // Interrupts of the firmware stop all CPUs, so each CPU counts all of them.
    let cpu = request.wanted.cpu.or_else(|| cpu_list::read(root, "online").first().copied()).unwrap_or_default();
    let (before, start) = (Counts::read(root, cpu, named), Instant::now());
    let timer = meanwhile();
    let observed = Observed::between(&before, &Counts::read(root, cpu, named), start.elapsed());
    let interface = settings.map(|settings| settings.map(|settings| InterfaceReading::read(root, settings)));
    let machine = MachineReading { host: HostReading::read(root), futexes: futex::read(), observed, timer };
    judge(&machine, interface.as_ref(), request)
}

/// What was read of the machine.
struct MachineReading {
    host: HostReading,
    futexes: FutexHash,
    observed: Observed,
    timer: Option<TimerReading>,
}

fn judge(
    machine: &MachineReading,
    interface: Option<&Result<InterfaceReading, XdpError>>,
    request: &DoctorRequest,
) -> Findings {
    let MachineReading { host, futexes, observed, timer } = machine;
    let own = match interface {
        Some(Ok(reading)) => reading.files.irqs.as_slice(),
        _ => &[],
    };
    let mut checks = judge_host(host, own, &request.wanted);
    checks.extend(outputs::judge(&request.files));
    checks.push(futex::judge(*futexes));
    checks.extend(judge_observed(observed, host, &request.wanted));
    checks.push(judge_timer(timer.as_ref()));
    match interface {
        None => {}
        Some(Err(error)) => checks.push(interface::missing(error)),
        Some(Ok(reading)) => {
            checks.extend(judge_interface(reading, host, &request.wanted));
            checks.push(judge_counters(&reading.settings.name, observed));
        }
    }
    Findings::new(request.interface.clone(), checks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Host;
    use crate::doctor::testing::WANTED;
    use crate::doctor::{InterfaceCounters, InterfaceFiles, Irq, IrqThread, Managers, Rights};
    use std::time::Duration;
    use zerocat_sched::Capabilities;

    /// A machine without findings: PREEMPT_RT, CPU 3 isolated, igb with one queue.
    fn good_host() -> MachineReading {
        let host = HostReading {
            host: Host {
                kernel: "6.12.9-rt".to_owned(),
                kernel_version: "#1 SMP PREEMPT_RT".to_owned(),
                preempt_rt: true,
                cpu_model: Some("x".to_owned()),
                cores: 4,
                isolated: vec![3],
                nohz_full: vec![3],
                virtual_machine: false,
                clocksource: Some("tsc".to_owned()),
                memory_mib: 1,
            },
            throttling: crate::Throttling {
                rt_runtime_us: Some(-1),
                rt_period_us: Some(1_000_000),
                has_fair_server: true,
                ..Default::default()
            },
            online: vec![0, 1, 2, 3],
            governors: vec![(3, "performance".to_owned())],
            siblings: vec![(3, vec![3])],
            dma_latency: Some(true),
            irqs: vec![Irq { number: 40, names: vec!["enp3s0".to_owned()], allowed: vec![3], effective: vec![3] }],
            processes: vec!["init".to_owned()],
            irq_threads: vec![IrqThread { pid: 9, name: "irq/40-enp3s0".to_owned(), priority: 85, cpus: vec![3] }],
            modules: Some(Vec::new()),
            huge_pages: Some("never".to_owned()),
            same_page_merging: Some(0),
            swaps: Some(0),
            numa_balancing: Some(0),
            rights: Rights {
                capabilities: Capabilities::from_status("CapEff:\tffffffffffffffff"),
                locked_memory: Some(u64::MAX),
                priority: Some(99),
            },
            allowed: vec![0, 1, 2],
            reserved_pages: Some((0, 0)),
            timer_slack_ns: Some(50_000),
            ..Default::default()
        };
        let nothing = InterfaceCounters::default();
        let length = Duration::from_secs(1);
        let observed =
            Observed { length, firmware: Some((7, 0)), nic: Some((nothing, nothing)), ..Observed::default() };
        MachineReading { host, futexes: FutexHash::Private { slots: 128 }, observed, timer: None }
    }

    fn good_interface() -> InterfaceReading {
        let files = InterfaceFiles {
            name: "enp3s0".to_owned(),
            in_sysfs: true,
            defer_hard_irqs: Some(0),
            gro_flush_timeout: Some(0),
            threaded: Some(true),
            irqs: vec![40],
            upper: None,
            sockets: Some(0),
            aspm: Some(false),
            managers: Managers { sockets: Some((0, 0)), ipv6_off: Some(true), ..Managers::default() },
        };
        InterfaceReading { files, ..interface::good() }
    }

    fn request() -> DoctorRequest {
        let wanted = Wanted { period: Some(Duration::from_micros(500)), ..WANTED };
        DoctorRequest { interface: Some("enp3s0".to_owned()), wanted, files: Vec::new() }
    }

    #[test]
    fn a_suitable_machine_has_no_warning() {
        let findings = judge(&good_host(), Some(&Ok(good_interface())), &request());
        let bad: Vec<_> = findings.checks.iter().filter(|check| check.level >= Level::Warn).collect();
        assert!(bad.is_empty(), "{bad:#?}");
        assert_eq!(findings.worst, Level::Info, "the kernel's configuration can't be read");
    }

    #[test]
    fn ids_of_machine_and_interface_are_unique() {
        let findings = judge(&good_host(), Some(&Ok(good_interface())), &request());
        let ids: std::collections::HashSet<_> = findings.checks.iter().map(|check| check.id).collect();
        assert_eq!(ids.len(), findings.checks.len());
    }

    #[test]
    fn the_json_is_stable() {
        let mut findings = judge(&good_host(), Some(&Ok(good_interface())), &request());
        findings.version = "0.0.0";
        let json = serde_json::to_string_pretty(&findings).unwrap() + "\n";
        // To accept a change: ZEROCAT_BLESS=1 cargo test -p zerocat-host the_json_is_stable
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/doctor.json");
        if std::env::var_os("ZEROCAT_BLESS").is_some() {
            std::fs::write(golden, &json).unwrap();
        }
        assert_eq!(json, std::fs::read_to_string(golden).unwrap());
    }

    #[test]
    fn a_missing_interface_is_an_error_that_names_those_that_exist() {
        let wanted = Wanted { cpu: None, ..WANTED };
        let request = DoctorRequest { interface: Some("zc-none".to_owned()), wanted, files: Vec::new() };
        let findings = examine(&request);
        let check = findings.checks.iter().find(|check| check.id == "interface").unwrap();
        assert_eq!((check.level, findings.worst), (Level::Error, Level::Error));
        assert!(check.found.contains("lo"), "{check:?}");
    }
}
