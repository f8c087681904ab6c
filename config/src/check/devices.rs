//! The network and the slaves.

use super::{Found, Unique, same_entry};
use crate::rig::{PdoEntry, Rig, Slave};
use std::ops::RangeInclusive;
use std::time::Duration;

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
    let path = "network.properties.interface";
    let usable = !interface.chars().any(|c| c == '/' || c.is_whitespace());
    found.demand(!interface.is_empty(), path, "it is empty", "name a network interface, such as \"eth0\"");
    let long = format!("`{interface}` has {} bytes; Linux allows {MAX_INTERFACE}", interface.len());
    found.demand(interface.len() <= MAX_INTERFACE, path, long, "use the name that `ip link` shows");
    let odd = format!("`{interface}` holds a slash or a blank");
    found.demand(usable, path, odd, "use the name that `ip link` shows");

    let rate = properties.rate;
    let what = format!("{rate} Hz is not in 0 < rate <= {MAX_RATE}");
    found.demand(
        rate > 0.0 && rate <= MAX_RATE,
        "network.properties.rate",
        what,
        "give cycles per second, such as 1000",
    );
    found.demand(!rig.network.key.is_empty(), "network.key", "it is empty", "give the network a key");
}

/// Checks that keys and positions are unique, and the PDO entries.
pub(super) fn slaves(rig: &Rig, found: &mut Found) {
    let mut keys = Unique::new();
    let mut positions = Unique::new();
    keys.taken(rig.network.key.as_str(), "network.key");
    for (i, slave) in rig.slaves.iter().enumerate() {
        let path = format!("slaves[{i}].key");
        found.demand(!slave.key.is_empty(), &path, "it is empty", "give the slave a key");
        if let Some(first) = keys.taken(slave.key.as_str(), &path) {
            found.add(path, format!("`{}` is the key of {first} already", slave.key), "give each device its own key");
        }
        let path = format!("slaves[{i}].properties.position");
        let position = slave.properties.position;
        if let Some(first) = positions.taken(position, &path) {
            found.add(path, format!("{position} is already used in {first}"), "give each slave its own position");
        }
        whole(slave, i, found);
        entries(&slave.properties.pdos.inputs, &format!("slaves[{i}].properties.pdos.inputs"), found);
        entries(&slave.properties.pdos.outputs, &format!("slaves[{i}].properties.pdos.outputs"), found);
    }
}

/// Whether the draft of it is complete, and its time-outs make sense.
fn whole(slave: &Slave, i: usize, found: &mut Found) {
    if let Some(why) = &slave.unread {
        let what = format!("the scan could not read what it maps: {why}");
        let fix = "scan again (`--timeout` waits longer), or write its `pdos` and remove this key";
        found.add(format!("slaves[{i}].unread"), what, fix);
    }
    for (key, time) in slave.timeouts.all() {
        let Some(time) = time.filter(|time| !TIMEOUTS.contains(time)) else { continue };
        let what = format!("{time:?} is not in 1 ms to 10 min");
        found.add(format!("slaves[{i}].timeouts.{key}"), what, "give a time such as \"30s\"");
    }
}

fn entries(entries: &[PdoEntry], at: &str, found: &mut Found) {
    for (i, entry) in entries.iter().enumerate() {
        same_entry::keys(&entry.place, &format!("{at}[{i}]"), found);
        if entry.index != 0
            && let Err(error) = entry.data_type.check(entry.bit_length)
        {
            found.add(format!("{at}[{i}].bit_length"), error.to_string(), "correct the length or the `data_type`");
        }
    }
}
