//! Waiting in the kernel for a frame on one of several links.
//!
//! For ordinary threads only: a cycle never waits in the kernel.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

/// A link whose frames can be waited for in the kernel.
pub trait Awaited {
    /// What becomes readable when a frame arrives.
    fn descriptor(&self) -> BorrowedFd<'_>;

    /// Whether a frame has been taken from the kernel already, and waits in this process.
    fn has_frame(&self) -> bool {
        false
    }
}

/// Blocks until a frame may have arrived on one of the links, at most for `timeout`. An interruption ends it early.
/// Nothing is allocated.
pub fn wait_for_any<const N: usize>(links: [&dyn Awaited; N], timeout: Duration) {
    if links.iter().any(|link| link.has_frame()) {
        return;
    }
    let mut polled = links.map(|link| PollFd::new(link.descriptor(), PollFlags::POLLIN));
    let _ = ppoll(&mut polled, Some(TimeSpec::from_duration(timeout)), None);
}
