//! The settings of an interface, to read and write: by ioctl in the thread's network namespace, and in files of `/proc`
//! and `/sys` below a root.

use super::plan::{Found, Reading};
use super::setting::{Setting, Value};
use crate::doctor::{Irq, nic_irqs, read_irqs};
use crate::nic::{NOT_IN_SYSFS, NicControl, NicGroup, NicSettings, set_irq_affinity};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zerocat_xdp::{NapiKnob, NapiKnobs, XdpError};

/// An interface that is tuned. Tests have one in memory.
pub(super) trait Port {
    /// All settings, in the order in which they are changed.
    fn read(&self) -> Vec<Reading>;

    /// Changes a setting.
    fn write(&self, setting: &Setting, value: &Value) -> io::Result<()>;

    /// Waits until the link has settled after these changes, and returns a note if it was reset. Some settings change
    /// when a link comes up again: igb then negotiates pause frames again.
    fn settle(&self, changed: &[Setting]) -> Option<String>;
}

/// Offloads that delay, merge or change frames, by the kernel's names (`net/ethtool/common.c`).
const OFFLOADS: [&str; 9] = [
    "rx-gro",
    "rx-gro-hw",
    "rx-lro",
    "rx-vlan-hw-parse",
    "tx-generic-segmentation",
    "tx-tcp-segmentation",
    "tx-tcp-ecn-segmentation",
    "tx-tcp-mangleid-segmentation",
    "tx-tcp6-segmentation",
];
const KNOBS: [NapiKnob; 3] = [NapiKnob::DeferHardIrqs, NapiKnob::GroFlushTimeout, NapiKnob::Threaded];
/// Groups whose change may reset the link come last, except the queues, because changing them changes the interrupts.
const BEFORE: [NicGroup; 2] = [NicGroup::Queues, NicGroup::Coalescing];
const AFTER: [NicGroup; 2] = [NicGroup::Pause, NicGroup::EnergyEfficient];
/// Stands for all interrupts, if they can't be listed.
const ANY: &str = "*";

/// A network interface of this machine.
#[derive(Debug)]
pub(super) struct Nic {
    root: PathBuf,
    name: String,
    index: u32,
    had_carrier: bool,
    control: NicControl,
}

impl Nic {
    /// Finds the interface that had these settings.
    ///
    /// # Errors
    /// `NoInterface`, `Device`.
    pub(super) fn find(root: &Path, nic: &NicSettings) -> Result<Self, XdpError> {
        Ok(Self {
            root: root.into(),
            name: nic.name.clone(),
            index: nic.index,
            had_carrier: nic.carrier == Some(true),
            control: NicControl::of_interface(&nic.name)?,
        })
    }

    /// Whether the interface is known to have no carrier.
    fn link_is_down(&self) -> bool {
        NicSettings::of_interface(&self.name).is_ok_and(|nic| nic.carrier == Some(false))
    }

    fn group(&self, group: NicGroup) -> Reading {
        let found = match self.control.read(group) {
            Ok(words) => Found::Is(Value::words(words)),
            Err(error) => Found::Absent(explained(&error)),
        };
        Reading { setting: Setting::Group(group), found }
    }

    fn offloads(&self) -> Vec<Reading> {
        let all = self.control.offloads();
        let one = |name: &str| match &all {
            Err(error) => Found::Absent(explained(error)),
            Ok(all) => match all.iter().find(|offload| offload.name == name) {
                None => Found::Absent("this kernel doesn't have this offload".to_owned()),
                Some(offload) if offload.changeable => Found::Is(Value::Switch(offload.active)),
                Some(offload) => Found::Fixed(Value::Switch(offload.active)),
            },
        };
        OFFLOADS.map(|name| Reading { setting: Setting::Offload(name.to_owned()), found: one(name) }).into()
    }

    /// Its interrupts, each with a unique name; `None` if sysfs doesn't show the interface.
    fn irqs(&self) -> Option<Vec<(String, Irq)>> {
        let irqs = nic_irqs(&self.root, &self.name, self.index, read_irqs(&self.root))?;
        let name = |irq: &Irq| irq.names.join("+");
        let named = irqs.iter().map(|irq| {
            let alone = irqs.iter().filter(|other| name(other) == name(irq)).count() == 1;
            (if alone { name(irq) } else { format!("{} {}", name(irq), irq.number) }, irq.clone())
        });
        Some(named.collect())
    }

    fn affinities(&self) -> Vec<Reading> {
        let Some(irqs) = self.irqs() else {
            let setting = Setting::Irq(ANY.to_owned());
            return vec![Reading { setting, found: Found::Absent(NOT_IN_SYSFS.to_owned()) }];
        };
        let read = |(name, irq): (String, Irq)| Reading {
            setting: Setting::Irq(name),
            found: Found::Is(Value::Cpus(irq.allowed)),
        };
        irqs.into_iter().map(read).collect()
    }

    fn knobs(&self) -> Vec<Reading> {
        let knobs = NapiKnobs::find(&self.root, &self.name, self.index);
        let one = |knob| match knobs.as_ref().map(|knobs| knobs.read(knob)) {
            None => Found::Absent(NOT_IN_SYSFS.to_owned()),
            Some(Err(error)) => Found::Absent(explained(&error)),
            Some(Ok(value)) => Found::Is(Value::Number(value)),
        };
        KNOBS.map(|knob| Reading { setting: Setting::Napi(knob), found: one(knob) }).into()
    }
}

/// How long a link may take to come up: gigabit copper negotiates for 1 to 3 s, and ixgbe took 20 s in one case.
const LINK_PATIENCE: Duration = Duration::from_secs(25);
/// How long it may take until a link is seen to go down: the kernel polls a PHY once a second (`PHY_STATE_TIME` of
/// `include/linux/phy.h`).
const UNTIL_NOTICED: Duration = Duration::from_millis(1200);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

impl Port for Nic {
    fn read(&self) -> Vec<Reading> {
        let mut readings = BEFORE.map(|group| self.group(group)).to_vec();
        readings.extend(self.offloads());
        readings.extend(self.affinities());
        readings.extend(self.knobs());
        readings.extend(AFTER.map(|group| self.group(group)));
        readings
    }

    fn write(&self, setting: &Setting, value: &Value) -> io::Result<()> {
        let mismatch = || io::Error::new(io::ErrorKind::InvalidInput, format!("{setting} can't be {value}"));
        match (setting, value) {
            (Setting::Group(group), Value::Words(words)) => {
                let words: Vec<_> = words.iter().map(|(name, value)| (name.as_str(), *value)).collect();
                self.control.write(*group, &words)
            }
            (Setting::Offload(name), Value::Switch(on)) => self.control.set_offload(name, *on),
            (Setting::Irq(name), Value::Cpus(cpus)) => {
                let irqs = self.irqs().unwrap_or_default();
                let irq = irqs.iter().find(|(known, _)| known == name).ok_or_else(mismatch)?;
                set_irq_affinity(&self.root, irq.1.number, cpus)
            }
            (Setting::Napi(knob), Value::Number(number)) => NapiKnobs::find(&self.root, &self.name, self.index)
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, NOT_IN_SYSFS))?
                .write(*knob, *number),
            _ => Err(mismatch()),
        }
    }

    fn settle(&self, changed: &[Setting]) -> Option<String> {
        let renegotiated = changed.iter().any(|setting| AFTER.map(Setting::Group).contains(setting));
        if !self.had_carrier
            || !happens_within(if renegotiated { UNTIL_NOTICED } else { Duration::ZERO }, || self.link_is_down())
        {
            return None;
        }
        let begun = Instant::now();
        if happens_within(LINK_PATIENCE, || !self.link_is_down()) {
            return Some(format!("the link was reset and came up again after {:.1} s", begun.elapsed().as_secs_f32()));
        }
        Some(format!("the link was reset and is still down after {} s", LINK_PATIENCE.as_secs()))
    }
}

/// Polls until a condition is true, at least once.
fn happens_within(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if begun.elapsed() >= patience {
            return false;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// An error of the kernel, for people.
pub(super) fn explained(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::Unsupported => format!("not supported by the driver ({error})"),
        io::ErrorKind::InvalidInput if error.raw_os_error().is_some() => format!("refused by the driver ({error})"),
        io::ErrorKind::PermissionDenied => format!("not permitted; run as root ({error})"),
        _ => error.to_string(),
    }
}
