//! A text as a whole: its format, its tree, and types read from it.

use crate::decode;
use crate::error::TextError;
use crate::hints::Hints;
use crate::node::{Kind, Node, Place};
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

    /// Where the value of a path such as `slaves[2].key` begins, or the innermost object or list on the way that is there.
    #[must_use]
    pub fn place(&self, path: &str) -> Option<Place> {
        let mut node = &self.root;
        for step in path.split(['.', '[']).map(|step| step.trim_end_matches(']')) {
            let below = match &node.kind {
                Kind::Object(entries) => entries.iter().find(|(key, _)| key.name == step).map(|(_, below)| below),
                Kind::List(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
                _ => None,
            };
            match below {
                Some(below) => node = below,
                None => break,
            }
        }
        (!path.is_empty()).then_some(node.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_place_and_what_is_not_there_that_of_its_object() {
        let text = b"{\n  \"tasks\": [ {}, { \"name\": 5 } ] }";
        let document = Document::parse(text, Format::Json).unwrap();
        let place = |path| document.place(path).map(|place| (place.line, place.column));
        assert_eq!(place("tasks[1].name"), Some((2, 28)));
        assert_eq!(place("tasks[1].config.device"), Some((2, 18)));
        assert_eq!(place("tasks[7]"), Some((2, 12)));
        assert_eq!((place("engine"), place("")), (Some((1, 1)), None));
    }
}
