//! Opens the link that a rig file asks for, and says which one was had.

use crate::report::LinkReport;
use zerocat_config::{Engine as EngineSection, LinkKind, XdpMode};
use zerocat_link::packet::{PacketError, PacketLink};
use zerocat_link::{Link, Sizing};
use zerocat_sched::Nic;
use zerocat_xdp::{Mode, ModeRequest, OnOccupied, Resident, XdpError, XdpLink, XdpOptions};

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
}

impl std::fmt::Debug for OpenLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenLink").field("report", &self.report).field("missing", &self.missing).finish_non_exhaustive()
    }
}

/// Why a link couldn't be opened.
#[derive(Debug, thiserror::Error)]
pub enum LinkOpenError {
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
    pub force: bool,
}

/// Opens it.
///
/// # Errors
/// What the kernel or the interface refused, with what to do.
pub fn open_link(request: &LinkRequest<'_>) -> Result<OpenLink, LinkOpenError> {
    match request.section.link {
        LinkKind::Xdp => open_xdp(request),
        LinkKind::Packet => open_packet(request),
    }
}

fn open_xdp(request: &LinkRequest<'_>) -> Result<OpenLink, LinkOpenError> {
    let interface = request.interface;
    let mut options = XdpOptions::new(interface, sizing(request));
    options.queue = request.section.queue;
    options.mode = mode_request(request.section.mode);
    options.on_occupied = if request.force { OnOccupied::Replace } else { OnOccupied::Refuse };
    let link = XdpLink::open(&options)
        .map_err(|source| LinkOpenError::Xdp { interface: interface.to_owned(), source: Box::new(source) })?;
    let got = link.report();
    let report = LinkReport {
        kind: "xdp",
        interface: interface.to_owned(),
        driver: got.driver.clone(),
        mode_asked: Some(asked_name(request.section.mode)),
        mode_got: Some(mode_name(got.mode_got)),
    };
    let mut missing = Vec::new();
    if got.mode_got != Mode::ZeroCopy {
        let why = got.refused.first().map_or(String::new(), |why| format!(" ({why})"));
        if request.section.mode == XdpMode::Auto {
            missing.push(format!("AF_XDP zero-copy on {interface}: got {}{why}", got.mode_got));
        }
    }
    Ok(OpenLink { link: Box::new(link), report, missing })
}

fn open_packet(request: &LinkRequest<'_>) -> Result<OpenLink, LinkOpenError> {
    let interface = request.interface;
    let link = PacketLink::open(interface, sizing(request))
        .map_err(|source| LinkOpenError::Packet { interface: interface.to_owned(), source })?;
    let driver = Nic::for_interface(interface).and_then(|nic| nic.driver);
    let report =
        LinkReport { kind: "packet", interface: interface.to_owned(), driver, mode_asked: None, mode_got: None };
    Ok(OpenLink { link: Box::new(link), report, missing: deaf(interface).into_iter().collect() })
}

/// Why an AF_PACKET socket may hear nothing: an XDP program takes frames before it sees them.
fn deaf(interface: &str) -> Option<String> {
    let resident = Resident::of_interface(interface).ok()??;
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
