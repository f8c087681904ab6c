//! What is wrong with a text, where, and what belongs there.

use crate::node::Place;
use std::fmt;

/// The first thing that is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TextError {
    /// Path of the key, such as `slaves[2].key`; empty for the text as a whole and where the text doesn't parse.
    pub path: String,
    /// What is wrong, and what belongs there.
    pub what: String,
    /// Where, unless it is everywhere.
    pub at: Option<Place>,
    /// The key or word that was probably meant, which `what` names too.
    pub meant: Option<String>,
}

impl TextError {
    pub(crate) fn new(what: impl Into<String>, at: Place) -> Self {
        Self { path: String::new(), what: what.into(), at: Some(at), meant: None }
    }

    /// The same about the text as a whole.
    pub(crate) fn whole(what: impl Into<String>) -> Self {
        Self { path: String::new(), what: what.into(), at: None, meant: None }
    }

    /// The message and its place, without the path.
    #[must_use]
    pub fn message(&self) -> String {
        match self.at {
            Some(place) => format!("{} ({place})", self.what),
            None => self.what.clone(),
        }
    }

    /// The same below a key.
    pub(crate) fn below(self, key: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: format!("{key}{dot}{}", self.path), ..self }
    }

    /// The same in an item of a list.
    pub(crate) fn in_item(self, index: usize) -> Self {
        self.below(&format!("[{index}]"))
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message())
    }
}
