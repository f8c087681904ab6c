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
#[command(
    after_help = "Examples:\n  zerocat doctor rig.json\n  zerocat doctor rig.json --problems\n  zerocat doctor --interface eth1 --cpu 3 --json\n  \
                  zerocat doctor rig.json --timer --seconds 10"
)]
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
    /// Show errors and warnings only.
    #[arg(long)]
    problems: bool,
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
        let mut findings = examine_during(&request, || {
            if self.timer {
                return measured(rig.as_ref(), &request, length);
            }
            std::thread::sleep(length);
            None
        });
        let counted = counted(&findings);
        if self.problems {
            findings.checks.retain(|check| check.level >= Level::Warn);
        }
        if !self.json && !findings.checks.is_empty() {
            print::line(shown(&findings.checks, print::columns()).trim_end());
        }
        let done = match findings.worst {
            Level::Ok | Level::Info => {
                print::say(counted);
                Ok(())
            }
            Level::Warn => Err(Failure::of(Fault::HostWarnings, counted)),
            Level::Error => Err(Failure::of(Fault::HostErrors, counted)),
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

/// Each check in lines of at most so many columns, the worst first: what isn't as wanted with why and what to do.
fn shown(checks: &[Check], columns: usize) -> String {
    let mut sorted: Vec<_> = checks.iter().collect();
    sorted.sort_by_key(|check| std::cmp::Reverse(check.level));
    let all: Vec<_> = sorted.into_iter().map(|check| one(check, columns)).collect();
    all.join("\n")
}

fn one(check: &Check, columns: usize) -> String {
    let Check { level, title, found, wanted, why, fix, .. } = check;
    let head = print::wrapped(&format!("{:<6} ", level.name()), &format!("{title}: {found}"), columns);
    if *level == Level::Ok {
        return head;
    }
    let indented = |head: &str, text: &str| print::wrapped(&format!("       {head}"), text, columns);
    let more = [indented("wanted: ", wanted), indented("why: ", why)];
    let fix = fix.as_ref().map(|fix| indented("> ", fix));
    let lines: Vec<_> = std::iter::once(head).chain(more).chain(fix).collect();
    lines.join("\n") + "\n"
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
    fn the_worst_comes_first_and_what_is_as_wanted_has_one_line() {
        let all = [(Level::Ok, "one"), (Level::Info, "two"), (Level::Warn, "three"), (Level::Error, "four")];
        let text = shown(&all.map(|(level, title)| check(level, title)), 80);
        let places = ["four", "three", "two", "one"].map(|title| text.find(&format!(" {title}: this")).unwrap());
        assert!(places.is_sorted(), "{text}");
        assert_eq!(text.matches("why: because").count(), 3, "{text}");
        assert_eq!(text.matches("> do something").count(), 2, "{text}");
        assert!(text.ends_with("ok     one: this"), "{text}");
    }

    #[test]
    fn the_last_line_counts_each_level() {
        let all = [Level::Ok, Level::Warn, Level::Warn].map(|level| check(level, "one")).to_vec();
        assert_eq!(counted(&findings(all)), "0 errors, 2 warnings, 0 notes, 1 as wanted");
    }
}
