//! A rig whose rules hold. Only such a one can be started: the type says so.

use crate::error::ConfigError;
use crate::rig::Rig;
use std::ops::Deref;
use std::path::Path;

/// A rig without problems. It can be read like a [`Rig`]; to change it, take the rig out and check it again.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedRig(Rig);

impl CheckedRig {
    /// Reads a rig file and checks its rules. Problems have their places in the file.
    ///
    /// # Errors
    /// As for [`Rig::load`], and all its problems.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Rig::load_valid(path)?.check()
    }

    /// The rig, to be changed.
    #[must_use]
    pub fn into_rig(self) -> Rig {
        self.0
    }
}

impl Rig {
    /// The rig as one that can be started, if it has no problems.
    ///
    /// # Errors
    /// All its problems.
    pub fn check(self) -> Result<CheckedRig, ConfigError> {
        self.validate().map(CheckedRig)
    }
}

impl TryFrom<Rig> for CheckedRig {
    type Error = ConfigError;

    fn try_from(rig: Rig) -> Result<Self, ConfigError> {
        rig.check()
    }
}

impl Deref for CheckedRig {
    type Target = Rig;

    fn deref(&self) -> &Rig {
        &self.0
    }
}
