//! The files that a session reads and writes, the sockets of its mailbox gateway, and its interfaces for EoE, all opened before its
//! link.

use crate::bring_up::StartError;
use crate::capture::CaptureError;
use crate::descriptions::Descriptions;
use crate::eoe::HostInterfaces;
use crate::gateway::Sockets;
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
    pub(crate) gateway: Option<Sockets>,
    pub(crate) interfaces: HostInterfaces,
}

impl Files {
    /// Opens the capture, the tasks' sinks and the gateway's sockets, makes the interfaces for EoE, and goes through the folders of device descriptions.
    pub(crate) fn open(rig: &Rig, options: &SessionOptions) -> Result<Self, SessionError> {
        let capture = |path: &Path| Outfile::open(path, Existing::Empty, CAPTURE_PATIENCE);
        let capture = options.capture.as_deref().map(capture).transpose().map_err(CaptureError::File)?;
        let descriptions = Descriptions::open(&rig.esi)?;
        let gateway = rig.engine.mailbox_gateway.as_ref().map(Sockets::open).transpose()?;
        let interfaces = HostInterfaces::open(rig).map_err(StartError::from)?;
        Ok(Self { sinks: Sinks::open(rig)?, capture, descriptions, gateway, interfaces })
    }
}
