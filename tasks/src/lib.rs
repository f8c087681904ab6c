//! Read and write tasks: what runs between a ring of the realtime thread and a sink or a source.
//!
//! A task owns the far end of its ring and runs on an ordinary thread, its sink on another one. Guarantees: a full disk,
//! a closed pipe, a reader that stops or a malformed command is counted and reported, and never holds or ends a task or
//! panics; a sample's time follows the number of its cycle, so a gap on the wire is a gap in time; nothing that was
//! commanded before an outage is handed over after it; a source that ends, or is silent for too long, leaves safe outputs.
//! Not guaranteed: that a task keeps up. What its ring can't hold is counted as an overrun by the realtime end.
#![forbid(unsafe_code)]

mod batch;
mod commands;
mod counters;
mod csv;
mod header;
mod hearing;
mod json_lines;
mod keys;
mod lines;
mod mapping;
mod outlet;
mod outputs;
mod oversampled;
mod ports;
mod queue;
mod read;
mod refused;
#[cfg(feature = "schema")]
mod schema;
mod sink;
mod sink_thread;
mod source;
mod standard_input;
mod thread;
mod time;
mod timestamps;
mod voids;
mod waveform;
mod whole_lines;
mod write;

pub use batch::{Batch, Kind, Line};
pub use commands::{Command, LineError, parse_line};
pub use counters::{Counts, TaskCounters};
pub use csv::{Csv, STALE_CHANNELS_COLUMN, STALE_COLUMN, TIME_COLUMN, TRUE_TIME_COLUMNS, csv_names};
pub use header::{ChannelHeader, Described, Header, LINES_SCHEMA};
pub use hearing::{Listener, SourceEvent, short_time};
pub use json_lines::{Beginning, JsonLines};
pub use keys::{Called, Keys, UnknownKey};
pub use lines::LineReader;
pub use mapping::{Mapping, Placed, Point};
pub use outlet::{Observer, Outlet};
pub use outputs::{Outputs, Rejected};
pub use ports::{Commands, Samples};
pub use read::{ReadProgress, ReadSetup, ReadTask};
pub use refused::Refused;
#[cfg(feature = "schema")]
pub use schema::lines_schema;
pub use sink::Sink;
pub use sink_thread::OpenSink;
pub use source::{Source, SourceItem, StdinSource, WaveformSource};
pub use standard_input::{Job, StandardInput};
pub use thread::TaskThread;
pub use time::{
    Allowance, ClockStep, CycleClock, Line as ClockLine, Moment, Reading, Relation, Said, SteppedClock, TimeBase,
    TimeKeeper, TrueTime,
};
pub use timestamps::Timestamps;
pub use waveform::value_at;
pub use whole_lines::WholeLines;
pub use write::{WriteProgress, WriteSetup, WriteTask};
