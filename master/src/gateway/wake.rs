//! Wakes the gateway's thread from the bus thread, without blocking it.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// The thread's end.
#[derive(Debug)]
pub(super) struct Wakened(UnixStream);

/// Whoever wakes it.
#[derive(Debug, Clone)]
pub(super) struct Waker(Arc<UnixStream>);

/// A pair of them.
pub(super) fn waker() -> std::io::Result<(Waker, Wakened)> {
    let (near, far) = UnixStream::pair()?;
    near.set_nonblocking(true)?;
    far.set_nonblocking(true)?;
    Ok((Waker(Arc::new(near)), Wakened(far)))
}

impl Waker {
    /// Wakes it. A pair that is full wakes it already.
    pub(super) fn wake(&self) {
        let _ = (&*self.0).write(&[1]);
    }
}

impl Wakened {
    /// Forgets that it was woken.
    pub(super) fn clear(&mut self) {
        let mut bytes = [0; 64];
        while matches!(self.0.read(&mut bytes), Ok(read) if read == bytes.len()) {}
    }
}

impl AsFd for Wakened {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
