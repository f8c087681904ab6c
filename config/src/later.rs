//! Keys whose places are settled and whose meaning comes with a later version. They are checked in form, and a rig that
//! gives one is refused in words.

/// All of them of one SubDevice.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Later {
    /// It may be missing.
    pub optional: bool,
}

impl Later {
    /// The keys that are given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let keys = [("optional", self.optional)];
        keys.into_iter().filter(|(_, given)| *given).map(|(key, _)| key)
    }
}
