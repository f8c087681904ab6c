//! From a file to records, with the path, line and column of what does not fit, in a user's words.

use crate::error::ConfigError;
use crate::raw::RawRig;
use std::path::Path;
use zerocat_text::{Document, Format, Hints};

/// What the types of keys don't say.
const HINTS: Hints = Hints { belongs: crate::hints::BELONGS, elsewhere: crate::hints::ELSEWHERE };

/// Reads a file: YAML for the endings `.yaml` and `.yml`, else JSON with comments.
pub(crate) fn file(path: &Path) -> Result<RawRig, ConfigError> {
    let read = |source| ConfigError::Read { path: path.to_owned(), source };
    let bytes = zerocat_text::read_file(path).map_err(read)?;
    if is_xml(&bytes) {
        return Err(ConfigError::Xml);
    }
    parse(&bytes, Format::of(path))
}

/// Parses JSON with comments; anything after the closing brace is an error.
pub(crate) fn json(text: &str) -> Result<RawRig, ConfigError> {
    parse(text.as_bytes(), Format::Json)
}

/// Parses YAML.
pub(crate) fn yaml(text: &str) -> Result<RawRig, ConfigError> {
    parse(text.as_bytes(), Format::Yaml)
}

fn parse(bytes: &[u8], format: Format) -> Result<RawRig, ConfigError> {
    Ok(Document::parse(bytes, format)?.read(&HINTS)?)
}

/// Whether a file is XML in any encoding: its first character is `<`. Neither JSON nor a rig file in YAML begins so.
fn is_xml(bytes: &[u8]) -> bool {
    // Byte order marks and the high bytes of 16-bit characters.
    let before = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0 | 0xef | 0xbb | 0xbf | 0xfe | 0xff);
    bytes.iter().find(|byte| !before(byte)) == Some(&b'<')
}
