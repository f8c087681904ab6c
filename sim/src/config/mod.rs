//! The file that describes a segment: JSON with comments or YAML, strict, with key paths in errors.
//!
//! What is checked: channel counts, the port tree (every parent stands before its child and no port is used twice),
//! wires. What is not: whether the segment makes sense.

mod check;
mod described;
mod duration;
mod example;
mod habits;
mod hints;
mod mailbox;
mod ports;
mod ram;

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zerocat_text::{Document, Format, TextError};

use crate::esc::EscModel;

pub use check::ConfigProblem;
pub(crate) use check::wires;
pub use described::{DescribeError, Described};
pub use duration::Millis;
pub(crate) use duration::parse as parse_duration;
pub use habits::{MailboxHabits, RepeatHabit, SizeHabit};
pub use mailbox::{AoeConfig, FoeConfig, MailboxConfig, MailboxProtocol, ReplyCounter};
pub(crate) use ports::{parents, second_end};
pub use ram::RamConfig;
pub(crate) use ram::bytes;

/// Why the file of a segment was refused.
#[derive(Debug, thiserror::Error)]
pub enum SegmentConfigError {
    /// The file could not be read.
    #[error("read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is neither JSON nor YAML, or a key is unknown, missing or of the wrong type.
    #[error(transparent)]
    Parse(#[from] TextError),
    /// The file that describes a SubDevice is not right.
    #[error("{path}")]
    Described {
        /// Path of the key.
        path: String,
        /// Why.
        #[source]
        source: Box<DescribeError>,
    },
    /// A value contradicts another or is out of range.
    #[error("{path}: {problem}")]
    Invalid {
        /// Path of the key.
        path: String,
        /// What is wrong.
        problem: ConfigProblem,
    },
}

/// What kind of SubDevice it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProfileKind {
    /// EK1100-like: no process data, no mailbox.
    Coupler,
    /// EL1004-like: inputs of one bit each, no mailbox.
    DigitalIn,
    /// EL2004-like: outputs of one bit each, no mailbox.
    DigitalOut,
    /// EL3102-like: status bits, padding and a 16-bit value for each channel, CoE.
    AnalogueIn,
    /// EL4102-like: a 16-bit value for each channel, CoE.
    AnalogueOut,
    /// CiA 402 drive in five modes, CoE.
    Servo,
    /// Drive with SoE in place of CoE, of 1 to 8 axes.
    SoeServo,
    /// EL5101-like: counter, set counter, latch at the index pulse, CoE.
    Encoder,
    /// EL7031-like: stepper with a target velocity or position, CoE.
    Stepper,
    /// EL3702-like: several samples of a cycle for each channel, CoE.
    OversamplingIn,
    /// A modular device with the modules of `modules` in its slots, CoE.
    Modular,
    /// What a vendor's device description (`file`, ESI, ETG.2000) says about its `device`.
    Esi,
    /// What a binary SII image (`file`) says; it is served byte for byte, apart from what other keys change in it.
    Sii,
}

impl ProfileKind {
    /// Whether a file describes it.
    pub(crate) const fn is_from_file(self) -> bool {
        matches!(self, Self::Esi | Self::Sii)
    }
}

/// What is plugged into a slot of a modular device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModuleKind {
    /// 8 digital inputs.
    Di8,
    /// 8 digital outputs.
    Do8,
    /// 16 digital inputs.
    Di16,
    /// 16 digital outputs.
    Do16,
    /// 2 analogue inputs of 16 bits.
    Ai2,
    /// 2 analogue outputs of 16 bits.
    Ao2,
    /// 16 analogue inputs of 16 bits.
    Ai16,
    /// 16 analogue outputs of 16 bits.
    Ao16,
}

/// The state whose transition fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TargetState {
    /// The transition to INIT.
    #[serde(rename = "INIT")]
    Init,
    /// The transition to PRE-OP.
    #[serde(rename = "PRE-OP")]
    PreOp,
    /// The transition to SAFE-OP.
    #[serde(rename = "SAFE-OP")]
    SafeOp,
    /// The transition to OP.
    #[serde(rename = "OP")]
    Op,
}

/// An error that the SubDevice raises instead of a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlErrorConfig {
    /// The state that is asked for when it is raised; INIT also in INIT.
    pub on: TargetState,
    /// AL status code (ETG.1000.6, table 11).
    pub code: u16,
    /// How many times it is raised before the transition works.
    #[serde(default = "once")]
    pub times: u32,
}

const fn once() -> u32 {
    1
}

/// Some 20 m.
const fn short_cable() -> Millis {
    Millis(Duration::from_nanos(100))
}

/// About what an ET1100 takes between two MII ports.
const fn forwarding_delay() -> Millis {
    Millis(Duration::from_nanos(300))
}

const fn yes() -> bool {
    true
}

/// What bit 31 of the difference between the local copy of the system time and the reference clock says (0x092C).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceSign {
    /// The local copy is behind (ET1100 data sheet, section II, an older edition).
    #[default]
    Behind,
    /// The local copy is ahead (newer register descriptions).
    Ahead,
}

/// How the loop of a clock corrects a difference to the reference clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlRule {
    /// By a part of it.
    #[default]
    Proportional,
    /// By one nanosecond for each system time that comes, whatever the difference, unless it is large.
    Stepwise,
}

/// The clock of a SubDevice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockConfig {
    /// 64 or 32, or 0 for no system time. By default digital terminals have none, nor have devices of a file that aren't
    /// known to have one and whose file neither names a mode with a clock nor switches its units on; all others have one
    /// of 64 bits, or as many as their ESC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<u8>,
    /// Whether the ports take receive times where there is no system time, as most ESCs do.
    #[serde(default = "yes")]
    pub receive_times: bool,
    /// How much too fast the crystal is, in parts per million, -1000 to 1000.
    #[serde(default)]
    pub drift_ppm: f64,
    /// What a set bit 31 of the difference 0x092C says of the local copy of the system time: data sheets say both.
    #[serde(default)]
    pub difference_sign: DifferenceSign,
    /// Steps in which it counts, in ns, 1 to 100; real ESCs count in steps of 10.
    #[serde(default = "one")]
    pub step_ns: u8,
    /// How fast its loop follows the reference clock, times what is usual, 0.1 to 10: ESCs differ, and no document says by
    /// which rule they correct.
    #[serde(default = "usual")]
    pub bandwidth: f64,
    /// By which rule its loop corrects the phase.
    #[serde(default)]
    pub rule: ControlRule,
    /// Whether its loop corrects the clock at all. Without, it never comes to the reference clock.
    #[serde(default = "yes")]
    pub follows: bool,
    /// How many times SYNC0 doesn't start although it was set up, as if its start time had been over.
    #[serde(default)]
    pub missed_starts: u32,
    /// Whether the application insists on SYNC0, as drives in cyclic synchronous modes do: it refuses SAFE-OP while the cyclic
    /// unit is off (AL status code 0x0030), and OP until outputs come in time before each SYNC0 (0x0032), and leaves OP when
    /// they don't any more (0x001A) or when SYNC0 vanishes (0x002C).
    #[serde(default)]
    pub needs_sync: bool,
    /// Shortest cycle of SYNC0 that the application can do (0x1C32:05); it refuses a shorter one for SAFE-OP (0x0036).
    #[serde(default = "shortest_cycle")]
    pub shortest_cycle: Millis,
    /// Time that the application takes to copy outputs (0x1C32:06): a SYNC0 sooner behind the frame's end comes too early.
    #[serde(default = "copying_time")]
    pub copying_time: Millis,
    /// What the clock shows at power-on.
    #[serde(default)]
    pub offset: Millis,
}

const fn one() -> u8 {
    1
}

const fn usual() -> f64 {
    1.0
}

/// As many drives have it.
const fn shortest_cycle() -> Millis {
    Millis(Duration::from_nanos(62_500))
}

const fn copying_time() -> Millis {
    Millis(Duration::from_micros(20))
}

impl Default for ClockConfig {
    fn default() -> Self {
        Self {
            bits: None,
            receive_times: true,
            drift_ppm: 0.0,
            difference_sign: DifferenceSign::Behind,
            step_ns: 1,
            bandwidth: 1.0,
            rule: ControlRule::Proportional,
            follows: true,
            missed_starts: 0,
            needs_sync: false,
            shortest_cycle: shortest_cycle(),
            copying_time: copying_time(),
            offset: Millis::default(),
        }
    }
}

/// Most that a crystal may be off, in parts per million.
pub(crate) const MOST_DRIFT: f64 = 1000.0;

/// One SubDevice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubDeviceConfig {
    /// What kind of SubDevice it is.
    pub profile: ProfileKind,
    /// Name in the SII, in object 0x1008 and in displays; also usable in `wires`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Serial number.
    #[serde(default)]
    pub serial: u32,
    /// Station alias.
    #[serde(default)]
    pub alias: u16,
    /// Explicit device ID that a switch of it sets, shown by AL status code when it is asked for; 0 is none.
    #[serde(default)]
    pub device_id: u16,
    /// Vendor id in place of the profile's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<u32>,
    /// Product code in place of the profile's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_code: Option<u32>,
    /// Revision in place of the profile's; with profile `esi` the one to take, the newest by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The file that describes it, for the profiles `esi` and `sii`; relative to the segment's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Type or name of the device in the file, for the profile `esi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Modules in the slots of a modular device, for the profile `esi`: type, name or ident, slot by slot; an empty
    /// name is an empty slot. By default those that the file marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<Vec<String>>,
    /// What the file said.
    #[serde(skip)]
    pub described: Described,
    /// Channels, for the profiles that have some: 1 to 64 digital ones (default 4), 1 to 16
    /// analogue ones (default 2), 1 to 8 oversampling ones (default 2), 1 to 8 axes of a drive with SoE (default 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<u16>,
    /// Speed of an encoder that no wire drives, in counts/s (default 1000).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<i32>,
    /// Samples of a cycle of an oversampling input, 1 to 100 (default 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u16>,
    /// Modules of a modular device by slot, 1 to 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<ModuleKind>,
    /// Index in `subdevices` of the SubDevice that it is connected to; the one before by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u16>,
    /// Port of the parent, 1 to 3; by default the first of 1, 2, 3 that is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u8>,
    /// The port that the cable from the parent is in. Through another one than 0 a frame comes to the processing unit on
    /// its way back only; such wiring is a fault.
    #[serde(default)]
    pub entry: u8,
    /// Time that a frame takes through the cable from the parent.
    #[serde(default = "short_cable")]
    pub cable_delay: Millis,
    /// Time that a frame takes through its ESC in place of the segment's `forwarding_delay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding_delay: Option<Millis>,
    /// The same for a frame that passes its processing unit; by default its own `forwarding_delay`, then the segment's
    /// `processing_delay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_delay: Option<Millis>,
    /// Its ESC. By default that of the device if it is known, else that of the profile. It gets more FMMUs, sync managers
    /// or RAM than it has where the SubDevice needs them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub esc: Option<EscModel>,
    /// What its RAM holds at power-on, where that isn't zeros.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ram: Vec<RamConfig>,
    /// What the application writes to the last byte of the mailbox to hand a mail over, mail by mail, in hexadecimal:
    /// real ones write what they happen to have. Mails after these leave what is there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mail_ends: String,
    /// Time that the application takes to hand each mail over, mail by mail: from the request, or from when the mail before was
    /// read. Mails after these are handed over at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mail_delays: Vec<Millis>,
    /// Its clock.
    #[serde(default)]
    pub clock: ClockConfig,
    /// An error on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub al_error: Option<AlErrorConfig>,
    /// Time that each AL transition takes.
    #[serde(default)]
    pub transition_delay: Millis,
    /// Time until the application reads what was written to AL control; until then the register takes no other write. By
    /// default that of the ESC; nothing where the ESC follows AL control by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub al_latency: Option<Millis>,
    /// Bytes of the SII that are read at a time, 4 or 8; by default those of the ESC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sii_width: Option<u8>,
    /// Time that each SII command takes.
    #[serde(default)]
    pub sii_delay: Millis,
    /// Whether the ESC doesn't answer at its SII interface: reads and writes of 0x0500 to 0x050F have working counter 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sii_silent: bool,
    /// Whether the ESC follows AL control by itself, with no check and no error. By default as the real device does:
    /// couplers and digital terminals do, the others don't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_emulation: Option<bool>,
    /// Whether LRW is processed.
    #[serde(default = "yes")]
    pub lrw: bool,
    /// What the mailbox speaks, for the profiles that have one. By default CoE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<MailboxConfig>,
}

impl SubDeviceConfig {
    /// A SubDevice of a kind, all else by default.
    #[must_use]
    pub fn new(profile: ProfileKind) -> Self {
        Self {
            profile,
            name: None,
            serial: 0,
            alias: 0,
            device_id: 0,
            vendor_id: None,
            product_code: None,
            revision: None,
            file: None,
            device: None,
            slots: None,
            described: Described::default(),
            channels: None,
            speed: None,
            samples: None,
            modules: Vec::new(),
            parent: None,
            port: None,
            entry: 0,
            cable_delay: short_cable(),
            forwarding_delay: None,
            processing_delay: None,
            esc: None,
            ram: Vec::new(),
            mail_ends: String::new(),
            mail_delays: Vec::new(),
            clock: ClockConfig::default(),
            al_error: None,
            transition_delay: Millis::default(),
            al_latency: None,
            sii_width: None,
            sii_delay: Millis::default(),
            sii_silent: false,
            device_emulation: None,
            lrw: true,
            mailbox: None,
        }
    }

    /// The same with a name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// The same with a number of channels.
    #[must_use]
    pub fn with_channels(mut self, channels: u16) -> Self {
        self.channels = Some(channels);
        self
    }

    /// The ESC that was named, or the one that the device is known to have.
    pub(crate) fn esc_model(&self) -> Option<EscModel> {
        self.esc.or_else(|| self.described.known().map(|(model, _)| model))
    }

    /// Bits of its clock, 0 for none; by default those of the device.
    pub(crate) fn clock_bits(&self) -> u8 {
        let known = self.described.known().map(|(_, bits)| bits);
        let own = || self.esc.map_or(64, |model| model.kind().clock_bits);
        self.clock.bits.or(known).unwrap_or_else(|| match self.profile {
            ProfileKind::DigitalIn | ProfileKind::DigitalOut => 0,
            ProfileKind::Esi | ProfileKind::Sii if !self.described.has_clock() => 0,
            _ => own(),
        })
    }

    /// Channels, by default those of the profile.
    pub(crate) fn channel_count(&self) -> u16 {
        self.channels.unwrap_or(match self.profile {
            ProfileKind::DigitalIn | ProfileKind::DigitalOut => 4,
            ProfileKind::AnalogueIn | ProfileKind::AnalogueOut | ProfileKind::OversamplingIn => 2,
            ProfileKind::SoeServo => 1,
            ProfileKind::Coupler
            | ProfileKind::Servo
            | ProfileKind::Encoder
            | ProfileKind::Stepper
            | ProfileKind::Modular
            | ProfileKind::Esi
            | ProfileKind::Sii => 0,
        })
    }
}

/// A wire from an output channel to an input channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WireConfig {
    /// `SUBDEVICE.out.CHANNEL`: index (from 0) or name in `subdevices`, and channel from 1.
    pub from: String,
    /// `SUBDEVICE.in.CHANNEL`.
    pub to: String,
}

/// Where the second end of a segment is, for a MainDevice with two interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondEndConfig {
    /// Index in `subdevices`.
    pub subdevice: u16,
    /// Its port, 1 to 3; by default the first of 1, 2, 3 that is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u8>,
}

/// A segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentConfig {
    /// Where the schema of this file is; not used.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The SubDevices. In a line they are passed in this order; at a junction the ports are passed 3, 1, 2.
    pub subdevices: Vec<SubDeviceConfig>,
    /// Wires from outputs to inputs, and from the position of a servo or stepper (`out.1`) to an encoder (`in.1`).
    /// Inputs without one show a signal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wires: Vec<WireConfig>,
    /// A second end, for cable redundancy: the port from which a cable leads back to the MainDevice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_end: Option<SecondEndConfig>,
    /// Time that a frame takes through an ESC, from one port to the next, each time.
    #[serde(default = "forwarding_delay")]
    pub forwarding_delay: Millis,
    /// The same for a frame that passes the processing unit of the ESC, which takes longer in reality (some 40 ns). By
    /// default `forwarding_delay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_delay: Option<Millis>,
}

impl SegmentConfig {
    /// A segment of these SubDevices in a line, without wires.
    #[must_use]
    pub fn line(subdevices: Vec<SubDeviceConfig>) -> Self {
        Self {
            schema: None,
            subdevices,
            wires: Vec::new(),
            second_end: None,
            forwarding_delay: forwarding_delay(),
            processing_delay: None,
        }
    }

    /// Reads and checks a segment that names no other files.
    ///
    /// # Errors
    /// `Parse` and `Invalid`, with the path of the key.
    pub fn from_json(text: &str) -> Result<Self, SegmentConfigError> {
        let config = Self::parse(text.as_bytes(), Format::Json)?;
        config.check()?;
        Ok(config)
    }

    fn parse(bytes: &[u8], format: Format) -> Result<Self, TextError> {
        Document::parse(bytes, format)?.read(&hints::HINTS)
    }

    /// Reads and checks the file of a segment, and the files that it names, relative to its folder. It is YAML for the
    /// endings `.yaml` and `.yml`, else JSON.
    ///
    /// # Errors
    /// `Read`, `Described`, and those of [`SegmentConfig::from_json`].
    pub fn load(path: &Path) -> Result<Self, SegmentConfigError> {
        let bytes = zerocat_text::read_file(path)
            .map_err(|source| SegmentConfigError::Read { path: path.display().to_string(), source })?;
        let mut config = Self::parse(&bytes, Format::of(path))?;
        config.read_files(path.parent().unwrap_or(Path::new("")))?;
        config.check()?;
        Ok(config)
    }

    /// Checks a number of SubDevices, before that many are made.
    ///
    /// # Errors
    /// `Invalid`, as for a file with that many.
    pub fn check_count(count: usize) -> Result<(), SegmentConfigError> {
        check::count(count)
    }

    /// Checks what types can't say.
    ///
    /// # Errors
    /// `Invalid`, with the path of the key.
    pub fn check(&self) -> Result<(), SegmentConfigError> {
        check::check(self)
    }

    /// The file as JSON, indented.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The JSON schema of the file.
    #[must_use]
    pub fn json_schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}

#[cfg(test)]
mod tests;
