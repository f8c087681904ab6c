//! One device of a file, as values (ETG.2000, DeviceType).

use zerocat_wire::sii::{FmmuUsage, Identity, SyncManagerUse};

use crate::clock::{self, OpMode};
use crate::dictionary;
use crate::eeprom::Eeprom;
use crate::element::Element;
use crate::error::{EsiError, EsiProblem};
use crate::mailbox::Mailbox;
use crate::number;
use crate::object::Object;
use crate::pdo::{self, Direction, Pdo};
use crate::slot;
use crate::startup::{self, IdnStartup, Startup};
use crate::sync_manager::{self, SyncManager};
use crate::timeouts::Timeouts;
use crate::tree::Node;

/// FMMUs that an ESC has at most.
const FMMUS: usize = 16;

/// One device. Names and order are those of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Line of its element, from 1.
    pub line: u32,
    /// Vendor, product code, revision and serial number; 0 where the file gives none.
    pub identity: Identity,
    /// Type as in a catalogue, `EL3102`.
    pub order: String,
    /// Name in words: English if there is one.
    pub name: String,
    /// Type of the group that the vendor puts it in.
    pub group: String,
    /// What is at the ports, one letter each: Y is MII, K is E-bus, H is MII with fast hot connect.
    pub physics: String,
    /// LRD and LWR are to be used in place of LRW.
    pub no_lrw: bool,
    /// Current drawn from the E-bus in mA, negative if it feeds.
    pub current: i16,
    /// Object 0x1000 as the profile numbers give it.
    pub device_type: u32,
    /// FMMUs, number 0 first.
    pub fmmus: Vec<FmmuUsage>,
    /// Sync managers, number 0 first.
    pub sync_managers: Vec<SyncManager>,
    /// PDOs that the MainDevice writes; those of the device, then those of the modules in its slots.
    pub rx_pdos: Vec<Pdo>,
    /// PDOs that the MainDevice reads, in the same order.
    pub tx_pdos: Vec<Pdo>,
    /// Mailbox protocols; a device with any has a sync manager for each direction of the mailbox.
    pub mailbox: Option<Mailbox>,
    /// Operation modes with distributed clocks, the default first.
    pub op_modes: Vec<OpMode>,
    /// What the file says about the SII itself.
    pub eeprom: Eeprom,
    /// The object dictionary with that of the modules; `None` where the file has none.
    pub objects: Option<Vec<Object>>,
    /// Module ident in each slot, 0 for an empty one; `None` for a device without slots.
    pub slots: Option<Vec<u32>>,
    /// What a MainDevice writes at transitions: the device's commands, then those of the modules in its slots.
    pub startup: Vec<Startup>,
    /// The same by SoE, of the device alone.
    pub idn_startup: Vec<IdnStartup>,
    /// How long it may take.
    pub timeouts: Timeouts,
}

impl Device {
    /// Reads the element of a device, with the modules that are in its slots.
    pub(crate) fn read(
        (vendor, node): (u32, &Node),
        modules: &[Node],
        chosen: Option<&[String]>,
    ) -> Result<Self, EsiError> {
        let at = Element::top(node);
        let modules: Vec<Element<'_>> = modules.iter().map(Element::top).collect();
        let slots = slot::plug(&at, &modules, chosen)?;
        let plugged = slots.iter().flatten().copied().collect::<Vec<_>>();
        let kind = at.need("Type")?;
        let profile = at.child("Profile");
        let device_type = profile.map_or(Ok(0), |profile| device_type(&profile))?;
        let sync_managers = sync_manager::read(&at)?;
        let takes = |usage| sync_manager::numbers(&sync_managers, usage);
        Ok(Self {
            line: node.line,
            identity: identity(vendor, &kind)?,
            order: kind.text().to_owned(),
            name: at.localized("Name").to_owned(),
            group: at.child_text("GroupType").to_owned(),
            physics: at.attribute("Physics").unwrap_or_default().to_owned(),
            no_lrw: kind.flag("UseLrdLwr"),
            current: current(&at)?,
            device_type,
            fmmus: fmmus(&at)?,
            rx_pdos: pdo::read(&at, &plugged, Direction::Outputs, &takes(SyncManagerUse::Outputs))?,
            tx_pdos: pdo::read(&at, &plugged, Direction::Inputs, &takes(SyncManagerUse::Inputs))?,
            mailbox: mailbox(&at, &sync_managers)?,
            sync_managers,
            op_modes: clock::read(&at)?,
            eeprom: Eeprom::read(&at)?,
            objects: dictionary::read(&at, &plugged)?,
            slots: at
                .child("Slots")
                .map(|_| slots.iter().map(|slot| slot.map_or(0, |plugged| plugged.ident)).collect()),
            startup: startup::all(&at, &plugged),
            idn_startup: startup::idns(&at),
            timeouts: Timeouts::read(&at),
        })
    }
}

fn identity(vendor: u32, kind: &Element<'_>) -> Result<Identity, EsiError> {
    let product = kind.attribute_number("ProductCode")?;
    Ok(Identity {
        vendor,
        product: product.ok_or_else(|| kind.fail(EsiProblem::Missing("ProductCode")))?,
        revision: kind.attribute_number("RevisionNo")?.unwrap_or(0),
        serial: kind.attribute_number("SerialNo")?.unwrap_or(0),
    })
}

/// The mailbox, which needs a sync manager for each direction if it has any protocol.
fn mailbox(at: &Element<'_>, sync_managers: &[SyncManager]) -> Result<Option<Mailbox>, EsiError> {
    let Some(mailbox) = at.child("Mailbox").map(|mailbox| Mailbox::read(&mailbox)) else { return Ok(None) };
    let has = |usage| sync_managers.iter().any(|one| one.usage == usage);
    let both = has(SyncManagerUse::MailboxOut) && has(SyncManagerUse::MailboxIn);
    if mailbox.protocols != 0 && !both { Err(at.fail(EsiProblem::MailboxSyncManagers)) } else { Ok(Some(mailbox)) }
}

/// Profile number in the low half, additional information in the high half (ETG.2000, ProfileType).
fn device_type(profile: &Element<'_>) -> Result<u32, EsiError> {
    let low: u16 = profile.child_number("ProfileNo")?.unwrap_or(0);
    let high: u16 = profile.child_number("AddInfo")?.unwrap_or(0);
    Ok(u32::from(low) | u32::from(high) << 16)
}

/// Current from the E-bus in mA.
fn current(at: &Element<'_>) -> Result<i16, EsiError> {
    let Some(info) = at.child("Info") else { return Ok(0) };
    let Some(electrical) = info.child("Electrical") else { return Ok(0) };
    let Some(current) = electrical.child("EBusCurrent") else { return Ok(0) };
    let value = number::signed(current.text()).map_err(|problem| current.fail(problem))?;
    let most = u64::from(i16::MAX.unsigned_abs());
    let wrong = || current.fail(EsiProblem::Number { text: current.text().to_owned(), most });
    i16::try_from(value).map_err(|_| wrong())
}

fn fmmus(at: &Element<'_>) -> Result<Vec<FmmuUsage>, EsiError> {
    let usage = |fmmu: Element<'_>| match fmmu.text().to_ascii_lowercase().as_str() {
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
