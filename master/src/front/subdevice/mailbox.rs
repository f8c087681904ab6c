//! What was counted of a SubDevice's mailbox.

use super::SubDeviceHandle;
use crate::report::MailboxCounters;
use zerocat_bus::Pending;

impl SubDeviceHandle {
    /// What was counted of its mailbox, bring-up included, up to the last work that ended; it waits for no mail. `None` where it has no
    /// mailbox.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use std::time::Duration;
    /// use zerocat::testing::{Bench, ProfileKind, line};
    /// let (mut bench, _io) = Bench::start(Bench::bus(), &line(&[ProfileKind::Servo])).unwrap();
    /// let counted = bench.subdevice(0).unwrap().mailbox_counters();
    /// bench.run(Duration::from_millis(50));
    /// let counted = counted.try_take().unwrap().unwrap().expect("a servo has a mailbox");
    /// assert!(counted.started > 0 && counted.failed.timeout == 0);
    /// # }
    /// ```
    pub fn mailbox_counters(&self) -> Pending<Option<MailboxCounters>> {
        self.registers(async move |at| Ok(at.counted.map(MailboxCounters::of)))
    }
}
