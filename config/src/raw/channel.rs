//! Channels as written: an object, or just the entry.

use super::Shape;
use crate::error::{Problem, Rule};
use crate::number;
use crate::place::Place;
use crate::reference::{self, Rest};
use crate::resolve::entries;
use crate::rig::{PdoEntry, Slave, width};
use crate::safe::OutputValue;
use crate::task::{ReadChannel, Target, WriteChannel};
use crate::waveform::Waveform;
#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::fmt;
use zerocat_pdi::{DataType, Direction};
use zerocat_text::nearest;

/// A channel.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "Channel"))]
struct Fields {
    /// The entry: `KEY.0x6041:00` or `KEY.NAME`, a bit of it `KEY.0x6040:00.3`; in place of `device`, `type`, `pdo`, `index`,
    /// `subindex` and `bit`.
    entry: Option<String>,
    /// Key of the slave.
    device: Option<String>,
    /// How the entry is given.
    #[serde(rename = "type")]
    kind: Option<ChannelKind>,
    /// Name of an entry of the slave; automatic only.
    pdo: Option<String>,
    /// Index in the object dictionary; manual only.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u16"))]
    index: Option<u16>,
    /// Subindex; manual only.
    #[serde(default, deserialize_with = "number::optional", alias = "sub_index", alias = "subIndex")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u8"))]
    subindex: Option<u8>,
    /// Index of the PDO that holds the entry, where several have it.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u16"))]
    pdo_index: Option<u16>,
    /// Which PDO of that index, where several slots bring it: 1 is the first.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u16"))]
    pdo_nth: Option<u16>,
    /// Which of the entries that are left: 1 is the first.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u16"))]
    nth: Option<u16>,
    /// The bit of the entry that the channel is, 0 for the least significant one.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u8"))]
    bit: Option<u8>,
    /// Length in bits; the width of the data type by default.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u8"))]
    bit_length: Option<u8>,
    /// Data type; by default the one in the slave's `pdos`, or the one that the bus says.
    data_type: Option<DataType>,
    /// Name, unique; made of key and entry by default.
    name: Option<String>,
    /// Unit of its values, for people and headers.
    unit: Option<String>,
    /// Channel number; none by default.
    #[serde(default, deserialize_with = "number::optional", alias = "synnax_channel")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u32"))]
    channel: Option<u32>,
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    cmd_channel: Option<u32>,
    /// Number that the value really sent is reported under; write only.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u32"))]
    state_channel: Option<u32>,
    /// Samples that the SubDevice takes in a cycle (oversampling): the entry and those behind it in its PDO; read only.
    #[serde(default, deserialize_with = "number::optional")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u16"))]
    samples: Option<u16>,
    /// Whether it is sampled, or takes commands; true by default.
    enabled: Option<bool>,
    /// What the output is until it is commanded for the first time; write only.
    initial: Option<OutputValue>,
    /// What the output is while outputs are safe; write only.
    safe: Option<OutputValue>,
    /// Waveform that it plays when the task's source is `waveform`; write only.
    waveform: Option<Waveform>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum ChannelKind {
    /// An entry of the slave's `pdos`, by name.
    Automatic,
    /// An entry given here.
    Manual,
}

/// A channel as written.
#[derive(Default)]
pub(super) struct RawChannel(Fields);

impl<'de> Deserialize<'de> for RawChannel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryOrFields)
    }
}

struct EntryOrFields;

impl<'de> Visitor<'de> for EntryOrFields {
    type Value = RawChannel;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a channel: an entry such as \"axis.0x6041:00\", or an object with `entry`")
    }

    fn visit_str<E: Error>(self, entry: &str) -> Result<RawChannel, E> {
        Ok(RawChannel(Fields { entry: Some(entry.to_owned()), ..Fields::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawChannel, A::Error> {
        Fields::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(RawChannel)
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for RawChannel {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ChannelOrEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = generator.subschema_for::<Fields>();
        json_schema!({ "anyOf": [{ "type": "string", "minLength": 3 }, fields] })
    }
}

/// What a channel refers to.
struct Meant {
    device: String,
    target: Target,
    bit: Option<u8>,
}

impl Meant {
    /// In place of what can't be read.
    const fn nothing() -> Self {
        let place = Place { pdo_index: None, pdo_nth: None, nth: None };
        Self { device: String::new(), target: Target::Untyped { index: 0, subindex: 0, place }, bit: None }
    }
}

impl Shape {
    pub(super) fn read_channel(&mut self, raw: RawChannel, at: &str, slaves: &[Slave]) -> ReadChannel {
        let RawChannel(mut raw) = raw;
        let kind = "a channel of an ethercat_read task";
        self.foreign(raw.cmd_channel.is_some(), at, "cmd_channel", kind);
        self.foreign(raw.state_channel.is_some(), at, "state_channel", kind);
        self.foreign(raw.waveform.is_some(), at, "waveform", kind);
        self.foreign(raw.safe.is_some(), at, "safe", kind);
        self.foreign(raw.initial.is_some(), at, "initial", kind);
        let meant = self.meant(&mut raw, at, Direction::Input, slaves);
        let Meant { device, mut target, bit } = meant.unwrap_or_else(Meant::nothing);
        let samples = raw.samples.unwrap_or(1);
        if samples > 1 {
            begin_with_first(&mut target);
        }
        ReadChannel {
            device,
            target,
            bit,
            channel: raw.channel.unwrap_or_default(),
            numbered: raw.channel.is_some(),
            name: raw.name.unwrap_or_default(),
            unit: raw.unit.filter(|unit| !unit.is_empty()),
            enabled: raw.enabled.unwrap_or(true),
            samples,
        }
    }

    pub(super) fn write_channel(&mut self, raw: RawChannel, at: &str, slaves: &[Slave]) -> WriteChannel {
        let RawChannel(mut raw) = raw;
        self.foreign(raw.samples.is_some(), at, "samples", "a channel of an ethercat_write task");
        if raw.channel.is_some() && raw.cmd_channel.is_some() {
            let what = "both `channel` and its alias `cmd_channel` are given";
            self.problems.push(Problem::new(Rule::Duplicate, format!("{at}.cmd_channel"), what, "keep `channel`"));
        }
        let meant = self.meant(&mut raw, at, Direction::Output, slaves);
        let Meant { device, target, bit } = meant.unwrap_or_else(Meant::nothing);
        let channel = raw.channel.or(raw.cmd_channel);
        WriteChannel {
            device,
            target,
            bit,
            channel: channel.unwrap_or_default(),
            numbered: channel.is_some(),
            name: raw.name.unwrap_or_default(),
            unit: raw.unit.filter(|unit| !unit.is_empty()),
            state_channel: raw.state_channel,
            enabled: raw.enabled.unwrap_or(true),
            initial: raw.initial,
            safe: raw.safe,
            waveform: raw.waveform,
        }
    }

    fn meant(&mut self, raw: &mut Fields, at: &str, direction: Direction, slaves: &[Slave]) -> Option<Meant> {
        if let Some(entry) = raw.entry.take() {
            return self.entry(&entry, raw, at, direction, slaves);
        }
        let manual = raw.kind == Some(ChannelKind::Manual) || (raw.kind.is_none() && raw.index.is_some());
        let device = self.needed(raw.device.take(), at, "device", "a channel without `entry`");
        let slave = slaves.iter().find(|slave| Some(&slave.key) == device.as_ref());
        let target = if manual { self.manual(slave, direction, raw, at) } else { self.automatic(raw, at) };
        Some(Meant { device: device?, target: target?, bit: raw.bit })
    }

    fn automatic(&mut self, raw: &mut Fields, at: &str) -> Option<Target> {
        let kind = "an automatic channel";
        self.foreign(raw.index.is_some(), at, "index", kind);
        self.foreign(raw.subindex.is_some(), at, "subindex", kind);
        self.place_is_foreign(raw, at, kind);
        self.foreign(raw.bit_length.is_some(), at, "bit_length", kind);
        self.foreign(raw.data_type.is_some(), at, "data_type", kind);
        let pdo = self.needed(raw.pdo.take(), at, "pdo", kind)?;
        Some(Target::Automatic { pdo })
    }

    fn manual(&mut self, slave: Option<&Slave>, direction: Direction, raw: &Fields, at: &str) -> Option<Target> {
        let kind = "a manual channel";
        self.foreign(raw.pdo.is_some(), at, "pdo", kind);
        let index = self.needed(raw.index, at, "index", kind);
        let subindex = self.needed(raw.subindex, at, "subindex", kind);
        self.address(slave, direction, (index?, subindex?), raw, at)
    }

    /// The length of an entry of a type: that of the type where it is left out.
    fn bit_length(&mut self, data_type: DataType, raw: &Fields, at: &str) -> Option<u8> {
        self.needed(raw.bit_length.or_else(|| width(data_type)), at, "bit_length", "an entry of type bytes")
    }

    fn place_is_foreign(&mut self, raw: &Fields, at: &str, kind: &str) {
        self.foreign(raw.pdo_index.is_some(), at, "pdo_index", kind);
        self.foreign(raw.pdo_nth.is_some(), at, "pdo_nth", kind);
        self.foreign(raw.nth.is_some(), at, "nth", kind);
    }

    /// An entry by key and address, or by key and name.
    fn entry(
        &mut self,
        text: &str,
        raw: &mut Fields,
        at: &str,
        direction: Direction,
        slaves: &[Slave],
    ) -> Option<Meant> {
        let kind = "a channel with `entry`";
        self.foreign(raw.device.is_some(), at, "device", kind);
        self.foreign(raw.kind.is_some(), at, "type", kind);
        self.foreign(raw.pdo.is_some(), at, "pdo", kind);
        self.foreign(raw.index.is_some(), at, "index", kind);
        self.foreign(raw.subindex.is_some(), at, "subindex", kind);
        let keys = slaves.iter().map(|slave| slave.key.as_str());
        let Some((key, rest)) = reference::split(text, keys.clone()) else {
            self.unknown_key(text, at, keys);
            return None;
        };
        let slave = slaves.iter().find(|slave| slave.key == key)?;
        let (target, bit) = match rest {
            Rest::Address { index, subindex, bit } => {
                (self.address(Some(slave), direction, (index, subindex), raw, at), bit)
            }
            Rest::Name(name) => {
                self.place_is_foreign(raw, at, "an entry by name");
                let (name, bit) = named(name, entries(slave, direction));
                let listed = entries(slave, direction).iter().any(|entry| entry.name == name);
                if !listed && let Some(address) = reference::meant_as_address(name) {
                    self.no_address(key, name, &address, at);
                    return None;
                }
                (Some(Target::Automatic { pdo: name.to_owned() }), bit)
            }
        };
        if bit.is_some() && raw.bit.is_some() {
            let what = "`entry` names a bit as well";
            self.problems.push(Problem::new(Rule::Duplicate, format!("{at}.bit"), what, "keep one of them"));
        }
        Some(Meant { device: key.to_owned(), target: target?, bit: bit.or(raw.bit) })
    }

    fn unknown_key<'k>(&mut self, text: &str, at: &str, keys: impl Iterator<Item = &'k str>) {
        let keys: Vec<&str> = keys.collect();
        let what = format!("`{text}` begins with no key of a slave and a dot");
        let written = text.split('.').next().unwrap_or_default();
        let fix = match nearest(written, &keys) {
            Some(key) => format!("did you mean `{key}`? Write it as {key}.0x6041:00"),
            None => "write it as KEY.0x6041:00, or KEY.NAME with a name from the slave's `pdos`".to_owned(),
        };
        let candidates = keys.into_iter().map(str::to_owned);
        self.problems.push(Problem::new(Rule::UnknownReference, format!("{at}.entry"), what, fix).or(candidates));
    }

    /// What looks like an address and is none.
    fn no_address(&mut self, key: &str, written: &str, address: &str, at: &str) {
        let what = format!("`{written}` is no address; one is index and subindex in hexadecimal, with a colon between");
        let fix = format!("write {key}.{address}");
        let problem = Problem::new(Rule::UnknownReference, format!("{at}.entry"), what, fix);
        self.problems.push(problem.or([format!("{key}.{address}")]));
    }

    /// An entry by address, with the type that stands beside it; else as the slave's `pdos` have it, else as the bus has it.
    fn address(
        &mut self,
        slave: Option<&Slave>,
        direction: Direction,
        (index, subindex): (u16, u8),
        raw: &Fields,
        at: &str,
    ) -> Option<Target> {
        let place = raw.place();
        if let Some(data_type) = raw.data_type {
            let bit_length = self.bit_length(data_type, raw, at)?;
            return Some(Target::Manual { index, subindex, place, bit_length, data_type });
        }
        let listed = slave.and_then(|slave| {
            let mut same =
                entries(slave, direction).iter().filter(|one| (one.index, one.subindex) == (index, subindex));
            Some(target_of(same.find(|one| one.place.agrees(&place))?, place, slave, direction))
        });
        if listed.is_none() && raw.bit_length.is_some() {
            let fix = "write it too, or leave both to the bus";
            let path = format!("{at}.data_type");
            self.problems.push(Problem::new(Rule::KeyMissing, path, "`bit_length` stands without it", fix));
            return None;
        }
        Some(listed.unwrap_or(Target::Untyped { index, subindex, place }))
    }
}

impl Fields {
    fn place(&self) -> Place {
        Place { pdo_index: self.pdo_index, pdo_nth: self.pdo_nth, nth: self.nth }
    }
}

/// The entry of an oversampled channel is the first of its samples: those behind it may have the same address.
fn begin_with_first(target: &mut Target) {
    if let Target::Manual { place, .. } | Target::Untyped { place, .. } = target {
        place.nth.get_or_insert(1);
    }
}

/// By its name where that is unique, so that messages have it.
fn target_of(entry: &PdoEntry, place: Place, slave: &Slave, direction: Direction) -> Target {
    let same = entries(slave, direction).iter().filter(|other| other.name == entry.name);
    if same.count() == 1 && !entry.name.is_empty() && (place == Place::default() || place == entry.place) {
        return Target::Automatic { pdo: entry.name.clone() };
    }
    let (index, subindex, bit_length, data_type) = (entry.index, entry.subindex, entry.bit_length, entry.data_type);
    let place = if place == Place::default() { entry.place } else { place };
    Target::Manual { index, subindex, place, bit_length, data_type }
}

/// A name and the bit behind it, unless the whole is a name.
fn named<'a>(name: &'a str, among: &[PdoEntry]) -> (&'a str, Option<u8>) {
    let known = |name: &str| among.iter().any(|entry| entry.name == name);
    match reference::bit_of(name) {
        Some((entry, bit)) if !known(name) && known(entry) => (entry, Some(bit)),
        _ => (name, None),
    }
}
