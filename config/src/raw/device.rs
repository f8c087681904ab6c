//! The network and the SubDevices as written.

use super::Shape;
use crate::aoe::AoeSettings;
use crate::assign::Assignment;
use crate::dc::SubDeviceDc;
use crate::eoe::{Eoe, EoeSwitch};
use crate::error::{Problem, Rule};
use crate::exclude::Excluded;
use crate::identity::Match;
use crate::mailbox::MailboxSettings;
use crate::number;
use crate::rig::{Network, NetworkProperties, PdoEntry, Pdos, Slave, SlaveProperties, Unknown};
use crate::startup::StartupCommand;
use crate::timeouts::Timeouts;
use crate::watchdogs::Watchdogs;
use serde::Deserialize;

/// Cycles per second where the file says nothing, in Hz.
const RATE: f64 = 1000.0;

/// The network.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "Network"))]
pub(super) struct RawNetwork {
    /// Key that tasks name it by; `network` by default.
    key: Option<String>,
    /// Name for people.
    name: Option<String>,
    /// Make, such as `EtherCAT`.
    make: Option<String>,
    /// Model, such as `Network`.
    model: Option<String>,
    /// Interface and rate, as the specification has them; they may stand one level up.
    properties: Option<RawNetworkProperties>,
    /// Network interface, such as `eth0`.
    interface: Option<String>,
    /// Cycles per second, in Hz; more than 0, at most 100000; 1000 by default.
    rate: Option<f64>,
    #[cfg_attr(feature = "schema", schemars(skip))]
    cycle_time_us: Option<f64>,
    /// What becomes of SubDevices that the file doesn't name.
    #[serde(default)]
    unknown: Unknown,
    /// Kinds of SubDevices that don't take part where the file doesn't name them.
    #[serde(default)]
    exclude: Vec<Excluded>,
    /// A switch that connects all SubDevices with EoE.
    eoe_switch: Option<EoeSwitch>,
}

/// Interface and rate of a network.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "NetworkProperties"))]
struct RawNetworkProperties {
    /// Network interface, such as `eth0`.
    interface: Option<String>,
    /// Cycles per second, in Hz; more than 0, at most 100000; 1000 by default.
    rate: Option<f64>,
    #[cfg_attr(feature = "schema", schemars(skip))]
    cycle_time_us: Option<f64>,
}

/// A SubDevice.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "SubDevice"))]
pub(super) struct RawSlave {
    /// Key that channels name it by.
    key: String,
    /// Name for people.
    name: Option<String>,
    /// Make.
    make: Option<String>,
    /// Model.
    model: Option<String>,
    /// Identity and process data, as the specification has them; they may stand one level up.
    properties: Option<RawSlaveProperties>,
    /// Serial number that its SII must have.
    serial: Option<Match>,
    /// Vendor ID, assigned by the ETG, or the vendor's name.
    vendor_id: Option<Match>,
    /// Product code, or the product's name as its SII has it.
    product_code: Option<Match>,
    /// Revision.
    revision: Option<Match>,
    /// Position on the bus, 0-based.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u16"))]
    position: Option<u16>,
    /// Station alias (SII word 4) that it is found by.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u16"))]
    alias: Option<u16>,
    /// Entries of its PDOs.
    pdos: Option<RawPdos>,
    /// Time-outs, where it takes longer than others.
    #[serde(default)]
    timeouts: Timeouts,
    /// How its mailbox is used.
    #[serde(default)]
    mailbox: MailboxSettings,
    /// Explicit device ID that it is found by, which a switch of it sets (registers 0x0120 and 0x0134).
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u16"))]
    device_id: Option<u16>,
    /// Whether it may be missing when the bus is brought up.
    #[serde(default)]
    optional: bool,
    /// Objects that are written in its transitions, in this order.
    #[serde(default)]
    startup: Vec<StartupCommand>,
    /// Its distributed clock: the SYNC that it asks for.
    dc: Option<SubDeviceDc>,
    /// Its watchdogs, in place of `engine.watchdog`.
    watchdog: Option<Watchdogs>,
    /// PDOs that are assigned in place of those that it has.
    assign: Option<Assignment>,
    /// Whether and how its EoE is used.
    #[serde(default)]
    eoe: Eoe,
    /// How its AoE is used.
    #[serde(default)]
    aoe: AoeSettings,
    /// Why a scan couldn't read what it maps; only in a draft. A file with this key isn't run.
    unread: Option<String>,
}

/// Identity of a SubDevice, and what it maps.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "SubDeviceProperties"))]
struct RawSlaveProperties {
    /// Serial number from its SII; 0 demands nothing.
    serial: Option<Match>,
    /// Vendor ID, assigned by the ETG, or the vendor's name.
    vendor_id: Option<Match>,
    /// Product code, or the product's name as its SII has it.
    product_code: Option<Match>,
    /// Revision.
    revision: Option<Match>,
    /// Name from its SII; for people.
    name: Option<String>,
    /// Position on the bus, 0-based.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u16"))]
    position: Option<u16>,
    /// Entries of its PDOs.
    pdos: Option<RawPdos>,
}

/// Entries of a SubDevice's PDOs.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", schemars(rename = "Pdos"))]
struct RawPdos {
    /// SubDevice to MainDevice (TxPDO).
    inputs: Vec<PdoEntry>,
    /// MainDevice to SubDevice (RxPDO).
    outputs: Vec<PdoEntry>,
}

impl Shape {
    pub(super) fn network(&mut self, raw: RawNetwork) -> Network {
        let flat = raw.properties.is_none();
        let properties = raw.properties.unwrap_or_default();
        let at = "network";
        let interface = self.either(properties.interface, raw.interface, at, "properties", "interface");
        let rate = self.either(properties.rate, raw.rate, at, "properties", "rate");
        let time = self.either(properties.cycle_time_us, raw.cycle_time_us, at, "properties", "cycle_time_us");
        let level = if flat { "network" } else { "network.properties" };
        let rate = self.rate(rate, time, level);
        let interface = self.needed(interface, level, "interface", "the network").unwrap_or_default();
        Network {
            key: raw.key.unwrap_or_else(|| "network".to_owned()),
            name: raw.name.unwrap_or_default(),
            make: raw.make.unwrap_or_default(),
            model: raw.model.unwrap_or_default(),
            properties: NetworkProperties { interface, rate, flat },
            unknown: raw.unknown,
            exclude: raw.exclude,
            eoe_switch: raw.eoe_switch,
        }
    }

    fn rate(&mut self, rate: Option<f64>, micros: Option<f64>, level: &str) -> f64 {
        let mut problem = |what, fix| {
            self.problems.push(Problem::new(Rule::Conflict, format!("{level}.cycle_time_us"), what, fix));
        };
        match (rate, micros) {
            (rate, None) => rate.unwrap_or(RATE),
            (None, Some(micros)) if micros > 0.0 => 1e6 / micros,
            (None, Some(_)) => {
                problem("it is not more than 0", "better give `rate` in Hz");
                RATE
            }
            (Some(rate), Some(_)) => {
                problem("`rate` is given as well", "keep `rate`");
                rate
            }
        }
    }

    pub(super) fn slave(&mut self, raw: RawSlave, i: usize) -> Slave {
        let flat = raw.properties.is_none();
        let nested = raw.properties.unwrap_or_default();
        let at = format!("slaves[{i}]");
        let level = "properties";
        let serial = self.either(nested.serial, raw.serial, &at, level, "serial").unwrap_or_default();
        let properties = SlaveProperties {
            // Drafts of version 0.1 wrote the serial number that the SII has, which is 0 for most.
            serial: if serial == Match::Equal(0) { Match::Any } else { serial },
            vendor_id: self.either(nested.vendor_id, raw.vendor_id, &at, level, "vendor_id").unwrap_or_default(),
            product_code: self
                .either(nested.product_code, raw.product_code, &at, level, "product_code")
                .unwrap_or_default(),
            revision: self.either(nested.revision, raw.revision, &at, level, "revision").unwrap_or_default(),
            name: nested.name.unwrap_or_default(),
            position: self.either(nested.position, raw.position, &at, level, "position"),
            pdos: self.either(nested.pdos, raw.pdos, &at, level, "pdos").map(pdos).unwrap_or_default(),
            flat,
        };
        Slave {
            key: raw.key,
            name: raw.name.unwrap_or_default(),
            make: raw.make.unwrap_or_default(),
            model: raw.model.unwrap_or_default(),
            properties,
            alias: raw.alias,
            device_id: raw.device_id,
            timeouts: raw.timeouts,
            mailbox: raw.mailbox,
            startup: raw.startup,
            dc: raw.dc,
            assign: raw.assign.unwrap_or_default(),
            watchdog: raw.watchdog.unwrap_or_default(),
            optional: raw.optional,
            eoe: raw.eoe,
            aoe: raw.aoe,
            unread: raw.unread,
        }
    }
}

fn pdos(raw: RawPdos) -> Pdos {
    Pdos { inputs: raw.inputs, outputs: raw.outputs }
}
