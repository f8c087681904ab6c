//! Batches as comma-separated values (RFC 4180, but for the line ends, which are `\n`): a line of names, then one row for
//! each sample. Where channels are oversampled, each of their samples has a row of its own.
//!
//! A number is written as in JSON lines; what is no number is `NaN`, `inf` or `-inf`.

use crate::batch::Batch;
use crate::header::Header;
use crate::json_lines::Beginning;
use crate::oversampled::spread;
use crate::sink::Sink;
use crate::whole_lines::WholeLines;
use std::borrow::Cow;
use std::io::{self, Write};
use zerocat_config::By;
use zerocat_pdi::Value;

/// The first column: the tick, in nanoseconds since 1970-01-01 UTC by the wall clock at the start of the run.
pub const TIME_COLUMN: &str = "time_ns";
/// The column behind the values: 1 for a sample that holds older bytes, because a SubDevice took no part in its cycle.
pub const STALE_COLUMN: &str = "stale";
/// The column behind it: the channels whose values are older than the cycle, with a semicolon between each two.
pub const STALE_CHANNELS_COLUMN: &str = "stale_channels";
/// The last columns: true time in nanoseconds since 1970-01-01 UTC, time of the reference clock (empty without one), and the number of
/// the base of time that both are of.
pub const TRUE_TIME_COLUMNS: [&str; 3] = ["utc_ns", "dc_time_ns", "time_base"];

/// Comma-separated values.
#[derive(Debug)]
pub struct Csv {
    lines: WholeLines,
    by: By,
    beginning: Beginning,
    /// The header line, as long as it isn't written.
    owed: Vec<u8>,
    text: Vec<u8>,
}

impl Csv {
    /// To a writer. A file that has its header line already needs no other.
    #[must_use]
    pub const fn new(lines: WholeLines, by: By, beginning: Beginning) -> Self {
        Self { lines, by, beginning, owed: Vec::new(), text: Vec::new() }
    }

    fn write(&mut self) -> io::Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        self.lines.write(&self.text)?;
        self.owed.clear();
        Ok(())
    }
}

/// The line of names, with its end.
#[must_use]
pub fn csv_names(header: &Header, by: By) -> String {
    let keys = header.keys(by).map(|(_, key)| quoted(key));
    let all: Vec<_> = std::iter::once(TIME_COLUMN.into())
        .chain(keys)
        .chain([STALE_COLUMN.into(), STALE_CHANNELS_COLUMN.into()])
        .chain(TRUE_TIME_COLUMNS.map(Cow::Borrowed))
        .collect();
    format!("{}\n", all.join(","))
}

impl Sink for Csv {
    fn begin(&mut self, header: &Header) -> io::Result<()> {
        if self.beginning == Beginning::Header {
            self.owed = csv_names(header, self.by).into_bytes();
        }
        self.text.clone_from(&self.owed);
        self.write()
    }

    fn take(&mut self, batch: &Batch) -> io::Result<()> {
        let columns: Vec<Column<'_>> = batch.header.keys(self.by).filter_map(|(n, _)| Column::of(batch, n)).collect();
        if columns.is_empty() {
            return Ok(());
        }
        self.text.clone_from(&self.owed);
        let mut stale = batch.stale.iter().peekable();
        let samples = batch.header.samples().unwrap_or(1);
        for row in 0..batch.index.len() {
            let old = stale.next_if(|position| **position == row).is_some();
            let stale = if old { stale_channels(batch, self.by, row) } else { String::new() };
            for place in (0..samples).map(|sample| Place { row, sample, of: samples }) {
                place.write(&mut self.text, batch, &columns)?;
                self.text.extend_from_slice(if old { b",1," } else { b",0," });
                self.text.extend_from_slice(quoted(stale.as_str().into()).as_bytes());
                place.true_time(&mut self.text, batch)?;
                self.text.push(b'\n');
            }
        }
        self.write()
    }
}

/// The values of a channel.
struct Column<'a> {
    values: &'a [Value],
    /// Whether each row of a cycle has one.
    oversampled: bool,
}

impl<'a> Column<'a> {
    fn of(batch: &'a Batch, channel: usize) -> Option<Self> {
        let values = batch.columns.get(channel)?;
        Some(Self { values, oversampled: batch.header.is_oversampled(channel) })
    }

    /// The value in a row. One of an ordinary channel stands in the last row of its cycle.
    fn at(&self, place: Place) -> Option<&'a Value> {
        let last = place.sample + 1 == place.of;
        let n = match self.oversampled {
            true => place.row * usize::from(place.of) + usize::from(place.sample),
            false => Some(place.row).filter(|_| last)?,
        };
        self.values.get(n)
    }
}

/// A row: which cycle of the batch, and which of its samples.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    sample: u16,
    of: u16,
}

impl Place {
    /// The time of the sample, given that of its cycle.
    fn time(self, cycle: u64, batch: &Batch) -> u64 {
        spread(cycle, batch.header.period_ns(), self.of).nth(self.sample.into()).unwrap_or(cycle)
    }

    /// The first field and the values.
    fn write(self, text: &mut Vec<u8>, batch: &Batch, columns: &[Column<'_>]) -> io::Result<()> {
        let time = batch.index.get(self.row).copied().unwrap_or_default();
        write!(text, "{}", self.time(time, batch))?;
        for column in columns {
            text.push(b',');
            column.at(self).map_or(Ok(()), |value| number(text, value))?;
        }
        Ok(())
    }

    /// The last fields.
    fn true_time(self, text: &mut Vec<u8>, batch: &Batch) -> io::Result<()> {
        let utc = batch.utc.get(self.row).copied().unwrap_or_default();
        let dc_time = batch.dc_time.get(self.row).copied().flatten().map(|time| self.time(time, batch).to_string());
        write!(text, ",{},{},{}", self.time(utc, batch), dc_time.unwrap_or_default(), batch.base)
    }
}

/// The channels whose values are stale in a row.
fn stale_channels(batch: &Batch, by: By, row: usize) -> String {
    let is_stale = |n: usize| batch.stale_columns.get(n).is_some_and(|rows| rows.binary_search(&row).is_ok());
    let keys = batch.header.keys(by).filter(|(n, _)| is_stale(*n));
    keys.map(|(_, key)| key.into_owned()).collect::<Vec<_>>().join(";")
}

/// A value without quotes: none has a comma.
fn number(text: &mut Vec<u8>, value: &Value) -> io::Result<()> {
    match value {
        Value::Bool(bit) => write!(text, "{}", u8::from(*bit)),
        Value::Int(value) => write!(text, "{value}"),
        Value::Uint(value) => write!(text, "{value}"),
        Value::Bytes(bytes) => write!(text, "{bytes}"),
        Value::Float32(value) if value.is_finite() => Ok(serde_json::to_writer(text, value)?),
        Value::Float64(value) if value.is_finite() => Ok(serde_json::to_writer(text, value)?),
        other => write!(text, "{}", other.to_f64()),
    }
}

/// A field, in quotes where it needs them.
fn quoted(field: Cow<'_, str>) -> Cow<'_, str> {
    if field.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")).into() } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Kind;
    use crate::header::tests::header;
    use crate::mapping::tests::placed;
    use crate::mapping::{Mapping, Placed};
    use crate::timestamps::Stamp;
    use crate::whole_lines::tests::Disk;
    use std::sync::Arc;
    use zerocat_pdi::DataType;

    fn places() -> Vec<Placed> {
        let mut places = vec![
            placed(9, DataType::Int16, 0, 16),
            placed(7, DataType::Bool, 16, 1),
            placed(8, DataType::Float32, 24, 32),
            placed(6, DataType::Bytes, 56, 16),
        ];
        places[2].channel.name = "a \"big\", slow one".to_owned();
        (places[1].position, places[2].position) = (0, 0);
        places
    }

    fn batch() -> Batch {
        let places = places();
        let mapping = Mapping::new(&places);
        let mut batch = Batch::new(Arc::new(header(Kind::Samples, &places)));
        batch.push(Stamp::at(5), false, 0, mapping.points().iter(), &[0xff, 0xff, 1, 0, 0, 0xc0, 0x3f, 0, 0xff]);
        let mut second = Stamp::at(6);
        (second.moment.utc, second.moment.dc_time) = (8, Some(700));
        batch.push(second, true, 0, mapping.points().iter(), &[1, 0, 0, 0, 0, 0xc0, 0x7f, 1, 2]);
        batch.mark(mapping.points().iter(), |part| part == 0);
        batch
    }

    #[test]
    fn each_sample_of_an_oversampled_channel_has_a_row_with_its_time() {
        let (mut current, status) = (placed(9, DataType::Int16, 0, 16), placed(7, DataType::Uint8, 64, 8));
        current.channel.samples = 4;
        let places = [current, status];
        let mapping = Mapping::new(&places);
        let mut batch = Batch::new(Arc::new(header(Kind::Samples, &places)));
        let mut stamp = Stamp::at(20_000_000);
        (stamp.moment.utc, stamp.moment.dc_time) = (20_000_100, Some(30_000_000));
        batch.push(stamp, false, 0, mapping.points().iter(), &[1, 0, 2, 0, 3, 0, 0xfc, 0xff, 7]);
        let disk = Disk::with_room(1000);
        let mut csv = Csv::new(disk.lines(), By::Name, Beginning::Header);
        csv.begin(&batch.header).unwrap();
        csv.take(&batch).unwrap();
        let expected = "time_ns,dev_9,dev_7,stale,stale_channels,utc_ns,dc_time_ns,time_base\n\
                        12500000,1,,0,,12500100,22500000,1\n15000000,2,,0,,15000100,25000000,1\n\
                        17500000,3,,0,,17500100,27500000,1\n20000000,-4,7,0,,20000100,30000000,1\n";
        assert_eq!(disk.text(), expected);
    }

    #[test]
    fn a_row_for_each_sample_stands_below_a_line_of_names() {
        let (disk, batch) = (Disk::with_room(1000), batch());
        let mut csv = Csv::new(disk.lines(), By::Name, Beginning::Header);
        csv.begin(&batch.header).unwrap();
        csv.take(&batch).unwrap();
        csv.take(&batch).unwrap();
        let rows = "5,-1,1,1.5,00ff,0,,5,,1\n6,1,0,NaN,0102,1,\"dev_7;a \"\"big\"\", slow one\",8,700,1\n";
        assert_eq!(
            disk.text(),
            format!(
                "time_ns,dev_9,dev_7,\"a \"\"big\"\", slow one\",dev_6,stale,stale_channels,utc_ns,dc_time_ns,time_base\n{rows}{rows}"
            )
        );
    }

    #[test]
    fn rows_by_number_have_numbers_above_them_and_may_go_behind_others() {
        let (disk, batch) = (Disk::with_room(1000), batch());
        assert_eq!(
            csv_names(&batch.header, By::Number),
            "time_ns,9,7,8,6,stale,stale_channels,utc_ns,dc_time_ns,time_base\n"
        );
        let mut csv = Csv::new(disk.lines(), By::Number, Beginning::None);
        csv.begin(&batch.header).unwrap();
        csv.take(&batch).unwrap();
        assert_eq!(disk.text().lines().next(), Some("5,-1,1,1.5,00ff,0,,5,,1"));
    }

    #[test]
    fn names_that_found_no_room_come_before_the_first_row() {
        let (disk, batch) = (Disk::with_room(3), batch());
        let mut csv = Csv::new(disk.lines(), By::Number, Beginning::Header);
        assert!(csv.begin(&batch.header).is_err());
        disk.set_room(1000);
        csv.take(&batch).unwrap();
        assert_eq!(
            disk.text().lines().collect::<Vec<_>>()[..2],
            ["tim", "time_ns,9,7,8,6,stale,stale_channels,utc_ns,dc_time_ns,time_base"]
        );
    }

    #[test]
    fn what_is_no_number_and_what_has_many_digits_can_be_told() {
        let text = |value| {
            let mut text = Vec::new();
            number(&mut text, &value).unwrap();
            String::from_utf8(text).unwrap()
        };
        let odd = [f64::INFINITY, f64::NEG_INFINITY, 1e300, 0.1].map(Value::Float64).map(text);
        assert_eq!(odd, ["inf", "-inf", "1e+300", "0.1"]);
        assert_eq!(text(Value::Uint(u64::MAX)), u64::MAX.to_string());
    }
}
