//! Writing to a stream whose reader may be gone or asleep.
//!
//! Guarantees: a pipe, a socket or a terminal that takes nothing is waited for no longer than asked, as long as this process
//! is the only writer. The stream's flags stay as they are: other processes share them. Not guaranteed: a bound on writes
//! to files on disks that hang.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// Bytes of one write: a pipe that can be written to takes as many at once (`PIPE_BUF`).
const PIECE: usize = 4096;
/// Longest wait in one system call.
const LOOK: Duration = Duration::from_secs(1);

/// Writes all of it, and waits at most so long for a reader.
///
/// # Errors
/// What the system said; `TimedOut` where nobody reads.
pub(crate) fn write(stream: impl AsFd, mut bytes: &[u8], at_most: Duration) -> io::Result<()> {
    let began = Instant::now();
    while !bytes.is_empty() {
        await_room(&stream, began, at_most)?;
        let piece = bytes.get(..PIECE).unwrap_or(bytes);
        match nix::unistd::write(&stream, piece) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// Waits until the stream takes bytes, or until a write would say why it never will.
fn await_room(stream: &impl AsFd, began: Instant, at_most: Duration) -> io::Result<()> {
    loop {
        let left = at_most.saturating_sub(began.elapsed());
        let timeout = PollTimeout::try_from(left.min(LOOK)).unwrap_or(PollTimeout::ZERO);
        match poll(&mut [PollFd::new(stream.as_fd(), PollFlags::POLLOUT)], timeout) {
            Ok(0) if left.is_zero() => return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads it")),
            Ok(0) | Err(Errno::EINTR) => {}
            // A stream that can't be polled is written to, and says what is wrong with it.
            Ok(_) | Err(_) => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_pipe_that_nobody_reads_is_given_up_and_one_that_is_read_takes_all() {
        let (mut reader, writer) = io::pipe().unwrap();
        let much = vec![b'x'; 1 << 20];
        let refused = write(&writer, &much, Duration::from_millis(20)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            all.len()
        });
        write(&writer, &much, Duration::from_secs(30)).unwrap();
        drop(writer);
        assert!(reading.join().unwrap() >= much.len());
    }

    #[test]
    fn a_reader_that_is_gone_and_a_full_disk_are_said() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        assert_eq!(write(&writer, b"x", Duration::MAX).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        assert_eq!(write(&full, b"x", Duration::MAX).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
