//! An interface whose settings can be read and written: by ioctl in the thread's network namespace, and below a root
//! that holds `/proc` and `/sys`.

use super::plan::{Found, Reading};
use super::setting::{Setting, Value};
use crate::doctor::{Irq, nic_irqs, read_irqs};
use crate::nic::{NOT_IN_SYSFS, NicControl, NicGroup, NicSettings, set_irq_affinity};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zerocat_xdp::{NapiKnob, NapiKnobs, XdpError};

/// What is tuned.
pub(super) trait Port {
    /// Every setting, as it is now. In the order in which they are changed.
    fn read(&self) -> Vec<Reading>;

    /// Changes one.
    fn write(&self, setting: &Setting, value: &Value) -> io::Result<()>;

    /// Waits until what was changed has had its effect on the link, and says what that was, if anything. Some settings
    /// of a link that is down become others when it is up: igb agrees on pause frames anew.
    fn settle(&self, changed: &[Setting]) -> Option<String>;
}

/// Offloads that hold frames, join them or change them, by the kernel's names (`net/ethtool/common.c`).
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
/// The groups whose change may reset the link come last, but for the queues: they change what the others are of.
const BEFORE: [NicGroup; 2] = [NicGroup::Queues, NicGroup::Coalescing];
const AFTER: [NicGroup; 2] = [NicGroup::Pause, NicGroup::EnergyEfficient];
/// Stands for all interrupts, where they can't be told.
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
    /// An interface that was set so.
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

    /// Whether the link is known to be down.
    fn is_cut(&self) -> bool {
        NicSettings::of_interface(&self.name).is_ok_and(|nic| nic.carrier == Some(false))
    }

    fn group(&self, group: NicGroup) -> Reading {
        let found = match self.control.read(group) {
            Ok(words) => Found::Is(Value::words(words)),
            Err(error) => Found::Absent(said(&error)),
        };
        Reading { setting: Setting::Group(group), found }
    }

    fn offloads(&self) -> Vec<Reading> {
        let all = self.control.offloads();
        let one = |name: &str| match &all {
            Err(error) => Found::Absent(said(error)),
            Ok(all) => match all.iter().find(|offload| offload.name == name) {
                None => Found::Absent("this kernel has no such offload".to_owned()),
                Some(offload) if offload.changeable => Found::Is(Value::Switch(offload.active)),
                Some(offload) => Found::Fixed(Value::Switch(offload.active)),
            },
        };
        OFFLOADS.map(|name| Reading { setting: Setting::Offload(name.to_owned()), found: one(name) }).into()
    }

    /// Its interrupts, each with a name that no other of them has; none where sysfs doesn't show the interface.
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
            Some(Err(error)) => Found::Absent(said(&error)),
            Some(Ok(value)) => Found::Is(Value::Number(value)),
        };
        KNOBS.map(|knob| Reading { setting: Setting::Napi(knob), found: one(knob) }).into()
    }
}

/// How long a link may take to come back: gigabit copper takes 1 to 3 s to agree, and ixgbe was seen to take 20 s.
const LINK_PATIENCE: Duration = Duration::from_secs(25);
/// How late a link may go down: the kernel looks at a PHY once a second (`PHY_STATE_TIME` of `include/linux/phy.h`).
const NOTICED: Duration = Duration::from_millis(1200);
const LOOK: Duration = Duration::from_millis(20);

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
        let agreed_anew = changed.iter().any(|setting| AFTER.map(Setting::Group).contains(setting));
        if !self.had_carrier || !within(if agreed_anew { NOTICED } else { Duration::ZERO }, || self.is_cut()) {
            return None;
        }
        let begun = Instant::now();
        if within(LINK_PATIENCE, || !self.is_cut()) {
            return Some(format!("the link was reset and came back after {:.1} s", begun.elapsed().as_secs_f32()));
        }
        Some(format!("the link was reset and isn't back after {} s", LINK_PATIENCE.as_secs()))
    }
}

/// Looks until something is so, once at least.
fn within(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if is_so() {
            return true;
        }
        if begun.elapsed() >= patience {
            return false;
        }
        std::thread::sleep(LOOK);
    }
}

/// An error of the kernel for people.
pub(super) fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::Unsupported => format!("the driver doesn't have it ({error})"),
        io::ErrorKind::InvalidInput if error.raw_os_error().is_some() => format!("the driver refuses it ({error})"),
        io::ErrorKind::PermissionDenied => format!("not permitted, run as root ({error})"),
        _ => error.to_string(),
    }
}
