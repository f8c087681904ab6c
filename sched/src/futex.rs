//! The table in which the kernel keeps the threads of this process that wait for a lock: one of its own, of fixed size.
//!
//! A futex is what a lock, a condition variable or a channel is to the kernel. By default all processes share one table of
//! them, so a thread that takes or leaves a lock may wait for another process that uses the same slot of it. Linux 6.17
//! and newer give a process with threads a table of its own, of four slots for each thread but no more than for each
//! CPU, and replace it by a larger one as threads are started. A table that the process asked for keeps its size
//! (`PR_FUTEX_HASH(2const)`).
//!
//! The realtime thread takes no lock in its cycle. It is the threads beside it that are served more evenly: bring-up and
//! supervision, tasks and sinks.

use nix::errno::Errno;
use std::sync::OnceLock;

/// Slots that are asked for: four for each of 32 threads, which is more than a rig of some tasks has. A slot takes 64 bytes.
pub const SLOTS: u32 = 128;

// include/uapi/linux/prctl.h, Linux 6.17.
const PR_FUTEX_HASH: libc::c_int = 78;
const SET_SLOTS: libc::c_ulong = 1;
const GET_SLOTS: libc::c_ulong = 2;

/// The table of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FutexHash {
    /// The kernel has one for all processes.
    Unsupported,
    /// The kernel could give this process one of its own, and this process shares that of all.
    Shared,
    /// One of its own.
    Private {
        /// Its slots.
        slots: u32,
    },
}

impl FutexHash {
    /// The table of this process now. One that has never had a second thread shares that of all.
    #[must_use]
    pub fn of_this_process() -> Self {
        match control(GET_SLOTS, 0) {
            Err(_) => Self::Unsupported,
            Ok(0) => Self::Shared,
            Ok(slots) => Self::Private { slots },
        }
    }
}

/// Gives this process a table of its own with [`SLOTS`] slots, or with as many as it has where those are more. `None` where
/// the kernel knows no such tables. It asks once; later calls give what came of that.
///
/// A program calls it before it has a second thread: from then on the kernel has a table to replace, and waits for all who
/// may use it, some tens of milliseconds.
///
/// # Errors
/// A sentence with the reason.
pub fn make_private() -> Option<Result<(), String>> {
    static GOT: OnceLock<Option<Result<(), String>>> = OnceLock::new();
    GOT.get_or_init(ask).clone()
}

fn ask() -> Option<Result<(), String>> {
    let slots = match FutexHash::of_this_process() {
        FutexHash::Unsupported => return None,
        FutexHash::Shared => SLOTS,
        FutexHash::Private { slots } => slots.max(SLOTS),
    };
    let got = control(SET_SLOTS, slots.into()).map(drop);
    Some(got.map_err(|errno| format!("{}; locks share the kernel's table", errno.desc().to_lowercase())))
}

fn control(operation: libc::c_ulong, slots: libc::c_ulong) -> Result<u32, Errno> {
    const UNUSED: libc::c_ulong = 0;
    // SAFETY: this prctl takes numbers only; a kernel that doesn't know it refuses it.
    let result = unsafe { libc::prctl(PR_FUTEX_HASH, operation, slots, UNUSED, UNUSED) };
    Errno::result(result).map(|slots| u32::try_from(slots).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_the_table_that_it_asked_for_where_the_kernel_gives_one() {
        let given = std::thread::spawn(make_private).join().unwrap();
        let now = FutexHash::of_this_process();
        match given {
            None => assert_eq!(now, FutexHash::Unsupported),
            Some(got) => {
                assert_eq!(got, Ok(()));
                assert!(matches!(now, FutexHash::Private { slots } if slots >= SLOTS), "{now:?}");
                // Threads that are started later leave it as it is.
                let many: Vec<_> = (0..64).map(|_| std::thread::spawn(FutexHash::of_this_process)).collect();
                assert!(many.into_iter().all(|thread| thread.join().unwrap() == now));
            }
        }
    }
}
