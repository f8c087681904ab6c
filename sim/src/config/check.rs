//! Rules of a segment file that types can't express, and what the checks work out: the ends of the wires.

use std::time::Duration;

use super::{MOST_DRIFT, ProfileKind, SegmentConfig, SegmentConfigError, SubDeviceConfig, WireConfig};

/// Most SubDevices of a segment.
const MAX_SUBDEVICES: usize = 4096;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigProblem {
    /// There is no SubDevice, or too many.
    #[error("{0} SubDevices, a segment has 1 to 4096")]
    Count(usize),
    /// The profile has no channels to choose.
    #[error("this profile has no channels, leave the key out")]
    NoChannels,
    /// More bytes for files than a SubDevice may have.
    #[error("{0} bytes for files, at most 16777216 are possible")]
    FoeCapacity(u32),
    /// The files at power-on don't fit, or one of them has a name that FoE doesn't take.
    #[error("the files have {0} bytes together with the capacity {1}, and names have 1 to 64 characters")]
    FoeFiles(usize, u32),
    /// A port of a device behind a SubDevice is there twice, or the SubDevice's own, or there are too many.
    #[error("each port once, at most {0} of them, and not 65535, which is the SubDevice itself")]
    AoePorts(usize),
    /// Too few or too many channels.
    #[error("{got} channels, this profile has 1 to {most}")]
    Channels {
        /// What the file says.
        got: u16,
        /// Most that the profile has.
        most: u16,
    },
    /// The first SubDevice is connected to the MainDevice.
    #[error("the first SubDevice is connected to the MainDevice and has no parent")]
    FirstHasNoParent,
    /// The profile has no drive that SoE could reach.
    #[error("`soe` is for the profiles `soe_servo`, `esi` and `sii`")]
    NoSoe,
    /// The parent doesn't come before its child.
    #[error("parent {0} must come before its child")]
    ParentNotBefore(u16),
    /// There is no such port to connect to.
    #[error("port {0}, SubDevices are connected to ports 1 to 3, and to port 0 of one that is entered by another port")]
    NoSuchPort(u8),
    /// There is no such port to enter by.
    #[error("port {0}, an ESC has ports 0 to 3")]
    NoSuchEntry(u8),
    /// The port is taken.
    #[error("port {port} of SubDevice {parent} is taken already")]
    PortTaken {
        /// The parent.
        parent: u16,
        /// Its port.
        port: u8,
    },
    /// All ports of the parent are taken.
    #[error("SubDevice {0} has no free port")]
    NoFreePort(u16),
    /// There is no such SubDevice.
    #[error("there is no SubDevice {0}")]
    NoSuchSubDevice(u16),
    /// Longer than a frame can take here.
    #[error("longer than 1ms")]
    DelayTooLong,
    /// No clock has as many bits.
    #[error("{0} bits, a clock has 64 or 32, or 0 where there is none")]
    ClockBits(u8),
    /// The SII is not read in such a width.
    #[error("{0} bytes at a time, an SII is read 4 or 8 at a time")]
    SiiWidth(u8),
    /// An address below the RAM.
    #[error("the RAM begins at 4096, not at {0}")]
    RamAddress(u16),
    /// Not bytes in hexadecimal.
    #[error("bytes are written as pairs of hexadecimal digits")]
    Hexadecimal,
    /// A clock without receive times.
    #[error("a SubDevice with a clock has receive times")]
    ReceiveTimes,
    /// The crystal is off by too much.
    #[error("a drift is from -1000 to 1000 ppm")]
    ClockDrift,
    /// No ESC counts so.
    #[error("a clock counts in steps of 1 to 100 ns")]
    ClockStep,
    /// The loop would do nothing, or swing.
    #[error("a bandwidth is 0.1 to 10 times the usual one")]
    ClockBandwidth,
    /// Not of the form that names a channel.
    #[error("`{0}` doesn't name a channel: write it as 2.{1}.1 or NAME.{1}.1, channels from 1")]
    WireForm(String, &'static str),
    /// There is no such SubDevice, or several of that name.
    #[error("`{0}` names {1} SubDevices, it must name one")]
    WireSubDevice(String, usize),
    /// There is no such channel.
    #[error("SubDevice {subdevice} has {count} {direction} channels, not {channel}")]
    WireChannel {
        /// Index of the SubDevice.
        subdevice: usize,
        /// Which channel was named, from 1.
        channel: usize,
        /// How many there are.
        count: usize,
        /// `in` or `out`.
        direction: &'static str,
    },
    /// The ends carry different things.
    #[error("joins {0} with {1} channel")]
    WireKinds(&'static str, &'static str),
    /// A key that this profile doesn't have.
    #[error("this profile has no {0}, leave the key out")]
    NotForProfile(&'static str),
    /// Too few or too many of something.
    #[error("{got} {what}, this profile has {least} to {most}")]
    Number {
        /// What is counted.
        what: &'static str,
        /// What the file says.
        got: usize,
        /// Fewest.
        least: usize,
        /// Most.
        most: usize,
    },
    /// The profile needs a key.
    #[error("profile `{profile}` needs the key `{key}`")]
    KeyMissing {
        /// The profile.
        profile: &'static str,
        /// The key.
        key: &'static str,
    },
    /// The file that describes the SubDevice was not read.
    #[error("the file that describes it has not been read: `SegmentConfig::load` and `read_files` do that")]
    NotRead,
    /// The SII can't be composed.
    #[error("the SII can't be composed: {0}")]
    Sii(zerocat_wire::WireError),
    /// The input has another wire.
    #[error("the input is driven by another wire already")]
    WireTaken,
}

pub(super) fn invalid(path: String, problem: ConfigProblem) -> SegmentConfigError {
    SegmentConfigError::Invalid { path, problem }
}

pub(super) fn count(count: usize) -> Result<(), SegmentConfigError> {
    if (1..=MAX_SUBDEVICES).contains(&count) {
        Ok(())
    } else {
        Err(invalid("subdevices".into(), ConfigProblem::Count(count)))
    }
}

pub(super) fn check(config: &SegmentConfig) -> Result<(), SegmentConfigError> {
    count(config.subdevices.len())?;
    for (n, subdevice) in config.subdevices.iter().enumerate() {
        super::mailbox::check(n, subdevice)?;
        super::ram::check(n, subdevice)?;
        let most = match subdevice.profile {
            ProfileKind::DigitalIn | ProfileKind::DigitalOut => 64,
            ProfileKind::AnalogueIn | ProfileKind::AnalogueOut => 16,
            ProfileKind::OversamplingIn | ProfileKind::SoeServo => 8,
            ProfileKind::Coupler
            | ProfileKind::Servo
            | ProfileKind::Encoder
            | ProfileKind::Stepper
            | ProfileKind::Modular
            | ProfileKind::Esi
            | ProfileKind::Sii => 0,
        };
        check_particulars(n, subdevice)?;
        super::described::check(n, subdevice)?;
        let Some(got) = subdevice.channels else { continue };
        let path = || format!("subdevices[{n}].channels");
        if most == 0 {
            return Err(invalid(path(), ConfigProblem::NoChannels));
        }
        if got == 0 || got > most {
            return Err(invalid(path(), ConfigProblem::Channels { got, most }));
        }
    }
    check_delays(config)?;
    check_escs(config)?;
    super::parents(config)?;
    super::second_end(config)?;
    wires(config)?;
    Ok(())
}

/// Longest time through a cable or an ESC.
const LONGEST_DELAY: Duration = Duration::from_millis(1);

fn check_delays(config: &SegmentConfig) -> Result<(), SegmentConfigError> {
    if config.forwarding_delay.0 > LONGEST_DELAY {
        return Err(invalid("forwarding_delay".into(), ConfigProblem::DelayTooLong));
    }
    if config.processing_delay.is_some_and(|delay| delay.0 > LONGEST_DELAY) {
        return Err(invalid("processing_delay".into(), ConfigProblem::DelayTooLong));
    }
    for (n, subdevice) in config.subdevices.iter().enumerate() {
        let delays = [
            ("cable_delay", Some(subdevice.cable_delay)),
            ("forwarding_delay", subdevice.forwarding_delay),
            ("processing_delay", subdevice.processing_delay),
        ];
        if let Some((key, _)) = delays.iter().find(|(_, delay)| delay.is_some_and(|delay| delay.0 > LONGEST_DELAY)) {
            return Err(invalid(format!("subdevices[{n}].{key}"), ConfigProblem::DelayTooLong));
        }
    }
    Ok(())
}

/// Rules of the keys about clocks and the SII interface.
fn check_escs(config: &SegmentConfig) -> Result<(), SegmentConfigError> {
    for (n, subdevice) in config.subdevices.iter().enumerate() {
        let path = |key: &str| format!("subdevices[{n}].clock.{key}");
        let clock = subdevice.clock;
        if let Some(width) = subdevice.sii_width.filter(|width| !matches!(width, 4 | 8)) {
            return Err(invalid(format!("subdevices[{n}].sii_width"), ConfigProblem::SiiWidth(width)));
        }
        if !clock.receive_times && subdevice.clock_bits() > 0 {
            return Err(invalid(path("receive_times"), ConfigProblem::ReceiveTimes));
        }
        if let Some(bits) = clock.bits.filter(|bits| !matches!(bits, 0 | 32 | 64)) {
            return Err(invalid(path("bits"), ConfigProblem::ClockBits(bits)));
        }
        // NaN is outside of every range.
        if !(-MOST_DRIFT..=MOST_DRIFT).contains(&clock.drift_ppm) {
            return Err(invalid(path("drift_ppm"), ConfigProblem::ClockDrift));
        }
        if !(1..=100).contains(&clock.step_ns) {
            return Err(invalid(path("step_ns"), ConfigProblem::ClockStep));
        }
        if !(0.1..=10.0).contains(&clock.bandwidth) {
            return Err(invalid(path("bandwidth"), ConfigProblem::ClockBandwidth));
        }
    }
    Ok(())
}

/// Keys that only some profiles have.
fn check_particulars(n: usize, subdevice: &SubDeviceConfig) -> Result<(), SegmentConfigError> {
    let path = |key: &str| format!("subdevices[{n}].{key}");
    let kind = subdevice.profile;
    if subdevice.speed.is_some() && kind != ProfileKind::Encoder {
        return Err(invalid(path("speed"), ConfigProblem::NotForProfile("speed")));
    }
    match subdevice.samples.map(usize::from) {
        Some(_) if kind != ProfileKind::OversamplingIn => {
            return Err(invalid(path("samples"), ConfigProblem::NotForProfile("samples")));
        }
        Some(got @ (0 | 101..)) => {
            let problem = ConfigProblem::Number { what: "samples", got, least: 1, most: 100 };
            return Err(invalid(path("samples"), problem));
        }
        _ => {}
    }
    match subdevice.modules.len() {
        0 if kind != ProfileKind::Modular => Ok(()),
        _ if kind != ProfileKind::Modular => Err(invalid(path("modules"), ConfigProblem::NotForProfile("modules"))),
        1..=32 => Ok(()),
        got => {
            let problem = ConfigProblem::Number { what: "modules", got, least: 1, most: 32 };
            Err(invalid(path("modules"), problem))
        }
    }
}

/// What a channel carries.
fn carries(subdevice: &SubDeviceConfig, direction: &str, channel: usize) -> &'static str {
    match subdevice.profile {
        ProfileKind::Esi | ProfileKind::Sii if subdevice.described.is_bit(direction, channel) => "a digital",
        ProfileKind::Esi | ProfileKind::Sii => "an analogue",
        ProfileKind::DigitalIn | ProfileKind::DigitalOut => "a digital",
        ProfileKind::AnalogueIn | ProfileKind::AnalogueOut | ProfileKind::OversamplingIn => "an analogue",
        ProfileKind::Servo | ProfileKind::Stepper | ProfileKind::Encoder => "a position",
        ProfileKind::Coupler | ProfileKind::Modular | ProfileKind::SoeServo => "no",
    }
}

/// One end of a wire: SubDevice and channel, both from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WireEnd {
    pub(crate) subdevice: usize,
    pub(crate) channel: usize,
}

/// The wires, from and to.
pub(crate) fn wires(config: &SegmentConfig) -> Result<Vec<(WireEnd, WireEnd)>, SegmentConfigError> {
    let mut wires: Vec<(WireEnd, WireEnd)> = Vec::with_capacity(config.wires.len());
    for (n, WireConfig { from, to }) in config.wires.iter().enumerate() {
        let end = |key: &str, text: &str, direction| {
            wire_end(config, text, direction).map_err(|problem| invalid(format!("wires[{n}].{key}"), problem))
        };
        let (from, to) = (end("from", from, "out")?, end("to", to, "in")?);
        let sent = carries(&config.subdevices[from.subdevice], "out", from.channel);
        let taken = carries(&config.subdevices[to.subdevice], "in", to.channel);
        if sent != taken {
            return Err(invalid(format!("wires[{n}]"), ConfigProblem::WireKinds(sent, taken)));
        }
        if wires.iter().any(|(_, taken)| *taken == to) {
            return Err(invalid(format!("wires[{n}].to"), ConfigProblem::WireTaken));
        }
        wires.push((from, to));
    }
    Ok(wires)
}

fn wire_end(config: &SegmentConfig, text: &str, direction: &'static str) -> Result<WireEnd, ConfigProblem> {
    let form = || ConfigProblem::WireForm(text.to_owned(), direction);
    let mut parts = text.rsplitn(3, '.');
    let channel: usize = parts.next().and_then(|part| part.parse().ok()).ok_or_else(form)?;
    if parts.next() != Some(direction) {
        return Err(form());
    }
    let who = parts.next().ok_or_else(form)?;
    let subdevice = match who.parse::<usize>() {
        Ok(index) if index < config.subdevices.len() => index,
        Ok(_) => return Err(ConfigProblem::WireSubDevice(who.to_owned(), 0)),
        Err(_) => {
            let named = |(n, s): (usize, &SubDeviceConfig)| (s.name.as_deref() == Some(who)).then_some(n);
            let found: Vec<usize> = config.subdevices.iter().enumerate().filter_map(named).collect();
            match found.as_slice() {
                [one] => *one,
                several => return Err(ConfigProblem::WireSubDevice(who.to_owned(), several.len())),
            }
        }
    };
    let device = &config.subdevices[subdevice];
    let has = match (device.profile, direction) {
        (ProfileKind::Esi | ProfileKind::Sii, _) => device.described.channels(direction),
        (ProfileKind::DigitalOut | ProfileKind::AnalogueOut, "out")
        | (ProfileKind::DigitalIn | ProfileKind::AnalogueIn | ProfileKind::OversamplingIn, "in") => {
            usize::from(device.channel_count())
        }
        (ProfileKind::Servo | ProfileKind::Stepper, "out") | (ProfileKind::Encoder, "in") => 1,
        _ => 0,
    };
    if channel == 0 || channel > has {
        return Err(ConfigProblem::WireChannel { subdevice, channel, count: has, direction });
    }
    Ok(WireEnd { subdevice, channel: channel - 1 })
}
