//! Pins the calling thread to one CPU, and reads back from the kernel that it is.

use std::path::Path;

use core_affinity::CoreId;

use crate::cpu_list;

/// Pins the calling thread to `cpu`.
///
/// # Errors
/// A sentence with the reason and a remedy: the CPU doesn't exist or is offline, or it isn't in the thread's cpuset.
pub fn pin_to(cpu: usize) -> Result<(), String> {
    let online = cpu_list::read(Path::new("/"), "online");
    if !online.is_empty() && !online.contains(&cpu) {
        return Err(format!("there is no such CPU online; choose one of {online:?}"));
    }
    if !core_affinity::set_for_current(CoreId { id: cpu }) {
        let why = std::io::Error::last_os_error();
        return Err(format!("{why}; add it to the cpuset of this process (container, systemd AllowedCPUs=)"));
    }
    match allowed().as_slice() {
        [only] if *only == cpu => Ok(()),
        got => Err(format!("the kernel allows CPUs {got:?} instead; check for a cpuset that overrides it")),
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

    /// On another thread, so that the test runner's threads keep their CPUs.
    fn on_another_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(work).join().unwrap())
    }

    #[test]
    fn pins_to_a_cpu_that_is_allowed() {
        let cpu = *allowed().last().unwrap();
        assert_eq!(on_another_thread(|| (pin_to(cpu), allowed())), (Ok(()), vec![cpu]));
    }

    #[test]
    fn refuses_a_cpu_that_does_not_exist_and_names_those_that_do() {
        let why = on_another_thread(|| pin_to(100_000)).unwrap_err();
        assert!(why.contains("no such CPU") && why.contains('0'), "{why}");
    }
}
