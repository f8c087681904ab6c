//! Checks that this process may open a number of files before it needs them.
//!
//! A library that runs out of file descriptors half-way reports the step that failed and not the cause: libxdp says "No
//! such file or directory". So code that needs several descriptors checks first. Not guaranteed: that another thread
//! doesn't take them in between.

use std::fmt;
use std::fs::File;
use std::io;

use nix::sys::resource::{Resource, getrlimit};

/// Fewer file descriptors are left than are needed.
#[derive(Debug)]
pub struct TooManyFiles {
    /// Descriptors that are needed.
    pub needed: usize,
    /// How many this process may have open, if its limit is the cause.
    pub limit: Option<u64>,
    /// What the operating system said: `EMFILE`, or `ENFILE` where the limit is the host's.
    pub source: io::Error,
}

impl fmt::Display for TooManyFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed, limit, source } = self;
        write!(
            f,
            "too many open files: {needed} more are needed, and the limit is {}; raise it ({})",
            bound(*limit),
            remedy(source)
        )
    }
}

impl std::error::Error for TooManyFiles {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl TooManyFiles {
    /// Name of the limit that is in the way.
    #[must_use]
    pub fn limit(&self) -> &'static str {
        if self.source.raw_os_error() == Some(libc::ENFILE) { "fs.file-max" } else { "RLIMIT_NOFILE" }
    }
}

fn bound(limit: Option<u64>) -> String {
    limit.map_or_else(|| "the host's".to_owned(), |limit| limit.to_string())
}

fn remedy(source: &io::Error) -> &'static str {
    match source.raw_os_error() {
        Some(libc::ENFILE) => "sysctl fs.file-max",
        _ => "ulimit -n, or LimitNOFILE= in a systemd unit",
    }
}

/// Opens this many descriptors and closes them at once.
///
/// # Errors
/// `TooManyFiles`.
pub fn ensure(needed: usize) -> Result<(), TooManyFiles> {
    let mut held = Vec::with_capacity(needed);
    for _ in 0..needed {
        match File::open("/") {
            Ok(file) => held.push(file),
            Err(source) if matches!(source.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
                let own = getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft);
                let limit = own.filter(|_| source.raw_os_error() == Some(libc::EMFILE));
                return Err(TooManyFiles { needed, limit, source });
            }
            // It can't be opened for another reason, which says nothing about descriptors.
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}
