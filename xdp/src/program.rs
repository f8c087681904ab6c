//! Our XDP programs: embedded in the binary, loaded from memory, attached by a bpf_link.
//!
//! The kernel detaches the program when the last descriptor of its bpf_link is closed. So the program leaves the
//! interface with the process, however the process ends. Not guaranteed: that the NIC keeps its carrier when a program
//! is attached or detached; some drivers reset the link.

use crate::attached_program;
use crate::device::Device;
use crate::error::{Refusal, Step, XdpError};
use crate::mode::{Attached, Mode};
use libbpf_rs::{MapCore, MapFlags, MapHandle, Object, ObjectBuilder, PrintLevel};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

static REDIRECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/zerocat.bpf.o"));
static REFLECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/reflector.bpf.o"));
const XSK_MAP: &str = "zerocat_xsks";
const MISDIRECTED_MAP: &str = "zc_misdirected";

/// Which of our programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// EtherCAT to the AF_XDP socket, the rest to the network stack.
    Redirect {
        /// Room in the map of sockets: queues 0 to `queues - 1`.
        queues: u32,
    },
    /// EtherCAT back to the sender.
    Reflect,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Redirect { .. } => "zerocat_xdp",
            Self::Reflect => "zerocat_reflect",
        }
    }

    const fn object(self) -> &'static [u8] {
        match self {
            Self::Redirect { .. } => REDIRECT,
            Self::Reflect => REFLECT,
        }
    }
}

/// A program in the kernel, not yet on an interface.
#[derive(Debug)]
pub(crate) struct Program {
    kind: Kind,
    object: Object,
}

impl Program {
    /// Has the kernel verify and take a program.
    pub(crate) fn load(kind: Kind) -> Result<Self, XdpError> {
        let failed = |source: libbpf_rs::Error| XdpError::Load { name: kind.name(), source: source.into() };
        route_messages();
        let mut open = ObjectBuilder::default().open_memory(kind.object()).map_err(failed)?;
        if let Kind::Redirect { queues } = kind {
            for mut map in open.maps_mut().filter(|map| map.name() == XSK_MAP) {
                map.set_max_entries(queues).map_err(failed)?;
            }
        }
        let program = Self { kind, object: open.load().map_err(failed)? };
        program.fd()?;
        Ok(program)
    }

    /// Puts the program on an interface, in exactly this mode.
    pub(crate) fn attach(&self, device: &Device, attached: Attached) -> Result<Attachment, XdpError> {
        let failed = |source| XdpError::Attach { interface: device.name().into(), attached, source };
        let program = self.fd()?.try_clone_to_owned().map_err(failed)?;
        let link = create_link(&program, device.index(), attached).map_err(failed)?;
        let hold = Hold { link: Mutex::new(Some(link)), program, index: device.index(), attached };
        Ok(Attachment(Arc::new(hold)))
    }

    /// Has the program redirect what arrives on a queue to a socket.
    pub(crate) fn register(&self, queue: u32, socket: RawFd) -> Result<(), XdpError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| XdpError::Register { queue, source };
        let map = self.object.maps().find(|map| map.name() == XSK_MAP).ok_or_else(|| failed("no such map".into()))?;
        map.update(&queue.to_ne_bytes(), &socket.to_ne_bytes(), MapFlags::ANY).map_err(|error| failed(error.into()))
    }

    /// The counters of EtherCAT frames that arrived on queues without a socket.
    pub(crate) fn misdirected(&self) -> Result<MapHandle, XdpError> {
        let name = self.kind.name();
        let missing = || XdpError::Load { name, source: "no map of misdirected frames".into() };
        let map = self.object.maps().find(|map| map.name() == MISDIRECTED_MAP).ok_or_else(missing)?;
        MapHandle::try_from(&map).map_err(|source| XdpError::Load { name, source: source.into() })
    }

    /// The program's descriptor.
    pub(crate) fn fd(&self) -> Result<BorrowedFd<'_>, XdpError> {
        let name = self.kind.name();
        let program = self.object.progs().find(|program| program.name() == name);
        let missing = || XdpError::Load { name, source: "not in the embedded object".into() };
        let raw = program.ok_or_else(missing)?.as_fd().as_raw_fd();
        // SAFETY: the object keeps the descriptor open, and the result borrows from self.
        Ok(unsafe { BorrowedFd::borrow_raw(raw) })
    }
}

/// A program on an interface. It is detached when this is dropped, or when the process ends.
#[derive(Debug)]
pub(crate) struct Attachment(Arc<Hold>);

impl Attachment {
    /// Where it was asked to run.
    pub(crate) fn attached(&self) -> Attached {
        self.0.attached
    }

    /// What keeps it there, to look at. It doesn't keep it there once this is dropped.
    pub(crate) fn hold(&self) -> Arc<Hold> {
        Arc::clone(&self.0)
    }
}

impl Drop for Attachment {
    /// Detaches at once. Closing alone would wait for whoever looks at the link just then (a `bpftool link`).
    fn drop(&mut self) {
        let Some(link) = self.0.link().take() else { return };
        // SAFETY: link is an open descriptor.
        let result = unsafe { libbpf_sys::bpf_link_detach(link.as_raw_fd()) };
        // Closing detaches too, and an interface that is gone has no program.
        if result < 0 {
            tracing::debug!("detach the XDP program: {}", io::Error::from_raw_os_error(-result));
        }
    }
}

/// The bpf_link that keeps a program on an interface, and what is needed to make another.
#[derive(Debug)]
pub(crate) struct Hold {
    /// `None` once the attachment was dropped: then the program stays off.
    link: Mutex<Option<OwnedFd>>,
    program: OwnedFd,
    index: i32,
    attached: Attached,
}

impl Hold {
    fn link(&self) -> MutexGuard<'_, Option<OwnedFd>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the program is on an interface still. No capability is needed, but on kernels before 5.19.
    pub(crate) fn is_attached(&self) -> io::Result<bool> {
        self.link().as_ref().map_or(Ok(false), is_attached)
    }

    /// Puts the program on its interface again, where somebody has taken it off. The kernel wants a capability to load a
    /// program, and since 5.19 none to attach one that is loaded.
    pub(crate) fn attach_again(&self) -> io::Result<()> {
        let mut held = self.link();
        let Some(link) = held.as_mut() else { return Err(io::ErrorKind::NotConnected.into()) };
        if !is_attached(link)? {
            *link = create_link(&self.program, self.index, self.attached)?;
        }
        Ok(())
    }
}

fn create_link(program: &OwnedFd, index: i32, attached: Attached) -> io::Result<OwnedFd> {
    let options = libbpf_sys::bpf_link_create_opts {
        sz: size_of::<libbpf_sys::bpf_link_create_opts>() as libbpf_sys::size_t,
        flags: attached_program::attach_flag(attached),
        ..Default::default()
    };
    let program = program.as_raw_fd();
    // SAFETY: program is an open descriptor, and options says its own size and lives through the call.
    let fd = unsafe { libbpf_sys::bpf_link_create(program, index, libbpf_sys::BPF_XDP, &raw const options) };
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(-fd));
    }
    // SAFETY: the descriptor is new, open, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether an XDP bpf_link is attached. The kernel reports interface 0 where it isn't.
fn is_attached(link: &OwnedFd) -> io::Result<bool> {
    let mut info = libbpf_sys::bpf_link_info::default();
    let mut len = u32::try_from(size_of_val(&info)).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open, and info is a bpf_link_info, which the kernel fills no further than len.
    let result = unsafe { libbpf_sys::bpf_link_get_info_by_fd(link.as_raw_fd(), &raw mut info, &raw mut len) };
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result));
    }
    // SAFETY: the link is an XDP link, so the kernel has filled this part; and every bit pattern is a value of it.
    Ok(unsafe { info.__bindgen_anon_1.xdp.ifindex } != 0)
}

impl XdpError {
    /// This error as the driver's refusal of a mode, if it is one; otherwise the error again.
    pub(crate) fn into_refusal(self, mode: Mode) -> Result<Refusal, Self> {
        match self {
            Self::Attach { source, .. } if refuses_mode(&source) => Ok(Refusal { mode, step: Step::Attach, source }),
            other => Err(other),
        }
    }
}

/// Errors by which drivers say that they don't do a mode: not supported; no room or no queue for it; settings that
/// exclude it (MTU, LRO, header split).
pub(crate) fn refuses_mode(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EOPNOTSUPP | libc::EINVAL | libc::ENOMEM | libc::ENOSPC | libc::ERANGE | libc::ENOSYS)
    )
}

/// libbpf's messages go to the log instead of stderr.
fn route_messages() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        libbpf_rs::set_print(Some((PrintLevel::Info, |level, message| {
            let message = message.trim_end();
            match level {
                PrintLevel::Warn => tracing::warn!(target: "libbpf", "{message}"),
                PrintLevel::Info => tracing::info!(target: "libbpf", "{message}"),
                PrintLevel::Debug => tracing::debug!(target: "libbpf", "{message}"),
            }
        })));
    });
}

#[cfg(test)]
mod tests;
