//! What a SubDevice is: identity, ESC, sync managers, PDOs and objects. SII image and object dictionary are made
//! from it, so they can't contradict each other.

mod channel;
pub(crate) mod diagnosis;
pub(crate) mod dictionary;
pub(crate) mod esi;
mod esi_dictionary;
pub(crate) mod image;
mod image_content;
mod mailbox;
mod modules;
pub(crate) mod sii_image;
pub(crate) mod sii_parts;
pub(crate) mod sync_objects;
mod value_ids;

pub(crate) use channel::Channel;
pub(crate) use mailbox::MailboxPlan;
pub(crate) use modules::Modules;

pub(crate) use zerocat_esi::DataType;
use zerocat_wire::sii::Identity;
use zerocat_wire::sii::fixed::protocol;
use zerocat_wire::sii::general::coe::PDO_CONFIG;
use zerocat_wire::sii::pdo::flags::FIXED_CONTENT;
use zerocat_wire::sii::sync_manager::enable;

use crate::esc::EscKind;

/// Bits of a value of the application. A longer entry has several, one behind the other.
pub(crate) const WORD_BITS: usize = 64;

/// A value of the application, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValueId(pub(crate) u16);

/// One entry of a PDO. Index 0 is padding.
#[derive(Debug, Clone)]
pub(crate) struct PdoEntry {
    pub(crate) index: u16,
    pub(crate) subindex: u8,
    pub(crate) bits: u8,
    pub(crate) data_type: DataType,
    pub(crate) name: String,
    pub(crate) value: Option<ValueId>,
}

impl PdoEntry {
    /// An entry that maps a value.
    pub(crate) fn new(at: (u16, u8), bits: u8, data_type: DataType, name: &str, value: ValueId) -> Self {
        Self { index: at.0, subindex: at.1, bits, data_type, name: name.to_owned(), value: Some(value) }
    }

    /// Padding.
    pub(crate) fn gap(bits: u8) -> Self {
        Self { index: 0, subindex: 0, bits, data_type: DataType::None, name: String::new(), value: None }
    }

    /// The entry as a mapping object holds it.
    pub(crate) fn mapping(&self) -> u32 {
        u32::from(self.index) << 16 | u32::from(self.subindex) << 8 | u32::from(self.bits)
    }
}

/// One PDO.
#[derive(Debug, Clone)]
pub(crate) struct Pdo {
    pub(crate) index: u16,
    pub(crate) name: String,
    /// Assigned to its sync manager by default.
    pub(crate) assigned: bool,
    /// That sync manager, where the direction has several; `None` is its first.
    pub(crate) sync_manager: Option<u8>,
    pub(crate) entries: Vec<PdoEntry>,
}

impl Pdo {
    /// Length in bits.
    pub(crate) fn bits(&self) -> usize {
        self.entries.iter().map(|entry| usize::from(entry.bits)).sum()
    }
}

/// What a sync manager is for (ETG.1000.6, table 84).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Purpose {
    Unused = 0,
    MailboxOut = 1,
    MailboxIn = 2,
    Outputs = 3,
    Inputs = 4,
}

/// A sync manager as the SII proposes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SyncManagerPlan {
    pub(crate) purpose: Purpose,
    pub(crate) start: u16,
    pub(crate) length: u16,
    pub(crate) control: u8,
}

/// Everything that is fixed about a SubDevice.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    pub(crate) identity: Identity,
    pub(crate) alias: u16,
    /// Type as in a catalogue, `EL2004`.
    pub(crate) order: String,
    /// Name in words.
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) esc: EscKind,
    /// AL status follows AL control with no application between (ET1100 data sheet, section II, 0x0141 bit 0).
    pub(crate) device_emulation: bool,
    pub(crate) pdi: u8,
    pub(crate) mailbox: Option<MailboxPlan>,
    pub(crate) sync_managers: Vec<SyncManagerPlan>,
    pub(crate) rx_pdos: Vec<Pdo>,
    pub(crate) tx_pdos: Vec<Pdo>,
    /// Objects that no PDO maps.
    pub(crate) objects: Vec<dictionary::Object>,
    /// All objects that there are, where a vendor's file lists them.
    pub(crate) listed: Option<Vec<dictionary::Object>>,
    /// Values of the application.
    pub(crate) values: u16,
    /// Channels that wires may start from, in order.
    pub(crate) channels_out: Vec<Channel>,
    /// Channels that wires may end at, in order.
    pub(crate) channels_in: Vec<Channel>,
    /// Current drawn from the E-bus in mA, negative if it feeds.
    pub(crate) current: i16,
    pub(crate) device_type: u32,
    /// The modules of a modular device.
    pub(crate) modules: Option<Modules>,
    /// What the SII says beyond all this.
    pub(crate) sii: sii_parts::SiiParts,
}

/// The values that are mapped by default, in the order of the process data, without those longer than a word.
pub(crate) fn channels(pdos: &[Pdo]) -> Vec<Channel> {
    pdos.iter().filter(|pdo| pdo.assigned).flat_map(|pdo| &pdo.entries).filter_map(Channel::of).collect()
}

impl Description {
    /// What CoE can do: bits of [`zerocat_wire::sii::general::coe`].
    pub(crate) fn coe_details(&self) -> u8 {
        if self.has_coe() { self.sii.coe.unwrap_or(sii_image::COE_DETAILS) } else { 0 }
    }

    /// Whether the entries of a PDO can be changed.
    pub(crate) fn can_map(&self, pdo: u16) -> bool {
        let fixed = self.sii.pdo_flags.get(&pdo).is_some_and(|flags| flags & FIXED_CONTENT != 0);
        self.coe_details() & PDO_CONFIG != 0 && !fixed
    }

    /// Whether a PDO is there and has no entries.
    pub(crate) fn is_empty_pdo(&self, index: u16) -> bool {
        self.rx_pdos.iter().chain(&self.tx_pdos).any(|pdo| pdo.index == index && pdo.entries.is_empty())
    }

    /// Whether there is a mailbox that speaks CoE.
    pub(crate) fn has_coe(&self) -> bool {
        self.mailbox.is_some_and(|mailbox| mailbox.speaks(protocol::COE))
    }

    /// Whether there is a mailbox that speaks a protocol with emergencies.
    pub(crate) fn tells_emergencies(&self) -> bool {
        self.mailbox.is_some_and(|mailbox| mailbox.speaks(protocol::COE | protocol::SOE))
    }

    /// Number of the sync manager for this purpose.
    pub(crate) fn sync_manager(&self, purpose: Purpose) -> Option<u8> {
        let position = self.sync_managers.iter().position(|plan| plan.purpose == purpose)?;
        u8::try_from(position).ok()
    }

    /// Numbers of all sync managers for this purpose.
    pub(crate) fn sync_managers(&self, purpose: Purpose) -> impl Iterator<Item = u8> {
        (0..).zip(&self.sync_managers).filter(move |(_, plan)| plan.purpose == purpose).map(|(n, _)| n)
    }

    /// Enable byte of a sync manager, bits of [`zerocat_wire::sii::sync_manager::enable`].
    pub(crate) fn enable(&self, sync_manager: u8) -> u8 {
        self.sii.enables.get(usize::from(sync_manager)).copied().unwrap_or(enable::ON)
    }

    /// Numbers of the sync managers for this purpose that there is a channel for: not the virtual ones.
    pub(crate) fn channels_for(&self, purpose: Purpose) -> impl Iterator<Item = u8> {
        self.sync_managers(purpose).filter(|n| self.enable(*n) & enable::VIRTUAL == 0)
    }

    /// Whether the default PDOs map an output more than once.
    pub(crate) fn maps_outputs_twice(&self) -> bool {
        let assigned = self.rx_pdos.iter().filter(|pdo| pdo.assigned).flat_map(|pdo| &pdo.entries);
        let mut known = std::collections::HashSet::new();
        !assigned.filter(|entry| entry.index != 0).all(|entry| known.insert((entry.index, entry.subindex)))
    }

    /// PDOs of a direction.
    pub(crate) fn pdos(&self, purpose: Purpose) -> &[Pdo] {
        if purpose == Purpose::Outputs { &self.rx_pdos } else { &self.tx_pdos }
    }

    /// Whether two PDOs of a direction have one index.
    pub(crate) fn has_index_twice(&self, purpose: Purpose) -> bool {
        let mut known = std::collections::HashSet::new();
        !self.pdos(purpose).iter().all(|pdo| known.insert(pdo.index))
    }

    /// PDOs that a sync manager takes by default.
    pub(crate) fn assigned(&self, purpose: Purpose, sync_manager: u8) -> impl Iterator<Item = &Pdo> {
        let first = self.sync_manager(purpose);
        let on = move |pdo: &&Pdo| pdo.assigned && pdo.sync_manager.or(first) == Some(sync_manager);
        self.pdos(purpose).iter().filter(on)
    }

    /// PDI control and ESC configuration, as register 0x0140 shows them: a clock needs the units for SYNC and latch
    /// signals switched on.
    pub(crate) fn pdi_control(&self) -> u16 {
        let clock = if self.esc.clock_bits > 0 { sii_parts::CLOCK_UNITS } else { 0 };
        u16::from(self.pdi) | u16::from(self.device_emulation) << 8 | clock
    }
}
