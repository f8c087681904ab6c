//! Memory that doesn't fault: locked, kept by the allocator, and touched before the first cycle.
//!
//! Guarantees: what was touched stays resident while the lock holds. Not guaranteed: that pages mapped later by
//! others (a library's `mmap` with `MAP_NORESERVE`, a file) are; the page faults of the thread are counted for that.

use crate::capabilities::Capabilities;
use std::hint::black_box;

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{Resource, getrlimit};

/// Stack that is touched: 256 KiB, more than a cycle uses and less than the smallest thread stack (2 MiB in Rust).
pub const STACK: usize = 256 * 1024;
/// Heap that is touched: 4 MiB.
pub const HEAP: usize = 4 * 1024 * 1024;
const PAGE: usize = 4096;

/// Locks all memory of the process, present and future. Call it before threads are spawned, so that their stacks are
/// locked, and so filled, when they are made.
///
/// It is refused where the process may lock only a part: with a finite RLIMIT_MEMLOCK and no CAP_IPC_LOCK it might
/// succeed now, and a later `mmap` anywhere in the process would fail when the limit is reached.
///
/// # Errors
/// A sentence that says why not and what to do.
pub fn lock_memory() -> Result<(), String> {
    if let Some(limit) = lock_limit() {
        return Err(format!(
            "may lock only {} KiB; give CAP_IPC_LOCK or an unlimited RLIMIT_MEMLOCK (systemd LimitMEMLOCK=infinity)",
            limit / 1024
        ));
    }
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE)
        .map_err(|errno| format!("{}; is there memory left?", errno.desc().to_lowercase()))
}

/// Bytes of memory that the calling thread may lock; `None` if there is no limit for it, because it has CAP_IPC_LOCK or
/// `RLIMIT_MEMLOCK` is unlimited.
#[must_use]
pub fn lock_limit() -> Option<u64> {
    let unlimited = Capabilities::of_this_thread().is_ok_and(|own| own.contains(Capabilities::IPC_LOCK));
    if unlimited { None } else { rlimit() }
}

/// The soft `RLIMIT_MEMLOCK` in bytes; `None` if it is unlimited.
pub(crate) fn rlimit() -> Option<u64> {
    // It can't fail: the resource is one of the kernel's, and the result is a local.
    let (soft, _) = getrlimit(Resource::RLIMIT_MEMLOCK).ok()?;
    (soft != libc::RLIM_INFINITY).then_some(soft)
}

/// Memory of the process that is locked, in KiB: pages that are there, program and libraries included, those shared with
/// other processes by their share (`Locked` of `smaps_rollup` in `proc_pid_smaps(5)`). `VmLck` would count address space
/// that the allocator only reserves, 64 MiB for each thread. `None` where it can't be read; the kernel walks all mappings,
/// so not for the cyclic path.
#[must_use]
pub fn locked_kib() -> Option<u64> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let locked = rollup.lines().find_map(|line| line.strip_prefix("Locked:"))?;
    locked.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Has the allocator keep memory that is freed, and take none by `mmap` of its own, so that a free and an allocation
/// never give pages back and fault new ones in. Holds for the whole process.
///
/// # Errors
/// A sentence where the C library is not glibc or refuses.
pub fn keep_freed_memory() -> Result<(), String> {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: mallopt takes two integers and locks the allocator itself; any value is allowed.
        let trim = unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, -1) };
        // SAFETY: as above.
        let mmap = unsafe { libc::mallopt(libc::M_MMAP_MAX, 0) };
        if trim == 1 && mmap == 1 { Ok(()) } else { Err("mallopt refused it".to_owned()) }
    }
    #[cfg(not(target_env = "gnu"))]
    {
        Err("the C library is not glibc, so freed memory may go back to the kernel and fault again; use glibc"
            .to_owned())
    }
}

/// Touches [`STACK`] bytes below the caller's frame.
#[inline(never)]
pub fn prefault_stack() {
    let mut stack = [0u8; STACK];
    // The array's address escapes, so its zeros are really written.
    black_box(&mut stack);
}

/// Touches `bytes` of heap in the calling thread's arena and frees them; after [`keep_freed_memory`] they stay.
pub fn prefault_heap(bytes: usize) {
    let mut heap = vec![0u8; bytes];
    for page in heap.chunks_mut(PAGE) {
        page[0] = 1;
    }
    black_box(&mut heap);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::ThreadUsage;

    #[test]
    fn a_prefaulted_heap_and_stack_fault_no_more() {
        let faults = std::thread::spawn(|| {
            keep_freed_memory().unwrap();
            prefault_heap(HEAP);
            prefault_stack();
            let before = ThreadUsage::now();
            prefault_heap(HEAP / 2);
            prefault_stack();
            ThreadUsage::now().since(&before).faults_minor
        });
        assert_eq!(faults.join().unwrap(), 0);
    }
}
