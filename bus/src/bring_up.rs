//! The way from an unknown bus to OP and back, in phases that the caller composes, because cyclic frames must start
//! flowing in the middle of it.
//!
//! ```text
//! discover ─► to_pre_op ─► read_pdos ─► layouts ─► (lay out) ─► program ─► to_safe_op ─► (start cyclic frames)
//! ─► activate_for_op ─► to_op
//! step_down(SAFE-OP) ─► (stop cyclic frames) ─► shut_down
//! ```
//!
//! Guarantees: each phase is done with all SubDevices at the same time and verified with each one, or with all in one answer
//! that can't hold if it doesn't for each; the first error in
//! bus order is returned, the others are logged; a failed phase leaves the [`Network`] usable (ask for states, repeat
//! the phase, shut down).

use std::time::Duration;

use zerocat_pdi::{OpOnly, Plan, SubDeviceLayout, SubDevicePlan};
use zerocat_wire::al::AlState;
use zerocat_wire::aoe::NetId;
use zerocat_wire::fmmu::Fmmu;
use zerocat_wire::sii::SiiOwner;
use zerocat_wire::sync_manager::SyncManager;
use zerocat_wire::{fmmu, register, sync_manager};

use crate::actor::Actors;
use crate::al::{self, AlPolicy, AlReached, AlShown};
use crate::coe::SdoError;
use crate::datagrams::{Datagrams, Target};
use crate::discovery;
use crate::error::{BringUpError, DatagramError, Label};
use crate::executor::join_all;
use crate::look;
use crate::mailbox::{MailCounters, MailPolicy, MailTimes, Mailbox, ReceivedEmergency};
use crate::names::{self, NameBook};
use crate::pdo;
use crate::sii::SiiNames;
use crate::subdevice::SubDevice;
use crate::times::Times;
use crate::topology::Topology;
use crate::types::{self, WantedTypes};
use crate::watchdog::{self, Ticks, Watchdogs};

/// What the caller may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Sync manager watchdog of SubDevices with outputs; `None` leaves it as it is (100 ms after power-up).
    pub watchdog: Option<Duration>,
    /// Instead of [`AlPolicy::to`] for all states but OP.
    pub policy: Option<AlPolicy>,
    /// Instead of [`AlPolicy::patient`] for OP.
    pub policy_op: Option<AlPolicy>,
    /// Which names are read from the SIIs.
    pub names: SiiNames,
}

/// What a SubDevice shows when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateReport {
    /// Who.
    pub who: Label,
    /// What it shows while the network is in OP and all is well; `None`: anything.
    pub expected: Option<AlState>,
    /// What it shows, or why it didn't.
    pub shown: Result<AlShown, DatagramError>,
    /// How it was found.
    pub address: Address,
}

/// Whether a SubDevice of a network in operation has the station address still that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Address {
    /// It has, or doesn't answer.
    #[default]
    Kept,
    /// It has none, and was found by its position: it was switched off and on, or restarted.
    Lost,
}

/// A found network.
#[derive(Debug)]
pub struct Network<'d> {
    datagrams: &'d Datagrams,
    options: Options,
    subdevices: Vec<SubDevice>,
    mailboxes: Vec<Option<Mailbox>>,
    topology: Topology,
}

impl<'d> Network<'d> {
    /// Finds all SubDevices, brings them to INIT and reads who they are. What they were doing ends.
    ///
    /// # Errors
    /// Those of [`discovery::discover`].
    pub async fn discover(datagrams: &'d Datagrams, options: Options) -> Result<Self, BringUpError> {
        let (subdevices, topology) = discovery::discover(datagrams, options.names).await?;
        let mailbox = |subdevice: &SubDevice| {
            subdevice.mailbox.map(|info| Mailbox::new(subdevice.label(), subdevice.station, info))
        };
        let mailboxes = subdevices.iter().map(mailbox).collect();
        Ok(Self { datagrams, options, subdevices, mailboxes, topology })
    }

    /// The SubDevices, in bus order.
    #[must_use]
    pub fn subdevices(&self) -> &[SubDevice] {
        &self.subdevices
    }

    /// Says how long the SubDevice at a position may take from now on. Without one there it does nothing.
    pub fn set_times(&mut self, position: u16, times: Times) {
        let at = usize::from(position);
        if let Some(subdevice) = self.subdevices.get_mut(at) {
            subdevice.times = times;
        }
        if let Some(mailbox) = self.mailboxes.get_mut(at).and_then(Option::as_mut) {
            mailbox.set_times(times.mail(MailTimes::default()));
        }
    }

    /// Says how the mailbox of the SubDevice at a position is used from now on. Without one there it does nothing.
    pub fn set_mail_policy(&mut self, position: u16, policy: MailPolicy) {
        if let Some(mailbox) = self.mailboxes.get_mut(usize::from(position)).and_then(Option::as_mut) {
            mailbox.set_policy(policy);
        }
    }

    /// What was counted of the mailboxes, by the SubDevices that have one.
    pub fn mail_counters(&self) -> impl Iterator<Item = (Label, MailCounters)> + '_ {
        let both = self.subdevices.iter().zip(&self.mailboxes);
        both.filter_map(|(subdevice, mailbox)| Some((subdevice.label(), mailbox.as_ref()?.counters())))
    }

    /// Goes on counting mail where the network that was lost ended. What was counted of this one so far is dropped.
    pub fn go_on_counting(&mut self, before: &Network<'_>) {
        for (mailbox, before) in self.mailboxes.iter_mut().zip(&before.mailboxes) {
            if let (Some(mailbox), Some(before)) = (mailbox, before) {
                mailbox.go_on_from(before);
            }
        }
    }

    /// Gives the SubDevice at a position watchdogs of its own. Without one there it does nothing.
    pub fn set_watchdogs(&mut self, position: u16, watchdogs: Watchdogs) {
        if let Some(subdevice) = self.subdevices.get_mut(usize::from(position)) {
            subdevice.watchdogs = watchdogs;
        }
    }

    pub(crate) fn set_device_id(&mut self, position: u16, id: Option<u16>) {
        if let Some(subdevice) = self.subdevices.get_mut(usize::from(position)) {
            subdevice.device_id = id;
        }
    }

    /// Leaves the SubDevice at a position in INIT from now on, without process data. Without one there it does nothing.
    pub fn exclude(&mut self, position: u16) {
        if let Some(subdevice) = self.subdevices.get_mut(usize::from(position)) {
            subdevice.excluded = true;
        }
    }

    /// The datagram layer that it uses.
    pub(crate) const fn datagrams(&self) -> &'d Datagrams {
        self.datagrams
    }

    /// Each SubDevice with its mailbox, in bus order.
    pub(crate) fn nodes(&mut self) -> impl Iterator<Item = (&SubDevice, Option<&mut Mailbox>)> {
        self.subdevices.iter().zip(self.mailboxes.iter_mut().map(Option::as_mut))
    }

    /// The SubDevices, for what is read of them later.
    pub(crate) fn subdevices_mut(&mut self) -> &mut [SubDevice] {
        &mut self.subdevices
    }

    /// Its mailboxes in bus order, which somebody else uses from now on.
    pub(crate) fn take_mailboxes(&mut self) -> Vec<Option<Mailbox>> {
        std::mem::replace(&mut self.mailboxes, self.subdevices.iter().map(|_| None).collect())
    }

    /// Takes its mailboxes back from its actors.
    pub fn take_back(&mut self, actors: Actors<'_>) {
        self.mailboxes = actors.into_mailboxes();
    }

    /// Who hangs on whom.
    #[must_use]
    pub const fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Programs the mailboxes, leaves the SII to the local application, and goes to PRE-OP.
    ///
    /// # Errors
    /// `SubDevice`, `Al`.
    pub async fn to_pre_op(&mut self) -> Result<Vec<AlReached>, BringUpError> {
        let datagrams = self.datagrams;
        let going = self.subdevices.iter().filter(|subdevice| subdevice.goes_up());
        let prepared = join_all(going.map(|subdevice| prepare_pre_op(datagrams, subdevice))).await;
        first(prepared)?;
        self.go(AlState::PreOp).await
    }

    /// Calls the SubDevice at a position by a NetID of its own. Without one there it does nothing.
    pub fn set_net_id(&mut self, position: u16, net_id: NetId) {
        if let Some(mailbox) = self.mailbox(position) {
            mailbox.set_net_id(net_id);
        }
    }

    /// Tells those with AoE their NetIDs, in PRE-OP or above. That one doesn't take its own is logged.
    pub async fn give_net_ids(&mut self) {
        let datagrams = self.datagrams;
        let nodes = self.subdevices.iter().zip(&mut self.mailboxes).filter(|(subdevice, _)| subdevice.goes_up());
        join_all(nodes.filter_map(|(_, mailbox)| mailbox.as_mut()).map(|mailbox| mailbox.tell_net_id(datagrams))).await;
    }

    /// Reads what each SubDevice maps, by CoE, SoE or SII. In PRE-OP or above.
    ///
    /// # Errors
    /// `Sdo`, other than that objects don't exist.
    pub async fn read_pdos(&mut self) -> Result<(), BringUpError> {
        let datagrams = self.datagrams;
        let nodes = self.subdevices.iter().zip(&mut self.mailboxes).filter(|(subdevice, _)| subdevice.goes_up());
        let reads = nodes.map(|(subdevice, mailbox)| pdo::read(datagrams, &subdevice.sii, mailbox.as_mut()));
        let maps = join_all(reads).await;
        let maps = first(maps.into_iter().map(|map| map.map_err(BringUpError::from)).collect())?;
        for (subdevice, map) in self.subdevices.iter_mut().filter(|subdevice| subdevice.goes_up()).zip(maps) {
            take_map(subdevice, map);
        }
        Ok(())
    }

    /// Takes each SubDevice to PRE-OP and reads what it maps, each by itself: one that fails doesn't keep the others from
    /// it, and its error stands in its place. For a look at a bus that isn't to be operated.
    pub async fn explore(&mut self) -> Vec<Result<(), BringUpError>> {
        let (datagrams, policy) = (self.datagrams, self.policy(AlState::PreOp));
        let nodes = self.subdevices.iter_mut().zip(&mut self.mailboxes);
        join_all(nodes.map(|(subdevice, mailbox)| explore_one(datagrams, subdevice, mailbox.as_mut(), policy))).await
    }

    /// Has SubDevices say what they call the entries that have no name in their SII, within [`names::IN_ALL`], and fills what is
    /// known of their kind into `book`. After their maps were read.
    pub async fn read_names(&mut self, book: &mut NameBook) {
        names::give_names(self.datagrams, &mut self.subdevices, &mut self.mailboxes, book).await;
    }

    /// Has SubDevices say the data types of entries that have none in their SII, within [`types::PER_SUBDEVICE`]. After
    /// their maps were read.
    pub async fn read_types(&mut self, wanted: &WantedTypes) {
        types::give_types(self.datagrams, &mut self.subdevices, &mut self.mailboxes, wanted).await;
    }

    /// What each SubDevice brings to the process image, in bus order.
    #[must_use]
    pub fn layouts(&self) -> Vec<SubDeviceLayout> {
        self.subdevices.iter().map(SubDevice::layout).collect()
    }

    /// Programs process data sync managers, FMMUs and watchdogs. In PRE-OP.
    ///
    /// # Errors
    /// `SubDevice`, `Watchdog`, `WatchdogTime`, `NoSuchPosition`.
    pub async fn program(&mut self, plan: &Plan) -> Result<(), BringUpError> {
        let mut work = Vec::new();
        for planned in &plan.subdevices {
            let subdevice = self.at(planned.position)?;
            let ticks = subdevice.watchdogs.ticks(self.options.watchdog.filter(|_| !planned.outputs.is_empty()))?;
            work.push(program_one(self.datagrams, subdevice, planned, ticks));
        }
        first(join_all(work).await).map(drop)
    }

    /// Switches on what is for OP only. In SAFE-OP, with cyclic frames flowing, before OP is asked for.
    ///
    /// # Errors
    /// `SubDevice`, `NoSuchPosition`.
    pub async fn activate_for_op(&mut self, plan: &Plan) -> Result<(), BringUpError> {
        let mut work = Vec::new();
        for planned in plan.subdevices.iter().filter(|planned| !planned.op_only.is_empty()) {
            work.push(activate_one(self.datagrams, self.at(planned.position)?, planned));
        }
        first(join_all(work).await).map(drop)
    }

    /// Goes to SAFE-OP.
    ///
    /// # Errors
    /// `Al`.
    pub async fn to_safe_op(&mut self) -> Result<Vec<AlReached>, BringUpError> {
        self.go(AlState::SafeOp).await
    }

    /// Goes to OP, acknowledging errors patiently. Cyclic frames must flow already, and go on flowing.
    ///
    /// # Errors
    /// `Al`.
    pub async fn to_op(&mut self) -> Result<Vec<AlReached>, BringUpError> {
        self.go(AlState::Op).await
    }

    /// Has all SubDevices count anew how often their watchdogs expire.
    pub async fn clear_watchdog_counts(&self) {
        watchdog::clear_count(self.datagrams, Target::Broadcast).await;
    }

    /// Goes to INIT at once, from any state.
    ///
    /// # Errors
    /// `Al`.
    pub async fn to_init(&mut self) -> Result<Vec<AlReached>, BringUpError> {
        self.go(AlState::Init).await
    }

    /// Brings those that show a higher state down to `state`. Best effort: all are asked, and what failed is returned.
    pub async fn step_down(&mut self, state: AlState) -> Vec<BringUpError> {
        let (datagrams, policy, count) = (self.datagrams, self.policy(state), self.subdevices.len());
        let steps = self.subdevices.iter().map(|one| step_down_one(datagrams, one, count, state, policy));
        let steps = join_all(steps).await;
        let mut failed = Vec::new();
        for (subdevice, step) in self.subdevices.iter_mut().zip(steps) {
            match step {
                Ok(Some(reached)) => subdevice.state = reached,
                Ok(None) => {}
                Err(error) => failed.push(error),
            }
        }
        failed
    }

    /// Brings all down to SAFE-OP, PRE-OP and INIT, in that order and best effort. Returns what failed; empty when all
    /// went well.
    pub async fn shut_down(&mut self) -> Vec<BringUpError> {
        let mut failed = Vec::new();
        for state in [AlState::SafeOp, AlState::PreOp, AlState::Init] {
            failed.extend(self.step_down(state).await);
        }
        failed
    }

    /// Reads an object of the SubDevice at a position.
    ///
    /// # Errors
    /// `Sdo`, `NoSuchPosition`.
    pub async fn upload(&mut self, position: u16, index: u16, subindex: u8) -> Result<Vec<u8>, BringUpError> {
        let datagrams = self.datagrams;
        Ok(self.coe(position)?.upload(datagrams, index, subindex).await?)
    }

    /// Writes an object of the SubDevice at a position.
    ///
    /// # Errors
    /// `Sdo`, `NoSuchPosition`.
    pub async fn download(&mut self, position: u16, index: u16, subindex: u8, data: &[u8]) -> Result<(), BringUpError> {
        let datagrams = self.datagrams;
        Ok(self.coe(position)?.download(datagrams, index, subindex, data).await?)
    }

    /// The mailbox of the SubDevice at a position, if it has one.
    pub fn mailbox(&mut self, position: u16) -> Option<&mut Mailbox> {
        self.mailboxes.get_mut(usize::from(position))?.as_mut()
    }

    /// Takes the emergencies that came in between other mails, in bus order.
    pub fn take_emergencies(&mut self) -> Vec<(Label, ReceivedEmergency)> {
        let mut taken = Vec::new();
        for mailbox in self.mailboxes.iter_mut().flatten() {
            let who = mailbox.who().clone();
            taken.extend(mailbox.take_emergencies().into_iter().map(|received| (who.clone(), received)));
        }
        taken
    }

    fn coe(&mut self, position: u16) -> Result<&mut Mailbox, BringUpError> {
        let who = self.at(position)?.label();
        let mailbox = self.mailbox(position).filter(|mailbox| mailbox.info().coe());
        mailbox.ok_or(BringUpError::Sdo(SdoError::NoCoe { who }))
    }

    fn at(&self, position: u16) -> Result<&SubDevice, BringUpError> {
        let count = self.subdevices.len();
        self.subdevices.get(usize::from(position)).ok_or(BringUpError::NoSuchPosition { position, count })
    }

    /// The watchdog of SubDevices with outputs, where it is chosen.
    pub(crate) const fn watchdog(&self) -> Option<Duration> {
        self.options.watchdog
    }

    pub(crate) fn policy(&self, state: AlState) -> AlPolicy {
        match state {
            AlState::Op => self.options.policy_op.unwrap_or(AlPolicy::patient()),
            other => self.options.policy.unwrap_or(AlPolicy::to(other)),
        }
    }

    /// Asks all together. Where not all show the state soon, each is followed by itself.
    async fn go(&mut self, state: AlState) -> Result<Vec<AlReached>, BringUpError> {
        let (datagrams, policy, start) = (self.datagrams, self.policy(state), self.datagrams.now());
        let goes = |subdevice: &SubDevice| subdevice.goes_up() || state == AlState::Init && subdevice.refused.is_none();
        let going: Vec<_> = self.subdevices.iter().filter(|subdevice| goes(subdevice)).collect();
        let all = going.len() == self.subdevices.len();
        let results = if all && al::request_all(datagrams, going.len(), state, policy.poll).await {
            let took = datagrams.now().saturating_sub(start);
            let reached = |subdevice: &&SubDevice| {
                Ok(AlReached { who: subdevice.label(), state, acknowledged: Vec::new(), took })
            };
            going.iter().map(reached).collect()
        } else {
            let requests = going.into_iter().map(|subdevice| async move {
                let who = subdevice.label();
                let policy = subdevice.times.policy(state, policy);
                al::pursue(datagrams, Target::Station(subdevice.station), &who, state, policy).await
            });
            join_all(requests).await
        };
        for (subdevice, result) in self.subdevices.iter_mut().filter(|subdevice| goes(subdevice)).zip(&results) {
            if let Ok(reached) = result {
                subdevice.state = reached.state;
            }
        }
        let reached = first(results.into_iter().map(|result| result.map_err(BringUpError::from)).collect())?;
        tracing::info!(subdevices = reached.len(), %state, "all reached");
        Ok(reached)
    }
}

/// All results, or the first error; the other errors are logged.
fn first<T>(results: Vec<Result<T, BringUpError>>) -> Result<Vec<T>, BringUpError> {
    let mut good = Vec::with_capacity(results.len());
    let mut first = None;
    for result in results {
        match result {
            Ok(value) => good.push(value),
            Err(error) if first.is_none() => first = Some(error),
            Err(error) => tracing::error!(fault = %error.fault(), %error),
        }
    }
    first.map_or(Ok(good), Err)
}

pub(crate) async fn prepare_pre_op(datagrams: &Datagrams, subdevice: &SubDevice) -> Result<(), BringUpError> {
    let target = Target::Station(subdevice.station);
    let failed = |doing| move |source| BringUpError::SubDevice { who: subdevice.label(), doing, source };
    if let Some(info) = &subdevice.mailbox {
        let numbers = [info.write_channel, info.read_channel];
        let channels: Vec<_> = numbers.into_iter().zip(Mailbox::sync_managers(info, &subdevice.sii)).collect();
        let written = set_sync_managers(datagrams, target, &channels).await;
        written.map_err(failed("program mailbox sync managers"))?;
    }
    // From INIT to PRE-OP the local application must be able to use the SII (ETG.1000.6, 6.4.1).
    let [owner, _] = SiiOwner::PDI.emit();
    let offered = datagrams.write_one(target, register::SII_CONFIG, &[owner]).await;
    offered.map_err(failed("offer SII to the local application"))
}

async fn explore_one(
    datagrams: &Datagrams,
    subdevice: &mut SubDevice,
    mailbox: Option<&mut Mailbox>,
    policy: AlPolicy,
) -> Result<(), BringUpError> {
    if !subdevice.goes_up() {
        return subdevice.refused.clone().map_or(Ok(()), |error| Err(error.into()));
    }
    prepare_pre_op(datagrams, subdevice).await?;
    let target = Target::Station(subdevice.station);
    let policy = subdevice.times.policy(AlState::PreOp, policy);
    subdevice.state = al::request(datagrams, target, &subdevice.label(), AlState::PreOp, policy).await?.state;
    let map = pdo::read(datagrams, &subdevice.sii, mailbox).await?;
    take_map(subdevice, map);
    Ok(())
}

fn take_map(subdevice: &mut SubDevice, map: pdo::PdoMap) {
    for note in &map.notes {
        tracing::warn!(subdevice = %subdevice.label(), note, "PDO map");
    }
    subdevice.notes.extend(map.notes);
    subdevice.pdo_source = map.source;
    subdevice.sync_managers = map.sync_managers;
}

/// Sets sync managers. They are switched off first: one that is on can't be changed.
pub(crate) async fn set_sync_managers(
    datagrams: &Datagrams,
    target: Target,
    channels: &[(u8, SyncManager)],
) -> Result<(), DatagramError> {
    let values = channels.iter().map(|(number, channel)| (sync_manager::register(*number), channel.emit()));
    let off = channels.iter().map(|(number, _)| (sync_manager::register(*number), [0; sync_manager::LEN]));
    write_neighbours(datagrams, target, off).await?;
    write_neighbours(datagrams, target, values).await
}

/// Writes values to registers at the same time, those that follow each other without a gap in one datagram.
async fn write_neighbours<const N: usize>(
    datagrams: &Datagrams,
    target: Target,
    values: impl Iterator<Item = (u16, [u8; N])>,
) -> Result<(), DatagramError> {
    let mut runs: Vec<(u16, Vec<u8>)> = Vec::new();
    for (register, value) in values {
        match runs.last_mut() {
            Some((start, run)) if usize::from(*start) + run.len() == usize::from(register) => run.extend(value),
            _ => runs.push((register, value.to_vec())),
        }
    }
    let writes = runs.iter().map(|(register, run)| datagrams.write_one(target, *register, run));
    join_all(writes).await.into_iter().collect()
}

pub(crate) async fn program_one(
    datagrams: &Datagrams,
    subdevice: &SubDevice,
    planned: &SubDevicePlan,
    ticks: Ticks,
) -> Result<(), BringUpError> {
    let target = Target::Station(subdevice.station);
    let failed = |doing| move |source| BringUpError::SubDevice { who: subdevice.label(), doing, source };
    let OpOnly { sync_managers: late_channels, fmmus: late_entities } = &planned.op_only;
    let early = |(number, channel): &(u8, SyncManager)| {
        let late = late_channels.contains(number);
        (*number, if late { SyncManager { activate: 0, ..*channel } } else { *channel })
    };
    let channels: Vec<_> = planned.sync_managers.iter().map(early).collect();
    let written = set_sync_managers(datagrams, target, &channels).await;
    written.map_err(failed("program process data sync managers"))?;
    let entities = planned.fmmus.iter().chain(&planned.status).map(|(number, entity)| {
        let entity = Fmmu { active: !late_entities.contains(number), ..*entity };
        (fmmu::register(*number), entity.emit())
    });
    write_neighbours(datagrams, target, entities).await.map_err(failed("program FMMUs"))?;
    watchdog::program(datagrams, target, &subdevice.label(), ticks).await
}

/// Switches on the sync managers and FMMUs of a SubDevice that are for OP only.
pub(crate) async fn activate_one(
    datagrams: &Datagrams,
    subdevice: &SubDevice,
    planned: &SubDevicePlan,
) -> Result<(), BringUpError> {
    let target = Target::Station(subdevice.station);
    let failed =
        |source| BringUpError::SubDevice { who: subdevice.label(), doing: "switch on what is for OP only", source };
    for number in &planned.op_only.sync_managers {
        let register = sync_manager::register(*number) + sync_manager::ACTIVATE;
        datagrams.write_one(target, register, &[sync_manager::activate::ENABLE]).await.map_err(failed)?;
    }
    for number in &planned.op_only.fmmus {
        datagrams.write_one(target, fmmu::register(*number) + fmmu::ACTIVE, &[1]).await.map_err(failed)?;
    }
    Ok(())
}

/// `None` where it is that far down already, as one that was switched off and on is, or goes nowhere.
pub(crate) async fn step_down_one(
    datagrams: &Datagrams,
    subdevice: &SubDevice,
    count: usize,
    state: AlState,
    policy: AlPolicy,
) -> Result<Option<AlState>, BringUpError> {
    if subdevice.refused.is_some() {
        return Ok(None);
    }
    let (target, who) = (Target::Station(subdevice.station), subdevice.label());
    let shown = look::shown(datagrams, subdevice.position, subdevice.station, count).await;
    let (shown, _) =
        shown.map_err(|source| BringUpError::SubDevice { who: who.clone(), doing: "read AL status", source })?;
    let error = shown.status.error();
    // Never upward, and only the last step needs errors gone. BOOT knows no way but to INIT.
    let done = match shown.status.state() {
        Some(AlState::Boot) => state != AlState::Init,
        Some(shown) => shown < state || (shown == state && !(error && state == AlState::Init)),
        None => false,
    };
    if done {
        return Ok(None);
    }
    Ok(Some(al::request(datagrams, target, &who, state, policy).await?.state))
}
