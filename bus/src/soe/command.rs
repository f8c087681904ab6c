//! Procedure commands of drives: set, waited for, and cleared.
//!
//! A procedure command is an IDN whose value starts it: bit 0 sets it, bit 1 enables it. Its data state tells how far it is, in the
//! same bits and two more: not executed yet, and failed. A drive may say so by a notification too, which saves a look.
//!
//! Guarantees: the command is cleared once it has ended, well or not; a notification of another command or drive ends nothing, and
//! one that came before the drive had answered that it is set doesn't either.
//!
//! Not guaranteed: that a command which is given up is cleared: it goes on in the drive.

use std::time::Duration;

use zerocat_wire::soe::{Elements, Idn, SoeError};

use super::{IdnError, SoeService};
use crate::datagrams::Datagrams;
use crate::mailbox::Mailbox;

/// Sets a procedure command, and enables it.
const START: u16 = 0x0003;
/// Ends it.
const CLEAR: u16 = 0x0000;
/// Bits of the data state that tell how far it is: set, enabled, not executed yet.
const PROGRESS: u16 = 0x0007;
/// Bit of the data state: it failed.
const FAILED: u16 = 0x0008;
/// It was set and enabled, and has been executed.
const DONE: u16 = 0x0003;
/// Time from one look at its state to the next.
const LOOK: Duration = Duration::from_millis(20);

/// How far a procedure command is, by its data state.
fn ended(state: u16) -> Option<bool> {
    if state & FAILED != 0 {
        return Some(false);
    }
    (state & PROGRESS == DONE).then_some(true)
}

impl Mailbox {
    /// Starts a procedure command, waits until it has ended, and clears it. It waits for as long as it is polled.
    ///
    /// # Errors
    /// [`IdnError`]: also `Command`, where the drive says that it failed.
    pub async fn run_command(&mut self, datagrams: &Datagrams, drive: u8, idn: Idn) -> Result<(), IdnError> {
        self.write_idn(datagrams, drive, idn, &START.to_le_bytes()).await?;
        let state = self.end_of(datagrams, drive, idn, datagrams.now()).await;
        let cleared = self.write_idn(datagrams, drive, idn, &CLEAR.to_le_bytes()).await;
        let state = state?;
        if ended(state) == Some(false) {
            let transfer = self.idn_transfer(SoeService::Write, drive, idn, Elements::VALUE);
            return Err(IdnError::Command { transfer, state });
        }
        cleared
    }

    /// The data state in which a command has ended that was set before a time.
    async fn end_of(&mut self, datagrams: &Datagrams, drive: u8, idn: Idn, since: Duration) -> Result<u16, IdnError> {
        loop {
            if let Some(state) = self.notified_of(drive, idn, since).filter(|state| ended(*state).is_some()) {
                return Ok(state);
            }
            match self.read_idn(datagrams, drive, idn, Elements::DATA_STATE).await {
                Ok(data) => {
                    let state = data.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
                    if ended(state).is_some() {
                        return Ok(state);
                    }
                }
                // It tells by a notification only.
                Err(error) if error.code() == Some(SoeError::NO_DATA_STATE) => {
                    let _ = self.drain(datagrams).await;
                }
                Err(error) => return Err(error),
            }
            datagrams.pause(LOOK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_ended_when_it_was_executed_or_failed() {
        assert_eq!([0x3, 0x7, 0xf, 0x0, 0x5, 0x1].map(ended), [Some(true), None, Some(false), None, None, None]);
    }
}
