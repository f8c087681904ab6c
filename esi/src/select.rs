//! Finds the devices of a file: the list of all, and the one that is asked for.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::device::Device;
use crate::element::Element;
use crate::error::EsiError;
use crate::number;
use crate::startup::{self, Startup};
use crate::text;
use crate::tree::{self, Node};

/// Largest file.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What tells a device from the others in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSummary {
    /// Type as in a catalogue, `EL3102`.
    pub order: String,
    /// Name in words.
    pub name: String,
    /// Group that the vendor puts it in, in words; empty where the file says none.
    pub group: String,
    /// Product code.
    pub product: u32,
    /// Revision.
    pub revision: u32,
    /// What a MainDevice writes at transitions.
    pub startup: Vec<Startup>,
}

impl fmt::Display for DeviceSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order, name, product, revision, .. } = self;
        write!(f, "{order} ({name}; product code {product:#010x}, revision {revision:#010x})")
    }
}

/// The devices of a file, in its order. Those without a type and product code are left out.
///
/// # Errors
/// Those of reading the file, not of what it says about its devices; `NoDescription` without any.
pub fn devices(path: &Path) -> Result<Vec<DeviceSummary>, EsiError> {
    let bytes = load(path)?;
    let (mut devices, mut groups) = (Vec::new(), HashMap::new());
    tree::walk(&text::decode(&bytes), |node| match node.name.as_str() {
        "Device" => devices.extend(summarize(&node)),
        "Group" => {
            let at = Element::top(&node);
            groups.insert(at.child_text("Type").to_owned(), at.localized("Name").to_owned());
        }
        _ => {}
    })?;
    if devices.is_empty() {
        return Err(EsiError::NoDescription);
    }
    for DeviceSummary { group, .. } in &mut devices {
        if let Some(name) = groups.get(group.as_str()).filter(|name| !name.is_empty()) {
            group.clone_from(name);
        }
    }
    Ok(devices)
}

/// A file's bytes, if it is not too large.
fn load(path: &Path) -> Result<Vec<u8>, EsiError> {
    let wrong = |source| EsiError::Read { path: path.display().to_string(), source };
    let mut bytes = Vec::new();
    // Reading one byte more than allowed shows that a file is too large, even where its size isn't known beforehand.
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(wrong)?;
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if len > LARGEST { Err(EsiError::TooLarge { bytes: len, most: LARGEST }) } else { Ok(bytes) }
}

/// The summary of a device, if it has a type and a product code.
fn summarize(node: &Node) -> Option<DeviceSummary> {
    let kind = node.children.iter().find(|child| child.name == "Type")?;
    let attribute = |name: &str| kind.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let parsed =
        |text: &str| number::number(text, u64::from(u32::MAX)).ok().and_then(|value| u32::try_from(value).ok());
    let at = Element::top(node);
    Some(DeviceSummary {
        order: kind.text.trim().to_owned(),
        name: at.localized("Name").to_owned(),
        group: at.child_text("GroupType").to_owned(),
        product: parsed(attribute("ProductCode")?)?,
        revision: attribute("RevisionNo").and_then(parsed).unwrap_or(0),
        startup: startup::read(&at),
    })
}

/// What is asked for: a device by type or name, its revision, the modules in its slots.
#[derive(Debug, Clone, Copy)]
pub struct DeviceQuery<'a> {
    /// Type (`EL3102`) or name in words.
    pub device: &'a str,
    /// Revision; the newest where there is none.
    pub revision: Option<u32>,
    /// Modules slot by slot; the file's defaults where there are none.
    pub modules: Option<&'a [String]>,
}

impl DeviceQuery<'_> {
    /// How well a device fits: 3 by its type, 2 by its name, 1 by either in other letter case; 0 not at all.
    fn rank(self, device: &DeviceSummary) -> u8 {
        let alike = |text: &str| text.eq_ignore_ascii_case(self.device);
        match self.revision {
            Some(revision) if revision != device.revision => 0,
            _ if device.order == self.device => 3,
            _ if device.name == self.device => 2,
            _ => u8::from(alike(&device.order) || alike(&device.name)),
        }
    }

    fn text(self) -> String {
        let revision = self.revision.map_or_else(String::new, |revision| format!(" (revision {revision:#010x})"));
        format!("{}{revision}", self.device)
    }
}

/// The device of a file that is asked for. Of several revisions the newest is taken.
///
/// # Errors
/// All of [`EsiError`].
pub fn read(path: &Path, wanted: DeviceQuery<'_>) -> Result<Device, EsiError> {
    read_bytes(&load(path)?, wanted)
}

/// The same from the file's bytes.
///
/// # Errors
/// All of [`EsiError`] but `Read` and `TooLarge`.
pub fn read_bytes(bytes: &[u8], wanted: DeviceQuery<'_>) -> Result<Device, EsiError> {
    let (mut vendor, mut best, mut has) = (0, None::<((u8, u32), Node)>, Vec::new());
    let text = text::decode(bytes);
    tree::walk(&text, |node| {
        if node.name == "Vendor" {
            vendor = vendor_id(&node);
        }
        let Some(device) = summarize(&node).filter(|_| node.name == "Device") else { return };
        let merit = (wanted.rank(&device), device.revision);
        has.push(device);
        if merit.0 > 0 && best.as_ref().is_none_or(|(known, _)| merit > *known) {
            best = Some((merit, node));
        }
    })?;
    let Some(((rank, _), node)) = best else { return Err(unknown(wanted, has)) };
    has.retain(|device| wanted.rank(device) == rank);
    if has.iter().any(|device| (&device.order, device.product) != (&has[0].order, has[0].product)) {
        return Err(EsiError::Ambiguous { wanted: wanted.text(), has });
    }
    let modules = if node.children.iter().any(|child| child.name == "Slots") { modules(&text)? } else { Vec::new() };
    Device::read((vendor, &node), &modules, wanted.modules)
}

/// No device matches. Those whose names contain what was asked for come first in the error.
fn unknown(wanted: DeviceQuery<'_>, mut has: Vec<DeviceSummary>) -> EsiError {
    if has.is_empty() {
        return EsiError::NoDescription;
    }
    let needle = wanted.device.to_ascii_lowercase();
    let resembles = |text: &str| text.to_ascii_lowercase().contains(&needle);
    has.sort_by_key(|device| !(resembles(&device.order) || resembles(&device.name)));
    EsiError::NoDevice { wanted: wanted.text(), has }
}

/// The modules of a file.
fn modules(text: &str) -> Result<Vec<Node>, EsiError> {
    let mut modules = Vec::new();
    tree::walk(text, |node| {
        if node.name == "Module" {
            modules.push(node);
        }
    })?;
    Ok(modules)
}

/// The vendor's id; 0 where it can't be read.
fn vendor_id(node: &Node) -> u32 {
    let id = node.children.iter().find(|child| child.name == "Id");
    let id = id.and_then(|id| number::number(&id.text, u64::from(u32::MAX)).ok());
    id.and_then(|id| u32::try_from(id).ok()).unwrap_or(0)
}
