//! The list as the page `docs/faults.md`.

use crate::{Category, Fault, SCHEMA};
use std::fmt::Write;

const CATEGORIES: [(Category, &str); 5] = [
    (Category::Network, "between the devices: cables, connectors, loss, corruption, another MainDevice"),
    (Category::Device, "in a SubDevice: no answer, a refused state, an identity or a mapping that differs"),
    (Category::Master, "in this machine or program: resources, privileges, timing, files that take no more"),
    (Category::Config, "in a file that was given to a command"),
    (Category::User, "in how a command was called or ended"),
];

const HEAD: &str = "\
Every error and fault has a name. JSON failures, the report, the log (`fault=`) and `zerocat faults` use the same names. Names
are stable: they may be added within a version of the list, none is renamed, removed or given another meaning. Texts may
change.

`zerocat faults` prints this list, `zerocat faults NAME` one of it, `zerocat faults --json` the list as
";

/// The page, in Markdown.
#[must_use]
pub fn page() -> String {
    let mut page = format!("# Errors and faults\n\n{HEAD}`{SCHEMA}`.\n\n");
    page.push_str("| Category | The cause is looked for |\n|---|---|\n");
    for (category, place) in CATEGORIES {
        // Writing to a string can't fail.
        let _ = writeln!(page, "| {category} | {place} |");
    }
    for code in codes() {
        page.push_str(&section(code));
    }
    page
}

/// Exit codes that faults have, and then none.
fn codes() -> impl Iterator<Item = Option<u8>> {
    (1..=u8::MAX).map(Some).chain([None]).filter(|code| Fault::ALL.iter().any(|fault| fault.exit_code() == *code))
}

fn section(code: Option<u8>) -> String {
    let mut text = match code {
        Some(code) => format!("\n## Exit code {code}\n\n"),
        None => {
            "\n## Told and counted\n\nA command goes on with these, or ends with another of the list.\n\n".to_owned()
        }
    };
    text.push_str("| Name | Category | Meaning | What to do |\n|---|---|---|---|\n");
    for fault in Fault::ALL.iter().filter(|fault| fault.exit_code() == code) {
        let _ = writeln!(text, "| `{fault}` | {} | {} | {} |", fault.category(), fault.meaning(), fault.what_to_do());
    }
    text
}
