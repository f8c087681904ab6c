//! The tree that both formats become: values with the places where they stand.

use std::fmt;
use std::rc::Rc;

/// Line and column of a character, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A value and where it begins.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: Place,
    pub(crate) kind: Kind,
    /// How a plain scalar of YAML is written: where text belongs, `5` is the text "5". JSON has none.
    pub(crate) plain: Option<String>,
    /// Nodes and bytes of text below it and with it, aliases counted each time.
    pub(crate) weight: usize,
    /// Nodes on the longest way down from it, with it.
    pub(crate) depth: usize,
}

/// Deepest nesting that is read. It bounds every recursion over the tree, its end included.
pub(crate) const DEEPEST: usize = 64;

/// What a value is. Nodes are shared where YAML has aliases.
#[derive(Debug)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    List(Vec<Rc<Node>>),
    Object(Vec<(Key, Rc<Node>)>),
}

/// A key of an object and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) at: Place,
    pub(crate) name: String,
}

impl Node {
    pub(crate) fn new(at: Place, kind: Kind) -> Self {
        let depth = match &kind {
            Kind::List(items) => items.iter().map(|item| item.depth).max(),
            Kind::Object(entries) => entries.iter().map(|(_, node)| node.depth).max(),
            _ => None,
        };
        let below = match &kind {
            Kind::Text(text) => text.len(),
            Kind::List(items) => items.iter().fold(0, |sum: usize, item| sum.saturating_add(item.weight)),
            Kind::Object(entries) => {
                entries.iter().fold(0, |sum: usize, (key, node)| sum.saturating_add(node.weight + key.name.len()))
            }
            _ => 0,
        };
        Self { at, kind, plain: None, weight: below.saturating_add(1), depth: depth.unwrap_or(0) + 1 }
    }
}
