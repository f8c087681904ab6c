//! Whether a realtime thread that never sleeps leaves a CPU to ordinary threads.
//!
//! All but the cycle is done by ordinary threads: bring-up, tasks, signals, the end of `--seconds`. Where every CPU that
//! they may use is held by a thread under SCHED_FIFO, they get what throttling or the fair server leaves, which is 5 %,
//! or nothing.

use crate::files;
use std::path::Path;
use zerocat_sched::cpu_list;

/// CPUs that this process may run on (`Cpus_allowed_list` of `/proc/self/status` below `root`).
pub(crate) fn allowed(root: &Path) -> Vec<usize> {
    let list = files::line(root, "proc/self/status", "Cpus_allowed_list:");
    list.as_deref().map(cpu_list::parse).unwrap_or_default()
}

/// How many of the `allowed` CPUs are left, when a thread spins on one (`Some(None)`: on any of them), and others are
/// `held`.
pub(crate) fn left_over(allowed: &[usize], spins: Option<Option<usize>>, held: &[usize]) -> usize {
    let pinned = spins.flatten();
    let free = allowed.iter().filter(|&&cpu| pinned != Some(cpu) && !held.contains(&cpu)).count();
    // One that isn't pinned takes any.
    free.saturating_sub(usize::from(spins == Some(None)))
}

/// The warning for a thread that is to spin on `cpu`, or anywhere, and leaves no CPU to the rest of this process.
#[must_use]
pub fn starvation_warning(cpu: Option<usize>) -> Option<String> {
    warning(&allowed(Path::new("/")), cpu)
}

fn warning(allowed: &[usize], cpu: Option<usize>) -> Option<String> {
    let starves = !allowed.is_empty() && left_over(allowed, Some(cpu), &[]) == 0;
    starves.then(|| {
        format!(
            "a CPU for ordinary threads: the only one that this process may use, CPU {}, is the realtime thread's, which \
             spins; use the wait policy `hybrid`, or let the process run on a second CPU (taskset, AllowedCPUs=)",
            files::cpus(allowed)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::FakeTree;

    #[test]
    fn the_list_is_that_of_the_process() {
        let tree = FakeTree::new(&[("proc/self/status", "Name:\tx\nCpus_allowed:\tb\nCpus_allowed_list:\t0-1,3\n")]);
        assert_eq!(allowed(tree.root()), [0, 1, 3]);
        assert!(allowed(FakeTree::new(&[]).root()).is_empty());
    }

    #[test]
    fn who_spins_takes_its_own_cpu_or_any() {
        assert_eq!(left_over(&[0, 1], None, &[]), 2);
        assert_eq!(left_over(&[0, 1], Some(Some(1)), &[]), 1);
        assert_eq!(left_over(&[0, 1], Some(Some(3)), &[]), 2, "an isolated one, which the others don't use");
        assert_eq!(left_over(&[0, 1], Some(None), &[1]), 0);
        assert_eq!(left_over(&[0, 1], Some(Some(1)), &[1]), 1, "held already by what is replaced, or shared");
    }

    #[test]
    fn only_a_process_without_another_cpu_is_warned() {
        assert!(warning(&[1], Some(1)).unwrap().contains("CPU 1"));
        assert!(warning(&[0], None).is_some());
        assert_eq!(warning(&[0, 1], Some(1)), None);
        assert_eq!(warning(&[0], Some(1)), None);
        assert_eq!(warning(&[], None), None, "nothing is known");
    }
}
