//! Where the values of a write task come from: lines on standard input, or waveforms.

use crate::commands::{Command, LineError, parse_line};
use crate::keys::Keys;
use crate::lines::LineReader;
use crate::standard_input::{Job, StandardInput};
use crate::thread::STACK;
use crate::waveform::value_at;
use std::io::{self, BufRead, BufReader};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::Builder;
use std::time::Duration;
use zerocat_config::{Waveform, WriteTask};
use zerocat_faults::Fault;
use zerocat_pdi::Value;

/// Lines that may wait between the reading thread and the task; a sender that is faster waits.
const WAITING: usize = 256;

/// Something that a source gives.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceItem {
    /// A command; it must fit its entry exactly.
    Command(Command),
    /// A generated value; it is rounded and clamped into its entry.
    Generated {
        /// Channel number.
        channel: u32,
        /// The value.
        value: Value,
    },
    /// What was no command.
    Malformed(LineError),
    /// A line of commands ended here, which may hold none. Those of a waveform are no lines.
    Line,
    /// The source has ended. Given once.
    Ended,
}

impl SourceItem {
    /// The channel that it is a value for.
    pub(crate) const fn channel(&self) -> Option<u32> {
        match self {
            Self::Command(Command { channel, .. }) | Self::Generated { channel, .. } => Some(*channel),
            Self::Malformed(_) | Self::Line | Self::Ended => None,
        }
    }
}

/// Gives values for outputs.
pub trait Source: Send {
    /// Adds what has come since the last time, and never waits. `live` is the time since the outputs went live; none
    /// before that.
    fn poll(&mut self, live: Option<Duration>, into: &mut Vec<SourceItem>);
}

/// Waveforms of some channels. They start when the outputs go live.
#[derive(Debug, Clone)]
pub struct WaveformSource {
    waveforms: Vec<(u32, Waveform)>,
}

impl WaveformSource {
    /// Waveforms by channel number.
    #[must_use]
    pub const fn new(waveforms: Vec<(u32, Waveform)>) -> Self {
        Self { waveforms }
    }

    /// The waveforms of a task's enabled channels.
    #[must_use]
    pub fn of(task: &WriteTask) -> Self {
        let enabled = task.config.channels.iter().filter(|channel| channel.enabled);
        Self::new(enabled.filter_map(|channel| Some((channel.channel, channel.waveform.clone()?))).collect())
    }
}

impl Source for WaveformSource {
    fn poll(&mut self, live: Option<Duration>, into: &mut Vec<SourceItem>) {
        let Some(time) = live else { return };
        let values = self.waveforms.iter();
        into.extend(
            values.map(|(channel, waveform)| SourceItem::Generated {
                channel: *channel,
                value: value_at(waveform, time),
            }),
        );
    }
}

/// JSON lines from a stream, read by a thread named `zc-stdin`, which ends with the stream or the process.
#[derive(Debug)]
pub struct StdinSource {
    keys: Arc<Keys>,
    lines: Receiver<Result<Vec<u8>, LineError>>,
    ended: bool,
}

impl StdinSource {
    /// From standard input, for channels with these keys. While the process is in the background of its terminal nothing
    /// is read, and nothing stops it.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn open(keys: Arc<Keys>) -> io::Result<Self> {
        Self::from_reader(keys, || BufReader::new(StandardInput::open(told)))
    }

    /// From another stream, opened on the reading thread.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn from_reader<R: BufRead>(keys: Arc<Keys>, open: impl FnOnce() -> R + Send + 'static) -> io::Result<Self> {
        let (sender, lines) = sync_channel(WAITING);
        Builder::new().name("zc-stdin".to_owned()).stack_size(STACK).spawn(move || forward(open(), &sender))?;
        Ok(Self { keys, lines, ended: false })
    }
}

/// Says whether commands are read.
fn told(job: Job) {
    match job {
        Job::Background => tracing::warn!(
            "commands on standard input are not read: this job is in the background of its terminal; `fg` has them read"
        ),
        Job::Foreground => tracing::info!("commands on standard input are read: this job is in the foreground"),
    }
}

/// Sends lines on until the stream or the task ends.
fn forward(reader: impl BufRead, lines: &SyncSender<Result<Vec<u8>, LineError>>) {
    let mut reader = LineReader::new(reader);
    loop {
        match reader.next_line() {
            Ok(Some(line)) => {
                if lines.send(line).is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(fault = %Fault::SourceFailed, %error, "commands can't be read any more");
                return;
            }
        }
    }
}

impl Source for StdinSource {
    fn poll(&mut self, _live: Option<Duration>, into: &mut Vec<SourceItem>) {
        for _ in 0..WAITING {
            match self.lines.try_recv() {
                Ok(line) => into.extend(sourced(line, &self.keys)),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    if !std::mem::replace(&mut self.ended, true) {
                        into.push(SourceItem::Ended);
                    }
                    return;
                }
            }
        }
    }
}

fn sourced(line: Result<Vec<u8>, LineError>, keys: &Keys) -> Vec<SourceItem> {
    let each = |entry| match entry {
        Ok(command) => SourceItem::Command(command),
        Err(error) => SourceItem::Malformed(error),
    };
    let blank = line.as_ref().is_ok_and(|line| line.trim_ascii().is_empty());
    match line.and_then(|line| parse_line(&line, keys)) {
        Ok(_) if blank => Vec::new(),
        Ok(entries) => entries.into_iter().map(each).chain([SourceItem::Line]).collect(),
        Err(error) => vec![SourceItem::Malformed(error)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::tests::placed;
    use zerocat_config::Setting;
    use zerocat_pdi::DataType;

    #[test]
    fn waveforms_wait_for_the_outputs_to_go_live() {
        let steps =
            Waveform::Steps { values: [6.0, 7.0].map(Setting::Number).to_vec(), dwell: Duration::from_millis(10) };
        let mut source = WaveformSource::new(vec![(5, steps)]);
        let mut got = Vec::new();
        source.poll(None, &mut got);
        assert_eq!(got, []);
        source.poll(Some(Duration::ZERO), &mut got);
        source.poll(Some(Duration::from_millis(10)), &mut got);
        assert_eq!(got, [6.0, 7.0].map(|value| SourceItem::Generated { channel: 5, value: Value::Float64(value) }));
    }

    #[test]
    fn lines_of_a_stream_become_commands_and_its_end_is_told_once() {
        let keys = Arc::new(Keys::new(&[placed(1, DataType::Uint8, 0, 8)]));
        let lines = &b"{\"1\": 2}\nnonsense\n\n{\"dev_1\": [3, 4]}\n{}\n"[..];
        let mut source = StdinSource::from_reader(keys, move || lines).unwrap();
        let mut got = Vec::new();
        while !got.contains(&SourceItem::Ended) {
            source.poll(None, &mut got);
            std::thread::yield_now();
        }
        source.poll(None, &mut got);
        let command = |value| SourceItem::Command(Command::new(1, Value::Uint(value)));
        assert!(matches!(got.remove(2), SourceItem::Malformed(LineError::NotAnObject(_))));
        let line = SourceItem::Line;
        assert_eq!(got, [command(2), line.clone(), command(4), line.clone(), line, SourceItem::Ended]);
    }
}
