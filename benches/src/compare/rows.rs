//! What is compared: our rows, and the peers that are installed.

use super::own::OwnRow;
use serde::Serialize;
use std::path::PathBuf;
use zerocat_xdp::Mode;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// zerocat's engine.
    Ours,
    /// A bare socket: the least that any MainDevice over it costs.
    Floor,
    /// Another MainDevice.
    Peer,
    /// No exchange, but a part of what another row measures.
    Part,
}

/// The XDP program at the MainDevice's end, which a native reflector over veth needs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NearProgram {
    /// The row brings its own and takes it away.
    Own,
    /// The row brings its own and leaves it behind.
    Left,
    /// The bench puts one there.
    Passthrough,
}

/// What must answer while a row sets itself up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetUpWith {
    /// Whatever the scenario has.
    Anything,
    /// SubDevices that can be scanned.
    SubDevices,
}

/// A row: a command, and what the bench does around it.
#[derive(Debug, Clone)]
pub(super) struct RowSpec {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) role: Role,
    pub(super) command: Vec<String>,
    pub(super) near: NearProgram,
    pub(super) reflector: Mode,
    pub(super) set_up_with: SetUpWith,
    /// Most frames of an exchange that it can do, and their length.
    pub(super) most: (u16, usize),
}

/// Where the peers are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Peers {
    /// The program `zerocat-peers`: ethercrab's tasks.
    pub ethercrab: Option<PathBuf>,
    /// The command of SOEM's row: `python soem.py`.
    pub soem: Option<Vec<String>>,
    /// Further rows: name and command.
    pub others: Vec<(String, Vec<String>)>,
}

/// Longest frame for which SOEM's row gets SubDevices: beyond it the scans take longer than everything else.
const SOEM_LONGEST: usize = 300;
const ANY: (u16, usize) = (u16::MAX, usize::MAX);

/// ethercrab's rows: name, title, argument of `zerocat-peers bench`, program.
const ETHERCRAB: [(&str, &str, &str, NearProgram); 4] = [
    ("ethercrab-raw", "ethercrab, raw socket task", "raw", NearProgram::Passthrough),
    ("ethercrab-raw-one-thread", "ethercrab, raw socket, one thread", "raw-one-thread", NearProgram::Passthrough),
    ("ethercrab-io-uring", "ethercrab, io_uring task", "io-uring", NearProgram::Passthrough),
    ("ethercrab-xdp", "ethercrab, XDP task", "xdp", NearProgram::Left),
];

/// Names of the rows that are ethercrab's tasks as its documentation sets them up.
pub(super) const STOCK: [&str; 3] = ["ethercrab-raw", "ethercrab-io-uring", "ethercrab-xdp"];

/// All rows. `program` is the `zerocat` that runs our own.
pub(super) fn rows(program: &str, peers: &Peers, all_modes: bool) -> Vec<RowSpec> {
    let ours = OwnRow::ALL.into_iter().filter(|row| all_modes || row.mode().is_none());
    let mut rows: Vec<_> = ours.map(|row| own(program, row)).collect();
    if let Some(path) = &peers.ethercrab {
        rows.extend(ETHERCRAB.map(|(name, title, argument, near)| {
            let command = [&path.to_string_lossy(), "bench", argument].map(str::to_owned).to_vec();
            peer(name, title, command, near)
        }));
    }
    if let Some(command) = &peers.soem {
        let mut empty = command.clone();
        empty.push("--empty".to_owned());
        let soem = |name, title, command| RowSpec {
            set_up_with: SetUpWith::SubDevices,
            most: (1, SOEM_LONGEST),
            ..peer(name, title, command, NearProgram::Passthrough)
        };
        rows.push(soem("soem", "SOEM by pysoem", command.clone()));
        rows.push(RowSpec { role: Role::Part, ..soem("soem-empty", "part of it: two empty calls", empty) });
    }
    rows.extend(peers.others.iter().map(|(name, command)| peer(name, name, command.clone(), NearProgram::Passthrough)));
    rows
}

fn own(program: &str, row: OwnRow) -> RowSpec {
    RowSpec {
        name: row.name().to_owned(),
        title: row.title().to_owned(),
        role: if row.is_floor() { Role::Floor } else { Role::Ours },
        command: [program, "bench", "row", row.name()].map(str::to_owned).to_vec(),
        near: if row.is_xdp() { NearProgram::Own } else { NearProgram::Passthrough },
        reflector: row.mode().unwrap_or(Mode::NativeCopy),
        set_up_with: SetUpWith::Anything,
        most: ANY,
    }
}

fn peer(name: &str, title: &str, command: Vec<String>, near: NearProgram) -> RowSpec {
    RowSpec {
        name: name.to_owned(),
        title: title.to_owned(),
        role: Role::Peer,
        command,
        near,
        reflector: Mode::NativeCopy,
        set_up_with: SetUpWith::Anything,
        most: ANY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_the_engine_comes_first() {
        let peers = Peers {
            ethercrab: Some("peers".into()),
            soem: Some(vec!["soem".to_owned()]),
            others: vec![("mine".to_owned(), vec!["mine".to_owned()])],
        };
        let rows = rows("zerocat", &peers, true);
        let names: std::collections::BTreeSet<_> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!((names.len(), rows.len()), (16, 16));
        assert_eq!(rows[0].name, "engine-xdp");
        assert!(STOCK.iter().all(|name| names.contains(name)));
    }
}
