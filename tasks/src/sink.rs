//! Where batches go: JSON lines to a writer.
//!
//! A sink is written to on its own thread ([`crate::Outlet`]), where a write may take as long as it takes.

use crate::batch::Batch;
use std::io::{self, Write};

/// Takes batches. One that fails is counted by the task; the next is tried again.
pub trait Sink: Send {
    /// Writes a batch out, so that it is visible to readers when this returns. It may wait.
    ///
    /// # Errors
    /// The batch was not written, or not wholly.
    fn take(&mut self, batch: &Batch) -> io::Result<()>;
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
}
