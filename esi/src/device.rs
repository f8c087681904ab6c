//! One device of a file, as values (ETG.2000, DeviceType).

use zerocat_wire::sii::{FmmuUsage, SyncManagerUse};

use super::at::At;
use super::clock;
use super::dictionary;
use super::eeprom::Eeprom;
use super::error::{EsiError, EsiProblem};
use super::mailbox::Mailbox;
use super::number;
use super::pdo::{self, Direction, EsiPdo};
use super::slot;
use super::sync_manager::{self, EsiSyncManager};
use super::tree::Node;
use crate::describe::dictionary::Object;
use crate::describe::sii_parts::NamedMode;

/// FMMUs that an ESC has at most.
const FMMUS: usize = 16;

/// One device. Order and names as in the file.
#[derive(Debug)]
pub(super) struct Device {
    /// Line of its element.
    pub(super) line: u32,
    pub(super) order: String,
    pub(super) name: String,
    pub(super) group: String,
    pub(super) product: u32,
    pub(super) revision: u32,
    pub(super) serial: u32,
    /// What is at the ports: Y is MII, K is E-bus.
    pub(super) physics: String,
    /// LRD and LWR are to be used in place of LRW.
    pub(super) no_lrw: bool,
    pub(super) current: i16,
    /// Value of object 0x1000 that the profile numbers make.
    pub(super) device_type: u32,
    pub(super) fmmus: Vec<FmmuUsage>,
    pub(super) sync_managers: Vec<EsiSyncManager>,
    pub(super) rx_pdos: Vec<EsiPdo>,
    pub(super) tx_pdos: Vec<EsiPdo>,
    pub(super) mailbox: Option<Mailbox>,
    pub(super) clocks: Vec<NamedMode>,
    pub(super) eeprom: Eeprom,
    pub(super) objects: Option<Vec<Object>>,
    /// Module ident in each slot, 0 for none; `None` for a device without slots.
    pub(super) slots: Option<Vec<u32>>,
}

impl Device {
    /// Reads the element of a device, with the modules that are in its slots.
    pub(super) fn read(node: &Node, modules: &[Node], chosen: Option<&[String]>) -> Result<Self, EsiError> {
        let at = At::top(node);
        let modules: Vec<At<'_>> = modules.iter().map(At::top).collect();
        let slots = slot::plug(&at, &modules, chosen)?;
        let plugged = slots.iter().flatten().copied().collect::<Vec<_>>();
        let kind = at.need("Type")?;
        let need = |name: &'static str| kind.fail(EsiProblem::Missing(name));
        let profile = at.child("Profile");
        let device_type = profile.map_or(Ok(0), |profile| device_type(&profile))?;
        let sync_managers = sync_manager::read(&at)?;
        let takes = |usage| sync_manager::numbers(&sync_managers, usage);
        Ok(Self {
            line: node.line,
            order: kind.text().to_owned(),
            name: at.localized("Name").to_owned(),
            group: at.child_text("GroupType").to_owned(),
            product: kind.attribute_number("ProductCode")?.ok_or_else(|| need("ProductCode"))?,
            revision: kind.attribute_number("RevisionNo")?.unwrap_or(0),
            serial: kind.attribute_number("SerialNo")?.unwrap_or(0),
            physics: at.attribute("Physics").unwrap_or_default().to_owned(),
            no_lrw: kind.flag("UseLrdLwr"),
            current: current(&at)?,
            device_type,
            fmmus: fmmus(&at)?,
            rx_pdos: pdo::read(&at, &plugged, Direction::Outputs, &takes(SyncManagerUse::Outputs))?,
            tx_pdos: pdo::read(&at, &plugged, Direction::Inputs, &takes(SyncManagerUse::Inputs))?,
            sync_managers,
            mailbox: at.child("Mailbox").map(|mailbox| Mailbox::read(&mailbox)),
            clocks: clock::read(&at)?,
            eeprom: Eeprom::read(&at)?,
            objects: dictionary::read(&at, &plugged)?,
            slots: at
                .child("Slots")
                .map(|_| slots.iter().map(|slot| slot.map_or(0, |plugged| plugged.ident)).collect()),
        })
    }
}

/// Profile number in the low half, additional information in the high half (ETG.2000, ProfileType).
fn device_type(profile: &At<'_>) -> Result<u32, EsiError> {
    let low: u16 = profile.child_number("ProfileNo")?.unwrap_or(0);
    let high: u16 = profile.child_number("AddInfo")?.unwrap_or(0);
    Ok(u32::from(low) | u32::from(high) << 16)
}

/// Current from the E-bus in mA.
fn current(at: &At<'_>) -> Result<i16, EsiError> {
    let Some(info) = at.child("Info") else { return Ok(0) };
    let Some(electrical) = info.child("Electrical") else { return Ok(0) };
    let Some(current) = electrical.child("EBusCurrent") else { return Ok(0) };
    let value = number::signed(current.text()).map_err(|problem| current.fail(problem))?;
    let most = u64::from(i16::MAX.unsigned_abs());
    let wrong = || current.fail(EsiProblem::Number { text: current.text().to_owned(), most });
    i16::try_from(value).map_err(|_| wrong())
}

fn fmmus(at: &At<'_>) -> Result<Vec<FmmuUsage>, EsiError> {
    let usage = |fmmu: At<'_>| match fmmu.text().to_ascii_lowercase().as_str() {
        "outputs" | "dynamicoutputs" => FmmuUsage::Outputs,
        "inputs" | "dynamicinputs" => FmmuUsage::Inputs,
        "mboxstate" => FmmuUsage::MailboxState,
        _ => FmmuUsage::Unused,
    };
    let usages: Vec<FmmuUsage> = at.children("Fmmu").map(usage).collect();
    if usages.len() > FMMUS {
        Err(at.fail(EsiProblem::TooMany { got: usages.len(), what: "FMMUs", most: FMMUS }))
    } else {
        Ok(usages)
    }
}
