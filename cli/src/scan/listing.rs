//! The table of a scan, in the width that there is.
//!
//! Columns that a narrow terminal has no room for are left out as a whole and named below, so that no number is broken over
//! two lines. Where the rest still has no room, names and numbers are broken.

use crate::print;
use comfy_table::ContentArrangement;
use unicode_width::UnicodeWidthStr;
use zerocat::Scanned;

const HEADER: [&str; 11] =
    ["pos", "name", "vendor", "product", "revision", "serial", "alias", "on", "in", "out", "map"];
/// Columns that are left out, in this order.
const DISPENSABLE: [&str; 4] = ["alias", "on", "serial", "map"];

/// The cells of a SubDevice.
type Cells = [String; HEADER.len()];

/// A line for each SubDevice in so many columns of a terminal; any number of them where there is none.
pub(super) fn listing(subdevices: &[Scanned], columns: Option<usize>) -> String {
    in_columns(&subdevices.iter().map(cells).collect::<Vec<_>>(), columns)
}

fn in_columns(rows: &[Cells], columns: Option<usize>) -> String {
    let mut left_out: &[&str] = &[];
    for count in 0..=DISPENSABLE.len() {
        left_out = DISPENSABLE.get(..count).unwrap_or(&DISPENSABLE);
        let text = table(rows, left_out, None);
        if columns.is_none_or(|columns| text.lines().all(|line| line.width() <= columns)) {
            return with_note(text, left_out);
        }
    }
    with_note(table(rows, left_out, columns), left_out)
}

fn with_note(table: String, left_out: &[&str]) -> String {
    if left_out.is_empty() {
        return table;
    }
    format!("{table}\nno room for {}: see a wider terminal, or --json", left_out.join(", "))
}

fn table(rows: &[Cells], left_out: &[&str], columns: Option<usize>) -> String {
    let kept = |cells: [&str; HEADER.len()]| -> Vec<String> {
        HEADER.iter().zip(cells).filter(|(name, _)| !left_out.contains(name)).map(|(_, cell)| cell.to_owned()).collect()
    };
    let mut table = print::table(kept(HEADER));
    table.set_content_arrangement(ContentArrangement::Disabled);
    if let Some(columns) = columns {
        let width = u16::try_from(columns).unwrap_or(u16::MAX);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    for row in rows {
        table.add_row(kept(row.each_ref().map(String::as_str)));
    }
    table.to_string()
}

fn cells(found: &Scanned) -> Cells {
    [
        found.position.to_string(),
        found.name.clone(),
        found.identity.vendor(),
        format!("{:#010x}", found.identity.product_code),
        format!("{:#010x}", found.identity.revision),
        found.identity.serial.to_string(),
        found.alias.to_string(),
        found.parent.map_or_else(|| "-".to_owned(), |parent| parent.to_string()),
        format!("{} bit", found.input_bits),
        format!("{} bit", found.output_bits),
        match (&found.error, found.pdo_source) {
            (Some(_), _) => "not read".to_owned(),
            (None, Some(source)) => source.to_string(),
            (None, None) => "-".to_owned(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> [Cells; 2] {
        [
            ["0", "EK1100", "Beckhoff", "0x044c2c52", "0x00110000", "1001", "0", "-", "0 bit", "0 bit", "-"],
            ["1", "ZC-SERVO", "0x00007a63", "0x00000402", "0x00000001", "1006", "0", "0", "96 bit", "64 bit", "CoE"],
        ]
        .map(|cells| cells.map(str::to_owned))
    }

    #[test]
    fn a_narrow_terminal_leaves_columns_out_and_breaks_no_number() {
        for columns in [70, 80, 120] {
            let text = in_columns(&rows(), Some(columns));
            assert!(text.lines().all(|line| line.width() <= columns), "{columns}\n{text}");
            assert!(
                ["0x044c2c52", "0x00007a63", "0x00000001", "64 bit"].iter().all(|cell| text.contains(cell)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_left_out_is_named() {
        assert!(in_columns(&rows(), Some(80)).ends_with("no room for alias, on: see a wider terminal, or --json"));
        assert_eq!(in_columns(&rows(), Some(120)), in_columns(&rows(), None));
    }

    #[test]
    fn where_all_else_is_left_out_the_rest_is_broken() {
        let text = in_columns(&rows(), Some(40));
        assert!(text.contains("no room for alias, on, serial, map"), "{text}");
    }
}
