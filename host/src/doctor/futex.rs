//! The check of the table in which the kernel keeps what waits for a lock.

use super::check::{Check, Level, Question};
use zerocat_sched::FutexHash;
use zerocat_sched::futex::{self, SLOTS};

/// Asks for the table that a run asks for, for this process, and reads back what it got.
pub(super) fn read() -> FutexHash {
    // What it said is in what is read back.
    let _ = futex::make_private();
    FutexHash::of_this_process()
}

/// Judges what a process gets that asks for a table of its own.
pub(super) fn judge(got: FutexHash) -> Check {
    let question = Question {
        id: "futex_hash",
        title: "Locks of ordinary threads",
        wanted: "a table of its own for each process",
        why: "in the table of all processes, a thread that takes a lock may wait for a process that it has nothing to do with",
    };
    match got {
        FutexHash::Private { slots } if slots >= SLOTS => question.ok(format!("{slots} slots, which a run asks for")),
        FutexHash::Private { slots } => question.info(format!("{slots} slots; a run asks for {SLOTS} and is refused")),
        FutexHash::Shared => question.info("the table of all processes; one of its own is refused"),
        FutexHash::Unsupported => question.finding(
            Level::Info,
            "the table of all processes",
            "boot Linux 6.17 or newer with CONFIG_FUTEX_PRIVATE_HASH; a run then asks for a table by itself",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_table_of_the_size_that_is_asked_for_is_as_wanted() {
        let level = |got| judge(got).level;
        assert_eq!(level(FutexHash::Private { slots: SLOTS }), Level::Ok);
        for got in [FutexHash::Private { slots: SLOTS / 2 }, FutexHash::Shared, FutexHash::Unsupported] {
            assert_eq!(level(got), Level::Info, "{got:?}");
        }
    }

    #[test]
    fn what_is_read_is_what_a_run_gets() {
        let expected = if futex::make_private().is_some() { Level::Ok } else { Level::Info };
        assert_eq!(judge(read()).level, expected);
    }
}
