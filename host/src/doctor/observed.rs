//! What changed while doctor watched: interrupts of the firmware, errors of a NIC, realtime threads that never sleep.
//!
//! Counts are read twice and only their growth is judged. An old count may come from a cable that was replaced long
//! ago.

use super::interface::{InterfaceCounters, read_counters, read_errors};
use crate::files;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

/// MSR_SMI_COUNT: interrupts of the firmware since the machine was started (Intel 64 and IA-32 Architectures Software
/// Developer's Manual, volume 4, table 2-2; other vendors' processors don't have it).
const SMI_COUNT: u64 = 0x34;
/// Ticks per second in which `/proc/<pid>/stat` counts (USER_HZ, proc(5)).
const TICKS: u128 = 100;
/// A realtime thread that uses at least this share of the time, in percent, counts as one that never sleeps. It can't
/// have all of it, because throttling or the fair server takes 5.
const BUSY: u128 = 90;

/// Counts at one moment. `None` is what couldn't be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Interrupts of the firmware.
    pub firmware: Option<u64>,
    /// Realtime threads of all processes.
    pub threads: Vec<RealtimeThread>,
    /// Counters of the interface.
    pub nic: Option<InterfaceCounters>,
    /// Its errors by kind, if sysfs shows them: `rx_crc_errors`, `rx_missed_errors`.
    pub named: Vec<(String, u64)>,
}

/// A thread under SCHED_FIFO or SCHED_RR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealtimeThread {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its priority.
    pub priority: u8,
    /// CPU on which it ran last.
    pub cpu: usize,
    /// Its CPU time, in ticks of 10 ms.
    pub ticks: u64,
}

impl Counts {
    /// Reads them below `root`: interrupts of the firmware as `cpu` counts them, and the counters of an interface of
    /// the calling thread's network namespace, given by name and number.
    #[must_use]
    pub fn read(root: &Path, cpu: usize, interface: Option<(&str, u32)>) -> Self {
        Self {
            firmware: firmware(root, cpu),
            threads: realtime_threads(root),
            nic: interface.and_then(|(name, _)| read_counters(root, name)),
            named: interface.map_or_else(Vec::new, |(name, index)| read_errors(root, name, index)),
        }
    }
}

fn firmware(root: &Path, cpu: usize) -> Option<u64> {
    let mut value = [0; 8];
    fs::File::open(root.join(format!("dev/cpu/{cpu}/msr"))).ok()?.read_exact_at(&mut value, SMI_COUNT).ok()?;
    Some(u64::from_le_bytes(value))
}

fn realtime_threads(root: &Path) -> Vec<RealtimeThread> {
    let of = |process: String| {
        let folder = format!("proc/{process}/task");
        files::names(root, &folder).into_iter().filter_map(move |thread| realtime_thread(root, &folder, &thread))
    };
    let processes = files::names(root, "proc").into_iter().filter(|name| name.parse::<u32>().is_ok());
    processes.flat_map(of).collect()
}

fn realtime_thread(root: &Path, folder: &str, thread: &str) -> Option<RealtimeThread> {
    let stat = files::text(root, &format!("{folder}/{thread}/stat"))?;
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split(' ').collect();
    // Numbered from 1 in proc(5); the first behind the name is field 3.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let priority = u8::try_from(field(40)?).ok().filter(|&priority| priority > 0)?;
    Some(RealtimeThread {
        id: thread.parse().ok()?,
        name: name.to_owned(),
        priority,
        cpu: usize::try_from(field(39)?).ok()?,
        ticks: field(14)?.saturating_add(field(15)?),
    })
}

/// What changed between two moments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// Time between them.
    pub length: Duration,
    /// Interrupts of the firmware: since the start of the machine, and between the two moments.
    pub firmware: Option<(u64, u64)>,
    /// Realtime threads that never slept.
    pub busy: Vec<RealtimeThread>,
    /// Counters of the interface: since it was created, and between the two moments.
    pub nic: Option<(InterfaceCounters, InterfaceCounters)>,
    /// Kinds of its errors that grew, and by how much.
    pub named: Vec<(String, u64)>,
}

impl Observed {
    /// A shorter time is too short to judge anything.
    const SHORTEST: Duration = Duration::from_millis(100);

    /// Whether the time was long enough to judge growth.
    #[must_use]
    pub fn is_long_enough(&self) -> bool {
        self.length >= Self::SHORTEST
    }

    /// The difference between two moments, the second `length` after the first.
    #[must_use]
    pub fn between(before: &Counts, after: &Counts, length: Duration) -> Self {
        let pair = |(first, last): (u64, u64)| (last, last.saturating_sub(first));
        let grown = |(name, last): &(String, u64)| {
            let (_, first) = before.named.iter().find(|(known, _)| known == name)?;
            Some((name.clone(), last.checked_sub(*first).filter(|&more| more > 0)?))
        };
        Self {
            length,
            firmware: before.firmware.zip(after.firmware).map(pair),
            busy: after.threads.iter().filter(|thread| never_slept(thread, before, length)).cloned().collect(),
            nic: before.nic.zip(after.nic).map(|(first, last)| (last, last.since(&first))),
            named: after.named.iter().filter_map(grown).collect(),
        }
    }
}

fn never_slept(thread: &RealtimeThread, before: &Counts, length: Duration) -> bool {
    let Some(earlier) = before.threads.iter().find(|earlier| earlier.id == thread.id) else { return false };
    let ran = u128::from(thread.ticks.saturating_sub(earlier.ticks));
    let elapsed_ticks = length.as_millis() * TICKS / 1_000;
    length >= Observed::SHORTEST && ran * 100 >= elapsed_ticks * BUSY
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::FakeTree;

    const SECOND: Duration = Duration::from_secs(1);

    fn stat(name: &str, ran: u64, cpu: usize, priority: u8) -> String {
        let zeros = |count| vec!["0"; count].join(" ");
        format!("7 ({name}) R {} {ran} 2 {} {cpu} {priority} 1 {}\n", zeros(10), zeros(23), zeros(5))
    }

    fn thread(ticks: u64) -> Counts {
        let thread = RealtimeThread { id: 7, name: "zc-rt".to_owned(), priority: 80, cpu: 1, ticks };
        Counts { threads: vec![thread], ..Counts::default() }
    }

    #[test]
    fn interrupts_of_the_firmware_are_read_from_the_given_cpu() {
        let tree = FakeTree::new(&[("dev/cpu/3/msr", "")]);
        let mut registers = vec![0; 0x34];
        registers.extend(1_234_u64.to_le_bytes());
        fs::write(tree.root().join("dev/cpu/3/msr"), registers).unwrap();
        assert_eq!(Counts::read(tree.root(), 3, None).firmware, Some(1_234));
        assert_eq!(Counts::read(tree.root(), 2, None).firmware, None);
    }

    #[test]
    fn realtime_threads_are_found_in_all_processes_whatever_their_name() {
        let odd = stat("a (b) c", 5, 2, 80);
        let plain = stat("sh", 5, 0, 0);
        let tree = FakeTree::new(&[("proc/7/task/9/stat", &odd), ("proc/8/task/8/stat", &plain)]);
        let expected = RealtimeThread { id: 9, name: "a (b) c".to_owned(), priority: 80, cpu: 2, ticks: 7 };
        assert_eq!(Counts::read(tree.root(), 0, None).threads, [expected]);
    }

    #[test]
    fn a_realtime_thread_with_nearly_all_of_the_time_never_slept() {
        let busy = |ran: u64| Observed::between(&thread(1_000), &thread(1_000 + ran), SECOND).busy.len();
        assert_eq!([busy(0), busy(89), busy(95), busy(100)], [0, 0, 1, 1]);
        let short = Observed::between(&thread(0), &thread(5), Duration::from_millis(50));
        assert!(short.busy.is_empty(), "too short to judge");
    }

    #[test]
    fn only_growth_is_reported() {
        let counts = |nic: u64, named: u64| Counts {
            firmware: Some(nic),
            nic: Some(InterfaceCounters { rx_errors: nic, ..InterfaceCounters::default() }),
            named: vec![("rx_crc_errors".to_owned(), named), ("rx_missed_errors".to_owned(), 4)],
            ..Counts::default()
        };
        let observed = Observed::between(&counts(3, 1), &counts(5, 2), SECOND);
        assert_eq!(observed.firmware, Some((5, 2)));
        assert_eq!(observed.nic.map(|(total, grown)| (total.rx_errors, grown.rx_errors)), Some((5, 2)));
        assert_eq!(observed.named, [("rx_crc_errors".to_owned(), 1)]);
    }
}
