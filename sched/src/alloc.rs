//! An allocator that counts what each thread asks of it and can forbid a thread to ask: it enforces that a cycle
//! doesn't allocate.
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: zerocat_sched::CountingAllocator = zerocat_sched::CountingAllocator;
//! # fn main() {
//! let before = zerocat_sched::thread_allocations();
//! let boxed = Box::new(1);
//! assert_eq!(zerocat_sched::thread_allocations().since(&before).allocations, 1);
//! zerocat_sched::forbid_allocations(|| assert_eq!(*boxed, 1));
//! # }
//! ```
//!
//! Guarantees: the counts are those of the calling thread, exact, and cost a few instructions each; while allocations
//! are forbidden, the first allocation, reallocation or free of the thread aborts the process with a message and a
//! backtrace. Not guaranteed: anything about memory that C libraries take from `malloc` directly.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;

/// What a thread asked of the allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AllocationCount {
    /// Blocks allocated.
    pub allocations: u64,
    /// Blocks resized.
    pub reallocations: u64,
    /// Blocks freed.
    pub frees: u64,
}

impl AllocationCount {
    /// What was counted since an earlier reading of the same thread.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            allocations: self.allocations.saturating_sub(earlier.allocations),
            reallocations: self.reallocations.saturating_sub(earlier.reallocations),
            frees: self.frees.saturating_sub(earlier.frees),
        }
    }

    /// Calls of every kind.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.allocations + self.reallocations + self.frees
    }
}

// Const-initialised cells without a destructor: no lazy initialisation and no registration, so reading one neither
// allocates nor fails, even while the thread ends.
thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static REALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static FREES: Cell<u64> = const { Cell::new(0) };
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

/// The system allocator, counting per thread. For `#[global_allocator]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

// SAFETY: every call is passed to `System` with its arguments unchanged, so the contract holds as `System`'s does; the
// counting around it touches only cells of the calling thread and doesn't unwind.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(&ALLOCATIONS, "an allocation", layout.size());
        hold(layout.size(), 0);
        // SAFETY: the caller's promise (the size is not 0) is passed on as it is.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(&ALLOCATIONS, "an allocation", layout.size());
        hold(layout.size(), 0);
        // SAFETY: the caller's promise (the size is not 0) is passed on as it is.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(&REALLOCATIONS, "a reallocation", size);
        hold(size, layout.size());
        // SAFETY: the caller's promise is passed on: block is of this allocator, and so of `System`, with that layout.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(&FREES, "a free", layout.size());
        hold(0, layout.size());
        // SAFETY: the caller's promise is passed on: block is of this allocator, and so of `System`, with that layout.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Counts bytes that the thread got and gave back. An allocation that fails is counted too: the program ends then.
fn hold(got: usize, gave: usize) {
    // No block is longer than isize::MAX (Layout).
    LIVE.set(LIVE.get().wrapping_add_unsigned(got as u64).wrapping_sub_unsigned(gave as u64));
}

fn note(counter: &'static std::thread::LocalKey<Cell<u64>>, what: &str, size: usize) {
    counter.set(counter.get() + 1);
    if FORBIDDEN.get() {
        refuse(what, size);
    }
}

/// Aborts the process, because an allocator must not unwind. Allows allocations first, because the message allocates.
#[cold]
fn refuse(what: &str, size: usize) -> ! {
    FORBIDDEN.set(false);
    let name = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let backtrace = std::backtrace::Backtrace::force_capture();
    // Where standard error takes nothing, the process ends without a word.
    let _ = writeln!(
        std::io::stderr(),
        "{what} of {size} bytes on thread {name}, where allocations are forbidden\n{backtrace}"
    );
    std::process::abort();
}

/// Bytes that the calling thread got from [`CountingAllocator`] and has not given back; below 0 where it gives back what
/// others got. 0 where that isn't the global allocator: see [`is_counting`].
#[must_use]
pub fn thread_live_bytes() -> i64 {
    LIVE.get()
}

/// What the calling thread has asked of [`CountingAllocator`]. All zeros where it isn't the global allocator:
/// see [`is_counting`].
#[must_use]
pub fn thread_allocations() -> AllocationCount {
    AllocationCount { allocations: ALLOCATIONS.get(), reallocations: REALLOCATIONS.get(), frees: FREES.get() }
}

/// Whether [`CountingAllocator`] is the global allocator of this program. Allocates once to find out.
#[must_use]
pub fn is_counting() -> bool {
    let before = thread_allocations();
    drop(std::hint::black_box(Box::new(0u8)));
    thread_allocations() != before
}

/// Runs `work`; if it allocates, reallocates or frees on this thread, the process aborts with a message and a
/// backtrace. Has no effect where [`CountingAllocator`] isn't the global allocator.
pub fn forbid_allocations<R>(work: impl FnOnce() -> R) -> R {
    let _guard = AbortOnAlloc::arm();
    work()
}

/// While it lives, the first allocation, reallocation or free of the thread that made it aborts the process.
#[derive(Debug)]
#[must_use = "allocations are allowed again when this is dropped"]
pub struct AbortOnAlloc {
    was: bool,
    // Not Send: it belongs to the thread that made it.
    _thread: std::marker::PhantomData<*const ()>,
}

impl AbortOnAlloc {
    /// Forbids allocations on the calling thread.
    pub fn arm() -> Self {
        Self { was: FORBIDDEN.replace(true), _thread: std::marker::PhantomData }
    }
}

impl Drop for AbortOnAlloc {
    fn drop(&mut self) {
        FORBIDDEN.set(self.was);
    }
}
