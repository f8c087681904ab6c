//! The `zerocat` command from outside: processes, files, streams, signals and exit codes.
//!
//! Tests that need a network make one of their own: a namespace with a veth pair, a `zerocat sim` at one end and the
//! command under test at the other. They need root and iproute2, and fail without. Nothing outside the namespace is
//! touched, and what a test started is gone when it ends, also when it panics.
//!
//! No test asserts a time: waits are bounded, and end in a failure that shows what the programs said.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod bench_set;
mod capture;
mod cia402;
mod compare;
mod demo;
mod descriptions;
mod doctor;
mod ends;
mod entries;
mod ethernet;
mod exchange;
mod failures;
mod files;
mod harsh;
mod identity;
mod import;
mod init;
mod jobs;
mod json_failures;
mod limits;
mod live_view;
mod missing;
mod moments;
mod outputs;
mod oversampled;
mod parted;
mod privileges;
#[allow(dead_code, reason = "another suite uses the rest")]
mod program;
mod quiet;
mod recovery;
mod rig_manual;
mod run;
#[allow(dead_code, reason = "another suite uses the rest")]
#[path = "../sim/running.rs"]
mod running;
mod samples;
mod scan;
mod signals;
mod silence;
mod slow_line;
mod soe_drives;
mod standstill;
mod stop;
mod streams;
mod sweep;
mod terminal;
mod tune;
mod types;
mod unasked;
mod waits;
mod words;
