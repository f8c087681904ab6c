//! Every error and fault of zerocat by its name: what it means, what to do, and the exit code of a command that ends with it.
//!
//! Guarantees: a name is stable. It may be added within a version of the list, it is never renamed, removed or given another
//! meaning; texts may change. One fault has one exit code, so codes can't contradict names. Not here: when a fault occurs,
//! and the figures of a particular one. These are in the messages of the rooms that notice it.
#![forbid(unsafe_code)]

mod category;
mod chain;
mod list;
mod page;

pub use category::Category;
pub use chain::chain;
pub use list::Fault;
pub use page::page;

/// Name and version of the list.
pub const SCHEMA: &str = "zerocat-faults/1";

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Fault {
    /// The fault with a name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }
}
