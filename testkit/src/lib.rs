//! What the tests and benches of several crates share, each piece once.
//!
//! - [`contract`] is the suite of claims that every [`zerocat_link::Link`] must keep, and [`reflect`] the far end it needs.
//! - [`FakeTree`] stands in for `/proc` and `/sys`.
//! - [`netns`] gives a test a network namespace of its own with a veth pair in it. Needs root.
//!
//! Not for production: these helpers panic where a step fails. A test that can't run fails; none is skipped.
#![forbid(unsafe_code)]

pub mod contract;
mod fake_tree;
pub mod netns;
pub mod reflect;

pub use fake_tree::FakeTree;
