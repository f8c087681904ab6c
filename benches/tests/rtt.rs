//! The round-trip bench over a veth pair against a reflector in the kernel. Needs root.

use zerocat_benches::rtt::{RttError, RttSettings, run, table};
use zerocat_testkit::netns::in_private_netns;

fn settings(interface: &str, reflector: Option<&str>) -> RttSettings {
    RttSettings {
        interface: interface.to_owned(),
        reflector: reflector.map(str::to_owned),
        cycles: 50,
        rounds: 2,
        sizes: vec![60, 1514],
        // Other tests run beside this one.
        priority: None,
        deadline: std::time::Duration::from_millis(20),
        ..RttSettings::default()
    }
}

#[test]
fn every_row_is_measured_and_every_working_counter_right() {
    let settings = RttSettings { all_modes: true, ..settings("", None) };
    let report = in_private_netns(|veth| {
        let (interface, reflector) = (veth.master.clone(), Some(veth.peer.clone()));
        run(&RttSettings { interface, reflector, ..settings }, |_| ()).unwrap()
    });
    let mut rows: Vec<_> = report.rows.iter().map(|row| (row.size, row.name, row.mode)).collect();
    rows.sort_unstable();
    let kinds = [
        ("engine-packet", None),
        ("engine-xdp", Some("generic")),
        ("engine-xdp", Some("native_copy")),
        ("floor-packet", None),
        ("floor-xdp", Some("generic")),
        ("floor-xdp", Some("native_copy")),
    ];
    let expected: Vec<_> =
        [60, 1514].into_iter().flat_map(|size| kinds.map(|(name, mode)| (size, name, mode))).collect();
    assert_eq!(rows, expected);
    for row in &report.rows {
        assert_eq!((row.n + row.lost, row.working_counter_faults), (100, 0), "{row:?}");
        assert!(row.cycle_p50_ns >= row.p50_ns, "a cycle holds its round trip: {row:?}");
    }
    assert_eq!(report.ratios.len(), 6);
    assert!(table(&report).contains("native_copy"));
}

#[test]
fn a_wrong_working_counter_is_in_the_row() {
    let report = in_private_netns(|veth| {
        let settings = settings(&veth.master, Some(&veth.peer));
        run(&RttSettings { expected_working_counter: 4, rounds: 1, sizes: vec![60], ..settings }, |_| ()).unwrap()
    });
    let engine = report.rows.iter().find(|row| row.name == "engine-xdp").unwrap();
    assert_eq!(engine.working_counter_faults, engine.n + engine.lost);
}

#[test]
fn silence_is_an_error_that_names_the_row() {
    let error = in_private_netns(|veth| {
        let settings = RttSettings {
            cycles: 1,
            rounds: 1,
            deadline: std::time::Duration::from_micros(100),
            ..settings(&veth.master, None)
        };
        run(&settings, |_| ()).unwrap_err()
    });
    assert!(matches!(error, RttError::AllLost { row: "floor-xdp", size: 60, .. }), "{error}");
}
