//! What the lines of a task hold: its channels by name, with where they come from, their types and units.
//!
//! The same description is the first line of a JSON-lines sink and the file beside a CSV, and says what displays and
//! reports call a channel.

use crate::batch::Kind;
use crate::mapping::Placed;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::borrow::Cow;
use std::sync::Arc;
use zerocat_config::{By, ResolvedChannel};
use zerocat_pdi::DataType;

/// Name and version of the schema of lines.
pub const LINES_SCHEMA: &str = "zerocat-lines/1";

/// What the lines of a task hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Name of the task.
    pub task: Arc<str>,
    /// What its lines are.
    pub of: Kind,
    /// Samples per second, in Hz.
    pub rate_hz: f64,
    /// Its enabled channels, in the order of the rig file.
    pub channels: Vec<ChannelHeader>,
}

/// A channel as a header describes it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChannelHeader {
    /// Its name.
    pub name: String,
    /// The number that its values are reported under; `null` where it has none.
    pub number: Option<u32>,
    /// Key of its SubDevice in the rig file.
    pub subdevice: String,
    /// Position of the SubDevice on the bus, 0-based; `null` where the bus is not known yet.
    pub position: Option<u16>,
    /// Index and subindex of its entry, such as `0x6041:00`.
    pub entry: String,
    /// The bit of the entry that it is; `null` for all of it.
    pub bit: Option<u8>,
    /// Data type of its values.
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// Length of its values in bits.
    pub bits: u8,
    /// Unit of its values, as the rig file says it.
    pub unit: Option<String>,
    /// Samples that its SubDevice takes of it in a cycle; not there for an ordinary channel, which has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<u16>,
}

impl ChannelHeader {
    fn new(channel: &ResolvedChannel, of: Kind, position: Option<u16>) -> Self {
        let number = Some(channel.channel).filter(|_| channel.numbered);
        Self {
            name: channel.name.clone(),
            number: if of == Kind::State { channel.state_channel } else { number },
            subdevice: channel.slave.clone(),
            position,
            entry: format!("{:#06x}:{:02x}", channel.index, channel.subindex),
            bit: channel.bit,
            data_type: channel.value_type(),
            bits: if channel.bit.is_some() { 1 } else { channel.bit_length },
            unit: channel.unit.clone(),
            samples: Some(channel.samples).filter(|samples| *samples > 1),
        }
    }

    /// What lines know it by; none in lines by number where it has no number.
    fn key(&self, by: By) -> Option<Cow<'_, str>> {
        match by {
            By::Name => Some(Cow::Borrowed(&self.name)),
            By::Number => self.number.map(|number| Cow::Owned(number.to_string())),
        }
    }
}

impl Header {
    /// Of the enabled channels of a task whose bus isn't known yet.
    #[must_use]
    pub fn before(task: &str, of: Kind, rate_hz: f64, channels: &[ResolvedChannel]) -> Self {
        let channels = channels.iter().map(|channel| ChannelHeader::new(channel, of, None)).collect();
        Self { task: task.into(), of, rate_hz, channels }
    }

    /// Of the enabled channels of a task with their places on the bus.
    #[must_use]
    pub fn new(task: &str, of: Kind, rate_hz: f64, channels: &[Placed]) -> Self {
        let one = |placed: &Placed| ChannelHeader::new(&placed.channel, of, placed.on_the_bus());
        Self { task: task.into(), of, rate_hz, channels: channels.iter().map(one).collect() }
    }

    /// The channels that lines hold which know them so: which of `channels`, and its key.
    pub fn keys(&self, by: By) -> impl Iterator<Item = (usize, Cow<'_, str>)> {
        let keys = self.channels.iter().map(move |channel| channel.key(by));
        keys.enumerate().filter_map(|(n, key)| Some((n, key?)))
    }

    /// Samples in a cycle of its oversampled channels, which is the same for all of them; none where there are none.
    pub(crate) fn samples(&self) -> Option<u16> {
        self.channels.iter().find_map(|channel| channel.samples)
    }

    /// Whether a channel, by its place, is oversampled.
    pub(crate) fn is_oversampled(&self, channel: usize) -> bool {
        self.channels.get(channel).is_some_and(|channel| channel.samples.is_some())
    }

    /// Time from one timestamp to the next, in nanoseconds.
    pub(crate) fn period_ns(&self) -> u64 {
        let period = std::time::Duration::try_from_secs_f64(1.0 / self.rate_hz).unwrap_or_default();
        u64::try_from(period.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Whether every channel has a number that its values are reported under.
    #[must_use]
    pub fn numbered(&self) -> bool {
        self.channels.iter().all(|channel| channel.number.is_some())
    }

    /// As one JSON object, for lines that know channels so.
    #[must_use]
    pub const fn described(&self, by: By) -> Described<'_> {
        Described { header: self, by }
    }
}

/// A header as JSON.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    header: &'a Header,
    by: By,
}

impl Serialize for Described<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { header, by } = *self;
        let channels: Vec<_> = header.keys(by).filter_map(|(n, _)| header.channels.get(n)).collect();
        let mut object = serializer.serialize_struct("Header", 7)?;
        object.serialize_field("task", &*header.task)?;
        object.serialize_field("kind", "channels")?;
        object.serialize_field("schema", LINES_SCHEMA)?;
        object.serialize_field("of", &header.of)?;
        object.serialize_field("by", &by)?;
        object.serialize_field("rate_hz", &header.rate_hz)?;
        object.serialize_field("channels", &channels)?;
        object.end()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::mapping::tests::placed;

    /// A header of channels, for tests.
    pub(crate) fn header(of: Kind, channels: &[Placed]) -> Header {
        Header::new("t", of, 100.0, channels)
    }

    fn json(header: &Header, by: By) -> String {
        serde_json::to_string(&header.described(by)).unwrap()
    }

    #[test]
    fn a_header_says_of_each_channel_where_it_comes_from_and_what_its_values_are() {
        let mut bit = placed(7, DataType::Uint16, 3, 1);
        (bit.channel.bit, bit.channel.numbered, bit.channel.unit) = (Some(3), false, Some("mm".to_owned()));
        let header = header(Kind::Samples, &[bit]);
        let expected = concat!(
            r#"{"task":"t","kind":"channels","schema":"zerocat-lines/1","of":"samples","by":"name","rate_hz":100.0,"#,
            r#""channels":[{"name":"dev_7","number":null,"subdevice":"dev","position":4,"entry":"0x7000:01","bit":3,"#,
            r#""type":"bool","bits":1,"unit":"mm"}]}"#
        );
        assert_eq!(json(&header, By::Name), expected);
    }

    #[test]
    fn lines_by_number_hold_only_channels_that_have_one() {
        let mut second = placed(8, DataType::Bool, 8, 1);
        second.channel.state_channel = None;
        let header = header(Kind::State, &[placed(7, DataType::Uint8, 0, 8), second]);
        let keys = |by| header.keys(by).map(|(n, key)| (n, key.into_owned())).collect::<Vec<_>>();
        assert_eq!(keys(By::Number), [(0, "107".to_owned())]);
        assert_eq!(keys(By::Name), [(0, "dev_7".to_owned()), (1, "dev_8".to_owned())]);
        let json: serde_json::Value = serde_json::from_str(&json(&header, By::Number)).unwrap();
        assert_eq!(json["channels"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn the_numbers_of_a_write_task_are_those_of_its_states() {
        let both = placed(7, DataType::Uint8, 0, 8);
        let (mut states_only, mut commands_only) = (both.clone(), both.clone());
        states_only.channel.numbered = false;
        commands_only.channel.state_channel = None;
        let numbered = |channels: &[Placed]| header(Kind::State, channels).numbered();
        assert!(numbered(&[both.clone(), states_only]));
        assert!(!numbered(&[both.clone(), commands_only.clone()]));
        assert!(header(Kind::Samples, &[both, commands_only]).numbered());
    }
}
