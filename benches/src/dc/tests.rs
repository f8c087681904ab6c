//! Short runs of the bench.

use super::*;

fn short(variant: Variant, seconds: f64) -> DcReport {
    let settings = DcSettings { seconds, starts: 1, seed: 1, variants: vec![variant] };
    run(&settings, |_| ()).unwrap()
}

#[test]
fn clocks_of_a_line_of_ten_meet_their_aims() {
    meets_its_aims(Topology::Line);
}

#[test]
fn clocks_of_a_star_meet_their_aims() {
    meets_its_aims(Topology::Star);
}

fn meets_its_aims(topology: Topology) {
    let report = short(Variant::of(topology), 12.0);
    // The others depend on how late the recorded machine was; the command judges them.
    let of_clocks = ["delay_error_ns_max", "delays_unresolved", "system_time_difference_p999_ns", "stamp_error_p99_ns"];
    let missed: Vec<_> = report.missed().map(|(_, aim)| aim).filter(|aim| of_clocks.contains(&aim.of)).collect();
    assert!(missed.is_empty(), "{missed:?} of {:?}", report.rows[0]);
    assert!(report.rows[0].stamp_error_p99_ns.is_some());
    assert!(report.checks.iter().all(|check| check.met), "{:?}", report.checks);
}

#[test]
fn the_same_seed_gives_the_same_figures() {
    let [one, other] = [(); 2].map(|()| serde_json::to_string(&short(Variant::of(Topology::Star), 2.0).rows).unwrap());
    assert_eq!(one, other);
}

#[test]
fn without_a_row_or_time_there_is_nothing_to_do() {
    let nothing = DcSettings { seconds: 5.0, starts: 1, seed: 1, variants: Vec::new() };
    assert!(matches!(run(&nothing, |_| ()), Err(DcBenchError::Nothing)));
    let no_time = DcSettings { seconds: 0.0, variants: DcSettings::all_variants(), ..nothing };
    assert!(matches!(run(&no_time, |_| ()), Err(DcBenchError::Nothing)));
}
