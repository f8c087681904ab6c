//! Claims about the engine, from outside.

#![allow(clippy::unwrap_used, reason = "tests")]

mod acyclic;
mod clock;
mod commanded;
mod cycle;
mod ends;
mod follow;
mod outputs;
mod overload;
mod run;
mod stall;
mod streaks;
mod support;
mod tick;
mod timed;
mod units;
mod validity;
mod void;
