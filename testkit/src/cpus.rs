//! Keeps a test on chosen CPUs.

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

/// Keeps the calling thread, and what it starts from then on, on these CPUs.
///
/// # Panics
/// When one of them isn't there.
pub fn pin(cpus: &[usize]) {
    let mut set = CpuSet::new();
    for cpu in cpus {
        set.set(*cpu).unwrap_or_else(|error| panic!("name CPU {cpu}: {error}"));
    }
    sched_setaffinity(Pid::from_raw(0), &set).unwrap_or_else(|error| panic!("needs the CPUs {cpus:?}: {error}"));
}
