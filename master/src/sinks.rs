//! The sinks of a rig's tasks, opened before anything is sent.
//!
//! A sink has a thread of its own, which may wait as long as its reader sleeps. What goes to standard output goes through
//! one writer, so that lines of several tasks stay whole. A CSV that is there already is appended to where its first line
//! names the same columns, and refused otherwise; what its columns hold stands in a file beside it.

use crate::outfile::{Existing, Outfile, OutfileError};
use crate::tasks::TaskStartError;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zerocat_config::{By, Format, Rig, Sink as SinkConfig, Task};
use zerocat_tasks::{Batch, Beginning, Csv, Header, JsonLines, Kind, OpenSink, Sink, WholeLines, csv_names};

/// How long the thread of a sink waits for a reader.
const PATIENCE: Duration = Duration::MAX;
/// What is behind the path of a CSV in the path of the file that describes it.
const BESIDE: &str = ".channels.json";
/// Most bytes that are read of a line of names.
const LONGEST_NAMES: u64 = 1 << 20;

/// Open sinks of each task, in the order of the rig file.
#[derive(Debug, Default)]
pub struct Sinks(Vec<Vec<OpenSink>>);

impl Sinks {
    /// Opens those that the tasks ask for. A file is made if it isn't there, and appended to if it is.
    ///
    /// # Errors
    /// One can't be opened, or is a CSV with other columns.
    pub fn open(rig: &Rig) -> Result<Self, TaskStartError> {
        let mut stdout = None;
        let of_task = |(index, task): (usize, &Task)| {
            let wrong = |source| TaskStartError::Sink { task: task.name().to_owned(), source };
            let Some(header) = header(rig, index) else { return Ok(Vec::new()) };
            task.sinks().iter().map(|sink| open(sink, &header, &mut stdout).map_err(wrong)).collect()
        };
        rig.tasks.iter().enumerate().map(of_task).collect::<Result<_, _>>().map(Self)
    }

    /// Takes the sinks of a task.
    pub(crate) fn take(&mut self, task: usize) -> Vec<OpenSink> {
        self.0.get_mut(task).map(std::mem::take).unwrap_or_default()
    }
}

/// What the lines of a task will hold; none for a task whose data isn't to be saved.
fn header(rig: &Rig, index: usize) -> Option<Header> {
    let task = rig.tasks.get(index)?;
    let (saved, of, rate) = match task {
        Task::Read(read) => (read.config.data_saving, Kind::Samples, read.config.sample_rate),
        Task::Write(write) => (write.config.data_saving, Kind::State, write.config.state_rate),
        Task::Scan(_) => return None,
    };
    if !saved || task.is_idle() {
        return None;
    }
    // Names and numbers are known before the bus; types that the bus says are not.
    let rig = rig.with_any_types();
    let task = rig.tasks.get(index)?;
    Some(Header::before(task.name(), of, rate, &rig.channels_of(task)))
}

fn open(sink: &SinkConfig, header: &Header, stdout: &mut Option<WholeLines>) -> Result<OpenSink, SinkError> {
    let beginning = if sink.header { Beginning::Header } else { Beginning::None };
    match &sink.format {
        Format::Jsonl(path) => {
            let by = sink.by.unwrap_or(if header.numbered() { By::Number } else { By::Name });
            let (name, lines) = if sink.is_stdout() { standard_output(stdout)? } else { file(path)? };
            Ok(OpenSink { name, sink: Box::new(JsonLines::new(lines, by, beginning)) })
        }
        Format::Csv(path) => {
            let by = sink.by.unwrap_or(By::Name);
            if sink.is_stdout() {
                let (name, lines) = standard_output(stdout)?;
                return Ok(OpenSink { name, sink: Box::new(Csv::new(lines, by, beginning)) });
            }
            csv_file(path, by, beginning, header)
        }
    }
}

fn standard_output(stdout: &mut Option<WholeLines>) -> Result<(String, WholeLines), SinkError> {
    let open = || Outfile::stdout(PATIENCE).map(|out| WholeLines::new(Box::new(out))).map_err(SinkError::Stdout);
    let lines = stdout.take().map_or_else(open, Ok)?;
    *stdout = Some(lines.clone());
    Ok(("standard output".to_owned(), lines))
}

/// A file to append to. A line that it ends within is ended first.
fn file(path: &Path) -> Result<(String, WholeLines), SinkError> {
    let out = Outfile::open(path, Existing::Append, PATIENCE)?;
    let torn = out.is_regular() && ends_within_a_line(path).unwrap_or(false);
    let (name, out) = (path.display().to_string(), Box::new(out));
    Ok((name, if torn { WholeLines::after_a_torn_line(out) } else { WholeLines::new(out) }))
}

/// A CSV, with its description beside it where it is a file.
fn csv_file(path: &Path, by: By, beginning: Beginning, header: &Header) -> Result<OpenSink, SinkError> {
    // A FIFO must not be opened for a look.
    let regular = path.metadata().map_or(true, |metadata| metadata.is_file());
    let described = beginning == Beginning::Header && regular;
    let beginning = match described.then(|| first_line(path)).flatten() {
        Some(names) if names.trim_end() == csv_names(header, by).trim_end() => Beginning::None,
        Some(names) => {
            let (names, written) = (shortened(names.trim_end()), shortened(csv_names(header, by).trim_end()));
            return Err(SinkError::Columns { path: path.to_owned(), names, written });
        }
        None => beginning,
    };
    let (name, lines) = file(path)?;
    let csv = Csv::new(lines, by, beginning);
    if !described {
        return Ok(OpenSink { name, sink: Box::new(csv) });
    }
    let beside: OsString = [path.as_os_str(), BESIDE.as_ref()].into_iter().collect();
    let beside = Outfile::open(Path::new(&beside), Existing::Keep, PATIENCE)?;
    Ok(OpenSink { name, sink: Box::new(DescribedCsv { csv, by, beside, owed: false }) })
}

/// The first line of a file; none where it isn't there, is empty, or can't be read, which its opening tells.
fn first_line(path: &Path) -> Option<String> {
    let mut line = Vec::new();
    let file = BufReader::new(File::open(path).ok()?);
    file.take(LONGEST_NAMES).read_until(b'\n', &mut line).ok()?;
    (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned())
}

fn ends_within_a_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// The beginning of a text, for a message.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    let shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}

/// Why a sink can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// A file.
    #[error(transparent)]
    File(#[from] OutfileError),
    /// Standard output.
    #[error("standard output")]
    Stdout(#[source] io::Error),
    /// A CSV that holds something else.
    #[error(
        "{} is there and has other columns: it begins with `{names}`; this task writes `{written}`; move it away, or name another file",
        path.display()
    )]
    Columns {
        /// Its path.
        path: PathBuf,
        /// The beginning of its first line.
        names: String,
        /// The beginning of what the task would write as the first line.
        written: String,
    },
}

/// A CSV and the file beside it that says what the columns hold.
struct DescribedCsv {
    csv: Csv,
    by: By,
    beside: Outfile,
    /// The file beside it found no room and is written when there is some.
    owed: bool,
}

impl DescribedCsv {
    fn describe(&mut self, header: &Header) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(&header.described(self.by))?;
        text.push(b'\n');
        let described = self.beside.replace(&text);
        self.owed = described.is_err();
        described
    }
}

impl Sink for DescribedCsv {
    fn begin(&mut self, header: &Header) -> io::Result<()> {
        let described = self.describe(header);
        self.csv.begin(header).and(described)
    }

    fn take(&mut self, batch: &Batch) -> io::Result<()> {
        self.csv.take(batch)?;
        if self.owed {
            // The first failure was told; rows that were written aren't lost with this one.
            let _still_owed = self.describe(&batch.header);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{read_to_string, write};
    use std::sync::Arc;
    use zerocat_testkit::Folder;

    /// The rig of the demonstration with one sink for its inputs.
    fn rig(sink: SinkConfig) -> Rig {
        let mut rig = Rig::from_json(include_str!("../../examples/demo-rig.json")).unwrap();
        let Some(Task::Read(task)) = rig.tasks.first_mut() else { panic!("no read task") };
        task.sinks = vec![sink];
        rig
    }

    /// Opens a sink and writes a batch without samples to it.
    fn run(sink: SinkConfig) {
        let rig = rig(sink);
        let mut open = Sinks::open(&rig).unwrap().take(0).pop().unwrap();
        let header = header(&rig, 0).unwrap();
        open.sink.begin(&header).unwrap();
        open.sink.take(&Batch::new(Arc::new(header))).unwrap();
    }

    fn refusal(sink: SinkConfig) -> String {
        zerocat_faults::chain(&Sinks::open(&rig(sink)).unwrap_err())
    }

    #[test]
    fn json_lines_are_appended_each_run_with_what_it_holds() {
        let folder = Folder::new();
        let path = folder.path("samples.jsonl");
        write(&path, "{\"torn").unwrap();
        run(SinkConfig::jsonl(&path));
        run(SinkConfig::jsonl(&path));
        let text = read_to_string(path).unwrap();
        let kinds: Vec<_> = text.lines().map(|line| line.split('"').nth(7)).collect();
        assert_eq!(kinds, [None, Some("channels"), Some("samples"), Some("channels"), Some("samples")]);
    }

    #[test]
    fn a_csv_is_described_beside_it_and_appended_to_by_the_same_task() {
        let folder = Folder::new();
        let path = folder.path("samples.csv");
        run(SinkConfig::csv(&path));
        run(SinkConfig::csv(&path));
        let names = read_to_string(&path).unwrap();
        assert!(
            names.starts_with("time_ns,") && names.ends_with(",stale,stale_channels,utc_ns,dc_time_ns,time_base\n"),
            "{names}"
        );
        assert_eq!(names.lines().count(), 1);
        let beside = read_to_string(folder.path("samples.csv.channels.json")).unwrap();
        let beside: serde_json::Value = serde_json::from_str(&beside).unwrap();
        assert_eq!((&beside["schema"], &beside["by"]), (&"zerocat-lines/1".into(), &"name".into()));
    }

    #[test]
    fn a_description_that_found_no_room_is_written_with_a_later_batch() {
        let folder = Folder::new();
        let header = header(&rig(SinkConfig::csv("-")), 0).unwrap();
        let (_, lines) = file(&folder.path("samples.csv")).unwrap();
        let beside = Outfile::open(&folder.path("beside.json"), Existing::Keep, PATIENCE).unwrap();
        let csv = Csv::new(lines, By::Name, Beginning::Header);
        let mut csv = DescribedCsv { csv, by: By::Name, beside, owed: true };
        csv.take(&Batch::new(Arc::new(header))).unwrap();
        assert!(read_to_string(folder.path("beside.json")).unwrap().contains("zerocat-lines/1"));
        assert!(!csv.owed);
    }

    #[test]
    fn a_csv_with_other_columns_is_left_as_it_is() {
        let folder = Folder::new();
        let path = folder.path("samples.csv");
        write(&path, "time_ns,other,stale\n1,2,0\n").unwrap();
        let refusal = refusal(SinkConfig::csv(&path));
        let expected = "samples.csv is there and has other columns: it begins with `time_ns,other,stale`; this task writes `time_ns,";
        assert!(refusal.contains(expected) && refusal.contains("…`; move it away"), "{refusal}");
        assert_eq!(read_to_string(&path).unwrap(), "time_ns,other,stale\n1,2,0\n");
        assert!(!folder.path("samples.csv.channels.json").exists());
        run(SinkConfig { header: false, ..SinkConfig::csv(&path) });
        assert!(!folder.path("samples.csv.channels.json").exists());
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named_with_its_task() {
        for sink in [SinkConfig::jsonl("/no/such/folder/x"), SinkConfig::csv("/no/such/folder/x")] {
            let refusal = refusal(sink);
            assert!(refusal.starts_with("task `demo-inputs`: /no/such/folder/x"), "{refusal}");
        }
    }
}
