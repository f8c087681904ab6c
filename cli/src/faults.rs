//! `zerocat faults`: every error and fault by its name.

use crate::Done;
use crate::exit::Failure;
use crate::print;
use clap::Args;
use serde::Serialize;
use std::io::IsTerminal;
use zerocat_faults::{Fault, SCHEMA};

/// Width of the table where standard output is no terminal.
const WIDTH: u16 = 80;

/// List errors and faults: name, category, exit code, meaning and what to do. JSON failures, reports and the log use these
/// names, which don't change.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  zerocat faults\n  zerocat faults no_subdevice_answers\n  zerocat faults --json")]
pub(crate) struct Faults {
    /// Only these, instead of all.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Listed {
    schema: &'static str,
    faults: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    category: &'static str,
    exit_code: Option<u8>,
    meaning: &'static str,
    what_to_do: &'static str,
}

impl From<Fault> for Row {
    fn from(fault: Fault) -> Self {
        Self {
            name: fault.name(),
            category: fault.category().name(),
            exit_code: fault.exit_code(),
            meaning: fault.meaning(),
            what_to_do: fault.what_to_do(),
        }
    }
}

impl Faults {
    pub(crate) fn run(&self) -> Done {
        let faults = self.chosen()?;
        if self.json {
            return print::json(&Listed { schema: SCHEMA, faults: faults.into_iter().map(Row::from).collect() });
        }
        print::line(shown(&faults));
        Ok(())
    }

    fn chosen(&self) -> Result<Vec<Fault>, Failure> {
        if self.names.is_empty() {
            return Ok(Fault::ALL.to_vec());
        }
        let named = |name: &String| {
            let unknown = || Failure::usage(format!("there is no fault `{name}`; `zerocat faults` lists all"));
            Fault::named(name).ok_or_else(unknown)
        };
        self.names.iter().map(named).collect()
    }
}

fn shown(faults: &[Fault]) -> String {
    let mut table = print::table(["name", "category", "exit", "meaning, and what to do"]);
    if !std::io::stdout().is_terminal() {
        table.set_width(WIDTH);
    }
    for fault in faults {
        let code = fault.exit_code().map_or_else(|| "-".to_owned(), |code| code.to_string());
        let text = format!("{}\n> {}", fault.meaning(), fault.what_to_do());
        table.add_row([fault.name(), fault.category().name(), &code, &text]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits_80_columns_and_has_every_name() {
        let text = shown(&Fault::ALL);
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(WIDTH)), "{text}");
        assert!(Fault::ALL.iter().all(|fault| text.contains(fault.name())), "{text}");
    }
}
