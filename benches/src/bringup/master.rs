//! A MainDevice at work: a process that brings the segment to OP, says how long it took, and ends.

use super::BringUpSettings;
use super::end::SegmentEnd;
use super::row::{PhaseTime, RowLine};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Longest time to OP. Ours gives up by itself before.
const PATIENCE: Duration = Duration::from_secs(90);
/// Longest time that it may take to end.
const GRACE: Duration = Duration::from_secs(15);
/// Time between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// SubDevices up to which our cycles are 1 kHz. The simulated segment has no time for more in a millisecond.
const AT_A_KILOHERTZ: usize = 200;

/// A MainDevice and the command that starts it; the interface is the command's last argument.
#[derive(Debug, Clone)]
pub(super) struct Master {
    pub(super) name: &'static str,
    pub(super) command: Vec<String>,
    /// Its cycles can be slower for a long segment.
    pub(super) takes_rate: bool,
}

/// A bring-up that reached OP.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) ms: f64,
    pub(super) frames: u64,
    pub(super) datagrams: u64,
    pub(super) phases: Vec<PhaseTime>,
}

/// What became of a bring-up; a sentence where it failed.
pub(super) type Came = Result<Arrival, String>;

impl Master {
    pub(super) fn zerocat(settings: &BringUpSettings) -> Self {
        let program = settings.program.to_string_lossy().into_owned();
        Self {
            name: "zerocat",
            command: [&program, "bench", "bringup-row", "--interface"].map(String::from).to_vec(),
            takes_rate: true,
        }
    }

    /// All that are there.
    pub(super) fn all(settings: &BringUpSettings) -> Vec<Self> {
        let soem = settings.soem.clone().map(|command| Self { name: "soem", command, takes_rate: false });
        std::iter::once(Self::zerocat(settings)).chain(soem).collect()
    }

    /// Brings a segment to OP and leaves it.
    pub(super) fn bring_up(&self, interface: &str, subdevices: usize, end: &SegmentEnd) -> Came {
        let slower: &[&str] = if self.takes_rate && subdevices > AT_A_KILOHERTZ { &["--rate", "250"] } else { &[] };
        let mut child = Running::start(&self.command, interface, slower)?;
        let line = child.line()?;
        let (frames, datagrams) = end.heard();
        child.finish();
        let RowLine { ms, subdevices: found, phases } = line;
        if found != subdevices {
            return Err(format!("found {found} SubDevices"));
        }
        Ok(Arrival { ms, frames, datagrams, phases })
    }
}

/// A process that is killed when this is dropped.
struct Running(Child);

impl Running {
    fn start(command: &[String], interface: &str, more: &[&str]) -> Result<Self, String> {
        let (program, arguments) = command.split_first().ok_or("no command")?;
        let child = Command::new(program)
            .args(arguments)
            .arg(interface)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        child.map(Self).map_err(|error| format!("start {program}: {error}"))
    }

    /// What it says when all are in OP.
    fn line(&mut self) -> Result<RowLine, String> {
        let output = self.0.stdout.take().ok_or("no pipe")?;
        let (send, lines) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(output).read_line(&mut line);
            let _ = send.send(line);
        });
        match lines.recv_timeout(PATIENCE) {
            Ok(line) if !line.is_empty() => serde_json::from_str(&line).map_err(|error| format!("its line: {error}")),
            Err(RecvTimeoutError::Timeout) => Err(format!("not in OP after {} s", PATIENCE.as_secs())),
            _ => Err(self.last_words()),
        }
    }

    fn last_words(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut errors) = self.0.stderr.take() {
            let _ = errors.read_to_string(&mut text);
        }
        let status = self.0.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        format!("ended ({status}): {last}")
    }

    /// Lets it go on, which is to end, and waits for that.
    fn finish(mut self) {
        if let Some(mut input) = self.0.stdin.take() {
            let _ = writeln!(input);
        }
        let mut waited = Duration::ZERO;
        while waited < GRACE && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(LOOK);
            waited += LOOK;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
