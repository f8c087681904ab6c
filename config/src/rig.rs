//! The rig: network, slaves, tasks, engine; loading and writing it.

use crate::check;
use crate::engine::Engine;
use crate::error::{ConfigError, Problem};
use crate::number;
use crate::parse;
use crate::place::Place;
use crate::task::Task;
use crate::timeouts::Timeouts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;
use zerocat_pdi::DataType;

/// A rig file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Rig {
    /// The network.
    pub network: Network,
    /// SubDevices on it.
    #[schemars(default)]
    pub slaves: Vec<Slave>,
    /// Tasks.
    #[schemars(default)]
    pub tasks: Vec<Task>,
    /// How the cycle runs on this machine.
    #[schemars(default)]
    pub engine: Engine,
}

/// The network device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Key that tasks name it by.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// Make, such as `EtherCAT`.
    pub make: String,
    /// Model, such as `Network`.
    pub model: String,
    /// Interface and rate.
    pub properties: NetworkProperties,
}

/// Interface and rate of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawNetworkProperties")]
#[schemars(deny_unknown_fields, !try_from)]
pub struct NetworkProperties {
    /// Network interface, such as `eth0`.
    pub interface: String,
    /// Cycles per second, in Hz; more than 0, at most 100000.
    pub rate: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNetworkProperties {
    interface: String,
    rate: Option<f64>,
    cycle_time_us: Option<f64>,
}

impl TryFrom<RawNetworkProperties> for NetworkProperties {
    type Error = &'static str;

    fn try_from(raw: RawNetworkProperties) -> Result<Self, Self::Error> {
        let rate = match (raw.rate, raw.cycle_time_us) {
            (Some(rate), None) => rate,
            (None, Some(micros)) if micros > 0.0 => 1e6 / micros,
            (None, Some(_)) => return Err("`cycle_time_us` must be more than 0; better give `rate` in Hz"),
            (Some(_), Some(_)) => return Err("both `rate` and `cycle_time_us` are given; keep `rate`"),
            (None, None) => return Err("missing field `rate`, the cycles per second in Hz"),
        };
        Ok(Self { interface: raw.interface, rate })
    }
}

/// A SubDevice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slave {
    /// Key that channels name it by.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// Make.
    pub make: String,
    /// Model.
    pub model: String,
    /// Identity and process data.
    pub properties: SlaveProperties,
    /// Time-outs, where it takes longer than others.
    #[serde(default, skip_serializing_if = "Timeouts::are_defaults")]
    #[schemars(default)]
    pub timeouts: Timeouts,
    /// Why a scan couldn't read what it maps; only in a draft that isn't complete. A rig file with this key isn't run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// Identity of a SubDevice, and what it maps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlaveProperties {
    /// Serial number from its SII; 0 where it has none.
    #[serde(deserialize_with = "number::unsigned")]
    #[schemars(schema_with = "number::schema_u32")]
    pub serial: u32,
    /// Vendor ID, assigned by the ETG.
    #[serde(deserialize_with = "number::unsigned")]
    #[schemars(schema_with = "number::schema_u32")]
    pub vendor_id: u32,
    /// Product code.
    #[serde(deserialize_with = "number::unsigned")]
    #[schemars(schema_with = "number::schema_u32")]
    pub product_code: u32,
    /// Revision.
    #[serde(deserialize_with = "number::unsigned")]
    #[schemars(schema_with = "number::schema_u32")]
    pub revision: u32,
    /// Name from its SII.
    pub name: String,
    /// Position on the bus, 0-based.
    #[serde(deserialize_with = "number::unsigned")]
    #[schemars(schema_with = "number::schema_u16")]
    pub position: u16,
    /// Entries of its PDOs.
    pub pdos: Pdos,
}

/// Entries of a SubDevice's PDOs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pdos {
    /// SubDevice to MainDevice (TxPDO).
    pub inputs: Vec<PdoEntry>,
    /// MainDevice to SubDevice (RxPDO).
    pub outputs: Vec<PdoEntry>,
}

/// One entry of a PDO. Padding has index 0 and may be left out, because the SubDevice says where an entry lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "RawPdoEntry")]
#[schemars(deny_unknown_fields, !from)]
pub struct PdoEntry {
    /// Name that automatic channels use.
    pub name: String,
    /// Index in the object dictionary.
    #[schemars(schema_with = "number::schema_u16")]
    pub index: u16,
    /// Subindex.
    #[schemars(schema_with = "number::schema_u8")]
    pub subindex: u8,
    /// Which entry of that index and subindex, where the SubDevice maps several.
    #[serde(flatten)]
    pub place: Place,
    /// Length in bits.
    #[schemars(schema_with = "number::schema_u8")]
    pub bit_length: u8,
    /// Data type.
    pub data_type: DataType,
}

/// The entry as written in the file, so that an unknown key in it is an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPdoEntry {
    name: String,
    #[serde(deserialize_with = "number::unsigned")]
    index: u16,
    #[serde(deserialize_with = "number::unsigned", alias = "sub_index", alias = "subIndex")]
    subindex: u8,
    #[serde(default, deserialize_with = "number::optional")]
    pdo_index: Option<u16>,
    #[serde(default, deserialize_with = "number::optional")]
    pdo_nth: Option<u16>,
    #[serde(default, deserialize_with = "number::optional")]
    nth: Option<u16>,
    #[serde(deserialize_with = "number::unsigned")]
    bit_length: u8,
    data_type: DataType,
}

impl From<RawPdoEntry> for PdoEntry {
    fn from(raw: RawPdoEntry) -> Self {
        let RawPdoEntry { name, index, subindex, pdo_index, pdo_nth, nth, bit_length, data_type } = raw;
        Self { name, index, subindex, place: Place { pdo_index, pdo_nth, nth }, bit_length, data_type }
    }
}

impl PdoEntry {
    /// One bit of it as an entry of its own; itself without one.
    #[must_use]
    pub fn narrowed(self, bit: Option<u8>) -> Self {
        if bit.is_some() { Self { bit_length: 1, data_type: DataType::Bool, ..self } } else { self }
    }
}

impl Rig {
    /// Reads a rig file: YAML for the endings `.yaml` and `.yml`, else JSON.
    ///
    /// Rules between keys are not checked here: see [`Self::problems`] and [`Self::validate`].
    ///
    /// # Errors
    /// The file can't be read, does not parse, or has keys that are missing or out of place.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        finish(parse::file(path.as_ref())?)
    }

    /// Parses JSON; comments and trailing commas are taken.
    ///
    /// # Errors
    /// The text does not parse, or has keys that are missing or out of place.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        finish(parse::json(text)?)
    }

    /// Parses YAML 1.2.
    ///
    /// # Errors
    /// The text does not parse, or has keys that are missing or out of place.
    pub fn from_yaml(text: &str) -> Result<Self, ConfigError> {
        finish(parse::yaml(text)?)
    }

    /// Everything that is wrong with it: rates, references, names, numbers. Empty for a rig that can run.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        check::problems(self)
    }

    /// What the file asks for and a run doesn't do, such as scan tasks.
    #[must_use]
    pub fn warnings(&self) -> Vec<Problem> {
        check::warnings(self)
    }

    /// The rig itself if it has no problems.
    ///
    /// # Errors
    /// All its problems.
    pub fn validate(self) -> Result<Self, ConfigError> {
        let problems = self.problems();
        if problems.is_empty() { Ok(self) } else { Err(ConfigError::Problems { problems }) }
    }

    /// Time from one cycle to the next, rounded to nanoseconds; `Duration::MAX` for a rate that is not more than 0.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::try_from_secs_f64(1.0 / self.network.properties.rate).unwrap_or(Duration::MAX)
    }

    /// The rig as JSON, in the canonical key names.
    ///
    /// # Errors
    /// A number in it is not finite.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// JSON schema (draft 2020-12) of a rig file in its canonical key names; aliases are not in it.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}

fn finish(raw: crate::raw::RawRig) -> Result<Rig, ConfigError> {
    raw.into_rig().map_err(|problems| ConfigError::Problems { problems })
}
