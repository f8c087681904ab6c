//! What the tests and benches of several crates share, each piece once.
//!
//! [`FakeTree`] stands in for `/proc` and `/sys`.
//!
//! Not for production: these helpers panic where a step fails. A test that can't run fails; none is skipped.
#![forbid(unsafe_code)]

mod fake_tree;

pub use fake_tree::FakeTree;
