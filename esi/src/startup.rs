//! Commands that a MainDevice sends to a device at a transition (ETG.2000, InitCmd of CoE and of SoE). One that can't be read is left
//! out: the vendor's mistake in it says nothing about the rest of the device.

use crate::element::Element;
use crate::slot::{Plugged, Shift};
use zerocat_wire::soe::Idn;

/// A download of CoE at a transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Startup {
    /// Transitions, `PS` for that from PRE-OP to SAFE-OP.
    pub transitions: Vec<String>,
    /// Object; for a command of a module, that of its slot.
    pub index: u16,
    /// Entry.
    pub subindex: u8,
    /// Whether the object is written with complete access.
    pub complete: bool,
    /// What is written.
    pub data: Vec<u8>,
    /// Whether tools replace the data by what fits the network (`AdaptAutomatically`; the schema doesn't say how).
    pub adapted: bool,
    /// What the vendor says about it.
    pub comment: String,
}

/// A write of SoE at a transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdnStartup {
    /// Transitions, `PS` for that from PRE-OP to SAFE-OP.
    pub transitions: Vec<String>,
    /// Drive in the device (`Chn`).
    pub drive: u8,
    /// Which IDN.
    pub idn: Idn,
    /// What is written; of a list with its header.
    pub data: Vec<u8>,
    /// Whether tools replace the data by what fits the network.
    pub adapted: bool,
    /// What the vendor says about it.
    pub comment: String,
}

/// The SoE commands of a device.
pub(crate) fn idns(device: &Element<'_>) -> Vec<IdnStartup> {
    let Some(mailbox) = device.child("Mailbox") else { return Vec::new() };
    let Some(soe) = mailbox.child("SoE") else { return Vec::new() };
    soe.children("InitCmd").filter_map(|command| idn(&command)).collect()
}

fn idn(at: &Element<'_>) -> Option<IdnStartup> {
    let data = at.child("Data")?;
    let text = at.child_text("IDN");
    Some(IdnStartup {
        transitions: at.children("Transition").map(|transition| transition.text().to_owned()).collect(),
        drive: at.attribute_number("Chn").ok()?.unwrap_or(0),
        idn: text.parse().ok().or_else(|| Some(Idn(at.child_number("IDN").ok()??)))?,
        adapted: data.flag("AdaptAutomatically"),
        data: data.bytes().ok()?,
        comment: at.localized("Comment").to_owned(),
    })
}

/// The commands of a device, then those of the modules in its slots.
pub(crate) fn all(device: &Element<'_>, plugged: &[Plugged<'_>]) -> Vec<Startup> {
    let of_modules = plugged.iter().flat_map(|plugged| of(&plugged.module, plugged.shift));
    read(device).into_iter().chain(of_modules).collect()
}

/// The commands of a device alone.
pub(crate) fn read(device: &Element<'_>) -> Vec<Startup> {
    of(device, Shift::default())
}

fn of(device: &Element<'_>, shift: Shift) -> Vec<Startup> {
    let Some(mailbox) = device.child("Mailbox") else { return Vec::new() };
    let Some(coe) = mailbox.child("CoE") else { return Vec::new() };
    coe.children("InitCmd").filter_map(|command| one(&command, shift)).collect()
}

fn one(at: &Element<'_>, shift: Shift) -> Option<Startup> {
    let data = at.child("Data");
    Some(Startup {
        transitions: at.children("Transition").map(|transition| transition.text().to_owned()).collect(),
        index: at.child("Index")?.shifted(shift.object).ok()?,
        subindex: at.child_number("SubIndex").ok()?.unwrap_or(0),
        complete: at.flag("CompleteAccess"),
        adapted: data.as_ref().is_some_and(|data| data.flag("AdaptAutomatically")),
        data: data.map_or(Ok(Vec::new()), |data| data.bytes()).ok()?,
        comment: at.localized("Comment").to_owned(),
    })
}
