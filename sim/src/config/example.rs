//! Segments that are ready to use.

use super::{ModuleKind, ProfileKind, SegmentConfig, SubDeviceConfig, WireConfig};

impl SegmentConfig {
    /// A coupler, four digital outputs wired to four digital inputs, two analogue outputs wired to two analogue
    /// inputs, and a servo. In this order: coupler, digital out, digital in, analogue in, analogue out, servo.
    #[must_use]
    pub fn example() -> Self {
        let numbered = |(serial, subdevice): (u32, SubDeviceConfig)| SubDeviceConfig { serial, ..subdevice };
        let subdevices = [
            SubDeviceConfig::new(ProfileKind::Coupler).named("coupler"),
            SubDeviceConfig::new(ProfileKind::DigitalOut).named("valves").with_channels(4),
            SubDeviceConfig::new(ProfileKind::DigitalIn).named("switches").with_channels(4),
            SubDeviceConfig::new(ProfileKind::AnalogueIn).named("sensors").with_channels(2),
            SubDeviceConfig::new(ProfileKind::AnalogueOut).named("setpoints").with_channels(2),
            SubDeviceConfig::new(ProfileKind::Servo).named("axis"),
        ];
        let subdevices = (1001..).zip(subdevices).map(numbered).collect();
        let digital = (1..=4).map(|n| (format!("valves.out.{n}"), format!("switches.in.{n}")));
        let analogue = (1..=2).map(|n| (format!("setpoints.out.{n}"), format!("sensors.in.{n}")));
        let wires = digital.chain(analogue).map(|(from, to)| WireConfig { from, to }).collect();
        Self { wires, ..Self::line(subdevices) }
    }

    /// The segment of the demonstration: the example without wires to the analogue inputs, which therefore show
    /// signals.
    #[must_use]
    pub fn demo() -> Self {
        let mut config = Self::example();
        config.wires.retain(|wire| wire.from.starts_with("valves"));
        config
    }

    /// One SubDevice of each kind behind a coupler: digital out wired to digital in, analogue out to analogue and
    /// oversampling in, the servo's position to one encoder and the stepper's to another, a free encoder, and a
    /// modular device.
    #[must_use]
    pub fn zoo() -> Self {
        let new = SubDeviceConfig::new;
        let subdevices = [
            new(ProfileKind::Coupler).named("coupler"),
            new(ProfileKind::DigitalOut).named("valves"),
            new(ProfileKind::DigitalIn).named("switches"),
            new(ProfileKind::AnalogueOut).named("setpoints"),
            new(ProfileKind::AnalogueIn).named("sensors"),
            SubDeviceConfig { samples: Some(20), ..new(ProfileKind::OversamplingIn).named("scope") },
            new(ProfileKind::Servo).named("axis"),
            new(ProfileKind::Encoder).named("scale"),
            new(ProfileKind::Stepper).named("feeder"),
            new(ProfileKind::Encoder).named("wheel"),
            SubDeviceConfig { speed: Some(20_000), ..new(ProfileKind::Encoder).named("spindle") },
            SubDeviceConfig {
                modules: vec![ModuleKind::Di8, ModuleKind::Do8, ModuleKind::Ai2, ModuleKind::Ao2],
                ..new(ProfileKind::Modular).named("rack")
            },
        ];
        let subdevices = (2001..).zip(subdevices).map(|(serial, s)| SubDeviceConfig { serial, ..s }).collect();
        let wires = [
            ("valves.out.1", "switches.in.1"),
            ("setpoints.out.1", "sensors.in.1"),
            ("setpoints.out.2", "scope.in.1"),
            ("axis.out.1", "scale.in.1"),
            ("feeder.out.1", "wheel.in.1"),
        ];
        let wires = wires.map(|(from, to)| WireConfig { from: from.into(), to: to.into() }).into();
        Self { wires, ..Self::line(subdevices) }
    }

    /// A line of `count` modular devices with at least `bytes` of process data together, as evenly spread as modules of
    /// 16 analogue outputs or inputs (32 bytes each, in turn) allow. A device takes 32 modules at most.
    #[must_use]
    pub fn large(count: usize, bytes: usize) -> Self {
        let modules = bytes.div_ceil(32);
        let first = |n: usize| (modules * n).div_ceil(count.max(1));
        let module = |m: usize| if m.is_multiple_of(2) { ModuleKind::Ao16 } else { ModuleKind::Ai16 };
        let device = |n: usize| SubDeviceConfig {
            serial: u32::try_from(n + 1).unwrap_or(0),
            modules: (0..first(n + 1) - first(n)).map(module).collect(),
            ..SubDeviceConfig::new(ProfileKind::Modular)
        };
        Self::line((0..count).map(device).collect())
    }

    /// A line of `count` SubDevices: a coupler, then digital in, digital out, analogue in, analogue out and servo in
    /// turn.
    #[must_use]
    pub fn mixed(count: usize) -> Self {
        const KINDS: [ProfileKind; 5] = [
            ProfileKind::DigitalIn,
            ProfileKind::DigitalOut,
            ProfileKind::AnalogueIn,
            ProfileKind::AnalogueOut,
            ProfileKind::Servo,
        ];
        let kind = |n: usize| if n == 0 { ProfileKind::Coupler } else { KINDS[(n - 1) % KINDS.len()] };
        let subdevice = |n: usize| SubDeviceConfig {
            serial: u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1),
            ..SubDeviceConfig::new(kind(n))
        };
        Self::line((0..count).map(subdevice).collect())
    }
}
