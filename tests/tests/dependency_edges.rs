//! Who may know whom. The picture is the one of ARCHITECTURE.md; an edge that isn't in it is a design change and needs
//! a decision record.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};

/// Room, and the rooms that its code may name. Nothing points up.
const EDGES: &[(&str, &[&str])] = &[
    ("zerocat-wire", &[]),
    ("zerocat-link", &[]),
    ("zerocat-sched", &[]),
    ("zerocat-gauge", &["zerocat-sched"]),
    ("zerocat-host", &["zerocat-sched", "zerocat-xdp"]),
    ("zerocat-pdi", &["zerocat-wire"]),
    ("zerocat-esi", &["zerocat-wire"]),
    ("zerocat-xdp", &["zerocat-link"]),
    ("zerocat-config", &["zerocat-esi", "zerocat-pdi"]),
    ("zerocat-bus", &["zerocat-esi", "zerocat-pdi", "zerocat-wire"]),
    ("zerocat-engine", &["zerocat-link", "zerocat-pdi", "zerocat-sched", "zerocat-wire"]),
    ("zerocat-tasks", &["zerocat-config", "zerocat-engine", "zerocat-pdi"]),
    ("zerocat-sim", &["zerocat-esi", "zerocat-link", "zerocat-wire"]),
    (
        "zerocat",
        &[
            "zerocat-bus",
            "zerocat-config",
            "zerocat-engine",
            "zerocat-host",
            "zerocat-link",
            "zerocat-pdi",
            "zerocat-sched",
            "zerocat-tasks",
            "zerocat-wire",
            "zerocat-xdp",
        ],
    ),
    (
        "zerocat-benches",
        &[
            "zerocat",
            "zerocat-bus",
            "zerocat-engine",
            "zerocat-gauge",
            "zerocat-host",
            "zerocat-link",
            "zerocat-pdi",
            "zerocat-sched",
            "zerocat-sim",
            "zerocat-testkit",
            "zerocat-wire",
            "zerocat-xdp",
        ],
    ),
    ("zerocat-cli", &["zerocat", "zerocat-benches", "zerocat-host", "zerocat-link", "zerocat-sched", "zerocat-sim"]),
    (
        "zerocat-testkit",
        &["zerocat", "zerocat-bus", "zerocat-engine", "zerocat-link", "zerocat-pdi", "zerocat-sched", "zerocat-sim"],
    ),
    ("zerocat-tests", &[]),
];

fn edges_in_the_workspace() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata runs in the workspace");
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let ours = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal)
                .filter(|dependency| dependency.path.is_some())
                .map(|dependency| dependency.name.clone());
            (package.name.to_string(), ours.collect())
        })
        .collect()
}

#[test]
fn every_room_knows_only_whom_the_picture_allows() {
    let found = edges_in_the_workspace();
    let allowed: BTreeMap<_, _> = EDGES.iter().copied().collect();
    for (room, neighbours) in &found {
        let allowed = allowed.get(room.as_str()).unwrap_or_else(|| panic!("{room} is not in the picture"));
        for neighbour in neighbours {
            assert!(allowed.contains(&neighbour.as_str()), "{room} must not depend on {neighbour}");
        }
    }
    assert_eq!(found.len(), EDGES.len(), "the picture has a room that the workspace lacks");
}

#[test]
fn the_engine_never_names_xdp_and_the_configuration_no_realtime_room() {
    let found = edges_in_the_workspace();
    assert!(!found["zerocat-engine"].contains("zerocat-xdp"));
    for realtime in ["zerocat-engine", "zerocat-sched", "zerocat-link", "zerocat-xdp"] {
        assert!(!found["zerocat-config"].contains(realtime), "config depends on {realtime}");
    }
}
