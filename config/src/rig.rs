//! The rig: network, slaves, tasks, engine; loading and writing it.

use crate::aoe::AoeSettings;
use crate::assign::Assignment;
use crate::check;
use crate::dc::SubDeviceDc;
use crate::engine::EngineSection;
use crate::eoe::{Eoe, EoeSwitch};
use crate::error::{ConfigError, Problem};
use crate::exclude::Excluded;
use crate::file_places::FilePlaces;
use crate::identity::Match;
use crate::limits::Limits;
use crate::mailbox::MailboxSettings;
use crate::number;
use crate::parse;
use crate::place::Place;
use crate::startup::StartupCommand;
use crate::task::Task;
use crate::timeouts::Timeouts;
use crate::watchdogs::Watchdogs;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zerocat_esi::vendor_id;
use zerocat_pdi::DataType;
use zerocat_text::Format;

/// A rig file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rig {
    /// The network.
    pub network: Network,
    /// SubDevices on it.
    pub slaves: Vec<Slave>,
    /// Tasks.
    pub tasks: Vec<Task>,
    /// What a run is judged by.
    #[serde(skip_serializing_if = "Limits::are_none")]
    pub limits: Limits,
    /// Folders of the vendors' device descriptions (ESI), or files of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub esi: Vec<PathBuf>,
    /// How the cycle runs on this machine.
    pub engine: EngineSection,
}

/// The network device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Network {
    /// Key that tasks name it by.
    pub key: String,
    /// Name for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Make, such as `EtherCAT`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub make: String,
    /// Model, such as `Network`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// Interface and rate.
    pub properties: NetworkProperties,
    /// What becomes of SubDevices that the file doesn't name.
    pub unknown: Unknown,
    /// Kinds of SubDevices that don't take part where the file doesn't name them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Excluded>,
    /// A switch that connects all SubDevices with EoE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eoe_switch: Option<EoeSwitch>,
}

/// What becomes of SubDevices that the file doesn't name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// They take part without channels, and are told.
    #[default]
    Tell,
    /// Bring-up fails.
    Refuse,
    /// They take part without channels.
    Ignore,
}

/// Interface and rate of a network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkProperties {
    /// Network interface, such as `eth0`.
    pub interface: String,
    /// Cycles per second, in Hz; more than 0, at most 100000.
    pub rate: f64,
    /// Whether the file has them one level up, which paths in messages follow.
    #[serde(skip)]
    pub flat: bool,
}

/// A SubDevice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slave {
    /// Key that channels name it by.
    pub key: String,
    /// Name for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Make.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub make: String,
    /// Model.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// Identity and process data.
    pub properties: SlaveProperties,
    /// Station alias from its SII, that it is found by; null where it is found otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<u16>,
    /// Explicit device ID that it is found by, which a switch of it sets; null where it is found otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<u16>,
    /// Time-outs, where it takes longer than others.
    #[serde(skip_serializing_if = "Timeouts::are_defaults")]
    pub timeouts: Timeouts,
    /// How its mailbox is used.
    #[serde(skip_serializing_if = "is_default")]
    pub mailbox: MailboxSettings,
    /// Objects that are written in its transitions, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub startup: Vec<StartupCommand>,
    /// Its distributed clock: the SYNC that it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dc: Option<SubDeviceDc>,
    /// PDOs that are assigned in place of those that it has.
    #[serde(skip_serializing_if = "is_default")]
    pub assign: Assignment,
    /// Its watchdogs, in place of `engine.watchdog`.
    #[serde(skip_serializing_if = "is_default")]
    pub watchdog: Watchdogs,
    /// Whether it may be missing when the bus is brought up.
    #[serde(skip_serializing_if = "is_default")]
    pub optional: bool,
    /// Whether and how its EoE is used.
    #[serde(skip_serializing_if = "Eoe::is_allowed")]
    pub eoe: Eoe,
    /// How its AoE is used.
    #[serde(skip_serializing_if = "is_default")]
    pub aoe: AoeSettings,
    /// Why a scan couldn't read what it maps; only in a draft that isn't complete. A rig file with this key isn't run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// Identity of a SubDevice, and what it maps.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SlaveProperties {
    /// Serial number from its SII.
    #[serde(skip_serializing_if = "Match::is_any")]
    pub serial: Match,
    /// Vendor ID, assigned by the ETG, or the vendor's name.
    #[serde(skip_serializing_if = "Match::is_any")]
    pub vendor_id: Match,
    /// Product code, or the product's name as its SII has it.
    #[serde(skip_serializing_if = "Match::is_any")]
    pub product_code: Match,
    /// Revision.
    #[serde(skip_serializing_if = "Match::is_any")]
    pub revision: Match,
    /// Name from its SII; for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Position on the bus, 0-based; null where it is found otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u16>,
    /// Entries of its PDOs.
    pub pdos: Pdos,
    /// Whether the file has them one level up, which paths in messages follow.
    #[serde(skip)]
    pub flat: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Network {
    /// A network on an interface, with so many cycles per second, in Hz.
    #[must_use]
    pub fn on(interface: impl Into<String>, rate: f64) -> Self {
        Self {
            key: "network".to_owned(),
            name: String::new(),
            make: String::new(),
            model: String::new(),
            properties: NetworkProperties { interface: interface.into(), rate, flat: true },
            unknown: Unknown::default(),
            exclude: Vec::new(),
            eoe_switch: None,
        }
    }
}

impl Slave {
    /// A SubDevice of which only key and position are known.
    #[must_use]
    pub fn at(key: impl Into<String>, position: u16) -> Self {
        let properties = SlaveProperties { position: Some(position), flat: true, ..SlaveProperties::default() };
        Self {
            key: key.into(),
            name: String::new(),
            make: String::new(),
            model: String::new(),
            properties,
            alias: None,
            device_id: None,
            timeouts: Timeouts::default(),
            mailbox: MailboxSettings::default(),
            startup: Vec::new(),
            dc: None,
            assign: Assignment::default(),
            watchdog: Watchdogs::default(),
            optional: false,
            eoe: Eoe::default(),
            aoe: AoeSettings::default(),
            unread: None,
        }
    }
}

impl Rig {
    /// A rig of a network alone: whoever is on it takes part without channels.
    #[must_use]
    pub fn of(network: Network) -> Self {
        Self {
            network,
            slaves: Vec::new(),
            tasks: Vec::new(),
            limits: Limits::default(),
            esi: Vec::new(),
            engine: EngineSection::default(),
        }
    }
}

impl NetworkProperties {
    /// Path of one of its keys.
    pub(crate) fn at(&self, key: &str) -> String {
        if self.flat { format!("network.{key}") } else { format!("network.properties.{key}") }
    }
}

impl SlaveProperties {
    /// What is demanded of the vendor ID, with a name that is known as its number.
    #[must_use]
    pub fn vendor(&self) -> Match {
        match &self.vendor_id {
            Match::Name(name) => vendor_id(name).map_or_else(|| self.vendor_id.clone(), Match::Equal),
            demand => demand.clone(),
        }
    }

    /// Path of one of its keys, of the slave at a place in the list.
    pub(crate) fn at(&self, i: usize, key: &str) -> String {
        if self.flat { format!("slaves[{i}].{key}") } else { format!("slaves[{i}].properties.{key}") }
    }
}

/// Entries of a SubDevice's PDOs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Pdos {
    /// SubDevice to MainDevice (TxPDO).
    pub inputs: Vec<PdoEntry>,
    /// MainDevice to SubDevice (RxPDO).
    pub outputs: Vec<PdoEntry>,
}

/// One entry of a PDO. Padding has index 0 and may be left out, because the SubDevice says where an entry lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "RawPdoEntry")]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields, !from))]
pub struct PdoEntry {
    /// Name that automatic channels use.
    pub name: String,
    /// Index in the object dictionary.
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_u16"))]
    pub index: u16,
    /// Subindex.
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_u8"))]
    pub subindex: u8,
    /// Which entry of that index and subindex, where the SubDevice maps several.
    #[serde(flatten)]
    pub place: Place,
    /// Length in bits; the width of the data type by default.
    #[cfg_attr(feature = "schema", schemars(default, schema_with = "number::schema_u8"))]
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
    #[serde(default, deserialize_with = "number::optional")]
    bit_length: Option<u8>,
    data_type: DataType,
}

impl From<RawPdoEntry> for PdoEntry {
    fn from(raw: RawPdoEntry) -> Self {
        let RawPdoEntry { name, index, subindex, pdo_index, pdo_nth, nth, bit_length, data_type } = raw;
        // Bytes have no width of their own, and a rule refuses 0.
        let bit_length = bit_length.or_else(|| width(data_type)).unwrap_or(0);
        Self { name, index, subindex, place: Place { pdo_index, pdo_nth, nth }, bit_length, data_type }
    }
}

/// The length of an entry of a type where it isn't given; none for bytes.
pub(crate) fn width(data_type: DataType) -> Option<u8> {
    match data_type {
        DataType::Bytes => None,
        DataType::Bool => Some(1),
        other => Some(other.bits()),
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
    /// Reads a rig file: YAML for the endings `.yaml` and `.yml`, else JSON. Relative paths in it count from its folder.
    ///
    /// Rules between keys are not checked here: see [`Self::problems`] and [`Self::validate`].
    ///
    /// # Errors
    /// The file can't be read, does not parse, or has keys that are missing or out of place.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        Ok(parse::rig(&parse::file(path)?)?.in_folder_of(path))
    }

    /// The same with its rules checked: a rig that can run. Problems have their places in the file.
    ///
    /// # Errors
    /// As for [`Self::load`], and all its problems.
    pub fn load_valid(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::load_with_places(path).map(|(rig, _)| rig)
    }

    /// The same with the places of its keys, for problems that only a bring-up finds.
    ///
    /// # Errors
    /// As for [`Self::load_valid`].
    pub fn load_with_places(path: impl AsRef<Path>) -> Result<(Self, FilePlaces), ConfigError> {
        let path = path.as_ref();
        let document = parse::file(path)?;
        let rig = parse::rig(&document)?.in_folder_of(path);
        let problems = check::problems_of_file(&rig, path);
        if !problems.is_empty() {
            return Err(parse::placed(ConfigError::Problems { problems }, &document));
        }
        Ok((rig, FilePlaces::of(document)))
    }

    /// Takes the relative paths in it from the folder of its file on.
    fn in_folder_of(mut self, file: &Path) -> Self {
        let folder = file.parent().unwrap_or(Path::new(""));
        self.tasks.iter_mut().flat_map(Task::sinks_mut).for_each(|sink| sink.in_folder(folder));
        self.esi.iter_mut().for_each(|esi| *esi = folder.join(&*esi));
        self
    }

    /// Parses JSON; comments and trailing commas are taken.
    ///
    /// # Errors
    /// The text does not parse, or has keys that are missing or out of place.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        parse::text(text, Format::Json)
    }

    /// Parses YAML 1.2.
    ///
    /// # Errors
    /// The text does not parse, or has keys that are missing or out of place.
    pub fn from_yaml(text: &str) -> Result<Self, ConfigError> {
        parse::text(text, Format::Yaml)
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

    /// Time from one exchange of a slave to the next: the cycle, or a multiple of it for one of a sync unit.
    #[must_use]
    pub fn exchanged_every(&self, slave: &str) -> Duration {
        let mut units = self.engine.sync_units.iter();
        let unit = units.find(|unit| unit.slaves.iter().any(|key| key == slave));
        self.period().saturating_mul(unit.map_or(1, |unit| unit.every.max(1)).into())
    }

    /// Whether a slave asks for SYNC.
    #[must_use]
    pub fn asks_for_sync(&self) -> bool {
        self.slaves.iter().filter_map(|slave| slave.dc.as_ref()).any(SubDeviceDc::asks_for_sync)
    }

    /// The rig as JSON, in the canonical key names.
    ///
    /// # Errors
    /// A number in it is not finite.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// JSON schema (draft 2020-12) of a rig file; aliases are not in it.
    #[cfg(feature = "schema")]
    #[must_use]
    pub fn schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(crate::raw::RawRig);
        schema.insert("title".to_owned(), "zerocat rig file".into());
        schema.to_value()
    }
}
