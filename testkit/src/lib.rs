//! What the tests and benches of several crates share, each piece once.
//!
//! - [`contract`] is the suite of claims that every [`zerocat_link::Link`] must keep, and [`reflect`] the far end it needs.
//! - [`FakeTree`] stands in for `/proc` and `/sys`; [`Folder`] is a directory for the files of one test.
//! - [`netns`] gives a test a network namespace of its own with a veth pair in it, [`mounts`] mounts that nobody
//!   else sees. Both need root. [`cpus`] keeps it where it is told to be.
//! - `virtual_network`, with the feature of that name, is a whole network in one thread under virtual time.
//!
//! The virtual network needs nearly every crate, the rest almost none. So it is a feature: the unit tests of `sched`,
//! `link` and `xdp` use the rest without compiling what stands on them.
//!

//! Not for production: these helpers panic where a step fails. A test that can't run fails; none is skipped.
#![forbid(unsafe_code)]

pub mod contract;
pub mod cpus;
mod fake_tree;
mod folder;
pub mod mounts;
pub mod netns;
pub mod reflect;
#[cfg(feature = "virtual-network")]
pub mod virtual_network;

pub use fake_tree::FakeTree;
pub use folder::Folder;
