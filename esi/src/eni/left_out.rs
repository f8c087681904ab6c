//! What a network description holds and its values do not.

/// A thing that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Position of the SubDevice that it belongs to; `None` for the network's.
    pub subdevice: Option<u16>,
    /// The thing.
    pub what: String,
    /// The reason, or what to do in its place.
    pub why: String,
}

impl LeftOut {
    /// Something of a SubDevice.
    #[must_use]
    pub fn of(subdevice: u16, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { subdevice: Some(subdevice), what: what.into(), why: why.into() }
    }

    /// Something of the network.
    #[must_use]
    pub fn of_network(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { subdevice: None, what: what.into(), why: why.into() }
    }
}
