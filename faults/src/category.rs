//! Where a fault has its cause.

/// Where the cause of a fault is looked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// Between the devices: cables, connectors, loss, corruption, another MainDevice.
    Network,
    /// In a SubDevice: no answer, a refused state, an identity or a mapping that differs.
    Device,
    /// In this machine or program: resources, privileges, timing, files that take no more.
    Master,
    /// In a file that was given to a command.
    Config,
    /// In how a command was called or ended.
    User,
}

impl Category {
    /// Its name, as JSON and documents have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Device => "device",
            Self::Master => "master",
            Self::Config => "config",
            Self::User => "user",
        }
    }
}

impl std::fmt::Display for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
