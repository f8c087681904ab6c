//! What is wrong with a rig file, where, and what to do.

use std::fmt;
use std::path::PathBuf;
use zerocat_text::TextError;

/// One thing that is wrong in a rig file that parses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path of the key, such as `slaves[2].properties.pdos.inputs[0].bit_length`.
    pub path: String,
    /// What is wrong, with the values.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

impl Problem {
    pub(crate) fn new(path: impl Into<String>, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { path: path.into(), what: what.into(), fix: fix.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.path, self.what, self.fix)
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
        "XML: a rig file is JSON or YAML; network and device descriptions (ENI, ESI) aren't read; begin with `scan --draft`"
    )]
    Xml,
    /// It parses but breaks rules; every broken rule is listed.
    #[error("{} in the rig file:{}", count(problems.len()), list(problems))]
    Problems {
        /// What is wrong, in the order of the file's sections.
        problems: Vec<Problem>,
    },
}

fn count(n: usize) -> String {
    if n == 1 { "1 problem".to_owned() } else { format!("{n} problems") }
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
