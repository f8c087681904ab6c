//! The seqlock cell, `src/cell.rs` itself, under loom: every order of its loads and stores that the memory model allows.
//!
//! loom's atomics are in the place of the standard library's (`crate::sync`), so that it needs no flag and no build of its own.
//! Kept small, because the number of orders grows with each operation: two words, one write.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

#[allow(dead_code, reason = "the parts that need no model")]
#[path = "../src/cell.rs"]
mod cell;
mod sync {
    pub(crate) use loom::hint::spin_loop;
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
}

use cell::cell;

#[test]
fn in_no_order_does_a_reader_see_half_a_write() {
    loom::model(|| {
        let (mut writer, reader) = cell(2);
        let thread = loom::thread::spawn(move || writer.write([1; 2]));
        let mut words = [0; 2];
        let sequence = reader.read(&mut words);
        assert_eq!(words, [sequence / 2; 2]);
        thread.join().unwrap();
    });
}

#[test]
fn in_no_order_does_a_reader_see_an_older_write_than_before() {
    loom::model(|| {
        let (mut writer, reader) = cell(1);
        let thread = loom::thread::spawn(move || writer.write([1]));
        let (mut first, mut second) = ([0], [0]);
        let before = reader.read(&mut first);
        assert!(reader.read(&mut second) >= before && second >= first);
        thread.join().unwrap();
    });
}

#[test]
fn in_no_order_is_the_writer_gone_before_its_last_write_is_seen() {
    loom::model(|| {
        let (mut writer, reader) = cell(1);
        let thread = loom::thread::spawn(move || {
            writer.write([7]);
            drop(writer);
        });
        if reader.is_closed() {
            let mut words = [0];
            reader.read(&mut words);
            assert_eq!(words, [7]);
        }
        thread.join().unwrap();
    });
}
