//! Ethernet frames that went to SubDevices with EoE and came from them.

use serde::Serialize;
use std::collections::BTreeMap;
use zerocat_bus::{EthernetCounters, Label};

/// What was counted of one SubDevice with EoE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EthernetReport {
    /// Its position on the bus, 0-based.
    pub position: u16,
    /// Its name; empty where OP was not reached.
    pub name: String,
    /// Its key in the rig file; `null` where it isn't named there, or OP was not reached.
    pub key: Option<String>,
    /// Frames sent to it.
    pub frames_sent: u64,
    /// Their fragments.
    pub fragments_sent: u64,
    /// Frames to it that were dropped: the queue was full, or its mailbox failed.
    pub send_dropped: u64,
    /// Frames that came from it.
    pub frames_received: u64,
    /// Fragments that came from it.
    pub fragments_received: u64,
    /// Frames from it that were dropped: nobody takes them, whoever does had no room, or its EoE is switched off.
    pub receive_dropped: u64,
    /// Frames from it of which a fragment was missing or wrong.
    pub broken: u64,
    /// Other mails of EoE, which nobody asked for.
    pub ignored: u64,
}

impl EthernetReport {
    /// Of all SubDevices with EoE.
    pub(crate) fn of(
        counted: Vec<(u16, EthernetCounters)>,
        names: &[Label],
        keys: &BTreeMap<u16, String>,
    ) -> Vec<Self> {
        let name = |position| names.iter().find(|one| one.position == position).map(|one| one.name.clone());
        let of = |(position, counters): (u16, EthernetCounters)| Self {
            position,
            name: name(position).unwrap_or_default(),
            key: keys.get(&position).cloned(),
            frames_sent: counters.frames_sent,
            fragments_sent: counters.fragments_sent,
            send_dropped: counters.send_dropped,
            frames_received: counters.frames_received,
            fragments_received: counters.fragments_received,
            receive_dropped: counters.receive_dropped,
            broken: counters.broken,
            ignored: counters.ignored,
        };
        counted.into_iter().map(of).collect()
    }
}
