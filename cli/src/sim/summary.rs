//! The summary at the end of a run: a table for people, one JSON object for programs.

use super::links::Names;
use super::status::Status;
use crate::Done;
use crate::exit::{Failure, WithError};
use crate::print;
use serde::Serialize;
use zerocat_link::fault::FaultCounters;
use zerocat_sim::{Snapshot, SubDeviceSnapshot, SyncErrors};

/// The summary as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    schema: &'static str,
    interface: String,
    second_interface: Option<String>,
    frames: u64,
    datagrams: u64,
    lost: u64,
    unsent: u64,
    faults: Faults,
    subdevices: Vec<SubDeviceSummary>,
}

/// Frame faults that were injected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Faults {
    pub(super) dropped: u64,
    pub(super) delayed: u64,
    pub(super) duplicated: u64,
    pub(super) corrupted: u64,
    /// Faults that were left out because there was no room for a copy of the frame.
    pub(super) spared: u64,
}

#[derive(Debug, Serialize)]
struct SubDeviceSummary {
    position: Option<u16>,
    second_position: Option<u16>,
    powered: bool,
    order: String,
    name: String,
    state: &'static str,
    error: bool,
    code: u16,
    code_text: &'static str,
    cyclic: u64,
    mailbox_requests: u64,
    /// Emergencies and other mails of its own that were dropped, because eight waited for somebody to read them.
    mails_dropped: u64,
    watchdog_expiries: u64,
    port_errors: u32,
    /// Difference of its system time from that of the reference clock, in ns; none without a clock.
    clock_difference: Option<i64>,
    /// What was wrong with the order of outputs and SYNC0, as object 0x1C32 counts it.
    sync_errors: SyncErrors,
    /// Code of the device's own fault, 0 for none.
    fault: u16,
}

impl Faults {
    /// Sum over both directions.
    pub(super) fn of((back, out): (FaultCounters, FaultCounters)) -> Self {
        Self {
            dropped: back.dropped + out.dropped,
            delayed: back.delayed + out.delayed,
            duplicated: back.duplicated + out.duplicated,
            corrupted: back.corrupted + out.corrupted,
            spared: back.spared + out.spared,
        }
    }

    /// Sum over two links.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            dropped: self.dropped + other.dropped,
            delayed: self.delayed + other.delayed,
            duplicated: self.duplicated + other.duplicated,
            corrupted: self.corrupted + other.corrupted,
            spared: self.spared + other.spared,
        }
    }
}

impl std::fmt::Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { dropped, delayed, duplicated, corrupted, spared } = self;
        write!(f, "{dropped} dropped, {delayed} delayed, {duplicated} duplicated, {corrupted} corrupted")?;
        if *spared > 0 {
            write!(f, ", {spared} spared for want of room")?;
        }
        Ok(())
    }
}

impl Summary {
    pub(super) fn new(status: &Status, names: &Names) -> Self {
        let Snapshot { totals, subdevices } = &status.snapshot;
        Self {
            schema: "zerocat-served/1",
            interface: names.first.clone(),
            second_interface: names.second.clone(),
            frames: totals.frames,
            datagrams: totals.datagrams,
            lost: totals.lost,
            unsent: status.unsent,
            faults: status.faults,
            subdevices: subdevices.iter().zip(&status.clocks).map(|(one, clock)| subdevice(one, *clock)).collect(),
        }
    }

    /// Prints it as one line of JSON, with why the command failed in it, if it did, and ends with that.
    pub(super) fn print(&self, done: Done) -> Done {
        print::one_line(&WithError::new(self, done.as_ref().err())).and_then(print::last_lines)?;
        done.map_err(Failure::in_document)
    }
}

fn subdevice(subdevice: &SubDeviceSnapshot, clock_difference: Option<i64>) -> SubDeviceSummary {
    SubDeviceSummary {
        position: subdevice.position,
        second_position: subdevice.second_position,
        powered: subdevice.powered,
        order: subdevice.order.clone(),
        name: subdevice.name.clone(),
        state: subdevice.state.name(),
        error: subdevice.error,
        code: subdevice.code.0,
        code_text: subdevice.code.text(),
        cyclic: subdevice.cyclic,
        mailbox_requests: subdevice.mailbox_requests,
        mails_dropped: subdevice.mails_dropped,
        watchdog_expiries: subdevice.watchdog_expiries,
        port_errors: subdevice.port_errors,
        clock_difference,
        sync_errors: subdevice.sync_errors,
        fault: subdevice.fault,
    }
}

/// Table of the SubDevices.
pub(super) fn table(status: &Status) -> String {
    const HEADER: [&str; 11] =
        ["no", "pos", "type", "name", "state", "faults", "cyclic", "mails", "clock", "watchdog", "port errors"];
    let mut table = print::table(HEADER);
    for (subdevice, clock) in status.snapshot.subdevices.iter().zip(&status.clocks) {
        table.add_row([
            subdevice.index.to_string(),
            position(subdevice),
            subdevice.order.clone(),
            subdevice.name.clone(),
            state(subdevice),
            trouble(subdevice),
            subdevice.cyclic.to_string(),
            subdevice.mailbox_requests.to_string(),
            difference(*clock),
            subdevice.watchdog_expiries.to_string(),
            subdevice.port_errors.to_string(),
        ]);
    }
    table.to_string()
}

/// Position on the wire from the first end. A SubDevice that only frames from the second end reach has its position
/// from there, with a `b` before it; one that no frame reaches has a dash.
pub(super) fn position(subdevice: &SubDeviceSnapshot) -> String {
    match (subdevice.position, subdevice.second_position) {
        (Some(position), _) => position.to_string(),
        (None, Some(position)) => format!("b{position}"),
        (None, None) => "-".to_owned(),
    }
}

/// A difference between clocks, in the unit that fits; a dash without a clock.
pub(super) fn difference(nanos: Option<i64>) -> String {
    let signed = |nanos: i64| {
        let sign = if nanos < 0 { "-" } else { "" };
        format!("{sign}{}", print::time(nanos.unsigned_abs()))
    };
    nanos.map_or_else(|| "-".to_owned(), signed)
}

/// AL status code, or the code of the device's own fault, where there is one.
pub(super) fn trouble(subdevice: &SubDeviceSnapshot) -> String {
    match (subdevice.code.0, subdevice.fault) {
        (0, 0) => String::new(),
        (0, fault) => format!("fault {fault:#06x}"),
        _ => subdevice.code.to_string(),
    }
}

/// AL state, with a mark for the error flag.
pub(super) fn state(subdevice: &SubDeviceSnapshot) -> String {
    match (subdevice.powered, subdevice.error) {
        (false, _) => "no power".to_owned(),
        (true, true) => format!("{}+ERR", subdevice.state),
        (true, false) => subdevice.state.to_string(),
    }
}
