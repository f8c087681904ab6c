//! From a file to records, with the path, line and column of what does not fit, in a user's words.

use crate::error::{ConfigError, Problem};
use crate::raw::RawRig;
use crate::rig::Rig;
use std::path::Path;
use zerocat_text::{Document, Format, Hints};

/// What the types of keys don't say.
const HINTS: Hints = Hints { belongs: crate::hints::BELONGS, elsewhere: crate::hints::ELSEWHERE };

/// Reads a file: YAML for the endings `.yaml` and `.yml`, else JSON with comments.
pub(crate) fn file(path: &Path) -> Result<Document, ConfigError> {
    let read = |source| ConfigError::Read { path: path.to_owned(), source };
    let bytes = zerocat_text::read_file(path).map_err(read)?;
    if is_xml(&bytes) {
        return Err(ConfigError::Xml);
    }
    Ok(Document::parse(&bytes, Format::of(path))?)
}

/// Parses JSON with comments, or YAML.
pub(crate) fn text(text: &str, format: Format) -> Result<Rig, ConfigError> {
    rig(&Document::parse(text.as_bytes(), format)?)
}

/// The rig of a file that parses.
pub(crate) fn rig(document: &Document) -> Result<Rig, ConfigError> {
    let raw: RawRig = document.read(&HINTS)?;
    let (rig, mut problems) = raw.into_rig();
    if problems.is_empty() {
        return Ok(rig);
    }
    let rules = independent(rig.problems(), &problems);
    problems.extend(rules);
    let mut error = placed(ConfigError::Problems { problems }, document);
    if let ConfigError::Problems { problems } = &mut error {
        problems.sort_by_key(|problem| problem.at.map(|at| (at.line, at.column)));
    }
    Err(error)
}

/// Of the broken rules of a rig whose form is wrong, those that don't follow from that: none where a key is missing or out of
/// place, none within a channel that can't be read, and no reference that may mean such a channel: one that is near the name of
/// another doesn't.
fn independent(rules: Vec<Problem>, form: &[Problem]) -> Vec<Problem> {
    let wrong: Vec<String> = form.iter().map(|problem| whole(&problem.path).to_owned()).collect();
    let within = |path: &str| {
        let below = |above: &String| {
            path.strip_prefix(above.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        wrong.iter().any(below)
    };
    let channels = form.iter().any(|problem| problem.path.contains(".channels"));
    let refers = |path: &str| path.ends_with(".from") || path == "engine.stop.until.channel";
    let follows =
        |problem: &Problem| within(&problem.path) || (channels && refers(&problem.path) && !problem.suggests());
    rules.into_iter().filter(|problem| !follows(problem)).collect()
}

/// The channel that a path is within, or the path itself.
fn whole(path: &str) -> &str {
    let channel = path.find(".channels[").and_then(|start| Some(start + path.get(start..)?.find(']')? + 1));
    channel.and_then(|end| path.get(..end)).unwrap_or(path)
}

/// The same with the places of its problems in the file.
pub(crate) fn placed(mut error: ConfigError, document: &Document) -> ConfigError {
    if let ConfigError::Problems { problems } = &mut error {
        place(problems, document);
    }
    error
}

/// Gives problems their places in the file. The place of a key that isn't there is that of its object.
pub(crate) fn place(problems: &mut [Problem], document: &Document) {
    problems.iter_mut().for_each(|problem| problem.at = document.place(&problem.path));
}

/// Whether a file is XML in any encoding: its first character is `<`. Neither JSON nor a rig file in YAML begins so.
fn is_xml(bytes: &[u8]) -> bool {
    // Byte order marks and the high bytes of 16-bit characters.
    let before = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0 | 0xef | 0xbb | 0xbf | 0xfe | 0xff);
    bytes.iter().find(|byte| !before(byte)) == Some(&b'<')
}
