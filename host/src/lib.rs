//! Facts about the machine and its NIC, and what follows from them: `doctor` judges them, `tune` changes the NIC's.
//!
//! Everything here runs on ordinary threads before a rig runs, or beside it. Reading is apart from judging, and reads
//! below a root directory, so that tests judge machines made of files. The system calls that need `unsafe` are in
//! `zerocat-xdp`; what makes a thread a realtime one is in `zerocat-sched`.
#![forbid(unsafe_code)]

mod chain;
pub mod doctor;
mod files;
mod kernel_config;
mod machine;
pub mod nic;
mod starvation;
mod throttling;
pub mod tune;

pub use chain::chain;
pub use kernel_config::{KernelConfig, Setting};
pub use machine::{Host, Nic};
pub use starvation::starvation_warning;
pub use throttling::{Throttling, spin_warning};
