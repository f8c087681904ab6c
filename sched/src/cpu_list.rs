//! The kernel's notation for sets of CPUs: `0-3,8`. A list that can't be read is empty.

use std::fs;
use std::path::Path;

/// The CPUs of a list such as `0-3,8`. Parts that are neither a number nor a range are ignored.
#[must_use]
pub fn parse(list: &str) -> Vec<usize> {
    list.trim().split(',').filter_map(range).flatten().collect()
}

fn range(part: &str) -> Option<std::ops::RangeInclusive<usize>> {
    // Linux has at most 8192 CPUs (CONFIG_NR_CPUS). A larger number is no CPU and must not become a huge range.
    let number = |text: &str| text.trim().parse().ok().filter(|&cpu: &usize| cpu < 8192);
    match part.split_once('-') {
        Some((first, last)) => Some(number(first)?..=number(last)?),
        None => number(part).map(|cpu| cpu..=cpu),
    }
}

/// The CPUs of `/sys/devices/system/cpu/<name>` under `root`: `online`, `isolated`, `nohz_full`.
#[must_use]
pub fn read(root: &Path, name: &str) -> Vec<usize> {
    fs::read_to_string(root.join("sys/devices/system/cpu").join(name)).map_or_else(|_| Vec::new(), |text| parse(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_and_ranges() {
        assert_eq!(parse("0-3,8\n"), [0, 1, 2, 3, 8]);
        assert_eq!(parse("5"), [5]);
    }

    #[test]
    fn an_empty_list_and_junk_are_no_cpus() {
        assert!(parse("\n").is_empty());
        assert!(parse("(null)").is_empty(), "what nohz_full says when it is off");
        assert!(parse("0-99999999999").is_empty());
        assert_eq!(parse("x,2"), [2]);
    }
}
