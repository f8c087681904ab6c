//! A process that runs out of file descriptors is told so by everything that opens some. The test is a process of its
//! own, because the limit is one of the process. It needs root, and fails without it.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use zerocat_link::Sizing;
use zerocat_link::lock::InterfaceLock;
use zerocat_link::packet::PacketLink;
use zerocat_testkit::netns::in_private_netns;

/// Runs with a limit, and puts the old one back.
fn with_limit<T>(limit: u64, work: impl FnOnce() -> T) -> T {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("the limit is read");
    setrlimit(Resource::RLIMIT_NOFILE, limit, hard).expect("below the hard limit");
    let done = work();
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).expect("the limit of before");
    done
}

/// Tries with one descriptor more at a time. Each attempt must give a value, or an error that names the limit.
fn try_all<T>(open: impl Fn() -> Result<T, (Option<&'static str>, String)>) {
    let had = (3..24).map(|limit| match with_limit(limit, &open) {
        Ok(_) => true,
        Err((named, text)) => {
            assert_eq!(named, Some("RLIMIT_NOFILE"), "{limit}: {text}");
            assert!(text.starts_with("too many open files: "), "{limit}: {text}");
            assert!(text.contains(&format!("the limit is {limit}; raise it (ulimit -n")), "{limit}: {text}");
            false
        }
    });
    let had: Vec<bool> = had.collect();
    assert!(had.is_sorted() && had.first() == Some(&false) && had.last() == Some(&true), "{had:?}");
}

#[test]
fn whatever_the_limit_of_open_files_a_link_and_a_lock_are_had_or_the_limit_is_named() {
    in_private_netns(|veth| {
        try_all(|| InterfaceLock::take(&veth.master).map_err(|error| (error.limit(), error.to_string())));
        let sizing = Sizing { slots: 4, receive: 4 };
        try_all(|| PacketLink::open(&veth.master, sizing).map_err(|error| (error.limit(), error.to_string())));
    });
}
