//! The check of tuned, a daemon that sets governors, kernel threads and sysctls by profile.

use super::check::{Check, Level, Question};
use super::machine::HostReading;

pub(super) fn judge(reading: &HostReading) -> Check {
    let question = Question {
        id: "tuned",
        title: "tuned profile",
        wanted: "tuned not running, or with a realtime profile",
        why: "other profiles set governor, idle states and kernel threads for other aims, and undo your changes",
    };
    let profile = reading.tuned_profile.as_deref();
    match (reading.runs("tuned"), profile) {
        (None, _) => question.unknown("/proc shows no processes"),
        (Some(false), _) => question.ok("not running"),
        (Some(true), None) => question.unknown("it is running, but /etc/tuned/active_profile can't be read"),
        (Some(true), Some(profile)) if profile.starts_with("realtime") => question.ok(profile),
        (Some(true), Some(profile)) => question.finding(
            Level::Warn,
            profile,
            "tuned-adm profile realtime (package tuned-profiles-realtime), or: systemctl disable --now tuned",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::{WANTED, level};

    const RUNS: (&str, &str) = ("proc/90/comm", "tuned\n");
    const PROFILE: &str = "etc/tuned/active_profile";

    #[test]
    fn a_profile_that_is_not_for_realtime_is_a_warning_while_tuned_runs() {
        assert_eq!(level("tuned", &[RUNS, (PROFILE, "throughput-performance\n")], &WANTED), Level::Warn);
        assert_eq!(level("tuned", &[RUNS, (PROFILE, "realtime-virtual-host\n")], &WANTED), Level::Ok);
        let stopped = [("proc/1/comm", "init\n"), (PROFILE, "balanced\n")];
        assert_eq!(level("tuned", &stopped, &WANTED), Level::Ok);
        assert_eq!(level("tuned", &[RUNS], &WANTED), Level::Info);
    }
}
