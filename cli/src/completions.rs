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
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "zerocat", &mut script);
        print::line(String::from_utf8_lossy(&script).trim_end());
        Ok(())
    }
}
