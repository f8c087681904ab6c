//! The same without the feature `capture`: who asks for one is told.

use crate::bring_up::Planned;
use crate::link::OpenLink;
use crate::outfile::{Outfile, OutfileError};
use crate::report::CaptureReport;

/// Why frames can't be captured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file.
    #[error(transparent)]
    File(#[from] OutfileError),
    /// The library was built without captures.
    #[error("captures are not part of this program: build it with the feature `capture` of the crate `zerocat`")]
    NotBuilt,
}

/// There is none.
#[derive(Debug)]
pub(crate) enum Capture {}

impl Capture {
    pub(crate) const fn note(&self, _: &Planned<'_>) {
        match *self {}
    }

    pub(crate) const fn stop(self) -> CaptureReport {
        match self {}
    }
}

pub(crate) fn tapped(opened: OpenLink, file: Option<Outfile>) -> Result<(OpenLink, Option<Capture>), CaptureError> {
    match file {
        None => Ok((opened, None)),
        Some(_) => Err(CaptureError::NotBuilt),
    }
}
