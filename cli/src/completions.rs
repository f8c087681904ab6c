//! `zerocat completions`: what completes arguments in a shell.

use crate::{Cli, Done, print};
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

const EXAMPLES: &str = "\
Examples:
  zerocat completions bash > /usr/share/bash-completion/completions/zerocat
  zerocat completions zsh > /usr/share/zsh/vendor-completions/_zerocat
  zerocat completions fish > ~/.config/fish/completions/zerocat.fish
  source <(zerocat completions bash)";

/// Print what completes zerocat's commands and options in a shell.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// Which shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    #[expect(clippy::unnecessary_wraps, reason = "commands end in a result")]
    pub(crate) fn run(&self) -> Done {
        print::line(script(self.shell).trim_end());
        Ok(())
    }
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut shown(&Cli::command()), "zerocat", &mut script);
    let script = String::from_utf8_lossy(&script);
    if shell == Shell::Bash { with_files(&script) } else { script.into_owned() }
}

/// A command without what `--help` hides.
fn shown(command: &clap::Command) -> clap::Command {
    // Names are static; the process ends soon.
    let name: &'static str = command.get_name().to_owned().leak();
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    let mut all = clap::Command::new(name).args(arguments.cloned()).subcommands(below.map(shown));
    if let Some(about) = command.get_about() {
        all = all.about(about.clone());
    }
    if command.get_version().is_some() { all.version(env!("CARGO_PKG_VERSION")) } else { all }
}

/// The script for bash with options offered only behind a dash: where none of the other words fits, bash offers files.
fn with_files(script: &str) -> String {
    const OFFER: &str = "COMPREPLY=( $(compgen -W \"${opts}\" -- \"${cur}\") )";
    const WORDS: &str = "COMPREPLY=( $(compgen -X '-*' -W \"${opts}\" -- \"${cur}\") )";
    // The first word behind a command may be a file as well.
    let first = script.lines().map(|line| match line.split_once(" || ${COMP_CWORD} -eq ") {
        Some((dash, _)) => format!("{dash} ]] ; then"),
        None => line.to_owned(),
    });
    let (mut behind_a_dash, mut lines) = (false, Vec::new());
    for line in first {
        let is_offer = line.trim() == OFFER;
        lines.push(if is_offer && !behind_a_dash { line.replace(OFFER, WORDS) } else { line.clone() });
        behind_a_dash = line.trim_start().starts_with("if [[ ${cur} == -*");
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part of the script for bash that is about a command.
    fn of(command: &str) -> String {
        let script = script(Shell::Bash);
        let part = script.split_once(&format!("        zerocat__subcmd__{command})\n")).unwrap().1;
        part.split_once("        zerocat__subcmd__").map_or(part, |(part, _)| part).to_owned()
    }

    #[test]
    fn what_help_hides_is_not_offered() {
        assert!(of("run").contains("--take-bus") && !of("run").contains("--force"), "{}", of("run"));
        assert!(of("tune").contains("--force"));
        assert!(!script(Shell::Bash).contains("bench__subcmd__row"));
    }

    #[test]
    fn a_command_offers_files_before_a_letter_is_typed_and_options_behind_a_dash() {
        let run = of("run");
        let (dash, other) = run.split_once("return 0").unwrap();
        assert!(dash.contains("if [[ ${cur} == -* ]] ; then") && dash.contains("$(compgen -W \"${opts}\""), "{run}");
        assert!(other.contains("$(compgen -X '-*' -W") && !other.contains("$(compgen -W \"${opts}\""), "{run}");
    }
}
