//! `zerocat import`: a rig file of what another tool configured.

use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::scan::{Draft, is_stdout};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};
use zerocat::Fault;
use zerocat::import::{EniError, ImportReport, ImportedSubDevice, NotImported};

const EXAMPLES: &str = "Examples:\n  zerocat import network.xml\n  zerocat import network.xml --interface eth1 -o line.json\n  \
                        zerocat import network.xml -o - | less";

/// Things with one reason that a line names at most.
const MOST_NAMED: usize = 6;

/// Make a rig file of a network description (ENI) that TwinCAT, EC-Engineer or another tool exported.
///
/// SubDevices, startup commands and time-outs are taken over; the inputs and outputs in force become channels that are named
/// as the variables of the tool's process image. What was left out is said with the reason, and stands in the rig file.
/// It is YAML with comments, or JSON with comments where FILE doesn't end in .yaml or .yml. Nothing is sent.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Import {
    /// Network description, as EtherCATConfig (XML).
    network: PathBuf,
    /// Rig file to write; "-" is standard output, as YAML.
    #[arg(short, long, value_name = "FILE", default_value = "rig.yaml")]
    output: PathBuf,
    /// Network interface that the rig file names; a network description names none.
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// Write it over a file that is there.
    #[arg(long)]
    overwrite: bool,
    /// Print what was imported and what was left out as JSON (schema: `zerocat schema import`).
    #[arg(long)]
    json: bool,
}

/// What `import --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Imported {
    /// Always `zerocat-import/1`.
    schema: &'static str,
    /// The network description.
    network_description: PathBuf,
    /// The rig file that was written.
    rig_file: PathBuf,
    #[serde(flatten)]
    report: ImportReport,
}

impl Import {
    pub(crate) fn run(&self) -> Done {
        let to_stdout = is_stdout(&self.output);
        if self.json && to_stdout {
            return Err(Failure::usage("-o - and --json both write to standard output; name a file for the rig"));
        }
        let import = zerocat::import::Import::read(&self.network, self.interface.as_deref());
        let import = import.map_err(|error| refused(&self.network, &error))?;
        let mut rig_file = Draft::open(&self.output, self.overwrite)?;
        rig_file.write_text(&import.text(rig_file.format()))?;
        let report = import.report();
        if self.json {
            let (network_description, rig_file) = (self.network.clone(), self.output.clone());
            return print::json(&Imported { schema: "zerocat-import/1", network_description, rig_file, report });
        }
        let lines = lines(&self.network, &report);
        if to_stdout {
            lines.iter().for_each(print::say);
            return Ok(());
        }
        lines.iter().for_each(print::line);
        let file = self.output.display();
        print::line(format_args!("{file} is written; next: zerocat check {file}, zerocat run {file}"));
        Ok(())
    }
}

fn refused(path: &Path, error: &EniError) -> Failure {
    Failure::of(Fault::NetworkDescriptionWrong, format!("{}: {}", path.display(), zerocat::chain(error)))
}

/// What people read: each SubDevice, then what was left out of the network and of each.
fn lines(network: &Path, report: &ImportReport) -> Vec<String> {
    let count = report.subdevices.len();
    let mut lines = vec![format!("{}: {count} SubDevices at {} Hz", network.display(), report.rate)];
    let widest = report.subdevices.iter().map(|subdevice| subdevice.key.len()).max().unwrap_or(0);
    for subdevice in &report.subdevices {
        let ImportedSubDevice { position, key, inputs, outputs, startup, .. } = subdevice;
        let (inputs, outputs) = (inputs.len(), outputs.len());
        let assign = if subdevice.assign { ", PDOs assigned" } else { "" };
        let dc = if subdevice.dc { ", SYNC" } else { "" };
        lines.push(format!(
            "{position:>5}  {key:widest$}  {inputs} inputs, {outputs} outputs, {startup} startup commands{assign}{dc}"
        ));
    }
    if report.left_out() == 0 {
        lines.push("nothing was left out".to_owned());
        return lines;
    }
    lines.push("left out:".to_owned());
    lines.extend(NotImported::lines(&report.left_out, MOST_NAMED).into_iter().map(|line| format!("  {line}")));
    for subdevice in report.subdevices.iter().filter(|subdevice| !subdevice.left_out.is_empty()) {
        lines.push(format!("  {} at position {}:", subdevice.key, subdevice.position));
        let of_it = NotImported::lines(&subdevice.left_out, MOST_NAMED);
        lines.extend(of_it.into_iter().map(|line| format!("    {line}")));
    }
    lines
}
