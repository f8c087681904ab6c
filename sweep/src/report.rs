//! The result of a sweep.

use crate::find::Subject;
use crate::stage::Stage;
use crate::workers::Outcome;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Name and version of the schema.
pub const SWEEP_SCHEMA: &str = "zerocat-sweep/1";

/// What became of the devices of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SweepReport {
    /// Always `zerocat-sweep/1`.
    pub schema: &'static str,
    /// The folder.
    pub folder: PathBuf,
    /// Files with devices that were tried.
    pub files: usize,
    /// Devices that were tried: types × revisions.
    pub devices: usize,
    /// Devices that reached OP, ran there and went down in order.
    pub op: usize,
    /// Those that did not.
    pub failed: Vec<FailedDevice>,
    /// The same by reason, the most frequent first.
    pub reasons: Vec<SameReason>,
    /// Devices by vendor.
    pub vendors: Vec<VendorCount>,
    /// Devices by family: the group that the vendor puts them in.
    pub families: Vec<FamilyCount>,
    /// Files and devices that can't be tried.
    pub left_out: Vec<LeftOut>,
}

/// A device that didn't get to OP and back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FailedDevice {
    /// Its file, below the folder.
    pub file: String,
    /// Type as in a catalogue.
    #[serde(rename = "type")]
    pub order: String,
    /// Revision.
    pub revision: u32,
    /// How far it came.
    pub stage: Stage,
    /// Why it failed there, in words.
    pub reason: String,
}

/// Failures that differ in numbers and names only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SameReason {
    /// How many.
    pub devices: usize,
    /// How far they came.
    pub stage: Stage,
    /// The reason of the first of them.
    pub reason: String,
    /// The first of them.
    pub example: String,
}

/// Devices of one vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VendorCount {
    /// Vendor id.
    pub id: u32,
    /// Name, as the first of its files has it.
    pub name: String,
    /// Devices that were tried.
    pub devices: usize,
    /// Those that reached OP.
    pub op: usize,
}

/// Devices of one family of a vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FamilyCount {
    /// Vendor id.
    pub vendor_id: u32,
    /// Name of the group.
    pub name: String,
    /// Devices that were tried.
    pub devices: usize,
    /// Those that reached OP.
    pub op: usize,
}

/// Something that can't be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LeftOut {
    /// The file, below the folder.
    pub file: String,
    /// Why, with the element and the line where it is about a device.
    pub reason: String,
}

/// A device that a sweep would try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Listing {
    /// Its file, below the folder.
    pub file: String,
    /// Type as in a catalogue.
    #[serde(rename = "type")]
    pub order: String,
    /// Revision.
    pub revision: u32,
    /// Product code.
    pub product_code: u32,
    /// Vendor id.
    pub vendor_id: u32,
}

impl From<&Subject> for Listing {
    fn from(subject: &Subject) -> Self {
        Self {
            file: subject.file.clone(),
            order: subject.device.order.clone(),
            revision: subject.device.revision,
            product_code: subject.device.product,
            vendor_id: subject.vendor.0,
        }
    }
}

impl SweepReport {
    pub(crate) fn new(
        folder: PathBuf,
        files: usize,
        subjects: &[Subject],
        outcomes: Vec<Option<Outcome>>,
        left_out: Vec<LeftOut>,
    ) -> Self {
        let mut report = Self {
            schema: SWEEP_SCHEMA,
            folder,
            files,
            devices: 0,
            op: 0,
            failed: Vec::new(),
            reasons: Vec::new(),
            vendors: Vec::new(),
            families: Vec::new(),
            left_out,
        };
        let (mut vendors, mut families) = (BTreeMap::new(), BTreeMap::new());
        for (subject, outcome) in subjects.iter().zip(outcomes) {
            let Some(outcome) = outcome else { continue };
            let (id, name) = &subject.vendor;
            let vendor = vendors.entry(*id).or_insert(VendorCount { id: *id, name: name.clone(), devices: 0, op: 0 });
            let name = subject.device.group.clone();
            let new = FamilyCount { vendor_id: *id, name: name.clone(), devices: 0, op: 0 };
            let family = families.entry((*id, name)).or_insert(new);
            vendor.devices += 1;
            family.devices += 1;
            report.devices += 1;
            match outcome {
                Ok(()) => {
                    vendor.op += 1;
                    family.op += 1;
                    report.op += 1;
                }
                Err(failure) => report.failed.push(FailedDevice {
                    file: subject.file.clone(),
                    order: subject.device.order.clone(),
                    revision: subject.device.revision,
                    stage: failure.stage,
                    reason: failure.reason,
                }),
            }
        }
        report.vendors = vendors.into_values().collect();
        report.families = families.into_values().collect();
        report.reasons = grouped(&report.failed);
        report
    }
}

/// Failures by stage and by what is alike in their reasons, the most frequent first.
fn grouped(failed: &[FailedDevice]) -> Vec<SameReason> {
    let mut groups: BTreeMap<(Stage, String), SameReason> = BTreeMap::new();
    for FailedDevice { file, order, revision, stage, reason } in failed {
        let group = groups.entry((*stage, alike(reason))).or_insert_with(|| SameReason {
            devices: 0,
            stage: *stage,
            reason: reason.clone(),
            example: format!("{order}, revision {revision:#010x}, {}", name_of(file)),
        });
        group.devices += 1;
    }
    let mut groups: Vec<SameReason> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.devices));
    groups
}

fn name_of(file: &str) -> String {
    Path::new(file).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// A reason without what differs from device to device: numbers, names in brackets, in parentheses or quotes.
fn alike(reason: &str) -> String {
    let mut kept = String::new();
    let mut until = None;
    let mut number = false;
    for letter in reason.chars() {
        if let Some(end) = until {
            if letter == end {
                until = None;
            }
            continue;
        }
        until = match letter {
            '[' => Some(']'),
            '(' => Some(')'),
            '`' => Some('`'),
            _ => None,
        };
        let digit = letter.is_ascii_digit() || number && (letter.is_ascii_hexdigit() || letter == 'x');
        if until.is_none() && !digit {
            kept.push(letter);
        } else if !number {
            kept.push('#');
        }
        number = digit;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_differ_in_numbers_and_names_are_one() {
        let one = "Descriptions/Devices/Device[EL1]/Sm[2], line 9: `here` is not a number from 0 to 0xffff";
        let other = "Descriptions/Devices/Device[EL22]/Sm[0], line 123: `x` is not a number from 0 to 0xff";
        assert_eq!(alike(one), alike(other));
        assert_ne!(alike("working counter 1 of 3"), alike("time-out after 3 s"));
    }

    #[test]
    fn groups_are_ordered_by_how_many_they_have() {
        let failed = |order: &str, stage, reason: &str| FailedDevice {
            file: "a/b.xml".to_owned(),
            order: order.to_owned(),
            revision: 1,
            stage,
            reason: reason.to_owned(),
        };
        let all = [
            failed("A", Stage::Op, "code 1"),
            failed("B", Stage::Scan, "code 1"),
            failed("C", Stage::Scan, "code 0x22"),
        ];
        let groups = grouped(&all);
        let seen: Vec<_> = groups.iter().map(|group| (group.devices, group.stage, group.example.as_str())).collect();
        let scan = (2, Stage::Scan, "B, revision 0x00000001, b.xml");
        assert_eq!(seen, [scan, (1, Stage::Op, "A, revision 0x00000001, b.xml")]);
    }
}
