//! The files that a session reads and writes, all opened before its link.

use crate::capture::CaptureError;
use crate::descriptions::Descriptions;
use crate::outfile::{Existing, Outfile};
use crate::session::{SessionError, SessionOptions};
use crate::sinks::Sinks;
use std::path::Path;
use std::time::Duration;
use zerocat_config::Rig;

/// How long the capture waits for a reader of its file before it is given up.
const CAPTURE_PATIENCE: Duration = Duration::from_secs(1);

/// Open files.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) sinks: Sinks,
    pub(crate) capture: Option<Outfile>,
    pub(crate) descriptions: Descriptions,
}

impl Files {
    /// Opens the capture and the tasks' sinks, and goes through the folders of device descriptions.
    pub(crate) fn open(rig: &Rig, options: &SessionOptions) -> Result<Self, SessionError> {
        let capture = |path: &Path| Outfile::open(path, Existing::Empty, CAPTURE_PATIENCE);
        let capture = options.capture.as_deref().map(capture).transpose().map_err(CaptureError::File)?;
        let descriptions = Descriptions::open(&rig.esi)?;
        Ok(Self { sinks: Sinks::open(rig)?, capture, descriptions })
    }
}
