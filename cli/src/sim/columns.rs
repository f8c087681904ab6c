//! Columns of the live table: which of them fit the terminal, and what they show.

use super::rates::Activity;
use super::summary::{difference, position, state, trouble};
use zerocat_sim::SubDeviceSnapshot;

/// What a line shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) subdevice: &'a SubDeviceSnapshot,
    /// Difference of its clock from the reference clock, in ns.
    pub(super) clock: Option<i64>,
    /// What it did in the last second.
    pub(super) activity: Activity,
}

enum Align {
    Left,
    Right,
}

struct Column {
    title: &'static str,
    width: fn(usize) -> usize,
    align: Align,
    /// Width from which a terminal shows it.
    from: usize,
    text: fn(&Row<'_>) -> String,
}

impl Column {
    const fn right(title: &'static str, width: fn(usize) -> usize, text: fn(&Row<'_>) -> String) -> Self {
        Self { title, width, align: Align::Right, from: 0, text }
    }

    const fn left(title: &'static str, width: fn(usize) -> usize, text: fn(&Row<'_>) -> String) -> Self {
        Self { title, width, align: Align::Left, from: 0, text }
    }

    const fn from(self, from: usize) -> Self {
        Self { from, ..self }
    }

    fn fit(&self, text: &str, terminal: usize) -> String {
        let width = (self.width)(terminal);
        match self.align {
            Align::Left => format!("{:<width$}", cut(text, width)),
            Align::Right => format!("{:>width$}", cut(text, width)),
        }
    }
}

/// From left to right; the last one takes what is left of the line.
const COLUMNS: [Column; 12] = [
    Column::right("no", |_| 4, |row| row.subdevice.index.to_string()),
    Column::right("pos", |_| 4, |row| position(row.subdevice)),
    Column::left("name", name_width, |row| row.subdevice.name.clone()),
    Column::left("type", |_| 10, |row| row.subdevice.order.clone()).from(100),
    Column::left("state", |_| 11, |row| state(row.subdevice)),
    Column::right("cyc/s", |_| 6, |row| row.activity.cyclic.to_string()),
    Column::right("mail/s", |_| 6, |row| row.activity.mails.to_string()),
    Column::right("mails", |_| 7, |row| row.subdevice.mailbox_requests.to_string()).from(120),
    Column::right("clock", |_| 9, |row| difference(row.clock)),
    Column::right("wdog", |_| 4, |row| row.subdevice.watchdog_expiries.to_string()),
    Column::right("port", |_| 4, |row| row.subdevice.port_errors.to_string()),
    Column::left("faults", |terminal| terminal, |row| trouble(row.subdevice)),
];

fn name_width(terminal: usize) -> usize {
    match terminal {
        0..100 => 12,
        100..140 => 20,
        _ => 28,
    }
}

fn line(terminal: usize, text: impl Fn(&Column) -> String) -> String {
    let shown = COLUMNS.iter().filter(|column| column.from <= terminal);
    let cells: Vec<String> = shown.map(|column| column.fit(&text(column), terminal)).collect();
    cut(cells.join(" ").trim_end(), terminal)
}

/// The line above the table.
pub(super) fn header(terminal: usize) -> String {
    format!("{:<terminal$}", line(terminal, |column| column.title.to_owned()))
}

/// A line of the table.
pub(super) fn row(row: &Row<'_>, terminal: usize) -> String {
    line(terminal, |column| (column.text)(row))
}

/// Titles of the columns that the terminal has no room for.
pub(super) fn left_out(terminal: usize) -> Vec<&'static str> {
    COLUMNS.iter().filter(|column| column.from > terminal).map(|column| column.title).collect()
}

/// Cuts a text to `width` characters, the last of them `…` where some are left out.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_sim::{Segment, SegmentConfig};

    #[test]
    fn every_line_fits_the_terminal_and_says_what_it_leaves_out() {
        let snapshot = Segment::new(&SegmentConfig::demo()).unwrap().snapshot();
        let subdevice = &snapshot.subdevices[5];
        let activity = Activity { cyclic: 1000, mails: 12 };
        for terminal in [40, 80, 100, 120, 160] {
            let text = row(&Row { subdevice, clock: Some(-1_234), activity }, terminal);
            assert!(text.chars().count() <= terminal, "{text}");
            assert_eq!(header(terminal).chars().count(), terminal);
            let missing = |title: &&str| header(terminal).split_whitespace().all(|word| word != *title);
            assert!(left_out(terminal).iter().all(missing), "{}", header(terminal));
        }
        assert_eq!((left_out(80), left_out(160)), (vec!["type", "mails"], vec![]));
        let narrow = row(&Row { subdevice, clock: Some(-1_234), activity }, 80);
        assert_eq!(narrow, "   5    5 axis         INIT          1000     12   -1.2 us    0    0");
    }
}
