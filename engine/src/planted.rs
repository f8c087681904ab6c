//! Faults planted in our own code, to see that the tests find them. Nothing of it is in a program that isn't built for that.

use std::cell::Cell;

/// A fault in our own code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// After a stall outputs are sent as they were.
    SafeStepLeftOut,
    /// Sets of outputs wait while they aren't taken, and are taken whatever epoch they were made for.
    OldEpochSent,
    /// Inputs of SubDevices that took no part in a frame are good.
    MissingTakenForGood,
    /// What was commanded of a single SubDevice that was left without frames isn't made void.
    PartedNotVoid,
    /// A lost network is waited for without looking whether the end was asked for.
    WaitWithoutBound,
    /// An output that follows an input keeps the value that it had when its epoch began.
    FollowLeftOut,
}

thread_local! {
    static PLANTED: Cell<Option<Planted>> = const { Cell::new(None) };
}

/// Plants a fault on the calling thread, or takes it out again.
pub fn plant(fault: Option<Planted>) {
    PLANTED.set(fault);
}

/// Whether a fault is planted on the calling thread.
#[must_use]
pub fn is(fault: Planted) -> bool {
    PLANTED.get() == Some(fault)
}
