//! A link that, when told to, forbids the thread that uses it to allocate.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use zerocat::AnyLink;
use zerocat_link::{Link, LinkFault};
use zerocat_sched::alloc::AbortOnAlloc;

thread_local! {
    static ARMED: RefCell<Option<AbortOnAlloc>> = const { RefCell::new(None) };
}

/// Longest wait for the thread to follow the switch.
const PATIENCE: Duration = Duration::from_secs(10);

/// The switch of a guarded link.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switch(Arc<[AtomicBool; 2]>);

/// While it lives, an allocation of the link's thread ends the process. A test that fails drops it, and is told why it failed
/// rather than that the thread frees its memory when it ends.
pub(crate) struct Forbidden<'a>(&'a Switch);

impl Drop for Forbidden<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl Switch {
    /// Makes an allocation of the link's thread end the process from its next receive on, until what this returns is dropped.
    pub(crate) fn forbid(&self) -> Forbidden<'_> {
        self.set(true);
        Forbidden(self)
    }

    fn set(&self, on: bool) {
        let [asked, obeyed] = &*self.0;
        // SYNC: flags; they publish nothing.
        asked.store(on, Ordering::Relaxed);
        let deadline = Instant::now() + PATIENCE;
        while obeyed.load(Ordering::Relaxed) != on && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        let followed = obeyed.load(Ordering::Relaxed) == on;
        assert!(followed || std::thread::panicking(), "nobody looks at the link");
    }

    fn obey(&self) {
        let [asked, obeyed] = &*self.0;
        let on = asked.load(Ordering::Relaxed);
        // The first use may allocate. It happens at the first receive, long before this is armed.
        ARMED.with_borrow_mut(|armed| {
            if armed.is_some() != on {
                *armed = on.then(AbortOnAlloc::arm);
            }
        });
        obeyed.store(on, Ordering::Relaxed);
    }
}

/// A link with the guard in front of it.
pub(crate) struct Guarded {
    /// The link.
    pub(crate) inner: AnyLink,
    /// Its switch.
    pub(crate) switch: Switch,
}

impl Link for Guarded {
    zerocat_link::delegate_to!(inner: slots, slot, slot_mut, post, kick, counters, withdraw);

    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        self.switch.obey();
        self.inner.receive()
    }
}
