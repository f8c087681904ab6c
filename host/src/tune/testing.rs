//! A port in memory for tests: a NIC with four queues, an interrupt for each, and a driver that misbehaves on request.

use super::plan::{Found, Reading};
use super::port::Port;
use super::setting::{Setting, Value};
use crate::nic::NicGroup;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use zerocat_xdp::NapiKnob;

pub(super) fn queues() -> Setting {
    Setting::Group(NicGroup::Queues)
}

pub(super) fn coalescing() -> Setting {
    Setting::Group(NicGroup::Coalescing)
}

pub(super) fn irq(queue: u32) -> Setting {
    Setting::Irq(format!("eth1-TxRx-{queue}"))
}

/// Called before each write.
type Observer<'a> = Box<dyn Fn(&Setting) + 'a>;

pub(super) struct FakePort<'a> {
    settings: RefCell<Vec<(Setting, Value)>>,
    absent: RefCell<BTreeSet<Setting>>,
    unplugged: RefCell<BTreeSet<Setting>>,
    refusals: RefCell<BTreeMap<Setting, u32>>,
    ignored: RefCell<BTreeSet<Setting>>,
    writes_left: Cell<usize>,
    link_is_down: Cell<bool>,
    negotiates_late: Cell<bool>,
    observer: RefCell<Option<Observer<'a>>>,
}

impl<'a> FakePort<'a> {
    pub(super) fn new() -> Self {
        let words = |words: &[(&'static str, u32)]| Value::words(words.iter().copied());
        let mut settings = vec![
            (queues(), words(&[("rx", 0), ("tx", 0), ("other", 1), ("combined", 4)])),
            (
                coalescing(),
                words(&[
                    ("rx-usecs", 3),
                    ("rx-frames", 0),
                    ("tx-usecs", 0),
                    ("tx-frames", 0),
                    ("adaptive-rx", 1),
                    ("adaptive-tx", 0),
                ]),
            ),
            (Setting::Offload("rx-gro".to_owned()), Value::Switch(true)),
            (Setting::Offload("rx-vlan-hw-parse".to_owned()), Value::Switch(false)),
        ];
        settings.extend((0..4).map(|queue| (irq(queue), Value::Cpus(vec![0, 1]))));
        settings.extend([
            (Setting::Napi(NapiKnob::DeferHardIrqs), Value::Number(2)),
            (Setting::Napi(NapiKnob::GroFlushTimeout), Value::Number(20_000)),
            (Setting::Group(NicGroup::Pause), words(&[("autoneg", 1), ("rx", 1), ("tx", 0)])),
            (
                Setting::Group(NicGroup::EnergyEfficient),
                words(&[("eee", 1), ("advertise", 40), ("tx-lpi", 1), ("tx-timer", 17)]),
            ),
        ]);
        Self {
            settings: RefCell::new(settings),
            absent: RefCell::default(),
            unplugged: RefCell::default(),
            refusals: RefCell::default(),
            ignored: RefCell::default(),
            writes_left: Cell::new(usize::MAX),
            link_is_down: Cell::new(false),
            negotiates_late: Cell::new(false),
            observer: RefCell::new(None),
        }
    }

    /// Sets all numbers of a group, as another program would.
    pub(super) fn set(&self, setting: &Setting, number: u32) {
        let mut settings = self.settings.borrow_mut();
        let (_, value) = settings.iter_mut().find(|(known, _)| known == setting).unwrap();
        let Value::Words(words) = value else { panic!("{setting} is no group") };
        words.values_mut().for_each(|value| *value = number);
    }

    /// The driver refuses the next writes.
    pub(super) fn refuse(&self, setting: &Setting, times: u32) {
        self.refusals.borrow_mut().insert(setting.clone(), times);
    }

    /// The driver accepts writes and does nothing.
    pub(super) fn ignore(&self, setting: &Setting) {
        self.ignored.borrow_mut().insert(setting.clone());
    }

    /// The link negotiates pause frames once more after they were switched off.
    pub(super) fn negotiate_late(&self) {
        self.negotiates_late.set(true);
    }

    /// The setting no longer exists.
    pub(super) fn unplug(&self, setting: &Setting) {
        self.unplugged.borrow_mut().insert(setting.clone());
    }

    /// The process is killed after so many writes.
    pub(super) fn die_after(&self, writes: usize) {
        self.writes_left.set(writes);
    }

    pub(super) fn before_each_write(&self, observer: impl Fn(&Setting) + 'a) {
        *self.observer.borrow_mut() = Some(Box::new(observer));
    }

    fn combined(&self) -> u32 {
        let settings = self.settings.borrow();
        match settings.first() {
            Some((_, Value::Words(words))) => words["combined"],
            other => panic!("{other:?}"),
        }
    }

    /// Removes the interrupts of removed queues; those of new queues have the kernel's default.
    fn queues_changed(&self) {
        let combined = self.combined();
        let mut absent = self.absent.borrow_mut();
        for queue in 0..4 {
            if queue >= combined {
                absent.insert(irq(queue));
            } else if absent.remove(&irq(queue)) {
                let mut settings = self.settings.borrow_mut();
                settings.iter_mut().find(|(known, _)| *known == irq(queue)).unwrap().1 = Value::Cpus(vec![0, 1]);
            }
        }
    }
}

impl Port for FakePort<'_> {
    fn read(&self) -> Vec<Reading> {
        let (absent, unplugged) = (self.absent.borrow(), self.unplugged.borrow());
        let settings = self.settings.borrow();
        let there = settings.iter().filter(|(setting, _)| !absent.contains(setting) && !unplugged.contains(setting));
        there.map(|(setting, value)| Reading { setting: setting.clone(), found: Found::Is(value.clone()) }).collect()
    }

    fn write(&self, setting: &Setting, value: &Value) -> io::Result<()> {
        if let Some(observer) = &*self.observer.borrow() {
            observer(setting);
        }
        self.writes_left.set(self.writes_left.get().checked_sub(1).expect("killed"));
        if let Some(left) = self.refusals.borrow_mut().get_mut(setting).filter(|left| **left > 0) {
            *left -= 1;
            return Err(io::Error::from(io::ErrorKind::Unsupported));
        }
        if self.ignored.borrow().contains(setting) {
            return Ok(());
        }
        let mut settings = self.settings.borrow_mut();
        settings.iter_mut().find(|(known, _)| known == setting).unwrap().1 = value.clone();
        drop(settings);
        if *setting == queues() {
            self.queues_changed();
            self.link_is_down.set(true);
        }
        Ok(())
    }

    /// The link comes up again and negotiates pause frames as before, if they were switched off too early.
    fn settle(&self, changed: &[Setting]) -> Option<String> {
        let switched_off = changed.contains(&Setting::Group(NicGroup::Pause));
        let negotiates = self.link_is_down.replace(false) || (switched_off && self.negotiates_late.replace(false));
        if !negotiates {
            return None;
        }
        let mut settings = self.settings.borrow_mut();
        let pause = settings.iter_mut().find(|(known, _)| *known == Setting::Group(NicGroup::Pause));
        pause.unwrap().1 = Value::words([("autoneg", 1), ("rx", 1), ("tx", 0)]);
        Some("the link came up again".to_owned())
    }
}
