//! Memory that causes no page faults: locked, kept by the allocator, and touched before the first cycle.
//!
//! Guarantees: pages that were touched stay resident while the lock holds. Not guaranteed: pages that other code maps
//! later (a library's `mmap` with `MAP_NORESERVE`, a file). The page faults of the realtime thread are counted to find
//! those.

use crate::capabilities::Capabilities;
use std::hint::black_box;

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{Resource, getrlimit};

/// Bytes of stack that are touched: 256 KiB, more than a cycle uses.
pub const STACK: usize = 256 * 1024;
/// Stack of an ordinary thread beside the realtime one: 256 KiB in place of Rust's 2 MiB. Where all memory is locked, every
/// byte of a stack is filled when its thread starts, which takes 0.7 us a KiB.
pub const ORDINARY_STACK: usize = 256 * 1024;
/// Stack of the realtime thread: what is touched, and as much again for what it calls before.
pub const REALTIME_STACK: usize = 2 * STACK;
/// Bytes of heap that are touched: 4 MiB.
pub const HEAP: usize = 4 * 1024 * 1024;
const PAGE: usize = 4096;

/// Locks all memory of the process, present and future. Call it before threads are spawned, so that their stacks are
/// locked, and thereby populated, when they are created.
///
/// Refuses if the process may lock only part of its memory: with a finite RLIMIT_MEMLOCK and without CAP_IPC_LOCK it
/// might succeed now, but a later `mmap` anywhere in the process would fail at the limit.
///
/// # Errors
/// A sentence with the reason and a remedy.
pub fn lock_memory() -> Result<(), String> {
    if let Some(limit) = lock_limit() {
        return Err(format!(
            "may lock only {} KiB; grant CAP_IPC_LOCK or an unlimited RLIMIT_MEMLOCK (systemd LimitMEMLOCK=infinity)",
            limit / 1024
        ));
    }
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE)
        .map_err(|errno| format!("{}; check that there is enough free memory", errno.desc().to_lowercase()))
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
    // It can't fail: the resource exists and the result is a local variable.
    let (soft, _) = getrlimit(Resource::RLIMIT_MEMLOCK).ok()?;
    (soft != libc::RLIM_INFINITY).then_some(soft)
}

/// Locked memory of the process in KiB (`Locked` of `smaps_rollup`, `proc_pid_smaps(5)`): resident pages, including
/// those of the program and its libraries; pages shared with other processes count by their share. `VmLck` would also
/// count address space that the allocator only reserves, 64 MiB for each thread. `None` if it can't be read. The kernel
/// walks all mappings for it, so don't call it in a cycle.
#[must_use]
pub fn locked_kib() -> Option<u64> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let locked = rollup.lines().find_map(|line| line.strip_prefix("Locked:"))?;
    locked.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Makes the allocator keep freed memory and not use `mmap` for large blocks, so that no free returns pages to the
/// kernel and no allocation faults in new ones. Applies to the whole process.
///
/// # Errors
/// A sentence, if the C library is not glibc or refuses.
pub fn keep_freed_memory() -> Result<(), String> {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: mallopt takes two integers and locks the allocator itself; any value is allowed.
        let trim = unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, -1) };
        // SAFETY: as above.
        let mmap = unsafe { libc::mallopt(libc::M_MMAP_MAX, 0) };
        if trim == 1 && mmap == 1 { Ok(()) } else { Err("mallopt failed".to_owned()) }
    }
    #[cfg(not(target_env = "gnu"))]
    {
        Err("the C library is not glibc, so freed memory may go back to the kernel and fault again; use glibc"
            .to_owned())
    }
}

/// Touches [`STACK`] bytes of stack below the caller's frame.
#[inline(never)]
pub fn prefault_stack() {
    let mut stack = [0u8; STACK];
    // The array's address escapes, so the compiler has to write its zeros.
    black_box(&mut stack);
}

/// Touches `bytes` of heap in the calling thread's arena and frees them. After [`keep_freed_memory`] they stay
/// resident.
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
    fn a_prefaulted_heap_and_stack_cause_no_page_faults() {
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
