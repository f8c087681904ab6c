//! What is known of one SubDevice.

use serde::Serialize;
use zerocat_pdi::{Access, SubDeviceLayout, SyncManagerLayout};
use zerocat_wire::register::features;
use zerocat_wire::{AlState, MailboxType, register, sync_manager};

use crate::error::{AlError, Label};
use crate::sii::{Content, Sii};
use crate::times::Times;
use crate::topology::Parent;
use crate::watchdog::Watchdogs;

/// Who made it and which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub struct Identity {
    /// Vendor, as given by the ETG.
    pub vendor_id: u32,
    /// Product code.
    pub product_code: u32,
    /// Revision.
    pub revision: u32,
    /// Serial number; 0 where it has none.
    pub serial: u32,
}

impl Identity {
    /// The vendor's short name where it is known, else its ID: `Beckhoff`, `0x00007a63`.
    #[must_use]
    pub fn vendor(&self) -> String {
        zerocat_esi::vendor_name(self.vendor_id).map_or_else(|| format!("{:#010x}", self.vendor_id), str::to_owned)
    }
}

impl From<zerocat_wire::sii::Identity> for Identity {
    fn from(identity: zerocat_wire::sii::Identity) -> Self {
        let zerocat_wire::sii::Identity { vendor, product, revision, serial } = identity;
        Self { vendor_id: vendor, product_code: product, revision, serial }
    }
}

/// The ESC's description of itself, registers 0x0000 to 0x0009 (ETG.1000.4, table 31).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct EscInfo {
    /// Type (0x11: ET1100, 0x12: ET1200, 0x04: IP core, ...).
    pub kind: u8,
    /// Revision.
    pub revision: u8,
    /// Build.
    pub build: u16,
    /// FMMUs.
    pub fmmus: u8,
    /// Sync managers.
    pub sync_managers: u8,
    /// Process data RAM in KiB.
    pub ram_kib: u8,
    /// Port descriptors, two bits a port.
    pub ports: u8,
    /// See [`zerocat_wire::register::features`].
    pub features: u16,
}

/// Types of ESCs, register 0x0000 (Beckhoff ESC data sheet, section II, register overview).
pub mod kind {
    /// Beckhoff's IP core for FPGAs.
    pub const IP_CORE: u8 = 0x04;
    /// ET1100.
    pub const ET1100: u8 = 0x11;
    /// ET1200.
    pub const ET1200: u8 = 0x12;
}

impl std::fmt::Display for EscInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, revision, build, fmmus, sync_managers, ram_kib, ports, features } = self;
        write!(
            f,
            "type {kind:#04x} revision {revision} build {build}, {fmmus} FMMUs, {sync_managers} sync managers, {ram_kib} KiB \
             of memory, ports {ports:#04x}, features {features:#06x}"
        )
    }
}

impl EscInfo {
    /// Bytes of the registers.
    pub const LEN: usize = 10;

    /// Reads the registers.
    #[must_use]
    pub const fn parse(
        [kind, revision, b0, b1, fmmus, sync_managers, ram_kib, ports, f0, f1]: [u8; Self::LEN],
    ) -> Self {
        let (build, features) = (u16::from_le_bytes([b0, b1]), u16::from_le_bytes([f0, f1]));
        Self { kind, revision, build, fmmus, sync_managers, ram_kib, ports, features }
    }

    /// Whether it has distributed clocks.
    #[must_use]
    pub const fn dc(&self) -> bool {
        self.features & features::DC != 0
    }

    /// Whether it does LRW.
    #[must_use]
    pub const fn lrw(&self) -> bool {
        self.features & features::NO_LRW == 0
    }

    /// Whether it is of a type whose read and write FMMUs are known to share logical addresses.
    #[must_use]
    pub const fn may_overlap(&self) -> bool {
        matches!(self.kind, kind::ET1100 | kind::ET1200 | kind::IP_CORE)
    }
}

/// Mailbox offsets, sizes and protocols, from the SII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MailboxInfo {
    /// Sync manager of the mailbox that the MainDevice writes: 0 with nearly everybody.
    pub write_channel: u8,
    /// First byte of the mailbox that the MainDevice writes.
    pub write_start: u16,
    /// Its bytes.
    pub write_len: u16,
    /// Sync manager of the mailbox that the MainDevice reads: 1 with nearly everybody.
    pub read_channel: u8,
    /// First byte of the mailbox that the MainDevice reads.
    pub read_start: u16,
    /// Its bytes.
    pub read_len: u16,
    /// See [`zerocat_wire::sii::fixed::protocol`].
    pub protocols: u16,
}

impl MailboxInfo {
    /// What it speaks, by name.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        use zerocat_wire::sii::fixed::protocol;
        let known = [
            (protocol::AOE, MailboxType::Aoe),
            (protocol::EOE, MailboxType::Eoe),
            (protocol::COE, MailboxType::Coe),
            (protocol::FOE, MailboxType::Foe),
            (protocol::SOE, MailboxType::Soe),
            (protocol::VOE, MailboxType::Voe),
        ];
        known.iter().filter(|(bit, _)| self.protocols & bit != 0).map(|(_, kind)| kind.name()).collect()
    }

    /// Whether it speaks CoE.
    #[must_use]
    pub const fn coe(&self) -> bool {
        self.protocols & zerocat_wire::sii::fixed::protocol::COE != 0
    }

    /// Whether it speaks SoE.
    #[must_use]
    pub const fn soe(&self) -> bool {
        self.protocols & zerocat_wire::sii::fixed::protocol::SOE != 0
    }

    /// Whether it speaks EoE.
    #[must_use]
    pub const fn eoe(&self) -> bool {
        self.protocols & zerocat_wire::sii::fixed::protocol::EOE != 0
    }

    /// Whether it speaks AoE.
    #[must_use]
    pub const fn aoe(&self) -> bool {
        self.protocols & zerocat_wire::sii::fixed::protocol::AOE != 0
    }

    /// Whether it speaks VoE.
    #[must_use]
    pub const fn voe(&self) -> bool {
        self.protocols & zerocat_wire::sii::fixed::protocol::VOE != 0
    }

    /// Whether it speaks FoE.
    #[must_use]
    pub const fn foe(&self) -> bool {
        self.protocols & zerocat_wire::sii::fixed::protocol::FOE != 0
    }
}

/// Where the PDO map came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PdoSource {
    /// The object dictionary: 0x1C10 and up, and the mapping objects.
    Coe,
    /// The lists of the telegrams: S-0-0016 and S-0-0024.
    Soe,
    /// The PDO categories of the SII.
    Sii,
}

impl PdoSource {
    /// `CoE`, `SoE` or `SII`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Coe => "CoE",
            Self::Soe => "SoE",
            Self::Sii => "SII",
        }
    }
}

impl std::fmt::Display for PdoSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// One SubDevice.
#[derive(Debug, Clone, PartialEq)]
pub struct SubDevice {
    /// Position on the bus, 0-based.
    pub position: u16,
    /// Configured station address: 0x1001 at position 0, and so on.
    pub station: u16,
    /// Short name: order number, else name, else vendor and product.
    pub name: String,
    /// Identity from the SII.
    pub identity: Identity,
    /// Station alias; 0: none.
    pub alias: u16,
    /// Its explicit device ID; `None` where it has none, or wasn't asked.
    pub device_id: Option<u16>,
    /// It doesn't take part: it stays in INIT, without process data.
    pub excluded: bool,
    /// The ESC.
    pub esc: EscInfo,
    /// Ports that carry frames.
    pub open_ports: [bool; 4],
    /// Where it hangs; `None` on the MainDevice.
    pub parent: Option<Parent>,
    /// AL state that it last reached or showed.
    pub state: AlState,
    /// Why it isn't in INIT, where it didn't go there when it was discovered. Nothing more is asked of such a one.
    pub refused: Option<AlError>,
    /// How long it may take.
    pub times: Times,
    /// Its own watchdogs.
    pub watchdogs: Watchdogs,
    /// Mailbox, where it has one.
    pub mailbox: Option<MailboxInfo>,
    /// Everything from the SII.
    pub sii: Sii,
    /// Where the PDO map came from; `None` before it was read, or without process data.
    pub pdo_source: Option<PdoSource>,
    /// Process data sync managers with what is mapped; empty before [`crate::Network::read_pdos`].
    pub sync_managers: Vec<SyncManagerLayout>,
    /// What is wrong with its SII or its map, and what was done instead.
    pub notes: Vec<String>,
}

impl SubDevice {
    /// Position and name, for messages.
    #[must_use]
    pub fn label(&self) -> Label {
        Label { position: self.position, name: self.name.clone() }
    }

    /// Whether it takes part in operation. One that refuses INIT is left as it is. One whose SII is empty or can't be read
    /// stays in INIT: nothing is known of its mailboxes and its process data, and an ESC without configuration has nobody who
    /// answers to AL control.
    #[must_use]
    pub fn goes_up(&self) -> bool {
        self.refused.is_none() && !self.excluded && self.sii.content == Content::Programmed
    }

    /// The AL state that it is in while the network is in `state`; `None`, any, for one that doesn't go where it is asked to.
    #[must_use]
    pub fn expected(&self, state: AlState) -> Option<AlState> {
        if self.refused.is_some() {
            return None;
        }
        Some(if self.goes_up() { state } else { AlState::Init })
    }

    /// Whether it does LRW: by its ESC's features and its SII.
    #[must_use]
    pub const fn lrw(&self) -> bool {
        self.esc.lrw() && self.sii.general.lrw()
    }

    /// Whether its ESC sets the AL status to whatever is asked for, without an application that would show an error
    /// (ESC register 0x0141, bit 0, as word 0 of the SII sets it; Beckhoff ESC data sheet, section II). Such a one
    /// doesn't leave OP when its watchdog expires.
    #[must_use]
    pub const fn emulates_al(&self) -> bool {
        const EMULATION: u16 = 1 << 8;
        self.mailbox.is_none() && self.sii.fixed.pdi_control & EMULATION != 0
    }

    /// What it brings to the process image: on every tick, inputs and outputs apart.
    #[must_use]
    pub fn layout(&self) -> SubDeviceLayout {
        SubDeviceLayout {
            position: self.position,
            sync_managers: self.sync_managers.clone(),
            fmmus: self.esc.fmmus,
            status: self.status_register(),
            access: if self.lrw() { Access::Lrw } else { Access::LwrLrd },
            unit: 0,
        }
    }

    /// The register whose byte tells that it answers: the status of the sync manager of the mailbox that is read, which
    /// shows also whether mail waits; without a mailbox the AL status. `None` where FMMUs can't be programmed.
    fn status_register(&self) -> Option<u16> {
        const STATUS: u16 = 5;
        let mail = self.mailbox.map(|info| sync_manager::register(info.read_channel) + STATUS);
        let fixed = self.esc.features & features::FIXED_FMMU_SYNC_MANAGER != 0;
        (self.goes_up() && !fixed).then(|| mail.unwrap_or(register::AL_STATUS))
    }

    /// For [`crate::matching::identify`].
    #[must_use]
    pub fn found(&self) -> crate::matching::Found {
        crate::matching::Found {
            position: self.position,
            identity: self.identity,
            alias: self.alias,
            device_id: self.device_id,
            name: self.name.clone(),
            description: self.sii.name.clone(),
            unread: (self.sii.content != Content::Programmed).then(|| self.sii.problems.join("; ")),
        }
    }

    /// The short name that an SII gives.
    #[must_use]
    pub fn name_from(sii: &Sii) -> String {
        let identity = sii.fixed.identity;
        match sii.content {
            Content::Programmed => {}
            Content::Empty => return "SII empty".to_owned(),
            Content::Unreadable => return "SII unreadable".to_owned(),
        }
        match (sii.order.as_str(), sii.name.as_str()) {
            ("", "") => format!("{:#010x}:{:#010x}", identity.vendor, identity.product),
            ("", name) => name.to_owned(),
            (order, _) => order.to_owned(),
        }
    }
}
