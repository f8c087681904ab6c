//! Opens the link that a rig file asks for, and says which one was had.

use crate::report::{BusyPollReport, LinkReport};
use std::time::Duration;
use zerocat_config::{BusyPoll, BusyPollSettings, Engine as EngineSection, LinkKind, UmemPages, Wakeup, XdpMode};
use zerocat_host::Nic;
use zerocat_link::lock::{InterfaceLock, LockError};
use zerocat_link::packet::{PacketError, PacketLink};
use zerocat_link::watch::Watch;
use zerocat_link::{Link, Sizing};
use zerocat_sched::time::nanos;
use zerocat_xdp::{
    AttachedProgram, BusyPolling, IrqMitigation, MisdirectedCounters, Mode, ModeRequest, OnOccupied, Pages, XdpError,
    XdpLink, XdpOptions, XdpReport,
};

/// Frames that may wait to be received: a cycle of the largest plan, and as many acyclic and stale ones.
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
    /// Counters of frames that the link doesn't hear; AF_XDP only.
    pub misdirected: Option<MisdirectedCounters>,
    /// Tells whether the link still has its interface and its XDP program; `None` where the link is no interface.
    pub watch: Option<Box<dyn Watch>>,
    /// The lock of the interface, which no other zerocat gets meanwhile; `None` where the link is no interface.
    pub lock: Option<InterfaceLock>,
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
pub enum LinkOpenError {
    /// Another zerocat has the interface, or there is no such interface.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// AF_XDP.
    #[error("open {interface} over AF_XDP")]
    Xdp {
        /// Interface.
        interface: String,
        /// Why.
        source: Box<XdpError>,
    },
    /// AF_PACKET.
    #[error("open {interface} over AF_PACKET")]
    Packet {
        /// Interface.
        interface: String,
        /// Why.
        source: PacketError,
    },
}

impl LinkOpenError {
    /// Whether the link isn't open only because it wasn't wanted any more.
    #[must_use]
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::Xdp { source, .. } if matches!(**source, XdpError::Stopped { .. }))
    }

    /// Name of the resource limit that was in the way, if one was: `RLIMIT_NOFILE`, `RLIMIT_MEMLOCK` or `fs.file-max`.
    #[must_use]
    pub fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Lock(source) => source.limit(),
            Self::Xdp { source, .. } => source.limit(),
            Self::Packet { source, .. } => source.limit(),
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
        LinkKind::Xdp => open_xdp(request, stopped)?,
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

fn open_xdp(request: &LinkRequest<'_>, stopped: &dyn Fn() -> bool) -> Result<OpenLink, LinkOpenError> {
    let interface = request.interface;
    let mut link = XdpLink::open_unless(&xdp_options(request), stopped)
        .map_err(|source| LinkOpenError::Xdp { interface: interface.to_owned(), source: Box::new(source) })?;
    let got = link.report();
    let report = xdp_report(request.section, got);
    let mut missing = Vec::new();
    if let (BusyPoll::On(_), BusyPolling::Refused(why)) = (request.section.busy_poll, &got.busy_poll) {
        missing.push(format!("busy polling on {interface}: {why}"));
    }
    let misdirected = link.take_misdirected();
    let watch = link.take_watch().map(|watch| Box::new(watch) as _);
    Ok(OpenLink { misdirected, watch, missing, ..OpenLink::new(Box::new(link), report) })
}

fn xdp_options(request: &LinkRequest<'_>) -> XdpOptions {
    let section = request.section;
    XdpOptions {
        queue: section.queue,
        mode: mode_request(section.mode),
        on_occupied: if request.replace_program { OnOccupied::Replace } else { OnOccupied::Refuse },
        wakeup: match section.wakeup {
            Wakeup::WhenNeeded => zerocat_xdp::Wakeup::WhenNeeded,
            Wakeup::Always => zerocat_xdp::Wakeup::Always,
        },
        pages: match section.umem_pages {
            UmemPages::Ordinary => Pages::Ordinary,
            UmemPages::Huge => Pages::Huge,
        },
        busy_poll: section.busy_poll.settings().map(|settings| busy_poll(settings, request.cycle)),
        ..XdpOptions::new(request.interface, sizing(request))
    }
}

fn busy_poll(settings: BusyPollSettings, cycle: Duration) -> zerocat_xdp::BusyPoll {
    let BusyPollSettings { budget, napi_defer_hard_irqs, gro_flush_timeout } = settings;
    let gro_flush_timeout = gro_flush_timeout.unwrap_or(cycle.saturating_mul(2));
    zerocat_xdp::BusyPoll {
        budget,
        mitigation: IrqMitigation { defer_hard_irqs: napi_defer_hard_irqs, gro_flush_timeout },
    }
}

fn xdp_report(section: &EngineSection, got: &XdpReport) -> LinkReport {
    let on = match &got.busy_poll {
        BusyPolling::On { napi_id, how, .. } => Some((*napi_id, *how)),
        BusyPolling::NotAsked | BusyPolling::Refused(_) => None,
    };
    let busy_poll = BusyPollReport {
        asked: section.busy_poll.name(),
        on: on.is_some(),
        why_not: if let BusyPolling::Refused(why) = &got.busy_poll { Some(why.clone()) } else { None },
        napi_id: on.map(|(id, _)| id),
        budget: on.map(|(_, how)| how.budget),
        napi_defer_hard_irqs: on.map(|(_, how)| how.mitigation.defer_hard_irqs),
        gro_flush_timeout_ns: on.map(|(_, how)| nanos(how.mitigation.gro_flush_timeout)),
    };
    LinkReport {
        driver: got.driver.clone(),
        mode_asked: Some(asked_name(section.mode)),
        mode_got: Some(mode_name(got.mode_got)),
        // `auto` asks for the best that there is: a lesser mode is no shortfall, but worth knowing why.
        mode_why: got.refused.first().filter(|_| section.mode == XdpMode::Auto).map(ToString::to_string),
        queue: Some(got.queue),
        wakeup: Some(match got.wakeup {
            zerocat_xdp::Wakeup::WhenNeeded => "when_needed",
            zerocat_xdp::Wakeup::Always => "always",
        }),
        umem_pages: Some(match got.pages {
            Pages::Ordinary => "ordinary",
            Pages::Huge => "huge",
        }),
        busy_poll: Some(busy_poll),
        ..LinkReport::new("xdp", &got.interface)
    }
}

fn open_packet(request: &LinkRequest<'_>) -> Result<OpenLink, LinkOpenError> {
    let interface = request.interface;
    let mut link = PacketLink::open(interface, sizing(request))
        .map_err(|source| LinkOpenError::Packet { interface: interface.to_owned(), source })?;
    let driver = Nic::for_interface(interface).and_then(|nic| nic.driver);
    let report = LinkReport { driver, ..LinkReport::new("packet", interface) };
    let watch = link.take_watch().map(|watch| Box::new(watch) as _);
    let missing = deaf(interface).into_iter().collect();
    Ok(OpenLink { watch, missing, ..OpenLink::new(Box::new(link), report) })
}

/// Why an AF_PACKET socket may hear nothing: an XDP program takes frames before it sees them.
fn deaf(interface: &str) -> Option<String> {
    let resident = AttachedProgram::of_interface(interface).ok()??;
    let name = resident.name.as_deref().unwrap_or("without a name");
    Some(format!("all frames of {interface}: XDP program {name} sees them first; {}", resident.remedy()))
}

const fn sizing(request: &LinkRequest<'_>) -> Sizing {
    Sizing { slots: request.slots, receive: RECEIVE }
}

const fn mode_request(mode: XdpMode) -> ModeRequest {
    match mode {
        XdpMode::Auto => ModeRequest::Auto,
        XdpMode::ZeroCopy => ModeRequest::Force(Mode::ZeroCopy),
        XdpMode::NativeCopy => ModeRequest::Force(Mode::NativeCopy),
        XdpMode::Generic => ModeRequest::Force(Mode::Generic),
    }
}

const fn asked_name(mode: XdpMode) -> &'static str {
    match mode {
        XdpMode::Auto => "auto",
        XdpMode::ZeroCopy => mode_name(Mode::ZeroCopy),
        XdpMode::NativeCopy => mode_name(Mode::NativeCopy),
        XdpMode::Generic => mode_name(Mode::Generic),
    }
}

const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::ZeroCopy => "zero_copy",
        Mode::NativeCopy => "native_copy",
        Mode::Generic => "generic",
    }
}
