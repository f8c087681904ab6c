//! Whether our XDP program is still on its interface.
//!
//! `bpftool link detach`, or any process with CAP_SYS_ADMIN, can detach it, and no descriptor of ours reports that. The
//! kernel's information about our bpf_link does (`BPF_OBJ_GET_INFO_BY_FD`): its interface is 0 once it is detached.
//! Since Linux 5.19 that needs no capability. Older kernels want CAP_BPF where `kernel.unprivileged_bpf_disabled` is
//! set.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use zerocat_link::watch::{AttachmentState, InterfaceWatch, Watch};

/// Watches the program of one link and its interface.
#[derive(Debug)]
pub struct XdpWatch {
    program: Arc<OwnedFd>,
    interface: InterfaceWatch,
}

impl XdpWatch {
    pub(crate) const fn new(program: Arc<OwnedFd>, interface: InterfaceWatch) -> Self {
        Self { program, interface }
    }
}

impl Watch for XdpWatch {
    fn state(&self) -> AttachmentState {
        match (self.interface.state(), attached_to(&self.program)) {
            (AttachmentState::InterfaceGone, _) => AttachmentState::InterfaceGone,
            (_, Ok(0)) => AttachmentState::Detached,
            (AttachmentState::Attached, Ok(_)) => AttachmentState::Attached,
            _ => AttachmentState::Unknown,
        }
    }
}

/// Number of the interface that an XDP bpf_link is attached to; 0 when it is detached.
fn attached_to(link: &OwnedFd) -> io::Result<u32> {
    let mut info = libbpf_sys::bpf_link_info::default();
    let mut len = u32::try_from(size_of_val(&info)).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open, and info is a bpf_link_info, which the kernel fills no further than len.
    let result = unsafe { libbpf_sys::bpf_link_get_info_by_fd(link.as_raw_fd(), &raw mut info, &raw mut len) };
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result));
    }
    // SAFETY: the link is an XDP link, so the kernel has filled this part; and every bit pattern is a value of it.
    Ok(unsafe { info.__bindgen_anon_1.xdp.ifindex })
}
