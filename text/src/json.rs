//! JSON with comments and trailing commas to a tree.

use crate::delimiters;
use crate::error::TextError;
use crate::json_words;
use crate::lines::Lines;
use crate::node::{Key, Kind, Node};
use crate::words;
use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions};
use std::collections::HashMap;
use std::rc::Rc;

/// What is taken beside JSON: comments and trailing commas.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Parses a text; whatever stands behind its value is an error.
pub(crate) fn parse(text: &str) -> Result<Rc<Node>, TextError> {
    let lines = Lines::new(text);
    if let Some(error) = json_words::not_json(text, &lines) {
        return Err(error);
    }
    delimiters::check(text, &lines)?;
    let parsed = jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &OPTIONS)
        .map_err(|error| json_words::syntax(&error, text, &lines))?;
    match parsed.value {
        Some(value) => node(&value, &lines),
        None => Err(TextError::whole("it is empty")),
    }
}

/// The node of a value. [`delimiters::check`] bounds how deep it goes.
fn node(value: &Value<'_>, lines: &Lines<'_>) -> Result<Rc<Node>, TextError> {
    let at = lines.place(value.start());
    let kind = match value {
        Value::NullKeyword(_) => Kind::Null,
        Value::BooleanLit(bool) => Kind::Bool(bool.value),
        Value::StringLit(text) => Kind::Text(text.value.clone().into_owned()),
        Value::NumberLit(number) => {
            number_of(number.value).ok_or_else(|| TextError::new(words::too_large(number.value), at))?
        }
        Value::Array(array) => {
            let items = array.elements.iter().enumerate();
            Kind::List(items.map(|(i, item)| node(item, lines).map_err(|e| e.in_item(i))).collect::<Result<_, _>>()?)
        }
        Value::Object(object) => Kind::Object(entries(object, lines)?),
    };
    Ok(Rc::new(Node::new(at, kind)))
}

fn entries(object: &jsonc_parser::ast::Object<'_>, lines: &Lines<'_>) -> Result<Vec<(Key, Rc<Node>)>, TextError> {
    let mut seen = HashMap::new();
    let entry = |prop: &jsonc_parser::ast::ObjectProp<'_>| {
        let key = Key { at: lines.place(prop.name.start()), name: prop.name.as_str().to_owned() };
        if let Some(first) = seen.insert(key.name.clone(), key.at) {
            return Err(TextError::new(words::twice(first), key.at).below(&key.name));
        }
        let node = node(&prop.value, lines).map_err(|error| error.below(&key.name))?;
        Ok((key, node))
    };
    object.properties.iter().map(entry).collect()
}

/// A finite number: exact where it is whole and has 64 bits, else the nearest double.
fn number_of(text: &str) -> Option<Kind> {
    if let Ok(number) = text.parse() {
        return Some(Kind::Unsigned(number));
    }
    if let Ok(number) = text.parse() {
        return Some(Kind::Signed(number));
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Kind::Float)
}
