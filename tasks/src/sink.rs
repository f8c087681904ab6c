//! Where batches go: JSON lines to standard output or to a file.

use crate::batch::Batch;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use zerocat_config::Sink as SinkConfig;

/// Takes batches. One that fails is counted by the task; the next is tried again.
pub trait Sink: Send {
    /// Writes a batch out, so that it is visible to readers when this returns.
    ///
    /// # Errors
    /// The batch was not written, or not wholly.
    fn take(&mut self, batch: &Batch) -> io::Result<()>;
}

/// A sink could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("open {} for JSON lines; check that its folder exists and may be written to", path.display())]
pub struct SinkError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Opens the sink that a rig file asks for. A file is created if it isn't there, and appended to if it is.
///
/// # Errors
/// The file can't be opened.
pub fn open_sink(sink: &SinkConfig) -> Result<Box<dyn Sink>, SinkError> {
    let SinkConfig::Jsonl(path) = sink;
    if path == "-" {
        return Ok(Box::new(JsonLines::new(io::stdout())));
    }
    let open = OpenOptions::new().create(true).append(true).open(path);
    let file: File = open.map_err(|source| SinkError { path: PathBuf::from(path), source })?;
    Ok(Box::new(JsonLines::new(file)))
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
