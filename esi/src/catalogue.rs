//! A file as the list of its devices: decoded once, each device read when it is asked for.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::device::Device;
use crate::element::Element;
use crate::error::{EsiError, EsiProblem};
use crate::library;
use crate::select::DeviceSummary;
use crate::startup;
use crate::text;
use crate::tree::{self, Node, Span};

/// Largest file.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The devices of a file, in its order.
#[derive(Debug)]
pub struct Catalogue {
    text: String,
    vendor: u32,
    vendor_name: String,
    devices: Vec<DeviceSummary>,
    places: Vec<Span>,
    modules: Vec<Span>,
    left_out: Vec<EsiError>,
}

impl Catalogue {
    /// Lists the devices of a file.
    ///
    /// # Errors
    /// `Read`, `TooLarge`, and those of [`Catalogue::from_bytes`].
    pub fn read(path: &Path) -> Result<Self, EsiError> {
        Self::from_bytes(&load(path)?)
    }

    /// The same from the file's bytes.
    ///
    /// # Errors
    /// Where no device can be used: what is wrong with the first one, or with the file; `NoDescription` if it has none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EsiError> {
        let text = text::readable(bytes).into_owned();
        let mut found = Found::default();
        let mut root = String::new();
        let walked = tree::walk(&text, &mut root, |node, span| found.take(&node, span));
        found.left_out.extend(walked.err());
        if found.devices.is_empty() {
            let first = (!found.left_out.is_empty()).then(|| found.left_out.swap_remove(0));
            return Err(first.unwrap_or(EsiError::NoDescription { root }));
        }
        found.name_groups();
        let Found { vendor, vendor_name, devices, places, modules, left_out, .. } = found;
        Ok(Self { text, vendor, vendor_name, devices, places, modules, left_out })
    }

    /// Id of the vendor; 0 where it can't be read.
    #[must_use]
    pub fn vendor(&self) -> u32 {
        self.vendor
    }

    /// Name of the vendor: English if there is one.
    #[must_use]
    pub fn vendor_name(&self) -> &str {
        &self.vendor_name
    }

    /// The devices that have a type and a product code.
    #[must_use]
    pub fn devices(&self) -> &[DeviceSummary] {
        &self.devices
    }

    /// What is wrong with those that have not, and what ended the file before its end.
    #[must_use]
    pub fn left_out(&self) -> &[EsiError] {
        &self.left_out
    }

    /// The same, for who has no use for the rest.
    pub(crate) fn into_parts(self) -> (Vec<DeviceSummary>, Vec<EsiError>) {
        (self.devices, self.left_out)
    }

    /// Reads the device at a place of [`Catalogue::devices`], with the modules in its slots: those that are named, or
    /// the file's defaults.
    ///
    /// # Errors
    /// `NoDevice` behind the last one; otherwise what is wrong with the device.
    pub fn device(&self, place: usize, modules: Option<&[String]>) -> Result<Device, EsiError> {
        let Some(span) = self.places.get(place) else {
            return Err(EsiError::NoDevice { wanted: format!("number {place}"), has: self.devices.clone() });
        };
        let node = tree::element(&self.text, span)?;
        library::read(&self.text, (self.vendor, &node), &self.modules, modules)
    }
}

/// What a walk has found.
#[derive(Debug, Default)]
struct Found {
    vendor: u32,
    vendor_name: String,
    /// Names of groups, by their type.
    groups: HashMap<String, String>,
    devices: Vec<DeviceSummary>,
    places: Vec<Span>,
    modules: Vec<Span>,
    left_out: Vec<EsiError>,
}

impl Found {
    fn take(&mut self, node: &Node, span: Span) {
        let at = Element::top(node);
        match node.name.as_str() {
            "Vendor" => {
                self.vendor = at.child_number("Id").ok().flatten().unwrap_or(0);
                self.vendor_name = at.localized("Name").to_owned();
            }
            "Group" => {
                self.groups.insert(at.child_text("Type").to_owned(), at.localized("Name").to_owned());
            }
            "Module" => self.modules.push(span),
            _ => match summarize(&at) {
                Ok(device) => {
                    self.devices.push(device);
                    self.places.push(span);
                }
                Err(wrong) => self.left_out.push(wrong),
            },
        }
    }

    fn name_groups(&mut self) {
        for DeviceSummary { group, .. } in &mut self.devices {
            if let Some(name) = self.groups.get(group.as_str()).filter(|name| !name.is_empty()) {
                group.clone_from(name);
            }
        }
    }
}

fn summarize(at: &Element<'_>) -> Result<DeviceSummary, EsiError> {
    let kind = at.need("Type")?;
    let product = kind.attribute_number("ProductCode")?;
    Ok(DeviceSummary {
        order: kind.text().to_owned(),
        name: at.localized("Name").to_owned(),
        group: at.child_text("GroupType").to_owned(),
        product: product.ok_or_else(|| kind.fail(EsiProblem::Missing("ProductCode")))?,
        revision: kind.attribute_number("RevisionNo")?.unwrap_or(0),
        startup: startup::read(at),
    })
}

/// A file's bytes, if it is not too large.
pub(crate) fn load(path: &Path) -> Result<Vec<u8>, EsiError> {
    let wrong = |source| EsiError::Read { path: path.display().to_string(), source };
    let mut bytes = Vec::new();
    // Reading one byte more than allowed shows that a file is too large, even where its size isn't known beforehand.
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(wrong)?;
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if len > LARGEST { Err(EsiError::TooLarge { bytes: len, most: LARGEST }) } else { Ok(bytes) }
}
