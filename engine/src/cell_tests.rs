//! Tests of the cell with threads. Not in its own file: `tests/cell_model.rs` takes that in with other atomics.

use crate::cell::cell;

#[test]
fn a_reader_never_sees_half_a_write_nor_an_older_one() {
    let (mut writer, reader) = cell(40);
    let watcher = std::thread::spawn(move || {
        let (mut last, mut words) = (0, [0; 40]);
        while last < 20_000 {
            reader.read(&mut words);
            assert!(words.iter().all(|word| *word == words[0]), "torn: {words:?}");
            assert!(words[0] >= last);
            last = words[0];
        }
    });
    for n in 1..=20_000 {
        writer.write([n; 40]);
    }
    watcher.join().unwrap();
}

#[test]
fn a_reader_is_told_that_the_writer_is_gone() {
    let (mut writer, reader) = cell(1);
    let before = reader.sequence();
    writer.write([7]);
    assert!(reader.sequence() != before && !reader.is_closed());
    drop(writer);
    let mut words = [0];
    reader.read(&mut words);
    assert!(reader.is_closed() && words == [7]);
}
