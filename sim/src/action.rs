//! What can be done to a segment while it runs: cables, power, errors, inputs, clocks.
//!
//! An action takes effect at once, between two frames. Repeating an action that has taken effect already is not an
//! error and changes nothing. A cable is named by the SubDevice at its downstream end; that of the first SubDevice
//! leads to the MainDevice.

use std::time::Duration;

use zerocat_wire::coe::{AbortCode, DiagnosisKind, Emergency};
use zerocat_wire::sii::fixed::protocol;
use zerocat_wire::voe::VoeHeader;
use zerocat_wire::{AlState, AlStatusCode};

use crate::config::MOST_DRIFT;
use crate::describe::MailboxPlan;
use crate::segment::Segment;
use crate::topology::End;

/// Something that happens to a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// A cable is pulled: both its ports lose their link.
    PullCable {
        /// Index in the file of the SubDevice at its downstream end.
        child: usize,
    },
    /// A cable is put back.
    PlugCable {
        /// Index in the file of the SubDevice at its downstream end.
        child: usize,
    },
    /// The cable of an end is pulled.
    PullEnd(End),
    /// The cable of an end is put back.
    PlugEnd(End),
    /// A cable damages the next frames that pass it: they are lost, and ports count errors.
    DamageFrames {
        /// Index in the file of the SubDevice at its downstream end.
        child: usize,
        /// How many frames.
        frames: u32,
    },
    /// A SubDevice loses its power, and its neighbours their link to it.
    PowerOff {
        /// Index in the file.
        subdevice: usize,
    },
    /// Its power comes back. It starts in INIT and has kept nothing but its SII.
    PowerOn {
        /// Index in the file.
        subdevice: usize,
    },
    /// A SubDevice raises an AL error.
    AlError {
        /// Index in the file.
        subdevice: usize,
        /// The state that it falls back to; by default the one it is in.
        state: Option<AlState>,
        /// AL status code (ETG.1000.6, table 11).
        code: u16,
    },
    /// A mailbox takes requests but doesn't answer them and sends nothing; or it works again.
    FreezeMailbox {
        /// Index in the file.
        subdevice: usize,
        /// Whether it is frozen.
        frozen: bool,
    },
    /// SDO accesses to an object are aborted, or no longer.
    AbortSdo {
        /// Index in the file.
        subdevice: usize,
        /// Which accesses, and the abort code; `None`: all are served again.
        refusal: Option<SdoRefusal>,
    },
    /// A SubDevice with CoE raises an emergency: register and history keep it, and from PRE-OP on it is sent.
    Emergency {
        /// Index in the file.
        subdevice: usize,
        /// Error code (CiA 301, table 26); 0 says that the error is gone.
        code: u16,
        /// Error register, object 0x1001.
        register: u8,
        /// Diagnostic data.
        data: [u8; 5],
    },
    /// A SubDevice with VoE sends a vendor's mail that nobody asked for, if it is in PRE-OP or above. The vendor ID is its own.
    VendorMail {
        /// Index in the file.
        subdevice: usize,
        /// What the vendor makes of it.
        vendor_type: u16,
        /// What it says.
        data: [u8; 8],
    },
    /// A SubDevice's diagnosis history (object 0x10F3) gets a message.
    Diagnosis {
        /// Index in the file.
        subdevice: usize,
        /// How grave it is.
        kind: DiagnosisKind,
        /// An error code, as an emergency has it.
        code: u16,
        /// Number of its text in the description.
        text_id: u16,
    },
    /// An input channel takes a value, and keeps it.
    SetInput {
        /// Index in the file.
        subdevice: usize,
        /// Channel from 1, as in the `wires` of the file.
        channel: usize,
        /// The value, in the range of the channel; signed ones in two's complement of 64 bits.
        value: u64,
    },
    /// A latch input goes high or low; its ESC latches the system time.
    SetLatchInput {
        /// Index in the file.
        subdevice: usize,
        /// Which of the two, 0 or 1.
        input: LatchInput,
        /// Whether it goes high.
        high: bool,
    },
    /// The crystal of a SubDevice gets another drift.
    ClockDrift {
        /// Index in the file.
        subdevice: usize,
        /// How much too fast it is, in parts per million, -1000 to 1000.
        ppm: f64,
    },
    /// The clock of a SubDevice follows the reference clock no longer, or again.
    FollowReference {
        /// Index in the file.
        subdevice: usize,
        /// Whether its loop corrects it.
        follows: bool,
    },
    /// The next times that SYNC0 is set up it doesn't start, as if its start time had been over.
    MissStart {
        /// Index in the file.
        subdevice: usize,
        /// How many times.
        times: u32,
    },
    /// The next times that an AL state is asked for it is refused.
    RefuseState {
        /// Index in the file.
        subdevice: usize,
        /// The state.
        state: AlState,
        /// AL status code (ETG.1000.6, table 11).
        code: u16,
        /// How many times; 0: no longer.
        times: u32,
    },
}

/// Which SDO accesses are aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SdoRefusal {
    /// Index of the object.
    pub index: u16,
    /// A subindex, or the whole object; complete access is always refused.
    pub subindex: Option<u8>,
    /// The abort code (ETG.1000.6, table 41); `None`: the object is served again.
    pub code: Option<AbortCode>,
}

/// A latch input of an ESC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatchInput {
    /// Registers 0x09A8, 0x09B0 and 0x09B8.
    Latch0,
    /// Registers 0x09A9, 0x09C0 and 0x09C8.
    Latch1,
}

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// There is no such SubDevice.
    #[error("no SubDevice {index}, the segment has 0 to {}", count - 1)]
    NoSuchSubDevice {
        /// What was named.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The segment has no second end.
    #[error("the segment has no second end")]
    NoSecondEnd,
    /// The SubDevice has no power.
    #[error("SubDevice {0} has no power")]
    NoPower(usize),
    /// The ESC follows AL control by itself, no application raises errors.
    #[error("SubDevice {0} has no application that could raise an AL error")]
    NoApplication(usize),
    /// An error leads to the state that the SubDevice is in, or to one below.
    #[error("SubDevice {subdevice} can't fall back to {wanted} from {state}")]
    NotBelow {
        /// Index in the file.
        subdevice: usize,
        /// The state it is in.
        state: AlState,
        /// The state that was asked for.
        wanted: AlState,
    },
    /// The SubDevice has no clock.
    #[error("SubDevice {0} has no clock")]
    NoClock(usize),
    /// The SubDevice has no diagnosis history.
    #[error("SubDevice {0} has no diagnosis history (object 0x10F3)")]
    NoDiagnosis(usize),
    /// The drift is out of range.
    #[error("a drift is from -1000 to 1000 ppm")]
    Drift,
    /// The SubDevice has no mailbox, or none that speaks CoE where that is needed.
    #[error("SubDevice {0} has no mailbox for that")]
    NoMailbox(usize),
    /// As many objects as a SubDevice can refuse are refused already.
    #[error("accesses to {} objects are aborted already, end one of them first", crate::app::REFUSALS)]
    TooManyRefusals,
    /// There is no such input channel.
    #[error("SubDevice {subdevice} has {count} input channels, none with number {channel}")]
    NoSuchChannel {
        /// Index in the file.
        subdevice: usize,
        /// What was named, from 1.
        channel: usize,
        /// How many there are.
        count: usize,
    },
    /// The value doesn't fit into the channel.
    #[error("input channel {channel} of SubDevice {subdevice} takes {low} to {high}, not {value}")]
    OutOfRange {
        /// Index in the file.
        subdevice: usize,
        /// The channel, from 1.
        channel: usize,
        /// Lowest value.
        low: i64,
        /// Highest value.
        high: i64,
        /// What was asked for.
        value: i64,
    },
    /// A wire drives the channel.
    #[error("input channel {channel} of SubDevice {subdevice} is driven by a wire")]
    Wired {
        /// Index in the file.
        subdevice: usize,
        /// The channel, from 1.
        channel: usize,
    },
}

/// Whether a mailbox can tell emergencies.
fn tells_emergencies(mailbox: Option<MailboxPlan>) -> bool {
    mailbox.is_some_and(|mailbox| mailbox.speaks(protocol::COE | protocol::SOE))
}

fn speaks_coe(mailbox: Option<MailboxPlan>) -> bool {
    mailbox.is_some_and(|plan| plan.speaks(protocol::COE))
}

fn speaks_voe(mailbox: Option<MailboxPlan>) -> bool {
    mailbox.is_some_and(|plan| plan.speaks(protocol::VOE))
}

impl Segment {
    /// Does something to the segment at the time `now`.
    ///
    /// # Errors
    /// Says why it can't be done; nothing has changed then.
    pub fn act(&mut self, action: Action, now: Duration) -> Result<(), ActionError> {
        let done = self.carry_out(action, now);
        self.note_events();
        done
    }

    fn carry_out(&mut self, action: Action, now: Duration) -> Result<(), ActionError> {
        match action {
            Action::PullCable { child } => self.cable(child, false),
            Action::PlugCable { child } => self.cable(child, true),
            Action::PullEnd(end) => self.end(end, false),
            Action::PlugEnd(end) => self.end(end, true),
            Action::DamageFrames { child, frames } => {
                let cable = self.known(child)?;
                self.topology.damage(cable, frames);
                self.damaging = self.topology.damages();
                Ok(())
            }
            Action::PowerOff { subdevice } => self.power(subdevice, false, now),
            Action::PowerOn { subdevice } => self.power(subdevice, true, now),
            Action::AlError { subdevice, state, code } => self.al_error(subdevice, state, AlStatusCode(code)),
            Action::FreezeMailbox { subdevice, frozen } => {
                let subdevice = self.with_mailbox(subdevice, |mailbox| mailbox.is_some())?;
                let device = &mut self.devices[subdevice];
                device.app.freeze_mailbox(&mut device.esc, frozen);
                Ok(())
            }
            Action::AbortSdo { subdevice, refusal } => {
                let subdevice = self.with_mailbox(subdevice, speaks_coe)?;
                let refused = self.devices[subdevice].app.refuse_sdo(refusal);
                if refused { Ok(()) } else { Err(ActionError::TooManyRefusals) }
            }
            Action::Emergency { subdevice, code, register, data } => {
                let subdevice = self.with_mailbox(subdevice, tells_emergencies)?;
                let device = &mut self.devices[subdevice];
                device.app.emergency(&mut device.esc, &Emergency { code, register, data });
                Ok(())
            }
            Action::VendorMail { subdevice, vendor_type, data } => {
                let subdevice = self.with_mailbox(subdevice, speaks_voe)?;
                let device = &mut self.devices[subdevice];
                let vendor_id = device.app.description.identity.vendor;
                device.app.vendor_mail(&mut device.esc, VoeHeader { vendor_id, vendor_type }, &data);
                Ok(())
            }
            Action::Diagnosis { subdevice, kind, code, text_id } => {
                let subdevice = self.with_mailbox(subdevice, speaks_coe)?;
                let device = &mut self.devices[subdevice];
                let kept = device.app.diagnose(&mut device.esc, kind, code, text_id, now);
                if kept { Ok(()) } else { Err(ActionError::NoDiagnosis(subdevice)) }
            }
            Action::SetInput { subdevice, channel, value } => self.set_input(subdevice, channel, value),
            Action::SetLatchInput { subdevice, input, high } => {
                let subdevice = self.with_power(subdevice)?;
                let latched = self.devices[subdevice].esc.set_latch_input(input as u16, high, now);
                if latched { Ok(()) } else { Err(ActionError::NoClock(subdevice)) }
            }
            Action::ClockDrift { subdevice, ppm } => self.clock_drift(subdevice, ppm, now),
            Action::FollowReference { subdevice, follows } => {
                let subdevice = self.known(subdevice)?;
                self.devices[subdevice].set_following(follows).then_some(()).ok_or(ActionError::NoClock(subdevice))
            }
            Action::MissStart { subdevice, times } => {
                let subdevice = self.with_power(subdevice)?;
                self.devices[subdevice].esc.miss_starts(times).then_some(()).ok_or(ActionError::NoClock(subdevice))
            }
            Action::RefuseState { subdevice, state, code, times } => {
                let subdevice = self.with_application(subdevice)?;
                self.devices[subdevice].app.refuse_state(state, AlStatusCode(code), times);
                Ok(())
            }
        }
    }

    /// Says whether an end leads to an interface of a MainDevice that is up. If it doesn't, the port there has no link,
    /// even with its cable plugged. At first both ends do.
    pub fn set_carrier(&mut self, end: End, carrier: bool) {
        if self.topology.set_carrier(end, carrier) {
            self.reroute();
        }
    }

    fn clock_drift(&mut self, subdevice: usize, ppm: f64, now: Duration) -> Result<(), ActionError> {
        let subdevice = self.known(subdevice)?;
        if !(-MOST_DRIFT..=MOST_DRIFT).contains(&ppm) {
            return Err(ActionError::Drift);
        }
        if self.devices[subdevice].set_drift(ppm, now) { Ok(()) } else { Err(ActionError::NoClock(subdevice)) }
    }

    fn known(&self, index: usize) -> Result<usize, ActionError> {
        let count = self.devices.len();
        if index < count { Ok(index) } else { Err(ActionError::NoSuchSubDevice { index, count }) }
    }

    fn with_power(&self, index: usize) -> Result<usize, ActionError> {
        let index = self.known(index)?;
        if self.topology.powered(index) { Ok(index) } else { Err(ActionError::NoPower(index)) }
    }

    fn with_mailbox(&self, index: usize, has: impl Fn(Option<MailboxPlan>) -> bool) -> Result<usize, ActionError> {
        let index = self.with_power(index)?;
        if has(self.devices[index].app.description.mailbox) { Ok(index) } else { Err(ActionError::NoMailbox(index)) }
    }

    fn with_application(&self, index: usize) -> Result<usize, ActionError> {
        let index = self.with_power(index)?;
        let emulated = self.devices[index].app.description.device_emulation;
        if emulated { Err(ActionError::NoApplication(index)) } else { Ok(index) }
    }

    fn cable(&mut self, child: usize, plugged: bool) -> Result<(), ActionError> {
        let cable = self.known(child)?;
        self.topology.set_plugged(cable, plugged);
        self.reroute();
        Ok(())
    }

    fn end(&mut self, end: End, plugged: bool) -> Result<(), ActionError> {
        let cable = self.topology.cable_of(end).ok_or(ActionError::NoSecondEnd)?;
        self.topology.set_plugged(cable, plugged);
        self.reroute();
        Ok(())
    }

    fn power(&mut self, subdevice: usize, on: bool, now: Duration) -> Result<(), ActionError> {
        let subdevice = self.known(subdevice)?;
        if self.topology.powered(subdevice) == on {
            return Ok(());
        }
        self.reset(subdevice, now);
        self.topology.set_powered(subdevice, on);
        self.reroute();
        Ok(())
    }

    fn al_error(&mut self, subdevice: usize, state: Option<AlState>, code: AlStatusCode) -> Result<(), ActionError> {
        let subdevice = self.with_application(subdevice)?;
        let device = &mut self.devices[subdevice];
        let present = device.app.state();
        let target = state.unwrap_or(present);
        if target > present || target == AlState::Boot && present != AlState::Boot {
            return Err(ActionError::NotBelow { subdevice, state: present, wanted: target });
        }
        device.app.raise(&mut device.esc, target, code);
        self.carry();
        Ok(())
    }

    fn set_input(&mut self, subdevice: usize, channel: usize, value: u64) -> Result<(), ActionError> {
        let subdevice = self.with_power(subdevice)?;
        let device = &mut self.devices[subdevice];
        let channels = &device.app.description.channels_in;
        let missing = ActionError::NoSuchChannel { subdevice, channel, count: channels.len() };
        let place = channel.checked_sub(1).ok_or(missing)?;
        let input = channels.get(place).copied().ok_or(missing)?;
        if self.is_wired(subdevice, place) {
            return Err(ActionError::Wired { subdevice, channel });
        }
        let (number, (low, high)) = (value.cast_signed(), input.range());
        if !(low..=high).contains(&number) {
            return Err(ActionError::OutOfRange { subdevice, channel, low, high, value: number });
        }
        let device = &mut self.devices[subdevice];
        device.app.take_over(place);
        device.app.drive(input.value, value);
        device.app.refresh_inputs(&mut device.esc);
        Ok(())
    }
}
