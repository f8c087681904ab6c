//! A batch: some samples of a task, column by column, with their timestamps.

use crate::mapping::Point;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::sync::Arc;
use zerocat_pdi::Value;

/// What a batch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Inputs of a read task.
    Samples,
    /// Outputs of a write task, as they were sent.
    State,
}

/// The values of one channel in a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Channel number.
    pub channel: u32,
    /// One value for each timestamp.
    pub values: Vec<Value>,
}

/// Some samples of a task. As JSON it is one line of the format in `docs/json-lines.md`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Batch {
    /// Name of the task.
    #[serde(serialize_with = "text")]
    pub task: Arc<str>,
    /// What it holds.
    pub kind: Kind,
    /// Timestamps, in nanoseconds since 1970-01-01 UTC.
    pub index: Vec<u64>,
    /// Values, channel by channel.
    #[serde(serialize_with = "columns")]
    pub channels: Vec<Column>,
    /// Positions of samples with bytes older than their cycle, because a SubDevice did not answer.
    pub stale: Vec<usize>,
    /// Samples that the grid had a place for and that did not come, since the batch before.
    pub missing: u64,
}

impl Batch {
    /// An empty batch for some channels.
    #[must_use]
    pub fn new(task: Arc<str>, kind: Kind, channels: impl IntoIterator<Item = u32>) -> Self {
        let column = |channel| Column { channel, values: Vec::new() };
        let channels = channels.into_iter().map(column).collect();
        Self { task, kind, index: Vec::new(), channels, stale: Vec::new(), missing: 0 }
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

    /// The last value of a channel.
    #[must_use]
    pub fn last(&self, channel: u32) -> Option<Value> {
        self.channels.iter().find(|column| column.channel == channel)?.values.last().copied()
    }

    /// Adds a sample; `points` go with the channels one by one.
    pub(crate) fn push<'a>(
        &mut self,
        unix_ns: u64,
        stale: bool,
        missing: u64,
        points: impl Iterator<Item = &'a Point>,
        record: &[u8],
    ) {
        if stale {
            self.stale.push(self.index.len());
        }
        self.missing = self.missing.saturating_add(missing);
        self.index.push(unix_ns);
        for (column, point) in self.channels.iter_mut().zip(points) {
            // A record holds all of its points by construction; one that did not would read as 0, not shift a column.
            column.values.push(point.read(record).unwrap_or_else(|| point.zero()));
        }
    }

    /// Empties it and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.index.clear();
        self.stale.clear();
        self.missing = 0;
        self.channels.iter_mut().for_each(|column| column.values.clear());
    }
}

fn text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

fn columns<S: Serializer>(columns: &[Column], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(columns.len()))?;
    for column in columns {
        map.serialize_entry(&column.channel, &Values(&column.values))?;
    }
    map.end()
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
    use crate::mapping::tests::placed;
    use crate::mapping::{Mapping, Point};
    use zerocat_pdi::DataType;

    fn points() -> Vec<Point> {
        let places =
            [placed(9, DataType::Int16, 0, 16), placed(7, DataType::Bool, 16, 1), placed(8, DataType::Float32, 24, 32)];
        Mapping::new(&places).points().to_vec()
    }

    #[test]
    fn a_batch_is_one_json_object_with_columns_in_the_order_of_the_channels() {
        let points = points();
        let mut batch = Batch::new("in".into(), Kind::Samples, points.iter().map(|point| point.channel));
        batch.push(5, false, 0, points.iter(), &[0xff, 0xff, 1, 0, 0, 0xc0, 0x3f]);
        batch.push(6, true, 2, points.iter(), &[1, 0, 0, 0, 0, 0xc0, 0x7f]);
        let line = serde_json::to_string(&batch).unwrap();
        let expected = r#"{"task":"in","kind":"samples","index":[5,6],"channels":{"9":[-1,1],"7":[1,0],"8":[1.5,null]},"stale":[1],"missing":2}"#;
        assert_eq!(line, expected);
        assert_eq!(batch.last(7), Some(Value::Bool(false)));
    }

    #[test]
    fn a_cleared_batch_keeps_its_channels_and_nothing_else() {
        let points = points();
        let mut batch = Batch::new("in".into(), Kind::State, [9, 7, 8]);
        let empty = batch.clone();
        batch.push(5, true, 1, points.iter(), &[0; 7]);
        assert_eq!(batch.len(), 1);
        batch.clear();
        assert_eq!(batch, empty);
    }

    #[test]
    fn a_short_record_shifts_no_column() {
        let points = points();
        let mut batch = Batch::new("in".into(), Kind::Samples, [9, 7, 8]);
        batch.push(5, false, 0, points.iter(), &[1]);
        assert!(batch.channels.iter().all(|column| column.values.len() == 1));
    }
}
