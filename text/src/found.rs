//! What stands in a file where a type wants something else, in words.

use crate::node::Kind;
use crate::words::short;
use serde::de::Unexpected;

/// What stands in the file where a type wants something else.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    Null,
    Bool(bool),
    Whole(i128),
    Float(f64),
    Text(String),
    List,
    Object,
    Other,
}

impl Found {
    pub(crate) fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Null => Self::Null,
            Kind::Bool(bool) => Self::Bool(*bool),
            Kind::Unsigned(number) => Self::Whole((*number).into()),
            Kind::Signed(number) => Self::Whole((*number).into()),
            Kind::Float(number) => Self::Float(*number),
            Kind::Text(text) => Self::Text(text.clone()),
            Kind::List(_) => Self::List,
            Kind::Object(_) => Self::Object,
        }
    }

    pub(crate) fn named(unexpected: &Unexpected<'_>) -> Self {
        match *unexpected {
            Unexpected::Unit | Unexpected::Option => Self::Null,
            Unexpected::Bool(bool) => Self::Bool(bool),
            Unexpected::Unsigned(number) => Self::Whole(number.into()),
            Unexpected::Signed(number) => Self::Whole(number.into()),
            Unexpected::Float(number) => Self::Float(number),
            Unexpected::Char(char) => Self::Text(char.into()),
            Unexpected::Str(text) => Self::Text(text.to_owned()),
            Unexpected::Seq => Self::List,
            Unexpected::Map => Self::Object,
            _ => Self::Other,
        }
    }

    /// "… belongs here" follows.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Null => "nothing (null) stands here".to_owned(),
            Self::Bool(bool) => format!("{bool} stands here"),
            Self::Whole(number) => format!("{number} is a number"),
            Self::Float(number) => format!("{number} is a number"),
            Self::Text(text) => format!("\"{}\" is text", short(text)),
            Self::List => "a list stands here".to_owned(),
            Self::Object => "an object stands here".to_owned(),
            Self::Other => "something else stands here".to_owned(),
        }
    }

    /// The value itself, where its kind is right.
    pub(crate) fn value(&self) -> String {
        match self {
            Self::Text(text) => format!("\"{}\"", short(text)),
            Self::Whole(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            other => other.kind(),
        }
    }
}
