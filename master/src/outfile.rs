//! Files, pipes and terminals that a run writes to: report, capture, samples.
//!
//! Guarantees: they are opened before anything else is done, without waiting for whoever reads a FIFO longer than
//! [`PATIENCE`]; and a write to a pipe or a terminal that takes nothing ends with an error after the time that was asked for.
//! A stream that others share keeps its flags. Not guaranteed: a bound on files on disks that hang.

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{FileStat, SFlag, fstat};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long is waited for somebody to open a FIFO for reading.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(10);
/// Longest wait in one system call.
const LONGEST: Duration = Duration::from_secs(1);
/// Bytes of one write: a pipe that can be written to takes as many at once (`PIPE_BUF`, `pipe(7)`).
const PIECE: usize = 4096;

/// What becomes of what a file holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, until [`Outfile::replace`].
    Keep,
    /// It goes.
    Empty,
    /// What is written comes behind it.
    Append,
}

/// A file can't be written to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutfileError {
    /// It can't be opened.
    #[error("{} can't be opened for writing; check that its folder exists and may be written to", path.display())]
    Open {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody reads it.
    #[error("{} is a FIFO that nobody reads; start its reader first", path.display())]
    Unread {
        /// Its path.
        path: PathBuf,
    },
}

/// An open file, pipe or terminal.
#[derive(Debug)]
pub struct Outfile {
    file: File,
    patience: Duration,
}

impl Outfile {
    /// Opens a file, which is made if it isn't there. A write waits at most `patience`.
    ///
    /// # Errors
    /// It can't be opened, or nobody reads it.
    pub fn open(path: &Path, existing: Existing, patience: Duration) -> Result<Self, OutfileError> {
        let began = Instant::now();
        loop {
            let error = match options(existing).open(path) {
                Ok(file) => return Ok(Self { file, patience }),
                Err(error) => error,
            };
            let unread = error.raw_os_error() == Some(Errno::ENXIO as i32) && is_fifo(path);
            match (unread, began.elapsed() >= PATIENCE) {
                (true, false) => std::thread::sleep(LOOK),
                (true, true) => return Err(OutfileError::Unread { path: path.to_owned() }),
                (false, _) => return Err(OutfileError::Open { path: path.to_owned(), source: error }),
            }
        }
    }

    /// Standard output. A pipe or a terminal is opened once more, so that others who share it keep its flags.
    ///
    /// # Errors
    /// What the system said.
    pub fn stdout(patience: Duration) -> io::Result<Self> {
        let shared = io::stdout().as_fd().try_clone_to_owned()?;
        let own = if is_regular(&shared) { None } else { options(Existing::Append).open("/proc/self/fd/1").ok() };
        let file = own.unwrap_or_else(|| shared.into());
        Ok(Self { file, patience })
    }

    /// Whether it is a file on a disk.
    #[must_use]
    pub fn is_regular(&self) -> bool {
        is_regular(&self.file)
    }

    /// Has the file hold these bytes and no others.
    ///
    /// # Errors
    /// What the system said; `TimedOut` where nobody reads.
    pub fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        let regular = is_regular(self.file.as_fd());
        if regular {
            self.file.rewind()?;
        }
        self.write_all(bytes)?;
        let len = u64::try_from(bytes.len()).map_err(io::Error::other)?;
        if regular { self.file.set_len(len) } else { Ok(()) }
    }
}

impl Write for Outfile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_some(&self.file, bytes, Instant::now(), self.patience)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes all of it to a stream that may be shared, and waits at most so long for a reader.
///
/// # Errors
/// What the system said; `TimedOut` where nobody reads.
pub fn write_all(stream: impl AsFd, mut bytes: &[u8], at_most: Duration) -> io::Result<()> {
    let began = Instant::now();
    while !bytes.is_empty() {
        let written = write_some(&stream, bytes, began, at_most)?;
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

fn write_some(stream: &impl AsFd, bytes: &[u8], began: Instant, at_most: Duration) -> io::Result<usize> {
    let piece = bytes.get(..PIECE).unwrap_or(bytes);
    loop {
        await_room(stream, began, at_most)?;
        match nix::unistd::write(stream, piece) {
            Ok(written) => return Ok(written),
            // Another writer was quicker.
            Err(Errno::EAGAIN) if began.elapsed() >= at_most => return Err(nobody_reads()),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Waits until the stream takes bytes, or until a write would say why it never will.
fn await_room(stream: &impl AsFd, began: Instant, at_most: Duration) -> io::Result<()> {
    loop {
        let left = at_most.saturating_sub(began.elapsed());
        let timeout = PollTimeout::try_from(left.min(LONGEST)).unwrap_or(PollTimeout::ZERO);
        match poll(&mut [PollFd::new(stream.as_fd(), PollFlags::POLLOUT)], timeout) {
            Ok(0) if left.is_zero() => return Err(nobody_reads()),
            Ok(0) | Err(Errno::EINTR) => {}
            // A stream that can't be polled is written to, and says what is wrong with it.
            Ok(_) | Err(_) => return Ok(()),
        }
    }
}

fn nobody_reads() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "nobody reads it")
}

/// Opens for writing, and waits for nobody.
fn options(existing: Existing) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits());
    match existing {
        Existing::Keep => options.write(true).truncate(false),
        Existing::Empty => options.write(true).truncate(true),
        Existing::Append => options.append(true),
    };
    options
}

fn is_fifo(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo())
}

fn is_regular(file: impl AsFd) -> bool {
    let kind = |stat: FileStat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    fstat(file).is_ok_and(|stat| kind(stat) == SFlag::S_IFREG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use zerocat_testkit::Folder;

    #[test]
    fn a_pipe_that_nobody_reads_is_given_up_and_one_that_is_read_takes_all() {
        let (mut reader, writer) = io::pipe().unwrap();
        let much = vec![b'x'; 1 << 20];
        let refused = write_all(&writer, &much, Duration::from_millis(20)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            all.len()
        });
        write_all(&writer, &much, Duration::from_secs(30)).unwrap();
        drop(writer);
        assert!(reading.join().unwrap() >= much.len());
    }

    #[test]
    fn a_reader_that_is_gone_and_a_full_disk_are_said() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        assert_eq!(write_all(&writer, b"x", Duration::MAX).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let full = File::options().write(true).open("/dev/full").unwrap();
        assert_eq!(write_all(&full, b"x", Duration::MAX).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_file_keeps_what_it_holds_until_it_is_replaced() {
        let folder = Folder::new();
        let path = folder.path("report.json");
        std::fs::write(&path, "an older and longer report").unwrap();
        let mut file = Outfile::open(&path, Existing::Keep, Duration::ZERO).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "an older and longer report");
        file.replace(b"a report").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a report");
        Outfile::open(&path, Existing::Append, Duration::ZERO).unwrap().write_all(b" and more").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a report and more");
        Outfile::open(&path, Existing::Empty, Duration::ZERO).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
    }

    #[test]
    fn a_fifo_without_a_reader_is_refused_and_one_with_a_sleeping_reader_takes_what_has_room() {
        let folder = Folder::new();
        let path = folder.path("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let error = Outfile::open(&path, Existing::Append, Duration::ZERO).unwrap_err();
        assert!(matches!(error, OutfileError::Unread { .. }), "{error}");
        // Read and write: such an open waits for nobody.
        let reader = File::options().read(true).write(true).open(&path).unwrap();
        let mut file = Outfile::open(&path, Existing::Append, Duration::ZERO).unwrap();
        let refused = file.write_all(&vec![b'x'; 1 << 20]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        drop(reader);
    }

    #[test]
    fn a_path_that_cannot_be_opened_is_named() {
        let path = Path::new("/no/such/folder/x.jsonl");
        let error = Outfile::open(path, Existing::Append, Duration::ZERO).unwrap_err();
        assert!(error.to_string().starts_with("/no/such/folder/x.jsonl can't be opened"), "{error}");
    }
}
