//! Work on a thread of its own, which may make itself a realtime one. A thread that can't be made is an error, no panic.

use std::io;
use std::thread::Builder;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasuringError {
    /// The thread couldn't be made.
    #[error("start the measuring thread")]
    NoThread(#[source] io::Error),
    /// It panicked.
    #[error("the measuring thread ended before its time")]
    Panicked,
}

/// Does work on a thread of its own and waits for it.
pub(crate) fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, MeasuringError> {
    std::thread::scope(|scope| {
        let thread = Builder::new().name("zc-measure".to_owned()).spawn_scoped(scope, work);
        thread.map_err(MeasuringError::NoThread)?.join().map_err(|_| MeasuringError::Panicked)
    })
}
