//! Keeps the requests in the frame pool so few and so young that no two of them have the same index on the wire.
//!
//! ethercrab numbers its datagrams with eight bits and finds the frame that an answer belongs to by that number alone.
//! It sends frames in the order of their places in the pool, not of their making: with more requests than places some
//! wait for as long as others keep the places before theirs busy, and a lost frame stays out while others pass. After
//! 256 more datagrams another frame would have the same number, and the answer to one be taken for the answer to the
//! other.
//!
//! Guarantees: from the oldest request in the pool to the newest there are fewer than 256 numbers. It rests on one
//! datagram in each frame, and on nobody else using the pool.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Values of a datagram's index, one byte (ETG.1000.4, 5.4.1).
const INDICES: u64 = 256;

/// Numbers of the requests in the pool.
#[derive(Debug, Default)]
pub(crate) struct Window {
    next: Cell<u64>,
    inside: RefCell<BTreeSet<u64>>,
}

/// A request in the pool. It has left when this is dropped.
#[derive(Debug)]
#[must_use = "the request has left the pool when this is dropped"]
pub(crate) struct Pass {
    window: Rc<Window>,
    number: u64,
}

impl Window {
    /// Lets the next request in; none while its index would be that of the oldest one in the pool. Its datagram must
    /// be made before another request is let in.
    pub(crate) fn enter(self: &Rc<Self>) -> Option<Pass> {
        let number = self.next.get();
        let mut inside = self.inside.borrow_mut();
        if inside.first().is_some_and(|oldest| number - oldest >= INDICES) {
            return None;
        }
        inside.insert(number);
        self.next.set(number + 1);
        Some(Pass { window: Rc::clone(self), number })
    }
}

impl Pass {
    /// The pool had no place, so no datagram was made: the number is free.
    pub(crate) fn unused(self) {
        self.window.next.set(self.number);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.window.inside.borrow_mut().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_waits_while_the_oldest_one_has_its_index() {
        let window = Rc::<Window>::default();
        let oldest = window.enter().unwrap();
        for _ in 1..INDICES {
            assert!(window.enter().is_some());
        }
        assert!(window.enter().is_none());
        assert!(window.enter().is_none());
        drop(oldest);
        assert!(window.enter().is_some());
    }

    #[test]
    fn a_number_that_was_not_used_is_given_again() {
        let window = Rc::<Window>::default();
        let _oldest = window.enter().unwrap();
        for _ in 0..3 * INDICES {
            window.enter().unwrap().unused();
        }
        assert_eq!(window.enter().unwrap().number, 1);
    }

    #[test]
    fn requests_may_leave_in_any_order() {
        let window = Rc::<Window>::default();
        let passes: Vec<_> = (0..INDICES).map(|_| window.enter().unwrap()).collect();
        let (old, young) = passes.into_iter().partition::<Vec<_>, _>(|pass| pass.number < 10);
        drop(young);
        assert!(window.enter().is_none());
        drop(old);
        assert!(window.enter().is_some());
    }
}
