//! Commands that the MainDevice sends at transitions: CoE downloads, and register writes as far as they say something that
//! no other element does.

use std::time::Duration;

use super::image::one_line;
use super::{EniError, LeftOut};
use crate::element::Element;

/// A CoE download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoeCommand {
    /// Transitions, `PS` for that from PRE-OP to SAFE-OP.
    pub transitions: Vec<String>,
    /// Object.
    pub index: u16,
    /// Entry.
    pub subindex: u8,
    /// Whether the object is written with complete access.
    pub complete: bool,
    /// What is written, in the order of the wire.
    pub data: Vec<u8>,
    /// What the tool or the user says about it, in one line.
    pub comment: String,
    /// Whether the tool made it from the choice of PDOs.
    pub fixed: bool,
    /// How long the answer may take, where the file says it.
    pub timeout: Option<Duration>,
}

impl CoeCommand {
    /// Whether it assigns or maps PDOs: the tool says so, or the object is one of that kind (ETG.1000.6, 0x1C10 to 0x1C2F,
    /// 0x1600 to 0x17FF, 0x1A00 to 0x1BFF).
    #[must_use]
    pub fn is_of_pdos(&self) -> bool {
        self.fixed || matches!(self.index, 0x1c10..=0x1c2f | 0x1600..=0x17ff | 0x1a00..=0x1bff)
    }
}

/// A register write to one SubDevice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterCommand {
    /// Transitions.
    pub transitions: Vec<String>,
    /// Register.
    pub register: u16,
    /// What is written, in the order of the wire.
    pub data: Vec<u8>,
    /// What the tool says about it, in one line.
    pub comment: String,
}

/// The CoE downloads of a SubDevice, in the order of the file.
pub(super) fn coe(
    slave: &Element<'_>,
    (position, subdevice): (u16, &str),
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<CoeCommand>, EniError> {
    let Some(mailbox) = slave.child("Mailbox") else { return Ok(Vec::new()) };
    for protocol in ["SoE", "AoE", "EoE", "FoE", "VoE"] {
        let Some(other) = mailbox.child(protocol) else { continue };
        let count = other.child("InitCmds").map_or(0, |commands| commands.children("InitCmd").count());
        if count > 0 {
            let why = format!("startup commands by {protocol} are not imported");
            left_out.push(LeftOut::of(position, format!("commands by {protocol} ({count})"), why));
        }
    }
    let Some(coe) = mailbox.child("CoE") else { return Ok(Vec::new()) };
    let Some(commands) = coe.child("InitCmds") else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for command in commands.children("InitCmd") {
        match one_coe(&command, subdevice)? {
            Ok(command) => all.push(command),
            Err((what, why)) => left_out.push(LeftOut::of(position, what, why)),
        }
    }
    Ok(all)
}

/// A command, or what it is and why it is none.
fn one_coe(at: &Element<'_>, subdevice: &str) -> Result<Result<CoeCommand, (String, &'static str)>, EniError> {
    let index: u16 = at.need("Index")?.pattern()?;
    let subindex: u8 = at.child_number("SubIndex")?.unwrap_or(0);
    let data = at.child("Data").map_or(Ok(Vec::new()), |data| data.bytes())?;
    let ccs: u32 = at.child_number("Ccs")?.unwrap_or(1);
    let name = format!("the command of {index:#06x}:{subindex:02x}");
    if crate::number::flag(at.child_text("Disabled")) {
        return Ok(Err((name, "it is disabled in the file")));
    }
    if data.is_empty() {
        return Ok(Err((name, "it has no data and writes nothing")));
    }
    if ccs != 1 {
        return Err(EniError::Ccs { subdevice: subdevice.to_owned(), index, subindex, ccs });
    }
    let timeout: u32 = at.child_number("Timeout")?.unwrap_or(0);
    Ok(Ok(CoeCommand {
        transitions: transitions(at),
        index,
        subindex,
        complete: at.flag("CompleteAccess"),
        data,
        comment: one_line(at.child_text("Comment")),
        fixed: at.flag("Fixed"),
        timeout: (timeout > 0).then(|| Duration::from_millis(timeout.into())),
    }))
}

/// The register writes of a SubDevice that have a register, in the order of the file.
pub(super) fn registers(slave: &Element<'_>) -> Result<Vec<RegisterCommand>, EniError> {
    let Some(commands) = slave.child("InitCmds") else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for command in commands.children("InitCmd") {
        let datagram: u8 = command.child_number("Cmd")?.unwrap_or(0);
        // APWR, APRW, FPWR, FPRW, BWR and BRW (ETG.1000.4, table of commands).
        if !matches!(datagram, 2 | 3 | 5 | 6 | 8 | 9) {
            continue;
        }
        let Some(register) = command.child("Ado") else { continue };
        let data = command.child("Data").map_or(Ok(Vec::new()), |data| data.bytes())?;
        all.push(RegisterCommand {
            transitions: transitions(&command),
            register: register.pattern()?,
            data,
            comment: one_line(command.child_text("Comment")),
        });
    }
    Ok(all)
}

fn transitions(at: &Element<'_>) -> Vec<String> {
    at.children("Transition").map(|transition| transition.text().to_owned()).collect()
}
