//! What is wrong with a rig file, where, and what to do.

use std::fmt;
use std::path::PathBuf;
use zerocat_text::{Place, TextError, nearest};

/// What a fix begins with that says what was probably meant.
const MEANT: &str = "did you mean";

/// One thing that is wrong in a rig file that parses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The rule that is broken.
    pub rule: Rule,
    /// Path of the key, such as `slaves[2].properties.pdos.inputs[0].bit_length`.
    pub path: String,
    /// What is wrong, with the values.
    pub what: String,
    /// What to do about it.
    pub fix: String,
    /// Where the key, or the object that lacks it, stands in the file; `None` for a rig that was not read from one.
    pub at: Option<Place>,
    /// What may have been meant: keys, names or entries of this rig.
    pub candidates: Vec<String>,
}

impl Problem {
    pub(crate) fn new(rule: Rule, path: impl Into<String>, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { rule, path: path.into(), what: what.into(), fix: fix.into(), at: None, candidates: Vec::new() }
    }

    pub(crate) fn or(mut self, candidates: impl IntoIterator<Item = String>) -> Self {
        self.candidates = candidates.into_iter().collect();
        self
    }

    /// The same, of a word that isn't one of those that are known: the nearest of them is what was probably meant.
    pub(crate) fn or_nearest(mut self, given: &str, known: impl IntoIterator<Item = String>) -> Self {
        let mut known: Vec<String> = known.into_iter().collect();
        let words: Vec<&str> = known.iter().map(String::as_str).collect();
        let near = nearest(given, &words).filter(|near| *near != given).map(str::to_owned);
        if let Some(near) = near {
            self.fix = format!("{MEANT} `{near}`? Otherwise {}", self.fix);
            // The likeliest first.
            known.retain(|word| *word != near);
            known.insert(0, near);
        }
        self.or(known)
    }

    /// Whether its fix says what was probably meant.
    pub(crate) fn suggests(&self) -> bool {
        self.fix.starts_with(MEANT)
    }
}

/// A rule between the keys of a rig file. Names are stable within version 1 of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// A key that is needed here is missing.
    KeyMissing,
    /// A key that has no meaning here.
    KeyMisplaced,
    /// A key, name, number, position or file that only one may have.
    Duplicate,
    /// A value that is empty, or a list without what it needs.
    Empty,
    /// A number or time out of its range.
    OutOfRange,
    /// A rate that isn't a whole part of another.
    RateNotWhole,
    /// A reference to a SubDevice, channel or entry that isn't there.
    UnknownReference,
    /// A reference that fits several entries.
    Ambiguous,
    /// Length and type of an entry, or a value and its entry, don't fit.
    TypeMismatch,
    /// Two writers of one output.
    SharedOutput,
    /// A channel name that can't be one.
    Name,
    /// A key whose meaning this version doesn't have yet.
    NotInThisVersion,
    /// A draft that isn't complete.
    Unread,
    /// A setting that has no effect beside another, or that contradicts it.
    Conflict,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::KeyMissing,
        Self::KeyMisplaced,
        Self::Duplicate,
        Self::Empty,
        Self::OutOfRange,
        Self::RateNotWhole,
        Self::UnknownReference,
        Self::Ambiguous,
        Self::TypeMismatch,
        Self::SharedOutput,
        Self::Name,
        Self::NotInThisVersion,
        Self::Unread,
        Self::Conflict,
    ];

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeyMissing => "key_missing",
            Self::KeyMisplaced => "key_misplaced",
            Self::Duplicate => "duplicate",
            Self::Empty => "empty",
            Self::OutOfRange => "out_of_range",
            Self::RateNotWhole => "rate_not_whole",
            Self::UnknownReference => "unknown_reference",
            Self::Ambiguous => "ambiguous",
            Self::TypeMismatch => "type_mismatch",
            Self::SharedOutput => "shared_output",
            Self::Name => "name",
            Self::NotInThisVersion => "not_in_this_version",
            Self::Unread => "unread",
            Self::Conflict => "conflict",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.path, self.what, self.fix)?;
        match self.at {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

/// Why a rig file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not JSON or YAML, or a key has a wrong type, is unknown or is missing.
    #[error(transparent)]
    Parse(#[from] TextError),
    /// It is XML.
    #[error(
        "XML: a rig file is JSON or YAML; network and device descriptions (ENI, ESI) aren't read; begin with `zerocat init`"
    )]
    Xml,
    /// It parses but breaks rules; every broken rule is listed.
    #[error("{} in the rig file:{}", count(problems.len()), list(problems))]
    Problems {
        /// What is wrong, in the order of the file's sections.
        problems: Vec<Problem>,
    },
    /// What a program described breaks rules. There is no file; the paths are those that a rig file would have.
    #[error("{} in the bus that the program describes:{}", count(problems.len()), list(problems))]
    Described {
        /// What is wrong, in the order of a rig file's sections.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// The same of a rig that a program described, not a file.
    #[must_use]
    pub fn of_program(self) -> Self {
        match self {
            Self::Problems { problems } => Self::Described { problems },
            other => other,
        }
    }
}

fn count(n: usize) -> String {
    if n == 1 { "1 problem".to_owned() } else { format!("{n} problems") }
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}

#[cfg(test)]
mod tests {
    use super::Rule;

    #[test]
    fn every_rule_is_in_the_manual_by_its_name() {
        let manual = include_str!("../../docs/rig-file.md");
        for rule in Rule::ALL {
            assert!(manual.contains(&format!("\n| `{}` |", rule.name())), "{}", rule.name());
        }
    }
}
