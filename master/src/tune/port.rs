//! An interface whose settings can be read and written: by ioctl in the thread's network namespace, and below a root
//! that holds `/proc` and `/sys`.

use super::plan::{Found, Reading};
use super::setting::{Setting, Value};
use std::io;
use std::path::{Path, PathBuf};
use zerocat_sched::doctor::{Irq, nic_irqs, read_irqs};
use zerocat_xdp::{NapiKnob, NapiKnobs, NicControl, NicGroup, XdpError, set_irq_affinity};

/// What is tuned.
pub(super) trait Port {
    /// Every setting, as it is now. In the order in which they are changed.
    fn read(&self) -> Vec<Reading>;

    /// Changes one.
    fn write(&self, setting: &Setting, value: &Value) -> io::Result<()>;
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
    control: NicControl,
}

impl Nic {
    /// # Errors
    /// `NoInterface`, `Device`.
    pub(super) fn find(root: &Path, name: &str, index: u32) -> Result<Self, XdpError> {
        Ok(Self { root: root.into(), name: name.into(), index, control: NicControl::of_interface(name)? })
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
            return vec![Reading { setting, found: Found::Absent(ELSEWHERE.to_owned()) }];
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
            None => Found::Absent(ELSEWHERE.to_owned()),
            Some(Err(error)) => Found::Absent(said(&error)),
            Some(Ok(value)) => Found::Is(Value::Number(value)),
        };
        KNOBS.map(|knob| Reading { setting: Setting::Napi(knob), found: one(knob) }).into()
    }
}

const ELSEWHERE: &str = "/sys shows another network namespace; `ip netns exec` shows the right one";

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
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, ELSEWHERE))?
                .write(*knob, *number),
            _ => Err(mismatch()),
        }
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
