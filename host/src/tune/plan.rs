//! What is to be changed: a pure function of what was read and what is wished.
//!
//! Guarantees: nothing that is as wanted is in it as a change, and each change names the check of `doctor` that asks for
//! it.

use super::setting::{Setting, Value};
use crate::nic::NicGroup;
use zerocat_xdp::NapiKnob;

/// How a setting was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Set to this, and may be changed.
    Is(Value),
    /// Set to this, and the driver has it so for good.
    Fixed(Value),
    /// The driver has no such thing, or it can't be read; the reason.
    Absent(String),
}

impl Found {
    /// The value, where there is one.
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

/// Where the interrupts of the NIC are to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IrqCpu {
    /// To this CPU.
    Exactly(usize),
    /// Each to one CPU that isn't `realtime`; to `choose` where it isn't so yet.
    Housekeeping {
        /// CPU of the realtime thread, where it is known.
        realtime: Option<usize>,
        /// A CPU for interrupts.
        choose: usize,
    },
}

/// Whether the kernel polls the interface in threads of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThreadedNapi {
    /// As it is: such a thread has an ordinary priority until somebody gives it another.
    #[default]
    Leave,
    /// In threads.
    On,
}

/// What is wished of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// CPUs of its interrupts.
    pub irq_cpu: IrqCpu,
    /// Threads of its polling.
    pub threaded: ThreadedNapi,
}

/// What is to be done about a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Which.
    pub setting: Setting,
    /// How it was found.
    pub found: Found,
    /// What it is to be, the best first; later ones for drivers that refuse those before. Empty: it is as wanted.
    pub to: Vec<Value>,
    /// The check of `doctor` that asks for it.
    pub check: &'static str,
    /// Why it is wanted.
    pub why: &'static str,
}

/// What is to be done about each setting.
#[must_use]
pub fn plan(readings: &[Reading], wish: &Wish) -> Vec<Item> {
    readings
        .iter()
        .map(|reading| {
            let (check, why) = reason(&reading.setting);
            let wanted = reading.found.value().map(|now| (now, wanted(&reading.setting, now, wish)));
            let to = wanted.filter(|(now, to)| to.first() != Some(now)).map(|(_, to)| to).unwrap_or_default();
            Item { setting: reading.setting.clone(), found: reading.found.clone(), to, check, why }
        })
        .collect()
}

/// The check of `doctor` that looks at a setting, and why it is changed.
pub(super) fn reason(setting: &Setting) -> (&'static str, &'static str) {
    match setting {
        Setting::Group(NicGroup::Queues) => ("queues", "an AF_XDP socket hears one queue; with one, it hears all"),
        Setting::Group(NicGroup::Coalescing) => {
            ("coalescing", "the NIC waits that long before it says that a frame came")
        }
        Setting::Group(NicGroup::EnergyEfficient) => ("eee", "a link that sleeps takes tens of microseconds to wake"),
        Setting::Group(NicGroup::Pause) => ("pause", "a pause frame stops the sender; SubDevices know nothing of them"),
        Setting::Offload(name) if name.starts_with("tx-") => {
            ("offloads", "a burst of segments of somebody else holds the link while our frame waits")
        }
        Setting::Offload(_) => ("offloads", "it holds or changes frames before a socket sees them"),
        Setting::Irq(_) => ("nic_irqs", "an interrupt that wanders between CPUs meets cold caches and other work"),
        Setting::Napi(NapiKnob::Threaded) => ("threaded_napi", "a receive thread can be given a priority of its own"),
        Setting::Napi(_) => ("napi_deferral", "without busy polling, frames wait for the flush timeout"),
    }
}

/// What a setting is to be, now that it is `now`.
fn wanted(setting: &Setting, now: &Value, wish: &Wish) -> Vec<Value> {
    match (setting, now) {
        (Setting::Group(NicGroup::Queues), Value::Words(_)) => vec![one_queue(now)],
        (Setting::Group(NicGroup::Coalescing), Value::Words(_)) => at_once(now),
        (Setting::Group(NicGroup::EnergyEfficient), Value::Words(_)) => vec![with(now, |name, value| match name {
            "eee" => 0,
            _ => value,
        })],
        (Setting::Group(NicGroup::Pause), Value::Words(_)) => no_pause(now),
        (Setting::Offload(_), _) => vec![Value::Switch(false)],
        (Setting::Irq(_), Value::Cpus(cpus)) => vec![Value::Cpus(one_cpu(cpus, wish.irq_cpu))],
        (Setting::Napi(NapiKnob::Threaded), _) => match wish.threaded {
            ThreadedNapi::Leave => vec![now.clone()],
            ThreadedNapi::On => vec![Value::Number(1)],
        },
        (Setting::Napi(_), _) => vec![Value::Number(0)],
        _ => vec![now.clone()],
    }
}

fn with(now: &Value, change: impl Fn(&str, u32) -> u32) -> Value {
    match now {
        Value::Words(words) => {
            Value::Words(words.iter().map(|(name, &value)| (name.clone(), change(name, value))).collect())
        }
        other => other.clone(),
    }
}

/// One queue that receives. A driver has combined queues or queues of their own; where it has both, one combined.
fn one_queue(now: &Value) -> Value {
    let combined = matches!(now, Value::Words(words) if words.get("combined").is_some_and(|&count| count > 0));
    with(now, |name, value| match name {
        "combined" => value.min(1),
        "rx" if combined => 0,
        "rx" => value.min(1),
        _ => value,
    })
}

/// No waiting: 0 us and, where frames are counted, after the first (`include/uapi/linux/ethtool.h`: to switch
/// coalescing off, 0 us and 1 frame). Many drivers don't count and say 0; some that do refuse 0 us with 0 frames.
fn at_once(now: &Value) -> Vec<Value> {
    let frames_at_least = |least: u32| {
        with(now, |name, value| match name {
            "rx-frames" | "tx-frames" => value.clamp(least, 1),
            _ => 0,
        })
    };
    vec![frames_at_least(0), frames_at_least(1)]
}

/// No pause frames; not agreed on with the other end either, where the driver lets that be.
fn no_pause(now: &Value) -> Vec<Value> {
    let quiet = |value: &Value| matches!(value, Value::Words(words) if words.get("rx") == Some(&0) && words.get("tx") == Some(&0));
    if quiet(now) {
        return vec![now.clone()];
    }
    let off = with(now, |_, _| 0);
    let still_agreed = with(now, |name, value| if name == "autoneg" { value } else { 0 });
    vec![off, still_agreed]
}

fn one_cpu(now: &[usize], wish: IrqCpu) -> Vec<usize> {
    match wish {
        IrqCpu::Exactly(cpu) => vec![cpu],
        IrqCpu::Housekeeping { realtime, choose } => match now {
            [one] if Some(*one) != realtime => now.to_vec(),
            _ => vec![choose],
        },
    }
}

/// The first CPU on line that is neither the realtime one nor isolated; else the first that isn't the realtime one.
pub(super) fn housekeeping(online: &[usize], isolated: &[usize], realtime: Option<usize>) -> usize {
    let others = || online.iter().copied().filter(|cpu| Some(*cpu) != realtime);
    let shared = others().find(|cpu| !isolated.contains(cpu));
    shared.or_else(|| others().next()).or(online.first().copied()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISH: Wish =
        Wish { irq_cpu: IrqCpu::Housekeeping { realtime: Some(3), choose: 0 }, threaded: ThreadedNapi::Leave };

    fn planned(setting: Setting, now: Value, wish: &Wish) -> Vec<Value> {
        plan(&[Reading { setting, found: Found::Is(now) }], wish).remove(0).to
    }

    fn group(group: NicGroup, now: &[(&'static str, u32)]) -> Vec<Value> {
        planned(Setting::Group(group), Value::words(now.iter().copied()), &WISH)
    }

    #[test]
    fn queues_become_one_and_those_that_send_stay() {
        let queues = |rx, tx, combined| [("rx", rx), ("tx", tx), ("other", 1), ("combined", combined)];
        assert_eq!(group(NicGroup::Queues, &queues(0, 0, 8)), [Value::words(queues(0, 0, 1))]);
        assert_eq!(group(NicGroup::Queues, &queues(4, 4, 0)), [Value::words(queues(1, 4, 0))]);
        assert_eq!(group(NicGroup::Queues, &queues(2, 0, 4)), [Value::words(queues(0, 0, 1))]);
        assert!(group(NicGroup::Queues, &queues(0, 0, 1)).is_empty());
        assert!(group(NicGroup::Queues, &queues(1, 4, 0)).is_empty());
    }

    #[test]
    fn coalescing_goes_off_and_is_asked_for_with_a_frame_where_a_driver_counts_them() {
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
    fn energy_saving_goes_off_and_what_is_advertised_stays() {
        let eee = |on| [("eee", on), ("advertise", 0x28), ("tx-lpi", 1), ("tx-timer", 17)];
        assert_eq!(group(NicGroup::EnergyEfficient, &eee(1)), [Value::words(eee(0))]);
        assert!(group(NicGroup::EnergyEfficient, &eee(0)).is_empty());
    }

    #[test]
    fn pause_frames_go_off_and_agreement_too_where_it_may() {
        let pause = |autoneg, on| [("autoneg", autoneg), ("rx", on), ("tx", on)];
        assert_eq!(group(NicGroup::Pause, &pause(1, 1)), [Value::words(pause(0, 0)), Value::words(pause(1, 0))]);
        assert!(group(NicGroup::Pause, &pause(1, 0)).is_empty(), "nothing is paused");
    }

    #[test]
    fn an_interrupt_goes_to_one_cpu_that_is_not_the_realtime_one() {
        let irq = |cpus: &[usize], irq_cpu| {
            let setting = Setting::Irq("eth1".to_owned());
            planned(setting, Value::Cpus(cpus.to_vec()), &Wish { irq_cpu, ..WISH })
        };
        assert_eq!(irq(&[0, 1, 2, 3], WISH.irq_cpu), [Value::Cpus(vec![0])]);
        assert_eq!(irq(&[3], WISH.irq_cpu), [Value::Cpus(vec![0])]);
        assert!(irq(&[2], WISH.irq_cpu).is_empty(), "one CPU, and somebody chose it");
        assert_eq!(irq(&[2], IrqCpu::Exactly(3)), [Value::Cpus(vec![3])]);
        assert!(irq(&[3], IrqCpu::Exactly(3)).is_empty());
    }

    #[test]
    fn polling_threads_are_left_alone_unless_asked_for() {
        let threaded = |now, wish| planned(Setting::Napi(NapiKnob::Threaded), Value::Number(now), &wish);
        assert!(threaded(0, WISH).is_empty() && threaded(1, WISH).is_empty());
        assert_eq!(threaded(0, Wish { threaded: ThreadedNapi::On, ..WISH }), [Value::Number(1)]);
    }

    #[test]
    fn what_cannot_be_read_is_not_planned() {
        let reading = Reading { setting: Setting::Group(NicGroup::Pause), found: Found::Absent("none".to_owned()) };
        assert!(plan(&[reading], &WISH).remove(0).to.is_empty());
    }

    #[test]
    fn interrupts_go_to_a_cpu_that_is_neither_isolated_nor_realtime() {
        assert_eq!(housekeeping(&[0, 1, 2, 3], &[2, 3], Some(3)), 0);
        assert_eq!(housekeeping(&[0, 1], &[], Some(0)), 1);
        assert_eq!(housekeeping(&[0, 1], &[0, 1], Some(0)), 1, "all isolated");
        assert_eq!(housekeeping(&[0], &[], Some(0)), 0, "there is no other");
    }
}
