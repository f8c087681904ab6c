//! Who may know whom: the table of ARCHITECTURE.md, held against the manifests of the workspace.
//!
//! The table is the only place where the edges are written down. A dependency that it lacks is a change of design and
//! needs a decision record. It may allow more than the manifests use. Dependencies of tests are free.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};

const ARCHITECTURE: &str = include_str!("../../ARCHITECTURE.md");
const TABLE: &str = "## Who may know whom";

/// Rooms, and for each the rooms that it knows.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// The name of a room's folder; the crate of `master` has the product's name.
fn room(crate_name: &str) -> String {
    if crate_name == "zerocat" { "master" } else { crate_name.trim_start_matches("zerocat-") }.to_owned()
}

fn edges_in_the_workspace() -> Edges {
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
                .map(|dependency| room(&dependency.name));
            (room(&package.name), ours.collect())
        })
        .collect()
}

/// The cells of a table's row, without those outside its borders.
fn cells(row: &str) -> Vec<&str> {
    let row = row.trim().trim_start_matches('|').trim_end_matches('|');
    row.split('|').map(str::trim).collect()
}

/// The rows of the table: its first cell names rooms, the others have a dot under each room that these may know.
fn edges_in_the_table(text: &str) -> Edges {
    let (_, section) = text.split_once(TABLE).expect("ARCHITECTURE.md says who may know whom");
    let mut rows = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let head = cells(rows.next().expect("the table has a head"));
    let mut edges = Edges::new();
    for row in rows.skip(1).map(cells) {
        assert_eq!(row.len(), head.len(), "the row of {} has as many cells as the head", row[0]);
        let marked = head.iter().zip(&row).skip(1).filter(|(_, cell)| !cell.is_empty());
        let known: BTreeSet<String> = marked.map(|(column, _)| (*column).to_owned()).collect();
        for name in row[0].split(',').map(str::trim) {
            assert!(edges.insert(name.to_owned(), known.clone()).is_none(), "{name} has one row");
        }
    }
    edges
}

/// Dependencies that the table lacks, and rooms that only one of the two has, a line each.
fn violations(found: &Edges, allowed: &Edges) -> Vec<String> {
    let mut lines = Vec::new();
    for (room, known) in found {
        match allowed.get(room) {
            None => lines.push(format!("{room} has no row in the table")),
            Some(allowed) => {
                lines.extend(known.difference(allowed).map(|other| format!("{room} must not depend on {other}")));
            }
        }
    }
    let vanished = allowed.keys().filter(|room| !found.contains_key(*room));
    lines.extend(vanished.map(|room| format!("{room} is a row of the table and no room")));
    lines
}

#[test]
fn every_room_knows_only_whom_the_table_allows() {
    let wrong = violations(&edges_in_the_workspace(), &edges_in_the_table(ARCHITECTURE));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_edge_a_row_or_a_room_too_many_is_noticed() {
    let table =
        edges_in_the_table("## Who may know whom\n\nx\n\n| | a | b |\n|---|---|---|\n| a, c | | ● |\n| b | | |\n");
    let known = |rooms: &[&str]| rooms.iter().map(|room| (*room).to_owned()).collect::<BTreeSet<_>>();
    let found = |edges: &[(&str, &[&str])]| -> Edges {
        edges.iter().map(|(room, others)| ((*room).to_owned(), known(others))).collect()
    };
    let allowed: &[(&str, &[&str])] = &[("a", &["b"]), ("b", &[]), ("c", &[])];
    assert_eq!(violations(&found(allowed), &table), Vec::<String>::new());
    let other: &[(&str, &[&str])] = &[("a", &["b"]), ("b", &["a"]), ("d", &[])];
    let said = ["b must not depend on a", "d has no row in the table", "c is a row of the table and no room"];
    assert_eq!(violations(&found(other), &table), said);
}

#[test]
fn every_room_is_described() {
    let (_, rooms) = ARCHITECTURE.split_once("\n## Rooms\n").expect("ARCHITECTURE.md lists the rooms");
    let (rooms, _) = rooms.split_once("\n## ").expect("a section follows");
    for room in edges_in_the_workspace().keys() {
        assert!(rooms.contains(&format!("\n| `{room}/` | ")), "{room} is not among the rooms");
    }
}

#[test]
fn the_engine_never_names_xdp_and_the_configuration_no_realtime_room() {
    for edges in [edges_in_the_workspace(), edges_in_the_table(ARCHITECTURE)] {
        assert!(!edges["engine"].contains("xdp"));
        for realtime in ["engine", "sched", "link", "xdp"] {
            assert!(!edges["config"].contains(realtime), "config depends on {realtime}");
        }
    }
}
