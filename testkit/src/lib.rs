//! What the tests and benches of several crates share, each piece once.
//!
//! - [`contract`]: the claims that every [`zerocat_link::Link`] must keep. [`reflect`]: the peer that they need.
//! - [`FakeTree`]: files in place of `/proc` and `/sys`. [`Folder`]: a directory for the files of one test.
//! - [`netns`]: a private network namespace with a veth pair. [`mounts`]: private mounts. Both need root.
//! - [`cpus`]: the CPUs that a test runs on.
//! - `virtual_network`, with the feature of that name: a whole network in one thread under virtual time.
//!
//! The virtual network depends on most crates, the rest on `link` alone. Therefore it is a feature: without it the unit
//! tests of `sched`, `host` and `xdp` can use the rest and need not compile the crates above them.
//!
//! Apart from the virtual network, which `zerocat bench` runs too, this is for tests only: it panics where a step fails.
//! A test that can't run fails; none is skipped.
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
