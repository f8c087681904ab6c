//! `zerocat demo`: its samples, and a servo that moves only when it is told to.

use crate::bench_set::unless_starved;
use crate::program::{Ended, zerocat};
use serde_json::Value;

/// Status word and position of the servo, by number.
const STATUS: &str = "100001";
const POSITION: &str = "100002";

fn demo(more: &[&str]) -> Ended {
    let arguments = [&["demo", "--in-process", "--samples", "--seconds", "3"], more].concat();
    unless_starved(|| zerocat(&arguments)).with_code(0)
}

/// All values of a channel, in order.
fn values(ended: &Ended, channel: &str) -> Vec<i64> {
    let lines = ended.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let samples = lines.filter(|line| line["kind"] == "samples");
    let of_line = |line: Value| line["channels"][channel].as_array().unwrap().clone();
    samples.flat_map(of_line).filter_map(|value| value.as_i64()).collect()
}

#[test]
fn the_servo_is_enabled_and_moves_where_it_is_told_to() {
    let ended = demo(&["--move"]);
    assert!(values(&ended, STATUS).iter().any(|word| word & 0x6f == 0x27), "{}", ended.out);
    let positions = values(&ended, POSITION);
    let (low, high) = (positions.iter().min().unwrap(), positions.iter().max().unwrap());
    assert!(high - low > 5_000, "from {low} to {high}");
}

#[test]
fn the_servo_stays_switched_off_where_it_is_without() {
    let ended = demo(&[]);
    let (words, positions) = (values(&ended, STATUS), values(&ended, POSITION));
    assert!(!words.is_empty() && words.iter().all(|word| word & 0x4f == 0x40), "{words:?}");
    assert!(positions.iter().all(|position| *position == positions[0]), "{positions:?}");
}
