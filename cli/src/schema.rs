//! `zerocat schema`: JSON schemas of the files that zerocat reads and writes.

use crate::Done;
use crate::check::Verdict;
use crate::exit::{ErrorDocument, WithError};
use crate::import::Imported;
use crate::print;
use clap::{Args, ValueEnum};
use zerocat::config::Rig;
use zerocat::{Report, lines_schema};
use zerocat_campaign::CampaignReport;
use zerocat_sim::SegmentConfig;
use zerocat_sweep::SweepReport;

/// Print the JSON schema of a file format, for editors and scripts.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  zerocat schema rig > rig.schema.json")]
pub(crate) struct Schema {
    /// Which format.
    #[arg(value_enum, default_value_t = Format::Rig)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Rig file, read by `run` and `check`.
    Rig,
    /// Segment file, read by `sim`.
    Segment,
    /// Report, written by `run`.
    Report,
    /// A line of a JSON-lines sink, written by `run` and `demo`.
    Lines,
    /// Result of `check`.
    Check,
    /// Result of `import`.
    Import,
    /// Result of `campaign`.
    Campaign,
    /// Result of `sweep`.
    Sweep,
    /// Failure of any command with `--json`.
    Error,
}

impl Schema {
    pub(crate) fn run(&self) -> Done {
        match self.format {
            Format::Rig => print::json(&Rig::schema()),
            Format::Segment => print::json(&schemars::schema_for!(SegmentConfig)),
            Format::Report => print::json(&schemars::schema_for!(Report)),
            Format::Lines => print::json(&lines_schema()),
            Format::Check => print::json(&schemars::schema_for!(WithError<'static, Verdict>)),
            Format::Import => print::json(&schemars::schema_for!(Imported)),
            Format::Campaign => print::json(&schemars::schema_for!(CampaignReport)),
            Format::Sweep => print::json(&schemars::schema_for!(SweepReport)),
            Format::Error => print::json(&schemars::schema_for!(ErrorDocument)),
        }
    }
}
