//! One SubDevice of a running network that is taken out of it and brought back, while the others go on: to INIT or BOOT, and from
//! there to OP again.
//!
//! Guarantees: from [`leave_exchange`](Alone::leave_exchange) on it takes no part in cyclic frames, from one frame to the next;
//! nothing is written to others; one that was restarted meanwhile, and so has lost its station address, gets it again where the
//! one at its position has none and all SubDevices answer.
//! Not here: outputs, which are safe before it is taken out, and clocks ([`crate::clock::rejoin`]).

use std::time::Duration;

use zerocat_pdi::{Pdo, SubDevicePlan, SyncManagerLayout};
use zerocat_wire::al::AlState;
use zerocat_wire::fmmu::Fmmu;
use zerocat_wire::sii::fixed::word;
use zerocat_wire::sii::{Mailboxes, SiiOwner};
use zerocat_wire::{fmmu, register, sync_manager};

use crate::al::{self, AlPolicy, AlShown};
use crate::assign::{Assign, AssignFailed};
use crate::bring_up::{Address, Network, activate_one, prepare_pre_op, program_one, set_sync_managers};
use crate::datagrams::{Datagrams, Target};
use crate::discovery;
use crate::error::{BringUpError, DatagramError, Label};
use crate::events;
use crate::look;
use crate::mailbox::Mailbox;
use crate::pdo;
use crate::sii::{SiiNames, SiiReader};
use crate::startup::{self, Startup, StartupFailed};
use crate::subdevice::{Identity, MailboxInfo, SubDevice};
use crate::watchdog;

/// Bytes of the SII that say where the mailboxes of BOOT are.
const BOOT_MAILBOX: usize = 8;
/// Most FMMUs and sync managers of an ESC.
const CHANNELS: usize = 16;
/// Pause between two looks at one that may be writing its flash memory, or restarts.
const LOOK: Duration = Duration::from_millis(5);

/// A SubDevice that is alone on its way.
#[derive(Debug)]
pub struct Alone<'n> {
    network: &'n Network<'n>,
    datagrams: &'n Datagrams,
    subdevice: &'n SubDevice,
}

impl Network<'_> {
    /// The SubDevice at a position, to be taken out of the running network.
    #[must_use]
    pub fn alone(&self, position: u16) -> Option<Alone<'_>> {
        let subdevice = self.subdevices().iter().find(|one| one.position == position)?;
        Some(Alone { network: self, datagrams: self.datagrams(), subdevice })
    }
}

impl<'n> Alone<'n> {
    /// As it was found when the network was brought up.
    #[must_use]
    pub const fn subdevice(&self) -> &'n SubDevice {
        self.subdevice
    }

    /// Reads which mailboxes it has in BOOT, as its SII names them (words 0x14 to 0x17; ETG.2010, table 2); `None` where it names none.
    ///
    /// # Errors
    /// `Sii`.
    pub async fn boot_mailbox(&self) -> Result<Option<MailboxInfo>, BringUpError> {
        let read = async {
            let reader = SiiReader::open(self.datagrams, self.target()).await?;
            let mut bytes = Vec::with_capacity(BOOT_MAILBOX + 8);
            while bytes.len() < BOOT_MAILBOX {
                let word = word::BOOT_MAILBOX + u32::try_from(bytes.len() / 2).unwrap_or_default();
                bytes.extend(reader.read_at(word).await?);
            }
            Ok(bytes)
        };
        let bytes = read.await.map_err(|source| BringUpError::Sii { who: self.label(), source })?;
        let mut words = bytes.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or_default();
        let boxes = Mailboxes { receive_offset: next(), receive_size: next(), send_offset: next(), send_size: next() };
        Ok(discovery::mailbox_at(&self.subdevice.sii, boxes))
    }

    /// What it shows now, wherever it is; `None` where it doesn't answer.
    pub async fn shown(&self) -> Option<AlShown> {
        self.look().await.ok().map(|(shown, _)| shown)
    }

    /// Takes it out of the cyclic frames, with one datagram: its status and its process data are missing in the same frame.
    ///
    /// # Errors
    /// `SubDevice`.
    pub async fn leave_exchange(&self) -> Result<(), BringUpError> {
        let len = usize::from(self.subdevice.esc.fmmus).min(CHANNELS) * fmmu::LEN;
        if len == 0 {
            return Ok(());
        }
        let off = self.datagrams.write_one(self.target(), register::FMMU, &vec![0; len]).await;
        off.map_err(self.failed("switch FMMUs off"))
    }

    /// Brings it down to a state, from a higher one.
    ///
    /// # Errors
    /// `SubDevice`, `Al`.
    pub async fn step_down(&self, state: AlState) -> Result<(), BringUpError> {
        let count = self.network.subdevices().len();
        let policy = self.network.policy(state);
        crate::bring_up::step_down_one(self.datagrams, self.subdevice, count, state, policy).await.map(drop)
    }

    /// Brings it to INIT from any state, within `patience`: behind BOOT it may write its flash memory first, or restart. Then
    /// clears what it was set up with.
    ///
    /// # Errors
    /// `SubDevice`, `Al`.
    pub async fn to_init(&self, patience: Duration) -> Result<(), BringUpError> {
        self.answering(patience).await?;
        let policy = AlPolicy {
            deadline: patience.max(AlPolicy::to(AlState::Init).deadline),
            ..self.network.policy(AlState::Init)
        };
        match al::request(self.datagrams, self.target(), &self.label(), AlState::Init, policy).await {
            Ok(_) => {}
            // It restarts.
            Err(_) if self.is_in_init_within(patience).await => {}
            Err(error) => return Err(error.into()),
        }
        self.reset().await.map_err(self.failed("clear what it was set up with"))
    }

    /// Brings it from INIT to BOOT, with the mailboxes that it has there.
    ///
    /// # Errors
    /// `SubDevice`, `Al`.
    pub async fn to_boot(&self, info: &MailboxInfo, patience: Duration) -> Result<(), BringUpError> {
        let numbers = [info.write_channel, info.read_channel];
        let channels: Vec<_> = numbers.into_iter().zip(Mailbox::sync_managers(info, &self.subdevice.sii)).collect();
        let written = set_sync_managers(self.datagrams, self.target(), &channels).await;
        written.map_err(self.failed("program the mailbox sync managers of BOOT"))?;
        let [owner, _] = SiiOwner::PDI.emit();
        let offered = self.datagrams.write_one(self.target(), register::SII_CONFIG, &[owner]).await;
        offered.map_err(self.failed("offer SII to the local application"))?;
        let policy = AlPolicy { deadline: patience, ..AlPolicy::to(AlState::Boot) };
        al::request(self.datagrams, self.target(), &self.label(), AlState::Boot, policy).await?;
        Ok(())
    }

    /// Reads its SII anew, in INIT. Returns it as it is now; what it maps is as it was.
    ///
    /// # Errors
    /// `Sii`.
    pub async fn identify(&self) -> Result<SubDevice, BringUpError> {
        let read = discovery::read_sii(self.datagrams, self.target(), SiiNames::Device).await;
        let sii = read.map_err(|source| BringUpError::Sii { who: self.label(), source })?;
        let identity = Identity::from(sii.fixed.identity);
        Ok(SubDevice { identity, mailbox: discovery::mailbox(&sii), sii, ..self.subdevice.clone() })
    }

    /// Brings it from INIT to PRE-OP, as it is `now`.
    ///
    /// # Errors
    /// `SubDevice`, `Al`.
    pub async fn to_pre_op(&self, now: &SubDevice) -> Result<(), BringUpError> {
        prepare_pre_op(self.datagrams, now).await?;
        self.request(AlState::PreOp).await
    }

    /// Gives it the PDOs that it is to have, in PRE-OP.
    ///
    /// # Errors
    /// `Assign`.
    pub async fn assign(
        &self,
        now: &SubDevice,
        mailbox: Option<&mut Mailbox>,
        wanted: &Assign,
    ) -> Result<(), BringUpError> {
        let coe = mailbox.filter(|mailbox| mailbox.info().coe());
        let done = wanted.write(self.datagrams, &now.sii, coe).await;
        done.map_err(|source| Box::new(AssignFailed { who: self.label(), source }).into())
    }

    /// Whether it maps the process data that the running exchange has for it, in PRE-OP; else how they differ.
    ///
    /// # Errors
    /// `Sdo`.
    pub async fn maps_otherwise(
        &self,
        now: &SubDevice,
        mailbox: Option<&mut Mailbox>,
    ) -> Result<Option<String>, BringUpError> {
        let map = pdo::read(self.datagrams, &now.sii, mailbox).await?;
        Ok(otherwise(&self.subdevice.sync_managers, &map.sync_managers))
    }

    /// Tells it its NetID, if it has AoE, in PRE-OP. That it doesn't take it is logged.
    pub async fn give_net_id(&self, mailbox: Option<&mut Mailbox>) {
        if let Some(mailbox) = mailbox {
            mailbox.tell_net_id(self.datagrams).await;
        }
    }

    /// Sends it startup commands. Returns what failed.
    pub async fn send_startup(&self, mailbox: Option<&mut Mailbox>, commands: &[Startup]) -> Vec<StartupFailed> {
        startup::send_all(self.datagrams, self.label(), mailbox, commands).await
    }

    /// Programs it for the exchange that is running, in PRE-OP. It takes part in cyclic frames only when it joins them: before
    /// SAFE-OP it has no inputs to be read, and the others' working counters would be unexplained.
    ///
    /// # Errors
    /// `SubDevice`, `Watchdog`, `WatchdogTime`.
    pub async fn program(&self, plan: &SubDevicePlan) -> Result<(), BringUpError> {
        let watchdog = self.network.watchdog().filter(|_| !plan.outputs.is_empty());
        let ticks = self.subdevice.watchdogs.ticks(watchdog)?;
        let without_fmmus = SubDevicePlan { fmmus: Vec::new(), status: None, ..plan.clone() };
        program_one(self.datagrams, self.subdevice, &without_fmmus, ticks).await
    }

    /// Has it take part in cyclic frames, in SAFE-OP, with one datagram: its status and its process data come in the same frame.
    ///
    /// # Errors
    /// `SubDevice`.
    pub async fn join_exchange(&self, plan: &SubDevicePlan) -> Result<(), BringUpError> {
        let mut block = Vec::new();
        for (number, entity) in plan.fmmus.iter().chain(&plan.status) {
            let from = usize::from(*number) * fmmu::LEN;
            block.resize(block.len().max(from + fmmu::LEN), 0);
            let active = entity.active && !plan.op_only.fmmus.contains(number);
            block[from..from + fmmu::LEN].copy_from_slice(&Fmmu { active, ..*entity }.emit());
        }
        if block.is_empty() {
            return Ok(());
        }
        let on = self.datagrams.write_one(self.target(), register::FMMU, &block).await;
        on.map_err(self.failed("program FMMUs"))
    }

    /// Brings it from PRE-OP to SAFE-OP.
    ///
    /// # Errors
    /// `Al`.
    pub async fn to_safe_op(&self) -> Result<(), BringUpError> {
        self.request(AlState::SafeOp).await
    }

    /// Brings it from SAFE-OP to OP, and has its datagrams carry events as those of all do.
    ///
    /// # Errors
    /// `SubDevice`, `Al`.
    pub async fn to_op(&self, plan: Option<&SubDevicePlan>) -> Result<(), BringUpError> {
        if let Some(plan) = plan {
            activate_one(self.datagrams, self.subdevice, plan).await?;
        }
        self.request(AlState::Op).await?;
        watchdog::clear_count(self.datagrams, self.target()).await;
        events::ask_one(self.datagrams, self.target()).await;
        Ok(())
    }

    async fn request(&self, state: AlState) -> Result<(), BringUpError> {
        let policy = self.subdevice.times.policy(state, self.network.policy(state));
        al::request(self.datagrams, self.target(), &self.label(), state, policy).await?;
        Ok(())
    }

    /// Waits until it answers, and gives its station address back to it where it has lost it.
    async fn answering(&self, patience: Duration) -> Result<AlShown, BringUpError> {
        let end = self.datagrams.now().saturating_add(patience);
        loop {
            match self.look().await {
                Ok((shown, Address::Kept)) => return Ok(shown),
                Ok((_, Address::Lost)) => {
                    let (at, station) = (Target::Position(self.subdevice.position), self.subdevice.station);
                    let given = self.datagrams.write_u16(at, register::STATION_ADDRESS, station).await;
                    given.map_err(self.failed("give it its station address"))?;
                }
                Err(source) if self.datagrams.now() >= end => {
                    return Err(self.failed("look whether it answers")(source));
                }
                Err(_) => self.datagrams.pause(LOOK).await,
            }
        }
    }

    /// Whether it answers in INIT before a time has passed: after a restart it is there by itself.
    async fn is_in_init_within(&self, patience: Duration) -> bool {
        let Ok(shown) = self.answering(patience).await else { return false };
        shown.status.state() == Some(AlState::Init) && !shown.status.error()
    }

    async fn look(&self) -> Result<(AlShown, Address), DatagramError> {
        let SubDevice { position, station, .. } = self.subdevice;
        look::shown(self.datagrams, *position, *station, self.network.subdevices().len()).await
    }

    /// What discovery clears at all of them. How many of the channels there are isn't looked at.
    async fn reset(&self) -> Result<(), DatagramError> {
        let target = self.target();
        let [forced, _] = SiiOwner::FORCED.emit();
        let [owner, _] = SiiOwner::MAIN_DEVICE.emit();
        let off: [(u16, &[u8]); 7] = [
            // Its station alias doesn't count as an address.
            (register::DL_CONTROL + 3, &[0]),
            (register::FMMU, &[0; CHANNELS * fmmu::LEN]),
            (register::SYNC_MANAGER, &[0; CHANNELS * sync_manager::LEN]),
            (register::DC_CYCLIC_CONTROL, &[0]),
            (register::DC_ACTIVATION, &[0]),
            (register::SII_CONFIG, &[forced]),
            (register::SII_CONFIG, &[owner]),
        ];
        for (register, data) in off {
            self.datagrams.write(target, register, data).await?;
        }
        Ok(())
    }

    const fn target(&self) -> Target {
        Target::Station(self.subdevice.station)
    }

    fn label(&self) -> Label {
        self.subdevice.label()
    }

    fn failed(&self, doing: &'static str) -> impl Fn(DatagramError) -> BringUpError + use<> {
        let who = self.label();
        move |source| BringUpError::SubDevice { who: who.clone(), doing, source }
    }
}

/// How process data differ in what the exchange depends on; names and types are left aside.
fn otherwise(before: &[SyncManagerLayout], now: &[SyncManagerLayout]) -> Option<String> {
    let entries = |pdos: &[Pdo]| -> Vec<(u16, u16, u8, u8)> {
        let of = |pdo: &Pdo| {
            let index = pdo.index;
            pdo.entries.iter().map(move |one| (index, one.index, one.subindex, one.bit_length)).collect::<Vec<_>>()
        };
        pdos.iter().flat_map(of).collect()
    };
    if before.len() != now.len() {
        return Some(format!("{} sync managers with process data instead of {}", now.len(), before.len()));
    }
    for (was, is) in before.iter().zip(now) {
        let number = was.number;
        if (was.number, was.direction) != (is.number, is.direction) {
            return Some(format!(
                "{:?}s on sync manager {} instead of {:?}s on {number}",
                is.direction, is.number, was.direction
            ));
        }
        if was.start != is.start {
            return Some(format!("sync manager {number} at {:#06x} instead of {:#06x}", is.start, was.start));
        }
        if entries(&was.pdos) != entries(&is.pdos) {
            let bits = |pdos: &[Pdo]| pdos.iter().map(Pdo::bits).sum::<usize>();
            return Some(format!(
                "other entries on sync manager {number}: {} bits, instead of {}",
                bits(&is.pdos),
                bits(&was.pdos)
            ));
        }
    }
    None
}
