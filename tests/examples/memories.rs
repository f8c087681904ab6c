//! Tries a folder of SII images: each is served by the simulated segment between a coupler and a digital output, which
//! production's bring-up takes to OP under virtual time. One line a file, and counts at the end.
//!
//! `cargo run -p zerocat-tests --example memories -- FOLDER`
#![allow(clippy::print_stdout, reason = "it prints")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zerocat_sim::{ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::VirtualNetwork;
use zerocat_wire::AlState;

const PERIOD: Duration = Duration::from_millis(1);
const CYCLES: usize = 20;

/// What became of an image.
struct Tried {
    state: Option<AlState>,
    others_in_op: bool,
    clean: bool,
    said: String,
}

fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let mut files: Vec<PathBuf> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect(),
        Err(error) => return println!("read {}: {error}", folder.display()),
    };
    files.sort();
    let (mut op, mut init, mut others, mut clean) = (0, 0, 0, 0);
    for path in &files {
        let begun = Instant::now();
        let tried = try_image(path);
        op += usize::from(tried.state == Some(AlState::Op));
        init += usize::from(tried.state == Some(AlState::Init));
        others += usize::from(tried.others_in_op);
        clean += usize::from(tried.clean);
        let state = tried.state.map_or_else(|| "-".to_owned(), |state| state.to_string());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        println!("{state:8} {:5} ms  {name}  {}", begun.elapsed().as_millis(), tried.said);
    }
    println!(
        "{} images: {op} in OP, {init} in INIT; the rest of the bus in OP beside {others}, every cycle complete beside {clean}",
        files.len()
    );
}

fn try_image(path: &Path) -> Tried {
    let failed = |said: String| Tried { state: None, others_in_op: false, clean: false, said };
    let device = match SubDeviceConfig::from_sii(path) {
        Ok(device) => device,
        Err(error) => return failed(zerocat::chain(&error)),
    };
    let neighbours = [ProfileKind::Coupler, ProfileKind::DigitalOut].map(SubDeviceConfig::new);
    let [coupler, output] = neighbours;
    let config = SegmentConfig::line(vec![coupler, device, output]);
    let segment = match Segment::new(&config) {
        Ok(segment) => segment,
        Err(error) => return failed(zerocat::chain(&error)),
    };
    let mut network = match VirtualNetwork::bring_up(segment, PERIOD) {
        Ok(network) => network,
        Err(error) => return failed(zerocat::chain(&error)),
    };
    let before = network.engine().counters().working_counter_faults;
    for _ in 0..CYCLES {
        network.cycle();
    }
    let counters = network.engine().counters();
    let clean =
        counters.working_counter_faults == before && counters.working_counter == counters.expected_working_counter;
    let states = [0, 1, 2].map(|n| network.engine().link().segment().state(n));
    let one = &network.planned().network.subdevices()[1];
    let planned = &network.planned().plan.subdevices[1];
    let said =
        format!("{}: {} + {} bytes; {}", one.name, planned.outputs.len(), planned.inputs.len(), one.notes.join("; "));
    let others_in_op = states[0] == Some(AlState::Op) && states[2] == Some(AlState::Op);
    Tried { state: states[1], others_in_op, clean, said }
}
