//! Finds the devices of a file: the list of all, and the one that is asked for.

use std::fmt;
use std::path::Path;

use crate::catalogue::Catalogue;
use crate::device::Device;
use crate::error::EsiError;
use crate::startup::Startup;

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

/// The devices of a file, in its order. Those without a type and product code are left out; [`Catalogue`] names them.
///
/// # Errors
/// Those of [`Catalogue::read`].
pub fn devices(path: &Path) -> Result<Vec<DeviceSummary>, EsiError> {
    Catalogue::read(path).map(|catalogue| catalogue.into_parts().0)
}

/// What is asked for: a device by type or name, its revision, the modules in its slots.
#[derive(Debug, Clone, Copy)]
pub struct DeviceQuery<'a> {
    /// Type (`EL3102`) or name in words.
    pub device: &'a str,
    /// Revision; the newest where there is none.
    pub revision: Option<u32>,
    /// Product code, which tells devices of one type apart.
    pub product: Option<u32>,
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
    find(Catalogue::read(path)?, wanted)
}

/// The same from the file's bytes.
///
/// # Errors
/// All of [`EsiError`] but `Read` and `TooLarge`.
pub fn read_bytes(bytes: &[u8], wanted: DeviceQuery<'_>) -> Result<Device, EsiError> {
    find(Catalogue::from_bytes(bytes)?, wanted)
}

fn find(catalogue: Catalogue, wanted: DeviceQuery<'_>) -> Result<Device, EsiError> {
    let is_product = |device: &DeviceSummary| wanted.product == Some(device.product);
    let merits = catalogue.devices().iter();
    let merits = merits.map(|device| ((wanted.rank(device), is_product(device)), device.revision));
    let mut best = None;
    for (place, merit) in merits.enumerate().filter(|(_, merit)| merit.0.0 > 0) {
        // Of two that are as good the first is taken.
        if best.is_none_or(|(_, known)| merit > known) {
            best = Some((place, merit));
        }
    }
    let Some((place, (rank, _))) = best else { return Err(unknown(catalogue, wanted)) };
    let alike = || catalogue.devices().iter().filter(|device| (wanted.rank(device), is_product(device)) == rank);
    let kind = |device: &DeviceSummary| (device.order.clone(), device.product);
    let first = alike().next().map(kind);
    if alike().any(|device| Some(kind(device)) != first) {
        return Err(EsiError::Ambiguous { wanted: wanted.text(), has: alike().cloned().collect() });
    }
    catalogue.device(place, wanted.modules)
}

/// No device matches. One that was left out and has the name says why; else those whose names contain what was asked for
/// come first in the error.
fn unknown(catalogue: Catalogue, wanted: DeviceQuery<'_>) -> EsiError {
    let (mut has, left_out) = catalogue.into_parts();
    let named = format!("/Device[{}]", wanted.device);
    let is_it = |wrong: &EsiError| matches!(wrong, EsiError::Invalid { path, .. } if path.contains(&named));
    if let Some(wrong) = left_out.into_iter().find(is_it) {
        return wrong;
    }
    let needle = wanted.device.to_ascii_lowercase();
    let resembles = |text: &str| text.to_ascii_lowercase().contains(&needle);
    has.sort_by_key(|device| !(resembles(&device.order) || resembles(&device.name)));
    EsiError::NoDevice { wanted: wanted.text(), has }
}
