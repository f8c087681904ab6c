//! SCHED_FIFO and timer slack of the calling thread. The policy is read back from the kernel.

use nix::errno::Errno;
use thread_priority::{
    Error, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id, thread_schedule_policy_param,
};

/// Puts the calling thread under SCHED_FIFO at `priority` (1 to 99). Threads that it spawns afterwards inherit it.
///
/// # Errors
/// A sentence with the reason and a remedy.
pub fn set_fifo(priority: u8) -> Result<(), String> {
    const FIFO: ThreadSchedulePolicy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    if !(1..=99).contains(&priority) {
        return Err("a realtime priority is between 1 and 99; choose for example 80".to_owned());
    }
    let value = ThreadPriorityValue::try_from(priority).map_err(|why| why.to_owned())?;
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(value), FIFO).map_err(explain)?;
    match thread_schedule_policy_param(thread_native_id()) {
        Ok((FIFO, params)) if params.sched_priority == i32::from(priority) => Ok(()),
        Ok((policy, params)) => Err(format!("the kernel reports {policy:?} {} instead", params.sched_priority)),
        Err(why) => Err(explain(why)),
    }
}

fn explain(why: Error) -> String {
    match why {
        Error::OS(errno) if errno == Errno::EPERM as i32 => "operation not permitted; grant CAP_SYS_NICE or raise \
             RLIMIT_RTPRIO (with RT_GROUP_SCHED also the cpu.rt_runtime_us of its cgroup)"
            .to_owned(),
        Error::OS(errno) => std::io::Error::from_raw_os_error(errno).to_string(),
        other => format!("{other:?}"),
    }
}

/// Sets the timer slack of the calling thread to 1 ns, so that the kernel doesn't delay its wake-ups to batch them with
/// others (by up to 50 us by default). A thread under SCHED_FIFO has no timer slack; this is for one that couldn't get
/// it.
///
/// # Errors
/// A sentence with the reason.
pub fn set_timer_slack() -> Result<(), String> {
    nix::sys::prctl::set_timerslack(1).map_err(|errno| errno.desc().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_priority_out_of_range() {
        assert!(set_fifo(0).unwrap_err().contains("between 1 and 99"));
        assert!(set_fifo(100).unwrap_err().contains("between 1 and 99"));
    }

    #[test]
    fn an_error_says_which_privilege_is_missing() {
        let sentence = explain(Error::OS(libc::EPERM));
        assert!(sentence.contains("CAP_SYS_NICE") && sentence.contains("RLIMIT_RTPRIO"), "{sentence}");
    }

    #[test]
    fn the_slack_is_read_back_as_1_ns() {
        std::thread::scope(|scope| {
            let slack = scope.spawn(|| set_timer_slack().map(|()| nix::sys::prctl::get_timerslack().unwrap()));
            assert_eq!(slack.join().unwrap(), Ok(1));
        });
    }
}
