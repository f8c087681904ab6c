//! Mounts that are visible only to the calling thread and what it starts afterwards. They need root.
//!
//! The kernel removes them when the thread ends.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::path::Path;

/// Mounts the sysfs of the thread's own network namespace over `/sys`.
///
/// # Panics
/// Without CAP_SYS_ADMIN.
pub fn own_sysfs() {
    mount_privately("sysfs", Path::new("/sys"), None);
}

/// Mounts an empty tmpfs of `size` (for example `16k`) over a directory.
///
/// # Panics
/// Without CAP_SYS_ADMIN; when the directory isn't there.
pub fn small_disk(directory: &Path, size: &str) {
    mount_privately("tmpfs", directory, Some(&format!("size={size}")));
}

fn mount_privately(kind: &str, directory: &Path, options: Option<&str>) {
    let nothing = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing))
        .unwrap_or_else(|error| panic!("needs CAP_SYS_ADMIN: make a mount namespace: {error}"));
    mount(Some(kind), directory, Some(kind), MsFlags::empty(), options)
        .unwrap_or_else(|error| panic!("mount a {kind} on {}: {error}", directory.display()));
}
