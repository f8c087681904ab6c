//! Pins the calling thread to one CPU. Done when the kernel says so on reading it back.

use std::path::Path;

use core_affinity::CoreId;

use crate::cpu_list;

/// Pins the calling thread to `cpu`.
///
/// # Errors
/// A sentence that says why not and what to do: the CPU doesn't exist or is off line, or it isn't in the thread's
/// cpuset.
pub fn pin_to(cpu: usize) -> Result<(), String> {
    let online = cpu_list::read(Path::new("/"), "online");
    if !online.is_empty() && !online.contains(&cpu) {
        return Err(format!("there is no such CPU on line (there are {online:?}); choose one of these"));
    }
    if !core_affinity::set_for_current(CoreId { id: cpu }) {
        let why = std::io::Error::last_os_error();
        return Err(format!("{why}; take it into the cpuset of this process (container, systemd AllowedCPUs)"));
    }
    match allowed().as_slice() {
        [only] if *only == cpu => Ok(()),
        got => Err(format!("the kernel allows CPUs {got:?} instead; look for a cpuset that overrules it")),
    }
}

/// The CPUs that the calling thread may run on.
#[must_use]
pub fn allowed() -> Vec<usize> {
    core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| core.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a thread of its own, so that the test runner's threads keep their CPUs.
    fn elsewhere<T: Send>(work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(work).join().unwrap())
    }

    #[test]
    fn pins_to_a_cpu_that_is_allowed() {
        let cpu = *allowed().last().unwrap();
        assert_eq!(elsewhere(|| (pin_to(cpu), allowed())), (Ok(()), vec![cpu]));
    }

    #[test]
    fn refuses_a_cpu_that_does_not_exist_and_names_those_that_do() {
        let why = elsewhere(|| pin_to(100_000)).unwrap_err();
        assert!(why.contains("no such CPU") && why.contains('0'), "{why}");
    }
}
