//! What the kernel counted of the calling thread: page faults, context switches, CPU time (`getrusage(RUSAGE_THREAD)`).

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// Counts since the thread began, or between two readings, as the kernel keeps them. Reading them is one system call,
/// which doesn't block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ThreadUsage {
    /// Page faults without disk access.
    pub faults_minor: u64,
    /// Page faults with disk access.
    pub faults_major: u64,
    /// Times it gave up the core by waiting.
    pub switches_voluntary: u64,
    /// Times the core was taken from it.
    pub switches_involuntary: u64,
    /// Time in user mode.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub user: Duration,
    /// Time in the kernel.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub system: Duration,
}

impl ThreadUsage {
    /// The counts of the calling thread since it began.
    #[must_use]
    pub fn now() -> Self {
        // It can't fail: the argument is a constant and the result a local variable.
        getrusage(UsageWho::RUSAGE_THREAD).map_or_else(
            |_| Self::default(),
            |usage| Self {
                faults_minor: count(usage.minor_page_faults()),
                faults_major: count(usage.major_page_faults()),
                switches_voluntary: count(usage.voluntary_context_switches()),
                switches_involuntary: count(usage.involuntary_context_switches()),
                user: duration(usage.user_time()),
                system: duration(usage.system_time()),
            },
        )
    }

    /// What was counted since an earlier reading of the same thread.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            faults_minor: self.faults_minor.saturating_sub(earlier.faults_minor),
            faults_major: self.faults_major.saturating_sub(earlier.faults_major),
            switches_voluntary: self.switches_voluntary.saturating_sub(earlier.switches_voluntary),
            switches_involuntary: self.switches_involuntary.saturating_sub(earlier.switches_involuntary),
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}

fn count(value: libc::c_long) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn duration(value: TimeVal) -> Duration {
    Duration::from_secs(count(value.tv_sec())) + Duration::from_micros(count(value.tv_usec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_a_voluntary_switch_of_this_thread_only() {
        let before = ThreadUsage::now();
        std::thread::sleep(Duration::from_millis(1));
        assert!(ThreadUsage::now().since(&before).switches_voluntary >= 1);
    }

    #[test]
    fn fresh_memory_is_minor_faults() {
        let before = ThreadUsage::now();
        let mut fresh = vec![0u8; 64 << 20];
        for page in fresh.chunks_mut(4096) {
            page[0] = 1;
        }
        std::hint::black_box(&fresh);
        assert!(ThreadUsage::now().since(&before).faults_minor > 0);
    }

    #[test]
    fn a_difference_of_a_reading_with_itself_is_nothing() {
        let now = ThreadUsage::now();
        assert_eq!(now.since(&now), ThreadUsage::default());
    }
}
