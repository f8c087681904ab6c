//! Why a value could not be read into a type: gathered inside out while reading, put into words at the end.

use crate::error::TextError;
use crate::found::Found;
use crate::hints::Hints;
use crate::nearest::nearest;
use crate::node::Place;
use crate::wanted::Wanted;
use crate::words::{list, short};
use serde::de::{Error, Expected, Unexpected};
use std::fmt;

/// The cause, where it is, and how one gets there.
#[derive(Debug)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    cause: Cause,
    at: Option<Place>,
    /// From the inside out.
    path: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Key(String),
    Item(usize),
}

#[derive(Debug)]
enum Cause {
    Said(String),
    Kind { found: Found, expected: String },
    Value { found: Found, expected: String },
    Length { length: usize, expected: String },
    Word { given: String, known: &'static [&'static str] },
    UnknownKey { given: String, known: &'static [&'static str] },
    Missing(&'static str),
    Twice(&'static str),
}

impl Fault {
    fn new(cause: Cause) -> Self {
        Self(Box::new(Inner { cause, at: None, path: Vec::new() }))
    }

    /// A value of the wrong kind.
    pub(crate) fn kind(found: Found, expected: &str) -> Self {
        Self::new(Cause::Kind { found, expected: expected.to_owned() })
    }

    /// The same, at this place unless it has one further inside.
    pub(crate) fn at(mut self, at: Place) -> Self {
        self.0.at.get_or_insert(at);
        self
    }

    pub(crate) fn below_key(mut self, key: &str) -> Self {
        self.0.path.push(Step::Key(key.to_owned()));
        self
    }

    pub(crate) fn below_item(mut self, index: usize) -> Self {
        self.0.path.push(Step::Item(index));
        self
    }

    /// The error in words.
    pub(crate) fn told(self, hints: &Hints) -> TextError {
        let Inner { cause, at, mut path } = *self.0;
        match &cause {
            Cause::UnknownKey { given, .. } => path.insert(0, Step::Key(short(given))),
            Cause::Missing(key) | Cause::Twice(key) => path.insert(0, Step::Key((*key).to_owned())),
            _ => {}
        }
        let key = path.iter().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Item(_) => None,
        });
        let directly = matches!(path.first(), Some(Step::Key(_)));
        let belongs = key.filter(|_| directly).and_then(|key| hints.belongs(key));
        let what = cause.words(hints, belongs);
        let error = TextError { path: String::new(), what, at, meant: cause.meant().map(str::to_owned) };
        path.iter().fold(error, |error, step| match step {
            Step::Key(key) => error.below(key),
            Step::Item(index) => error.in_item(*index),
        })
    }
}

impl Cause {
    fn meant(&self) -> Option<&'static str> {
        match self {
            Self::Word { given, known } | Self::UnknownKey { given, known } => nearest(given, known),
            _ => None,
        }
    }

    fn words(&self, hints: &Hints, belongs: Option<&str>) -> String {
        match self {
            Self::Said(text) => text.clone(),
            Self::Kind { found, expected } => Wanted::new(expected, belongs).instead_of(found),
            Self::Value { found, expected } => Wanted::new(expected, belongs).unlike(found),
            Self::Length { length, expected } => format!("{length} items stand here, {expected} belongs here"),
            Self::Word { given, known } => unknown_word(given, known),
            Self::UnknownKey { given, known } => unknown_key(given, known, hints),
            Self::Missing(_) => match belongs {
                Some(belongs) => format!("it is missing; {}", Wanted::new("f64", Some(belongs)).belongs()),
                None => "it is missing".to_owned(),
            },
            Self::Twice(_) => "it is given twice, once by another of its names; keep one".to_owned(),
        }
    }
}

fn unknown_word(given: &str, known: &[&str]) -> String {
    let none = format!("`{}` is none of {}", short(given), list(known));
    match nearest(given, known) {
        Some(word) => format!("{none}; did you mean `{word}`?"),
        None => none,
    }
}

fn unknown_key(given: &str, known: &[&str], hints: &Hints) -> String {
    if let Some(elsewhere) = hints.elsewhere(given) {
        return format!("there is no such key here; {elsewhere}");
    }
    match nearest(given, known) {
        Some(key) => format!("there is no such key; did you mean `{key}`?"),
        None if known.is_empty() => "no key belongs here".to_owned(),
        None => format!("there is no such key; the keys here are {}", list(known)),
    }
}

impl Error for Fault {
    fn custom<T: fmt::Display>(said: T) -> Self {
        Self::new(Cause::Said(said.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::kind(Found::named(&unexpected), &expected.to_string())
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Cause::Value { found: Found::named(&unexpected), expected: expected.to_string() })
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::new(Cause::Length { length, expected: expected.to_string() })
    }

    fn unknown_variant(given: &str, known: &'static [&'static str]) -> Self {
        Self::new(Cause::Word { given: given.to_owned(), known })
    }

    fn unknown_field(given: &str, known: &'static [&'static str]) -> Self {
        Self::new(Cause::UnknownKey { given: given.to_owned(), known })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(Cause::Missing(key))
    }

    fn duplicate_field(key: &'static str) -> Self {
        Self::new(Cause::Twice(key))
    }
}

impl std::error::Error for Fault {}

/// For types that put an error that they got into words of their own.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.cause.words(&Hints::default(), None))
    }
}
