//! `zerocat doctor`: what stands between this machine and a good cycle.

use crate::Done;
use crate::check;
use crate::exit::Failure;
use crate::print;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;
use zerocat::config::{Rig, Wait};
use zerocat::{Fault, doctor_request};
use zerocat_benches::wakeup::{self, WakeupSettings};
use zerocat_host::doctor::{Check, DoctorRequest, Findings, Level, TimerReading, examine_during};
use zerocat_sched::WaitPolicy;

/// The cycle that the timer is measured with where no rig says.
const PERIOD: Duration = Duration::from_millis(1);

/// Check kernel, CPUs, memory, rights and, if one is named, an interface. Nothing is changed, nothing is sent.
///
/// With a rig file, it is judged by what the rig wants: its CPU, priority, wait policy, rate, socket and interface.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  zerocat doctor rig.json\n  zerocat doctor --interface eth1 --cpu 3 --json\n  \
                  zerocat doctor rig.json --timer --seconds 10")]
pub(crate) struct Doctor {
    /// Rig file, JSON or YAML.
    rig: Option<PathBuf>,
    /// Interface instead of the rig file's.
    #[arg(short, long)]
    interface: Option<String>,
    /// CPU of the realtime thread instead of the rig file's.
    #[arg(long)]
    cpu: Option<usize>,
    /// How long to watch the counters of NIC, firmware and realtime threads, and to measure the timer; 0 doesn't.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Measure how late a realtime thread wakes, on the CPU, at the priority, rate and wait policy of the rig (1 kHz and
    /// `hybrid` without one). It takes the CPU from others: not beside a rig that runs.
    #[arg(long)]
    timer: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(crate) fn run(&self) -> Done {
        let length = Duration::try_from_secs_f64(self.seconds)
            .map_err(|error| Failure::usage(format!("--seconds {}: {error}", self.seconds)))?;
        if self.timer && length.is_zero() {
            return Err(Failure::usage("--timer takes time: name --seconds above 0"));
        }
        let load = |path: &PathBuf| check::load(path).map_err(|error| check::refused(path, &error));
        let rig = self.rig.as_ref().map(load).transpose()?;
        let mut request = doctor_request(rig.as_ref());
        request.interface = self.interface.clone().or(request.interface);
        request.wanted.cpu = self.cpu.or(request.wanted.cpu);
        let findings = examine_during(&request, || {
            if self.timer {
                return measured(rig.as_ref(), &request, length);
            }
            std::thread::sleep(length);
            None
        });
        if !self.json {
            print::line(shown(&findings));
        }
        let done = match findings.worst {
            Level::Ok | Level::Info => {
                print::say(counted(&findings));
                Ok(())
            }
            Level::Warn => Err(Failure::of(Fault::HostWarnings, counted(&findings))),
            Level::Error => Err(Failure::of(Fault::HostErrors, counted(&findings))),
        };
        if self.json { print::document(&findings, done) } else { done }
    }
}

/// What the timer gives a thread as the rig's, for this long.
fn measured(rig: Option<&Rig>, request: &DoctorRequest, length: Duration) -> Option<TimerReading> {
    let wait = match rig.map_or(Wait::Hybrid, |rig| rig.engine.wait) {
        Wait::Hybrid => WaitPolicy::default(),
        Wait::Sleep => WaitPolicy::Sleep,
        Wait::Spin => WaitPolicy::Spin,
    };
    let period = request.wanted.period.unwrap_or(PERIOD);
    let settings = WakeupSettings {
        waits: vec![wait],
        rate_hz: 1.0 / period.as_secs_f64(),
        seconds: length.as_secs_f64(),
        cpu: request.wanted.cpu,
        priority: Some(request.wanted.priority),
    };
    let report = wakeup::run(&settings, |_| ()).ok()?;
    let row = report.rows.first()?;
    let figures = row.wakeup_ns?;
    let [p999, max] = [figures.p999, figures.max].map(Duration::from_nanos);
    Some(TimerReading { wait: row.wait.to_owned(), period, ticks: row.ticks, p999, max, missing: report.missing })
}

/// The table, and below it what isn't as wanted, the worst first.
fn shown(findings: &Findings) -> String {
    let mut table = print::table(["level", "check", "found", "wanted"]);
    for Check { level, title, found, wanted, .. } in &findings.checks {
        table.add_row([level.name(), title, found, wanted]);
    }
    let mut parts = vec![table.to_string()];
    let mut rest: Vec<_> = findings.checks.iter().filter(|check| check.level != Level::Ok).collect();
    rest.sort_by_key(|check| std::cmp::Reverse(check.level));
    if !rest.is_empty() {
        let mut advice = print::table(["level", "check", "why, and what to do"]);
        for check in rest {
            let fix = check.fix.as_ref().map(|fix| format!("\n> {fix}")).unwrap_or_default();
            advice.add_row([check.level.name(), check.title, &format!("{}{fix}", check.why)]);
        }
        parts.push(advice.to_string());
    }
    parts.join("\n\n")
}

/// `2 errors, 5 warnings, 8 notes, 20 as wanted`.
fn counted(findings: &Findings) -> String {
    let of = |level, name: &str| match findings.count(level) {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    };
    format!(
        "{}, {}, {}, {} as wanted",
        of(Level::Error, "error"),
        of(Level::Warn, "warning"),
        of(Level::Info, "note"),
        findings.count(Level::Ok)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(level: Level, title: &'static str) -> Check {
        let fix = (level >= Level::Warn).then(|| "do something".to_owned());
        let (found, wanted) = ("this".to_owned(), "that".to_owned());
        Check { id: title, title, level, found, wanted, why: "because", fix }
    }

    fn findings(checks: Vec<Check>) -> Findings {
        Findings { schema: "zerocat-doctor/1", version: "0", interface: None, worst: Level::Error, checks }
    }

    #[test]
    fn advice_begins_with_the_worst_and_leaves_out_what_is_as_wanted() {
        let all = [(Level::Ok, "one"), (Level::Info, "two"), (Level::Warn, "three"), (Level::Error, "four")];
        let text = shown(&findings(all.map(|(level, title)| check(level, title)).to_vec()));
        let (_, advice) = text.split_once("why, and what to do").unwrap();
        let places = ["four", "three", "two"].map(|title| advice.find(title).unwrap());
        assert!(places.is_sorted(), "{text}");
        assert!(!advice.contains("one"), "{text}");
        assert_eq!(advice.matches("> do something").count(), 2, "{text}");
    }

    #[test]
    fn the_last_line_counts_each_level() {
        let all = [Level::Ok, Level::Warn, Level::Warn].map(|level| check(level, "one")).to_vec();
        assert_eq!(counted(&findings(all)), "0 errors, 2 warnings, 0 notes, 1 as wanted");
    }
}
