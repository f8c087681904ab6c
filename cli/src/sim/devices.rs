//! Lists the devices of a device description (ESI): what `--device` may name, and the startup commands of each.

use crate::Done;
use crate::exit::Failure;
use crate::print;
use serde::Serialize;
use std::path::Path;
use zerocat::Fault;
use zerocat_sim::esi::{Catalogue, DeviceSummary, Startup};

#[derive(Debug, Serialize)]
struct Listed {
    schema: &'static str,
    devices: Vec<ListedDevice>,
    /// What is wrong with devices that can't be used.
    left_out: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ListedDevice {
    #[serde(rename = "type")]
    order: String,
    name: String,
    group: String,
    product_code: u32,
    revision: u32,
    startup: Vec<ListedStartup>,
}

#[derive(Debug, Serialize)]
struct ListedStartup {
    transitions: Vec<String>,
    index: u16,
    subindex: u8,
    complete: bool,
    data: Vec<u8>,
    comment: String,
}

impl From<DeviceSummary> for ListedDevice {
    fn from(device: DeviceSummary) -> Self {
        let DeviceSummary { order, name, group, product, revision, startup } = device;
        let startup = startup.into_iter().map(ListedStartup::from).collect();
        Self { order, name, group, product_code: product, revision, startup }
    }
}

impl From<Startup> for ListedStartup {
    fn from(command: Startup) -> Self {
        let Startup { transitions, index, subindex, complete, data, comment, .. } = command;
        Self { transitions, index, subindex, complete, data, comment }
    }
}

/// Prints the devices of a file.
pub(super) fn list(path: &Path, json: bool) -> Done {
    let open = Catalogue::read(path);
    let open = open.map_err(|error| {
        Failure::of(Fault::DeviceDescriptionWrong, format!("{}: {}", path.display(), zerocat::chain(&error)))
    })?;
    let left_out: Vec<String> = open.left_out().iter().map(zerocat::chain).collect();
    left_out.iter().for_each(|wrong| print::say(format_args!("left out: {}: {wrong}", path.display())));
    if json {
        let devices = open.devices().iter().cloned().map(ListedDevice::from).collect();
        return print::json(&Listed { schema: "zerocat-devices/1", devices, left_out });
    }
    let mut table = print::table(["type", "name", "group", "product code", "revision", "startup commands"]);
    for device in open.devices() {
        table.add_row([
            device.order.clone(),
            device.name.clone(),
            device.group.clone(),
            format!("{:#010x}", device.product),
            format!("{:#010x}", device.revision),
            device.startup.len().to_string(),
        ]);
    }
    print::line(table);
    Ok(())
}
