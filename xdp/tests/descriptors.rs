//! A process without file descriptors left is told so. A process of its own, because the limit is the process's. Needs
//! root, and fails without.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::error::Error;
use std::io;
use support::SIZING;
use zerocat_testkit::netns::in_private_netns;
use zerocat_xdp::{Mode, Reflector, XdpError, XdpLink, XdpOptions};

/// The operating system's error at the root of an error.
fn root(error: &(dyn Error + 'static)) -> Option<i32> {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error)
}

/// Runs with a limit, and puts the old one back.
fn with_limit<T>(limit: u64, work: impl FnOnce() -> T) -> T {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("the limit is read");
    setrlimit(Resource::RLIMIT_NOFILE, limit, hard).expect("below the hard limit");
    let done = work();
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).expect("the limit of before");
    done
}

/// Whether it could be had with so few descriptors; where not, the error must be about them.
fn is_had<T>(limit: u64, open: impl FnOnce() -> Result<T, XdpError>) -> bool {
    let Err(error) = with_limit(limit, open) else { return true };
    assert_eq!(root(&error), Some(libc::EMFILE), "{limit}: {error:?}");
    assert_eq!(error.limit(), Some("RLIMIT_NOFILE"), "{limit}: {error:?}");
    assert!(error.to_string().contains(&format!("the limit is {limit}; raise it (ulimit -n")), "{limit}: {error}");
    false
}

#[test]
fn whatever_the_limit_of_open_files_a_link_is_had_or_the_limit_is_named() {
    in_private_netns(|veth| {
        // Numbers that this process has open already, and then one more at a time.
        let options = XdpOptions::new(&veth.master, SIZING);
        let link: Vec<bool> = (3..64).map(|limit| is_had(limit, || XdpLink::open(&options))).collect();
        assert!(link.is_sorted() && link.first() == Some(&false) && link.last() == Some(&true), "{link:?}");
        let reflector: Vec<bool> =
            (3..64).map(|limit| is_had(limit, || Reflector::attach(&veth.peer, Mode::NativeCopy))).collect();
        assert!(reflector.is_sorted() && reflector.last() == Some(&true), "{reflector:?}");
    });
}
