//! The machine's own measure: how late a realtime thread wakes for its ticks, by the rig's wait policy and rate.

use super::check::{Check, Level, Question};
use std::time::Duration;

/// What a measurement said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerReading {
    /// The wait policy.
    pub wait: String,
    /// The period of the ticks.
    pub period: Duration,
    /// Ticks that were waited for.
    pub ticks: u64,
    /// From the tick to the wake-up: the latest of 999 in 1000.
    pub p999: Duration,
    /// The latest of all.
    pub max: Duration,
    /// What the measuring thread asked for and couldn't have, a sentence each.
    pub missing: Vec<String>,
}

/// Judges it. `None` is no measurement.
#[must_use]
pub fn judge_timer(reading: Option<&TimerReading>) -> Check {
    let question = Question {
        id: "timer",
        title: "Measured wake-up",
        wanted: "p99.9 and max within 1 % of the cycle",
        why: "what the machine gives a waiting thread without any network is the limit of what a run can have",
    };
    let Some(TimerReading { wait, period, ticks, p999, max, missing }) = reading else {
        return question.not(Level::Info, "unknown: not measured", "zerocat doctor --timer, with the CPU to itself");
    };
    let micros = |time: &Duration| format!("{:.1} us", time.as_secs_f64() * 1e6);
    let lacks: String = missing.iter().map(|sentence| format!("; not had: {sentence}")).collect();
    let found =
        format!("p99.9 {}, max {} of {}, {ticks} ticks, wait {wait}{lacks}", micros(p999), micros(max), micros(period));
    let limit = *period / 100;
    if *p999 <= limit && *max <= limit {
        return question.ok(found);
    }
    let fix = "see the other findings: isolation, PREEMPT_RT, idle states, throttling; longer, and by each wait policy: \
               zerocat bench wakeup; what the kernel does meanwhile: rtla timerlat";
    question.not(Level::Warn, found, fix)
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
    fn one_percent_of_the_cycle_is_the_limit_of_both_figures() {
        assert_eq!([level(10, 10), level(9, 11), level(11, 11)], [Level::Ok, Level::Warn, Level::Warn]);
    }

    #[test]
    fn no_measurement_is_not_ok() {
        assert_eq!(judge_timer(None).level, Level::Info);
    }
}
