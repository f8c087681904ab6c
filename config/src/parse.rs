//! Text to records, with the path, line and column of what does not fit.

use crate::error::ConfigError;
use crate::raw::RawRig;

/// Whether a file is XML in any encoding: its first character is `<`. Neither JSON nor a rig file in YAML begins so.
pub(crate) fn is_xml(bytes: &[u8]) -> bool {
    // Byte order marks and the high bytes of 16-bit characters.
    let before = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0 | 0xef | 0xbb | 0xbf | 0xfe | 0xff);
    bytes.iter().find(|byte| !before(byte)) == Some(&b'<')
}

/// Parses JSON; anything after the closing brace is an error.
pub(crate) fn json(text: &str) -> Result<RawRig, ConfigError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let raw = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| json_error(error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| json_error(".".to_owned(), &error))?;
    Ok(raw)
}

fn json_error(path: String, error: &serde_json::Error) -> ConfigError {
    let text = error.to_string();
    let suffix = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(&suffix).unwrap_or(&text).to_owned();
    ConfigError::Parse { path, what, at: (error.line() > 0).then(|| (error.line(), error.column())) }
}

/// Parses YAML.
pub(crate) fn yaml(text: &str) -> Result<RawRig, ConfigError> {
    let mut path = None;
    let parsed = serde_saphyr::with_deserializer_from_str(text, |deserializer| {
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            path = Some(error.path().to_string());
            error.into_inner()
        })
    });
    parsed.map_err(|error| yaml_error(path.unwrap_or_else(|| ".".to_owned()), &error))
}

fn yaml_error(path: String, error: &serde_saphyr::Error) -> ConfigError {
    let text = error.without_snippet().to_string();
    let Some(place) = error.location() else { return ConfigError::Parse { path, what: text, at: None } };
    let (line, column) = (place.line(), place.column());
    let suffix = format!(" at line {line}, column {column}");
    let what = text.strip_suffix(&suffix).unwrap_or(&text).to_owned();
    let at = usize::try_from(line).ok().zip(usize::try_from(column).ok());
    ConfigError::Parse { path, what, at }
}
