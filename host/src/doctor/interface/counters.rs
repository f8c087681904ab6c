//! Errors that a NIC counted, in total and while doctor watched.

use crate::doctor::{Check, Level, Observed, Question};
use crate::files;
use std::path::Path;

/// Counters since the interface was created (`/proc/net/dev`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InterfaceCounters {
    /// Frames received with an error.
    pub rx_errors: u64,
    /// Frames received and dropped.
    pub rx_dropped: u64,
    /// Frames not sent because of an error.
    pub tx_errors: u64,
}

impl InterfaceCounters {
    /// What was counted since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            rx_errors: self.rx_errors.saturating_sub(earlier.rx_errors),
            rx_dropped: self.rx_dropped.saturating_sub(earlier.rx_dropped),
            tx_errors: self.tx_errors.saturating_sub(earlier.tx_errors),
        }
    }
}

impl std::fmt::Display for InterfaceCounters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} received, {} sent ({} dropped)", self.rx_errors, self.tx_errors, self.rx_dropped)
    }
}

/// The counters of an interface of the calling thread's network namespace, below `root`.
#[must_use]
pub fn read_counters(root: &Path, name: &str) -> Option<InterfaceCounters> {
    let text = files::text(root, "proc/thread-self/net/dev")?;
    let line = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'))?;
    let values: Vec<u64> = line.split_whitespace().map_while(|value| value.parse().ok()).collect();
    // Receive: bytes packets errs drop fifo frame compressed multicast; transmit: bytes packets errs.
    Some(InterfaceCounters { rx_errors: *values.get(2)?, rx_dropped: *values.get(3)?, tx_errors: *values.get(10)? })
}

/// The errors of an interface by kind, with the names that sysfs has for them (`sysfs-class-net-statistics` in
/// `Documentation/ABI/testing`); empty if sysfs doesn't show an interface of this name and number.
///
/// `/proc/net/dev` counts frames for which the NIC had no room (`rx_missed_errors`) as dropped, not as errors.
pub(in crate::doctor) fn read_errors(root: &Path, name: &str, index: u32) -> Vec<(String, u64)> {
    let directory = format!("sys/class/net/{name}");
    if files::number(root, &format!("{directory}/ifindex")) != Some(index) {
        return Vec::new();
    }
    let sums = ["rx_errors", "tx_errors"];
    let kinds = files::names(root, &format!("{directory}/statistics")).into_iter();
    kinds
        .filter(|file| file.ends_with("_errors") && !sums.contains(&file.as_str()))
        .filter_map(|file| Some((files::number(root, &format!("{directory}/statistics/{file}"))?, file)))
        .map(|(count, file)| (file, count))
        .collect()
}

/// Judges the interface `name` by its counters.
#[must_use]
pub fn judge_counters(name: &str, observed: &Observed) -> Check {
    let question = Question {
        id: "nic_errors",
        title: "NIC errors",
        wanted: "none while doctor watches",
        why: "a frame with an error is a lost cycle; causes are a bad cable or plug, or a receive ring that overran",
    };
    let Some((total, grown)) = observed.nic else {
        return question.unknown("/proc/net/dev doesn't show this interface");
    };
    let seconds = observed.length.as_secs_f64();
    if grown.rx_errors > 0 || grown.tx_errors > 0 || !observed.named.is_empty() {
        let named: String = observed.named.iter().map(|(name, more)| format!(", {name} {more}")).collect();
        let fix = format!(
            "replace cable and plugs; watch: ip -s -s link show dev {name}, ethtool -S {name}; for longer: \
             zerocat doctor --interface {name} --seconds 60"
        );
        return question.finding(Level::Warn, format!("in {seconds:.1} s: {grown}{named}"), fix);
    }
    match (total.rx_errors + total.tx_errors, observed.is_long_enough()) {
        (0, _) => question.ok(format!("{total} since it was created")),
        (_, false) => question.finding(
            Level::Warn,
            format!("{total} since it was created; not watched for growth"),
            format!("zerocat doctor --interface {name} --seconds 10"),
        ),
        (_, true) => question.info(format!("none in {seconds:.1} s; {total} since it was created")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use zerocat_testkit::FakeTree;

    fn observed(total: InterfaceCounters, grown: InterfaceCounters, seconds: u64) -> Observed {
        Observed { length: Duration::from_secs(seconds), nic: Some((total, grown)), ..Observed::default() }
    }

    #[test]
    fn the_columns_are_those_of_the_kernel() {
        let dev = "Inter-| Receive | Transmit\n face |bytes\n eth10: 7 7 7 7 0 0 0 0 7 7 7 0 0 0 0 0\n  eth1: 9 9 1 5 0 0 0 0 9 9 2 0 0 0 0 0\n";
        let tree = FakeTree::new(&[("proc/thread-self/net/dev", dev)]);
        let expected = InterfaceCounters { rx_errors: 1, rx_dropped: 5, tx_errors: 2 };
        assert_eq!(read_counters(tree.root(), "eth1"), Some(expected));
        assert_eq!(read_counters(tree.root(), "eth2"), None);
    }

    #[test]
    fn a_difference_counts_only_what_is_new() {
        let [before, after] = [4, 6].map(|rx_errors| InterfaceCounters { rx_errors, rx_dropped: 9, tx_errors: 1 });
        assert_eq!(after.since(&before), InterfaceCounters { rx_errors: 2, ..InterfaceCounters::default() });
        assert_eq!(
            before.since(&after),
            InterfaceCounters::default(),
            "a new interface of the same name counts from 0"
        );
    }

    #[test]
    fn new_errors_are_a_warning_and_old_ones_a_note() {
        let errors = |rx_errors| InterfaceCounters { rx_errors, ..InterfaceCounters::default() };
        let level =
            |total, grown, seconds| judge_counters("eth1", &observed(errors(total), errors(grown), seconds)).level;
        assert_eq!(level(0, 0, 1), Level::Ok);
        assert_eq!(level(9, 0, 1), Level::Info);
        assert_eq!(level(9, 1, 1), Level::Warn);
        assert_eq!(level(9, 0, 0), Level::Warn, "they may be new");
        let sent = InterfaceCounters { tx_errors: 1, ..InterfaceCounters::default() };
        assert_eq!(judge_counters("eth1", &observed(sent, sent, 1)).level, Level::Warn);
        assert_eq!(judge_counters("eth1", &Observed::default()).level, Level::Info);
    }

    #[test]
    fn frames_that_the_nic_had_no_room_for_are_errors_and_drops_of_the_kernel_are_not() {
        let observed = observed(
            InterfaceCounters::default(),
            InterfaceCounters { rx_dropped: 5, ..InterfaceCounters::default() },
            1,
        );
        assert_eq!(judge_counters("eth1", &observed).level, Level::Ok);
        let missed = Observed { named: vec![("rx_missed_errors".to_owned(), 2)], ..observed };
        let check = judge_counters("eth1", &missed);
        assert_eq!(check.level, Level::Warn);
        assert!(check.found.ends_with("rx_missed_errors 2"), "{check:?}");
    }

    #[test]
    fn kinds_of_errors_are_those_of_this_interface() {
        let tree = FakeTree::new(&[
            ("sys/class/net/eth1/ifindex", "3\n"),
            ("sys/class/net/eth1/statistics/rx_errors", "9\n"),
            ("sys/class/net/eth1/statistics/rx_missed_errors", "4\n"),
            ("sys/class/net/eth1/statistics/rx_dropped", "1\n"),
        ]);
        assert_eq!(read_errors(tree.root(), "eth1", 3), [("rx_missed_errors".to_owned(), 4)]);
        assert!(read_errors(tree.root(), "eth1", 4).is_empty(), "a namesake in another namespace");
    }
}
