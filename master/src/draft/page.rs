//! A file with comments, as YAML or as JSON: maps, lists and values in the order in which they are given.
//!
//! Guarantees: each comment is lines of its own, whatever it holds; each text reads back as that text. Not here: what a rig
//! file says.

use std::path::Path;

/// Columns that a line with a comment takes at most.
const COLUMNS: usize = 80;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftFormat {
    /// YAML 1.2.
    Yaml,
    /// JSON with comments.
    Json,
}

impl DraftFormat {
    /// By the ending of a path: YAML for `.yaml` and `.yml`, and for `-`, which is standard output; else JSON.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let yaml = path == Path::new("-") || ["yaml", "yml"].iter().any(|yaml| ending.eq_ignore_ascii_case(yaml));
        if yaml { Self::Yaml } else { Self::Json }
    }

    const fn comment(self) -> &'static str {
        match self {
            Self::Yaml => "#",
            Self::Json => "//",
        }
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// A text.
    Text(String),
    /// A number, true or false, as it is written.
    Plain(String),
    /// A hexadecimal number, as it is written.
    Hex(String),
    /// A map on one line.
    Line(Vec<(&'static str, Node)>),
    /// A map on lines of its own.
    Map(Vec<Entry>),
    /// A list.
    List(Vec<Item>),
}

/// A key with its value, and what is said before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) comments: Vec<String>,
    pub(crate) key: &'static str,
    pub(crate) value: Node,
}

/// A part of a list, and what is said before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub(crate) comments: Vec<String>,
    pub(crate) value: Node,
}

/// A key with its value.
pub(crate) const fn entry(key: &'static str, value: Node) -> Entry {
    Entry { comments: Vec::new(), key, value }
}

/// The file that begins with these comments and holds this map.
pub(crate) fn written(comments: &[String], map: &[Entry], format: DraftFormat) -> String {
    let mut page = Page { format, text: String::new() };
    page.comments(comments, 0);
    match format {
        DraftFormat::Yaml => page.map(map, 0),
        DraftFormat::Json => {
            page.text.push_str("{\n");
            page.map(map, 1);
            page.text.push_str("}\n");
        }
    }
    page.text
}

struct Page {
    format: DraftFormat,
    text: String,
}

impl Page {
    fn indent(&mut self, depth: usize) {
        self.text.extend(std::iter::repeat_n("  ", depth));
    }

    fn comments(&mut self, comments: &[String], depth: usize) {
        let mark = self.format.comment();
        let room = COLUMNS.saturating_sub(2 * depth + mark.len() + 1);
        for line in comments.iter().flat_map(|comment| filled(&clean(comment), room)) {
            self.indent(depth);
            self.text.push_str(mark);
            self.text.push(' ');
            self.text.push_str(&line);
            self.text.push('\n');
        }
    }

    fn map(&mut self, map: &[Entry], depth: usize) {
        for (n, entry) in map.iter().enumerate() {
            self.comments(&entry.comments, depth);
            self.indent(depth);
            self.key(entry.key);
            self.value(&entry.value, depth);
            self.end(n + 1 == map.len());
        }
    }

    fn list(&mut self, list: &[Item], depth: usize) {
        for (n, item) in list.iter().enumerate() {
            self.comments(&item.comments, depth);
            self.indent(depth);
            match (self.format, &item.value) {
                (DraftFormat::Yaml, Node::Map(map)) => {
                    // The first key stands behind the dash, so nothing is said before it.
                    let begin = self.text.len();
                    self.map(map, depth + 1);
                    self.text.replace_range(begin..begin + 2 * (depth + 1), "- ");
                }
                (DraftFormat::Yaml, value) => {
                    self.text.push_str("- ");
                    self.value(value, depth);
                }
                (DraftFormat::Json, value) => self.value(value, depth),
            }
            self.end(n + 1 == list.len());
        }
    }

    /// The end of an entry or item.
    fn end(&mut self, last: bool) {
        if self.format == DraftFormat::Json && !last {
            self.text.push(',');
        }
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn key(&mut self, key: &str) {
        match self.format {
            DraftFormat::Yaml => self.text.push_str(&format!("{key}:")),
            DraftFormat::Json => self.text.push_str(&format!("\"{key}\":")),
        }
    }

    fn value(&mut self, value: &Node, depth: usize) {
        let json = self.format == DraftFormat::Json;
        match value {
            Node::Map(map) => {
                self.text.push_str(if json { " {\n" } else { "\n" });
                self.map(map, depth + 1);
                self.close("}", depth);
            }
            Node::List(list) => {
                self.text.push_str(if json { " [\n" } else { "\n" });
                self.list(list, depth + 1);
                self.close("]", depth);
            }
            flat => {
                let flat = self.flat(flat);
                if self.text.ends_with(':') {
                    self.text.push(' ');
                }
                self.text.push_str(&flat);
            }
        }
    }

    fn close(&mut self, bracket: &str, depth: usize) {
        if self.format == DraftFormat::Json {
            self.indent(depth);
            self.text.push_str(bracket);
        }
    }

    /// What stands on one line.
    fn flat(&self, value: &Node) -> String {
        let json = self.format == DraftFormat::Json;
        match value {
            Node::Plain(plain) => plain.clone(),
            Node::Hex(number) if json => format!("\"{number}\""),
            Node::Hex(number) => number.clone(),
            Node::Text(text) if !json && is_plain(text) => text.clone(),
            Node::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            Node::Line(map) => {
                let part = |(key, value): &(&'static str, Node)| {
                    let key = if json { format!("\"{key}\"") } else { (*key).to_owned() };
                    format!("{key}: {}", self.flat(value))
                };
                format!("{{ {} }}", map.iter().map(part).collect::<Vec<_>>().join(", "))
            }
            Node::Map(_) | Node::List(_) => String::new(),
        }
    }
}

/// A text in lines of at most so many characters, but for words that are longer.
fn filled(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Whether YAML takes it as a text without quotes, in every version of it.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// The same with blanks for what ends a line or can't be seen.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c.is_alphanumeric() { c } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(format: DraftFormat) -> String {
        let item = |value| Item { comments: vec!["one\nof them".to_owned()], value };
        let line = Node::Line(vec![("id", Node::Hex("0x02".to_owned())), ("name", Node::Text("a: b".to_owned()))]);
        let map = Node::Map(vec![
            entry("kind", Node::Text("Off".to_owned())),
            entry("list", Node::List(vec![item(line.clone()), item(line)])),
        ]);
        let top = [entry("rate", Node::Plain("1000".to_owned())), entry("all", Node::List(vec![item(map)]))];
        written(&["a file".to_owned()], &top, format)
    }

    #[test]
    fn yaml_has_a_key_behind_each_dash_and_quotes_where_they_are_needed() {
        let expected = "# a file\nrate: 1000\nall:\n  # one of them\n  - kind: \"Off\"\n    list:\n      # one of them\n      \
                        - { id: 0x02, name: \"a: b\" }\n      # one of them\n      - { id: 0x02, name: \"a: b\" }\n";
        assert_eq!(page(DraftFormat::Yaml), expected);
    }

    #[test]
    fn comments_are_broken_at_blanks_before_the_eightieth_column() {
        let comment = format!("{} {}", "word ".repeat(30), "x".repeat(90));
        let text = written(
            &[],
            &[Entry { comments: vec![comment], ..entry("a", Node::Plain("1".to_owned())) }],
            DraftFormat::Json,
        );
        let lengths: Vec<usize> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [1, 79, 79, 5 + 90, 8, 1], "{text}");
    }

    #[test]
    fn json_has_commas_between_and_hexadecimal_numbers_as_text() {
        let text = page(DraftFormat::Json);
        let bare: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let value: serde_json::Value = serde_json::from_str(&bare).unwrap();
        assert_eq!(value["all"][0]["list"][1]["id"], "0x02", "{text}");
    }

    #[test]
    fn the_ending_says_the_format() {
        let of = |path: &str| DraftFormat::of(Path::new(path));
        assert_eq!([of("a.yaml"), of("b.YML"), of("-")], [DraftFormat::Yaml; 3]);
        assert_eq!([of("a.json"), of("rig"), of("yaml")], [DraftFormat::Json; 3]);
    }
}
