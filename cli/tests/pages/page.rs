//! A page of the documentation as something to be typed: its commands, what it shows below each, and the files that it has
//! the reader write.
//!
//! A `console` block holds commands, each behind `$ ` or `# `, and below each what is shown. A `yaml` block whose first line
//! is `# NAME.yaml` is a file. In a `text` block nothing is to be done, and no other blocks are there.

/// What the reader does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Types a command.
    Command {
        /// As it is typed.
        command: String,
        /// The lines that are shown then, in this order; others may stand between them.
        shows: Vec<String>,
    },
    /// Writes a file in the folder where the shell is.
    File {
        /// Its name.
        name: String,
        /// What is in it.
        text: String,
    },
}

/// The steps of a page, in order.
///
/// # Panics
/// Where a block is none that the reader knows what to do with.
pub(crate) fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match kind {
            "console" => steps.extend(commands(&block)),
            "yaml" => steps.push(file(&block)),
            "text" => assert!(block.iter().all(|line| command(line).is_none()), "not run:\n{}", block.join("\n")),
            other => panic!("a block of `{other}`: commands belong into `console`, files into `yaml`"),
        }
    }
    steps
}

fn commands(block: &[&str]) -> Vec<Step> {
    let mut steps = Vec::new();
    for line in block {
        match (command(line), steps.last_mut()) {
            (Some(command), _) => steps.push(Step::Command { command: command.to_owned(), shows: Vec::new() }),
            (None, Some(Step::Command { shows, .. })) => shows.push((*line).to_owned()),
            (None, _) => panic!("`{line}` stands below no command"),
        }
    }
    steps
}

fn command(line: &str) -> Option<&str> {
    line.strip_prefix("$ ").or_else(|| line.strip_prefix("# "))
}

fn file(block: &[&str]) -> Step {
    let name = block.first().and_then(|line| line.strip_prefix("# ")).filter(|name| name.ends_with(".yaml"));
    let name = name.unwrap_or_else(|| panic!("a file begins with its name in a comment:\n{}", block.join("\n")));
    Step::File { name: name.to_owned(), text: block.join("\n") }
}

/// Whether a text has these lines in this order. `…` stands for anything, a line of its own for any number of lines.
pub(crate) fn has_lines(text: &str, wanted: &[String]) -> bool {
    let mut lines = text.lines();
    wanted.iter().filter(|line| *line != "…").all(|wanted| lines.any(|line| is_as(line, wanted)))
}

/// Whether a line is as the page has it, blanks at its end apart.
fn is_as(line: &str, wanted: &str) -> bool {
    let (line, wanted) = (line.trim_end(), wanted.trim_end());
    let mut parts = wanted.split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    match last {
        None => rest.is_empty(),
        Some(last) => last.is_empty() || line.ends_with(last),
    }
}

#[test]
fn a_page_is_commands_with_what_they_show_and_files() {
    let page = "Text\n```console\n$ one\n# two\nshown\n```\n```yaml\n# a.yaml\nkey: 1\n```\n```text\nseen\n```\n";
    let command = |command: &str, shows: &[&str]| Step::Command {
        command: command.to_owned(),
        shows: shows.iter().map(|&line| line.to_owned()).collect(),
    };
    let file = Step::File { name: "a.yaml".to_owned(), text: "# a.yaml\nkey: 1".to_owned() };
    assert_eq!(steps(page), [command("one", &[]), command("two", &["shown"]), file]);
}

#[test]
fn lines_may_have_others_between_them_and_dots_for_what_differs() {
    let has =
        |text: &str, wanted: &[&str]| has_lines(text, &wanted.iter().map(|&line| line.to_owned()).collect::<Vec<_>>());
    assert!(has("a\nb  \nc", &["a", "…", "b", "c"]));
    assert!(!has("a\nb\nc", &["b", "a"]));
    assert!(has("OP after 1612 ms on ecm0", &["OP after … ms on …"]));
    assert!(has("1795,561,0,0", &["…,561,0,…"]));
    assert!(!has("1795,576,0,0", &["…,561,0,…"]));
    assert!(!has("in OPEN", &["in OP"]));
    assert!(!has("abc", &["a…b"]));
}
