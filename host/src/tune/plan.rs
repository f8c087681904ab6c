//! Which settings to change: a pure function of their values and of the caller's preferences.
//!
//! Guarantees: a setting that is as wanted isn't changed, and each change names the check of `doctor` that asks for it.

use super::setting::{Setting, Value};
use crate::nic::NicGroup;
use zerocat_xdp::NapiKnob;

/// How a setting was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Set to this, and may be changed.
    Is(Value),
    /// Set to this, and the driver doesn't allow changing it.
    Fixed(Value),
    /// The driver doesn't have it, or it can't be read; the reason.
    Absent(String),
}

impl Found {
    /// The value, if there is one.
    pub(super) const fn value(&self) -> Option<&Value> {
        match self {
            Self::Is(value) | Self::Fixed(value) => Some(value),
            Self::Absent(_) => None,
        }
    }
}

/// A setting as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Which.
    pub setting: Setting,
    /// How.
    pub found: Found,
}

/// Which CPU is to serve the interrupts of the NIC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IrqCpu {
    /// This CPU.
    Exactly(usize),
    /// Any single CPU but `realtime`. Interrupts that don't have one yet go to `choose`.
    Housekeeping {
        /// CPU of the realtime thread, if it is known.
        realtime: Option<usize>,
        /// A CPU for interrupts.
        choose: usize,
    },
}

/// Whether the kernel polls the interface in threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThreadedNapi {
    /// Unchanged, because such a thread has an ordinary priority until somebody raises it.
    #[default]
    Leave,
    /// In threads.
    On,
}

/// What the caller may choose. Everything else follows from what `doctor` wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preferences {
    /// CPU of the interrupts.
    pub irq_cpu: IrqCpu,
    /// Whether to poll in threads.
    pub threaded: ThreadedNapi,
}

/// What to do with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Which.
    pub setting: Setting,
    /// How it was found.
    pub found: Found,
    /// Wanted values, the best first; the others are for drivers that refuse it. Empty if it is as wanted.
    pub to: Vec<Value>,
    /// The check of `doctor` that asks for it.
    pub check: &'static str,
    /// Why it is wanted.
    pub why: &'static str,
}

/// What to do with each setting.
#[must_use]
pub fn plan(readings: &[Reading], preferences: &Preferences) -> Vec<Item> {
    readings
        .iter()
        .map(|reading| {
            let (check, why) = reason(&reading.setting);
            let wanted = reading.found.value().map(|now| (now, wanted(&reading.setting, now, preferences)));
            let to = wanted.filter(|(now, to)| to.first() != Some(now)).map(|(_, to)| to).unwrap_or_default();
            Item { setting: reading.setting.clone(), found: reading.found.clone(), to, check, why }
        })
        .collect()
}

/// The check of `doctor` for a setting, and why it is changed.
pub(super) fn reason(setting: &Setting) -> (&'static str, &'static str) {
    match setting {
        Setting::Group(NicGroup::Queues) => {
            ("queues", "an AF_XDP socket receives from one queue only, so there should be one queue")
        }
        Setting::Group(NicGroup::Coalescing) => ("coalescing", "the NIC waits that long before it reports a frame"),
        Setting::Group(NicGroup::EnergyEfficient) => {
            ("eee", "a link that sleeps takes tens of microseconds to wake up")
        }
        Setting::Group(NicGroup::Pause) => {
            ("pause", "a pause frame stops the sender, and SubDevices don't understand them")
        }
        Setting::Offload(name) if name.starts_with("tx-") => {
            ("offloads", "a burst of segments of another sender occupies the link while our frame waits")
        }
        Setting::Offload(_) => ("offloads", "it delays or changes frames before a socket sees them"),
        Setting::Irq(_) => ("nic_irqs", "an interrupt that moves between CPUs finds cold caches and other work"),
        Setting::Napi(NapiKnob::Threaded) => ("threaded_napi", "a receive thread can be given a priority of its own"),
        Setting::Napi(_) => ("napi_deferral", "without busy polling, frames wait for the flush timeout"),
    }
}

/// The wanted values of a setting whose value is `now`.
fn wanted(setting: &Setting, now: &Value, preferences: &Preferences) -> Vec<Value> {
    match (setting, now) {
        (Setting::Group(NicGroup::Queues), Value::Words(_)) => vec![one_receive_queue(now)],
        (Setting::Group(NicGroup::Coalescing), Value::Words(_)) => without_coalescing(now),
        (Setting::Group(NicGroup::EnergyEfficient), Value::Words(_)) => {
            vec![with_words(now, |name, value| match name {
                "eee" => 0,
                _ => value,
            })]
        }
        (Setting::Group(NicGroup::Pause), Value::Words(_)) => without_pause(now),
        (Setting::Offload(_), _) => vec![Value::Switch(false)],
        (Setting::Irq(_), Value::Cpus(cpus)) => vec![Value::Cpus(one_cpu(cpus, preferences.irq_cpu))],
        (Setting::Napi(NapiKnob::Threaded), _) => match preferences.threaded {
            ThreadedNapi::Leave => vec![now.clone()],
            ThreadedNapi::On => vec![Value::Number(1)],
        },
        (Setting::Napi(_), _) => vec![Value::Number(0)],
        _ => vec![now.clone()],
    }
}

fn with_words(now: &Value, change: impl Fn(&str, u32) -> u32) -> Value {
    match now {
        Value::Words(words) => {
            Value::Words(words.iter().map(|(name, &value)| (name.clone(), change(name, value))).collect())
        }
        other => other.clone(),
    }
}

/// One receive queue. Drivers have combined queues or separate ones; if both, one combined queue remains.
fn one_receive_queue(now: &Value) -> Value {
    let combined = matches!(now, Value::Words(words) if words.get("combined").is_some_and(|&count| count > 0));
    with_words(now, |name, value| match name {
        "combined" => value.min(1),
        "rx" if combined => 0,
        "rx" => value.min(1),
        _ => value,
    })
}

/// No delay: 0 us and, if the driver counts frames, 1 frame (`include/uapi/linux/ethtool.h`). Many drivers don't count
/// frames and report 0; some that do refuse 0 us together with 0 frames.
fn without_coalescing(now: &Value) -> Vec<Value> {
    let frames_at_least = |least: u32| {
        with_words(now, |name, value| match name {
            "rx-frames" | "tx-frames" => value.clamp(least, 1),
            _ => 0,
        })
    };
    vec![frames_at_least(0), frames_at_least(1)]
}

/// No pause frames, and no negotiation of them if the driver allows that.
fn without_pause(now: &Value) -> Vec<Value> {
    let is_off = |value: &Value| matches!(value, Value::Words(words) if words.get("rx") == Some(&0) && words.get("tx") == Some(&0));
    if is_off(now) {
        return vec![now.clone()];
    }
    let off = with_words(now, |_, _| 0);
    let still_negotiated = with_words(now, |name, value| if name == "autoneg" { value } else { 0 });
    vec![off, still_negotiated]
}

fn one_cpu(now: &[usize], preferences: IrqCpu) -> Vec<usize> {
    match preferences {
        IrqCpu::Exactly(cpu) => vec![cpu],
        IrqCpu::Housekeeping { realtime, choose } => match now {
            [one] if Some(*one) != realtime => now.to_vec(),
            _ => vec![choose],
        },
    }
}

/// The first online CPU that is neither the realtime CPU nor isolated; if all are isolated, the first other than the
/// realtime CPU.
pub(super) fn housekeeping(online: &[usize], isolated: &[usize], realtime: Option<usize>) -> usize {
    let others = || online.iter().copied().filter(|cpu| Some(*cpu) != realtime);
    let shared = others().find(|cpu| !isolated.contains(cpu));
    shared.or_else(|| others().next()).or(online.first().copied()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFERENCES: Preferences =
        Preferences { irq_cpu: IrqCpu::Housekeeping { realtime: Some(3), choose: 0 }, threaded: ThreadedNapi::Leave };

    fn planned(setting: Setting, now: Value, preferences: &Preferences) -> Vec<Value> {
        plan(&[Reading { setting, found: Found::Is(now) }], preferences).remove(0).to
    }

    fn group(group: NicGroup, now: &[(&'static str, u32)]) -> Vec<Value> {
        planned(Setting::Group(group), Value::words(now.iter().copied()), &PREFERENCES)
    }

    #[test]
    fn receive_queues_become_one_and_transmit_queues_stay() {
        let queues = |rx, tx, combined| [("rx", rx), ("tx", tx), ("other", 1), ("combined", combined)];
        assert_eq!(group(NicGroup::Queues, &queues(0, 0, 8)), [Value::words(queues(0, 0, 1))]);
        assert_eq!(group(NicGroup::Queues, &queues(4, 4, 0)), [Value::words(queues(1, 4, 0))]);
        assert_eq!(group(NicGroup::Queues, &queues(2, 0, 4)), [Value::words(queues(0, 0, 1))]);
        assert!(group(NicGroup::Queues, &queues(0, 0, 1)).is_empty());
        assert!(group(NicGroup::Queues, &queues(1, 4, 0)).is_empty());
    }

    #[test]
    fn coalescing_is_switched_off_with_one_frame_for_drivers_that_count() {
        let coalescing = |us, frames, adaptive| {
            let receive = [("rx-usecs", us), ("rx-frames", frames), ("adaptive-rx", adaptive)];
            receive.into_iter().chain([("tx-usecs", us), ("tx-frames", frames), ("adaptive-tx", adaptive)])
        };
        let planned =
            |us, frames, adaptive| group(NicGroup::Coalescing, &coalescing(us, frames, adaptive).collect::<Vec<_>>());
        let off = |frames| Value::words(coalescing(0, frames, 0));
        assert_eq!(planned(3, 0, 1), [off(0), off(1)]);
        assert_eq!(planned(0, 64, 0), [off(1), off(1)]);
        assert!(planned(0, 0, 0).is_empty());
        assert!(planned(0, 1, 0).is_empty());
    }

    #[test]
    fn energy_saving_is_switched_off_and_advertised_modes_stay() {
        let eee = |on| [("eee", on), ("advertise", 0x28), ("tx-lpi", 1), ("tx-timer", 17)];
        assert_eq!(group(NicGroup::EnergyEfficient, &eee(1)), [Value::words(eee(0))]);
        assert!(group(NicGroup::EnergyEfficient, &eee(0)).is_empty());
    }

    #[test]
    fn pause_frames_and_their_negotiation_are_switched_off() {
        let pause = |autoneg, on| [("autoneg", autoneg), ("rx", on), ("tx", on)];
        assert_eq!(group(NicGroup::Pause, &pause(1, 1)), [Value::words(pause(0, 0)), Value::words(pause(1, 0))]);
        assert!(group(NicGroup::Pause, &pause(1, 0)).is_empty(), "no pause frames");
    }

    #[test]
    fn an_interrupt_goes_to_one_cpu_other_than_the_realtime_cpu() {
        let irq = |cpus: &[usize], irq_cpu| {
            let setting = Setting::Irq("eth1".to_owned());
            planned(setting, Value::Cpus(cpus.to_vec()), &Preferences { irq_cpu, ..PREFERENCES })
        };
        assert_eq!(irq(&[0, 1, 2, 3], PREFERENCES.irq_cpu), [Value::Cpus(vec![0])]);
        assert_eq!(irq(&[3], PREFERENCES.irq_cpu), [Value::Cpus(vec![0])]);
        assert!(irq(&[2], PREFERENCES.irq_cpu).is_empty(), "a single CPU is kept");
        assert_eq!(irq(&[2], IrqCpu::Exactly(3)), [Value::Cpus(vec![3])]);
        assert!(irq(&[3], IrqCpu::Exactly(3)).is_empty());
    }

    #[test]
    fn polling_threads_are_unchanged_by_default() {
        let threaded = |now, preferences| planned(Setting::Napi(NapiKnob::Threaded), Value::Number(now), &preferences);
        assert!(threaded(0, PREFERENCES).is_empty() && threaded(1, PREFERENCES).is_empty());
        assert_eq!(threaded(0, Preferences { threaded: ThreadedNapi::On, ..PREFERENCES }), [Value::Number(1)]);
    }

    #[test]
    fn what_cannot_be_read_is_not_planned() {
        let reading = Reading { setting: Setting::Group(NicGroup::Pause), found: Found::Absent("none".to_owned()) };
        assert!(plan(&[reading], &PREFERENCES).remove(0).to.is_empty());
    }

    #[test]
    fn the_housekeeping_cpu_is_neither_isolated_nor_realtime() {
        assert_eq!(housekeeping(&[0, 1, 2, 3], &[2, 3], Some(3)), 0);
        assert_eq!(housekeeping(&[0, 1], &[], Some(0)), 1);
        assert_eq!(housekeeping(&[0, 1], &[0, 1], Some(0)), 1, "all isolated");
        assert_eq!(housekeeping(&[0], &[], Some(0)), 0, "there is no other");
    }
}
