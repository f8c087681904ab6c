//! `zerocat sim` while it runs: commands on standard input and from a script, what a MainDevice notices of them, JSON
//! lines, UNIX datagram sockets, segments with two ends.
//!
//! Tests with a network make a namespace of their own; they need root and iproute2, and fail without.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

#[allow(dead_code, reason = "another suite uses the rest")]
#[path = "../black_box/bench_set.rs"]
mod bench_set;
mod commands;
mod effects;
mod interface_gone;
mod live;
mod manual;
#[allow(dead_code, reason = "another suite uses the rest")]
#[path = "../black_box/program.rs"]
mod program;
mod raw;
mod refusals;
mod running;
mod seeds;
mod segments;
mod two_ends;
