//! A row at work: its process, the lines exchanged with it, and its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use zerocat_measure::{Plan, RowReport};

/// Time that a row may take to set itself up, which may include a scan of many SubDevices.
const SET_UP: Duration = Duration::from_secs(30);
/// Time that a row may take beyond that of its plan.
const GRACE: Duration = Duration::from_secs(30);

/// Why a row gave no report.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowFault {
    #[error("start {program}")]
    Start { program: String, source: std::io::Error },
    #[error("{0}")]
    Ended(String),
    #[error("not ready after {} s", SET_UP.as_secs())]
    NotReady,
    #[error("no report in time; killed")]
    TooLong,
    #[error("its report")]
    Report(#[from] serde_json::Error),
}

/// A row that was started. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct RowProcess {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

impl RowProcess {
    /// Starts a row and gives it its plan.
    pub(super) fn start(command: &[String], plan: &Plan) -> Result<Self, RowFault> {
        let (program, arguments) = command.split_first().ok_or(RowFault::Ended("no command".to_owned()))?;
        let line = serde_json::to_string(plan)?;
        let pipes = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = pipes.map_err(|source| RowFault::Start { program: program.clone(), source })?;
        let (Some(mut input), Some(output), Some(mut errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(RowFault::Ended("no pipes".to_owned()));
        };
        // If it has ended already, the wait for its first line reports that.
        let _ = writeln!(input, "{line}");
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text);
            text
        });
        Ok(Self { child, input, lines, errors: Some(errors) })
    }

    /// Waits until it has set itself up.
    pub(super) fn await_ready(&mut self) -> Result<(), RowFault> {
        match self.lines.recv_timeout(SET_UP) {
            Ok(line) if line == "ready" => Ok(()),
            Ok(line) => Err(RowFault::Ended(format!("said `{line}` where it should say `ready`"))),
            Err(RecvTimeoutError::Timeout) => Err(RowFault::NotReady),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    /// Lets it measure, and returns its report.
    pub(super) fn measure(&mut self, plan: &Plan) -> Result<RowReport, RowFault> {
        // As in `start`.
        let _ = writeln!(self.input, "go");
        let paced = plan.rate_hz.map_or(0.0, |rate| f64::from(plan.cycles) / rate);
        match self.lines.recv_timeout(GRACE + Duration::from_secs_f64(2.0 * paced)) {
            Ok(line) => Ok(serde_json::from_str(&line)?),
            Err(RecvTimeoutError::Timeout) => Err(RowFault::TooLong),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    /// Waits until it has ended by itself, so that a tracer around it has written what it counted.
    pub(super) fn await_end(mut self) -> Option<ExitStatus> {
        self.child.wait().ok()
    }

    fn ended(&mut self) -> RowFault {
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let text = self.errors.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        RowFault::Ended(format!("ended ({status}): {last}"))
    }
}

impl Drop for RowProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
