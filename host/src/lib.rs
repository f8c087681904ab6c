//! Facts about the machine and its NIC. [`doctor`] checks whether they suit a rig, and [`tune`] changes the settings of
//! the NIC that don't.
//!
//! All of it runs on ordinary threads, before a rig runs or beside it. Reading is separate from judging and reads files
//! below a root directory, so that tests can judge machines made of files. The system calls that need `unsafe` are in
//! `zerocat-xdp`; the set-up of the realtime thread is in `zerocat-sched`.
#![forbid(unsafe_code)]

pub mod doctor;
mod files;
mod kernel_config;
mod machine;
pub mod nic;
mod starvation;
mod throttling;
pub mod tune;

pub use kernel_config::{KernelConfig, Setting};
pub use machine::{Host, Nic};
pub use starvation::starvation_warning;
pub use throttling::{Throttling, spin_warning};
