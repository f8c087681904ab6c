//! Distributed clocks: `engine.dc`, a word or an object, and `dc` of a SubDevice.
//!
//! What is here says what a rig asks for, and is pure: which cycle and shift a SubDevice's SYNC has is computed from the rig, the
//! cycle and the SubDevice's operation modes ([`SubDeviceDc::times`]). Not here: what is done on the bus.

mod lead;
mod subdevice;
mod times;

pub use lead::usual_lead;
pub use subdevice::{SubDeviceDc, Sync0, Sync1};
pub use times::{SyncProblem, SyncTimes};

use crate::duration;
#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Whether distributed clocks are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// No clock is looked at.
    Off,
    /// Clocks are measured and compensated wherever there are any, and give samples their time. Frames are kept at a phase to
    /// them, and SYNC is set up, only where a SubDevice asks for SYNC. Clocks that misbehave are told; they keep nobody from OP
    /// who doesn't ask for SYNC.
    #[default]
    Auto,
    /// The same, and frames are kept at their phase in any case. A network without a reference clock, or whose clocks don't
    /// converge, doesn't come up.
    On,
}

impl Use {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Auto => "auto",
            Self::On => "on",
        }
    }
}

/// Which clock the network runs by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// The reference clock: the cycle of this machine is moved to it.
    #[default]
    Reference,
    /// This machine's clock (`CLOCK_REALTIME`, which PTP or NTP keeps): the reference clock is slewed to it.
    Host,
}

/// Distributed clocks of the network (`engine.dc`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DcSection {
    /// Whether they are used.
    pub usage: Use,
    /// Key of the SubDevice whose clock is the reference; `None` for the first that can be one.
    pub reference: Option<String>,
    /// Which clock the network runs by.
    pub follow: Follow,
    /// From the frame's passage of the reference clock to the next SYNC0 without a shift; `None` chooses it by the cycle.
    pub lead: Option<Duration>,
    /// How much later than a whole multiple of the cycle in the host's clock SYNC0 without a shift is; only with
    /// [`Follow::Host`].
    pub phase: Option<Duration>,
    /// Before SYNC is set up, the difference of every clock (0x092C) must stay below this.
    pub settled_below: Duration,
    /// How long that may take.
    pub settle_timeout: Duration,
    /// Largest difference of a clock (0x092C) in operation.
    pub difference_limit: Duration,
    /// How long a clock may be beyond it before that is a fault.
    pub difference_time: Duration,
}

impl Default for DcSection {
    /// 1 us to be settled and 10 us for 100 ms in operation are what other MainDevices and drives work with: differences of
    /// clocks that are locked are below 200 ns.
    fn default() -> Self {
        Self {
            usage: Use::Auto,
            reference: None,
            follow: Follow::Reference,
            lead: None,
            phase: None,
            settled_below: Duration::from_micros(1),
            settle_timeout: Duration::from_secs(5),
            difference_limit: Duration::from_micros(10),
            difference_time: Duration::from_millis(100),
        }
    }
}

impl From<Use> for DcSection {
    /// The word alone.
    fn from(usage: Use) -> Self {
        Self { usage, ..Self::default() }
    }
}

/// The object as it stands in a file.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", schemars(rename = "DcSettings"))]
struct Object {
    /// Whether they are used; `auto` by default.
    #[serde(rename = "use")]
    usage: Use,
    /// Key of the SubDevice whose clock is the reference; null for the first that can be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// Which clock the network runs by.
    follow: Follow,
    /// From the frame's passage of the reference clock to the next SYNC0 without a shift; null chooses it by the cycle.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    lead: Option<Duration>,
    /// How much later than a whole multiple of the cycle in the host's clock SYNC0 without a shift is; only with `follow`
    /// `host`.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    phase: Option<Duration>,
    /// Difference of every clock (0x092C) before SYNC is set up.
    #[serde(with = "duration")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    settled_below: Duration,
    /// How long that may take.
    #[serde(with = "duration")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    settle_timeout: Duration,
    /// Largest difference of a clock (0x092C) in operation.
    #[serde(with = "duration")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    difference_limit: Duration,
    /// How long a clock may be beyond it before that is a fault.
    #[serde(with = "duration")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    difference_time: Duration,
}

impl Default for Object {
    fn default() -> Self {
        DcSection::default().into()
    }
}

impl From<DcSection> for Object {
    fn from(section: DcSection) -> Self {
        let DcSection { usage, reference, follow, lead, phase, .. } = section;
        let DcSection { settled_below, settle_timeout, difference_limit, difference_time, .. } = section;
        Self { usage, reference, follow, lead, phase, settled_below, settle_timeout, difference_limit, difference_time }
    }
}

impl From<Object> for DcSection {
    fn from(object: Object) -> Self {
        let Object { usage, reference, follow, lead, phase, .. } = object;
        let Object { settled_below, settle_timeout, difference_limit, difference_time, .. } = object;
        Self { usage, reference, follow, lead, phase, settled_below, settle_timeout, difference_limit, difference_time }
    }
}

impl Serialize for DcSection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == Self::from(self.usage) {
            return serializer.serialize_str(self.usage.name());
        }
        Object::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DcSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrObject)
    }
}

/// Read by hand: an untagged enum would lose the path and the cause of an error.
struct WordOrObject;

impl<'de> Visitor<'de> for WordOrObject {
    type Value = DcSection;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"off\", \"auto\", \"on\", or an object with settings")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<DcSection, E> {
        let word = [Use::Off, Use::Auto, Use::On].into_iter().find(|word| word.name() == text);
        word.map(DcSection::from).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DcSection, A::Error> {
        Object::deserialize(MapAccessDeserializer::new(map)).map(DcSection::from)
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for DcSection {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DistributedClocks".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Distributed clocks.",
            "oneOf": [generator.subschema_for::<Use>(), generator.subschema_for::<Object>()]
        })
    }
}
