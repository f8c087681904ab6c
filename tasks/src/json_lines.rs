//! Batches as JSON lines (`docs/json-lines.md`).

use crate::batch::Batch;
use crate::header::Header;
use crate::sink::Sink;
use crate::whole_lines::WholeLines;
use std::io;
use zerocat_config::By;

/// Whether what is written begins with what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// It does.
    Header,
    /// It begins with the first batch.
    None,
}

/// JSON lines: what they hold, then one line for each batch.
#[derive(Debug)]
pub struct JsonLines {
    lines: WholeLines,
    by: By,
    beginning: Beginning,
    /// The header, as long as it isn't written.
    owed: Vec<u8>,
    text: Vec<u8>,
}

impl JsonLines {
    /// To a writer.
    #[must_use]
    pub const fn new(lines: WholeLines, by: By, beginning: Beginning) -> Self {
        Self { lines, by, beginning, owed: Vec::new(), text: Vec::new() }
    }

    fn write(&mut self) -> io::Result<()> {
        self.lines.write(&self.text)?;
        self.owed.clear();
        Ok(())
    }
}

impl Sink for JsonLines {
    fn begin(&mut self, header: &Header) -> io::Result<()> {
        if self.beginning == Beginning::None {
            return Ok(());
        }
        self.owed = serde_json::to_vec(&header.described(self.by))?;
        self.owed.push(b'\n');
        self.text.clone_from(&self.owed);
        self.write()
    }

    /// A batch without a channel that lines know so isn't written.
    fn take(&mut self, batch: &Batch) -> io::Result<()> {
        if batch.header.keys(self.by).next().is_none() {
            return Ok(());
        }
        self.text.clone_from(&self.owed);
        serde_json::to_writer(&mut self.text, &batch.line(self.by))?;
        self.text.push(b'\n');
        self.write()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Kind;
    use crate::header::tests::header;
    use crate::mapping::tests::placed;
    use crate::whole_lines::tests::Disk;
    use std::sync::Arc;
    use zerocat_pdi::DataType;

    fn batch() -> Batch {
        Batch::new(Arc::new(header(Kind::Samples, &[placed(7, DataType::Uint8, 0, 8)])))
    }

    fn sink(disk: &Disk, beginning: Beginning) -> JsonLines {
        JsonLines::new(disk.lines(), By::Name, beginning)
    }

    #[test]
    fn what_the_lines_hold_is_said_once_before_them() {
        let (disk, batch) = (Disk::with_room(1000), batch());
        let mut sink = sink(&disk, Beginning::Header);
        sink.begin(&batch.header).unwrap();
        sink.take(&batch).unwrap();
        sink.take(&batch).unwrap();
        let kinds: Vec<_> = disk.text().lines().map(|line| line.split('"').nth(7).unwrap().to_owned()).collect();
        assert_eq!(kinds, ["channels", "samples", "samples"]);
    }

    #[test]
    fn a_header_that_found_no_room_comes_before_the_next_batch() {
        let (disk, batch) = (Disk::with_room(0), batch());
        let mut sink = sink(&disk, Beginning::Header);
        assert!(sink.begin(&batch.header).is_err() && sink.take(&batch).is_err());
        disk.set_room(1000);
        sink.take(&batch).unwrap();
        let header = serde_json::to_string(&batch.header.described(By::Name)).unwrap();
        let line = serde_json::to_string(&batch.line(By::Name)).unwrap();
        assert_eq!(disk.text().trim_start(), format!("{header}\n{line}\n"));
    }

    #[test]
    fn without_a_header_the_first_line_is_a_batch() {
        let (disk, batch) = (Disk::with_room(1000), batch());
        let mut sink = sink(&disk, Beginning::None);
        sink.begin(&batch.header).unwrap();
        sink.take(&batch).unwrap();
        assert!(disk.text().starts_with(r#"{"task":"t","kind":"samples""#));
    }

    #[test]
    fn a_batch_without_a_channel_that_has_a_number_is_no_line_by_number() {
        let mut unnumbered = placed(7, DataType::Uint8, 0, 8);
        unnumbered.channel.numbered = false;
        let batch = Batch::new(Arc::new(header(Kind::Samples, &[unnumbered])));
        let disk = Disk::with_room(1000);
        let mut sink = JsonLines::new(disk.lines(), By::Number, Beginning::None);
        sink.take(&batch).unwrap();
        assert_eq!(disk.text(), "");
    }
}
