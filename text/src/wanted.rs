//! What a type wants, in words: from what its `expecting` says, and from what the format's owner knows of the key.

use crate::found::Found;

/// What a type wants, in words. `said` is what its `expecting` says.
pub(crate) struct Wanted {
    words: String,
    whole: Option<(i128, i128)>,
    number: bool,
    text: bool,
    list: bool,
}

impl Wanted {
    /// `hint` is what the format's owner knows about a key whose type is one of the language's.
    pub(crate) fn new(said: &str, hint: Option<&str>) -> Self {
        let whole = limits(said);
        let number = whole.is_some() || matches!(said, "f32" | "f64");
        let text = matches!(said, "a string" | "a borrowed string" | "string");
        let list = said == "a sequence";
        let own = match said {
            "f32" | "f64" => "a number".to_owned(),
            "a boolean" => "true or false".to_owned(),
            "a sequence" => "a list in [ ]".to_owned(),
            "a map" => "an object in { }".to_owned(),
            _ if text => "text".to_owned(),
            _ if said.starts_with("struct ") => "an object in { }".to_owned(),
            _ if said.contains(' ') => said.to_owned(),
            _ => match whole {
                Some((0, most)) if most < i128::from(u64::MAX) => format!("a whole number from 0 to {most}"),
                Some((0, _)) => "a whole number of at least 0".to_owned(),
                Some((least, most)) if most < i128::from(i64::MAX) => format!("a whole number from {least} to {most}"),
                Some(_) => "a whole number".to_owned(),
                None => said.to_owned(),
            },
        };
        let builtin = own != said;
        let words = hint.filter(|_| builtin).map_or(own, str::to_owned);
        Self { words, whole, number, text, list }
    }

    /// What is there, then what belongs there: "…, a number belongs here, such as 5", or "…; give true or false" where
    /// several things may.
    fn after(&self, found: &str) -> String {
        let (what, _) = self.words.split_once(", such as ").unwrap_or((&self.words, ""));
        if what.contains(", ") || what.contains(" or ") {
            format!("{found}; give {}", self.words)
        } else {
            format!("{found}, {}", self.belongs())
        }
    }

    /// "a number belongs here, such as 5".
    pub(crate) fn belongs(&self) -> String {
        match self.words.split_once(", such as ") {
            Some((what, example)) => format!("{what} belongs here, such as {example}"),
            None => format!("{} belongs here", self.words),
        }
    }

    /// The error of a value of the wrong kind.
    pub(crate) fn instead_of(&self, found: &Found) -> String {
        match (found, self.whole) {
            (Found::Float(number), Some(_)) if number.abs() > 1e15 => {
                return self.after(&format!("{number} is too large"));
            }
            (Found::Float(number), Some(_)) => return self.after(&format!("{number} is no whole number")),
            _ => {}
        }
        let fix = match found {
            Found::Text(text) if self.number && text.parse::<f64>().is_ok() => "; leave out the quotation marks",
            Found::Text(text) if self.words == "true or false" && matches!(text.as_str(), "true" | "false") => {
                "; leave out the quotation marks"
            }
            Found::Text(text) if self.words == "true or false" && matches!(text.as_str(), "yes" | "on") => {
                "; write true in its place"
            }
            Found::Text(text) if self.words == "true or false" && matches!(text.as_str(), "no" | "off") => {
                "; write false in its place"
            }
            Found::Whole(_) | Found::Float(_) | Found::Bool(_) if self.text => "; put it in quotation marks",
            Found::Object | Found::Text(_) if self.list => "; put it in [ ]",
            _ => "",
        };
        self.after(&found.kind()) + fix
    }

    /// The error of a value of the right kind.
    pub(crate) fn unlike(&self, found: &Found) -> String {
        let wrong = match (found, self.whole) {
            (Found::Whole(number), Some((least, _))) if *number < least => "is too small",
            (Found::Whole(_), Some(_)) => "is too large",
            _ => "does not fit",
        };
        self.after(&format!("{} {wrong}", found.value()))
    }
}

/// Smallest and largest of an integer type, or of "a whole number from 0 to 9", that an `expecting` names.
fn limits(said: &str) -> Option<(i128, i128)> {
    Some(match said {
        "u8" => (0, u8::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "u32" => (0, u32::MAX.into()),
        "u64" | "usize" => (0, u64::MAX.into()),
        "i8" => (i8::MIN.into(), i8::MAX.into()),
        "i16" => (i16::MIN.into(), i16::MAX.into()),
        "i32" => (i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" => (i64::MIN.into(), i64::MAX.into()),
        _ => {
            let (_, range) = said.split_once("a whole number from ")?;
            let (least, rest) = range.split_once(" to ")?;
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            (least.parse().ok()?, rest.get(..end)?.parse().ok()?)
        }
    })
}
