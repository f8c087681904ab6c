//! Settings of an interface and their values, with the names that a state file has for them.

use crate::nic::NicGroup;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use zerocat_xdp::NapiKnob;

/// A setting that is changed as a unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Setting {
    /// Values that the driver takes in one command.
    Group(NicGroup),
    /// An offload, by the kernel's name.
    Offload(String),
    /// CPUs of an interrupt, by its name; its number may change with the queues.
    Irq(String),
    /// A NAPI setting of the interface.
    Napi(NapiKnob),
}

const GROUPS: [(&str, NicGroup); 4] = [
    ("queues", NicGroup::Queues),
    ("coalescing", NicGroup::Coalescing),
    ("eee", NicGroup::EnergyEfficient),
    ("pause", NicGroup::Pause),
];
const KNOBS: [NapiKnob; 3] = [NapiKnob::DeferHardIrqs, NapiKnob::GroFlushTimeout, NapiKnob::Threaded];
const OFFLOAD: &str = "offload ";
const IRQ: &str = "irq ";

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group) => f.write_str(GROUPS.iter().find(|(_, of)| of == group).map_or("", |(name, _)| name)),
            Self::Offload(name) => write!(f, "{OFFLOAD}{name}"),
            Self::Irq(name) => write!(f, "{IRQ}{name}"),
            Self::Napi(knob) => f.write_str(knob.file()),
        }
    }
}

impl From<Setting> for String {
    fn from(setting: Setting) -> Self {
        setting.to_string()
    }
}

impl TryFrom<String> for Setting {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some((_, group)) = GROUPS.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Group(*group));
        }
        if let Some(knob) = KNOBS.into_iter().find(|knob| knob.file() == text) {
            return Ok(Self::Napi(knob));
        }
        let offload = text.strip_prefix(OFFLOAD).map(|name| Self::Offload(name.to_owned()));
        offload
            .or_else(|| text.strip_prefix(IRQ).map(|name| Self::Irq(name.to_owned())))
            .ok_or_else(|| format!("there is no setting `{text}`"))
    }
}

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// On or off.
    Switch(bool),
    /// A number, in the unit of the setting.
    Number(u64),
    /// CPUs.
    Cpus(Vec<usize>),
    /// Values of a group, by their names in ethtool(8).
    Words(BTreeMap<String, u32>),
}

impl Value {
    /// The values of a group.
    pub(super) fn words<'a>(words: impl IntoIterator<Item = (&'a str, u32)>) -> Self {
        Self::Words(words.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The value for people; of a group only what differs from `other`.
    #[must_use]
    pub fn differing_from(&self, other: Option<&Self>) -> String {
        match (self, other) {
            (Self::Words(own), Some(Self::Words(other))) if own != other => {
                named(own.iter().filter(|(name, value)| other.get(*name) != Some(value)))
            }
            _ => self.to_string(),
        }
    }
}

fn named<'a>(words: impl Iterator<Item = (&'a String, &'a u32)>) -> String {
    words.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(on) => f.write_str(if *on { "on" } else { "off" }),
            Self::Number(number) => write!(f, "{number}"),
            Self::Cpus(cpus) => {
                let cpus: Vec<_> = cpus.iter().map(ToString::to_string).collect();
                write!(f, "CPU {}", cpus.join(","))
            }
            Self::Words(words) => f.write_str(&named(words.iter())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Setting> {
        let named = [Setting::Offload("rx-gro".to_owned()), Setting::Irq("eth1-TxRx-0".to_owned())];
        let groups = GROUPS.iter().map(|(_, group)| Setting::Group(*group));
        groups.chain(KNOBS.map(Setting::Napi)).chain(named).collect()
    }

    #[test]
    fn the_name_of_a_setting_is_parsed_to_the_same_setting() {
        for setting in all() {
            assert_eq!(Setting::try_from(setting.to_string()), Ok(setting));
        }
        assert!(Setting::try_from("colour".to_owned()).is_err());
    }

    #[test]
    fn each_kind_of_value_round_trips() {
        let words = Value::words([("rx", 1), ("tx", 2)]);
        for value in [Value::Switch(false), Value::Number(0), Value::Cpus(vec![0, 3]), words] {
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn only_the_values_of_a_group_that_differ_are_shown() {
        let (from, to) = (Value::words([("rx", 4), ("tx", 2)]), Value::words([("rx", 1), ("tx", 2)]));
        assert_eq!(
            (from.differing_from(Some(&to)), to.differing_from(Some(&from))),
            ("rx 4".to_owned(), "rx 1".to_owned())
        );
        assert_eq!(from.differing_from(None), "rx 4, tx 2");
        assert_eq!(from.differing_from(Some(&from)), "rx 4, tx 2");
    }
}
