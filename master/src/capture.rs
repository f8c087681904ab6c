//! The frames of a run in a file: a tap around the link, and a thread that writes what passes it.

mod note;

use crate::bring_up::Planned;
use crate::link::OpenLink;
use crate::outfile::{Outfile, OutfileError};
use crate::report::CaptureReport;
use zerocat_faults::{Fault, chain};
use zerocat_link::tap::{Tap, TapError, TapReader, TapThread, TapWriter, Taped};

/// Frames that wait to be written (1.5 KiB each): a tenth of a second at 10 kHz, both directions.
const RECORDS: usize = 2048;

/// Why frames can't be captured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file.
    #[error(transparent)]
    File(#[from] OutfileError),
    /// Its head couldn't be written, or the thread that writes it couldn't be started.
    #[error(transparent)]
    Tap(#[from] TapError),
}

/// A capture that goes on.
#[derive(Debug)]
pub(crate) struct Capture(TapThread);

impl Capture {
    /// Says in it what stands where in the frames to come.
    pub(crate) fn note(&self, planned: &Planned<'_>) {
        self.0.note(note::note(&planned.plan, &planned.bindings));
    }

    /// Ends it, once everything is written.
    pub(crate) fn stop(self) -> CaptureReport {
        let Taped { captured, failed } = self.0.stop();
        CaptureReport { frames: captured.frames, missed: captured.missed, failed: failed.as_ref().map(chain) }
    }
}

/// Puts a tap around a link, if frames are to be captured.
pub(crate) fn tapped(opened: OpenLink, file: Option<Outfile>) -> Result<(OpenLink, Option<Capture>), CaptureError> {
    let Some(file) = file else { return Ok((opened, None)) };
    let (tap, reader) = Tap::new(opened.link, RECORDS);
    let thread = capture(reader, file, &opened.report.interface)?;
    Ok((OpenLink { link: Box::new(tap), ..opened }, Some(Capture(thread))))
}

/// Writes what passes a tap into a file, on a thread of its own. A capture that fails is said at once.
fn capture(reader: TapReader, file: Outfile, interface: &str) -> Result<TapThread, CaptureError> {
    let tell = |error: &TapError| {
        let why = chain(error);
        tracing::error!(fault = %Fault::CaptureFailed, "{why}; the run goes on without its capture");
    };
    Ok(TapWriter::new(reader, file, interface)?.spawn(tell)?)
}
