//! Sync managers (ETG.2000, SmType).

use zerocat_wire::sii::SyncManagerUse;
use zerocat_wire::sync_manager::control;

use crate::element::Element;
use crate::error::{EsiError, EsiProblem};

/// Sync managers that an ESC has at most.
const MOST: usize = 16;

/// One sync manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncManager {
    /// What it is for.
    pub usage: SyncManagerUse,
    /// Physical start address.
    pub start: u16,
    /// Length in bytes, where the file says one.
    pub size: Option<u16>,
    /// Control byte (register 0x0804).
    pub control: u8,
    /// Enable byte of the SII, bits of [`zerocat_wire::sii::sync_manager::enable`].
    pub enable: u8,
}

/// The sync managers of a device, number 0 first.
pub(crate) fn read(device: &Element<'_>) -> Result<Vec<SyncManager>, EsiError> {
    let mut all: Vec<SyncManager> = device.children("Sm").map(|sm| one(&sm)).collect::<Result<_, _>>()?;
    weigh(device, &mut all)?;
    if all.len() > MOST {
        Err(device.fail(EsiProblem::TooMany { got: all.len(), what: "sync managers", most: MOST }))
    } else {
        Ok(all)
    }
}

/// Where what a sync manager is called says nothing, or contradicts the direction in its control byte and the PDOs that name
/// it, these two count. What is called a mailbox is one.
fn weigh(device: &Element<'_>, all: &mut [SyncManager]) -> Result<(), EsiError> {
    let names = |list: &str| -> Result<Vec<u8>, EsiError> {
        let named: Vec<Option<u8>> =
            device.children(list).map(|pdo| pdo.attribute_number("Sm")).collect::<Result<_, _>>()?;
        Ok(named.into_iter().flatten().collect())
    };
    let (outputs, inputs) = (names("RxPdo")?, names("TxPdo")?);
    for (number, one) in (0..).zip(all) {
        let by_pdos = match (outputs.contains(&number), inputs.contains(&number)) {
            (true, false) => SyncManagerUse::Outputs,
            (false, true) => SyncManagerUse::Inputs,
            _ => continue,
        };
        let is_mailbox = matches!(one.usage, SyncManagerUse::MailboxOut | SyncManagerUse::MailboxIn);
        let written = one.control & control::DIRECTION == control::WRITE;
        if !is_mailbox && written == (by_pdos == SyncManagerUse::Outputs) {
            one.usage = by_pdos;
        }
    }
    Ok(())
}

/// Numbers of the sync managers for a use.
pub(crate) fn numbers(all: &[SyncManager], usage: SyncManagerUse) -> Vec<u8> {
    (0..).zip(all).filter(|(_, one)| one.usage == usage).map(|(number, _)| number).collect()
}

fn one(sm: &Element<'_>) -> Result<SyncManager, EsiError> {
    let control: u8 = sm.attribute_number("ControlByte")?.unwrap_or(0);
    let size = sm.attribute_number("DefaultSize")?.filter(|size| *size > 0);
    let usage = match sm.text().to_ascii_lowercase().as_str() {
        "mboxout" => SyncManagerUse::MailboxOut,
        "mboxin" => SyncManagerUse::MailboxIn,
        "outputs" => SyncManagerUse::Outputs,
        "inputs" => SyncManagerUse::Inputs,
        // Old files don't say it; the control byte does.
        "" if size.is_some() || control != 0 => by_control(control),
        _ => SyncManagerUse::Unused,
    };
    // Enable is a byte, but many files write it as a flag.
    let enabled = sm.attribute("Enable").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let enable = if enabled { 1 } else { enable(sm)? };
    let start = sm.attribute_number("StartAddress")?.unwrap_or(0);
    Ok(SyncManager { usage, start, size, control, enable })
}

fn enable(sm: &Element<'_>) -> Result<u8, EsiError> {
    use zerocat_wire::sii::sync_manager::enable;
    if sm.attribute("Enable").is_some_and(|text| text.eq_ignore_ascii_case("false")) {
        return Ok(0);
    }
    let byte: u8 = sm.attribute_number("Enable")?.unwrap_or(0);
    let bit = |name, bit| if sm.flag(name) { bit } else { 0 };
    Ok(byte | bit("Virtual", enable::VIRTUAL) | bit("OpOnly", enable::OP_ONLY))
}

fn by_control(byte: u8) -> SyncManagerUse {
    let written = byte & control::DIRECTION == control::WRITE;
    match (byte & control::MODE == control::MAILBOX, written) {
        (true, true) => SyncManagerUse::MailboxOut,
        (true, false) => SyncManagerUse::MailboxIn,
        (false, true) => SyncManagerUse::Outputs,
        (false, false) => SyncManagerUse::Inputs,
    }
}
