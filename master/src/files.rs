//! The files that a session writes, all opened before its link.

use crate::outfile::{Existing, Outfile, OutfileError};
use crate::session::{SessionError, SessionOptions};
use crate::sinks::Sinks;
use std::path::Path;
use std::time::Duration;
use zerocat_config::Rig;
use zerocat_faults::Fault;
use zerocat_link::tap::{TapError, TapReader, TapThread, TapWriter};

/// How long the capture waits for a reader of its file before it is given up.
const CAPTURE_PATIENCE: Duration = Duration::from_secs(1);

/// Open files.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) sinks: Sinks,
    pub(crate) capture: Option<Outfile>,
}

impl Files {
    /// Opens the capture and the tasks' sinks.
    pub(crate) fn open(rig: &Rig, options: &SessionOptions) -> Result<Self, SessionError> {
        let capture = |path: &Path| Outfile::open(path, Existing::Empty, CAPTURE_PATIENCE);
        let capture = options.capture.as_deref().map(capture).transpose().map_err(CaptureError::File)?;
        Ok(Self { sinks: Sinks::open(rig)?, capture })
    }
}

/// Why frames can't be captured.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file.
    #[error(transparent)]
    File(#[from] OutfileError),
    /// Its head couldn't be written, or the thread that writes it couldn't be started.
    #[error(transparent)]
    Tap(#[from] TapError),
}

/// Writes what passes a tap into a file, on a thread of its own. A capture that fails is said at once.
pub(crate) fn capture(reader: TapReader, file: Outfile, interface: &str) -> Result<TapThread, CaptureError> {
    let tell = |error: &TapError| {
        let why = zerocat_host::chain(error);
        tracing::error!(fault = %Fault::CaptureFailed, "{why}; the run goes on without its capture");
    };
    Ok(TapWriter::new(reader, file, interface)?.spawn(tell)?)
}
