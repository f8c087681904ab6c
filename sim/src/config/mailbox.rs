//! Mailbox of a SubDevice: its protocols and how it behaves.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use zerocat_wire::aoe::OWN_PORT;

use super::habits::MailboxHabits;
use super::{ConfigProblem, ProfileKind, SegmentConfigError, SubDeviceConfig};

/// A mailbox protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailboxProtocol {
    /// CAN application protocol: SDO, SDO information, emergencies.
    Coe,
    /// File access.
    Foe,
    /// Ethernet: frames come back with their addresses swapped. Once an IP address is set, ARP and ping to it are answered instead.
    Eoe,
    /// Servo drive profile: elements of IDNs, notifications, emergencies. For the profiles `soe_servo`, `esi` and `sii`.
    Soe,
    /// ADS: the object dictionary, and devices behind the SubDevice.
    Aoe,
    /// Vendor specific: mails come back as they were sent.
    Voe,
}

/// Which counter replies carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplyCounter {
    /// The SubDevice's own, 1 to 7 in turn (ETG.1000.4, 5.6).
    #[default]
    Own,
    /// That of the request, as some SubDevices do and some masters expect. Emergencies carry the SubDevice's own.
    Echo,
}

/// The files of a SubDevice with FoE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FoeConfig {
    /// Password that requests must carry; 0 takes any.
    pub password: u32,
    /// Bytes that all files together may have, at most 16 MiB.
    pub capacity: u32,
    /// How often the first packet of each file that is written is answered with BUSY before it is taken.
    pub busy: u32,
    /// Files that are there at power-on: name and text.
    pub files: BTreeMap<String, String>,
}

impl Default for FoeConfig {
    fn default() -> Self {
        Self { password: 0, capacity: 1 << 20, busy: 0, files: BTreeMap::new() }
    }
}

/// The ADS devices behind a SubDevice with AoE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AoeConfig {
    /// Their AMS ports, as an IO-Link master has one for each of its ports; at most 16.
    pub ports: Vec<u16>,
}

impl Default for AoeConfig {
    fn default() -> Self {
        Self { ports: vec![0x1001, 0x1002] }
    }
}

/// The mailbox of a SubDevice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailboxConfig {
    /// Protocols, which the SII lists.
    pub protocols: Vec<MailboxProtocol>,
    /// Which counter replies carry.
    pub reply_counter: ReplyCounter,
    /// Bytes of each of the mailboxes, 32 to 1024; by default 128. Not for the profiles `esi` and `sii`, which have their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u16>,
    /// Whether BOOT is supported.
    pub boot: bool,
    /// Bytes of each of the mailboxes in BOOT, 32 to 1024. By default they are those of the other states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_length: Option<u16>,
    /// The files, with protocol `foe`.
    pub foe: FoeConfig,
    /// The devices behind it, with protocol `aoe`.
    #[serde(skip_serializing_if = "is_default")]
    pub aoe: AoeConfig,
    /// Whether an IP address that is set by `eoe` is announced: by an ARP request for itself, sent as a frame of its own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub announces: bool,
    /// IP address that is pinged, again after each reply, once an address is set by `eoe`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub pings: Option<Ipv4Addr>,
    /// What it does other than a MainDevice likes.
    #[serde(skip_serializing_if = "MailboxHabits::are_none")]
    pub habits: MailboxHabits,
}

impl Default for MailboxConfig {
    fn default() -> Self {
        Self {
            protocols: vec![MailboxProtocol::Coe],
            reply_counter: ReplyCounter::Own,
            length: None,
            boot: false,
            boot_length: None,
            foe: FoeConfig::default(),
            aoe: AoeConfig::default(),
            announces: false,
            pings: None,
            habits: MailboxHabits::default(),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Most devices behind a SubDevice.
const MOST_PORTS: usize = 16;
/// Most bytes for the files of a SubDevice.
const MAX_FILES: u32 = 16 << 20;

/// Checks what types can't say.
pub(super) fn check(n: usize, subdevice: &SubDeviceConfig) -> Result<(), SegmentConfigError> {
    let Some(mailbox) = &subdevice.mailbox else { return Ok(()) };
    let invalid = |key: &str, problem| {
        let path = format!("subdevices[{n}].mailbox{key}");
        Err(SegmentConfigError::Invalid { path, problem })
    };
    if matches!(subdevice.profile, ProfileKind::Coupler | ProfileKind::DigitalIn | ProfileKind::DigitalOut) {
        return invalid("", ConfigProblem::NotForProfile("mailbox"));
    }
    let drive = matches!(subdevice.profile, ProfileKind::SoeServo | ProfileKind::Esi | ProfileKind::Sii);
    if mailbox.protocols.contains(&MailboxProtocol::Soe) && !drive {
        return invalid(".protocols", ConfigProblem::NoSoe);
    }
    if mailbox.length.is_some() && subdevice.profile.is_from_file() {
        return invalid(".length", ConfigProblem::NotForProfile("length"));
    }
    for (key, length) in [(".length", mailbox.length), (".boot_length", mailbox.boot_length)] {
        if let Some(got) = length.map(usize::from).filter(|length| !(32..=1024).contains(length)) {
            return invalid(key, ConfigProblem::Number { what: "bytes", got, least: 32, most: 1024 });
        }
    }
    let ports = &mailbox.aoe.ports;
    let twice = ports.iter().enumerate().any(|(n, port)| ports.iter().take(n).any(|before| before == port));
    if twice || ports.len() > MOST_PORTS || ports.contains(&OWN_PORT) {
        return invalid(".aoe.ports", ConfigProblem::AoePorts(MOST_PORTS));
    }
    if let Err((key, problem)) = mailbox.habits.check() {
        return invalid(key, problem);
    }
    let foe = &mailbox.foe;
    if foe.capacity > MAX_FILES {
        return invalid(".foe.capacity", ConfigProblem::FoeCapacity(foe.capacity));
    }
    let bytes: usize = foe.files.values().map(String::len).sum();
    let named = foe.files.keys().all(|name| (1..=64).contains(&name.len()));
    if !named || u32::try_from(bytes).is_ok_and(|bytes| bytes > foe.capacity) {
        return invalid(".foe.files", ConfigProblem::FoeFiles(bytes, foe.capacity));
    }
    Ok(())
}
