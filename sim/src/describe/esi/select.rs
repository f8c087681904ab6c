//! From a file to its devices: the list of all, and the one that is asked for.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::device::Device;
use super::error::EsiError;
use super::number;
use super::text;
use super::tree::{self, Node};

/// Largest file.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A device of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EsiDevice {
    /// Type as in a catalogue, `EL3102`.
    pub order: String,
    /// Name in words.
    pub name: String,
    /// Product code.
    pub product: u32,
    /// Revision.
    pub revision: u32,
}

/// The devices of a file, in its order. Those without a type and product code are left out.
///
/// # Errors
/// Those of reading the file, not of what it says about its devices.
pub fn esi_devices(path: &Path) -> Result<Vec<EsiDevice>, EsiError> {
    let bytes = load(path)?;
    let mut devices = Vec::new();
    tree::walk(&text::decode(&bytes), |node| devices.extend(glance(&node)))?;
    Ok(devices)
}

/// A file's bytes, if it is not too large.
pub(super) fn load(path: &Path) -> Result<Vec<u8>, EsiError> {
    let wrong = |source| EsiError::Read { path: path.display().to_string(), source };
    let mut bytes = Vec::new();
    // One byte more than is right tells a file that is too large, even one whose size nobody knows before.
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(wrong)?;
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if len > LARGEST { Err(EsiError::TooLarge { bytes: len, most: LARGEST }) } else { Ok(bytes) }
}

/// What tells a device from others.
fn glance(node: &Node) -> Option<EsiDevice> {
    let kind = node.children.iter().find(|child| child.name == "Type")?;
    let attribute = |name: &str| kind.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let parsed =
        |text: &str| number::number(text, u64::from(u32::MAX)).ok().and_then(|value| u32::try_from(value).ok());
    Some(EsiDevice {
        order: kind.text.trim().to_owned(),
        name: super::at::At::device(node).localized("Name").to_owned(),
        product: parsed(attribute("ProductCode")?)?,
        revision: attribute("RevisionNo").and_then(parsed).unwrap_or(0),
    })
}

/// The device of a type (`EL3102`, or its name in words), of the newest revision or the one that is given. With it
/// the vendor's id.
pub(super) fn find(bytes: &[u8], wanted: &str, revision: Option<u32>) -> Result<(u32, Device), EsiError> {
    let (mut vendor, mut best, mut has) = (0, None::<(u32, Node)>, Vec::new());
    let text = text::decode(bytes);
    tree::walk(&text, |node| {
        if node.name == "Vendor" {
            vendor = vendor_id(&node);
            return;
        }
        let Some(device) = glance(&node) else { return };
        let asked = device.order == wanted || device.name == wanted;
        let newer = best.as_ref().is_none_or(|(known, _)| device.revision > *known);
        has.push(format!("{} (revision {:#010x})", device.order, device.revision));
        if asked && revision.is_none_or(|revision| revision == device.revision) && newer {
            best = Some((device.revision, node));
        }
    })?;
    if let Some((_, node)) = best {
        return Ok((vendor, Device::read(&node)?));
    }
    if has.is_empty() {
        return Err(EsiError::NoDescription);
    }
    let revision = revision.map_or_else(String::new, |revision| format!(" (revision {revision:#010x})"));
    Err(EsiError::NoDevice { wanted: format!("{wanted}{revision}"), has })
}

/// The vendor's id; 0 where it can't be read.
fn vendor_id(node: &Node) -> u32 {
    let id = node.children.iter().find(|child| child.name == "Id");
    let id = id.and_then(|id| number::number(&id.text, u64::from(u32::MAX)).ok());
    id.and_then(|id| u32::try_from(id).ok()).unwrap_or(0)
}
