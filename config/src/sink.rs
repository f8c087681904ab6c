//! Where a task's data goes.

#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// A file, or standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sink {
    /// How data is written.
    #[serde(flatten)]
    pub format: Format,
    /// Whether lines know channels by name or by number; null for JSON lines by number where every enabled channel of the
    /// task has one, and by name otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// Whether it begins with what it holds: a line of JSON, or a header line of CSV and a file beside it.
    #[serde(skip_serializing_if = "is_true")]
    pub header: bool,
}

/// How data is written, and where to: a path, or `-` for standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON lines.
    Jsonl(PathBuf),
    /// Comma-separated values.
    Csv(PathBuf),
}

/// What a channel is known by in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Its name.
    Name,
    /// Its number.
    Number,
}

fn is_true(it: &bool) -> bool {
    *it
}

impl Sink {
    /// JSON lines to a file, or to standard output for `-`.
    #[must_use]
    pub fn jsonl(path: impl Into<PathBuf>) -> Self {
        Self { format: Format::Jsonl(path.into()), by: None, header: true }
    }

    /// Comma-separated values to a file, or to standard output for `-`.
    #[must_use]
    pub fn csv(path: impl Into<PathBuf>) -> Self {
        Self { format: Format::Csv(path.into()), by: None, header: true }
    }

    /// Its path; `-` for standard output.
    #[must_use]
    pub fn path(&self) -> &Path {
        match &self.format {
            Format::Jsonl(path) | Format::Csv(path) => path,
        }
    }

    /// Whether it is standard output.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        self.path() == Path::new("-")
    }

    /// Key of its path in the file.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self.format {
            Format::Jsonl(_) => "jsonl",
            Format::Csv(_) => "csv",
        }
    }

    /// Takes a relative path from a folder on.
    pub(crate) fn in_folder(&mut self, folder: &Path) {
        if self.is_stdout() {
            return;
        }
        let (Format::Jsonl(path) | Format::Csv(path)) = &mut self.format;
        if !path.as_os_str().is_empty() {
            *path = folder.join(&*path);
        }
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "Sink"))]
struct RawSink {
    /// JSON lines to this file, or to standard output for `-`.
    jsonl: Option<String>,
    /// Comma-separated values to this file, or to standard output for `-`.
    csv: Option<String>,
    /// What lines know channels by; null for numbers in JSON lines where every enabled channel of the task has one, else
    /// names.
    by: Option<By>,
    /// Whether it begins with what it holds; true by default.
    header: Option<bool>,
}

impl RawSink {
    fn sink<E: Error>(self) -> Result<Sink, E> {
        let format = match (self.jsonl, self.csv) {
            (Some(path), None) => Format::Jsonl(path.into()),
            (None, Some(path)) => Format::Csv(path.into()),
            (None, None) => return Err(E::custom("neither `jsonl` nor `csv` is given; write one of them with a path")),
            _ => return Err(E::custom("both `jsonl` and `csv` are given; make it a list of two sinks")),
        };
        Ok(Sink { format, by: self.by, header: self.header.unwrap_or(true) })
    }
}

/// One sink or a list of them, as written.
#[derive(Default)]
pub(crate) struct Sinks(pub(crate) Vec<Sink>);

impl<'de> Deserialize<'de> for Sinks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMore)
    }
}

struct OneOrMore;

impl<'de> Visitor<'de> for OneOrMore {
    type Value = Sinks;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sink such as { \"jsonl\": \"samples.jsonl\" }, or a list of sinks")
    }

    fn visit_unit<E: Error>(self) -> Result<Sinks, E> {
        Ok(Sinks::default())
    }

    fn visit_none<E: Error>(self) -> Result<Sinks, E> {
        Ok(Sinks::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Sinks, A::Error> {
        let raw = RawSink::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(Sinks(vec![raw.sink()?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Sinks, A::Error> {
        let mut sinks = Vec::new();
        while let Some(raw) = seq.next_element::<RawSink>()? {
            sinks.push(raw.sink()?);
        }
        Ok(Sinks(sinks))
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for Sinks {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sinks".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<RawSink>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }, { "type": "null" }] })
    }
}
