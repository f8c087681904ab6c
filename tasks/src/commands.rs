//! One line of commands: a JSON object from channels (by name, number or entry) to values, or to series of values.

use crate::keys::{Called, Keys, UnknownKey};
use serde_json::{Map, Value as Json};
use zerocat_pdi::Value;

/// A value for a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Command {
    /// Channel number.
    pub channel: u32,
    /// The bit of its entry that the value is for; none for all of it.
    pub bit: Option<u8>,
    /// The value.
    pub value: Value,
}

impl Command {
    /// A value for all of a channel.
    #[must_use]
    pub const fn new(channel: u32, value: Value) -> Self {
        Self { channel, bit: None, value }
    }
}

/// Why a line, or a part of it, is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The line is not a JSON object.
    #[error("the line is not a JSON object such as {{\"valve\": 5}}: {0}")]
    NotAnObject(String),
    /// The line is longer than a line may be.
    #[error("the line is longer than {most} bytes")]
    TooLong {
        /// Most bytes of a line.
        most: usize,
    },
    /// A key is none of the task's channels.
    #[error(transparent)]
    UnknownKey(#[from] UnknownKey),
    /// A value is neither a number nor a bool nor bytes.
    #[error(
        "channel `{channel}`: {value} is not a number (\"0x0f\" in hexadecimal), true, false, or bytes as hexadecimal text \
         such as \"00ff\""
    )]
    NotAValue {
        /// What the line calls it.
        channel: String,
        /// What was given.
        value: String,
    },
}

/// Takes a line for channels with these keys apart. Blank lines, empty series and nulls hold no command. Of a series the last value counts.
///
/// # Errors
/// The line is not a JSON object.
pub fn parse_line(line: &[u8], keys: &Keys) -> Result<Vec<Result<Command, LineError>>, LineError> {
    if line.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let object: Map<String, Json> =
        serde_json::from_slice(line).map_err(|error| LineError::NotAnObject(in_words(&error)))?;
    Ok(object.iter().filter_map(|(key, value)| entry(key, value, keys)).collect())
}

fn entry(key: &str, value: &Json, keys: &Keys) -> Option<Result<Command, LineError>> {
    let Called { channel, bit } = match keys.find(key) {
        Ok(called) => called,
        Err(unknown) => return Some(Err(unknown.into())),
    };
    let no_value = |value: &Json| LineError::NotAValue { channel: key.to_owned(), value: value.to_string() };
    let last = match value {
        Json::Array(series) => series.last()?,
        single => single,
    };
    match last {
        Json::Null => None,
        Json::Bool(on) => Some(Ok(Command { channel, bit, value: Value::Bool(*on) })),
        Json::Number(number) => {
            let value = number.as_u64().map(Value::Uint).or_else(|| number.as_i64().map(Value::Int));
            let value = value.or_else(|| number.as_f64().map(Value::Float64))?;
            Some(Ok(Command { channel, bit, value }))
        }
        Json::String(text) => {
            if let Some(number) = hexadecimal(text) {
                return Some(Ok(Command { channel, bit, value: Value::Uint(number) }));
            }
            let bytes = text.parse().map(|octets| Command { channel, bit, value: Value::Bytes(octets) });
            Some(bytes.map_err(|_| no_value(last)))
        }
        other => Some(Err(no_value(other))),
    }
}

/// What a parser says of a line, in a user's words, with the column.
fn in_words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    let what = match what {
        "expected value" | "expected ident" => "no value begins here; text and keys stand in double quotation marks",
        "key must be a string" => "a key stands in double quotation marks",
        "trailing comma" => "a comma stands before the end",
        "trailing characters" => "something stands behind its end; write one object on a line",
        "expected `:`" => "a colon is missing behind a key",
        "expected `,` or `}`" | "expected `,` or `]`" => "a comma is missing",
        "number out of range" => "the number is too large",
        _ if error.is_eof() => "it ends too early",
        _ if what.contains("sequence") => return "it is a list".to_owned(),
        _ if error.is_data() => return "it is a single value".to_owned(),
        other => other,
    };
    format!("{what} (column {})", error.column())
}

/// A number as people write control words: `"0x0f"`.
fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    // The parser takes a sign.
    u64::from_str_radix(digits, 16).ok().filter(|_| digits.starts_with(|c: char| c.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::tests::placed;
    use zerocat_pdi::DataType;

    /// Channels 1 to 3, and two with larger numbers.
    fn keys() -> Keys {
        Keys::new(&[1, 2, 3, 100_010, 100_011].map(|channel| placed(channel, DataType::Int32, 0, 32)))
    }

    fn commands(line: &str) -> Vec<Command> {
        parse_line(line.as_bytes(), &keys()).unwrap().into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn the_last_value_of_a_series_counts() {
        let expected = [Command::new(100_010, Value::Uint(5)), Command::new(100_011, Value::Int(-3))];
        assert_eq!(commands(r#"{"100010": 5, "dev_100011": [1, 2, -3]}"#), expected);
    }

    #[test]
    fn missing_and_empty_series_are_ignored() {
        assert_eq!(commands(r#"{"1": [], "2": null, "3": [null]}"#), []);
        assert_eq!(commands(" \r"), []);
    }

    #[test]
    fn takes_bools_and_fractions() {
        let expected = [Command::new(1, Value::Bool(true)), Command::new(2, Value::Float64(1.5))];
        assert_eq!(commands(r#"{"1": true, "2": 1.5}"#), expected);
    }

    #[test]
    fn takes_a_number_in_hexadecimal() {
        assert_eq!(commands(r#"{"1": "0x0F"}"#), [Command::new(1, Value::Uint(15))]);
        let parsed = parse_line(br#"{"1": "0x", "2": "0x+1"}"#, &keys()).unwrap();
        assert!(parsed.iter().all(|one| matches!(one, Err(LineError::NotAValue { .. }))), "{parsed:?}");
    }

    #[test]
    fn takes_bytes_as_hexadecimal_text() {
        let value = Value::Bytes("00ff0a".parse().unwrap());
        assert_eq!(
            commands(r#"{"1": "00FF0a", "2": ["no hex", "00ff0a"]}"#),
            [1, 2].map(|channel| Command::new(channel, value))
        );
    }

    #[test]
    fn a_bit_of_an_entry_is_a_command_for_that_bit() {
        let command = Command { bit: Some(3), ..Command::new(1, Value::Bool(true)) };
        assert_eq!(commands(r#"{"dev_1.3": true}"#), [command]);
    }

    #[test]
    fn one_bad_entry_does_not_spoil_the_others() {
        let parsed = parse_line(br#"{"1": 1, "2": "on", "x": 3}"#, &keys()).unwrap();
        assert_eq!(parsed.iter().filter(|entry| entry.is_ok()).count(), 1);
        assert_eq!(parsed[1], Err(LineError::NotAValue { channel: "2".to_owned(), value: "\"on\"".to_owned() }));
        assert!(matches!(&parsed[2], Err(LineError::UnknownKey(UnknownKey::None { key, .. })) if key == "x"));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told_in_a_users_words() {
        let told = |line: &str| parse_line(line.as_bytes(), &keys()).unwrap_err().to_string();
        for (line, words) in [
            (
                "valve=1",
                "{\"valve\": 5}: no value begins here; text and keys stand in double quotation marks (column 1)",
            ),
            ("{valve: 1}", "a key stands in double quotation marks (column 2)"),
            ("{\"1\": on}", "no value begins here"),
            ("{\"1\": 1,}", "a comma stands before the end (column 9)"),
            ("{\"1\": 1} {\"2\": 1}", "write one object on a line (column 10)"),
            ("{\"1\" 1}", "a colon is missing behind a key (column 6)"),
            ("{\"1\": 1 \"2\": 2}", "a comma is missing (column 9)"),
            ("{\"1\": 1", "it ends too early (column 7)"),
            ("[1]", "such as {\"valve\": 5}: it is a list"),
            ("15", "it is a single value"),
        ] {
            assert!(told(line).contains(words), "{line}: {}", told(line));
        }
    }

    #[test]
    fn refuses_lines_that_are_no_objects() {
        for line in ["5", "[1]", "{", "{} {}", "\u{0}", "{\"1\":1"] {
            assert!(matches!(parse_line(line.as_bytes(), &keys()), Err(LineError::NotAnObject(_))), "{line}");
        }
        assert!(parse_line(&[0xff, 0xfe], &keys()).is_err());
    }
    proptest::proptest! {
        #[test]
        fn any_line_ends_in_commands_or_errors(line: Vec<u8>, text in "[\\[\\]{}:,\"0-9a-z. -]{0,24}") {
            for line in [line.as_slice(), text.as_bytes(), format!("{{\"1\": [{text}]}}").as_bytes()] {
                if let Err(error) = parse_line(line, &keys()) {
                    proptest::prop_assert!(!error.to_string().is_empty());
                }
            }
        }
    }
}
