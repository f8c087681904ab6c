//! `zerocat sweep`: each device of a folder of device descriptions to OP, simulated.

use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::signals::Signals;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use zerocat::Fault;
use zerocat_sweep::{Found, Listing, Settings, SweepError, SweepReport, find, run};

/// Lines of a list that are shown.
const SHOWN: usize = 20;

/// Try device descriptions (ESI): each device of a folder becomes a simulated SubDevice and is brought to OP.
///
/// Files end in .xml, in any letter case; folders below are searched too. Each device, type by type and revision by revision,
/// is scanned, a rig file is drafted from that and checked, and the rig is brought to OP with the default PDOs, runs for some
/// cycles, and is shut down. This happens in this process under virtual time, several devices at once, and touches no
/// interface. A device is given up after 5 s or 256 MiB; a panic is a failure of its device. Exit code 1 where a device
/// didn't get there, 3 where the folder can't be read or has no description.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  zerocat sweep vendor-files\n  zerocat sweep vendor-files --draw 100 --seed 7 --json > swept.json"
)]
pub(crate) struct Sweep {
    /// Folder with device descriptions.
    folder: PathBuf,
    /// Devices at once; as many as there are CPUs by default.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Try so many devices only, drawn by --seed.
    #[arg(long, value_name = "N")]
    draw: Option<usize>,
    /// Seed of the draw: the same folder and seed give the same devices.
    #[arg(long, requires = "draw", default_value_t = 0)]
    seed: u64,
    /// List the devices, or those that are drawn, and try none.
    #[arg(long)]
    list: bool,
    /// Count by family too: the groups that vendors put their devices in.
    #[arg(long)]
    families: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Listed {
    schema: &'static str,
    folder: PathBuf,
    devices: Vec<Listing>,
}

impl Sweep {
    pub(crate) fn run(&self, signals: &Signals) -> Done {
        let mut found = find(&self.folder).map_err(|error| refused(&error))?;
        if let Some(count) = self.draw {
            found.draw(self.seed, count);
        }
        if self.list {
            return self.print_list(&found);
        }
        let jobs = self.jobs.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        let bar = progress(found.subjects.len());
        let report = run(found, Settings { jobs }, |done| {
            bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
            !signals.stop()
        });
        bar.finish_and_clear();
        let done = match report.failed.len() {
            0 => Ok(()),
            failed => {
                let message = format!("{failed} of {} devices didn't reach OP", report.devices);
                Err(Failure::of(Fault::DevicesNotInOp, message))
            }
        };
        if self.json {
            return print::document(&report, done);
        }
        if self.families {
            show_families(&report);
        }
        show(&report);
        done
    }

    fn print_list(&self, found: &Found) -> Done {
        let devices: Vec<Listing> = found.subjects.iter().map(Listing::from).collect();
        if self.json {
            return print::json(&Listed { schema: "zerocat-sweep-list/1", folder: self.folder.clone(), devices });
        }
        let mut table = print::table(["type", "revision", "product code", "vendor", "file"]);
        for Listing { file, order, revision, product_code, vendor_id } in devices {
            let numbers = [revision, product_code, vendor_id].map(|number| format!("{number:#010x}"));
            let [revision, product_code, vendor_id] = numbers;
            table.add_row([order, revision, product_code, vendor_id, file]);
        }
        print::line(table);
        Ok(())
    }
}

fn refused(error: &SweepError) -> Failure {
    Failure::of(Fault::DeviceDescriptionWrong, zerocat::chain(error))
}

/// How far it is, on a terminal only.
fn progress(devices: usize) -> ProgressBar {
    let terminal = std::io::stderr().is_terminal();
    let target = if terminal { print::live_target() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(u64::try_from(devices).ok(), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} devices, {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn show(report: &SweepReport) {
    let SweepReport { files, devices, op, reasons, vendors, left_out, .. } = report;
    let mut table = print::table(["vendor", "id", "devices", "in OP"]);
    for vendor in vendors {
        let id = format!("{:#010x}", vendor.id);
        table.add_row([vendor.name.clone(), id, vendor.devices.to_string(), vendor.op.to_string()]);
    }
    print::line(table);
    if !reasons.is_empty() {
        let mut table = print::table(["devices", "stage", "reason", "for example"]);
        for reason in reasons {
            let stage = reason.stage.to_string();
            table.add_row([reason.devices.to_string(), stage, reason.reason.clone(), reason.example.clone()]);
        }
        print::line(table);
    }
    for left in left_out.iter().take(SHOWN) {
        print::line(format_args!("left out: {}: {}", left.file, left.reason));
    }
    if left_out.len() > SHOWN {
        print::line(format_args!("and {} more (--json has all)", left_out.len() - SHOWN));
    }
    let percent = if *devices == 0 { 0.0 } else { 100.0 * share(*op) / share(*devices) };
    print::line(format_args!("{op} of {devices} devices in {files} files reached OP ({percent:.1} %)"));
}

fn show_families(report: &SweepReport) {
    let mut table = print::table(["vendor id", "family", "devices", "in OP"]);
    for family in &report.families {
        let id = format!("{:#010x}", family.vendor_id);
        table.add_row([id, family.name.clone(), family.devices.to_string(), family.op.to_string()]);
    }
    print::line(table);
}

fn share(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}
