//! What `scan -v` shows below its table: of each SubDevice where its entries lie, what its ports have counted,
//! what its mailbox speaks, its clock and operation modes with distributed clocks, and how it says that it is synchronized.

use crate::print;
use zerocat::{ClockClass, PortErrors, Scanned, ScannedClock, ScannedMode, SyncObjects, data_type};

/// All of it, as lines of at most so many columns.
pub(super) fn detail(found: &Scanned, columns: usize) -> String {
    let Scanned { position, name, .. } = found;
    let mut parts = vec![format!("\nSubDevice {position} {name}")];
    parts.push(print::wrapped("  ports: ", &ports(found), columns));
    if !found.protocols.is_empty() {
        parts.push(print::wrapped("  mailbox: ", &found.protocols.join(", "), columns));
    }
    parts.extend(clock(found).iter().map(|(what, said)| print::wrapped(what, said, columns)));
    if let Some(description) = &found.description {
        parts.push(print::wrapped("  description: ", &description.to_string(), columns));
    }
    let entries = entries(found);
    if !entries.is_empty() {
        let mut table = print::table(["", "PDO", "at", "entry", "bits", "type", "name"]);
        table.set_width(u16::try_from(columns).unwrap_or(u16::MAX));
        entries.into_iter().for_each(|row| _ = table.add_row(row));
        parts.push(table.to_string());
    }
    parts.join("\n")
}

/// Its clock, operation modes, and how it says that it is synchronized.
fn clock(found: &Scanned) -> Vec<(&'static str, String)> {
    let mut lines: Vec<_> = of_clock(found.clock).map(|said| ("  clock: ", said)).into_iter().collect();
    let modes: Vec<_> = found.op_modes.iter().map(mode).collect();
    if !modes.is_empty() {
        lines.push(("  modes: ", modes.join("; ")));
    }
    if let Some(SyncObjects { outputs, inputs }) = found.synchronization {
        let both = [("  outputs: ", outputs), ("  inputs: ", inputs)];
        let said = both.into_iter().filter_map(|(what, said)| Some((what, said?.to_string())));
        lines.extend(said.filter(|(_, said)| !said.is_empty()));
    }
    lines
}

/// What clock it has, and where it stands.
fn of_clock(clock: ScannedClock) -> Option<String> {
    let bits = match clock.info.class {
        ClockClass::None => return None,
        ClockClass::ReceiveTimes => return Some("receive times only".to_owned()),
        ClockClass::Narrow => "32 bit",
        ClockClass::Wide => "64 bit",
    };
    let sync = if clock.info.sync_unit { "" } else { ", no SYNC" };
    let stands = match (clock.reference, clock.delay_ns, clock.uncertain_ns) {
        (true, ..) => ", the reference".to_owned(),
        (false, Some(delay), Some(uncertain)) => format!(", {delay} ns behind the reference (\u{b1}{uncertain})"),
        (false, Some(_), None) => ", delay not known".to_owned(),
        (false, None, _) => String::new(),
    };
    Some(format!("{bits}{sync}{stands}"))
}

/// An operation mode as a rig file asks for it.
fn mode(mode: &ScannedMode) -> String {
    let ScannedMode { name, description, assign_activate, .. } = mode;
    let said = if description.is_empty() || description == name { String::new() } else { format!("{description}, ") };
    let sync = match assign_activate {
        0 => "no SYNC".to_owned(),
        word => format!("AssignActivate {word:#06x}"),
    };
    format!("`{name}` ({said}{sync})")
}

/// A row for each entry: way, PDO, byte and bit in the SubDevice's outputs or inputs, index and subindex, bits, type, name.
fn entries(found: &Scanned) -> Vec<[String; 7]> {
    let mut rows = Vec::new();
    for (way, pdos) in [("out", &found.outputs), ("in", &found.inputs)] {
        let mut at = 0;
        for pdo in pdos {
            for entry in &pdo.entries {
                let (bits, padding) = (usize::from(entry.bit_length), entry.is_padding());
                let or_gap = |text: String| if padding { "-".to_owned() } else { text };
                rows.push([
                    way.to_owned(),
                    format!("{:#06x}", pdo.index),
                    format!("{}.{}", at / 8, at % 8),
                    or_gap(format!("{:#06x}:{:02x}", entry.index, entry.subindex)),
                    bits.to_string(),
                    or_gap(data_type(entry).to_string()),
                    if padding { "(gap)".to_owned() } else { entry.name.clone() },
                ]);
                at += bits;
            }
        }
    }
    rows
}

/// Which ports have a link, and what they have counted.
fn ports(found: &Scanned) -> String {
    let all = (0..).zip(found.open_ports.iter().zip(&found.port_errors));
    let linked: Vec<_> = all.clone().filter(|(_, (open, _))| **open).map(|(port, _)| u8::to_string(&port)).collect();
    let counted: Vec<_> = all.filter_map(|(port, (_, errors))| counted(port, errors)).collect();
    let counted = if counted.is_empty() { "no errors counted".to_owned() } else { counted.join("; ") };
    format!("{} linked; {counted}", if linked.is_empty() { "none".to_owned() } else { linked.join(", ") })
}

/// What a port has counted, if anything.
fn counted(port: u8, errors: &PortErrors) -> Option<String> {
    let PortErrors { invalid_frames, physical, forwarded, lost_links } = *errors;
    let counters = [
        (invalid_frames, "invalid frames"),
        (physical, "physical errors"),
        (forwarded, "errors forwarded from before it"),
        (lost_links, "lost links"),
    ];
    let told: Vec<_> = counters
        .into_iter()
        .filter_map(|(count, what)| Some(format!("{} {what}", count.filter(|count| *count > 0)?)))
        .collect();
    (!told.is_empty()).then(|| format!("port {port}: {}", told.join(", ")))
}
