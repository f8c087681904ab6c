//! An allocator that counts, and that can be forbidden: it holds the rule that a cycle allocates nothing.
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
//! Guarantees: counts are of the calling thread, exact, and cost a few instructions each; while forbidden, the first
//! allocation, reallocation or free of the thread ends the process with a message and a backtrace. Not guaranteed:
//! anything about memory that C libraries take from `malloc` directly.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;

use serde::Serialize;

/// What a thread asked of the allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct AllocationCount {
    /// Blocks taken.
    pub allocations: u64,
    /// Blocks grown or shrunk.
    pub reallocations: u64,
    /// Blocks given back.
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

    /// All of them.
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
}

/// The system's allocator, counted per thread. For `#[global_allocator]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

// SAFETY: every call is handed to `System` with the arguments it came with, so its contract holds as `System`'s does;
// the counting around it touches only cells of the calling thread and doesn't unwind.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(&ALLOCATIONS, "an allocation", layout.size());
        // SAFETY: the caller's promise (the size is not 0) is passed on as it is.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(&ALLOCATIONS, "an allocation", layout.size());
        // SAFETY: the caller's promise (the size is not 0) is passed on as it is.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(&REALLOCATIONS, "a reallocation", size);
        // SAFETY: the caller's promise is passed on: block is of this allocator, and so of `System`, with that layout.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(&FREES, "a free", layout.size());
        // SAFETY: the caller's promise is passed on: block is of this allocator, and so of `System`, with that layout.
        unsafe { System.dealloc(block, layout) }
    }
}

fn note(counter: &'static std::thread::LocalKey<Cell<u64>>, what: &str, size: usize) {
    counter.set(counter.get() + 1);
    if FORBIDDEN.get() {
        refuse(what, size);
    }
}

/// Ends the process: an allocator must not unwind. Disarms first, since the message allocates.
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

/// Runs `work`; if it allocates, reallocates or frees on this thread, the process ends with a message and a backtrace.
/// Has no effect where [`CountingAllocator`] isn't the global allocator.
pub fn forbid_allocations<R>(work: impl FnOnce() -> R) -> R {
    let _guard = AbortOnAlloc::arm();
    work()
}

/// While it lives, the first allocation, reallocation or free of the thread that made it ends the process.
#[derive(Debug)]
#[must_use = "allocations are allowed again when this is dropped"]
pub struct AbortOnAlloc {
    was: bool,
    // Not Send: it stands for the thread that made it.
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
