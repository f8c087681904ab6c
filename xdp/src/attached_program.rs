//! The XDP program that an interface already has: whose it is, and how to remove it.
//!
//! A program can be attached in two ways. By netlink (`ip link`) it stays until somebody removes it, also when its
//! process has ended. By a bpf_link it stays as long as a process has the link open, or a pin in a BPF file system
//! holds it.

use crate::device::Device;
use crate::error::XdpError;
use crate::mode::Attached;
use crate::privilege;
use libbpf_rs::query::{LinkInfoIter, LinkTypeInfo, ProgInfoIter};
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// What keeps a program on its interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldBy {
    /// Nothing but the interface: it was attached by netlink and stays until somebody detaches it.
    Netlink,
    /// A bpf_link.
    Link {
        /// Its id, as in `bpftool link`.
        id: u32,
        /// Processes that hold it, as far as this process may see. None: it is pinned, or they can't be seen.
        processes: Vec<String>,
    },
    /// Can't be told without CAP_SYS_ADMIN.
    Unknown,
}

/// An XDP program found on an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedProgram {
    /// The interface.
    pub interface: String,
    /// Id of the program, as in `ip link show` and `bpftool prog`.
    pub id: u32,
    /// Its name; none where it has none, or can't be seen without CAP_SYS_ADMIN.
    pub name: Option<String>,
    /// Where it runs.
    pub attached: Attached,
    /// What keeps it there.
    pub held_by: HeldBy,
}

impl fmt::Display for AttachedProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("of unknown name");
        write!(f, "program {name} (id {}), {}, ", self.id, self.attached)?;
        match &self.held_by {
            HeldBy::Netlink => f.write_str("attached by netlink"),
            HeldBy::Unknown => f.write_str("attached in a way that only CAP_SYS_ADMIN may see"),
            HeldBy::Link { id, processes } if processes.is_empty() => write!(f, "attached by link {id}"),
            HeldBy::Link { id, processes } => write!(f, "attached by link {id} of {}", processes.join(", ")),
        }
    }
}

impl AttachedProgram {
    /// What is on an interface, if anything.
    ///
    /// # Errors
    /// `NoInterface`, `Device`.
    pub fn of_interface(interface: &str) -> Result<Option<Self>, XdpError> {
        Self::find(&Device::find(interface)?)
    }

    pub(crate) fn find(device: &Device) -> Result<Option<Self>, XdpError> {
        let Some((id, attached)) = query(device)? else { return Ok(None) };
        let link = LinkInfoIter::default().find(|link| link.prog_id == id && is_on(&link.info, device.index()));
        let held_by = match link {
            Some(link) => HeldBy::Link { id: link.id, processes: holders(link.id) },
            None if privilege::sees_all_programs() => HeldBy::Netlink,
            None => HeldBy::Unknown,
        };
        let name = ProgInfoIter::default()
            .find(|program| program.id == id)
            .map(|program| program.name.to_string_lossy().into_owned())
            .filter(|name| !name.is_empty());
        Ok(Some(Self { interface: device.name().into(), id, name, attached, held_by }))
    }

    /// What a user can do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        let off = match self.attached {
            Attached::Native => "xdpdrv",
            Attached::Generic => "xdpgeneric",
        };
        match &self.held_by {
            HeldBy::Netlink => {
                format!("replace it (--replace-program), or remove it: ip link set dev {} {off} off", self.interface)
            }
            HeldBy::Link { id, .. } => {
                format!("stop its process, replace it (--replace-program), or detach it: bpftool link detach id {id}")
            }
            HeldBy::Unknown => "stop its process, or replace it (--replace-program)".into(),
        }
    }

    /// Takes the program off its interface, whosever it is. Needs CAP_NET_ADMIN, and CAP_SYS_ADMIN for a bpf_link.
    ///
    /// # Errors
    /// `NoInterface`, `Device`, `Remove`.
    pub fn take_off(self) -> Result<(), XdpError> {
        let device = Device::find(&self.interface)?;
        self.remove(&device)
    }

    /// Takes the program off the interface.
    pub(crate) fn remove(self, device: &Device) -> Result<(), XdpError> {
        let result = match self.held_by {
            HeldBy::Link { id, .. } => detach_link(id),
            HeldBy::Netlink | HeldBy::Unknown => detach_netlink(device, self.attached),
        };
        result.map_err(|source| XdpError::Remove { program: Box::new(self), source })
    }
}

/// Leaves the interface without a program, or says whose is there.
pub(crate) fn clear(device: &Device, force: bool) -> Result<(), XdpError> {
    let Some(program) = AttachedProgram::find(device)? else { return Ok(()) };
    if !force {
        return Err(XdpError::Occupied { program: Box::new(program) });
    }
    tracing::warn!(interface = device.name(), "replacing the XDP program found there: {program}");
    program.remove(device)
}

/// What the kernel says about XDP on an interface.
pub(crate) fn query_options(device: &Device) -> Result<libbpf_sys::bpf_xdp_query_opts, XdpError> {
    let mut options = libbpf_sys::bpf_xdp_query_opts {
        sz: size_of::<libbpf_sys::bpf_xdp_query_opts>() as libbpf_sys::size_t,
        ..Default::default()
    };
    // SAFETY: options is a bpf_xdp_query_opts that says its own size.
    let result = unsafe { libbpf_sys::bpf_xdp_query(device.index(), 0, &raw mut options) };
    if result < 0 {
        let source = io::Error::from_raw_os_error(-result);
        return Err(XdpError::device(device.name(), "ask for the XDP program", source));
    }
    Ok(options)
}

/// Id of the program on an interface, and where it runs.
pub(crate) fn query(device: &Device) -> Result<Option<(u32, Attached)>, XdpError> {
    let options = query_options(device)?;
    let native = if options.drv_prog_id != 0 { options.drv_prog_id } else { options.hw_prog_id };
    Ok(match (native, options.skb_prog_id) {
        (0, 0) if options.prog_id == 0 => None,
        (0, 0) if u32::from(options.attach_mode) == libbpf_sys::XDP_ATTACHED_SKB => {
            Some((options.prog_id, Attached::Generic))
        }
        (0, 0) => Some((options.prog_id, Attached::Native)),
        (0, generic) => Some((generic, Attached::Generic)),
        (native, _) => Some((native, Attached::Native)),
    })
}

/// `NETDEV_XDP_ACT_BASIC`, `NETDEV_XDP_ACT_REDIRECT`, `NETDEV_XDP_ACT_XSK_ZEROCOPY` of `include/uapi/linux/netdev.h`: what
/// the kernel demands of an interface before it asks the driver for a zero-copy queue (`xp_assign_dev` of
/// `net/xdp/xsk_buff_pool.c`).
const ZERO_COPY_FEATURES: u64 = 1 | 2 | 8;

/// Whether the kernel says that the interface can't do zero-copy. Kernels before Linux 6.3 say nothing.
pub(crate) fn lacks_zero_copy(device: &Device) -> Result<bool, XdpError> {
    let features = query_options(device)?.feature_flags;
    Ok(features != 0 && features & ZERO_COPY_FEATURES != ZERO_COPY_FEATURES)
}

fn is_on(info: &LinkTypeInfo, index: i32) -> bool {
    matches!(info, LinkTypeInfo::Xdp(xdp) if i32::try_from(xdp.ifindex) == Ok(index))
}

fn detach_link(id: u32) -> io::Result<()> {
    // SAFETY: the call takes a number and returns a descriptor or a negative errno.
    let fd = unsafe { libbpf_sys::bpf_link_get_fd_by_id(id) };
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(-fd));
    }
    // SAFETY: the descriptor is new, open, and nobody else's.
    let link = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: link is an open descriptor for the length of the call.
    let result = unsafe { libbpf_sys::bpf_link_detach(link.as_raw_fd()) };
    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(()) }
}

fn detach_netlink(device: &Device, attached: Attached) -> io::Result<()> {
    // SAFETY: options may be null; the other arguments are numbers.
    let result = unsafe { libbpf_sys::bpf_xdp_detach(device.index(), attach_flag(attached), std::ptr::null()) };
    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(()) }
}

/// The flag that asks for exactly this mode; without one the kernel would choose.
pub(crate) const fn attach_flag(attached: Attached) -> u32 {
    match attached {
        Attached::Native => libbpf_sys::XDP_FLAGS_DRV_MODE,
        Attached::Generic => libbpf_sys::XDP_FLAGS_SKB_MODE,
    }
}

/// Processes with a descriptor of this link, as `name (pid)`.
fn holders(link: u32) -> Vec<String> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|&pid| holds(pid, link)).map(describe).collect()
}

fn holds(pid: u32, link: u32) -> bool {
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fdinfo")) else { return false };
    descriptors.filter_map(Result::ok).any(|descriptor| {
        let info = std::fs::read_to_string(descriptor.path()).unwrap_or_default();
        info.lines().filter_map(|line| line.strip_prefix("link_id:")).any(|id| id.trim().parse() == Ok(link))
    })
}

fn describe(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    format!("{} (pid {pid})", name.trim())
}
