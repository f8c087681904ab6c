//! What a line of commands may call a task's channels: name, number, or entry.
//!
//! An entry is written `KEY.0x6040:00` or `KEY.NAME` with the key of its SubDevice, a bit of it `KEY.0x6040:00.3`. What
//! several channels are called is refused with their names; what none is called, with the nearest ones. `.3` behind what a
//! channel of a whole entry is called means bit 3 of it.

use crate::mapping::Placed;
use std::collections::HashMap;
use zerocat_config::{Reference, ResolvedChannel};
use zerocat_pdi::DataType;

/// Names that a refusal gives at most.
const SHOWN: usize = 3;
/// How alike two names must be for one to be taken for the other, by Jaro and Winkler: from 0 to 1.
const ALIKE: f64 = 0.75;

/// The channels of a task by all that they may be called.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    channels: Vec<ResolvedChannel>,
    /// Which of them has a name; names are unique.
    names: HashMap<String, usize>,
    /// Channels that the rig file has and doesn't enable.
    disabled: Vec<ResolvedChannel>,
}

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Called {
    /// The number that the task knows the channel by.
    pub channel: u32,
    /// The bit of its entry that is meant; none for all that the channel is.
    pub bit: Option<u8>,
}

/// A key that is none of the task's channels, or several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownKey {
    /// None of them.
    #[error("`{key}` is none of this task's enabled channels{}", did_you_mean(nearest))]
    None {
        /// The key.
        key: String,
        /// The names that are most like it.
        nearest: Vec<String>,
    },
    /// Several of them.
    #[error("`{key}` is more than one of this task's channels; write {}", either(names))]
    Several {
        /// The key.
        key: String,
        /// Their names.
        names: Vec<String>,
    },
    /// One that is not enabled.
    #[error("`{key}` is disabled; write `enabled: true` at its channel in the rig file")]
    Disabled {
        /// The key.
        key: String,
    },
}

impl Keys {
    /// Of the enabled channels of a task.
    #[must_use]
    pub fn new(channels: &[Placed]) -> Self {
        let channels: Vec<_> = channels.iter().map(|placed| placed.channel.clone()).collect();
        let names = channels.iter().enumerate().map(|(n, channel)| (channel.name.clone(), n)).collect();
        Self { channels, names, disabled: Vec::new() }
    }

    /// With the channels that take no commands, so that a refusal says so.
    #[must_use]
    pub fn with_disabled(self, disabled: Vec<ResolvedChannel>) -> Self {
        Self { disabled, ..self }
    }

    /// The channel that is called so, or the bit of one.
    ///
    /// # Errors
    /// None of the channels, or several of them, are called so.
    pub fn find(&self, key: &str) -> Result<Called, UnknownKey> {
        let key = key.trim();
        match self.whole(key) {
            Ok(channel) => Ok(Called { channel: channel.channel, bit: None }),
            Err(unknown) => self.bit(key).ok_or(unknown),
        }
    }

    fn bit(&self, key: &str) -> Option<Called> {
        let (key, bit) = key.rsplit_once('.')?;
        let (channel, bit) = (self.whole(key).ok()?, bit.parse().ok()?);
        let has_bits = channel.bit.is_none() && !matches!(channel.data_type, DataType::Bool | DataType::Bytes);
        (has_bits && bit < channel.bit_length).then_some(Called { channel: channel.channel, bit: Some(bit) })
    }

    fn whole(&self, key: &str) -> Result<&ResolvedChannel, UnknownKey> {
        if let Some(channel) = self.names.get(key).and_then(|n| self.channels.get(*n)) {
            return Ok(channel);
        }
        let reference = Reference::parse(key);
        let called: Vec<_> = self.channels.iter().filter(|channel| channel.answers_to(&reference)).collect();
        match called.as_slice() {
            [one] => Ok(one),
            [] if self.is_disabled(key, &reference) => Err(UnknownKey::Disabled { key: key.to_owned() }),
            [] => Err(UnknownKey::None { key: key.to_owned(), nearest: self.nearest(key) }),
            several => {
                let names = several.iter().map(|channel| channel.name.clone()).collect();
                Err(UnknownKey::Several { key: key.to_owned(), names })
            }
        }
    }

    fn is_disabled(&self, key: &str, reference: &Reference) -> bool {
        self.disabled.iter().any(|channel| channel.name == key || channel.answers_to(reference))
    }

    /// The entries that a text is without the key of their SubDevice.
    fn without_key(&self, text: &str) -> Vec<String> {
        let with_key = |channel: &ResolvedChannel| Reference::Text(format!("{}.{text}", channel.slave));
        let meant = self.channels.iter().filter(|channel| channel.answers_to(&with_key(channel)));
        let mut entries: Vec<_> = meant.map(ResolvedChannel::entry).collect();
        entries.dedup();
        entries.truncate(SHOWN);
        entries
    }

    /// The entries that a text is but for the key of their SubDevice, else the names that are most like it, the likest first.
    fn nearest(&self, text: &str) -> Vec<String> {
        let entries = self.without_key(text);
        if !entries.is_empty() {
            return entries;
        }
        let likeness = |name: &String| (strsim::jaro_winkler(&name.to_lowercase(), &text.to_lowercase()), name.clone());
        let mut names: Vec<(f64, String)> = self.names.keys().map(likeness).filter(|(like, _)| *like > ALIKE).collect();
        names.sort_by(|(one, name), (other, other_name)| other.total_cmp(one).then_with(|| name.cmp(other_name)));
        names.into_iter().take(SHOWN).map(|(_, name)| name).collect()
    }
}

fn did_you_mean(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; did you mean {}?", either(nearest)) }
}

fn either(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::tests::placed;

    fn channel(number: u32, name: &str, pdo: &str, bit: Option<u8>) -> Placed {
        let mut placed = placed(number, DataType::Uint16, 0, 16);
        let channel = &mut placed.channel;
        (channel.name, channel.slave, channel.pdo) = (name.to_owned(), "axis.left".to_owned(), pdo.to_owned());
        (channel.index, channel.subindex, channel.bit) = (0x6040, 0x1a, bit);
        placed
    }

    fn keys() -> Keys {
        let mut unnumbered = channel(5, "axis_halt", "", Some(8));
        unnumbered.channel.numbered = false;
        Keys::new(&[channel(10, "axis_control_word", "control word", None), unnumbered])
    }

    fn refusal(keys: &Keys, key: &str) -> String {
        keys.find(key).unwrap_err().to_string()
    }

    #[test]
    fn a_channel_is_found_by_name_number_and_entry() {
        let keys = keys();
        for key in
            ["axis_control_word", " 10 ", "axis.left.0x6040:1a", "axis.left.0X6040:0x1A", "axis.left.control word"]
        {
            assert_eq!(keys.find(key), Ok(Called { channel: 10, bit: None }), "{key}");
        }
        for key in ["axis_halt", "axis.left.0x6040:1a.8"] {
            assert_eq!(keys.find(key), Ok(Called { channel: 5, bit: None }), "{key}");
        }
        for key in ["axis_control_word.3", "10.3", "axis.left.0x6040:1a.3", "axis.left.control word.3"] {
            assert_eq!(keys.find(key), Ok(Called { channel: 10, bit: Some(3) }), "{key}");
        }
    }

    #[test]
    fn what_no_channel_is_called_is_refused_with_the_nearest_names() {
        let keys = keys();
        let expected = "`axis_controlword` is none of this task's enabled channels; did you mean `axis_control_word`";
        assert!(refusal(&keys, "axis_controlword").starts_with(expected), "{}", refusal(&keys, "axis_controlword"));
        for key in [
            "axis_halt.0",
            "axis_control_word.16",
            "5",
            "999999",
            "",
            "axis.left.0x6040:1a.9.9",
            "axis.left.0x16040:00",
            ":",
            "axis.:",
        ] {
            assert!(refusal(&keys, key).contains("is none of this task's enabled channels"), "{key}");
        }
        assert_eq!(refusal(&keys, "999999"), "`999999` is none of this task's enabled channels");
    }

    #[test]
    fn an_entry_without_its_key_and_a_disabled_channel_are_told_as_such() {
        let spare = channel(7, "axis_spare", "spare", Some(2)).channel;
        let keys = keys().with_disabled(vec![spare]);
        let meant = "is none of this task's enabled channels; did you mean `axis.left.0x6040:1a`?";
        for key in ["0x6040:1a", "control word"] {
            assert_eq!(refusal(&keys, key), format!("`{key}` {meant}"));
        }
        for key in ["axis_spare", "7", "axis.left.spare.2"] {
            let told = refusal(&keys, key);
            assert_eq!(told, format!("`{key}` is disabled; write `enabled: true` at its channel in the rig file"));
        }
    }

    #[test]
    fn an_entry_that_several_channels_have_is_refused_with_their_names() {
        let keys = Keys::new(&[channel(1, "first", "", None), channel(2, "second", "", None)]);
        let expected = "`axis.left.0x6040:1a` is more than one of this task's channels; write `first` or `second`";
        assert_eq!(refusal(&keys, "axis.left.0x6040:1a"), expected);
    }
}
