//! What the calling thread may do: the capabilities that AF_XDP needs, and how much memory it may lock.
//!
//! Where the capabilities can't be read, all are assumed, so that the kernel decides.

use crate::error::XdpError;
use zerocat_sched::Capabilities;

/// What each capability is needed for.
const NEEDED: [(Capabilities, &str); 3] = [
    (Capabilities::NET_ADMIN, "attach an XDP program"),
    (Capabilities::NET_RAW, "open an AF_XDP socket"),
    (Capabilities::BPF, "load an XDP program"),
];

/// Whether this thread may open an AF_XDP socket with a program.
///
/// # Errors
/// `NoPermission`, with every capability that is missing.
pub(crate) fn check() -> Result<(), XdpError> {
    match own() {
        Some(own) => check_those(own),
        None => Ok(()),
    }
}

/// Whether this thread can look at the programs of others.
pub(crate) fn sees_all_programs() -> bool {
    own().is_none_or(|own| own.contains(Capabilities::SYS_ADMIN))
}

fn own() -> Option<Capabilities> {
    Capabilities::of_this_thread().ok()
}

fn check_those(own: Capabilities) -> Result<(), XdpError> {
    // CAP_BPF was split off from CAP_SYS_ADMIN (Linux 5.8), which still allows the same.
    let granted = |one| own.contains(one) || (one == Capabilities::BPF && own.contains(Capabilities::SYS_ADMIN));
    let missing: Vec<_> = NEEDED.into_iter().filter(|(one, _)| !granted(*one)).collect();
    if missing.is_empty() { Ok(()) } else { Err(XdpError::NoPermission { missing }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_missing_capability() {
        let error = check_those(Capabilities::NET_ADMIN).unwrap_err().to_string();
        assert!(error.contains("CAP_NET_RAW") && error.contains("CAP_BPF"), "{error}");
        assert!(!error.contains("CAP_NET_ADMIN"), "{error}");
    }

    #[test]
    fn sys_admin_stands_in_for_bpf() {
        let own = Capabilities::NET_ADMIN.union(Capabilities::NET_RAW).union(Capabilities::SYS_ADMIN);
        assert!(check_those(own).is_ok());
    }
}
