//! Lines to a writer that several sinks may share, each of them whole.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Writes lines so that none is torn by another's, and one that an error has torn is ended before the next.
#[derive(Clone)]
pub struct WholeLines(Arc<Mutex<Open>>);

struct Open {
    writer: Box<dyn Write + Send>,
    torn: bool,
}

impl fmt::Debug for WholeLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WholeLines")
    }
}

impl WholeLines {
    /// Lines to a writer.
    #[must_use]
    pub fn new(writer: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(Open { writer, torn: false })))
    }

    /// Lines to a writer that has got a part of one already.
    #[must_use]
    pub fn after_a_torn_line(writer: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(Open { writer, torn: true })))
    }

    /// Writes lines, each with its end, in one go. They are visible to readers when this returns.
    ///
    /// # Errors
    /// They were not written, or not wholly.
    pub(crate) fn write(&self, lines: &[u8]) -> io::Result<()> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.torn {
            open.write_all(b"\n")?;
        }
        open.write_all(lines)?;
        open.writer.flush()
    }
}

impl Open {
    /// Writes all of it, and notes whether an error has left a part of a line.
    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.writer.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    let (done, rest) = bytes.split_at(written.min(bytes.len()));
                    self.torn = done.last() != Some(&b'\n');
                    bytes = rest;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A disk that takes some bytes, then none until there is room again.
    #[derive(Clone, Default)]
    pub(crate) struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Disk {
        pub(crate) fn with_room(room: usize) -> Self {
            Self(Arc::new(Mutex::new((Vec::new(), room))))
        }

        pub(crate) fn set_room(&self, room: usize) {
            self.0.lock().unwrap().1 = room;
        }

        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().0.clone()).unwrap()
        }

        pub(crate) fn lines(&self) -> WholeLines {
            WholeLines::new(Box::new(self.clone()))
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (written, room) = &mut *self.0.lock().unwrap();
            let n = bytes.len().min(*room);
            if n == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            written.extend_from_slice(&bytes[..n]);
            *room -= n;
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_torn_by_a_full_disk_does_not_spoil_the_next() {
        let disk = Disk::with_room(9);
        let lines = disk.lines();
        lines.write(b"one\n").unwrap();
        for line in ["second\n", "lost\n"] {
            assert_eq!(lines.write(line.as_bytes()).unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
        disk.set_room(1000);
        lines.clone().write(b"third\n").unwrap();
        assert_eq!(disk.text(), "one\nsecon\nthird\n");
    }

    #[test]
    fn a_line_that_a_file_ends_within_is_ended_first() {
        let disk = Disk::with_room(100);
        WholeLines::after_a_torn_line(Box::new(disk.clone())).write(b"next\n").unwrap();
        assert_eq!(disk.text(), "\nnext\n");
    }
}
