//! Opens the link that a rig file asks for, and says which one was had.

#[cfg(feature = "xdp")]
mod xdp;
#[cfg(not(feature = "xdp"))]
#[path = "link/without_xdp.rs"]
mod xdp;

#[cfg(feature = "packet")]
use crate::host_facts::driver;
use crate::report::LinkReport;
use std::time::Duration;
use zerocat_config::{EngineSection, LinkKind, XdpMode};
use zerocat_link::Link;
#[cfg(any(feature = "packet", feature = "xdp"))]
use zerocat_link::Sizing;
use zerocat_link::lock::{InterfaceLock, LockError};
#[cfg(feature = "packet")]
use zerocat_link::packet::{PacketError, PacketLink};
use zerocat_link::watch::Watch;
#[cfg(feature = "xdp")]
use zerocat_xdp::XdpError;

#[cfg(feature = "xdp")]
pub use xdp::fault as xdp_fault;
pub(crate) use xdp::resident;

/// Frames that may wait to be received: a cycle of the largest plan, and as many acyclic and stale ones.
#[cfg(any(feature = "packet", feature = "xdp"))]
const RECEIVE: u16 = 512;

/// Any link.
pub type AnyLink = Box<dyn Link + Send>;

/// A link with what was had.
pub struct OpenLink {
    /// The link.
    pub link: AnyLink,
    /// Its part of the report.
    pub report: LinkReport,
    /// What is worse than asked for, a sentence each.
    pub missing: Vec<String>,
    /// Tells of frames that the link doesn't hear; AF_XDP only.
    pub misdirected: Option<Misdirected>,
    /// Tells whether the link still has its interface and its XDP program; `None` where the link is no interface.
    pub watch: Option<Box<dyn Watch>>,
    /// The lock of the interface, which no other zerocat gets meanwhile; `None` where the link is no interface.
    pub lock: Option<InterfaceLock>,
}

/// Tells of EtherCAT frames that arrived where a link doesn't hear them.
pub struct Misdirected(Box<dyn Fn() -> Option<String> + Send + Sync>);

impl Misdirected {
    /// In words, if any did.
    #[must_use]
    pub fn seen(&self) -> Option<String> {
        (self.0)()
    }
}

impl std::fmt::Debug for Misdirected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Misdirected").field(&self.seen()).finish()
    }
}

impl OpenLink {
    /// A link of which nothing is known but its report.
    #[must_use]
    pub const fn new(link: AnyLink, report: LinkReport) -> Self {
        Self { link, report, missing: Vec::new(), misdirected: None, watch: None, lock: None }
    }
}

impl std::fmt::Debug for OpenLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenLink").field("report", &self.report).field("missing", &self.missing).finish_non_exhaustive()
    }
}

/// Why a link couldn't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkOpenError {
    /// Another zerocat has the interface, or there is no such interface.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// AF_XDP.
    #[cfg(feature = "xdp")]
    #[error("open {interface} over AF_XDP")]
    Xdp {
        /// Interface.
        interface: String,
        /// Why.
        source: Box<XdpError>,
    },
    /// AF_PACKET.
    #[cfg(feature = "packet")]
    #[error("open {interface} over AF_PACKET")]
    Packet {
        /// Interface.
        interface: String,
        /// Why.
        source: PacketError,
    },
    /// The library was built without this link.
    #[error(
        "link `{link}` is not part of this program: build it with the feature `{link}` of the crate `zerocat`, or take \
         another by `engine.link`"
    )]
    NotBuilt {
        /// The link: `xdp` or `packet`.
        link: &'static str,
    },
}

impl LinkOpenError {
    /// Whether the link isn't open only because it wasn't wanted any more.
    #[must_use]
    pub fn is_stop(&self) -> bool {
        match self {
            #[cfg(feature = "xdp")]
            Self::Xdp { source, .. } => matches!(**source, XdpError::Stopped { .. }),
            _ => false,
        }
    }

    /// Name of the resource limit that was in the way, if one was: `RLIMIT_NOFILE`, `RLIMIT_MEMLOCK` or `fs.file-max`.
    #[must_use]
    pub fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Lock(source) => source.limit(),
            #[cfg(feature = "xdp")]
            Self::Xdp { source, .. } => source.limit(),
            #[cfg(feature = "packet")]
            Self::Packet { source, .. } => source.limit(),
            Self::NotBuilt { .. } => None,
        }
    }
}

/// Where and how to open a link.
#[derive(Debug, Clone)]
pub struct LinkRequest<'a> {
    /// Interface.
    pub interface: &'a str,
    /// Kind, mode and queue.
    pub section: &'a EngineSection,
    /// Transmit slots.
    pub slots: u16,
    /// Replace an XDP program that is there.
    pub replace_program: bool,
    /// Time from one cycle to the next; the usual NAPI timeout of busy polling is twice that.
    pub cycle: Duration,
}

/// Opens it.
///
/// # Errors
/// What the kernel or the interface refused, with what to do.
pub fn open_link(request: &LinkRequest<'_>) -> Result<OpenLink, LinkOpenError> {
    open_link_unless(request, &|| false)
}

/// The same, but for waits for a carrier or a queue, which end when `stopped` says so.
///
/// # Errors
/// As for [`open_link`], and what [`LinkOpenError::is_stop`] tells.
pub fn open_link_unless(request: &LinkRequest<'_>, stopped: &dyn Fn() -> bool) -> Result<OpenLink, LinkOpenError> {
    let lock = InterfaceLock::take(request.interface)?;
    let opened = match request.section.link {
        LinkKind::Xdp => xdp::open(request, stopped)?,
        LinkKind::Packet => open_packet(request)?,
    };
    Ok(OpenLink { lock: Some(lock), ..opened })
}

/// The report of a link that was asked for, as far as that is known before it is opened.
pub(crate) fn asked(request: &LinkRequest<'_>) -> LinkReport {
    match request.section.link {
        LinkKind::Xdp => LinkReport {
            mode_asked: Some(asked_name(request.section.mode)),
            ..LinkReport::new("xdp", request.interface)
        },
        LinkKind::Packet => LinkReport::new("packet", request.interface),
    }
}

#[cfg(feature = "packet")]
fn open_packet(request: &LinkRequest<'_>) -> Result<OpenLink, LinkOpenError> {
    let interface = request.interface;
    let mut link = PacketLink::open(interface, sizing(request))
        .map_err(|source| LinkOpenError::Packet { interface: interface.to_owned(), source })?;
    let driver = driver(interface);
    let report = LinkReport { driver, ..LinkReport::new("packet", interface) };
    let watch = link.take_watch().map(|watch| Box::new(watch) as _);
    let missing = deaf(interface).into_iter().collect();
    Ok(OpenLink { watch, missing, ..OpenLink::new(Box::new(link), report) })
}

/// Why an AF_PACKET socket may hear nothing: an XDP program takes frames before it sees them.
#[cfg(feature = "packet")]
fn deaf(interface: &str) -> Option<String> {
    resident(interface).map(|why| format!("all frames of {interface}: {why}"))
}

#[cfg(not(feature = "packet"))]
const fn open_packet(_: &LinkRequest<'_>) -> Result<OpenLink, LinkOpenError> {
    Err(LinkOpenError::NotBuilt { link: "packet" })
}

#[cfg(any(feature = "packet", feature = "xdp"))]
const fn sizing(request: &LinkRequest<'_>) -> Sizing {
    Sizing { slots: request.slots, receive: RECEIVE }
}

const fn asked_name(mode: XdpMode) -> &'static str {
    match mode {
        XdpMode::Auto => "auto",
        XdpMode::ZeroCopy => "zero_copy",
        XdpMode::NativeCopy => "native_copy",
        XdpMode::Generic => "generic",
    }
}
