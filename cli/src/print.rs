//! Tables, JSON and files.

use crate::exit::Failure;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;
use std::fmt::Display;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// A table with a header and no lines.
pub(crate) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    table
}

/// Prints a line to standard output. That its reader has gone (`| head`) is no fault: nobody misses the rest.
pub(crate) fn line(text: impl Display) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}")
        && error.kind() != ErrorKind::BrokenPipe
    {
        eprintln!("standard output: {error}");
    }
}

/// Prints a value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::running(format!("print JSON: {error}")))?;
    line(text);
    Ok(())
}

/// Prints a value as one line of JSON.
pub(crate) fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::running(format!("print JSON: {error}")))?;
    line(text);
    Ok(())
}

/// Writes a value as indented JSON into a file.
pub(crate) fn json_file(value: &impl Serialize, path: &Path) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::running(format!("print JSON: {error}")))?;
    std::fs::write(path, text + "\n").map_err(|error| Failure::running(format!("write {}: {error}", path.display())))
}

/// Nanoseconds for people: `950 ns`, `12.3 us`, `4.56 ms`.
pub(crate) fn time(nanos: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = nanos as f64;
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{:.1} us", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", value / 1e6),
        _ => format!("{:.2} s", value / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_unit_that_fits() {
        assert_eq!([999, 12_345, 4_560_000, 2_000_000_000].map(time), ["999 ns", "12.3 us", "4.56 ms", "2.00 s"]);
    }
}
