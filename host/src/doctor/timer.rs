//! The check of a measurement: how late a realtime thread wakes for its ticks, with the rig's wait policy and rate.

use super::check::{Check, Level, Question};
use std::time::Duration;

/// A measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerReading {
    /// The wait policy.
    pub wait: String,
    /// The period of the ticks.
    pub period: Duration,
    /// Number of ticks.
    pub ticks: u64,
    /// Time from the tick to the wake-up, 99.9th percentile.
    pub p999: Duration,
    /// The same, longest.
    pub max: Duration,
    /// Steps of the measuring thread's set-up that failed, a sentence each.
    pub missing: Vec<String>,
}

/// Judges a measurement; `None` if there was none.
#[must_use]
pub fn judge_timer(reading: Option<&TimerReading>) -> Check {
    let question = Question {
        id: "timer",
        title: "Measured wake-up",
        wanted: "p99.9 and max within 1 % of the cycle",
        why: "a run can't be more punctual than a thread that only waits on this machine",
    };
    let Some(TimerReading { wait, period, ticks, p999, max, missing }) = reading else {
        return question.finding(
            Level::Info,
            "unknown: not measured",
            "zerocat doctor --timer, with nothing else on the CPU",
        );
    };
    let micros = |time: &Duration| format!("{:.1} us", time.as_secs_f64() * 1e6);
    let failed: String = missing.iter().map(|sentence| format!("; unavailable: {sentence}")).collect();
    let found = format!(
        "p99.9 {}, max {} of {}, {ticks} ticks, wait {wait}{failed}",
        micros(p999),
        micros(max),
        micros(period)
    );
    let limit = *period / 100;
    if *p999 <= limit && *max <= limit {
        return question.ok(found);
    }
    let fix = "see the other findings: isolation, PREEMPT_RT, idle states, throttling; to measure longer and with each wait \
               policy: zerocat bench wakeup; to see what the kernel does: rtla timerlat";
    question.finding(Level::Warn, found, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(p999: u64, max: u64) -> Level {
        let [p999, max] = [p999, max].map(Duration::from_micros);
        let period = Duration::from_millis(1);
        let reading = TimerReading { wait: "hybrid".to_owned(), period, ticks: 9, p999, max, missing: Vec::new() };
        judge_timer(Some(&reading)).level
    }

    #[test]
    fn both_figures_may_be_one_percent_of_the_cycle() {
        assert_eq!([level(10, 10), level(9, 11), level(11, 11)], [Level::Ok, Level::Warn, Level::Warn]);
    }

    #[test]
    fn no_measurement_is_not_ok() {
        assert_eq!(judge_timer(None).level, Level::Info);
    }
}
