//! The end of a run: its report into a file, its report or a summary to a stream, and the exit code.
//!
//! Guarantees: the file of the report is opened before the run begins; the report is written and printed however far the
//! run came; what can't be written makes a run fail that was well otherwise.

use crate::Done;
use crate::exit::{ErrorProblem, Failure, WithError};
use crate::print;
use crate::run::HowLong;
use crate::signals::Signals;
use crate::summary::summary;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zerocat::config::Limits;
use zerocat::outfile::{Existing, Outfile};
use zerocat::report::{LimitReport, OutcomeReport, Report};
use zerocat::{Fault, chain};

/// How long is waited for a reader of the report.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the report goes.
#[derive(Debug)]
pub(crate) struct Conclusion {
    file: Option<(PathBuf, Outfile)>,
    printed: Printed,
}

/// What is printed at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Printed {
    /// A summary to standard output.
    Summary,
    /// A summary to standard error: samples go to standard output.
    SummaryAside,
    /// The report as JSON.
    Json,
    /// The report as JSON in one line, the last one behind those of samples.
    JsonLine,
    /// Nothing.
    Nothing,
}

impl Conclusion {
    /// Opens the file of the report.
    pub(crate) fn open(how: &HowLong, samples_on_stdout: bool) -> Result<Self, Failure> {
        let open = |path: &PathBuf| Ok((path.clone(), Outfile::open(path, Existing::Keep, PATIENCE)?));
        let file = how.report.as_ref().map(open).transpose();
        let file =
            file.map_err(|error: zerocat::outfile::OutfileError| Failure::of(Fault::FileNotWritable, chain(&error)))?;
        let printed = match (how.json, samples_on_stdout) {
            (false, _) if how.quiet => Printed::Nothing,
            (false, false) => Printed::Summary,
            (false, true) => Printed::SummaryAside,
            (true, false) => Printed::Json,
            (true, true) => Printed::JsonLine,
        };
        Ok(Self { file, printed })
    }

    /// Writes and prints the report, and ends with what the run ended with; where that was well, with what couldn't be
    /// written.
    pub(crate) fn conclude(&mut self, mut report: Report, done: Done, limits: &Limits, signals: &Signals) -> Done {
        print::settle();
        report.unsaid = print::unsaid();
        if report.time_to_op_ms.is_some() {
            report.judge(limits);
        }
        let done = done.and_then(|()| held(&report));
        report.outcome = Some(outcome(&done, &report, signals));
        let failed = done.as_ref().err();
        count(&mut report, failed);
        let written = self.file.as_mut().map_or(Ok(()), |(path, file)| write(&report, failed, path, file));
        let printed = self.print(&report, failed.or(written.as_ref().err()));
        let mut failures = [done, written, printed].into_iter().filter_map(Result::err);
        // The one that gives the exit code is said at the very end.
        let first = failures.next().map(|failure| if self.prints_json() { failure.in_document() } else { failure });
        failures.for_each(|failure| failure.say());
        first.map_or(Ok(()), Err)
    }

    /// Whether what is printed tells why a run failed.
    const fn prints_json(&self) -> bool {
        matches!(self.printed, Printed::Json | Printed::JsonLine)
    }

    fn print(&self, report: &Report, failed: Option<&Failure>) -> Done {
        let document = WithError::new(report, failed);
        match self.printed {
            Printed::Json => print::pretty(&document).and_then(print::last_lines),
            Printed::JsonLine => print::one_line(&document).and_then(print::last_lines),
            Printed::Nothing => Ok(()),
            // There is little to sum up, and it has been said.
            _ if report.time_to_op_ms.is_none() => Ok(()),
            Printed::Summary => print::last_lines(summary(report)),
            Printed::SummaryAside => {
                print::say(summary(report));
                Ok(())
            }
        }
    }
}

/// A run that was well otherwise fails where it broke limits.
fn held(report: &Report) -> Done {
    let broken: Vec<_> = report.broken_limits().collect();
    let each = |limit: &&LimitReport| ErrorProblem {
        path: Some(format!("limits.{}", limit.key)),
        rule: Some(Fault::LimitBroken.name()),
        ..ErrorProblem::told(limit.to_string())
    };
    let message = match broken.as_slice() {
        [] => return Ok(()),
        [one] => format!("a limit of the rig file was broken: {one}"),
        many => {
            let lines: Vec<_> = many.iter().map(ToString::to_string).collect();
            format!("{} limits of the rig file were broken\n  {}", many.len(), lines.join("\n  "))
        }
    };
    Err(Failure::of(Fault::LimitBroken, message).with_problems(broken.iter().map(each).collect()))
}

/// Counts what only the end of a run knows of.
fn count(report: &mut Report, failed: Option<&Failure>) {
    if let Some(failure) = failed {
        report.faults.entry(failure.fault().name()).or_insert(1);
    }
    if report.unsaid > 0 {
        report.faults.insert(Fault::OutputLinesLost.name(), report.unsaid);
    }
}

fn write(report: &Report, failed: Option<&Failure>, path: &Path, file: &mut Outfile) -> Done {
    file.replace((print::pretty(&WithError::new(report, failed))? + "\n").as_bytes())
        .map_err(|error| Failure::written(format!("write {}: {error}", path.display())))
}

/// How the run ended, for its report.
fn outcome(done: &Done, report: &Report, signals: &Signals) -> OutcomeReport {
    let end = signals.stopped_by().map_or_else(|| "done".to_owned(), |signal| format!("stopped by {signal}"));
    let well = |text| OutcomeReport { exit_code: 0, name: None, category: None, text };
    match done {
        Ok(()) if report.time_to_op_ms.is_none() => well(format!("{end} before OP")),
        Ok(()) => well(end),
        Err(failure) => OutcomeReport {
            exit_code: failure.code(),
            name: Some(failure.fault().name()),
            category: Some(failure.fault().category().name()),
            text: failure.message().to_owned(),
        },
    }
}
