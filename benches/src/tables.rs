//! The layout of the benches' tables.

use comfy_table::{CellAlignment, Table, presets};

/// A table without rules.
pub(crate) fn plain(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    table
}

/// Aligns the columns from `first` on to the right, as they hold numbers.
pub(crate) fn right_from(table: &mut Table, first: usize) {
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}
