//! Whether a realtime thread that never sleeps leaves a CPU to ordinary threads.
//!
//! Everything but the cycle runs on ordinary threads: bring-up, tasks, signals, the end of `--seconds`. If a thread
//! under SCHED_FIFO occupies every CPU that they may use, they get only what throttling or the fair server takes from
//! it, which is 5 %, or nothing at all.

use crate::files;
use std::path::Path;
use zerocat_sched::cpu_list;

/// CPUs that this process may run on (`Cpus_allowed_list` of `/proc/self/status` below `root`).
pub(crate) fn allowed(root: &Path) -> Vec<usize> {
    let list = files::line(root, "proc/self/status", "Cpus_allowed_list:");
    list.as_deref().map(cpu_list::parse).unwrap_or_default()
}

/// How many of the `allowed` CPUs remain for ordinary threads if one thread spins (on one CPU, or with `Some(None)` on
/// any of them) and other threads occupy those in `held`.
pub(crate) fn remaining_cpus(allowed: &[usize], spins: Option<Option<usize>>, held: &[usize]) -> usize {
    let pinned = spins.flatten();
    let free = allowed.iter().filter(|&&cpu| pinned != Some(cpu) && !held.contains(&cpu)).count();
    // A thread that isn't pinned occupies any one of them.
    free.saturating_sub(usize::from(spins == Some(None)))
}

/// The warning for a thread that is to spin on `cpu`, or on any if `None`, and leaves no CPU to the rest of this
/// process.
#[must_use]
pub fn starvation_warning(cpu: Option<usize>) -> Option<String> {
    warning(&allowed(Path::new("/")), cpu)
}

fn warning(allowed: &[usize], cpu: Option<usize>) -> Option<String> {
    let starved = !allowed.is_empty() && remaining_cpus(allowed, Some(cpu), &[]) == 0;
    starved.then(|| {
        format!(
            "a CPU for ordinary threads: this process may use only CPU {}, where the realtime thread spins; use the wait \
             policy `hybrid`, or let the process run on a second CPU (taskset, AllowedCPUs=)",
            files::cpus(allowed)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::FakeTree;

    #[test]
    fn the_allowed_cpus_are_those_of_the_process() {
        let tree = FakeTree::new(&[("proc/self/status", "Name:\tx\nCpus_allowed:\tb\nCpus_allowed_list:\t0-1,3\n")]);
        assert_eq!(allowed(tree.root()), [0, 1, 3]);
        assert!(allowed(FakeTree::new(&[]).root()).is_empty());
    }

    #[test]
    fn a_thread_that_spins_occupies_its_own_cpu_or_any() {
        assert_eq!(remaining_cpus(&[0, 1], None, &[]), 2);
        assert_eq!(remaining_cpus(&[0, 1], Some(Some(1)), &[]), 1);
        assert_eq!(remaining_cpus(&[0, 1], Some(Some(3)), &[]), 2, "an isolated CPU, which ordinary threads don't use");
        assert_eq!(remaining_cpus(&[0, 1], Some(None), &[1]), 0);
        assert_eq!(remaining_cpus(&[0, 1], Some(Some(1)), &[1]), 1, "that CPU is already held");
    }

    #[test]
    fn only_a_process_without_another_cpu_is_warned() {
        assert!(warning(&[1], Some(1)).unwrap().contains("CPU 1"));
        assert!(warning(&[0], None).is_some());
        assert_eq!(warning(&[0, 1], Some(1)), None);
        assert_eq!(warning(&[0], Some(1)), None);
        assert_eq!(warning(&[], None), None, "the CPUs can't be read");
    }
}
