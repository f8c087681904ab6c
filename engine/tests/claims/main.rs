//! Claims about the engine, from outside.

#![allow(clippy::unwrap_used, reason = "tests")]

mod acyclic;
mod cycle;
mod outputs;
mod overload;
mod run;
mod support;
mod tick;
mod timed;
mod units;
