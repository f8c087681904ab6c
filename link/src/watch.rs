//! Watches whether the interface of a link, and the XDP program that brings it frames, are still there.
//!
//! An interface can be removed or moved to another network namespace, and somebody else can detach our program. From
//! inside a link both look like a network that doesn't answer. A watch is a handle of its own, for an ordinary thread
//! to use while the realtime thread has the link. It needs no capability.
//!
//! Guarantees: a query doesn't wait; an interface that is gone stays gone, even if a new one gets its name or number,
//! because the link is still bound to the old one. Not guaranteed: an answer on kernels that don't report it.

use std::fmt::Debug;

use crate::socket::RawSocket;

/// Whether what a link was opened on is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentState {
    /// It is.
    Attached,
    /// Our program was detached from the interface; frames go to the network stack.
    Detached,
    /// The interface was removed, or moved to another network namespace, since the link was opened.
    InterfaceGone,
    /// The kernel doesn't say. Treat it as attached.
    Unknown,
}

/// A handle to ask with.
pub trait Watch: Debug + Send + Sync {
    /// The state now. It makes one or two system calls that don't wait; it is not for the cycle.
    fn state(&self) -> AttachmentState;

    /// Puts our program on the interface again, where it is [`AttachmentState::Detached`]; the link then receives as
    /// before. Does nothing where it is attached. A system call that may reset the NIC's link; not for the cycle.
    ///
    /// # Errors
    /// Another program is there (`EBUSY`, `EEXIST`), the interface is gone (`ENODEV`), the kernel wants a capability
    /// (`EPERM`), or the link is closed or has no program (`NotConnected`, `Unsupported`).
    fn attach_again(&self) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

/// Watches an interface.
///
/// It is a packet socket that is bound to the interface and receives nothing: the kernel unbinds it for
/// good when the interface goes.
#[derive(Debug)]
pub struct InterfaceWatch(RawSocket);

impl InterfaceWatch {
    /// Watches the interface of this number in the calling thread's network namespace.
    ///
    /// # Errors
    /// CAP_NET_RAW is missing, there is no such interface, or what the operating system says.
    pub fn on(index: i32) -> std::io::Result<Self> {
        let watch = || {
            let socket = RawSocket::open()?;
            socket.bind_deaf(index)?;
            Ok(Self(socket))
        };
        watch().map_err(std::io::Error::from_raw_os_error)
    }
}

impl Watch for InterfaceWatch {
    fn state(&self) -> AttachmentState {
        if self.0.is_unbound() { AttachmentState::InterfaceGone } else { AttachmentState::Attached }
    }
}
