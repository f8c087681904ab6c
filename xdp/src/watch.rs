//! Whether our XDP program is still on its interface.
//!
//! `bpftool link detach`, or any process with CAP_SYS_ADMIN, can detach it, and no descriptor of ours reports that. The
//! kernel's information about our bpf_link does (`BPF_OBJ_GET_INFO_BY_FD`): its interface is 0 once it is detached.
//! Since Linux 5.19 that needs no capability. Older kernels want CAP_BPF where `kernel.unprivileged_bpf_disabled` is
//! set. Attaching the program again, which is loaded already, needs as little.

use crate::program::Hold;
use std::io;
use std::sync::Arc;
use zerocat_link::watch::{AttachmentState, InterfaceWatch, Watch};

/// Watches the program of one link and its interface.
#[derive(Debug)]
pub struct XdpWatch {
    program: Arc<Hold>,
    interface: InterfaceWatch,
}

impl XdpWatch {
    pub(crate) const fn new(program: Arc<Hold>, interface: InterfaceWatch) -> Self {
        Self { program, interface }
    }
}

impl Watch for XdpWatch {
    fn state(&self) -> AttachmentState {
        match (self.interface.state(), self.program.is_attached()) {
            (AttachmentState::InterfaceGone, _) => AttachmentState::InterfaceGone,
            (_, Ok(false)) => AttachmentState::Detached,
            (AttachmentState::Attached, Ok(true)) => AttachmentState::Attached,
            _ => AttachmentState::Unknown,
        }
    }

    fn attach_again(&self) -> io::Result<()> {
        match self.interface.state() {
            AttachmentState::InterfaceGone => Err(io::Error::from_raw_os_error(libc::ENODEV)),
            _ => self.program.attach_again(),
        }
    }
}
