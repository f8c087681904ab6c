//! What a man page has that its generator doesn't make: a synopsis with values, and sections for examples and exit codes.

use clap::Arg;

/// The line that says how a command is called, as roff.
pub(super) fn synopsis(command: &clap::Command) -> String {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let options = command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set());
    let positionals = command.get_positionals().filter(|arg| !arg.is_hide_set());
    let mut words = vec![bold(name)];
    words.extend(options.map(option));
    words.extend(positionals.map(|arg| optional(arg, values(arg))));
    if command.has_subcommands() {
        words.push("\\fICOMMAND\\fR".to_owned());
    }
    words.join(" ")
}

/// A page of the generator with this synopsis, and with what stands below `--help` in sections of its own.
pub(super) fn revised(made: &str, synopsis: &str) -> String {
    let mut sections = made.split("\n.SH ");
    let mut page = sections.next().unwrap_or_default().to_owned();
    for section in sections {
        page.push('\n');
        match section.split_once('\n') {
            Some(("SYNOPSIS", _)) => page.push_str(&format!(".SH SYNOPSIS\n{synopsis}")),
            Some(("EXTRA", text)) => page.push_str(&below_help(text)),
            _ => page.push_str(&format!(".SH {section}")),
        }
    }
    page.trim_end().to_owned() + "\n"
}

/// Paragraphs with a title and indented lines are sections with these lines as they are; others are notes.
fn below_help(text: &str) -> String {
    let (mut titled, mut notes) = (String::new(), Vec::new());
    for paragraph in text.split("\n\n") {
        let (first, rest) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
        let Some(title) = title(first) else {
            notes.push(paragraph.trim_end().to_owned());
            continue;
        };
        let (lines, more): (Vec<&str>, Vec<&str>) = rest.lines().partition(|line| line.starts_with(' '));
        titled.push_str(&format!(".SH \"{title}\"\n.nf\n{}\n.fi\n", lines.join("\n")));
        notes.extend((!more.is_empty()).then(|| more.join("\n")));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(".SH NOTES\n{}", notes.join("\n.PP\n")) };
    (titled + &notes).trim_end().to_owned()
}

/// The section of a paragraph that begins with this line.
fn title(line: &str) -> Option<&'static str> {
    match line {
        "Example:" | "Examples:" => Some("EXAMPLES"),
        "Exit codes:" => Some("EXIT STATUS"),
        _ => None,
    }
}

fn option(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| bold(&format!("-{short}")));
    let long = arg.get_long().map(|long| bold(&format!("--{long}")));
    let flags = short.into_iter().chain(long).collect::<Vec<_>>().join("|");
    let values = if arg.get_action().takes_values() { format!(" {}", values(arg)) } else { String::new() };
    optional(arg, flags + &values)
}

fn optional(arg: &Arg, text: String) -> String {
    if arg.is_required_set() { text } else { format!("[{text}]") }
}

fn values(arg: &Arg) -> String {
    let names = arg.get_value_names().map(|names| names.join(" "));
    let name = names.unwrap_or_else(|| arg.get_id().as_str().to_uppercase());
    format!("\\fI{}\\fR", escaped(&name))
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('-', "\\-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cli;
    use clap::CommandFactory;

    fn page(of: &str) -> String {
        let mut command = Cli::command();
        command.build();
        let command = if of.is_empty() { command } else { command.find_subcommand(of).unwrap().clone() };
        let (synopsis, mut made) = (synopsis(&command), Vec::new());
        clap_mangen::Man::new(command).render(&mut made).unwrap();
        revised(&String::from_utf8(made).unwrap(), &synopsis)
    }

    #[test]
    fn a_synopsis_has_the_values_of_options() {
        let page = page("run");
        let line = page.split_once(".SH SYNOPSIS\n").unwrap().1.lines().next().unwrap();
        assert!(line.starts_with(r"\fBzerocat run\fR ["), "{line}");
        assert!(line.contains(r"[\fB\-i\fR|\fB\-\-interface\fR \fIINTERFACE\fR]"), "{line}");
        assert!(line.ends_with(r" \fIRIG\fR") && !line.contains("force"), "{line}");
    }

    #[test]
    fn examples_and_exit_codes_are_sections_whose_lines_stay_as_they_are() {
        let run = page("run");
        assert!(run.contains("\n.SH \"EXAMPLES\"\n.nf\n  zerocat run rig.json\n"), "{run}");
        assert!(run.contains("\n.fi\n.SH NOTES\nBounds: "), "{run}");
        assert!(page("").contains("\n.SH \"EXIT STATUS\"\n.nf\n  0  done"), "{}", page(""));
        assert!(!run.contains("EXTRA"), "{run}");
    }
}
