//! SCHED_FIFO for the calling thread, and timer slack. Done when the kernel says so on reading it back.

use nix::errno::Errno;
use thread_priority::{
    Error, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id, thread_schedule_policy_param,
};

/// Gives the calling thread SCHED_FIFO at `priority` (1 to 99). Threads it spawns afterwards inherit it.
///
/// # Errors
/// A sentence that says why not and what to do.
pub fn set_fifo(priority: u8) -> Result<(), String> {
    const FIFO: ThreadSchedulePolicy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    if !(1..=99).contains(&priority) {
        return Err("a realtime priority is between 1 and 99; choose one, such as 80".to_owned());
    }
    let value = ThreadPriorityValue::try_from(priority).map_err(|why| why.to_owned())?;
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(value), FIFO).map_err(explain)?;
    match thread_schedule_policy_param(thread_native_id()) {
        Ok((FIFO, params)) if params.sched_priority == i32::from(priority) => Ok(()),
        Ok((policy, params)) => Err(format!("the kernel says {policy:?} {} instead", params.sched_priority)),
        Err(why) => Err(explain(why)),
    }
}

fn explain(why: Error) -> String {
    match why {
        Error::OS(errno) if errno == Errno::EPERM as i32 => "operation not permitted; give CAP_SYS_NICE or raise \
             RLIMIT_RTPRIO (with RT_GROUP_SCHED also the cpu.rt_runtime_us of its cgroup)"
            .to_owned(),
        Error::OS(errno) => std::io::Error::from_raw_os_error(errno).to_string(),
        other => format!("{other:?}"),
    }
}

/// Sets the timer slack of the calling thread to 1 ns, so that the kernel doesn't batch its wake-ups with others
/// (50 us by default). A thread under SCHED_FIFO has none anyhow; this is for one that couldn't get it.
///
/// # Errors
/// A sentence that says why not.
pub fn set_timer_slack() -> Result<(), String> {
    nix::sys::prctl::set_timerslack(1).map_err(|errno| errno.desc().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_priority_that_is_none() {
        assert!(set_fifo(0).unwrap_err().contains("between 1 and 99"));
        assert!(set_fifo(100).unwrap_err().contains("between 1 and 99"));
    }

    #[test]
    fn what_is_not_permitted_says_what_to_give() {
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
