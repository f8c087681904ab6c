//! Where batches go.
//!
//! A sink is written to on its own thread ([`crate::Outlet`]), where a write may take as long as it takes.

use crate::batch::Batch;
use crate::header::Header;
use std::io;

/// Takes what a task delivers. What fails is counted by the task; the next batch is tried again.
pub trait Sink: Send {
    /// Takes what the batches hold, once, before the first of them. It may wait.
    ///
    /// # Errors
    /// It was not written; the sink writes it before the next batch.
    fn begin(&mut self, header: &Header) -> io::Result<()>;

    /// Writes a batch out, so that it is visible to readers when this returns. It may wait.
    ///
    /// # Errors
    /// The batch was not written, or not wholly.
    fn take(&mut self, batch: &Batch) -> io::Result<()>;
}
