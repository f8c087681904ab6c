//! A text as a whole: its format, its tree, and types read from it.

use crate::decode;
use crate::error::TextError;
use crate::hints::Hints;
use crate::node::Node;
use crate::{json, read, yaml};
use serde::Deserialize;
use std::path::Path;
use std::rc::Rc;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON with `//` and `/* */` comments and trailing commas.
    Json,
    /// YAML 1.2 of one document, with anchors, aliases and the merge key `<<`, without tags.
    Yaml,
}

impl Format {
    /// YAML for the endings `.yaml` and `.yml`, else JSON.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        if matches!(ending.as_deref(), Some("yaml" | "yml")) { Self::Yaml } else { Self::Json }
    }
}

/// A text that parses: a tree of values with their places.
#[derive(Debug)]
pub struct Document {
    root: Rc<Node>,
}

impl Document {
    /// Parses a text; byte order marks are taken.
    ///
    /// # Errors
    /// It isn't text, or isn't of that format, or a key stands twice in one object.
    pub fn parse(bytes: &[u8], format: Format) -> Result<Self, TextError> {
        let text = decode::text(bytes)?;
        let root = match format {
            Format::Json => json::parse(&text)?,
            Format::Yaml => yaml::parse(&text)?,
        };
        Ok(Self { root })
    }

    /// Reads a type from it. `deny_unknown_fields` and custom `expecting` texts of the type make the errors.
    ///
    /// # Errors
    /// The first key that is unknown, missing, or has a value that the type doesn't take.
    pub fn read<'a, T: Deserialize<'a>>(&'a self, hints: &Hints) -> Result<T, TextError> {
        read::read(&self.root, hints)
    }
}
