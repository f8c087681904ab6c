//! Handles: which entry of a bus a program means, with its type and its direction.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};

/// Numbers of buses in this process.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Which bus of this process, so that a handle is taken by its own [`Io`](crate::Io) only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BusId(u32);

impl BusId {
    pub(crate) fn next() -> Self {
        // SYNC: a number that nobody else gets; it orders nothing.
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Which entry of which bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) bus: BusId,
    pub(crate) slot: usize,
}

/// An input: what a SubDevice sends, as a `T`. From [`Bus::input`](crate::Bus::input); read by [`Io::get`](crate::Io::get).
///
/// ```compile_fail
/// fn set(io: &mut zerocat::Io, position: zerocat::In<i32>) {
///     io.set(position, 5); // an input is read
/// }
/// ```
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use zerocat::testing::{Bench, ProfileKind, line};
/// let mut bus = Bench::bus();
/// let status = bus.input::<u16>(0, 0x6041);
/// let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
/// bench.step(&mut io).unwrap();
/// assert!(io.is_good(status) && io.get(status) != 0);
/// # }
/// ```
pub struct In<T> {
    pub(crate) key: Key,
    of: PhantomData<fn() -> T>,
}

/// An output: what a SubDevice is sent, as a `T`. From [`Bus::output`](crate::Bus::output); written by
/// [`Io::set`](crate::Io::set).
///
/// ```compile_fail
/// fn set(io: &mut zerocat::Io, target: zerocat::Out<i32>) {
///     io.set(target, 5u16); // an i32 it is
/// }
/// ```
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use std::time::Duration;
/// use zerocat::testing::{Bench, ProfileKind, line};
/// let mut bus = Bench::bus().silent_after(Duration::from_millis(20));
/// let target = bus.output::<i32>(0, 0x607a);
/// let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
/// let cycle = bench.step(&mut io).unwrap();
/// io.set(target, 5);
/// io.commit(&cycle).unwrap();
/// assert_eq!(io.commanded(target), 5);
/// # }
/// ```
pub struct Out<T> {
    pub(crate) key: Key,
    of: PhantomData<fn(T)>,
}

impl<T> In<T> {
    pub(super) const fn new(key: Key) -> Self {
        Self { key, of: PhantomData }
    }
}

impl<T> Out<T> {
    pub(super) const fn new(key: Key) -> Self {
        Self { key, of: PhantomData }
    }
}

// Derived ones would ask the same of `T`.
impl<T> Clone for In<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for In<T> {}

impl<T> fmt::Debug for In<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("In").field(&self.key).finish()
    }
}

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Out<T> {}

impl<T> fmt::Debug for Out<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Out").field(&self.key).finish()
    }
}
