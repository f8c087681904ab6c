//! Where batches go: JSON lines to standard output or to a file.
//!
//! A sink is opened without waiting for a reader, and is written to on a thread of its own ([`crate::Outlet`]), where a
//! write may take as long as it takes.

use crate::batch::Batch;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};
use zerocat_config::Sink as SinkConfig;

/// How long a FIFO that nobody reads is waited for.
const READER_PATIENCE: Duration = Duration::from_secs(1);
/// Pause between two looks whether somebody does.
const LOOK: Duration = Duration::from_millis(10);

/// Takes batches. One that fails is counted by the task; the next is tried again.
pub trait Sink: Send {
    /// Writes a batch out, so that it is visible to readers when this returns. It may wait.
    ///
    /// # Errors
    /// The batch was not written, or not wholly.
    fn take(&mut self, batch: &Batch) -> io::Result<()>;
}

/// A sink could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The file.
    #[error("open {} for JSON lines; check that its folder exists and may be written to", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A FIFO without a reader.
    #[error("open {} for JSON lines: it is a FIFO that nobody reads; start its reader first", path.display())]
    NoReader {
        /// The file.
        path: PathBuf,
    },
    /// Standard output.
    #[error("write JSON lines to standard output")]
    Stdout(#[source] io::Error),
}

/// Opens the sink that a rig file asks for. A file is created if it isn't there, and appended to if it is.
///
/// # Errors
/// The file can't be opened. A FIFO that nobody reads is waited for, for a second at the longest.
pub fn open_sink(sink: &SinkConfig) -> Result<Box<dyn Sink>, SinkError> {
    let SinkConfig::Jsonl(path) = sink;
    let file = if path == "-" { stdout().map_err(SinkError::Stdout)? } else { open_file(path.as_ref())? };
    Ok(Box::new(JsonLines::new(file)))
}

/// Standard output without the lock that others print under: who waits here doesn't hold it.
fn stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

fn open_file(path: &Path) -> Result<File, SinkError> {
    let end = Instant::now() + READER_PATIENCE;
    loop {
        match open_at_once(path) {
            Ok(file) => return Ok(file),
            Err(source) if !lacks_reader(path, &source) => {
                return Err(SinkError::Open { path: path.to_owned(), source });
            }
            Err(_) if Instant::now() >= end => return Err(SinkError::NoReader { path: path.to_owned() }),
            Err(_) => sleep(LOOK),
        }
    }
}

/// Opens a file without waiting for a reader; writes to it may wait.
fn open_at_once(path: &Path) -> io::Result<File> {
    let at_once = OFlag::O_NONBLOCK;
    let file = OpenOptions::new().create(true).append(true).custom_flags(at_once.bits()).open(path)?;
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags - at_once))?;
    Ok(file)
}

fn lacks_reader(path: &Path, error: &io::Error) -> bool {
    let fifo = || path.metadata().is_ok_and(|file| file.file_type().is_fifo());
    error.raw_os_error() == Some(Errno::ENXIO as i32) && fifo()
}

/// JSON lines to a writer. A line goes out in one write; one that was torn by an error is ended before the next.
#[derive(Debug)]
pub struct JsonLines<W> {
    writer: W,
    line: Vec<u8>,
    torn: bool,
}

impl<W: Write + Send> JsonLines<W> {
    /// JSON lines to `writer`.
    pub const fn new(writer: W) -> Self {
        Self { writer, line: Vec::new(), torn: false }
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn take(&mut self, batch: &Batch) -> io::Result<()> {
        self.line.clear();
        if self.torn {
            self.line.push(b'\n');
        }
        serde_json::to_writer(&mut self.line, batch)?;
        self.line.push(b'\n');
        self.torn = true;
        self.writer.write_all(&self.line)?;
        self.writer.flush()?;
        self.torn = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Kind;

    /// A disk that takes some bytes, then none until there is room again.
    struct Disk {
        bytes: Vec<u8>,
        room: usize,
    }

    impl Write for &mut Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let n = bytes.len().min(self.room);
            if n == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.extend_from_slice(&bytes[..n]);
            self.room -= n;
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_torn_by_a_full_disk_does_not_spoil_the_next() {
        let batch = Batch::new("t".into(), Kind::Samples, [1]);
        let whole = format!("{}\n", serde_json::to_string(&batch).unwrap());
        let mut disk = Disk { bytes: Vec::new(), room: whole.len() + 7 };
        let mut sink = JsonLines::new(&mut disk);
        sink.take(&batch).unwrap();
        assert_eq!(sink.take(&batch).unwrap_err().kind(), io::ErrorKind::StorageFull);
        sink.writer.room = 1000;
        sink.take(&batch).unwrap();
        let text = String::from_utf8(disk.bytes).unwrap();
        assert_eq!(text, format!("{whole}{}\n{whole}", &whole[..7]));
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let error = open_sink(&SinkConfig::Jsonl("/no/such/folder/x.jsonl".to_owned())).err().unwrap();
        assert!(error.to_string().starts_with("open /no/such/folder/x.jsonl for JSON lines"));
    }

    #[test]
    fn a_fifo_that_nobody_reads_is_refused_and_one_that_is_read_is_opened() {
        let path = std::env::temp_dir().join(format!("zerocat-fifo-{}", std::process::id()));
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let config = SinkConfig::Jsonl(path.to_str().unwrap().to_owned());
        let refused = open_sink(&config).err().unwrap();
        assert!(matches!(refused, SinkError::NoReader { .. }), "{refused}");
        let reader = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path).unwrap();
        open_sink(&config).unwrap().take(&Batch::new("t".into(), Kind::Samples, [1])).unwrap();
        assert!(io::read_to_string(reader).unwrap().starts_with(r#"{"task":"t""#));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_is_appended_to() {
        let path = std::env::temp_dir().join(format!("zerocat-sink-{}.jsonl", std::process::id()));
        let config = SinkConfig::Jsonl(path.to_str().unwrap().to_owned());
        let batch = Batch::new("t".into(), Kind::Samples, [1]);
        for _ in 0..2 {
            open_sink(&config).unwrap().take(&batch).unwrap();
        }
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(lines, 2);
    }
}
