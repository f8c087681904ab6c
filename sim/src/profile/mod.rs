//! Kinds of SubDevices: each file describes one and says how its values behave.

mod analogue_in;
mod analogue_out;
mod beckhoff;
mod coupler;
mod digital_in;
mod digital_out;
mod encoder;
mod esc;
mod generic;
mod modular;
mod oversampling_in;
mod parameter;
mod ramp;
mod servo;
mod signal;
mod soe_servo;
mod stepper;
mod values;

use std::fmt::Debug;
use std::time::Duration;

pub(crate) use values::Values;
use zerocat_wire::AlStatusCode;

use crate::config::{ConfigProblem, ProfileKind, SubDeviceConfig};
use crate::describe::Description;
use crate::esc::{EscKind, EscModel};

/// A fault that a profile has raised: what its emergency says (ETG.1000.6, 5.6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FaultReport {
    /// Error code, as object 0x603F shows it.
    pub(crate) code: u16,
    /// Error register, object 0x1001.
    pub(crate) register: u8,
}

/// How the values of a SubDevice behave.
pub(crate) trait Profile: Debug + Send {
    /// Sets the values of power-on.
    fn start(&mut self, _values: &mut Values) {}

    /// New outputs are in the values.
    fn outputs(&mut self, _values: &mut Values, _now: Duration) {}

    /// Time has passed. Called on a fixed grid, and again without time between.
    fn step(&mut self, _values: &mut Values, _now: Duration) {}

    /// Outputs were dropped: OP was left, or the watchdog expired. Output values are 0 already.
    fn safe(&mut self, _values: &mut Values) {}

    /// An input channel (from 0) is driven from outside, not by the profile.
    fn take_over(&mut self, _channel: usize) {}

    /// A wire has brought a new value to an input channel.
    fn inputs(&mut self, _values: &mut Values) {}

    /// Whether what was configured in PRE-OP allows SAFE-OP.
    fn check(&self, _values: &Values) -> Result<(), AlStatusCode> {
        Ok(())
    }

    /// Whether values of output channels change with time, not only with outputs.
    fn moves(&self) -> bool {
        false
    }

    /// The fault that stands, until it is reset.
    fn fault(&self) -> Option<FaultReport> {
        None
    }
}

/// Speed of an encoder, counts/s, and samples of a cycle, where the file says nothing.
const DEFAULT_SPEED: i32 = 1000;
const DEFAULT_SAMPLES: u16 = 10;

/// A SubDevice with nothing that moves.
#[derive(Debug)]
pub(crate) struct Passive;

impl Profile for Passive {}

/// An ESC for a device that isn't known, to be fitted to its description.
pub(crate) const fn esc_on_ebus() -> EscKind {
    EscModel::Et1100.kind()
}

/// Description and behaviour of a configured SubDevice.
///
/// # Errors
/// `NotRead` for one that a file describes, before that file was read.
pub(crate) fn build(config: &SubDeviceConfig) -> Result<(Description, Box<dyn Profile>), ConfigProblem> {
    let channels = config.channel_count();
    let (mut description, profile): (Description, Box<dyn Profile>) = match config.profile {
        ProfileKind::Coupler => (coupler::describe(), Box::new(Passive)),
        ProfileKind::DigitalIn => digital_in::build(channels),
        ProfileKind::DigitalOut => (digital_out::describe(channels), Box::new(Passive)),
        ProfileKind::AnalogueIn => analogue_in::build(channels),
        ProfileKind::AnalogueOut => analogue_out::build(channels),
        ProfileKind::Servo => servo::build(),
        ProfileKind::SoeServo => soe_servo::build(channels),
        ProfileKind::Encoder => encoder::build(config.speed.unwrap_or(DEFAULT_SPEED)),
        ProfileKind::Stepper => stepper::build(),
        ProfileKind::OversamplingIn => oversampling_in::build(channels, config.samples.unwrap_or(DEFAULT_SAMPLES)),
        ProfileKind::Modular => modular::build(&config.modules),
        ProfileKind::Esi | ProfileKind::Sii => {
            let description = config.described.get().ok_or(ConfigProblem::NotRead)?;
            (description.clone(), generic::build(description))
        }
    };
    let from_file = config.profile.is_from_file();
    let identity = &mut description.identity;
    // A file's own serial number and alias hold until the configuration gives others.
    if config.serial != 0 || !from_file {
        identity.serial = config.serial;
    }
    identity.vendor = config.vendor_id.unwrap_or(identity.vendor);
    identity.product = config.product_code.unwrap_or(identity.product);
    // What differs in its SII is another revision: masters take SubDevices of one identity for the same.
    if !from_file || config.profile == ProfileKind::Sii {
        identity.revision = config.revision.unwrap_or(identity.revision.wrapping_add(u32::from(!config.lrw)));
    }
    if config.alias != 0 || !from_file {
        description.alias = config.alias;
    }
    description.sii.device_id = config.device_id;
    if let Some(emulation) = config.device_emulation {
        description.device_emulation = emulation;
    }
    if let Some(name) = &config.name {
        description.name.clone_from(name);
    }
    if let Some(length) = config.mailbox.as_ref().and_then(|mailbox| mailbox.length) {
        description.set_mailbox_length(length);
    }
    description.esc = esc::choose(config, &description);
    if let (Some(plan), Some(mailbox)) = (&mut description.mailbox, &config.mailbox) {
        plan.configure(mailbox);
    }
    Ok((description, profile))
}
