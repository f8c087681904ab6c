//! The application behind an ESC: AL state machine, process data, mailbox. It acts when a frame has passed
//! ([`Application::settle`]) and when time passes ([`Application::step`]), never in between.

mod al;
mod aoe;
mod bits;
mod coe;
mod eoe;
mod faults;
mod foe;
mod habits;
mod mailbox;
mod mailboxes;
mod object_access;
mod object_rules;
mod process_data;
mod refusals;
mod run;
mod sdo;
mod sdo_info;
mod soe;
mod sync;
mod sync_watch;
mod voe;

use std::time::Duration;

use zerocat_wire::{AlState, AlStatusCode};

use crate::config::MailboxConfig;
use crate::describe::dictionary::Dictionary;
use crate::describe::{Description, ValueId};
use crate::esc::{Esc, Pending};
use crate::profile::{FaultReport, Profile, Values};

pub(crate) use al::Injection;
use al::{Al, Decision};
use mailbox::Mailbox;
use process_data::ProcessData;
pub(crate) use refusals::REFUSALS;
use refusals::Refusals;
use sync::Synchronization;
pub use sync_watch::SyncErrors;

/// How long a SubDevice waits in SAFE-OP for the first outputs after OP was asked for.
const OUTPUTS_WAIT: Duration = Duration::from_millis(100);

/// Bit of AL control that asks for the device ID, and of AL status while AL status code has it (ETG.1020; ET1100 data sheet,
/// section II, 0x0120 and 0x0130).
const IDENTIFY: u16 = 0x20;

/// The lowest bit that is set.
const fn lowest(bits: u16) -> u16 {
    bits & bits.wrapping_neg()
}

/// One application.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) description: Description,
    profile: Box<dyn Profile>,
    pub(crate) values: Values,
    dictionary: Dictionary,
    process_data: ProcessData,
    mailbox: Option<Mailbox>,
    refusals: Refusals,
    al: Al,
    transition_delay: Duration,
    /// When it reads AL control, which was written, and with which frame at the latest (`u8::MAX` for none).
    al_read: Option<(Duration, u8)>,
    /// It shows its device ID in place of an AL status code.
    identifies: bool,
    /// A transition that takes time: where to, and until when.
    transit: Option<(AlState, Duration)>,
    /// OP was asked for and outputs have not come yet.
    outputs_until: Option<Duration>,
    /// Sync managers whose outputs have come since SAFE-OP, one bit each.
    outputs_seen: u16,
    pub(crate) sync: Synchronization,
    /// The profile's fault that was last reported by an emergency.
    reported: Option<FaultReport>,
    pub(crate) watchdog_expiries: u64,
}

impl Application {
    pub(crate) fn new(
        description: Description,
        profile: Box<dyn Profile>,
        transition_delay: Duration,
        injection: Option<Injection>,
        mailbox: Option<&MailboxConfig>,
    ) -> Self {
        let mut values = Values::new(description.values);
        let mut profile = profile;
        profile.start(&mut values);
        Self {
            values,
            dictionary: Dictionary::new(&description),
            process_data: ProcessData::new(&description),
            mailbox: description.mailbox.as_ref().map(|plan| Mailbox::new(plan, mailbox, &description)),
            refusals: Refusals::default(),
            al: Al::new(injection, description.mailbox.is_some_and(|plan| plan.boot.is_some())),
            profile,
            description,
            transition_delay,
            al_read: None,
            identifies: false,
            transit: None,
            outputs_until: None,
            outputs_seen: 0,
            sync: Synchronization::new(),
            reported: None,
            watchdog_expiries: 0,
        }
    }

    /// What the application writes to the last byte of the mailbox, and how long it takes to hand a mail over, mail by mail.
    pub(crate) fn set_mails(&mut self, ends: &[u8], delays: impl Iterator<Item = Duration>) {
        if let Some(mailbox) = &mut self.mailbox {
            mailbox.set_mails(ends, delays);
        }
    }

    /// The next `times` that a state is asked for it is refused.
    pub(crate) fn refuse_state(&mut self, on: AlState, code: AlStatusCode, times: u32) {
        self.al.inject(Injection { on, code, times });
    }

    pub(crate) fn state(&self) -> AlState {
        self.al.state()
    }

    pub(crate) fn code(&self) -> AlStatusCode {
        self.al.code()
    }

    pub(crate) fn error(&self) -> bool {
        self.al.error()
    }

    /// Gives a value to a channel that a wire drives. Returns whether it changed.
    pub(crate) fn drive(&mut self, id: ValueId, value: u64) -> bool {
        let changed = self.values.raw(id) != value;
        if changed {
            self.values.set_raw(id, value);
            self.profile.inputs(&mut self.values);
        }
        changed
    }

    /// A channel is driven by a wire, no longer by the profile.
    pub(crate) fn take_over(&mut self, channel: usize) {
        self.profile.take_over(channel);
    }

    /// Acts on what a frame did. Returns whether outputs changed: they were taken over, or dropped by the watchdog.
    pub(crate) fn settle(&mut self, esc: &mut Esc, pending: Pending, now: Duration) -> bool {
        let mut dropped = false;
        if pending.flags & Pending::WATCHDOG != 0 {
            dropped = self.watchdog_expired(esc);
        }
        if pending.flags & Pending::SII != 0 {
            esc.run_sii(now);
        }
        if pending.flags & Pending::AL_CONTROL != 0 {
            self.notice_al_control(esc, now);
        }
        let outputs = pending.written & self.process_data.output_channels();
        let taken = outputs != 0 && self.outputs_written(esc, outputs, now);
        let (out, input) = self.mailbox.as_ref().map_or((0, 0), Mailbox::channels);
        if pending.written & out != 0 || pending.read & input != 0 || pending.flags & Pending::SYNC_MANAGER != 0 {
            self.serve_mailbox(esc);
        }
        if pending.read & self.process_data.refilled() != 0 {
            self.refresh_inputs(esc);
        }
        taken || dropped
    }

    /// The fault that the profile has raised.
    pub(crate) fn fault(&self) -> Option<FaultReport> {
        self.profile.fault()
    }

    /// Lets time pass. Returns whether values of output channels changed: the profile moves them, or the watchdog
    /// dropped the outputs.
    pub(crate) fn step(&mut self, esc: &mut Esc, now: Duration) -> bool {
        let dropped = esc.check_watchdog(now) && self.watchdog_expired(esc);
        if self.al_read.take_if(|(due, _)| *due <= now).is_some() {
            self.al_control(esc, now);
        }
        if let Some((target, until)) = self.transit
            && until <= now
        {
            self.transit = None;
            self.perform(esc, target, now);
        }
        if self.mailbox.as_ref().is_some_and(|mailbox| mailbox.is_due(now)) {
            self.serve_mailbox(esc);
        }
        let dropped = dropped | self.watch_sync(esc, now);
        self.wait_for_op(esc, now);
        self.profile.step(&mut self.values, now);
        self.report_profile(esc);
        self.refresh_inputs(esc);
        dropped || self.profile.moves()
    }

    /// OP was asked for: enters it when outputs and SYNC0 have come, and gives up after a time.
    fn wait_for_op(&mut self, esc: &mut Esc, now: Duration) {
        let Some(until) = self.outputs_until else { return };
        let (outputs, sync) = (self.has_outputs(), self.sync_ready(esc, now));
        if outputs && sync.is_ok() {
            self.begin_op(esc, now);
            return;
        }
        let until = if outputs { until + sync::PULSE_WAIT } else { until };
        if until > now {
            return;
        }
        self.outputs_until = None;
        let code = match (sync, esc.watchdog.expired()) {
            (_, true) => AlStatusCode::SYNC_MANAGER_WATCHDOG,
            (Err(code), _) if outputs => code,
            _ => AlStatusCode::NO_VALID_OUTPUTS,
        };
        self.fail(esc, AlState::SafeOp, code);
        self.report_transition(esc, AlState::Op, code);
    }

    fn begin_op(&mut self, esc: &mut Esc, now: Duration) {
        self.outputs_until = None;
        self.use_sync(esc, now);
        self.enter(esc, AlState::Op);
        self.take_waiting(esc);
    }

    /// Takes outputs that came into channels in mailbox mode before OP.
    fn take_waiting(&mut self, esc: &mut Esc) {
        let waiting = self.process_data.waiting(esc);
        if waiting != 0 {
            self.process_data.take_outputs(esc, waiting, &mut self.values);
        }
    }

    /// Puts the present values into the input buffer, where the state has valid inputs.
    pub(crate) fn refresh_inputs(&mut self, esc: &mut Esc) {
        let valid = self.description.device_emulation || matches!(self.state(), AlState::SafeOp | AlState::Op);
        if valid {
            self.process_data.put_inputs(esc, &mut self.values);
        }
    }

    /// The same after outputs came, if they changed what the buffer shows.
    pub(crate) fn answer_outputs(&mut self, esc: &mut Esc) {
        if self.values.changed() {
            self.refresh_inputs(esc);
        }
    }

    fn outputs_written(&mut self, esc: &mut Esc, channels: u16, now: Duration) -> bool {
        self.outputs_seen |= channels;
        // Of several sync managers the first stands for all.
        if channels & lowest(self.process_data.output_channels()) != 0 {
            self.note_outputs(esc);
        }
        let entered = self.outputs_until.is_some() && self.has_outputs() && self.sync_ready(esc, now).is_ok();
        if entered {
            self.begin_op(esc, now);
        }
        if self.state() != AlState::Op {
            self.process_data.pass_over(esc, channels);
            return false;
        }
        // What came before OP counts from now on.
        let channels = if entered { self.outputs_seen } else { channels };
        self.process_data.take_outputs(esc, channels, &mut self.values);
        self.profile.outputs(&mut self.values, now);
        self.report_profile(esc);
        true
    }

    /// Sync managers with outputs, one bit each.
    pub(crate) fn output_channels(&self) -> u16 {
        self.process_data.output_channels()
    }

    /// The outputs that the application has, packed as its sync managers have them.
    pub(crate) fn applied_outputs(&self) -> Vec<u8> {
        self.process_data.applied_outputs(&self.values)
    }

    /// What the sync managers with outputs hold, one behind the other.
    pub(crate) fn outputs_on_wire(&self, esc: &Esc) -> Vec<u8> {
        self.process_data.outputs_on_wire(esc)
    }

    /// What the sync managers with inputs hold, one behind the other.
    pub(crate) fn inputs_on_wire(&self, esc: &Esc) -> Vec<u8> {
        self.process_data.inputs_on_wire(esc)
    }

    /// Whether all outputs have come since SAFE-OP.
    fn has_outputs(&self) -> bool {
        let needed = self.process_data.awaited_channels();
        self.outputs_seen & needed == needed
    }

    fn watchdog_expired(&mut self, esc: &mut Esc) -> bool {
        self.watchdog_expiries += 1;
        self.outputs_seen = 0;
        if self.state() != AlState::Op {
            return false;
        }
        self.drop_outputs();
        if !self.description.device_emulation {
            self.fail(esc, AlState::SafeOp, AlStatusCode::SYNC_MANAGER_WATCHDOG);
            self.report_al_error(esc, AlStatusCode::SYNC_MANAGER_WATCHDOG);
        }
        true
    }

    fn drop_outputs(&mut self) {
        self.process_data.clear_outputs(&mut self.values);
        self.profile.safe(&mut self.values);
    }

    /// When it reads AL control, which was written.
    pub(crate) fn al_due(&self) -> Option<Duration> {
        self.al_read.map(|(due, _)| due)
    }

    /// A frame comes: one of those that it waits for at most.
    pub(crate) fn count_frame(&mut self, now: Duration) {
        if let Some((due, frames)) = self.al_read.as_mut().filter(|(_, frames)| *frames < u8::MAX) {
            *frames = frames.saturating_sub(1);
            if *frames == 0 {
                *due = now;
            }
        }
    }

    /// AL control was written: it is read now or later. An ESC that follows AL control by itself is never late.
    fn notice_al_control(&mut self, esc: &mut Esc, now: Duration) {
        let latency = self.description.esc.al_latency;
        if latency.is_zero() || self.description.device_emulation {
            self.al_control(esc, now);
        } else {
            self.al_read = Some((now + latency, self.description.esc.al_frames));
        }
    }

    fn al_control(&mut self, esc: &mut Esc, now: Duration) {
        let control = esc.take_al_control();
        if self.description.sii.blank {
            // The ESC has no configuration, so there is nobody behind it (ET1100 data sheet, section I, 11.1).
            return;
        }
        if self.description.device_emulation {
            let left = self.al.emulate(control) && self.state() != AlState::Op;
            if left {
                self.drop_outputs();
            }
            if self.state() == AlState::Op {
                self.take_waiting(esc);
            }
            esc.show_al(control & 0x1f, self.al.code().0);
            return;
        }
        self.identifies = control & IDENTIFY != 0 && self.description.sii.device_id != 0;
        match self.al.request(control) {
            Decision::Ignore => {}
            Decision::Stay => {
                self.break_off();
                self.show(esc);
            }
            // Asked for again: the transition goes on.
            Decision::Go(target) if self.under_way() == Some(target) => self.show(esc),
            Decision::Go(target) => {
                self.break_off();
                self.show(esc);
                if self.transition_delay.is_zero() {
                    self.perform(esc, target, now);
                } else {
                    self.transit = Some((target, now + self.transition_delay));
                }
            }
        }
    }

    /// Target of the transition in progress.
    fn under_way(&self) -> Option<AlState> {
        self.transit.map(|(target, _)| target).or(self.outputs_until.map(|_| AlState::Op))
    }

    /// Abandons the transition in progress, because the MainDevice has asked for another state.
    fn break_off(&mut self) {
        self.transit = None;
        self.outputs_until = None;
    }

    fn show(&self, esc: &mut Esc) {
        if self.identifies && !self.al.error() {
            return esc.show_al(self.al.status() | IDENTIFY, self.description.sii.device_id);
        }
        esc.show_al(self.al.status(), self.al.code().0);
    }

    fn fail(&mut self, esc: &mut Esc, state: AlState, code: AlStatusCode) {
        self.al.fail(state, code);
        self.show(esc);
    }

    /// Carries out a transition that the state machine allows, after the checks of ETG.1000.6, 6.4.1.
    fn perform(&mut self, esc: &mut Esc, target: AlState, now: Duration) {
        let from = self.state();
        let checked = match (from, target) {
            (AlState::Init, AlState::PreOp | AlState::Boot) => self.check_mailbox(esc, target),
            (AlState::PreOp, AlState::SafeOp) => {
                let mailbox = self.check_mailbox(esc, target);
                mailbox.and_then(|()| self.check_sync(esc, now)).and_then(|()| self.check_process_data(esc))
            }
            _ => Ok(()),
        };
        let checked = checked.and_then(|()| self.al.injected(target));
        if let Err(code) = checked {
            self.fail(esc, from, code);
            self.report_transition(esc, target, code);
            return;
        }
        if target != AlState::Op {
            return self.enter(esc, target);
        }
        if self.has_outputs() && self.sync_ready(esc, now).is_ok() {
            self.begin_op(esc, now);
        } else {
            self.outputs_until = Some(now + OUTPUTS_WAIT);
        }
    }

    fn enter(&mut self, esc: &mut Esc, target: AlState) {
        let from = self.state();
        self.al.enter(target);
        if from == AlState::Op {
            self.drop_outputs();
        }
        if matches!(target, AlState::Init | AlState::PreOp) {
            self.leave_process_data(esc);
        }
        if from == AlState::Init || target == AlState::Init {
            self.reset_mailbox(esc, target != AlState::Init);
        }
        if target > from {
            self.end_of_error(esc);
        }
        if (from, target) == (AlState::PreOp, AlState::SafeOp) {
            self.outputs_seen = 0;
            self.begin_sync();
        }
        self.refresh_inputs(esc);
        self.show(esc);
    }

    /// Raises an error and falls back to `target`, which is the present state or one below.
    pub(crate) fn raise(&mut self, esc: &mut Esc, target: AlState, code: AlStatusCode) {
        self.break_off();
        if target != self.state() {
            self.enter(esc, target);
        }
        self.fail(esc, target, code);
        self.report_al_error(esc, code);
    }

    fn leave_process_data(&mut self, esc: &mut Esc) {
        self.outputs_seen = 0;
        self.process_data.sync_managers().for_each(|n| esc.reset_channel(n));
    }

    fn check_process_data(&mut self, esc: &Esc) -> Result<(), AlStatusCode> {
        let compiled = self.process_data.compile(&self.description, &self.dictionary);
        if let (Some(mailbox), false) = (&self.mailbox, self.description.has_coe()) {
            let telegram = |purpose| mailbox.soe().and_then(|soe| soe.telegram(purpose));
            self.process_data.take_telegrams(&self.description, telegram);
        }
        self.values.touch();
        compiled?;
        self.process_data.check(esc)?;
        self.profile.check(&self.values)
    }
}
