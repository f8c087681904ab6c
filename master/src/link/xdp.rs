//! The link over AF_XDP: what the rig file asks for in the words of the room `xdp`, and what was had in those of the report.

use super::{LinkOpenError, LinkRequest, Misdirected, OpenLink, asked_name, sizing};
use crate::report::{BusyPollReport, LinkReport};
use std::time::Duration;
use zerocat_config::{BusyPoll, BusyPollSettings, EngineSection, UmemPages, Wakeup, XdpMode};
use zerocat_faults::Fault;
use zerocat_sched::time::nanos;
use zerocat_xdp::{
    AttachedProgram, BusyPolling, IrqMitigation, Mode, ModeRequest, OnOccupied, Pages, XdpError, XdpLink, XdpOptions,
    XdpReport,
};

pub(super) fn open(request: &LinkRequest<'_>, stopped: &dyn Fn() -> bool) -> Result<OpenLink, LinkOpenError> {
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
    let misdirected = misdirected.map(|counters| Misdirected(Box::new(move || Some(counters.seen()?.to_string()))));
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
        mode_got: Some(got.mode_got.key()),
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

/// An XDP program of somebody else's on an interface, which sees its frames first, with what to do.
pub(crate) fn resident(interface: &str) -> Option<String> {
    let resident = AttachedProgram::of_interface(interface).ok()??;
    let name = resident.name.as_deref().unwrap_or("without a name");
    Some(format!("XDP program {name} sees the frames of {interface} first; {}", resident.remedy()))
}

const fn mode_request(mode: XdpMode) -> ModeRequest {
    match mode {
        XdpMode::Auto => ModeRequest::Auto,
        XdpMode::ZeroCopy => ModeRequest::Force(Mode::ZeroCopy),
        XdpMode::NativeCopy => ModeRequest::Force(Mode::NativeCopy),
        XdpMode::Generic => ModeRequest::Force(Mode::Generic),
    }
}

/// Which fault it is that an AF_XDP socket couldn't be opened.
#[must_use]
pub fn fault(error: &XdpError) -> Fault {
    match error {
        XdpError::NoInterface { .. } => Fault::NoSuchInterface,
        XdpError::NoPermission { .. } => Fault::PermissionMissing,
        XdpError::Down { .. } => Fault::InterfaceDown,
        XdpError::NoSuchQueue { .. } | XdpError::QueueRefused { .. } | XdpError::Mtu { .. } => Fault::InterfaceUnsuited,
        XdpError::Occupied { .. } => Fault::XdpProgramPresent,
        XdpError::MemoryLock { .. } => Fault::LockedMemoryLimit,
        XdpError::NoCarrier { .. } | XdpError::CarrierLost { .. } => Fault::NoCarrier,
        XdpError::Descriptors(_) => Fault::FileLimit,
        XdpError::QueueBusy { .. } => Fault::InterfaceInUse,
        XdpError::Stopped { .. } => Fault::StoppedBySignal,
        _ => Fault::XdpUnavailable,
    }
}
