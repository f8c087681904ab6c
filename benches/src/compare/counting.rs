//! System calls and instructions of an exchange, counted by strace and by perf in runs of their own that aren't timed.
//!
//! A row does N exchanges and then, in another process, 2 N. The difference between the two counts is the work of N
//! exchanges: the set-up cancels out. The row is an ordinary thread in both runs, so that it needs no pauses.

use std::collections::BTreeMap;
use std::path::Path;

/// Fewer calls in an exchange than this are noise: a clock tick, a contended lock.
const CHANCE: f64 = 0.005;

/// The command that runs another one under strace, with its threads, and writes the counts into a file.
pub(super) fn traced(command: &[String], counts: &Path) -> Vec<String> {
    let strace = ["strace", "-f", "-qq", "-c", "-U", "calls,name", "-o", &counts.to_string_lossy()];
    strace.iter().map(|&word| word.to_owned()).chain(command.iter().cloned()).collect()
}

/// The command that runs another one under perf, with its threads, and writes the count of instructions into a file.
pub(super) fn counted(command: &[String], counts: &Path) -> Vec<String> {
    let perf = ["perf", "stat", "-x", ",", "-e", "instructions", "-o", &counts.to_string_lossy(), "--"];
    perf.iter().map(|&word| word.to_owned()).chain(command.iter().cloned()).collect()
}

/// Instructions, user and kernel, from what perf wrote: a line of `count,unit,event,…` for each kind of core. `None`
/// where the machine doesn't count them.
pub(super) fn instructions(lines: &str) -> Option<u64> {
    let count = |line: &str| {
        let mut words = line.split(',');
        let (count, event) = (words.next()?.parse::<u64>().ok()?, words.nth(1)?);
        event.contains("instructions").then_some(count)
    };
    lines.lines().filter_map(count).reduce(|sum, count| sum + count)
}

/// Calls by name, from a table that strace wrote: `calls` and `name` in each line, between two rules.
pub(super) fn parse(table: &str) -> BTreeMap<String, u64> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (calls, name) = (words.next()?.parse().ok()?, words.next()?);
        (name != "total").then(|| (name.to_owned(), calls))
    };
    table.lines().filter_map(line).collect()
}

/// Calls of one exchange by name, where `exchanges` lie between two counts.
pub(super) fn per_exchange(
    once: &BTreeMap<String, u64>,
    twice: &BTreeMap<String, u64>,
    exchanges: u32,
) -> BTreeMap<String, f64> {
    let more = |(name, calls): (&String, &u64)| {
        let calls = calls.saturating_sub(once.get(name).copied().unwrap_or(0));
        let each = f64::from(u32::try_from(calls).unwrap_or(u32::MAX)) / f64::from(exchanges.max(1));
        (each >= CHANCE).then(|| (name.clone(), (each * 100.0).round() / 100.0))
    };
    twice.iter().filter_map(more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
    calls syscall
--------- ----------------
     1007 sendto
        3 close
--------- ----------------
     1010 total
";

    #[test]
    fn set_up_falls_out() {
        let once = parse(TABLE);
        assert_eq!((once.len(), once["sendto"]), (2, 1007));
        let twice = parse(&TABLE.replace("1007", "2007"));
        let each = per_exchange(&once, &twice, 1000);
        assert_eq!(each.into_iter().collect::<Vec<_>>(), [("sendto".to_owned(), 1.0)]);
    }

    #[test]
    fn instructions_are_those_of_all_kinds_of_cores_or_none() {
        let hybrid = "# started\n\n7000,,cpu_core/instructions/,1,90.00,,\n500,,cpu_atom/instructions/u,1,10.00,,\n9,,cycles,1,1,,\n";
        assert_eq!(instructions(hybrid), Some(7500));
        assert_eq!(instructions("<not supported>,,instructions,0,100.00,,\n"), None);
    }

    #[test]
    fn chance_calls_are_left_out() {
        let twice = BTreeMap::from([("futex".to_owned(), 4), ("ppoll".to_owned(), 5)]);
        let each = per_exchange(&BTreeMap::new(), &twice, 1000);
        assert_eq!(each.keys().collect::<Vec<_>>(), ["ppoll"]);
    }

    #[test]
    fn the_row_keeps_its_arguments() {
        let command = traced(&["row".to_owned(), "--empty".to_owned()], Path::new("/tmp/counts"));
        assert_eq!(command.first().map(String::as_str), Some("strace"));
        assert!(command.ends_with(&["/tmp/counts".to_owned(), "row".to_owned(), "--empty".to_owned()]));
    }
}
