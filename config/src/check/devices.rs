//! The network and the slaves.

use super::{Found, Unique, assign, mailbox, same_entry, watchdog};
use crate::error::Rule;
use crate::identity::Match;
use crate::rig::{PdoEntry, Rig, Slave};
use std::ops::RangeInclusive;
use std::time::Duration;
use zerocat_esi::vendor_names;

/// Highest rate, in Hz. A cycle of 10 us is shorter than the smallest frame's round trip over a few SubDevices.
const MAX_RATE: f64 = 100_000.0;
/// Longest interface name: IFNAMSIZ less the closing zero (linux/if.h).
const MAX_INTERFACE: usize = 15;
/// Time-outs of a SubDevice.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(600);

/// Checks interface and rate.
pub(super) fn network(rig: &Rig, found: &mut Found) {
    let properties = &rig.network.properties;
    let interface = properties.interface.as_str();
    let path = &properties.at("interface");
    let usable = !interface.chars().any(|c| c == '/' || c.is_whitespace());
    found.demand(Rule::Empty, !interface.is_empty(), path, "it is empty", "name a network interface, such as \"eth0\"");
    let long = format!("`{interface}` has {} bytes; Linux allows {MAX_INTERFACE}", interface.len());
    found.demand(Rule::OutOfRange, interface.len() <= MAX_INTERFACE, path, long, "use the name that `ip link` shows");
    let odd = format!("`{interface}` holds a slash or a blank");
    found.demand(Rule::OutOfRange, usable, path, odd, "use the name that `ip link` shows");

    let rate = properties.rate;
    let what = format!("{rate} Hz is not in 0 < rate <= {MAX_RATE}");
    found.demand(
        Rule::OutOfRange,
        rate > 0.0 && rate <= MAX_RATE,
        &properties.at("rate"),
        what,
        "give cycles per second, such as 1000",
    );
    found.demand(Rule::Empty, !rig.network.key.is_empty(), "network.key", "it is empty", "give the network a key");
}

/// Checks that what is excluded is a kind.
pub(super) fn exclusions(rig: &Rig, found: &mut Found) {
    for (n, kind) in rig.network.exclude.iter().enumerate() {
        let path = format!("network.exclude[{n}]");
        let any = kind.vendor_id.is_any() && kind.product_code.is_any();
        let fix = "give `vendor_id`, `product_code`, or both";
        found.demand(Rule::Empty, !any, &path, "it would leave out every SubDevice", fix);
        if let Match::Name(name) = kind.vendor() {
            let what = format!("no vendor named `{name}` is known here");
            let known = vendor_names().map(str::to_owned);
            let fix = "give the vendor ID, such as 0x00000002";
            found.misspelt(format!("{path}.vendor_id"), what, fix, &name, known);
        }
    }
}

/// Checks that keys and positions are unique, and the PDO entries.
pub(super) fn slaves(rig: &Rig, found: &mut Found) {
    let mut keys = Unique::new();
    let mut positions = Unique::new();
    let mut aliases = Unique::new();
    let mut ids = Unique::new();
    let mut serials = Unique::new();
    keys.taken(rig.network.key.as_str(), "network.key");
    for (i, slave) in rig.slaves.iter().enumerate() {
        let path = format!("slaves[{i}].key");
        found.demand(Rule::Empty, !slave.key.is_empty(), &path, "it is empty", "give the slave a key");
        if let Some(first) = keys.taken(slave.key.as_str(), &path) {
            found.add(
                Rule::Duplicate,
                path,
                format!("`{}` is the key of {first} already", slave.key),
                "give each device its own key",
            );
        }
        let path = slave.properties.at(i, "position");
        if let Some(position) = slave.properties.position
            && let Some(first) = positions.taken(position, &path)
        {
            let what = format!("{position} is already used in {first}");
            found.add(Rule::Duplicate, path, what, "give each slave its own position");
        }
        let path = format!("slaves[{i}].alias");
        if let Some(alias) = slave.alias
            && let Some(first) = aliases.taken(alias, &path)
        {
            let what = format!("{alias} is already used in {first}");
            found.add(Rule::Duplicate, path, what, "give each slave its own alias");
        }
        let path = format!("slaves[{i}].device_id");
        if let Some(id) = slave.device_id
            && let Some(first) = ids.taken(id, &path)
        {
            let what = format!("{id} is already used in {first}");
            found.add(Rule::Duplicate, path, what, "give each slave its own device ID");
        }
        serial(slave, i, &mut serials, found);
        identity(slave, i, found);
        startup(slave, i, found);
        assign::assignment(slave, i, found);
        watchdog::own(rig, slave, i, found);
        mailbox::settings(slave, i, found);
        whole(slave, i, found);
        entries(&slave.properties.pdos.inputs, &slave.properties.at(i, "pdos.inputs"), found);
        entries(&slave.properties.pdos.outputs, &slave.properties.at(i, "pdos.outputs"), found);
    }
}

/// A vendor, a product and a serial number are one unit.
type Unit = (Match, Match, u32);

fn serial(slave: &Slave, i: usize, units: &mut Unique<Unit>, found: &mut Found) {
    let properties = &slave.properties;
    let Some(serial) = properties.serial.equal().filter(|serial| *serial != 0) else { return };
    let path = properties.at(i, "serial");
    if let Some(first) = units.taken((properties.vendor(), properties.product_code.clone(), serial), &path) {
        let what = format!("{serial} is already used in {first}, for the same kind");
        found.add(Rule::Duplicate, path, what, "give each slave its own serial number");
    }
}

/// Names are for vendors and products only; keys of later versions are refused.
fn identity(slave: &Slave, i: usize, found: &mut Found) {
    let properties = &slave.properties;
    for (key, demand) in [("serial", &properties.serial), ("revision", &properties.revision)] {
        if let Match::Name(name) = demand {
            let what = format!("`{name}` is no number");
            let fix = "give a number, \">= \" and a number, or \"any\"";
            found.add(Rule::TypeMismatch, properties.at(i, key), what, fix);
        }
    }
    if let Match::Name(name) = properties.vendor() {
        let what = format!("no vendor named `{name}` is known here");
        let known = vendor_names().map(str::to_owned);
        let fix = "give the vendor ID, such as 0x00000002";
        found.misspelt(properties.at(i, "vendor_id"), what, fix, &name, known);
    }
    found.demand(
        Rule::OutOfRange,
        slave.alias != Some(0),
        &format!("slaves[{i}].alias"),
        "0 is no alias",
        "give the alias that its SII has, or leave it out",
    );
    found.demand(
        Rule::OutOfRange,
        slave.device_id != Some(0),
        &format!("slaves[{i}].device_id"),
        "0 is no device ID",
        "give the number that its switch sets, or leave it out",
    );
}

fn startup(slave: &Slave, i: usize, found: &mut Found) {
    for (n, command) in slave.startup.iter().enumerate() {
        let at = format!("slaves[{i}].startup[{n}]");
        let wrong = match command.idn_write() {
            Some(write) => write.err(),
            None => command.write().err(),
        };
        if let Some((key, why)) = wrong {
            let fix = match key {
                "object" => "give an object such as 0x8010:01, or an IDN such as S-0-0015",
                "data_type" => {
                    "give one of a channel such as uint16, `string`, or leave it out for bytes as hexadecimal text"
                }
                "complete_access" => "remove it",
                "drive" => "give 0 to 7, with an IDN only",
                _ if command.data_type.is_none() => {
                    "give bytes as hexadecimal text without 0x, such as \"00ff\", or a `data_type`"
                }
                _ => "give a value that the `data_type` can have, or another `data_type`",
            };
            found.add(Rule::TypeMismatch, format!("{at}.{key}"), why, fix);
        }
    }
}

/// Whether the draft of it is complete, and its time-outs make sense.
fn whole(slave: &Slave, i: usize, found: &mut Found) {
    if let Some(why) = &slave.unread {
        let what = format!("the scan could not read what it maps: {why}");
        let fix = "scan again (`--timeout` waits longer), or write its `pdos` and remove this key";
        found.add(Rule::Unread, format!("slaves[{i}].unread"), what, fix);
    }
    for (key, time) in slave.timeouts.all() {
        let Some(time) = time.filter(|time| !TIMEOUTS.contains(time)) else { continue };
        let what = format!("{time:?} is not in 1 ms to 10 min");
        found.add(Rule::OutOfRange, format!("slaves[{i}].timeouts.{key}"), what, "give a time such as \"30s\"");
    }
}

fn entries(entries: &[PdoEntry], at: &str, found: &mut Found) {
    for (i, entry) in entries.iter().enumerate() {
        same_entry::keys(&entry.place, &format!("{at}[{i}]"), found);
        if entry.index != 0
            && let Err(error) = entry.data_type.check(entry.bit_length)
        {
            found.add(
                Rule::TypeMismatch,
                format!("{at}[{i}].bit_length"),
                error.to_string(),
                "correct the length or the `data_type`",
            );
        }
    }
}
