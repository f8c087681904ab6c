//! A batch: some samples of a task, column by column, with their timestamps.

use crate::header::Header;
use crate::mapping::Point;
use crate::oversampled::spread;
use crate::timestamps::Stamp;
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};
use std::sync::Arc;
use zerocat_config::By;
use zerocat_pdi::Value;

/// What a batch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Inputs of a read task.
    Samples,
    /// Outputs of a write task, as they were sent.
    State,
}

/// Some samples of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Its task and channels.
    pub header: Arc<Header>,
    /// Ticks of the samples, in nanoseconds since 1970-01-01 UTC by the wall clock at the start of the run.
    pub index: Vec<u64>,
    /// True times of the samples, in nanoseconds since 1970-01-01 UTC.
    pub utc: Vec<u64>,
    /// Times of the network's reference clock, in nanoseconds; `None` of a sample without one.
    pub dc_time: Vec<Option<u64>>,
    /// Number of the base of time that `utc` and `dc_time` are of; 0 of an empty batch.
    pub base: u32,
    /// For each channel of the header one value for each timestamp; of an oversampled one as many as it has samples.
    pub columns: Vec<Vec<Value>>,
    /// Positions of samples with bytes older than their cycle, because a SubDevice took no part in it.
    pub stale: Vec<usize>,
    /// For each channel of the header the positions of samples in which its value is older than their cycle.
    pub stale_columns: Vec<Vec<usize>>,
    /// Samples that the grid had a place for and that did not come, since the batch before.
    pub missing: u64,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new(header: Arc<Header>) -> Self {
        let columns = vec![Vec::new(); header.channels.len()];
        let stale_columns = vec![Vec::new(); header.channels.len()];
        let (index, utc, dc_time, stale) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { header, index, utc, dc_time, base: 0, columns, stale, stale_columns, missing: 0 }
    }

    /// Samples in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether it holds no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The last value of the channel with a name.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<Value> {
        let n = self.header.channels.iter().position(|channel| channel.name == name)?;
        self.columns.get(n)?.last().copied()
    }

    /// As one JSON object, a line of the format in `docs/json-lines.md`, that knows channels so.
    #[must_use]
    pub const fn line(&self, by: By) -> Line<'_> {
        Line { batch: self, by }
    }

    /// Adds a sample; `points` go with the channels one by one.
    pub(crate) fn push<'a>(
        &mut self,
        stamp: Stamp,
        stale: bool,
        missing: u64,
        points: impl Iterator<Item = &'a Point>,
        record: &[u8],
    ) {
        if stale {
            self.stale.push(self.index.len());
        }
        self.missing = self.missing.saturating_add(missing);
        self.index.push(stamp.index);
        self.utc.push(stamp.moment.utc);
        self.dc_time.push(stamp.moment.dc_time);
        self.base = stamp.moment.base;
        for (column, point) in self.columns.iter_mut().zip(points) {
            // A record holds all of its points by construction; one that did not would read as 0, not shift a column.
            column.extend(point.values(record));
        }
    }

    /// Marks the values of the sample that was added last whose part is stale.
    pub(crate) fn mark<'a>(&mut self, points: impl Iterator<Item = &'a Point>, is_stale: impl Fn(usize) -> bool) {
        let Some(last) = self.index.len().checked_sub(1) else { return };
        for (positions, point) in self.stale_columns.iter_mut().zip(points) {
            if is_stale(point.part) {
                positions.push(last);
            }
        }
    }

    /// Whether the last value of a channel, by its place in the header, is older than its cycle.
    #[must_use]
    pub fn is_last_stale(&self, channel: usize) -> bool {
        let last = self.index.len().checked_sub(1);
        let positions = self.stale_columns.get(channel);
        last.is_some() && positions.is_some_and(|positions| positions.last().copied() == last)
    }

    /// Empties it and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.index.clear();
        self.utc.clear();
        self.dc_time.clear();
        self.base = 0;
        self.stale.clear();
        self.missing = 0;
        self.columns.iter_mut().for_each(Vec::clear);
        self.stale_columns.iter_mut().for_each(Vec::clear);
    }
}

/// A batch as JSON.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    batch: &'a Batch,
    by: By,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Batch { header, index, utc, dc_time, base, stale, missing, .. } = self.batch;
        let mut object = serializer.serialize_struct("Batch", 11)?;
        object.serialize_field("task", &*header.task)?;
        object.serialize_field("kind", &header.of)?;
        object.serialize_field("index", index)?;
        object.serialize_field("channels", &Columns(*self))?;
        object.serialize_field("stale", stale)?;
        object.serialize_field("stale_channels", &StaleColumns(*self))?;
        object.serialize_field("missing", missing)?;
        object.serialize_field("utc", utc)?;
        if dc_time.iter().any(Option::is_some) {
            object.serialize_field("dc_time", dc_time)?;
        }
        object.serialize_field("time_base", base)?;
        if let Some(samples) = header.samples() {
            object.serialize_field("oversampled", &Oversampled { line: *self, samples })?;
        }
        object.end()
    }
}

/// The oversampled channels, with a time for each sample.
struct Oversampled<'a> {
    line: Line<'a>,
    samples: u16,
}

impl Serialize for Oversampled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { line: Line { batch, by }, samples } = *self;
        let mut object = serializer.serialize_struct("Oversampled", 3)?;
        object.serialize_field("samples", &samples)?;
        object.serialize_field("utc", &OversampledTimes { batch, samples })?;
        object.serialize_field("channels", &OversampledColumns { batch, by })?;
        object.end()
    }
}

struct OversampledTimes<'a> {
    batch: &'a Batch,
    samples: u16,
}

impl Serialize for OversampledTimes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (times, header) = (&self.batch.utc, &self.batch.header);
        serializer.collect_seq(times.iter().flat_map(|end| spread(*end, header.period_ns(), self.samples)))
    }
}

struct OversampledColumns<'a> {
    batch: &'a Batch,
    by: By,
}

impl Serialize for OversampledColumns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { batch, by } = *self;
        let keys = batch.header.keys(by).filter(|(n, _)| batch.header.is_oversampled(*n));
        let values = |n: usize| Values(batch.columns.get(n).map_or(&[][..], Vec::as_slice));
        serializer.collect_map(keys.map(|(n, key)| (key, values(n))))
    }
}

struct Columns<'a>(Line<'a>);

impl Serialize for Columns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Line { batch, by } = self.0;
        let mut map = serializer.serialize_map(None)?;
        for (n, key) in batch.header.keys(by).filter(|(n, _)| !batch.header.is_oversampled(*n)) {
            let values = batch.columns.get(n).map_or(&[][..], Vec::as_slice);
            map.serialize_entry(&*key, &Values(values))?;
        }
        map.end()
    }
}

/// The channels that have stale values, each with their positions.
struct StaleColumns<'a>(Line<'a>);

impl Serialize for StaleColumns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Line { batch, by } = self.0;
        let positions = |n: usize| batch.stale_columns.get(n).map_or(&[][..], Vec::as_slice);
        let named = batch.header.keys(by).map(|(n, key)| (key, positions(n)));
        serializer.collect_map(named.filter(|(_, positions)| !positions.is_empty()))
    }
}

/// Values as JSON; a bool is the 0 or 1 of its byte (specification, data type mapping).
struct Values<'a>(&'a [Value]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|value| match value {
            Value::Bool(bit) => Value::Uint(u64::from(*bit)),
            other => *other,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::tests::header;
    use crate::mapping::Mapping;
    use crate::mapping::tests::placed;
    use zerocat_pdi::DataType;

    fn batch() -> (Batch, Vec<Point>) {
        let mut places =
            [placed(9, DataType::Int16, 0, 16), placed(7, DataType::Bool, 16, 1), placed(8, DataType::Float32, 24, 32)];
        places[1].position = 0;
        let batch = Batch::new(Arc::new(header(Kind::Samples, &places)));
        (batch, Mapping::new(&places).points().to_vec())
    }

    #[test]
    fn a_batch_is_one_json_object_with_columns_in_the_order_of_the_channels() {
        let (mut batch, points) = batch();
        batch.push(Stamp::at(5), false, 0, points.iter(), &[0xff, 0xff, 1, 0, 0, 0xc0, 0x3f]);
        batch.push(Stamp::at(6), true, 2, points.iter(), &[1, 0, 0, 0, 0, 0xc0, 0x7f]);
        batch.mark(points.iter(), |part| part == 0);
        assert_eq!([0, 1, 2].map(|n| batch.is_last_stale(n)), [false, true, false]);
        let line = |by| serde_json::to_string(&batch.line(by)).unwrap();
        let expected = r#"{"task":"t","kind":"samples","index":[5,6],"channels":{"9":[-1,1],"7":[1,0],"8":[1.5,null]},"stale":[1],"stale_channels":{"7":[1]},"missing":2,"utc":[5,6],"time_base":1}"#;
        assert_eq!(line(By::Number), expected);
        let names = r#""channels":{"dev_9":[-1,1],"dev_7":[1,0],"dev_8":[1.5,null]}"#;
        assert!(line(By::Name).contains(names), "{}", line(By::Name));
        assert_eq!(batch.last("dev_7"), Some(Value::Bool(false)));
    }

    #[test]
    fn oversampled_channels_stand_apart_with_a_time_for_each_sample() {
        let (mut current, status) = (placed(9, DataType::Int16, 8, 16), placed(7, DataType::Uint8, 0, 8));
        current.channel.samples = 2;
        let places = [current, status];
        let mapping = Mapping::new(&places);
        let mut batch = Batch::new(Arc::new(header(Kind::Samples, &places)));
        let record = |n: u8| [n, n + 1, 0, n + 2, 0];
        for (end, n) in [(20_000_000, 10), (30_000_000, 20)] {
            batch.push(Stamp::at(end), false, 0, mapping.points().iter(), &record(n));
        }
        let line = serde_json::to_string(&batch.line(By::Name)).unwrap();
        assert!(line.contains(r#""index":[20000000,30000000],"channels":{"dev_7":[10,20]},"#), "{line}");
        let apart = r#""oversampled":{"samples":2,"utc":[15000000,20000000,25000000,30000000],"channels":{"dev_9":[11,12,21,22]}}}"#;
        assert!(line.ends_with(apart), "{line}");
        assert_eq!(batch.last("dev_9"), Some(Value::Int(22)));
        let described = serde_json::to_value(batch.header.described(By::Name)).unwrap();
        assert_eq!(
            (&described["channels"][0]["samples"], &described["channels"][1]["samples"]),
            (&2.into(), &serde_json::Value::Null)
        );
    }

    #[test]
    fn a_line_has_the_time_of_a_reference_clock_where_there_is_one() {
        let (mut batch, points) = batch();
        let mut stamp = Stamp::at(5);
        batch.push(stamp, false, 0, points.iter(), &[0; 7]);
        (stamp.moment.utc, stamp.moment.dc_time) = (9, Some(700));
        batch.push(stamp, false, 0, points.iter(), &[0; 7]);
        let line = serde_json::to_string(&batch.line(By::Name)).unwrap();
        assert!(line.ends_with(r#""missing":0,"utc":[5,9],"dc_time":[null,700],"time_base":1}"#), "{line}");
    }

    #[test]
    fn a_cleared_batch_keeps_its_channels_and_nothing_else() {
        let (mut batch, points) = batch();
        let empty = batch.clone();
        batch.push(Stamp::at(5), true, 1, points.iter(), &[0; 7]);
        batch.mark(points.iter(), |_| true);
        assert_eq!(batch.len(), 1);
        batch.clear();
        assert_eq!(batch, empty);
    }

    #[test]
    fn a_short_record_shifts_no_column() {
        let (mut batch, points) = batch();
        batch.push(Stamp::at(5), false, 0, points.iter(), &[1]);
        assert!(batch.columns.iter().all(|column| column.len() == 1));
    }
}
