//! Work for the other CPUs: stress-ng where it is installed, else threads that compute.

use super::scenario::Load;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Work on the other CPUs, until this is dropped.
#[derive(Debug)]
pub(super) enum Worker {
    Nothing,
    StressNg(Child),
    Threads(Arc<AtomicBool>, Vec<JoinHandle<()>>),
}

impl Worker {
    /// Starts the load of a scenario on these CPUs.
    pub(super) fn start(load: Load, cpus: &[usize]) -> Self {
        if load == Load::Idle || cpus.is_empty() {
            return Self::Nothing;
        }
        stress_ng(cpus).map_or_else(|_| threads(cpus), Self::StressNg)
    }

    /// What it is, in words.
    pub(super) fn describe(&self, cpus: &[usize]) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::StressNg(_) => Some(format!("stress-ng --cpu --switch --vm on CPUs {cpus:?}")),
            Self::Threads(..) => {
                Some(format!("a computing thread on each of CPUs {cpus:?} (stress-ng isn't installed)"))
            }
        }
    }
}

fn stress_ng(cpus: &[usize]) -> std::io::Result<Child> {
    let list = cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    let count = cpus.len().to_string();
    Command::new("stress-ng")
        .args(["--quiet", "--taskset", &list, "--cpu", &count, "--switch", &count])
        .args(["--vm", "1", "--vm-bytes", "64m", "--timeout", "600"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

fn threads(cpus: &[usize]) -> Worker {
    let stop = Arc::new(AtomicBool::new(false));
    let work = |cpu: usize, stop: Arc<AtomicBool>| {
        move || {
            let _ = zerocat_sched::affinity::pin_to(cpu);
            let mut number = cpu as u64;
            // SYNC: only the flag itself counts; nothing is published by it.
            while !stop.load(Ordering::Relaxed) {
                number = std::hint::black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
            }
        }
    };
    let threads = cpus.iter().map(|&cpu| std::thread::spawn(work(cpu, Arc::clone(&stop)))).collect();
    Worker::Threads(stop, threads)
}

impl Drop for Worker {
    fn drop(&mut self) {
        match self {
            Self::Nothing => {}
            Self::StressNg(child) => {
                // It ends its own children on a signal that it can catch.
                if let Ok(id) = i32::try_from(child.id()) {
                    let _ = kill(Pid::from_raw(id), Signal::SIGINT);
                }
                let _ = child.wait();
            }
            Self::Threads(stop, threads) => {
                // SYNC: as in the loop of the threads.
                stop.store(true, Ordering::Relaxed);
                for thread in threads.drain(..) {
                    let _ = thread.join();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_end_when_they_are_no_longer_wanted() {
        let worker = threads(&[0]);
        let Worker::Threads(stop, threads) = &worker else { panic!("threads") };
        let (seen, count) = (Arc::clone(stop), threads.len());
        drop(worker);
        // The threads are joined, so only the flag can be checked.
        assert!(seen.load(Ordering::Relaxed) && count == 1);
    }

    #[test]
    fn an_idle_machine_gets_no_work() {
        assert_eq!(Worker::start(Load::Idle, &[0]).describe(&[0]), None);
    }
}
