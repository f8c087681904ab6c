//! Commands that a MainDevice sends to a device at a transition (ETG.2000, InitCmd of CoE). One that can't be read is left
//! out: the vendor's mistake in it says nothing about the rest of the device.

use crate::element::Element;

/// A download of CoE at a transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Startup {
    /// Transitions, `PS` for that from PRE-OP to SAFE-OP.
    pub transitions: Vec<String>,
    /// Object, as in slot 0.
    pub index: u16,
    /// Entry.
    pub subindex: u8,
    /// Whether the object is written with complete access.
    pub complete: bool,
    /// What is written.
    pub data: Vec<u8>,
    /// What the vendor says about it.
    pub comment: String,
}

/// The commands of a device.
pub(crate) fn read(device: &Element<'_>) -> Vec<Startup> {
    let Some(mailbox) = device.child("Mailbox") else { return Vec::new() };
    let Some(coe) = mailbox.child("CoE") else { return Vec::new() };
    coe.children("InitCmd").filter_map(|command| one(&command)).collect()
}

fn one(at: &Element<'_>) -> Option<Startup> {
    let data = at.child("Data");
    Some(Startup {
        transitions: at.children("Transition").map(|transition| transition.text().to_owned()).collect(),
        index: at.child_number("Index").ok()??,
        subindex: at.child_number("SubIndex").ok()?.unwrap_or(0),
        complete: at.flag("CompleteAccess"),
        data: data.map_or(Ok(Vec::new()), |data| data.bytes()).ok()?,
        comment: at.localized("Comment").to_owned(),
    })
}
