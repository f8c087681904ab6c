//! Keys of SubDevices and names of channels: those of the tool, as a rig file can have them, each only once.

use std::collections::{HashMap, HashSet};
use zerocat_config::sanitised;

/// Most letters of a key.
const KEY: usize = 40;
/// Most letters of a name.
const NAME: usize = 120;
/// The network's key, which no SubDevice may have.
const NETWORK: &str = "network";

/// Names that are taken already.
#[derive(Debug)]
pub(super) struct Naming {
    keys: Taken,
    channels: Taken,
}

impl Default for Naming {
    fn default() -> Self {
        let mut keys = Taken::default();
        keys.names.insert(NETWORK.to_owned());
        Self { keys, channels: Taken::default() }
    }
}

impl Naming {
    /// The key of the SubDevice at a position.
    pub(super) fn key(&mut self, name: &str, position: u16) -> String {
        let name = shortened(&sanitised(name), KEY);
        let key = match name.chars().next() {
            None => format!("subdevice_{position}"),
            Some(digit) if digit.is_ascii_digit() => format!("sd_{name}"),
            Some(_) => name,
        };
        self.keys.free(key)
    }

    /// The name of a channel that the tool calls so.
    pub(super) fn channel(&mut self, key: &str, name: &str) -> String {
        let name = shortened(&sanitised(name), NAME);
        let name = match name.chars().next() {
            None => key.to_owned(),
            Some(digit) if digit.is_ascii_digit() => format!("{key}_{name}"),
            Some(_) => name,
        };
        self.channels.free(name)
    }
}

fn shortened(name: &str, most: usize) -> String {
    let cut: String = name.chars().take(most).collect();
    cut.trim_end_matches('_').to_owned()
}

/// Names, and for each the number that was put behind it last.
#[derive(Debug, Default)]
struct Taken {
    names: HashSet<String>,
    last: HashMap<String, u32>,
}

impl Taken {
    /// The name itself, or with the lowest number behind it that makes it free.
    fn free(&mut self, name: String) -> String {
        let mut free = name.clone();
        let last = self.last.entry(name.clone()).or_insert(1);
        while self.names.contains(&free) {
            *last = last.saturating_add(1);
            free = format!("{name}_{last}");
        }
        self.names.insert(free.clone());
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_names_that_a_rig_file_can_have_each_once() {
        let mut naming = Naming::default();
        let names = ["Term 1 (EL1004)", "Term 1 [EL1004]", "", "3 axes", "Network", "Überwachung", "驱动器"];
        let keys: Vec<String> = (0..).zip(names).map(|(position, name)| naming.key(name, position)).collect();
        let expected =
            ["term_1_el1004", "term_1_el1004_2", "subdevice_2", "sd_3_axes", "network_2", "berwachung", "subdevice_6"];
        assert_eq!(keys, expected);
    }

    #[test]
    fn a_name_with_a_number_of_its_own_is_not_taken_twice() {
        let mut naming = Naming::default();
        let names = ["In", "In 2", "In", "In", "7 seals", ""].map(|name| naming.channel("io", name));
        assert_eq!(names, ["in", "in_2", "in_3", "in_4", "io_7_seals", "io"]);
    }
}
