//! Firmware: a SubDevice goes to BOOT and back to OP while the others go on.

use super::SubDeviceHandle;
use std::time::Duration;
use zerocat_bus::{BootDone, BootProgress, BootWork, Pending};

/// Time that the way there and back has at least: flash memory takes its time.
const WITHIN: Duration = Duration::from_secs(15 * 60);

impl SubDeviceHandle {
    /// Writes a file by FoE in BOOT while the bus runs: the SubDevice's outputs become safe, it goes from OP to INIT and BOOT, takes the
    /// file, and goes back through INIT to OP, with startup commands, assignment, clock and SYNC as in bring-up. The others go on;
    /// its own inputs are stale meanwhile, and its outputs safe until it is commanded anew. What else is asked of its mailbox is refused.
    ///
    /// `progress` is called on the bus thread, so it is to be brief. It has 15 minutes, and longer where
    /// [`within`](Self::within) says so. Dropped, or past its time, the transfer is broken off, and the SubDevice goes back to OP all the
    /// same. The end of the run doesn't wait for it.
    ///
    /// ```no_run
    /// # fn update(drive: &zerocat::SubDeviceHandle, firmware: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
    /// let done = drive.firmware_write("firmware.efw", 0, firmware, |progress| println!("{progress:?}")).wait()?;
    /// println!("it {done}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn firmware_write(
        &self,
        name: &str,
        password: u32,
        content: Vec<u8>,
        progress: impl FnMut(BootProgress) + Send + 'static,
    ) -> Pending<BootDone> {
        self.boot(BootWork::Write { name: name.to_owned(), password, content }, progress)
    }

    /// Reads a file of at most `limit` bytes by FoE in BOOT, as [`firmware_write`](Self::firmware_write) writes one.
    pub fn firmware_read(
        &self,
        name: &str,
        password: u32,
        limit: usize,
        progress: impl FnMut(BootProgress) + Send + 'static,
    ) -> Pending<BootDone> {
        self.boot(BootWork::Read { name: name.to_owned(), password, limit }, progress)
    }

    /// Brings it to OP through INIT, from whatever state it is in, while the others go on: one that was switched off and on, left OP,
    /// or stayed behind when its firmware was written. Its outputs are safe until it is commanded anew.
    pub fn bring_to_op(&self) -> Pending<BootDone> {
        self.boot(BootWork::Nothing, |_| {})
    }

    fn boot(&self, work: BootWork, progress: impl FnMut(BootProgress) + Send + 'static) -> Pending<BootDone> {
        self.requests.boot(self.position, self.within.max(WITHIN), work, progress)
    }
}
